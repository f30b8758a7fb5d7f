//! What every store promises of messages that are held, that replace others, that are to be acknowledged.

use tidings_protocol::{Ref, Reported, Status};
use tidings_relay::{
    Durability, MidNumber, Store,
    store::{
        Accept, Accepted, Ack, Confirmed, Owner, Placed, Position, Said, Wakeup, Which, Withdrawn,
        Word,
    },
};

use crate::store::{
    Bench, DAY, HOUR, attach, confirm, message, mid, name, queued, queued_for_all, read, register,
    statuses, woken,
};

fn held(number: u64, to: &[&str], due: u64) -> Accept {
    let mut accept = message(number, to);
    accept.due_ms = Some(DAY + due);
    accept.wants.receipts = true;
    accept
}

fn keyed(mut accept: Accept, key: &str) -> Accept {
    accept.wants.key = Some(key.to_owned());
    accept.wants.receipts = true;
    accept
}

async fn placed(store: &dyn Store, accept: Accept) -> Vec<Placed> {
    match store.accept(accept).await.unwrap() {
        Accepted::New(placed) => placed,
        other => panic!("not new: {other:?}"),
    }
}

async fn told(store: &dyn Store, of: &str) -> Vec<String> {
    let all = store.receipts(&name(of), Position::START, 1000).await;
    let word = |r: &tidings_relay::store::KeptReceipt| {
        format!("{} {} {}", r.mid.number() - DAY, r.name, r.state.as_str())
    };
    all.unwrap().iter().map(word).collect()
}

fn sender() -> Owner {
    Owner::Client(name("sender"))
}

async fn listed(store: &dyn Store, of: Owner) -> Vec<MidNumber> {
    let scheduled = store.scheduled(of, None, 100).await.unwrap();
    scheduled.messages.iter().map(|m| m.mid).collect()
}

async fn what_is_held_is_read_once_it_is_released(mut bench: Bench) {
    {
        let store = bench.store();
        store.identity().await.unwrap();
        register(&*store, &["sender", "r", "s"]).await;
        let first = queued_for_all(&*store, held(1, &["r", "s"], 500)).await;
        assert!(first.is_held());
        queued(&*store, held(2, &["r"], 400)).await;
        queued(&*store, message(3, &["r"])).await;
        // It counts from the beginning.
        assert_eq!(store.load().await.unwrap().messages, 4);
        assert_eq!(
            statuses(&*store, mid(2)).await,
            [("r".into(), Status::Held)]
        );
        assert_eq!(listed(&*store, sender()).await, [mid(1), mid(2)]);
        assert_eq!(listed(&*store, Owner::Client(name("r"))).await, []);
        assert_eq!(listed(&*store, Owner::All).await, [mid(1), mid(2)]);
        let (lease, _wakeups) = attach(&*store, "r").await;
        assert_eq!(read(&*store, &lease).await, [mid(3)]);
        // Nobody has seen it who could speak of it.
        let settled = store.settle(&name("r"), mid(1), Word::Message, DAY);
        assert_eq!(settled.await.unwrap(), Confirmed::Already);
        let said = Said {
            state: Reported::Read,
            note: None,
            at_ms: DAY,
        };
        assert_eq!(store.report(&name("r"), mid(1), said).await.unwrap(), None);
        let looked = store.expire(DAY + 399).await.unwrap();
        assert_eq!((looked.due, looked.next_ms), (0, Some(DAY + 400)));
    }
    bench.crash();
    let store = bench.store();
    let looked = store.expire(DAY + 600).await.unwrap();
    assert_eq!((looked.due, looked.next_ms), (2, Some(DAY + 400)));
    let (lease, mut wakeups) = attach(&*store, "r").await;
    let released = store.release(DAY + 600, vec![mid(600), mid(601)]).await;
    let released = released.unwrap().messages;
    // The earlier due one is first.
    let expected = [
        (mid(2), vec![name("r")]),
        (mid(1), vec![name("r"), name("s")]),
    ];
    assert_eq!(released, expected);
    assert_eq!(woken(&mut wakeups).await, [Wakeup::Look]);
    // What was accepted before stands before, what comes after behind.
    queued(&*store, message(700, &["r"])).await;
    drop(store);
    bench.crash();
    let store = bench.store();
    // No later mid may be one of its places.
    let highest = store.identity().await.unwrap().highest_mid;
    assert_eq!(highest, Some(mid(700)));
    let (lease2, _wakeups) = attach(&*store, "r").await;
    let lease = if matches!(bench, Bench::Memory(_)) {
        lease2
    } else {
        drop(lease);
        lease2
    };
    let mids = [mid(3), mid(2), mid(1), mid(700)];
    assert_eq!(read(&*store, &lease).await, mids);
    assert_eq!(listed(&*store, Owner::All).await, []);
    let settled = store.settle(&name("r"), mid(2), Word::Message, DAY + 601);
    assert_eq!(settled.await.unwrap(), Confirmed::Done);
    let place = Position::new(mid(601).number());
    assert_eq!(confirm(&*store, &lease, place).await, Confirmed::Done);
    assert_eq!(read(&*store, &lease).await, [mid(3), mid(700)]);
    let expected = [("r".into(), Status::Ok), ("s".into(), Status::Wait)];
    assert_eq!(statuses(&*store, mid(1)).await, expected);
    assert_eq!(told(&*store, "sender").await, ["2 r ok", "1 r ok"]);
}

async fn what_is_cancelled_or_over_is_never_read(mut bench: Bench) {
    {
        let store = bench.store();
        store.identity().await.unwrap();
        register(&*store, &["sender", "r", "s"]).await;
        let mut by_ref = held(1, &["r", "s"], 500);
        by_ref.reference = Some((Ref::new("a").unwrap(), [1; 32]));
        queued_for_all(&*store, by_ref).await;
        queued(&*store, held(2, &["r"], 500)).await;
        let mut short = held(3, &["r"], 500);
        short.expires_ms = DAY + 550;
        queued(&*store, short).await;
        let mut foreign = held(4, &["r"], 500);
        (foreign.sender, foreign.by) = (None, "mark".to_owned());
        queued(&*store, foreign).await;
        let other = Owner::Client(name("r"));
        let refused = store.cancel(other, Which::Mid(mid(2))).await.unwrap();
        assert_eq!(refused, Withdrawn::default());
        let done = Withdrawn {
            message: Some((mid(1), Some(Ref::new("a").unwrap()))),
            cancelled: true,
        };
        let by_ref = Which::Ref(Ref::new("a").unwrap());
        assert_eq!(store.cancel(sender(), by_ref.clone()).await.unwrap(), done);
        assert_eq!(store.cancel(sender(), by_ref).await.unwrap(), done);
        let by = |mark: &str| Owner::Token(mark.to_owned());
        assert_eq!(listed(&*store, by("other")).await, []);
        assert_eq!(listed(&*store, by("mark")).await, [mid(4)]);
        let taken = store.cancel(Owner::All, Which::Mid(mid(4))).await.unwrap();
        assert!(taken.cancelled);
        assert_eq!(store.load().await.unwrap().messages, 2);
    }
    bench.crash();
    let store = bench.store();
    let looked = store.expire(DAY + 600).await.unwrap();
    assert_eq!((looked.given_up, looked.due), (1, 1));
    store.release(DAY + 600, vec![mid(600)]).await.unwrap();
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(read(&*store, &lease).await, [mid(2)]);
    let late = store.cancel(sender(), Which::Mid(mid(2))).await.unwrap();
    assert!(late.message.is_some() && !late.cancelled);
    let cancelled = ["r", "s"].map(|to| (to.to_owned(), Status::Cancelled));
    assert_eq!(statuses(&*store, mid(1)).await, cancelled);
    assert_eq!(
        statuses(&*store, mid(3)).await,
        [("r".into(), Status::Expired)]
    );
    assert_eq!(told(&*store, "sender").await, ["3 r expired"]);
    confirm(&*store, &lease, Position::new(mid(600).number())).await;
    assert_eq!(store.load().await.unwrap().messages, 0);
}

async fn a_message_takes_the_place_of_those_of_its_key(mut bench: Bench) {
    {
        let store = bench.store();
        store.identity().await.unwrap();
        register(&*store, &["sender", "r", "s"]).await;
        let (_lease, mut wakeups) = attach(&*store, "r").await;
        let first = queued_for_all(&*store, keyed(message(1, &["r", "s"]), "k")).await;
        queued(&*store, keyed(held(2, &["r"], 500), "k")).await;
        queued(&*store, keyed(message(3, &["r"]), "other")).await;
        let mut foreign = keyed(message(4, &["r"]), "k");
        foreign.sender = Some(name("r"));
        queued(&*store, foreign).await;
        woken(&mut wakeups).await;
        let place = Position::new(mid(5).number());
        let placed = placed(&*store, keyed(message(5, &["r"]), "k")).await;
        assert_eq!(placed, [Placed::InPlaceOf(place, mid(1))]);
        // The reader hears of the one that is gone before it hears of the other.
        let heard = woken(&mut wakeups).await;
        assert!(
            matches!(&heard[..], [Wakeup::Expired(gone), Wakeup::Message(m)]
                if *gone == [first] && m.mid == mid(5)),
            "{heard:?}"
        );
        let expected = [("r".into(), Status::Superseded), ("s".into(), Status::Wait)];
        assert_eq!(statuses(&*store, mid(1)).await, expected);
        let told = told(&*store, "sender").await;
        assert_eq!(told, ["1 r superseded", "2 r superseded"]);
        assert_eq!(listed(&*store, Owner::All).await, []);
    }
    bench.crash();
    let store = bench.store();
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(read(&*store, &lease).await, [mid(3), mid(4), mid(5)]);
    assert_eq!(store.load().await.unwrap().messages, 4);
    // One that is held replaces others when it is due: those sent before it.
    queued(&*store, keyed(held(6, &["r"], 600), "k")).await;
    queued(&*store, keyed(held(7, &["r"], 900), "k")).await;
    queued(&*store, keyed(held(8, &["r"], 700), "k")).await;
    assert_eq!(
        read(&*store, &lease).await,
        [mid(3), mid(4), mid(5)],
        "not yet"
    );
    let released = store.release(DAY + 600, vec![mid(600)]).await.unwrap();
    assert_eq!(released.superseded, [(mid(5), name("r"))]);
    let released = store.release(DAY + 700, vec![mid(700)]).await.unwrap();
    assert_eq!(released.superseded, [(mid(6), name("r"))]);
    assert_eq!(listed(&*store, Owner::All).await, []);
    assert_eq!(read(&*store, &lease).await, [mid(3), mid(4), mid(8)]);
    // What is full stays full, and what it would have replaced stays where it is.
    let mut tight = keyed(message(800, &["r"]), "k");
    tight.bound.messages = 2;
    assert_eq!(placed(&*store, tight).await, [Placed::Full]);
    let mut fits = keyed(message(801, &["r"]), "k");
    fits.bound.messages = 3;
    let place = Position::new(mid(801).number());
    assert_eq!(
        placed(&*store, fits).await,
        [Placed::InPlaceOf(place, mid(8))]
    );
}

fn to_acknowledge(number: u64, to: &[&str], first: bool) -> Accept {
    let mut accept = message(number, to);
    let repeat_ms = Some(30_000);
    accept.wants.ack = Some(Ack { first, repeat_ms });
    accept
}

async fn acknowledge(store: &dyn Store, who: &str, of: u64, at_ms: u64) {
    let said = Said {
        state: Reported::Acknowledged,
        note: Some("on it".to_owned()),
        at_ms,
    };
    let counted = store.report(&name(who), mid(of), said).await.unwrap();
    assert!(counted.is_some(), "{who} {of}");
}

async fn reminded(store: &dyn Store, who: &str) -> Vec<(MidNumber, u64)> {
    let all = store.reminders(&name(who)).await.unwrap();
    all.iter().map(|n| (n.mid, n.since_ms)).collect()
}

async fn a_client_is_reminded_from_its_confirmation_to_its_acknowledgement(mut bench: Bench) {
    {
        let store = bench.store();
        register(&*store, &["sender", "r", "s"]).await;
        let (lease, mut wakeups) = attach(&*store, "r").await;
        let position = queued_for_all(&*store, to_acknowledge(1, &["r", "s"], false)).await;
        woken(&mut wakeups).await;
        assert_eq!(reminded(&*store, "r").await, []);
        confirm(&*store, &lease, position).await;
        assert_eq!(woken(&mut wakeups).await, [Wakeup::Reminders]);
        store
            .settle(&name("s"), mid(1), Word::Message, DAY + 5)
            .await
            .unwrap();
    }
    bench.crash();
    let store = bench.store();
    assert_eq!(reminded(&*store, "r").await, [(mid(1), DAY)]);
    assert_eq!(reminded(&*store, "s").await, [(mid(1), DAY + 5)]);
    let kept = store.to_remind(&name("r"), mid(1)).await.unwrap().unwrap();
    assert_eq!(kept.frame, message(1, &[]).frame);
    acknowledge(&*store, "r", 1, DAY + 7).await;
    assert_eq!(store.to_remind(&name("r"), mid(1)).await.unwrap(), None);
    assert_eq!(reminded(&*store, "r").await, []);
    assert_eq!(reminded(&*store, "s").await.len(), 1);
    // Acknowledged before it was confirmed: it is confirmed so.
    let mut short = to_acknowledge(2, &["r"], false);
    short.expires_ms = DAY + HOUR;
    queued(&*store, short.clone()).await;
    acknowledge(&*store, "r", 2, DAY + 8).await;
    assert_eq!(reminded(&*store, "r").await, []);
    // Its time to live ends it, too, and takes nothing back.
    short.mid = mid(3);
    queued(&*store, short).await;
    store
        .settle(&name("r"), mid(3), Word::Message, DAY + 9)
        .await
        .unwrap();
    assert_eq!(reminded(&*store, "r").await.len(), 1);
    let expired = store.expire(DAY + HOUR).await.unwrap();
    assert_eq!(expired.given_up, 0);
    assert_eq!(reminded(&*store, "r").await, []);
    assert_eq!(statuses(&*store, mid(3)).await, [("r".into(), Status::Ok)]);
    assert!(told(&*store, "sender").await.is_empty());
}

async fn the_first_acknowledgement_counts_for_all(mut bench: Bench) {
    {
        let store = bench.store();
        register(&*store, &["sender", "r", "s", "t"]).await;
        let all = ["r", "s", "t", "sender"];
        let mut accept = to_acknowledge(1, &all, true);
        accept.wants.receipts = true;
        queued_for_all(&*store, accept).await;
        for who in ["r", "s"] {
            let settled = store.settle(&name(who), mid(1), Word::Message, DAY);
            settled.await.unwrap();
        }
        let (_lease, mut wakeups) = attach(&*store, "s").await;
        acknowledge(&*store, "r", 1, DAY + 7).await;
        assert_eq!(woken(&mut wakeups).await, [Wakeup::Receipts]);
    }
    bench.crash();
    let store = bench.store();
    for who in ["s", "t"] {
        assert_eq!(told(&*store, who).await, ["1 r acknowledged"]);
        assert_eq!(reminded(&*store, who).await, []);
    }
    let all = store
        .receipts(&name("s"), Position::START, 9)
        .await
        .unwrap();
    assert_eq!(all[0].note.as_deref(), Some("on it"));
    assert!(told(&*store, "r").await.is_empty());
    // Whoever has it still waiting gets it all the same, and is not reminded.
    let (lease, _wakeups) = attach(&*store, "t").await;
    assert_eq!(read(&*store, &lease).await, [mid(1)]);
    confirm(&*store, &lease, Position::new(mid(1).number())).await;
    assert_eq!(reminded(&*store, "t").await, []);
    // The second one is told to the sender alone, who hears of each once.
    acknowledge(&*store, "s", 1, DAY + 9).await;
    assert!(told(&*store, "r").await.is_empty());
    let of_sender = told(&*store, "sender").await;
    let acknowledged = of_sender.iter().filter(|t| t.ends_with("acknowledged"));
    let expected = ["1 r acknowledged", "1 s acknowledged"];
    assert_eq!(acknowledged.collect::<Vec<_>>(), expected);
}

async fn reminders_are_bounded(bench: Bench) {
    let store = bench.store();
    register(&*store, &["r"]).await;
    let most = tidings_relay::store::REMINDERS_EACH as u64;
    for number in 0..most + 3 {
        queued(&*store, to_acknowledge(number, &["r"], false)).await;
        store
            .settle(&name("r"), mid(number), Word::Message, DAY)
            .await
            .unwrap();
    }
    let all = reminded(&*store, "r").await;
    assert_eq!((all.len() as u64, all[0].0), (most, mid(3)));
}

async fn when_clients_were_seen_is_kept(mut bench: Bench) {
    {
        let store = bench.store();
        register(&*store, &["r", "s"]).await;
        assert_eq!(store.seen().await.unwrap(), []);
        let seen = vec![(name("s"), DAY), (name("nobody"), DAY)];
        store.note_seen(seen).await.unwrap();
        store.note_seen(vec![(name("s"), DAY + 1)]).await.unwrap();
    }
    bench.crash();
    let seen = bench.store().seen().await.unwrap();
    assert_eq!(seen, [(name("s"), DAY + 1)]);
}

macro_rules! on_every_store {
    ($($test:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(Bench::memory()).await; })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $test() {
                super::$test(Bench::sqlite(Durability::Os)).await;
            })*
        }
    };
}

on_every_store! {
    what_is_held_is_read_once_it_is_released
    what_is_cancelled_or_over_is_never_read
    a_message_takes_the_place_of_those_of_its_key
    a_client_is_reminded_from_its_confirmation_to_its_acknowledgement
    the_first_acknowledgement_counts_for_all
    reminders_are_bounded
    when_clients_were_seen_is_kept
}
