//! The inbox's tables and their versions, and opening and closing the file.
//!
//! Invariants: the schema's version is in `user_version`; a migration is one transaction; a file of
//! a newer version is not touched. `synchronous = FULL`, as a row gates a confirmation: what was
//! confirmed must survive a power cut.

use std::path::Path;

use rusqlite::Connection;

use super::InboxError;

/// One step per version; step `n` leads from version `n` to `n + 1`.
const STEPS: &[&str] = &[
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
];

/// How long deleted messages can be restored: until the first start a day later.
const KEPT_DELETED_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) fn open(path: &Path, now: u64) -> Result<Connection, InboxError> {
    let told = |source| InboxError::of(path, source);
    let mut connection = Connection::open(path).map_err(told)?;
    // Messages are the person's alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o600);
        if let Err(error) = std::fs::set_permissions(path, mode) {
            tracing::warn!(%error, "the inbox's permissions could not be set");
        }
    }
    let version = prepare(&mut connection).map_err(told)?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(InboxError::Newer {
            path: path.to_owned(),
            found: version,
            known,
        });
    }
    migrate(&mut connection, version).map_err(told)?;
    purge(&connection, now).map_err(told)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    for (step, to) in STEPS.iter().zip(1_i64..).skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", to)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Also proves, at every start, that the file can be written.
fn purge(connection: &Connection, now: u64) -> rusqlite::Result<()> {
    let before = super::received::integer(now.saturating_sub(KEPT_DELETED_MS));
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("DELETE FROM received WHERE deleted_at < ?1", [before])?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

/// Marks the file as ours for `file(1)`: "tidi".
const APPLICATION: i64 = 0x7469_6469;

pub(super) fn close(connection: Connection) {
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the inbox did not close in order");
    }
}
