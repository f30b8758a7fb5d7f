//! What every store promises (`tidings_relay::store`), run over SQLite and memory. A crash is
//! simulated by opening a copy of the files of a store that is still open: what a SIGKILL leaves.

use std::sync::Arc;

use tidings_protocol::{Group, Name, Ref, Status};
use tidings_relay::{
    Durability, Frame, MemoryStore, MidNumber, SqliteStore, Store,
    store::{
        Accept, Accepted, Batch, Confirmed, Fenced, Lease, Placed, Position, QueueBound,
        Registration, Wakeup, Wakeups, Wants, Word,
    },
};

/// 2026-11-23, as mids read.
pub(crate) const DAY: u64 = 1_795_414_000_000;
pub(crate) const HOUR: u64 = 3_600_000;
const WIDE: QueueBound = QueueBound {
    messages: 1_000_000,
    bytes: u64::MAX,
    store_bytes: u64::MAX,
};

/// A store and how to lose it.
pub(crate) enum Bench {
    Memory(Arc<MemoryStore>),
    Sqlite {
        store: Option<Arc<SqliteStore>>,
        durability: Durability,
        folders: Vec<tempfile::TempDir>,
    },
}

impl Bench {
    pub(crate) fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub(crate) fn sqlite(durability: Durability) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), durability).unwrap();
        Self::Sqlite {
            store: Some(Arc::new(store)),
            durability,
            folders: vec![folder],
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store) as _,
            Self::Sqlite { store, .. } => Arc::clone(store.as_ref().unwrap()) as _,
        }
    }

    /// Closes the store in order and opens it again.
    fn reopen(&mut self) {
        if let Self::Sqlite {
            store,
            durability,
            folders,
        } = self
        {
            assert_eq!(Arc::strong_count(store.as_ref().unwrap()), 1);
            *store = None;
            let folder = folders.last().unwrap().path();
            *store = Some(Arc::new(SqliteStore::open(folder, *durability).unwrap()));
        }
    }

    /// Goes on with what a SIGKILL would have left at this moment.
    pub(crate) fn crash(&mut self) {
        if let Self::Sqlite {
            store,
            durability,
            folders,
        } = self
        {
            let copy = tempfile::tempdir().unwrap();
            for file in ["relay.db", "relay.db-wal"] {
                let from = folders.last().unwrap().path().join(file);
                if from.exists() {
                    std::fs::copy(from, copy.path().join(file)).unwrap();
                }
            }
            *store = Some(Arc::new(
                SqliteStore::open(copy.path(), *durability).unwrap(),
            ));
            folders.push(copy);
        }
    }
}

pub(crate) fn name(s: &str) -> Name {
    Name::new(s).unwrap()
}

pub(crate) fn mid(number: u64) -> MidNumber {
    MidNumber::new(DAY + number).unwrap()
}

pub(crate) fn message(number: u64, to: &[&str]) -> Accept {
    Accept {
        mid: mid(number),
        sender: Some(name("sender")),
        by: String::new(),
        reference: None,
        frame: Frame::stored(format!("{{\"mid\":\"{}\"}}", mid(number))),
        recipients: to.iter().map(|to| name(to)).collect(),
        unknown: Vec::new(),
        at_ms: DAY + number,
        expires_ms: u64::MAX,
        due_ms: None,
        bound: WIDE,
        wants: Wants::default(),
    }
}

fn with_ref(mut accept: Accept, reference: &str, content: u8) -> Accept {
    accept.reference = Some((Ref::new(reference).unwrap(), [content; 32]));
    accept
}

pub(crate) async fn register(store: &dyn Store, names: &[&str]) {
    for name in names {
        let registration = Registration {
            name: Name::new(name).unwrap(),
            group: Group::none(),
        };
        store.register(registration).await.unwrap();
    }
}

pub(crate) async fn queued(store: &dyn Store, accept: Accept) -> Position {
    match store.accept(accept).await.unwrap() {
        Accepted::New(placed) => match placed[..] {
            [Placed::Queued(position)] => position,
            ref other => panic!("not queued: {other:?}"),
        },
        other => panic!("not new: {other:?}"),
    }
}

/// The position of a message that waits for several.
pub(crate) async fn queued_for_all(store: &dyn Store, accept: Accept) -> Position {
    match store.accept(accept).await.unwrap() {
        Accepted::New(placed) => match placed[..] {
            [Placed::Queued(position), ..] => position,
            ref other => panic!("not queued: {other:?}"),
        },
        other => panic!("not new: {other:?}"),
    }
}

pub(crate) async fn read(store: &dyn Store, lease: &Lease) -> Vec<MidNumber> {
    let batch = read_from(store, lease, Position::START, 10_000).await;
    batch.messages.iter().map(|queued| queued.mid).collect()
}

async fn read_from(store: &dyn Store, lease: &Lease, after: Position, limit: usize) -> Batch {
    store.read(lease, after, limit).await.unwrap().unwrap()
}

pub(crate) async fn confirm(store: &dyn Store, lease: &Lease, position: Position) -> Confirmed {
    let outcome = store.confirm(lease, vec![position], DAY).await.unwrap();
    outcome.unwrap()[0]
}

pub(crate) async fn attach(store: &dyn Store, recipient: &str) -> (Lease, Wakeups) {
    store.attach(&name(recipient)).await.unwrap()
}

pub(crate) async fn statuses(store: &dyn Store, of: MidNumber) -> Vec<(String, Status)> {
    let statuses = store.status(of).await.unwrap().unwrap_or_default();
    let statuses = statuses.into_iter();
    statuses.map(|(name, s)| (name.to_string(), s)).collect()
}

/// Waits for wakeups; they are there when the accept was answered.
pub(crate) async fn woken(wakeups: &mut Wakeups) -> Vec<Wakeup> {
    let mut all = Vec::new();
    let deadline = std::time::Duration::from_secs(10);
    tokio::time::timeout(deadline, wakeups.recv(&mut all))
        .await
        .expect("no wakeup");
    all
}

async fn the_identity_stays(mut bench: Bench) {
    let first = bench.store().identity().await.unwrap();
    assert_eq!(first.highest_mid, None);
    bench.reopen();
    assert_eq!(bench.store().identity().await.unwrap(), first);
    bench.crash();
    assert_eq!(bench.store().identity().await.unwrap(), first);
}

async fn clients_stay_known_in_their_order(mut bench: Bench) {
    register(&*bench.store(), &["b", "a", "你好"]).await;
    let moved = Registration {
        name: name("b"),
        group: Group::new("G").unwrap(),
    };
    bench.store().register(moved.clone()).await.unwrap();
    bench.crash();
    let known = bench.store().registrations().await.unwrap();
    assert_eq!(known[0], moved);
    let names: Vec<_> = known.iter().map(|known| known.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "你好"]);
}

async fn what_is_accepted_is_read_until_it_is_confirmed(mut bench: Bench) {
    let store = bench.store();
    store.identity().await.unwrap();
    register(&*store, &["r"]).await;
    let mut positions = Vec::new();
    for n in 1..=4 {
        positions.push(queued(&*store, message(n, &["r"])).await);
    }
    assert!(positions.is_sorted());
    drop(store);

    bench.crash();
    let store = bench.store();
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(
        read(&*store, &lease).await,
        [mid(1), mid(2), mid(3), mid(4)]
    );
    let frame = message(1, &[]).frame;
    let batch = read_from(&*store, &lease, Position::START, 1).await;
    assert_eq!(batch.messages[0].frame, frame);
    // In any order.
    for at in [2, 0] {
        assert_eq!(
            confirm(&*store, &lease, positions[at]).await,
            Confirmed::Done
        );
    }
    assert_eq!(
        confirm(&*store, &lease, positions[0]).await,
        Confirmed::Already
    );
    assert_eq!(
        confirm(&*store, &lease, Position::new(7)).await,
        Confirmed::Already
    );
    drop(store);

    bench.crash();
    let store = bench.store();
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(read(&*store, &lease).await, [mid(2), mid(4)]);
    assert_eq!(statuses(&*store, mid(1)).await, [("r".into(), Status::Ok)]);
    assert_eq!(
        statuses(&*store, mid(2)).await,
        [("r".into(), Status::Wait)]
    );
    assert_eq!(store.status(mid(9)).await.unwrap(), None);
}

async fn reading_goes_on_where_it_ended(bench: Bench) {
    let store = bench.store();
    register(&*store, &["r", "other"]).await;
    for n in 0..10 {
        let to = if n % 3 == 0 { "other" } else { "r" };
        queued(&*store, message(n, &[to])).await;
    }
    let (lease, _wakeups) = attach(&*store, "r").await;
    let mut after = Position::START;
    let mut mids = Vec::new();
    loop {
        let batch = read_from(&*store, &lease, after, 2).await;
        mids.extend(batch.messages.iter().map(|queued| queued.mid));
        match batch.messages.last() {
            Some(last) => after = last.position,
            None => assert!(batch.end),
        }
        if batch.end {
            break;
        }
        assert_eq!(batch.messages.len(), 2);
    }
    assert_eq!(mids, [1, 2, 4, 5, 7, 8].map(mid));
}

async fn large_messages_are_read_in_several_goes(bench: Bench) {
    let store = bench.store();
    register(&*store, &["r"]).await;
    for n in 0..3 {
        let mut large = message(n, &["r"]);
        large.frame = Frame::stored("x".repeat(900_000));
        queued(&*store, large).await;
    }
    let (lease, _wakeups) = attach(&*store, "r").await;
    let mut after = Position::START;
    let mut count = 0;
    loop {
        let batch = read_from(&*store, &lease, after, 100).await;
        count += batch.messages.len();
        if batch.end {
            break;
        }
        after = batch.messages.last().unwrap().position;
    }
    assert_eq!(count, 3);
}

async fn a_ref_is_accepted_once(mut bench: Bench) {
    let store = bench.store();
    store.identity().await.unwrap();
    register(&*store, &["r"]).await;
    let position = queued(&*store, with_ref(message(1, &["r"]), "a", 1)).await;
    let again = store.accept(with_ref(message(2, &["r"]), "a", 1)).await;
    let duplicate = |status| Accepted::Duplicate {
        mid: mid(1),
        statuses: vec![(name("r"), status)],
    };
    assert_eq!(again.unwrap(), duplicate(Status::Wait));
    let other = store.accept(with_ref(message(3, &["r"]), "a", 2)).await;
    assert_eq!(other.unwrap(), Accepted::Conflict);
    // Another sender's ref is another ref, and so is a nameless one's.
    let mut nameless = with_ref(message(4, &["r"]), "a", 1);
    nameless.sender = None;
    queued(&*store, nameless.clone()).await;
    nameless.mid = mid(5);
    let again = store.accept(nameless).await.unwrap();
    assert!(matches!(again, Accepted::Duplicate { mid: first, .. } if first == mid(4)));
    // Also when it is confirmed, and after a crash.
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(read(&*store, &lease).await, [mid(1), mid(4)]);
    confirm(&*store, &lease, position).await;
    drop(store);
    bench.crash();
    let store = bench.store();
    let again = store.accept(with_ref(message(6, &["r"]), "a", 1)).await;
    assert_eq!(again.unwrap(), duplicate(Status::Ok));
}

async fn what_is_done_with_is_forgotten_after_a_day(mut bench: Bench) {
    register(&*bench.store(), &["r", "s"]).await;
    let store = bench.store();
    let position = queued(&*store, with_ref(message(1, &["r"]), "a", 1)).await;
    let (lease, _wakeups) = attach(&*store, "r").await;
    confirm(&*store, &lease, position).await;
    queued(&*store, message(2, &["s"])).await;
    drop(store);
    bench.reopen();
    let store = bench.store();
    queued(&*store, message(23 * HOUR, &["s"])).await;
    let again = store.accept(with_ref(message(23 * HOUR + 1, &["r"]), "a", 1));
    assert!(matches!(again.await.unwrap(), Accepted::Duplicate { .. }));
    drop(store);
    bench.reopen();
    let store = bench.store();
    queued(&*store, message(25 * HOUR, &["s"])).await;
    assert_eq!(store.status(mid(1)).await.unwrap(), None);
    queued(&*store, with_ref(message(25 * HOUR + 1, &["r"]), "a", 1)).await;
    // What waits is kept for as long as it takes.
    assert_eq!(
        statuses(&*store, mid(2)).await,
        [("s".into(), Status::Wait)]
    );
    let (lease, _wakeups) = attach(&*store, "s").await;
    assert_eq!(read(&*store, &lease).await[0], mid(2));
}

async fn line_04_a_full_queue_refuses_for_its_recipient_alone(mut bench: Bench) {
    let store = bench.store();
    store.identity().await.unwrap();
    register(&*store, &["r", "s"]).await;
    let bytes = message(1, &[]).frame.len() as u64;
    let bounded = |n, to: &[&str], messages, bytes| {
        let mut accept = message(n, to);
        accept.bound = QueueBound {
            messages,
            bytes,
            ..WIDE
        };
        accept
    };
    let first = queued(&*store, bounded(1, &["r"], 2, u64::MAX)).await;
    queued(&*store, bounded(2, &["r"], 2, u64::MAX)).await;
    drop(store);
    // The count survives.
    bench.crash();
    let store = bench.store();
    let placed = store
        .accept(bounded(3, &["r", "s"], 2, u64::MAX))
        .await
        .unwrap();
    let Accepted::New(placed) = placed else {
        panic!("{placed:?}")
    };
    assert!(matches!(placed[..], [Placed::Full, Placed::Queued(_)]));
    let expected = [("r".into(), Status::No), ("s".into(), Status::Wait)];
    assert_eq!(statuses(&*store, mid(3)).await, expected);
    let placed = store
        .accept(bounded(4, &["r"], 10, bytes * 3 - 1))
        .await
        .unwrap();
    assert_eq!(placed, Accepted::New(vec![Placed::Full]));
    // Confirming makes room.
    let (lease, _wakeups) = attach(&*store, "r").await;
    confirm(&*store, &lease, first).await;
    queued(&*store, bounded(5, &["r"], 2, bytes * 2)).await;
    assert_eq!(read(&*store, &lease).await, [mid(2), mid(5)]);
}

async fn the_unknown_are_not_queued_for(bench: Bench) {
    let store = bench.store();
    let mut accept = message(1, &["never"]);
    accept.unknown = vec![name("ghost")];
    let placed = store.accept(accept).await.unwrap();
    assert_eq!(placed, Accepted::New(vec![Placed::Unknown]));
    let expected = [("never".into(), Status::No), ("ghost".into(), Status::No)];
    assert_eq!(statuses(&*store, mid(1)).await, expected);
}

async fn line_02_the_highest_mid_is_kept_even_of_a_message_for_nobody(mut bench: Bench) {
    let store = bench.store();
    store.identity().await.unwrap();
    store.accept(message(5, &[])).await.unwrap();
    drop(store);
    bench.crash();
    let identity = bench.store().identity().await.unwrap();
    assert_eq!(identity.highest_mid, Some(mid(5)));
}

async fn the_newest_lease_is_the_only_one(bench: Bench) {
    let store = bench.store();
    register(&*store, &["r"]).await;
    let position = queued(&*store, message(1, &["r"])).await;
    let (old, mut old_wakeups) = attach(&*store, "r").await;
    let (new, mut new_wakeups) = attach(&*store, "r").await;
    assert!(new.epoch() > old.epoch());
    assert_eq!(woken(&mut old_wakeups).await, [Wakeup::Fenced]);
    let fenced = store.read(&old, Position::START, 1).await.unwrap();
    assert_eq!(fenced, Err(Fenced));
    let fenced = store.confirm(&old, vec![position], DAY).await.unwrap();
    assert_eq!(fenced, Err(Fenced));
    // A dead lease takes nothing with it.
    store.detach(&old);
    queued(&*store, message(2, &["r"])).await;
    assert!(matches!(&woken(&mut new_wakeups).await[..], [Wakeup::Message(m)] if m.mid == mid(2)));
    assert_eq!(read(&*store, &new).await, [mid(1), mid(2)]);
    store.detach(&new);
    let fenced = store.read(&new, Position::START, 1).await.unwrap();
    assert_eq!(fenced, Err(Fenced));
}

async fn readers_hear_of_messages_in_order_or_are_told_to_look(bench: Bench) {
    const MANY: u64 = 3000;
    let store = bench.store();
    register(&*store, &["r"]).await;
    let (lease, mut wakeups) = attach(&*store, "r").await;
    let answers: Vec<_> = (0..MANY)
        .map(|n| store.accept(message(n, &["r"])))
        .collect();
    for answer in answers {
        answer.await.unwrap();
    }
    let heard = woken(&mut wakeups).await;
    let (last, messages) = heard.split_last().unwrap();
    assert_eq!(*last, Wakeup::Look);
    let heard: Vec<_> = messages
        .iter()
        .map(|wakeup| match wakeup {
            Wakeup::Message(queued) => queued.mid,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(!heard.is_empty());
    let all: Vec<_> = (0..MANY).map(mid).collect();
    assert_eq!(heard, all[..heard.len()]);
    assert_eq!(read(&*store, &lease).await, all);
    queued(&*store, message(MANY, &["r"])).await;
    assert!(matches!(&woken(&mut wakeups).await[..], [Wakeup::Message(m)] if m.mid == mid(MANY)));
}

async fn a_message_to_many_stays_for_those_who_have_not_confirmed(mut bench: Bench) {
    let store = bench.store();
    store.identity().await.unwrap();
    register(&*store, &["a", "b", "c"]).await;
    let Accepted::New(placed) = store.accept(message(1, &["a", "b", "c"])).await.unwrap() else {
        panic!("not new")
    };
    for (name, placed) in ["a", "b"].iter().zip(&placed) {
        let Placed::Queued(position) = placed else {
            panic!("{placed:?}")
        };
        let (lease, _wakeups) = attach(&*store, name).await;
        assert_eq!(confirm(&*store, &lease, *position).await, Confirmed::Done);
    }
    drop(store);
    bench.crash();
    let store = bench.store();
    let expected = [("a", Status::Ok), ("b", Status::Ok), ("c", Status::Wait)];
    let expected = expected.map(|(name, status)| (name.to_owned(), status));
    assert_eq!(statuses(&*store, mid(1)).await, expected);
    let (lease, _wakeups) = attach(&*store, "c").await;
    let batch = read_from(&*store, &lease, Position::START, 10).await;
    assert_eq!(batch.messages[0].frame, message(1, &[]).frame);
    let (lease, _wakeups) = attach(&*store, "a").await;
    assert_eq!(read(&*store, &lease).await, []);
}

async fn line_03_messages_expire_for_who_has_not_confirmed_them(mut bench: Bench) {
    let store = bench.store();
    register(&*store, &["a", "b"]).await;
    let until = |number, to: &[&str], expires| {
        let mut accept = message(number, to);
        accept.expires_ms = DAY + expires;
        accept
    };
    let first = queued_for_all(&*store, with_ref(until(1, &["a", "b"], 100), "x", 1)).await;
    queued(&*store, until(2, &["b"], 300)).await;
    queued(&*store, until(3, &["b"], 200)).await;
    let (lease, _wakeups) = attach(&*store, "a").await;
    confirm(&*store, &lease, first).await;
    let expire = async |store: &dyn Store, now| store.expire(DAY + now).await.unwrap();
    let (_lease, mut wakeups) = attach(&*store, "b").await;
    let expired = expire(&*store, 99).await;
    assert_eq!((expired.given_up, expired.next_ms), (0, Some(DAY + 100)));
    let expired = expire(&*store, 100).await;
    assert_eq!((expired.given_up, expired.next_ms), (1, Some(DAY + 200)));
    assert_eq!(woken(&mut wakeups).await, [Wakeup::Expired(vec![first])]);
    drop((store, wakeups));
    // For good: after a crash too, and for a sender who asks again.
    bench.crash();
    let store = bench.store();
    let expected = [("a".into(), Status::Ok), ("b".into(), Status::Expired)];
    assert_eq!(statuses(&*store, mid(1)).await, expected);
    let again = store
        .accept(with_ref(until(4, &["a", "b"], 500), "x", 1))
        .await;
    assert!(matches!(again, Ok(Accepted::Duplicate { mid: m, .. }) if m == mid(1)));
    let (lease, _wakeups) = attach(&*store, "b").await;
    assert_eq!(read(&*store, &lease).await, [mid(2), mid(3)]);
    assert_eq!(confirm(&*store, &lease, first).await, Confirmed::Already);
    let expired = expire(&*store, 1000).await;
    assert_eq!((expired.given_up, expired.next_ms), (2, None));
    assert_eq!(read(&*store, &lease).await, []);
    assert_eq!(store.load().await.unwrap().messages, 0);
}

async fn a_recipient_may_confirm_by_another_way_than_its_reader(mut bench: Bench) {
    {
        let store = bench.store();
        register(&*store, &["r", "other"]).await;
        let first = queued(&*store, message(DAY, &["r"])).await;
        queued(&*store, message(DAY + 1, &["r"])).await;
        let (lease, mut wakeups) = attach(&*store, "r").await;
        let settled = store
            .settle(&name("other"), mid(DAY), Word::Message, DAY)
            .await
            .unwrap();
        assert_eq!(settled, Confirmed::Already);
        let settled = store
            .settle(&name("r"), mid(DAY), Word::Message, DAY)
            .await
            .unwrap();
        assert_eq!(settled, Confirmed::Done);
        assert_eq!(woken(&mut wakeups).await, [Wakeup::Expired(vec![first])]);
        let settled = store
            .settle(&name("r"), mid(DAY), Word::Message, DAY)
            .await
            .unwrap();
        assert_eq!(settled, Confirmed::Already);
        assert_eq!(confirm(&*store, &lease, first).await, Confirmed::Already);
    }
    bench.crash();
    let store = bench.store();
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(read(&*store, &lease).await, [mid(DAY + 1)]);
    let status = statuses(&*store, mid(DAY)).await;
    assert_eq!(status, [("r".to_owned(), Status::Ok)]);
}

async fn line_04_the_whole_store_is_bounded(bench: Bench) {
    const SIZE: usize = 64 * 1024;
    let store = bench.store();
    register(&*store, &["r"]).await;
    let large = |number| {
        let mut accept = message(number, &["r"]);
        accept.frame = Frame::stored("x".repeat(SIZE));
        accept.bound.store_bytes = 16 * SIZE as u64;
        accept
    };
    let mut kept = Vec::new();
    let refused = loop {
        let number = kept.len() as u64 + 1;
        match store.accept(large(number)).await.unwrap() {
            Accepted::New(placed) => match placed[..] {
                [Placed::Queued(position)] => kept.push(position),
                ref other => panic!("{other:?}"),
            },
            Accepted::StoreFull => break number,
            other => panic!("{other:?}"),
        }
    };
    // A file needs some room of its own.
    assert!((10..=16).contains(&kept.len()), "{}", kept.len());
    assert_eq!(store.status(mid(refused)).await.unwrap(), None);
    let (lease, _wakeups) = attach(&*store, "r").await;
    for position in kept.drain(..2) {
        confirm(&*store, &lease, position).await;
    }
    queued(&*store, large(refused + 1)).await;
}

macro_rules! conformance {
    ($($test:ident),* $(,)?) => {
        mod memory {
            use crate::store::Bench;
            $(#[tokio::test] async fn $test() { super::$test(Bench::memory()).await; })*
        }
        mod sqlite {
            use crate::store::Bench;
            $(#[tokio::test] async fn $test() {
                super::$test(Bench::sqlite(tidings_relay::Durability::Os)).await;
            })*
        }
        mod sqlite_disk {
            use crate::store::Bench;
            $(#[tokio::test] async fn $test() {
                super::$test(Bench::sqlite(tidings_relay::Durability::Disk)).await;
            })*
        }
    };
}

pub(crate) use conformance;

conformance!(
    the_identity_stays,
    clients_stay_known_in_their_order,
    what_is_accepted_is_read_until_it_is_confirmed,
    reading_goes_on_where_it_ended,
    large_messages_are_read_in_several_goes,
    a_ref_is_accepted_once,
    what_is_done_with_is_forgotten_after_a_day,
    line_04_a_full_queue_refuses_for_its_recipient_alone,
    the_unknown_are_not_queued_for,
    line_02_the_highest_mid_is_kept_even_of_a_message_for_nobody,
    the_newest_lease_is_the_only_one,
    readers_hear_of_messages_in_order_or_are_told_to_look,
    a_message_to_many_stays_for_those_who_have_not_confirmed,
    line_03_messages_expire_for_who_has_not_confirmed_them,
    a_recipient_may_confirm_by_another_way_than_its_reader,
    line_04_the_whole_store_is_bounded,
);
