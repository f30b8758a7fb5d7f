//! The tables, how the file is opened, and what its errors mean.
//!
//! A message is one row of `messages`, its text kept until the last recipient confirmed; whom it
//! still waits for is one small row each in `queue`. A recipient of `messages.recipients` that has
//! no row in `queue` has confirmed. A place in a queue is the mid of the message, unless that was held: mids
//! grow with every accept, so rows are appended, and a queue's order is the order of accepting. `STEPS` say
//! what the other tables hold.

use std::{cmp::Ordering, path::Path};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Durability, InspectError, OpenError};

/// The version this code writes. A change of the tables raises it and adds its step to
/// [`migrate`].
const VERSION: i64 = 5;

/// The tables as version 1 had them; [`STEPS`] brings them up to date.
const TABLES: &str = "
CREATE TABLE meta (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    relay       TEXT NOT NULL,
    ticket_key  BLOB NOT NULL,
    highest_mid INTEGER NOT NULL
);
CREATE TABLE clients (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    grp   TEXT NOT NULL
);
CREATE TABLE messages (
    mid        INTEGER PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    sender     TEXT,
    reference  TEXT,
    digest     BLOB,
    -- JSON: [[name, 1 if it was queued, else 0], ..]
    recipients TEXT NOT NULL,
    pending    INTEGER NOT NULL,
    frame      TEXT
);
CREATE UNIQUE INDEX messages_reference ON messages (coalesce(sender, ''), reference)
    WHERE reference IS NOT NULL;
CREATE TABLE queue (
    recipient INTEGER NOT NULL,
    mid       INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (recipient, mid)
) WITHOUT ROWID;
";

/// What makes version 2 of version 1, and so on.
const STEPS: [&str; 4] = [
    // 2: messages expire. Those of before get the 30 days that are the default, from then on.
    // In the recipients' list 2 stands for a recipient that the message was given up for.
    "ALTER TABLE messages ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;
     UPDATE messages SET expires_ms = at_ms + 2592000000;
     CREATE INDEX messages_expires ON messages (expires_ms) WHERE pending > 0;",
    // 3: Web Push. The key is made when it is first asked for. In `queue`, push is 1 while a message
    // is being handed to a push service, 2 once it was taken. Who confirmed a push stands in a table of
    // its own: `messages.recipients` of a large group would be written anew for each of them.
    "ALTER TABLE meta ADD COLUMN push_key BLOB;
     ALTER TABLE queue ADD COLUMN push INTEGER NOT NULL DEFAULT 0;
     CREATE TABLE subscriptions (
         recipient INTEGER PRIMARY KEY,
         endpoint  TEXT NOT NULL,
         p256dh    BLOB NOT NULL,
         auth      BLOB NOT NULL,
         token     TEXT NOT NULL
     );
     CREATE TABLE push_confirmed (
         mid       INTEGER NOT NULL,
         recipient INTEGER NOT NULL,
         PRIMARY KEY (mid, recipient)
     ) WITHOUT ROWID;",
    // 4: receipts. `messages.wants` has a bit for each thing that the sender wants of a message. Receipts
    // are numbered in the order in which they came; numbers are not used again, as a client may still
    // have one of them under way.
    "ALTER TABLE messages ADD COLUMN wants INTEGER NOT NULL DEFAULT 0;
     CREATE TABLE receipts (
         seq       INTEGER PRIMARY KEY AUTOINCREMENT,
         owner     INTEGER NOT NULL,
         mid       INTEGER NOT NULL,
         reference TEXT,
         name      TEXT NOT NULL,
         state     TEXT NOT NULL,
         at_ms     INTEGER NOT NULL,
         note      TEXT
     );
     CREATE INDEX receipts_owner ON receipts (owner, seq);
     CREATE TABLE reports (
         mid       INTEGER NOT NULL,
         recipient INTEGER NOT NULL,
         -- 1 dismissed, 2 read, 3 acknowledged
         state     INTEGER NOT NULL,
         PRIMARY KEY (mid, recipient)
     ) WITHOUT ROWID;",
    // 5: messages that are held, replace others, are reminded of. A message's place in the queues is not its
    // mid any more where it was held: while it is, it is far behind all others. `queue.key` names owner and
    // key of what may be replaced. `messages.pending` counts the rows of `queue` and of `reminders`.
    "ALTER TABLE queue RENAME COLUMN mid TO position;
     ALTER TABLE queue ADD COLUMN mid INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE queue ADD COLUMN key TEXT;
     UPDATE queue SET mid = position;
     CREATE INDEX queue_key ON queue (recipient, key) WHERE key IS NOT NULL;
     ALTER TABLE messages ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE messages ADD COLUMN token TEXT NOT NULL DEFAULT '';
     ALTER TABLE messages ADD COLUMN repeat_ms INTEGER NOT NULL DEFAULT 0;
     UPDATE messages SET position = mid;
     CREATE TABLE held (
         mid    INTEGER PRIMARY KEY,
         due_ms INTEGER NOT NULL,
         -- n and a client's name, or t and what stands for a token
         owner  TEXT NOT NULL
     );
     CREATE INDEX held_due ON held (due_ms, mid);
     CREATE INDEX held_owner ON held (owner, mid);
     CREATE TABLE reminders (
         recipient INTEGER NOT NULL,
         mid       INTEGER NOT NULL,
         since_ms  INTEGER NOT NULL,
         PRIMARY KEY (recipient, mid)
     ) WITHOUT ROWID;
     CREATE INDEX reminders_mid ON reminders (mid);
     ALTER TABLE clients ADD COLUMN seen_ms INTEGER;",
];

pub(super) fn open(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let failed = |source| open_error(path, source);
    private_file(path).map_err(|source| OpenError::Folder {
        path: path.to_owned(),
        source,
    })?;
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    configure(&connection, durability).map_err(failed)?;
    let found = migrate(&mut connection).map_err(failed)?;
    if found > VERSION {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(connection)
}

/// Whether the file is of the version that this code knows.
pub(super) fn check_version(connection: &Connection, path: &Path) -> Result<(), InspectError> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|source| open_error(path, source))?;
    let (path, known) = (path.to_owned(), VERSION);
    match found.cmp(&VERSION) {
        Ordering::Less => Err(InspectError::TooOld { path, found, known }),
        Ordering::Greater => Err(OpenError::TooNew { path, found, known }.into()),
        Ordering::Equal => Ok(()),
    }
}

/// The file holds the key of the tickets: it is made for its owner only.
pub(super) fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

fn configure(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Os => "NORMAL",
            Durability::Disk => "FULL",
        },
    )?;
    // A WAL that once grew large is cut back to this when it is emptied.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    // KiB; the queues are read in order, so a large cache would not be hit more often.
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // More than there are.
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Brings the tables up to [`VERSION`] and returns the version that was found above it, if so.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction()?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found < VERSION {
        if found == 0 {
            transaction.execute_batch(TABLES)?;
        }
        let done = usize::try_from(found.max(1) - 1).unwrap_or(0);
        for step in STEPS.iter().skip(done) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(found)
}

pub(super) fn open_error(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Corrupt { path, source }
        }
        _ => OpenError::Database { path, source },
    }
}
