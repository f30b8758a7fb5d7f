//! The thread that owns the database: takes all work that waits, does it in one transaction, and
//! answers after the commit.
//!
//! Invariants: no answer and no announcement precedes its commit; work that fails does not take
//! its neighbours with it (the transaction is undone and each piece gets one of its own).

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use tidings_protocol::{Name, Statuses};
use tokio::sync::{mpsc, oneshot};

use super::tables::Tables;
use crate::{
    mint::MidNumber,
    store::{
        Accept, Accepted, Batch, Confirmed, Counted, Expired, Fenced, Identity, KeptReceipt, Lease,
        Load, Nagging, Owner, Position, Pushed, Queued, Registration, Released, Said, Scheduled,
        StoreError, Subscription, ToPush, ToRemind, Which, Withdrawn, Word, leases::Leases,
        news::News,
    },
};

/// Pieces of work in one transaction. More would delay the first one's answer for the last one's
/// sake, with nothing left to gain: the commit's cost is spread thin already.
const BATCH: usize = 1024;

/// A piece of work and where its answer goes.
pub(super) enum Work {
    Identity(Asked<Identity>),
    Registrations(Asked<Vec<Registration>>),
    Register(Registration, Asked<()>),
    Accept(Box<Accept>, Asked<Accepted>),
    Read(Lease, Position, usize, Asked<Result<Batch, Fenced>>),
    Confirm(
        Lease,
        Vec<Position>,
        u64,
        Asked<Result<Vec<Confirmed>, Fenced>>,
    ),
    Settle(Name, MidNumber, Word, u64, Asked<Confirmed>),
    Report(Name, MidNumber, Said, Asked<Option<Counted>>),
    Receipts(Name, Position, usize, Asked<Vec<KeptReceipt>>),
    TakeReceipts(Name, Vec<Position>, Asked<()>),
    Subscribe(Name, Box<Subscription>, Asked<bool>),
    Unsubscribe(Name, String, Asked<()>),
    Subscribers(Asked<Vec<Name>>),
    ToPush(Name, Position, Asked<Option<ToPush>>),
    NotePush(Name, MidNumber, Pushed, Asked<bool>),
    Expire(u64, Asked<Expired>),
    Release(u64, Vec<MidNumber>, Asked<Released>),
    Scheduled(Owner, Option<MidNumber>, usize, Asked<Scheduled>),
    Cancel(Owner, Which, Asked<Withdrawn>),
    Reminders(Name, Asked<Vec<Nagging>>),
    ToRemind(Name, MidNumber, Asked<Option<ToRemind>>),
    Seen(Asked<Vec<(Name, u64)>>),
    NoteSeen(Vec<(Name, u64)>, Asked<()>),
    Load(Asked<Load>),
    Status(MidNumber, Asked<Option<Statuses>>),
}

/// Somebody who waits for an answer, and the answer once it is known.
pub(super) struct Asked<T> {
    reply: oneshot::Sender<Result<T, StoreError>>,
    done: Option<T>,
}

impl<T> Asked<T> {
    pub(super) fn new(reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { reply, done: None }
    }

    fn answer(self, failed: Option<StoreError>) {
        let answer = match (failed, self.done) {
            (None, Some(done)) => Ok(done),
            (Some(error), _) => Err(error),
            (None, None) => Err(StoreError::Closed),
        };
        // Whoever asked may be gone; the work stands all the same.
        let _ = self.reply.send(answer);
    }
}

impl Work {
    fn answer(self, failed: Option<StoreError>) {
        match self {
            Self::Identity(asked) => asked.answer(failed),
            Self::Registrations(asked) => asked.answer(failed),
            Self::Register(_, asked) => asked.answer(failed),
            Self::Accept(_, asked) => asked.answer(failed),
            Self::Read(.., asked) => asked.answer(failed),
            Self::Confirm(.., asked) => asked.answer(failed),
            Self::Settle(.., asked) => asked.answer(failed),
            Self::Report(.., asked) => asked.answer(failed),
            Self::Receipts(.., asked) => asked.answer(failed),
            Self::TakeReceipts(.., asked) => asked.answer(failed),
            Self::Subscribe(.., asked) => asked.answer(failed),
            Self::Unsubscribe(.., asked) => asked.answer(failed),
            Self::Subscribers(asked) => asked.answer(failed),
            Self::ToPush(.., asked) => asked.answer(failed),
            Self::NotePush(.., asked) => asked.answer(failed),
            Self::Expire(.., asked) => asked.answer(failed),
            Self::Release(.., asked) => asked.answer(failed),
            Self::Scheduled(.., asked) => asked.answer(failed),
            Self::Cancel(.., asked) => asked.answer(failed),
            Self::Reminders(_, asked) => asked.answer(failed),
            Self::ToRemind(.., asked) => asked.answer(failed),
            Self::Seen(asked) => asked.answer(failed),
            Self::NoteSeen(_, asked) => asked.answer(failed),
            Self::Load(asked) => asked.answer(failed),
            Self::Status(_, asked) => asked.answer(failed),
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
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Work>) {
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

    fn turn(&mut self, jobs: &mut Vec<Work>) {
        if let Ok(news) = self.transact(jobs) {
            for (job, news) in jobs.drain(..).zip(news) {
                self.finish(job, &news);
            }
            return;
        }
        // One of them failed, or the commit did. Each on its own, the good ones pass.
        let mut failed = None;
        for mut job in jobs.drain(..) {
            match self.transact(std::slice::from_mut(&mut job)) {
                Ok(news) => {
                    let news = news.into_iter().next().unwrap_or_default();
                    self.finish(job, &news);
                }
                Err(error) => {
                    job.answer(Some(store_error(&error)));
                    failed = Some(error);
                }
            }
        }
        // Once for all: a full disk fails thousands a second.
        if let Some(error) = failed {
            tracing::warn!(%error, "the store cannot write");
        }
    }

    /// What readers are to hear of each piece of work, now that it is committed.
    fn transact(&mut self, jobs: &mut [Work]) -> rusqlite::Result<Vec<News>> {
        let outcome = self.try_transact(jobs);
        if outcome.is_err()
            && let Err(error) = self.tables.roll_back()
        {
            tracing::error!(%error, "the store cannot read its file");
        }
        outcome
    }

    fn try_transact(&mut self, jobs: &mut [Work]) -> rusqlite::Result<Vec<News>> {
        self.tables.begin()?;
        let mut news = Vec::with_capacity(jobs.len());
        for job in jobs.iter_mut() {
            self.work(job)?;
            news.push(self.tables.take_news());
        }
        self.tables.commit()?;
        Ok(news)
    }

    /// After the commit: tells the readers, in the order of the work, then the caller.
    fn finish(&self, work: Work, news: &News) {
        news.announce(&self.leases);
        if let Work::Accept(accept, asked) = &work
            && let Some(Accepted::New(placed)) = &asked.done
        {
            for (recipient, placed) in accept.recipients.iter().zip(placed) {
                if let Some(position) = placed.position().filter(|p| !p.is_held()) {
                    self.leases.announce(recipient, || Queued {
                        position,
                        mid: accept.mid,
                        frame: accept.frame.clone(),
                        reference: accept.reference.as_ref().map(|(r, _)| r.clone()),
                    });
                }
            }
        }
        work.answer(None);
    }

    fn work(&mut self, work: &mut Work) -> rusqlite::Result<()> {
        let tables = &mut self.tables;
        match work {
            Work::Identity(asked) => asked.done = Some(tables.identity()?),
            Work::Registrations(asked) => asked.done = Some(tables.registrations()?),
            Work::Register(registration, asked) => {
                asked.done = Some(tables.register(registration)?);
            }
            Work::Accept(accept, asked) => asked.done = Some(tables.accept(accept)?),
            Work::Read(lease, after, limit, asked) => {
                asked.done = Some(if self.leases.is_alive(lease) {
                    Ok(tables.read(lease.recipient(), *after, *limit)?)
                } else {
                    Err(Fenced)
                });
            }
            Work::Confirm(lease, positions, at_ms, asked) => {
                asked.done = Some(if self.leases.is_alive(lease) {
                    Ok(tables.confirm(lease.recipient(), positions, *at_ms)?)
                } else {
                    Err(Fenced)
                });
            }
            Work::Settle(recipient, mid, word, at_ms, asked) => {
                asked.done = Some(tables.settle(recipient, *mid, *word, *at_ms)?);
            }
            Work::Report(recipient, mid, said, asked) => {
                asked.done = Some(tables.report(recipient, *mid, said)?);
            }
            Work::Receipts(of, after, limit, asked) => {
                asked.done = Some(tables.receipts(of, *after, *limit)?);
            }
            Work::TakeReceipts(of, positions, asked) => {
                asked.done = Some(tables.take_receipts(of, positions)?);
            }
            Work::Subscribe(recipient, subscription, asked) => {
                asked.done = Some(tables.subscribe(recipient, subscription)?);
            }
            Work::Unsubscribe(recipient, endpoint, asked) => {
                asked.done = Some(tables.unsubscribe(recipient, endpoint)?);
            }
            Work::Subscribers(asked) => asked.done = Some(tables.subscribers()?),
            Work::ToPush(recipient, after, asked) => {
                asked.done = Some(tables.to_push(recipient, *after)?);
            }
            Work::NotePush(recipient, mid, pushed, asked) => {
                asked.done = Some(tables.note_push(recipient, *mid, *pushed)?);
            }
            Work::Expire(now_ms, asked) => asked.done = Some(tables.expire(*now_ms)?),
            Work::Release(now_ms, places, asked) => {
                asked.done = Some(tables.release(*now_ms, places)?);
            }
            Work::Scheduled(of, after, limit, asked) => {
                asked.done = Some(tables.scheduled(of, *after, *limit)?);
            }
            Work::Cancel(of, which, asked) => asked.done = Some(tables.cancel(of, which)?),
            Work::Reminders(of, asked) => asked.done = Some(tables.reminders(of)?),
            Work::ToRemind(of, mid, asked) => asked.done = Some(tables.to_remind(of, *mid)?),
            Work::Seen(asked) => asked.done = Some(tables.seen()?),
            Work::NoteSeen(seen, asked) => asked.done = Some(tables.note_seen(seen)?),
            Work::Load(asked) => asked.done = Some(tables.load()),
            Work::Status(mid, asked) => asked.done = Some(tables.status(*mid)?),
        }
        Ok(())
    }
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => StoreError::Engine(error.to_string()),
    }
}
