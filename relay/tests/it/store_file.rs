//! The file behind the durable store: who may open it, what is told of one that cannot be used, and
//! one of an earlier version.

use std::path::Path;

use tidings_relay::{Durability, OpenError, RelayFile, SqliteStore, Store as _};

use crate::store::{DAY, HOUR, attach, message, mid, queued, read, register};

fn open_error(folder: &Path) -> OpenError {
    SqliteStore::open(folder, Durability::Os).expect_err("it opened")
}

#[test]
fn a_folder_is_used_by_one_relay_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Durability::Os).unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    drop(store);
    SqliteStore::open(folder.path(), Durability::Os).unwrap();
}

#[test]
fn a_damaged_file_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relay.db"), "no database".repeat(1000)).unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("Move it away"));
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(folder.path(), Durability::Os).unwrap());
    let file = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let error = open_error(folder.path());
    assert!(
        matches!(error, OpenError::TooNew { found: 99, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_of_an_earlier_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Durability::Os).unwrap();
    register(&store, &["r"]).await;
    queued(&store, message(1, &["r"])).await;
    drop(store);
    make_it_version_2(folder.path());
    // What version 1 had.
    let file = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    file.execute_batch(
        "DROP INDEX messages_expires; ALTER TABLE messages DROP COLUMN expires_ms;
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(file);
    let looked = RelayFile::open(folder.path()).unwrap_err().to_string();
    assert!(looked.contains("start the relay once"), "{looked}");
    let store = SqliteStore::open(folder.path(), Durability::Os).unwrap();
    let (lease, _wakeups) = attach(&store, "r").await;
    assert_eq!(read(&store, &lease).await, [mid(1)]);
    // The default of 30 days holds for it.
    let expired = store.expire(DAY + 30 * 24 * HOUR).await.unwrap();
    assert_eq!(expired.given_up, 0);
    let expired = store.expire(DAY + 30 * 24 * HOUR + 1).await.unwrap();
    assert_eq!(expired.given_up, 1);
}

/// Takes away what versions 3 to 5 have more.
fn make_it_version_2(folder: &Path) {
    let file = rusqlite::Connection::open(folder.join("relay.db")).unwrap();
    file.execute_batch(
        "DROP TABLE held; DROP TABLE reminders; DROP INDEX queue_key;
         ALTER TABLE clients DROP COLUMN seen_ms; ALTER TABLE messages DROP COLUMN position;
         ALTER TABLE messages DROP COLUMN token; ALTER TABLE messages DROP COLUMN repeat_ms;
         ALTER TABLE queue DROP COLUMN mid; ALTER TABLE queue DROP COLUMN key;
         ALTER TABLE queue RENAME COLUMN position TO mid;
         DROP TABLE receipts; DROP TABLE reports; ALTER TABLE messages DROP COLUMN wants;
         DROP TABLE subscriptions; DROP TABLE push_confirmed; ALTER TABLE meta DROP COLUMN push_key;
         ALTER TABLE queue DROP COLUMN push; PRAGMA user_version = 2;",
    )
    .unwrap();
}

#[tokio::test]
async fn a_file_from_before_web_push_gets_a_key_once_and_keeps_its_messages() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Durability::Os).unwrap();
    let before = store.identity().await.unwrap();
    register(&store, &["r"]).await;
    queued(&store, message(1, &["r"])).await;
    drop(store);
    make_it_version_2(folder.path());
    let mut keys = Vec::new();
    for _ in 0..2 {
        let store = SqliteStore::open(folder.path(), Durability::Os).unwrap();
        let identity = store.identity().await.unwrap();
        assert_eq!(identity.relay, before.relay);
        assert_eq!(identity.ticket_key, before.ticket_key);
        keys.push(identity.push_key);
        assert_eq!(store.subscribers().await.unwrap(), []);
        let (lease, _wakeups) = attach(&store, "r").await;
        assert_eq!(read(&store, &lease).await, [mid(1)]);
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], before.push_key);
}

#[test]
fn a_folder_that_cannot_be_used_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open_error(&file.join("below"));
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("--data"));
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new");
    let _store = SqliteStore::open(&folder, Durability::Os).unwrap();
    for (path, mode) in [(folder.clone(), 0o700), (folder.join("relay.db"), 0o600)] {
        let found = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{}", path.display());
    }
}
