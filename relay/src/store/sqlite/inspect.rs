//! Looking at a relay's file from another process, while a relay runs or not, and the few changes
//! that need it stopped.
//!
//! Invariants: reading takes no lock that would keep a relay waiting (SQLite's WAL lets one read
//! beside a writer); messages' content is never returned; a change takes the folder's lock.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, backup::Backup, params};
use tidings_protocol::Name;

use super::{
    FILE, OpenError, lock_folder, schema,
    tables::{Fate, with_fate},
};

/// Why a look at the file, or a change of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Written by an earlier version.
    #[error(
        "{path} was written by an earlier version of the relay (schema {found}, this one knows {known}): start the relay once, which brings it up to date"
    )]
    TooOld {
        /// Which.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// SQLite failed.
    #[error("the relay's file cannot be read: {0}")]
    Database(#[from] rusqlite::Error),
    /// No client has this name.
    #[error("no client is called {0}: `tidings-relay clients list` shows them")]
    Unknown(Name),
    /// A backup never replaces anything.
    #[error("{0} exists already: choose another name for the backup")]
    Exists(PathBuf),
    /// The backup cannot be written.
    #[error(
        "cannot write the backup {path}: {source}. Check the path, its rights and the room on its disk"
    )]
    Write {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A client that the relay knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownClient {
    /// Its name.
    pub name: String,
    /// Its group; may be empty.
    pub group: String,
    /// Messages that wait for it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A message that waits for somebody, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMessage {
    /// Its mid.
    pub mid: u64,
    /// When it was accepted: milliseconds since 1970.
    pub at_ms: u64,
    /// Its size as a packet.
    pub bytes: u64,
    /// Who sent it; `None` for an HTTP sender without a ticket.
    pub sender: Option<String>,
}

/// A relay's file, opened for reading.
#[derive(Debug)]
pub struct RelayFile {
    connection: Connection,
}

impl RelayFile {
    /// Opens the file in a data folder. It has to exist.
    ///
    /// # Errors
    /// [`OpenError`]; its text says what to do.
    pub fn open(folder: &Path) -> Result<Self, InspectError> {
        let path = folder.join(FILE);
        let failed = |source| schema::open_error(&path, source);
        // Not read-only: the files beside it, which SQLite reads together, may have to be made.
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(failed)?;
        schema::check_version(&connection, &path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self { connection })
    }

    /// All known clients, in the order of their first registration.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn clients(&self) -> Result<Vec<KnownClient>, InspectError> {
        let mut query = self.connection.prepare(
            "SELECT c.name, c.grp, count(q.mid), coalesce(sum(q.bytes), 0)
             FROM clients c LEFT JOIN queue q ON q.recipient = c.id GROUP BY c.id ORDER BY c.id",
        )?;
        let rows = query.query_map([], |row| {
            Ok(KnownClient {
                name: row.get(0)?,
                group: row.get(1)?,
                messages: unsigned(row, 2)?,
                bytes: unsigned(row, 3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The oldest messages that wait for a client, at most `limit`.
    ///
    /// # Errors
    /// When nobody has the name, or SQLite fails.
    pub fn queue(&self, name: &Name, limit: usize) -> Result<Vec<WaitingMessage>, InspectError> {
        let id = client_id(&self.connection, name)?;
        let mut query = self.connection.prepare(
            "SELECT m.mid, m.at_ms, q.bytes, m.sender
             FROM queue q JOIN messages m ON m.mid = q.mid
             WHERE q.recipient = ?1 ORDER BY q.position LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query_map([id, limit], |row| {
            Ok(WaitingMessage {
                mid: unsigned(row, 0)?,
                at_ms: unsigned(row, 1)?,
                bytes: unsigned(row, 2)?,
                sender: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Copies the file as it is at this moment to `target`, which must not exist.
    ///
    /// # Errors
    /// When the copy cannot be written; nothing is left of it then.
    pub fn backup(&self, target: &Path) -> Result<(), InspectError> {
        if target.exists() {
            return Err(InspectError::Exists(target.to_owned()));
        }
        let part = target.with_extension("part");
        let write = |source| InspectError::Write {
            path: target.to_owned(),
            source,
        };
        schema::private_file(&part).map_err(write)?;
        let copied = self.copy(&part).and_then(|()| {
            fs::File::open(&part)
                .and_then(|file| file.sync_all())
                .and_then(|()| fs::rename(&part, target))
                .map_err(write)
        });
        if copied.is_err() {
            // What is half a backup must not be taken for one; the first error is the one to tell.
            let _ = fs::remove_file(&part);
        }
        copied
    }

    fn copy(&self, target: &Path) -> Result<(), InspectError> {
        let mut copy = Connection::open(target)?;
        // In one step: it reads one state of the file while the relay goes on writing. In several,
        // it would begin anew with each commit of the relay.
        Backup::new(&self.connection, &mut copy)?.step(-1)?;
        // One file, without a WAL beside it.
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        Ok(())
    }
}

/// Forgets a client and the messages that wait for it. No relay may be running on the folder.
/// Returns how many messages were given up.
///
/// # Errors
/// When a relay runs, nobody has the name, or SQLite fails; nothing is changed then.
pub fn forget_client(folder: &Path, name: &Name) -> Result<u64, InspectError> {
    RelayFile::open(folder)?;
    let _lock = lock_folder(folder)?;
    let mut connection = schema::open(&folder.join(FILE), super::Durability::Disk)?;
    let transaction = connection.transaction()?;
    let id = client_id(&transaction, name)?;
    let given_up = give_up(&transaction, id, name)?;
    for table in [
        "queue",
        "reminders",
        "subscriptions",
        "push_confirmed",
        "reports",
    ] {
        transaction.execute(&format!("DELETE FROM {table} WHERE recipient = ?1"), [id])?;
    }
    transaction.execute_batch(
        "DELETE FROM held WHERE mid IN
             (SELECT h.mid FROM held h JOIN messages m ON m.mid = h.mid WHERE m.pending = 0)",
    )?;
    transaction.execute("DELETE FROM receipts WHERE owner = ?1", [id])?;
    transaction.execute("DELETE FROM clients WHERE id = ?1", params![id])?;
    transaction.commit()?;
    Ok(given_up)
}

/// Makes the status of what waits for a client final; how much that is.
fn give_up(connection: &Connection, id: i64, name: &Name) -> rusqlite::Result<u64> {
    let mut waiting = connection.prepare(
        "SELECT m.mid, m.recipients FROM queue q JOIN messages m ON m.mid = q.mid
         WHERE q.recipient = ?1",
    )?;
    let waiting: Vec<(i64, String)> = waiting
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut finish = connection.prepare(
        "UPDATE messages SET pending = pending - 1, recipients = ?2,
             frame = CASE WHEN pending > 1 THEN frame END
         WHERE mid = ?1",
    )?;
    for (mid, recipients) in &waiting {
        let recipients = with_fate(recipients, Fate::GivenUp, |recipient| {
            recipient == name.as_str()
        });
        finish.execute(params![mid, recipients])?;
    }
    connection.execute(
        "UPDATE messages SET pending = pending - 1, frame = CASE WHEN pending > 1 THEN frame END
         WHERE mid IN (SELECT mid FROM reminders WHERE recipient = ?1)",
        [id],
    )?;
    Ok(waiting.len() as u64)
}

/// SQLite's integers are signed; these are never negative.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn client_id(connection: &Connection, name: &Name) -> Result<i64, InspectError> {
    connection
        .query_row(
            "SELECT id FROM clients WHERE name = ?1",
            [name.as_str()],
            |row| row.get(0),
        )
        .optional()?
        .ok_or_else(|| InspectError::Unknown(name.clone()))
}
