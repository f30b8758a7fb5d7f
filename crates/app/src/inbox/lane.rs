//! A connection to the inbox's file on a thread of its own, and the queue before it.
//!
//! Owns the thread and its end; knows nothing of what is asked. Invariants: calls run one at a time
//! in the order they were made; callers wait when [`WAITING`] are queued.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::InboxError;

/// Calls that may wait. They come from a few tasks, each of which waits for its answer, so this is
/// only ever reached by a fault; then callers wait.
const WAITING: usize = 64;

enum Call {
    Act(Box<dyn FnOnce(&mut Connection) + Send>),
    /// The last one.
    Close,
}

/// A handle; cheap to clone. The connection is closed by [`Lane::close`], or when the last handle
/// is gone.
#[derive(Clone)]
pub(super) struct Lane {
    calls: mpsc::Sender<Call>,
}

/// The thread of a lane, to wait for its end.
#[derive(Debug)]
pub(super) struct Ending(oneshot::Receiver<()>);

impl Lane {
    /// Opens a connection to `path` on a thread of that name. SQLite blocks, and a call in the
    /// middle of a commit must be let finish when the process ends in order, which [`Ending`] waits
    /// for.
    pub(super) async fn open(
        name: &str,
        path: &Path,
        open: impl FnOnce(&Path) -> Result<Connection, InboxError> + Send + 'static,
    ) -> Result<(Self, Ending), InboxError> {
        let (calls, mut waiting) = mpsc::channel::<Call>(WAITING);
        let (opened, outcome) = oneshot::channel();
        let (ended, ending) = oneshot::channel();
        let place = path.to_owned();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let mut connection = match open(&place) {
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
                if let Err((_, error)) = connection.close() {
                    tracing::warn!(%error, "the inbox did not close in order");
                }
                let _ = ended.send(());
            });
        if let Err(error) = thread {
            let source = rusqlite::Error::ToSqlConversionFailure(error.into());
            let path = path.to_owned();
            return Err(InboxError::Other { path, source });
        }
        outcome.await.map_err(|_| InboxError::Closed)??;
        Ok((Self { calls }, Ending(ending)))
    }

    /// Runs `act` on the connection, after the calls made before.
    pub(super) async fn call<T: Send + 'static>(
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

    /// Closes the connection after the calls made so far; later ones fail.
    pub(super) async fn close(&self) {
        let _ = self.calls.send(Call::Close).await;
    }
}

impl Ending {
    /// Ends when the connection is closed.
    pub(super) async fn wait(self) {
        let _ = self.0.await;
    }
}
