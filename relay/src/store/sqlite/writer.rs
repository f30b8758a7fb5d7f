//! The thread that owns the database: takes all work that waits, does it in one transaction, and
//! answers after the commit.
//!
//! Invariants: no answer and no announcement precedes its commit; work that fails does not take
//! its neighbours with it (the transaction is undone and each piece gets one of its own).

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use tidings_protocol::Statuses;
use tokio::sync::{mpsc, oneshot};

use super::tables::Tables;
use crate::{
    mint::MidNumber,
    store::{
        Accept, Accepted, Batch, Confirmed, Fenced, Identity, Lease, Placed, Position, Queued,
        Registration, StoreError, leases::Leases,
    },
};

/// Pieces of work in one transaction. More would delay the first one's answer for the last one's
/// sake, with nothing left to gain: the commit's cost is spread thin already.
const BATCH: usize = 1024;

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

/// The thread's own.
pub(super) struct Writer {
    tables: Tables,
    leases: Arc<Leases>,
}

impl Writer {
    pub(super) fn new(connection: Connection, leases: Arc<Leases>) -> rusqlite::Result<Self> {
        let tables = Tables::new(connection)?;
        Ok(Self { tables, leases })
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
        // Closing the database, SQLite empties its WAL: a stopped relay leaves one file to copy.
    }

    fn turn(&mut self, jobs: &mut Vec<Job>) {
        if self.transact(jobs).is_ok() {
            for job in jobs.drain(..) {
                self.finish(job);
            }
            return;
        }
        // One of them failed, or the commit did. Each on its own, the good ones pass.
        let mut failed = None;
        for mut job in jobs.drain(..) {
            match self.transact(std::slice::from_mut(&mut job)) {
                Ok(()) => self.finish(job),
                Err(error) => {
                    job.answer(Some(&store_error(&error)));
                    failed = Some(error);
                }
            }
        }
        // Once for all: a full disk fails thousands a second.
        if let Some(error) = failed {
            tracing::warn!(%error, "the store cannot write");
        }
    }

    fn transact(&mut self, jobs: &mut [Job]) -> rusqlite::Result<()> {
        let outcome = self.try_transact(jobs);
        if outcome.is_err()
            && let Err(error) = self.tables.roll_back()
        {
            tracing::error!(%error, "the store cannot read its file");
        }
        outcome
    }

    fn try_transact(&mut self, jobs: &mut [Job]) -> rusqlite::Result<()> {
        self.tables.begin()?;
        for job in jobs.iter_mut() {
            job.done = Some(self.work(&job.work)?);
        }
        self.tables.commit()
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

    fn work(&mut self, work: &Work) -> rusqlite::Result<Done> {
        let tables = &mut self.tables;
        Ok(match work {
            Work::Identity(_) => Done::Identity(tables.identity()?),
            Work::Registrations(_) => Done::Registrations(tables.registrations()?),
            Work::Register(registration, _) => {
                tables.register(registration)?;
                Done::Registered
            }
            Work::Accept(accept, _) => Done::Accepted(tables.accept(accept)?),
            Work::Read(lease, after, limit, _) => Done::Batch(if self.leases.is_alive(lease) {
                Ok(tables.read(lease.recipient(), *after, *limit)?)
            } else {
                Err(Fenced)
            }),
            Work::Confirm(lease, positions, _) => Done::Confirmed(if self.leases.is_alive(lease) {
                Ok(tables.confirm(lease.recipient(), positions)?)
            } else {
                Err(Fenced)
            }),
            Work::Status(mid, _) => Done::Status(tables.status(*mid)?),
        })
    }
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => StoreError::Engine(error.to_string()),
    }
}
