//! The thread that owns the database: takes all work that waits, does it in one transaction, and
//! answers after the commit.
//!
//! Invariants: no answer and no announcement precedes its commit; work that fails does not take
//! its neighbours with it (the transaction is undone and each piece gets one of its own); what is
//! cached in here is what the database says (after an undone transaction it is read again).

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use tidings_protocol::{Group, Name, Ref, Status, Statuses};
use tokio::sync::{mpsc, oneshot};

use crate::{
    frame::Frame,
    mint::MidNumber,
    store::{
        Accept, Accepted, Batch, Confirmed, Fenced, Identity, KEPT, Lease, Load, Placed, Position,
        Queued, Registration, StoreError, leases::Leases,
    },
};

/// Pieces of work in one transaction. More would delay the first one's answer for the last one's
/// sake, with nothing left to gain: the commit's cost is spread thin already.
const BATCH: usize = 1024;

/// Bytes that one read returns at most, one message at least.
const READ_BYTES: usize = 1024 * 1024;

/// Old messages looked at after a transaction, while there are any.
const SWEEP: usize = 256;
/// Transactions between two beginnings of a sweep.
const SWEEP_EVERY: u64 = 4096;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A piece of work and where its answer goes.
pub(super) enum Work {
    Identity(Reply<Identity>),
    Registrations(Reply<Vec<Registration>>),
    Register(Registration, Reply<()>),
    Accept(Box<Accept>, Reply<Accepted>),
    Read(Lease, Position, usize, Reply<Result<Batch, Fenced>>),
    Confirm(Lease, Vec<Position>, Reply<Result<Vec<Confirmed>, Fenced>>),
    Status(MidNumber, Reply<Option<Statuses>>),
}

/// A piece of work with its result, once it has one.
pub(super) struct Job {
    work: Work,
    done: Option<Done>,
}

enum Done {
    Identity(Identity),
    Registrations(Vec<Registration>),
    Registered,
    Accepted(Accepted),
    Batch(Result<Batch, Fenced>),
    Confirmed(Result<Vec<Confirmed>, Fenced>),
    Status(Option<Statuses>),
}

impl Job {
    pub(super) fn new(work: Work) -> Self {
        Self { work, done: None }
    }

    /// Sends the answer. Whoever asked may be gone; the work stands all the same.
    fn answer(self, failed: Option<&StoreError>) {
        fn send<T>(reply: Reply<T>, value: Option<T>, failed: Option<&StoreError>) {
            let error = || failed.cloned().unwrap_or(StoreError::Closed);
            let _ = reply.send(value.ok_or_else(error));
        }
        let done = if failed.is_some() { None } else { self.done };
        match (self.work, done) {
            (Work::Identity(r), Some(Done::Identity(v))) => send(r, Some(v), failed),
            (Work::Registrations(r), Some(Done::Registrations(v))) => send(r, Some(v), failed),
            (Work::Register(_, r), Some(Done::Registered)) => send(r, Some(()), failed),
            (Work::Accept(_, r), Some(Done::Accepted(v))) => send(r, Some(v), failed),
            (Work::Read(_, _, _, r), Some(Done::Batch(v))) => send(r, Some(v), failed),
            (Work::Confirm(_, _, r), Some(Done::Confirmed(v))) => send(r, Some(v), failed),
            (Work::Status(_, r), Some(Done::Status(v))) => send(r, Some(v), failed),
            (Work::Identity(r), _) => send(r, None, failed),
            (Work::Registrations(r), _) => send(r, None, failed),
            (Work::Register(_, r), _) => send(r, None, failed),
            (Work::Accept(_, r), _) => send(r, None, failed),
            (Work::Read(_, _, _, r), _) => send(r, None, failed),
            (Work::Confirm(_, _, r), _) => send(r, None, failed),
            (Work::Status(_, r), _) => send(r, None, failed),
        }
    }
}

/// The database and what is cached of it.
pub(super) struct Writer {
    connection: Connection,
    leases: Arc<Leases>,
    clients: HashMap<Name, Client>,
    transactions: u64,
    /// Where the sweep of old messages goes on; `None` between sweeps.
    sweep: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Client {
    id: i64,
    load: Load,
}

impl Writer {
    pub(super) fn new(connection: Connection, leases: Arc<Leases>) -> rusqlite::Result<Self> {
        let clients = load_clients(&connection)?;
        Ok(Self {
            connection,
            leases,
            clients,
            transactions: 0,
            sweep: Some(0),
        })
    }

    /// Works until the queue's last sender is gone.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while let Some(first) = queue.blocking_recv() {
            jobs.push(first);
            while jobs.len() < BATCH
                && let Ok(job) = queue.try_recv()
            {
                jobs.push(job);
            }
            self.turn(&mut jobs);
        }
        // Empties the WAL into the file, so that a stopped relay leaves one file to copy.
        if let Err(error) = self
            .connection
            .pragma_update(None, "wal_checkpoint", "TRUNCATE")
        {
            tracing::debug!(%error, "the last checkpoint was not made");
        }
    }

    fn turn(&mut self, jobs: &mut Vec<Job>) {
        if self.transact(jobs).is_ok() {
            for job in jobs.drain(..) {
                self.finish(job);
            }
            return;
        }
        // One of them failed, or the commit did. Each on its own, the good ones pass.
        for mut job in jobs.drain(..) {
            match self.transact(std::slice::from_mut(&mut job)) {
                Ok(()) => self.finish(job),
                Err(error) => {
                    tracing::warn!(%error, "the store refused a piece of work");
                    job.answer(Some(&store_error(&error)));
                }
            }
        }
    }

    fn transact(&mut self, jobs: &mut [Job]) -> rusqlite::Result<()> {
        let outcome = self.try_transact(jobs);
        if outcome.is_err() {
            if !self.connection.is_autocommit() {
                // A failure here leaves the transaction open, and the next BEGIN says so.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            match load_clients(&self.connection) {
                Ok(clients) => self.clients = clients,
                Err(error) => tracing::error!(%error, "the store cannot read its file"),
            }
        }
        outcome
    }

    fn try_transact(&mut self, jobs: &mut [Job]) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut highest = None;
        for job in jobs.iter_mut() {
            job.done = Some(self.work(&job.work, &mut highest)?);
        }
        if let Some(highest) = highest {
            self.connection
                .prepare_cached("UPDATE meta SET highest_mid = max(highest_mid, ?1)")?
                .execute([to_sql(highest)])?;
        }
        self.sweep(highest)?;
        self.connection.execute_batch("COMMIT")
    }

    /// After the commit: tells the readers, then the caller.
    fn finish(&self, job: Job) {
        if let (Work::Accept(accept, _), Some(Done::Accepted(Accepted::New(placed)))) =
            (&job.work, &job.done)
        {
            for (recipient, placed) in accept.recipients.iter().zip(placed) {
                if let Placed::Queued(position) = *placed {
                    self.leases.announce(recipient, || Queued {
                        position,
                        mid: accept.mid,
                        frame: accept.frame.clone(),
                        reference: accept.reference.as_ref().map(|(r, _)| r.clone()),
                    });
                }
            }
        }
        job.answer(None);
    }

    fn work(&mut self, work: &Work, highest: &mut Option<u64>) -> rusqlite::Result<Done> {
        Ok(match work {
            Work::Identity(_) => Done::Identity(self.identity()?),
            Work::Registrations(_) => Done::Registrations(registrations(&self.connection)?),
            Work::Register(registration, _) => {
                self.register(registration)?;
                Done::Registered
            }
            Work::Accept(accept, _) => {
                *highest = (*highest).max(Some(accept.mid.number()));
                Done::Accepted(self.accept(accept)?)
            }
            Work::Read(lease, after, limit, _) => Done::Batch(if self.leases.is_alive(lease) {
                Ok(self.read(lease.recipient(), *after, *limit)?)
            } else {
                Err(Fenced)
            }),
            Work::Confirm(lease, positions, _) => Done::Confirmed(if self.leases.is_alive(lease) {
                Ok(self.confirm(lease.recipient(), positions)?)
            } else {
                Err(Fenced)
            }),
            Work::Status(mid, _) => Done::Status(self.status(*mid)?),
        })
    }

    fn identity(&self) -> rusqlite::Result<Identity> {
        let mut query = self
            .connection
            .prepare_cached("SELECT relay, ticket_key, highest_mid FROM meta")?;
        let found = query
            .query_row([], |row| {
                Ok(Identity {
                    relay: row.get(0)?,
                    ticket_key: row.get(1)?,
                    highest_mid: MidNumber::new(from_sql(row.get(2)?)),
                })
            })
            .optional()?;
        if let Some(identity) = found {
            return Ok(identity);
        }
        let identity = Identity::generate()
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.to_string().into()))?;
        self.connection.execute(
            "INSERT INTO meta (one, relay, ticket_key, highest_mid) VALUES (1, ?1, ?2, 0)",
            params![identity.relay, identity.ticket_key],
        )?;
        Ok(identity)
    }

    fn register(&mut self, registration: &Registration) -> rusqlite::Result<()> {
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
        let load = Load::default();
        self.clients
            .entry(registration.name.clone())
            .or_insert(Client { id, load });
        Ok(())
    }

    fn accept(&mut self, accept: &Accept) -> rusqlite::Result<Accepted> {
        if let Some((reference, digest)) = &accept.reference
            && let Some((mid, first)) = self.accepted_before(accept.sender.as_ref(), reference)?
        {
            if first != *digest {
                return Ok(Accepted::Conflict);
            }
            let statuses = self.status(mid)?.unwrap_or_default();
            return Ok(Accepted::Duplicate { mid, statuses });
        }
        let bytes = accept.frame.len() as u64;
        let position = Position::new(accept.mid.number());
        let mut placed = Vec::with_capacity(accept.recipients.len());
        let mut pending = 0_i64;
        let mut queue = self
            .connection
            .prepare_cached("INSERT INTO queue (recipient, mid, bytes) VALUES (?1, ?2, ?3)")?;
        for recipient in &accept.recipients {
            placed.push(match self.clients.get_mut(recipient) {
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
                     (mid, at_ms, sender, reference, digest, recipients, pending, frame)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
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

    fn read(&self, recipient: &Name, after: Position, limit: usize) -> rusqlite::Result<Batch> {
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

    fn confirm(
        &mut self,
        recipient: &Name,
        positions: &[Position],
    ) -> rusqlite::Result<Vec<Confirmed>> {
        let Some(client) = self.clients.get_mut(recipient) else {
            return Ok(vec![Confirmed::Already; positions.len()]);
        };
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM queue WHERE recipient = ?1 AND mid = ?2 RETURNING bytes",
        )?;
        let mut count = self.connection.prepare_cached(
            "UPDATE messages SET pending = pending - 1,
                 frame = CASE WHEN pending > 1 THEN frame END
             WHERE mid = ?1",
        )?;
        let mut outcome = Vec::with_capacity(positions.len());
        for position in positions {
            let mid = to_sql(position.number());
            let bytes: Option<i64> = remove
                .query_row([client.id, mid], |row| row.get(0))
                .optional()?;
            outcome.push(match bytes {
                None => Confirmed::Already,
                Some(bytes) => {
                    count.execute([mid])?;
                    client.load.remove(from_sql(bytes));
                    Confirmed::Done
                }
            });
        }
        Ok(outcome)
    }

    fn status(&self, mid: MidNumber) -> rusqlite::Result<Option<Statuses>> {
        let recipients: Option<String> = self
            .connection
            .prepare_cached("SELECT recipients FROM messages WHERE mid = ?1")?
            .query_row([to_sql(mid.number())], |row| row.get(0))
            .optional()?;
        let Some(recipients) = recipients else {
            return Ok(None);
        };
        let mut waits = self
            .connection
            .prepare_cached("SELECT 1 FROM queue WHERE recipient = ?1 AND mid = ?2")?;
        let mut statuses = Statuses::new();
        for (name, queued) in recipients_from_json(&recipients) {
            let status = if !queued {
                Status::No
            } else if let Some(client) = self.clients.get(&name)
                && waits.exists([client.id, to_sql(mid.number())])?
            {
                Status::Wait
            } else {
                Status::Ok
            };
            statuses.push((name, status));
        }
        Ok(Some(statuses))
    }

    /// Forgets, a few at a time, messages that are confirmed by all and past their time.
    fn sweep(&mut self, now: Option<u64>) -> rusqlite::Result<()> {
        self.transactions += 1;
        if self.transactions.is_multiple_of(SWEEP_EVERY) {
            self.sweep = self.sweep.or(Some(0));
        }
        // A mid reads as the time of its acceptance: near enough for a day's horizon.
        let (Some(from), Some(now)) = (self.sweep, now) else {
            return Ok(());
        };
        let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        let horizon = now.saturating_sub(kept);
        let last: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(mid) FROM
                     (SELECT mid FROM messages WHERE mid > ?1 AND mid < ?2 ORDER BY mid LIMIT ?3)",
            )?
            .query_row(
                params![to_sql(from), to_sql(horizon), SWEEP as i64],
                |row| row.get(0),
            )?;
        let Some(last) = last else {
            self.sweep = None;
            return Ok(());
        };
        self.connection
            .prepare_cached("DELETE FROM messages WHERE mid > ?1 AND mid <= ?2 AND pending = 0")?
            .execute([to_sql(from), last])?;
        self.sweep = Some(from_sql(last));
        Ok(())
    }
}

fn load_clients(connection: &Connection) -> rusqlite::Result<HashMap<Name, Client>> {
    let mut query = connection.prepare(
        "SELECT c.name, c.id, count(q.mid), coalesce(sum(q.bytes), 0)
         FROM clients c LEFT JOIN queue q ON q.recipient = c.id GROUP BY c.id",
    )?;
    let rows = query.query_map([], |row| {
        let load = Load {
            messages: from_sql(row.get(2)?),
            bytes: from_sql(row.get(3)?),
        };
        let id = row.get(1)?;
        Ok((row.get::<_, String>(0)?, Client { id, load }))
    })?;
    rows.filter_map(|row| match row {
        Ok((name, client)) => Some(Ok((Name::new(name).ok()?, client))),
        Err(error) => Some(Err(error)),
    })
    .collect()
}

fn registrations(connection: &Connection) -> rusqlite::Result<Vec<Registration>> {
    let mut query = connection.prepare("SELECT name, grp FROM clients ORDER BY id")?;
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

fn recipients_from_json(json: &str) -> Vec<(Name, bool)> {
    let list: Vec<(String, u8)> = serde_json::from_str(json).unwrap_or_default();
    list.into_iter()
        .filter_map(|(name, queued)| Some((Name::new(name).ok()?, queued == 1)))
        .collect()
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => StoreError::Engine(error.to_string()),
    }
}

/// SQLite's integers are signed; mids, times and sizes stay far below their limit.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
