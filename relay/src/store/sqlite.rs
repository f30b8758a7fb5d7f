//! The durable store: one SQLite file in WAL mode, one thread that owns it.
//!
//! Owns the thread, its queue, opening the file and the errors of opening. The thread's work is
//! `writer`'s, the database's is `tables`' and `schema`'s. Invariants: only the thread touches the database; all work
//! that waits when it comes round is one transaction, and is answered after its commit; a second
//! process on the same folder is refused.

mod inspect;
mod schema;
mod tables;
mod writer;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

pub use self::inspect::{InspectError, KnownClient, RelayFile, WaitingMessage, forget_client};
use rusqlite::Connection;
use tidings_protocol::{Name, Statuses};
use tokio::sync::{mpsc, oneshot};

use self::writer::{Asked, Work, Writer};
use super::{
    Accept, Accepted, Answer, Batch, Confirmed, Counted, Expired, Fenced, Identity, KeptReceipt,
    Lease, Load, Nagging, Owner, Position, Pushed, Registration, Released, Said, Scheduled, Store,
    StoreError, Subscription, ToPush, ToRemind, Wakeups, Which, Withdrawn, Word, leases::Leases,
    ready,
};
use crate::mint::MidNumber;

/// Pieces of work that may wait for the thread. The relay bounds what it stores at once in bytes
/// and stays far below; beyond it, callers hear [`StoreError::Busy`].
const QUEUED: usize = 65_536;

/// The file's name in the data folder.
const FILE: &str = "relay.db";
/// Held while a relay uses the folder.
const LOCK_FILE: &str = "relay.lock";

/// What an accepted message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the process (SIGKILL included): the operating system holds what was committed.
    /// A power failure may cost the last moments before it.
    #[default]
    Os,
    /// A power failure too: every commit waits for the disk.
    Disk,
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can neither be read and written nor made.
    #[error(
        "cannot use the data folder {path}: {source}. Choose another with --data, or give this user the right to write there"
    )]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("another relay uses the data folder {path}: stop it, or choose another with --data")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// Not a database, or a damaged one.
    #[error(
        "{path} is damaged or no database of a relay ({source}). Move it away to start afresh, or restore a backup"
    )]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Written by a later version.
    #[error(
        "{path} was written by a later version of the relay (schema {found}, this one knows {known}): update this relay"
    )]
    TooNew {
        /// Which.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Anything else that SQLite reports, a full disk or a read-only file for example.
    #[error(
        "cannot open {path}: {source}. Check that the disk has room and that this user may write the file"
    )]
    Database {
        /// Which.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The system gave no thread or no random numbers.
    #[error("cannot start the store: {0}")]
    System(String),
}

/// See the module.
#[derive(Debug)]
pub struct SqliteStore {
    /// `None` only while it is dropped.
    jobs: Option<mpsc::Sender<Work>>,
    leases: Arc<Leases>,
    thread: Option<thread::JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the store in `folder`, which is made if it is missing. Blocks while the file is read.
    ///
    /// # Errors
    /// [`OpenError`]; its text says what to do.
    pub fn open(folder: &Path, durability: Durability) -> Result<Self, OpenError> {
        let lock = lock_folder(folder)?;
        let path = folder.join(FILE);
        let connection = schema::open(&path, durability)?;
        Self::start(connection, &path, lock)
    }

    fn start(connection: Connection, path: &Path, lock: File) -> Result<Self, OpenError> {
        let leases = Arc::new(Leases::default());
        let writer = Writer::new(connection, Arc::clone(&leases))
            .map_err(|source| schema::open_error(path, source))?;
        let (jobs, queue) = mpsc::channel(QUEUED);
        let thread = thread::Builder::new()
            .name("relay-store".to_owned())
            .spawn(move || {
                writer.run(queue);
                // Released last: whoever gets it next finds a closed file.
                drop(lock);
            })
            .map_err(|source| OpenError::System(source.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            leases,
            thread: Some(thread),
        })
    }

    fn ask<T: Send + 'static>(&self, work: impl FnOnce(Asked<T>) -> Work) -> Answer<T> {
        let (answer, answered) = oneshot::channel();
        let Some(jobs) = &self.jobs else {
            return ready(Err(StoreError::Closed));
        };
        match jobs.try_send(work(Asked::new(answer))) {
            Ok(()) => Box::pin(async move { answered.await.unwrap_or(Err(StoreError::Closed)) }),
            Err(mpsc::error::TrySendError::Full(_)) => ready(Err(StoreError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => ready(Err(StoreError::Closed)),
        }
    }
}

impl Drop for SqliteStore {
    /// Waits until what is queued is written, so that the folder can be opened again at once.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread ended by a panic");
        }
    }
}

impl Store for SqliteStore {
    fn identity(&self) -> Answer<Identity> {
        self.ask(Work::Identity)
    }

    fn registrations(&self) -> Answer<Vec<Registration>> {
        self.ask(Work::Registrations)
    }

    fn register(&self, registration: Registration) -> Answer<()> {
        self.ask(|answer| Work::Register(registration, answer))
    }

    fn accept(&self, accept: Accept) -> Answer<Accepted> {
        self.ask(|answer| Work::Accept(Box::new(accept), answer))
    }

    fn attach(&self, recipient: &Name) -> Answer<(Lease, Wakeups)> {
        ready(Ok(self.leases.attach(recipient)))
    }

    fn detach(&self, lease: &Lease) {
        self.leases.detach(lease);
    }

    fn read(&self, lease: &Lease, after: Position, limit: usize) -> Answer<Result<Batch, Fenced>> {
        self.ask(|answer| Work::Read(lease.clone(), after, limit, answer))
    }

    fn confirm(
        &self,
        lease: &Lease,
        positions: Vec<Position>,
        at_ms: u64,
    ) -> Answer<Result<Vec<Confirmed>, Fenced>> {
        self.ask(|answer| Work::Confirm(lease.clone(), positions, at_ms, answer))
    }

    fn settle(
        &self,
        recipient: &Name,
        mid: MidNumber,
        word: Word,
        at_ms: u64,
    ) -> Answer<Confirmed> {
        self.ask(|answer| Work::Settle(recipient.clone(), mid, word, at_ms, answer))
    }

    fn report(&self, recipient: &Name, mid: MidNumber, said: Said) -> Answer<Option<Counted>> {
        self.ask(|answer| Work::Report(recipient.clone(), mid, said, answer))
    }

    fn receipts(&self, of: &Name, after: Position, limit: usize) -> Answer<Vec<KeptReceipt>> {
        self.ask(|answer| Work::Receipts(of.clone(), after, limit, answer))
    }

    fn take_receipts(&self, of: &Name, positions: Vec<Position>) -> Answer<()> {
        self.ask(|answer| Work::TakeReceipts(of.clone(), positions, answer))
    }

    fn subscribe(&self, recipient: &Name, subscription: Subscription) -> Answer<bool> {
        self.ask(|answer| Work::Subscribe(recipient.clone(), Box::new(subscription), answer))
    }

    fn unsubscribe(&self, recipient: &Name, endpoint: &str) -> Answer<()> {
        self.ask(|answer| Work::Unsubscribe(recipient.clone(), endpoint.to_owned(), answer))
    }

    fn subscribers(&self) -> Answer<Vec<Name>> {
        self.ask(Work::Subscribers)
    }

    fn to_push(&self, recipient: &Name, after: Position) -> Answer<Option<ToPush>> {
        self.ask(|answer| Work::ToPush(recipient.clone(), after, answer))
    }

    fn note_push(&self, recipient: &Name, mid: MidNumber, pushed: Pushed) -> Answer<bool> {
        self.ask(|answer| Work::NotePush(recipient.clone(), mid, pushed, answer))
    }

    fn expire(&self, now_ms: u64) -> Answer<Expired> {
        self.ask(|answer| Work::Expire(now_ms, answer))
    }

    fn release(&self, now_ms: u64, places: Vec<MidNumber>) -> Answer<Released> {
        self.ask(|answer| Work::Release(now_ms, places, answer))
    }

    fn scheduled(&self, of: Owner, after: Option<MidNumber>, limit: usize) -> Answer<Scheduled> {
        self.ask(|answer| Work::Scheduled(of, after, limit, answer))
    }

    fn cancel(&self, of: Owner, which: Which) -> Answer<Withdrawn> {
        self.ask(|answer| Work::Cancel(of, which, answer))
    }

    fn reminders(&self, of: &Name) -> Answer<Vec<Nagging>> {
        self.ask(|answer| Work::Reminders(of.clone(), answer))
    }

    fn to_remind(&self, of: &Name, mid: MidNumber) -> Answer<Option<ToRemind>> {
        self.ask(|answer| Work::ToRemind(of.clone(), mid, answer))
    }

    fn seen(&self) -> Answer<Vec<(Name, u64)>> {
        self.ask(Work::Seen)
    }

    fn note_seen(&self, seen: Vec<(Name, u64)>) -> Answer<()> {
        self.ask(|answer| Work::NoteSeen(seen, answer))
    }

    fn load(&self) -> Answer<Load> {
        self.ask(Work::Load)
    }

    fn status(&self, mid: MidNumber) -> Answer<Option<Statuses>> {
        self.ask(|answer| Work::Status(mid, answer))
    }
}

/// Makes the folder, for its owner only, and takes its lock, which ends with the process.
fn lock_folder(folder: &Path) -> Result<File, OpenError> {
    let refused = |source| OpenError::Folder {
        path: folder.to_owned(),
        source,
    };
    create_folder(folder).map_err(refused)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK_FILE))
        .map_err(refused)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}

#[cfg(unix)]
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests;
