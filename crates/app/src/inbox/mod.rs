//! The inbox: one SQLite file with what was received and what was sent.
//!
//! Owns the file, its thread and the shape of its errors; the statements are in [`received`],
//! [`due`], [`consent`] and [`sent`], the tables in [`schema`]. Decides nothing about messages.
//!
//! Invariants: one connection, on one thread; a call that returned is durable, also over a power
//! cut; calls run in the order they were made. Callers wait when [`WAITING`] calls are queued.

mod consent;
mod due;
mod received;
mod schema;
mod sent;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

pub(crate) use due::{Due, Outcome, Unnotified};
pub(crate) use received::{Incoming, Stored};
pub(crate) use sent::Outgoing;

use crate::types::Failure;

/// The file's name in the data folder.
const FILE: &str = "inbox.sqlite";

/// Calls that may wait. They come from a few tasks, each of which waits for its answer, so this is
/// only ever reached by a fault; then callers wait.
const WAITING: usize = 64;

/// Rows of one page at most, as the control API has it.
const PAGE: u32 = 200;

enum Call {
    Act(Box<dyn FnOnce(&mut Connection) + Send>),
    /// The last one.
    Close,
}

/// A handle to the inbox. Cheap to clone; the file is closed by [`Inbox::close`], or when the last
/// handle is gone.
#[derive(Clone)]
pub(crate) struct Inbox {
    calls: mpsc::Sender<Call>,
    counted: Arc<dyn Fn(u32) + Send + Sync>,
}

/// The thread of an inbox, to wait for its end.
#[derive(Debug)]
pub(crate) struct Closing(oneshot::Receiver<()>);

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
        Self::System(error.to_string())
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
        let (calls, mut waiting) = mpsc::channel::<Call>(WAITING);
        let (opened, outcome) = oneshot::channel();
        let (ended, closing) = oneshot::channel();
        let told = path.clone();
        // A thread of its own: SQLite blocks, and a call in the middle of a commit must be let
        // finish when the process ends in order, which `Closing` waits for.
        let thread = std::thread::Builder::new()
            .name("inbox".to_owned())
            .spawn(move || {
                let mut connection = match schema::open(&path, now) {
                    Ok(connection) => connection,
                    Err(error) => {
                        let _ = opened.send(Err(error));
                        return;
                    }
                };
                if opened.send(Ok(())).is_err() {
                    return;
                }
                while let Some(Call::Act(call)) = waiting.blocking_recv() {
                    call(&mut connection);
                }
                drop(waiting);
                schema::close(connection);
                let _ = ended.send(());
            });
        if let Err(error) = thread {
            let source = rusqlite::Error::ToSqlConversionFailure(error.into());
            return Err(InboxError::Other { path: told, source });
        }
        outcome.await.map_err(|_| InboxError::Closed)??;
        let inbox = Self {
            calls,
            counted: Arc::new(counted),
        };
        inbox.count().await?;
        Ok((inbox, Closing(closing)))
    }

    /// Closes the file after the calls made so far; later ones fail.
    pub(crate) async fn close(&self) {
        let _ = self.calls.send(Call::Close).await;
    }

    async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let (answer, answered) = oneshot::channel();
        let call = Call::Act(Box::new(move |connection| {
            let path = connection.path().map(PathBuf::from).unwrap_or_default();
            let result = act(connection).map_err(|source| InboxError::of(&path, source));
            let _ = answer.send(result);
        }));
        self.calls
            .send(call)
            .await
            .map_err(|_| InboxError::Closed)?;
        answered.await.map_err(|_| InboxError::Closed)?
    }
}

impl Closing {
    /// Ends when the file is closed.
    pub(crate) async fn wait(self) {
        let _ = self.0.await;
    }
}

#[cfg(test)]
mod tests;
