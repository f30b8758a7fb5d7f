//! A face's end of the local socket.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::frame::{self, Ask, Said};
use crate::{Answer, Event, Failure, Request};

/// Events waiting for their face; beyond them reading stops, and the agent lets the face go.
const WAITING: usize = 256;

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No agent runs.
    #[error("Tidings does not run; start it with `tidings`")]
    NotRunning,
    /// The agent went away in the middle.
    #[error("Tidings ended before it answered")]
    Gone,
    /// The socket failed.
    #[error("cannot speak with Tidings: {0}")]
    Io(#[from] io::Error),
    /// The agent refused, with its reason.
    #[error(transparent)]
    Failed(#[from] Failure),
}

type Pending = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Result<Answer, Failure>>>>>>;

/// A connection to the agent. Dropping it closes the connection.
#[derive(Debug)]
pub struct Client {
    write: tokio::sync::Mutex<Writing>,
    pending: Pending,
    reader: JoinHandle<()>,
}

#[derive(Debug)]
struct Writing {
    socket: OwnedWriteHalf,
    next: u64,
}

/// The agent's events, after a [`Request::Subscribe`]; none when the agent is gone.
pub type Events = mpsc::Receiver<Event>;

impl Client {
    /// Connects to the agent at `path` (see [`crate::path`]).
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] where nobody listens.
    pub async fn connect(path: &Path) -> Result<(Self, Events), ClientError> {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|e| match e.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ClientError::NotRunning
                }
                _ => ClientError::Io(e),
            })?;
        let (read, socket) = stream.into_split();
        let pending: Pending = Arc::new(Mutex::new(Some(HashMap::new())));
        let (events, received) = mpsc::channel(WAITING);
        let answered = Arc::clone(&pending);
        let reader = tokio::spawn(async move {
            let mut read = BufReader::new(read);
            let mut line = Vec::new();
            while let Ok(Some(said)) = frame::read::<Said>(&mut read, &mut line).await {
                let (id, outcome) = match said {
                    Said::Answer { id, answer } => (id, Ok(answer)),
                    Said::Failure { id, failure } => (id, Err(failure)),
                    Said::Event(event) => {
                        // A face that asks but does not listen has dropped its receiver.
                        let _ = events.send(event).await;
                        continue;
                    }
                };
                let mut pending = answered.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(asker) = pending.as_mut().and_then(|map| map.remove(&id)) {
                    let _ = asker.send(outcome);
                }
            }
            // Whoever still waits, and whoever asks later, learns that the agent is gone.
            answered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
        });
        let write = tokio::sync::Mutex::new(Writing { socket, next: 1 });
        Ok((
            Self {
                write,
                pending,
                reader,
            },
            received,
        ))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::Failed`] with the agent's reason; the others when it cannot be reached.
    pub async fn ask(&self, request: Request) -> Result<Answer, ClientError> {
        let (asker, answer) = oneshot::channel();
        {
            let mut write = self.write.lock().await;
            let id = write.next;
            write.next += 1;
            self.pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_mut()
                .ok_or(ClientError::Gone)?
                .insert(id, asker);
            let line = frame::line(&Ask { id, request })?;
            write
                .socket
                .write_all(&line)
                .await
                .map_err(|_| ClientError::Gone)?;
        }
        Ok(answer.await.map_err(|_| ClientError::Gone)??)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
