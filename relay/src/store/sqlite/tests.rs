//! What a full disk costs, which needs a hand inside.

use tidings_protocol::{Group, Ref, Status};

use super::*;
use crate::{
    frame::Frame,
    store::{Placed, QueueBound},
};

/// A page's size, SQLite's default.
const PAGE: usize = 4096;

/// A message that takes a page of its own.
fn message(n: u64) -> Accept {
    Accept {
        mid: MidNumber::new(1_795_414_000_000 + n).unwrap(),
        sender: None,
        by: String::new(),
        reference: Some((Ref::new(n.to_string()).unwrap(), [0; 32])),
        frame: Frame::stored("x".repeat(PAGE)),
        recipients: vec![Name::new("r").unwrap()],
        unknown: Vec::new(),
        at_ms: 1_795_414_000_000 + n,
        expires_ms: u64::MAX,
        due_ms: None,
        bound: QueueBound {
            messages: 1000,
            bytes: u64::MAX,
            store_bytes: u64::MAX,
        },
        wants: crate::store::Wants::default(),
    }
}

#[tokio::test]
async fn a_full_disk_refuses_whole_messages_and_keeps_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let connection = schema::open(&path, Durability::Os).unwrap();
    let pages: u32 = connection
        .query_row("PRAGMA max_page_count = 30", [], |row| row.get(0))
        .unwrap();
    assert_eq!(pages, 30);
    let lock = lock_folder(folder.path()).unwrap();
    let store = SqliteStore::start(connection, &path, lock).unwrap();
    store.identity().await.unwrap();
    let recipient = Registration {
        name: Name::new("r").unwrap(),
        group: Group::none(),
    };
    store.register(recipient).await.unwrap();
    // Queued together, so that they share a transaction which cannot hold all of them.
    let answers: Vec<_> = (0..60).map(|n| store.accept(message(n))).collect();
    let mut kept = Vec::new();
    for (n, answer) in (0..).zip(answers) {
        match answer.await {
            Ok(Accepted::New(placed)) => {
                assert!(matches!(placed[..], [Placed::Queued(_)]));
                kept.push(message(n).mid);
            }
            Err(StoreError::DiskFull) => {}
            other => panic!("{n}: {other:?}"),
        }
    }
    assert!(!kept.is_empty() && kept.len() < 60, "{}", kept.len());
    let (lease, _wakeups) = store.attach(&Name::new("r").unwrap()).await.unwrap();
    let batch = store.read(&lease, Position::START, 100).await.unwrap();
    let messages = batch.unwrap().messages;
    let mids: Vec<_> = messages.iter().map(|queued| queued.mid).collect();
    assert_eq!(mids, kept);
    // What was confirmed leaves room, and what was refused can be sent again.
    let positions = messages.iter().map(|queued| queued.position).collect();
    store.confirm(&lease, positions, 0).await.unwrap().unwrap();
    let again = store.accept(message(100)).await.unwrap();
    assert!(matches!(again, Accepted::New(_)), "{again:?}");
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_still_says_what_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let connection = schema::open(&path, Durability::Os).unwrap();
    let lock = lock_folder(folder.path()).unwrap();
    let store = SqliteStore::start(connection, &path, lock).unwrap();
    store.identity().await.unwrap();
    let recipient = Registration {
        name: Name::new("r").unwrap(),
        group: Group::none(),
    };
    store.register(recipient).await.unwrap();
    store.accept(message(0)).await.unwrap();
    drop(store);

    let connection = schema::open(&path, Durability::Os).unwrap();
    let trigger = "CREATE TEMP TRIGGER full BEFORE INSERT ON messages
                   BEGIN SELECT RAISE(ABORT, 'no room'); END";
    connection.execute_batch(trigger).unwrap();
    let lock = lock_folder(folder.path()).unwrap();
    let store = SqliteStore::start(connection, &path, lock).unwrap();
    assert!(store.accept(message(1)).await.is_err());
    let mut again = message(0);
    again.mid = message(2).mid;
    let mid = message(0).mid;
    let statuses = vec![(Name::new("r").unwrap(), Status::Wait)];
    assert_eq!(
        store.accept(again).await.unwrap(),
        Accepted::Duplicate { mid, statuses }
    );
    let (lease, _wakeups) = store.attach(&Name::new("r").unwrap()).await.unwrap();
    let batch = store.read(&lease, Position::START, 100).await.unwrap();
    assert_eq!(batch.unwrap().messages.len(), 1);
}
