//! The inbox: one SQLite file with what was received and what was sent.
//!
//! Owns the file, its two connections and the shape of its errors; the statements are in
//! [`received`], [`acknowledge`], [`report`], [`due`], [`list`], [`sweep`], [`consent`] and [`relays`], of
//! what is sent in [`sent`], [`parcel`], [`recall`], [`outcome`] and [`draft`], the tables in [`schema`].
//! Decides nothing about messages.
//!
//! Invariants: one connection writes, and one only reads, each on a thread of its own, so that
//! whoever looks does not wait for the disk that stores; a call that returned is durable, also over
//! a power cut, and seen by every later one; calls of a connection run in the order they were made.

mod acknowledge;
mod consent;
mod draft;
mod due;
mod excerpt;
mod lane;
mod list;
mod outcome;
mod parcel;
mod recall;
mod received;
mod relays;
mod report;
mod schema;
mod search;
mod sent;
mod sweep;
mod thread;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use lane::{Ending, Lane};

pub(crate) use acknowledge::{Given, Reminded, Taken};
pub(crate) use due::{Due, Outcome, Unnotified};
pub(crate) use outcome::{Answer, Heard, Told, delivery};
pub(crate) use parcel::{Came, Outgoing};
pub(crate) use recall::Held;
pub(crate) use received::{Incoming, Stored};
pub(crate) use report::Waiting;
pub(crate) use sent::{Reply, Written};

use crate::types::Failure;
use crate::words::Chinese as _;

/// The file's name in the data folder.
pub(crate) const FILE: &str = "inbox.sqlite";

/// Rows of one page at most, as the control API has it.
const PAGE: u32 = 200;

/// A handle to the inbox. Cheap to clone; the file is closed by [`Inbox::close`], or when the last
/// handle is gone.
#[derive(Clone)]
pub(crate) struct Inbox {
    writes: Lane,
    reads: Lane,
    counted: Arc<dyn Fn(u32) + Send + Sync>,
}

/// The threads of an inbox, to wait for their end.
#[derive(Debug)]
pub(crate) struct Closing {
    reads: Ending,
    writes: Ending,
}

/// Why the inbox cannot be used; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The folder or the file cannot be written.
    #[error(
        "The inbox {} cannot be written ({source}). Make the file and its folder writable.",
        .path.display()
    )]
    ReadOnly {
        /// Which.
        path: PathBuf,
        /// The database's reason.
        source: rusqlite::Error,
    },
    /// It is no database, or a damaged one.
    #[error(
        "The inbox {} is damaged ({source}). Move it away to start with an empty one, or put a copy in its place.",
        .path.display()
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// The database's reason.
        source: rusqlite::Error,
    },
    /// It was written by a newer version.
    #[error(
        "The inbox {} was written by a newer Tidings (its schema is {found}, this program knows {known}). Install the newer version again.",
        .path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its schema's version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The disk has no room left.
    #[error("The disk with the inbox {} is full. Free some space; messages wait at the relay until then.", .path.display())]
    Full {
        /// Which.
        path: PathBuf,
    },
    /// Another program has it locked.
    #[error("The inbox {} is held by another program. End that program; messages wait at the relay until then.", .path.display())]
    Held {
        /// Which.
        path: PathBuf,
    },
    /// Anything else.
    #[error("The inbox {} failed ({source}). Check the disk.", .path.display())]
    Other {
        /// Which.
        path: PathBuf,
        /// The database's reason.
        source: rusqlite::Error,
    },
    /// The inbox is closed already.
    #[error("The inbox is closed: Tidings is ending.")]
    Closed,
}

impl InboxError {
    fn of(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, source }
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, source }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Held { path },
            _ => Self::Other { path, source },
        }
    }
}

impl From<InboxError> for Failure {
    fn from(error: InboxError) -> Self {
        Self::System(error.words())
    }
}

impl Inbox {
    /// Opens the inbox of a data folder, makes or migrates it, and removes for good what was
    /// deleted more than a day before `now` (milliseconds since 1970). `counted` is told the number
    /// of unread messages, now and after every change, in the order of the changes.
    pub(crate) async fn open(
        folder: &Path,
        now: u64,
        counted: impl Fn(u32) + Send + Sync + 'static,
    ) -> Result<(Self, Closing), InboxError> {
        let path = folder.join(FILE);
        let (writes, written) =
            Lane::open("inbox", &path, move |path| schema::open(path, now)).await?;
        let (reads, read) = Lane::open("inbox-reads", &path, schema::open_to_read).await?;
        let inbox = Self {
            writes,
            reads,
            counted: Arc::new(counted),
        };
        inbox.count().await?;
        let closing = Closing {
            reads: read,
            writes: written,
        };
        Ok((inbox, closing))
    }

    /// Closes the file after the calls made so far; later ones fail.
    pub(crate) async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    /// Runs statements on the connection that writes.
    async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.writes.call(act).await
    }

    /// Runs statements on the connection that reads.
    async fn look<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.reads.call(act).await
    }
}

impl Closing {
    /// Ends when the file is closed.
    pub(crate) async fn wait(self) {
        self.reads.wait().await;
        self.writes.wait().await;
    }
}

#[cfg(test)]
mod tests;
