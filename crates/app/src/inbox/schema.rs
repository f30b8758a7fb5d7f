//! The inbox's tables and their versions, and opening and closing the file.
//!
//! Invariants: the schema's version is in `user_version`; a migration is one transaction; a file of
//! a newer version is not touched. `synchronous = FULL`, as a row gates a confirmation: what was
//! confirmed must survive a power cut.

use std::path::Path;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};

use super::{InboxError, search, sweep};

/// One step per version; step `n` leads from version `n` to `n + 1`.
const STEPS: &[&str] = &[
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
    include_str!("schema-8.sql"),
];

/// Pages that the writing connection keeps, in KiB. A batch touches a few dozen; what is beyond is read
/// again from the system's cache, and does not weigh on an agent at rest.
const WRITE_CACHE_KIB: i64 = 512;

/// Those of the reading one: what a search over a full inbox comes back to.
const READ_CACHE_KIB: i64 = 1024;

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

/// Opens the file that [`open`] has brought to its shape, to read only.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, InboxError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let told = |source| InboxError::of(path, source);
    let connection = Connection::open_with_flags(path, flags).map_err(told)?;
    connection
        .pragma_update(None, "cache_size", -READ_CACHE_KIB)
        .map_err(told)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -WRITE_CACHE_KIB)?;
    connection.create_scalar_function(
        "spaced",
        1,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        |call| Ok(search::spaced(call.get_raw(0).as_str().unwrap_or_default())),
    )?;
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

/// Removes what was deleted a while ago. Also proves, at every start, that the file can be written.
fn purge(connection: &Connection, now: u64) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    sweep::deleted(&transaction, now, u32::MAX)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

/// Marks the file as ours for `file(1)`: "tidi".
const APPLICATION: i64 = 0x7469_6469;
