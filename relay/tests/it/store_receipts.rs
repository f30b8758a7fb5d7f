//! What every store promises about receipts: kept with the change they tell of, once per state, until they
//! are taken; and what recipients may report.

use tidings_protocol::{Reported, State};
use tidings_relay::{
    Durability, MidNumber, Store,
    store::{Counted, KeptReceipt, Position, RECEIPTS_EACH, Said, Wakeup, Word},
};

use crate::store::{
    Bench, DAY, HOUR, attach, confirm, message, mid, name, queued, queued_for_all, read, register,
    statuses, woken,
};

fn wanted(number: u64, to: &[&str]) -> tidings_relay::store::Accept {
    let mut accept = message(number, to);
    accept.wants.receipts = true;
    accept
}

async fn kept(store: &dyn Store, of: &str) -> Vec<KeptReceipt> {
    let all = store.receipts(&name(of), Position::START, 100_000).await;
    all.unwrap()
}

async fn words(store: &dyn Store, of: &str) -> Vec<String> {
    let all = kept(store, of).await;
    let word = |r: &KeptReceipt| format!("{} {} {}", r.mid, r.name, r.state.as_str());
    all.iter().map(word).collect()
}

async fn report(store: &dyn Store, who: &str, of: MidNumber, state: Reported) -> Option<Counted> {
    let said = Said {
        state,
        note: (state == Reported::Acknowledged).then(|| "on it".to_owned()),
        at_ms: DAY + 7,
    };
    store.report(&name(who), of, said).await.unwrap()
}

const NEWS: Option<Counted> = Some(Counted {
    is_news: true,
    confirmed: false,
});
const NO_NEWS: Option<Counted> = Some(Counted {
    is_news: false,
    confirmed: false,
});

async fn changes_are_kept_until_they_are_taken(mut bench: Bench) {
    {
        let store = bench.store();
        register(&*store, &["sender", "r", "s"]).await;
        let (lease, _wakeups) = attach(&*store, "r").await;
        let (_listening, mut heard) = attach(&*store, "sender").await;
        let position = queued_for_all(&*store, wanted(1, &["r", "s"])).await;
        assert!(kept(&*store, "sender").await.is_empty());
        confirm(&*store, &lease, position).await;
        assert_eq!(woken(&mut heard).await, [Wakeup::Receipts]);
        confirm(&*store, &lease, position).await;
        // Nobody asked to hear of this one.
        let silent = queued(&*store, message(2, &["r"])).await;
        confirm(&*store, &lease, silent).await;
        assert_eq!(report(&*store, "r", mid(2), Reported::Read).await, NO_NEWS);
    }
    bench.crash();
    let store = bench.store();
    let first = format!("{} r ok", mid(1));
    assert_eq!(words(&*store, "sender").await, std::slice::from_ref(&first));
    // Still: a receipt goes when it is taken, not when it is read.
    let all = kept(&*store, "sender").await;
    assert_eq!(all[0].at_ms, DAY);
    let taken = all.iter().map(|receipt| receipt.position).collect();
    assert_eq!(
        report(&*store, "r", mid(1), Reported::Acknowledged).await,
        NEWS
    );
    store.take_receipts(&name("sender"), taken).await.unwrap();
    drop(store);
    bench.crash();
    let store = bench.store();
    let all = kept(&*store, "sender").await;
    assert_eq!(
        words(&*store, "sender").await,
        [format!("{} r acknowledged", mid(1))]
    );
    assert_eq!(all[0].note.as_deref(), Some("on it"));
    // A position is never used again: who took one that came before does not take this one.
    assert!(kept(&*store, "r").await.is_empty());
}

async fn a_report_counts_once_and_from_a_recipient_only(mut bench: Bench) {
    {
        let store = bench.store();
        register(&*store, &["sender", "r", "other"]).await;
        let (lease, mut wakeups) = attach(&*store, "r").await;
        queued(&*store, wanted(1, &["r"])).await;
        woken(&mut wakeups).await;
        assert_eq!(report(&*store, "other", mid(1), Reported::Read).await, None);
        assert_eq!(
            report(&*store, "nobody", mid(1), Reported::Read).await,
            None
        );
        assert_eq!(report(&*store, "r", mid(9), Reported::Read).await, None);
        // What waits is confirmed by a report, and not read again.
        let both = Counted {
            is_news: true,
            confirmed: true,
        };
        assert_eq!(
            report(&*store, "r", mid(1), Reported::Dismissed).await,
            Some(both)
        );
        assert!(read(&*store, &lease).await.is_empty());
        assert!(matches!(
            woken(&mut wakeups).await[..],
            [Wakeup::Expired(_)]
        ));
        assert_eq!(
            report(&*store, "r", mid(1), Reported::Dismissed).await,
            NO_NEWS
        );
        assert_eq!(
            report(&*store, "r", mid(1), Reported::Acknowledged).await,
            NEWS
        );
    }
    bench.crash();
    let store = bench.store();
    // What is acknowledged stays so.
    for state in [Reported::Acknowledged, Reported::Read, Reported::Dismissed] {
        assert_eq!(report(&*store, "r", mid(1), state).await, NO_NEWS);
    }
    let of = mid(1);
    let expected = ["ok", "dismissed", "acknowledged"].map(|state| format!("{of} r {state}"));
    assert_eq!(words(&*store, "sender").await, expected);
}

async fn what_is_given_up_is_told(bench: Bench) {
    let store = bench.store();
    register(&*store, &["sender", "r", "s"]).await;
    let mut accept = wanted(1, &["r", "s"]);
    accept.expires_ms = DAY + HOUR;
    queued_for_all(&*store, accept).await;
    let settled = store
        .settle(&name("s"), mid(1), Word::Message, DAY + 3)
        .await;
    settled.unwrap();
    store.expire(DAY + HOUR).await.unwrap();
    let of = mid(1);
    let expected = [format!("{of} s ok"), format!("{of} r expired")];
    assert_eq!(words(&*store, "sender").await, expected);
    let all = kept(&*store, "sender").await;
    assert_eq!((all[0].at_ms, all[1].at_ms), (DAY + 3, DAY + HOUR));
    let expected = [
        ("r".to_owned(), tidings_protocol::Status::Expired),
        ("s".to_owned(), tidings_protocol::Status::Ok),
    ];
    assert_eq!(statuses(&*store, mid(1)).await, expected);
    assert_eq!(report(&*store, "r", mid(1), Reported::Read).await, None);
    // Receipts wait for a month, and no longer.
    store.expire(DAY + 29 * 24 * HOUR).await.unwrap();
    assert_eq!(kept(&*store, "sender").await.len(), 2);
    store.expire(DAY + 31 * 24 * HOUR).await.unwrap();
    assert!(kept(&*store, "sender").await.is_empty());
}

async fn the_oldest_make_room(bench: Bench) {
    let store = bench.store();
    register(&*store, &["sender", "r"]).await;
    let (lease, _wakeups) = attach(&*store, "r").await;
    let mut positions = Vec::new();
    for number in 0..RECEIPTS_EACH + 5 {
        drop(store.accept(wanted(number, &["r"])));
        positions.push(Position::new(mid(number).number()));
    }
    let confirmed = store.confirm(&lease, positions, DAY).await.unwrap();
    confirmed.unwrap();
    let all = kept(&*store, "sender").await;
    assert_eq!(all.len() as u64, RECEIPTS_EACH);
    assert_eq!(all[0].mid, mid(5));
    assert_eq!(all[0].state, State::Ok);
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
    changes_are_kept_until_they_are_taken
    a_report_counts_once_and_from_a_recipient_only
    what_is_given_up_is_told
    the_oldest_make_room
}
