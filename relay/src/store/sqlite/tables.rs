//! What the tables hold, in and out: one method per kind of work, each within the transaction that
//! the writer has opened. Knows no threads, no answers and no leases.
//!
//! Invariants: what is cached of the database is what the database says, an undone transaction
//! included; a message's text goes with its last confirmation.

mod clients;
mod expiry;
mod pushing;
mod receipts;

use rusqlite::{Connection, OptionalExtension as _, params};
use tidings_protocol::{Group, Name, Ref, State, Status, Statuses};

use crate::{
    frame::Frame,
    mint::MidNumber,
    store::{
        Accept, Accepted, Batch, Confirmed, Expired, Identity, KEPT, Load, Placed, Position,
        Queued, REPORTED, Registration,
    },
};

pub(super) use self::expiry::{GivenUp, given_up_for};
use self::{
    clients::Clients,
    expiry::GIVEN_UP,
    receipts::{Mail, Told, WANTS_RECEIPTS},
};

/// Bytes that one read returns at most, one message at least.
const READ_BYTES: usize = 1024 * 1024;

/// Old messages looked at in a transaction, while there are any.
const SWEEP: i64 = 256;
/// Transactions between two beginnings of a sweep.
const SWEEP_EVERY: u64 = 4096;

/// The database and what is cached of it.
pub(super) struct Tables {
    connection: Connection,
    clients: Clients,
    /// The highest mid accepted in this transaction.
    highest: Option<u64>,
    transactions: u64,
    /// Bytes of the file in use when the transaction began, and added since.
    used: u64,
    /// Where the sweep of old messages goes on; `None` between sweeps.
    sweep: Option<u64>,
    mail: Mail,
}

impl Tables {
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            clients: Clients::load(&connection)?,
            connection,
            highest: None,
            transactions: 0,
            used: 0,
            sweep: Some(0),
            mail: Mail::default(),
        })
    }

    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.highest = None;
        self.clients.begin();
        self.mail.begin();
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        self.used = expiry::used_bytes(&self.connection)?;
        Ok(())
    }

    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        if let Some(highest) = self.highest {
            self.connection
                .prepare_cached("UPDATE meta SET highest_mid = max(highest_mid, ?1)")?
                .execute([to_sql(highest)])?;
        }
        self.sweep()?;
        self.connection.execute_batch("COMMIT")
    }

    /// Undoes the transaction and forgets what was cached of it.
    pub(super) fn roll_back(&mut self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.clients.undo();
        self.mail.undo();
        Ok(())
    }

    pub(super) fn identity(&self) -> rusqlite::Result<Identity> {
        let mut query = self
            .connection
            .prepare_cached("SELECT relay, ticket_key, push_key, highest_mid FROM meta")?;
        let found = query
            .query_row([], |row| {
                let identity = (row.get(0)?, row.get(1)?, from_sql(row.get(3)?));
                Ok((identity, row.get::<_, Option<[u8; 32]>>(2)?))
            })
            .optional()?;
        let made = || {
            Identity::generate()
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.to_string().into()))
        };
        let Some(((relay, ticket_key, highest_mid), push_key)) = found else {
            let identity = made()?;
            self.connection.execute(
                "INSERT INTO meta (one, relay, ticket_key, push_key, highest_mid)
                 VALUES (1, ?1, ?2, ?3, 0)",
                params![identity.relay, identity.ticket_key, identity.push_key],
            )?;
            return Ok(identity);
        };
        let push_key = match push_key {
            Some(key) => key,
            // Made by a version that knew no push.
            None => {
                let Identity { push_key, .. } = made()?;
                self.connection
                    .execute("UPDATE meta SET push_key = ?1", [push_key])?;
                push_key
            }
        };
        Ok(Identity {
            relay,
            ticket_key,
            push_key,
            highest_mid: MidNumber::new(highest_mid),
        })
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

    pub(super) fn accept(&mut self, accept: &Accept) -> rusqlite::Result<Accepted> {
        if let Some((reference, digest)) = &accept.reference
            && let Some((mid, first)) = self.accepted_before(accept.sender.as_ref(), reference)?
        {
            if first == *digest {
                // Its own mid is told to nobody. So nothing is written, and a full disk does not keep
                // the sender of an accepted message from hearing that it was.
                let statuses = self.status(mid)?.unwrap_or_default();
                return Ok(Accepted::Duplicate { mid, statuses });
            }
            self.highest = self.highest.max(Some(accept.mid.number()));
            return Ok(Accepted::Conflict);
        }
        self.highest = self.highest.max(Some(accept.mid.number()));
        let bytes = accept.frame.len() as u64;
        if self.used.saturating_add(bytes) > accept.bound.store_bytes {
            return Ok(Accepted::StoreFull);
        }
        self.used += bytes;
        let position = Position::new(accept.mid.number());
        let mut placed = Vec::with_capacity(accept.recipients.len());
        let mut pending = 0_i64;
        let mut queue = self
            .connection
            .prepare_cached("INSERT INTO queue (recipient, mid, bytes) VALUES (?1, ?2, ?3)")?;
        for recipient in &accept.recipients {
            placed.push(match self.clients.change(recipient) {
                None => Placed::Unknown,
                Some(client) if !accept.bound.admits(client.load, bytes) => Placed::Full,
                Some(client) => {
                    queue.execute([client.id, to_sql(accept.mid.number()), to_sql(bytes)])?;
                    client.load.add(bytes);
                    pending += 1;
                    Placed::Queued(position)
                }
            });
        }
        let (reference, digest) = match &accept.reference {
            Some((reference, digest)) => (Some(reference.as_str()), Some(digest)),
            None => (None, None),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO messages
                     (mid, at_ms, sender, reference, digest, recipients, pending, frame,
                      expires_ms, wants)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                to_sql(accept.mid.number()),
                to_sql(accept.at_ms),
                accept.sender.as_ref().map(Name::as_str),
                reference,
                digest,
                recipients_to_json(accept, &placed),
                pending,
                (pending > 0).then(|| accept.frame.as_str()),
                to_sql(accept.expires_ms),
                if accept.wants.receipts {
                    WANTS_RECEIPTS
                } else {
                    0
                },
            ])?;
        Ok(Accepted::New(placed))
    }

    fn accepted_before(
        &self,
        sender: Option<&Name>,
        reference: &Ref,
    ) -> rusqlite::Result<Option<(MidNumber, [u8; 32])>> {
        let sender = sender.map_or("", Name::as_str);
        let found = self
            .connection
            .prepare_cached(
                "SELECT mid, digest FROM messages
                 WHERE coalesce(sender, '') = ?1 AND reference = ?2",
            )?
            .query_row(params![sender, reference.as_str()], |row| {
                Ok((from_sql(row.get(0)?), row.get(1)?))
            })
            .optional()?;
        Ok(found.and_then(|(mid, digest)| Some((MidNumber::new(mid)?, digest))))
    }

    pub(super) fn read(
        &self,
        recipient: &Name,
        after: Position,
        limit: usize,
    ) -> rusqlite::Result<Batch> {
        let mut messages = Vec::new();
        let Some(client) = self.clients.get(recipient) else {
            let end = true;
            return Ok(Batch { messages, end });
        };
        let mut query = self.connection.prepare_cached(
            "SELECT m.mid, m.frame, m.reference FROM queue q JOIN messages m ON m.mid = q.mid
             WHERE q.recipient = ?1 AND q.mid > ?2 ORDER BY q.mid",
        )?;
        let mut rows = query.query([client.id, to_sql(after.number())])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            if messages.len() >= limit || bytes >= READ_BYTES {
                let end = false;
                return Ok(Batch { messages, end });
            }
            let number = from_sql(row.get(0)?);
            // A mid without 13 digits is not ours to send; it cannot get here but by another hand.
            let Some(mid) = MidNumber::new(number) else {
                continue;
            };
            let frame = Frame::stored(row.get(1)?);
            bytes += frame.len();
            messages.push(Queued {
                position: Position::new(number),
                mid,
                frame,
                reference: row
                    .get::<_, Option<String>>(2)?
                    .and_then(|r| Ref::new(r).ok()),
            });
        }
        let end = true;
        Ok(Batch { messages, end })
    }

    pub(super) fn confirm(
        &mut self,
        recipient: &Name,
        positions: &[Position],
        at_ms: u64,
    ) -> rusqlite::Result<Vec<Confirmed>> {
        let Some(client) = self.clients.change(recipient) else {
            return Ok(vec![Confirmed::Already; positions.len()]);
        };
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM queue WHERE recipient = ?1 AND mid = ?2 RETURNING bytes",
        )?;
        let mut count = self.connection.prepare_cached(
            "UPDATE messages SET pending = pending - 1,
                 frame = CASE WHEN pending > 1 THEN frame END
             WHERE mid = ?1
             RETURNING wants, CASE WHEN wants THEN sender END, CASE WHEN wants THEN reference END",
        )?;
        let mut outcome = Vec::with_capacity(positions.len());
        let mut told = Vec::new();
        for position in positions {
            let mid = to_sql(position.number());
            let bytes: Option<i64> = remove
                .query_row([client.id, mid], |row| row.get(0))
                .optional()?;
            outcome.push(match bytes {
                None => Confirmed::Already,
                Some(bytes) => {
                    let sender = count.query_row([mid], |row| {
                        let wants: i64 = row.get(0)?;
                        Ok(if wants & WANTS_RECEIPTS == 0 {
                            None
                        } else {
                            Some((row.get::<_, String>(1)?, row.get(2)?))
                        })
                    })?;
                    if let (Some(sender), Some(mid)) = (sender, MidNumber::new(position.number())) {
                        told.push((mid, sender));
                    }
                    client.load.remove(from_sql(bytes));
                    Confirmed::Done
                }
            });
        }
        drop((remove, count));
        for (mid, (sender, reference)) in told {
            let reference: Option<String> = reference;
            let told = Told {
                mid,
                reference: reference.as_deref(),
                name: recipient,
                state: State::Ok,
                at_ms,
                note: None,
            };
            self.tell(&sender, &told)?;
        }
        Ok(outcome)
    }

    /// See [`expiry`].
    pub(super) fn expire(&mut self, now_ms: u64) -> rusqlite::Result<(Expired, Vec<GivenUp>)> {
        expiry::expire(self, now_ms)
    }

    pub(super) fn load(&self) -> Load {
        self.clients.waiting()
    }

    pub(super) fn status(&self, mid: MidNumber) -> rusqlite::Result<Option<Statuses>> {
        let recipients: Option<String> = self
            .connection
            .prepare_cached("SELECT recipients FROM messages WHERE mid = ?1")?
            .query_row([to_sql(mid.number())], |row| row.get(0))
            .optional()?;
        let Some(recipients) = recipients else {
            return Ok(None);
        };
        let mut statuses = Statuses::new();
        for (name, state) in states_from_json(&recipients) {
            let status = match self.clients.get(&name) {
                _ if state == GIVEN_UP => Status::Expired,
                _ if state != QUEUED => Status::No,
                Some(client) => pushing::status(&self.connection, client.id, mid)?,
                None => Status::Ok,
            };
            statuses.push((name, status));
        }
        Ok(Some(statuses))
    }

    /// Forgets, a few at a time, messages that are confirmed by all and past their time.
    fn sweep(&mut self) -> rusqlite::Result<()> {
        self.transactions += 1;
        if self.transactions.is_multiple_of(SWEEP_EVERY) {
            self.sweep = self.sweep.or(Some(0));
        }
        // A mid reads as the time of its acceptance: near enough for a day's horizon.
        let (Some(from), Some(now)) = (self.sweep, self.highest) else {
            return Ok(());
        };
        let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        let horizon = now.saturating_sub(kept);
        let reported = u64::try_from(REPORTED.as_millis()).unwrap_or(u64::MAX);
        let reported = now.saturating_sub(reported);
        let last: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(mid) FROM
                     (SELECT mid FROM messages WHERE mid > ?1 AND mid < ?2 ORDER BY mid LIMIT ?3)",
            )?
            .query_row(params![to_sql(from), to_sql(horizon), SWEEP], |row| {
                row.get(0)
            })?;
        let Some(last) = last else {
            self.sweep = None;
            return Ok(());
        };
        self.connection
            .prepare_cached(
                "DELETE FROM messages WHERE mid > ?1 AND mid <= ?2 AND pending = 0
                     AND (wants = 0 OR mid < ?3)",
            )?
            .execute([to_sql(from), last, to_sql(reported)])?;
        pushing::sweep(&self.connection, to_sql(from), last)?;
        receipts::sweep_reports(&self.connection, to_sql(from), last)?;
        self.sweep = Some(from_sql(last));
        Ok(())
    }
}

fn recipients_to_json(accept: &Accept, placed: &[Placed]) -> String {
    let known = accept
        .recipients
        .iter()
        .zip(placed)
        .map(|(name, placed)| (name.as_str(), u8::from(matches!(placed, Placed::Queued(_)))));
    let unknown = accept.unknown.iter().map(|name| (name.as_str(), 0));
    let list: Vec<_> = known.chain(unknown).collect();
    // A list of texts and small numbers: writing it cannot fail.
    serde_json::to_string(&list).unwrap_or_default()
}

/// In a message's list of recipients: it was queued for it.
const QUEUED: u8 = 1;

fn states_from_json(json: &str) -> Vec<(Name, u8)> {
    let list: Vec<(String, u8)> = serde_json::from_str(json).unwrap_or_default();
    list.into_iter()
        .filter_map(|(name, state)| Some((Name::new(name).ok()?, state)))
        .collect()
}

fn recipients_from_json(json: &str) -> Vec<(Name, bool)> {
    let states = states_from_json(json).into_iter();
    states.map(|(name, s)| (name, s == QUEUED)).collect()
}

/// SQLite's integers are signed; mids, times and sizes stay far below their limit.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
