//! What the tables hold, in and out: one method per kind of work, each within the transaction that
//! the writer has opened. Knows no threads, no answers and no leases.
//!
//! Invariants: what is cached of the database is what the database says, an undone transaction
//! included; a message's text goes with its last confirmation.

mod accepting;
mod clients;
mod expiry;
mod fates;
mod held;
mod identity;
mod pushing;
mod queue;
mod receipts;
mod reminders;
mod sweep;

use rusqlite::{Connection, params};
use tidings_protocol::{Group, Name};

pub(super) use self::fates::{Fate, with_fate};
use self::{clients::Clients, receipts::Mail};
use crate::store::{Load, Registration, news::News};

/// Bytes that one read returns at most, one message at least.
const READ_BYTES: usize = 1024 * 1024;

/// Transactions after which the bytes in use are looked at again: until then they are reckoned, as if nothing
/// went.
const USED_FOR: u64 = 64;

/// What a sender wants of a message: bits of `messages.wants`.
mod wants {
    /// Receipts.
    pub(super) const RECEIPTS: i64 = 1;
    /// An acknowledgement.
    pub(super) const ACK: i64 = 2;
    /// One for all recipients.
    pub(super) const FIRST: i64 = 4;
    /// Which has come.
    pub(super) const TAKEN: i64 = 8;
}

/// The database and what is cached of it.
pub(super) struct Tables {
    connection: Connection,
    clients: Clients,
    /// The highest mid given out in this transaction, and the highest one that a row of it has.
    highest: Option<u64>,
    kept: Option<u64>,
    transactions: u64,
    /// Bytes of the file in use when that was looked at, and added since; `None`: to be looked at.
    used: Option<u64>,
    /// Where the sweep of old messages goes on; `None` between sweeps.
    sweep: Option<u64>,
    mail: Mail,
    news: News,
}

impl Tables {
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            clients: Clients::load(&connection)?,
            connection,
            highest: None,
            kept: None,
            transactions: 0,
            used: None,
            sweep: Some(0),
            mail: Mail::default(),
            news: News::default(),
        })
    }

    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        (self.highest, self.kept) = (None, None);
        self.clients.begin();
        self.news = News::default();
        if self.transactions.is_multiple_of(USED_FOR) {
            self.used = None;
        }
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        Ok(())
    }

    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        // What a row has is found there: see `identity`.
        if let Some(highest) = self.highest.filter(|_| self.highest > self.kept) {
            self.connection
                .prepare_cached("UPDATE meta SET highest_mid = max(highest_mid, ?1)")?
                .execute([to_sql(highest)])?;
        }
        self.sweep()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Undoes the transaction and forgets what was cached of it.
    pub(super) fn roll_back(&mut self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.used = None;
        self.clients.undo();
        self.mail.undo();
        Ok(())
    }

    pub(super) fn registrations(&self) -> rusqlite::Result<Vec<Registration>> {
        let mut query = self
            .connection
            .prepare("SELECT name, grp FROM clients ORDER BY id")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (name, group) = row?;
            if let (Ok(name), Ok(group)) = (Name::new(name), Group::new(group)) {
                found.push(Registration { name, group });
            }
        }
        Ok(found)
    }

    pub(super) fn seen(&self) -> rusqlite::Result<Vec<(Name, u64)>> {
        let mut query = self
            .connection
            .prepare("SELECT name, seen_ms FROM clients WHERE seen_ms IS NOT NULL")?;
        let rows = query.query_map([], |row| {
            let name = Name::new(row.get::<_, String>(0)?).ok();
            Ok(name.zip(Some(from_sql(row.get(1)?))))
        })?;
        rows.filter_map(Result::transpose).collect()
    }

    pub(super) fn note_seen(&mut self, seen: &[(Name, u64)]) -> rusqlite::Result<()> {
        let mut note = self
            .connection
            .prepare_cached("UPDATE clients SET seen_ms = ?2 WHERE id = ?1")?;
        for (name, at_ms) in seen {
            if let Some(client) = self.clients.get(name) {
                note.execute([client.id, to_sql(*at_ms)])?;
            }
        }
        Ok(())
    }

    pub(super) fn register(&mut self, registration: &Registration) -> rusqlite::Result<()> {
        let id = self
            .connection
            .prepare_cached(
                "INSERT INTO clients (name, grp) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET grp = excluded.grp RETURNING id",
            )?
            .query_row(
                params![registration.name.as_str(), registration.group.as_str()],
                |row| row.get(0),
            )?;
        self.clients.add(&registration.name, id);
        Ok(())
    }

    /// What readers are to hear of since this was last asked, once it is committed.
    pub(super) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    pub(super) fn load(&self) -> Load {
        self.clients.waiting()
    }
}

/// SQLite's integers are signed; mids, times and sizes stay far below their limit.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count_to_sql(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
