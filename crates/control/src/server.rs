//! The agent's end of the local socket: one instance, owner only, a slow face is let go.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::frame::{self, Ask, Said};
use crate::{Answer, Event, Failure, Request};

/// Answers and events waiting for one face. A window draws far faster than messages come; one that
/// falls so far behind hangs, and is let go.
const WAITING: usize = 1024;

/// How long an answer may wait for room among them before the face is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the agent cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another agent of this user runs.
    #[error("Tidings already runs for this user")]
    Taken,
    /// The folder of the socket belongs to somebody else, who could read what passes it.
    #[error("the folder {0} belongs to another user; set TIDINGS_RUNTIME_DIR to one of your own")]
    Foreign(PathBuf),
    /// The folder or the socket cannot be made.
    #[error("cannot make the socket {0}: {1}; set TIDINGS_RUNTIME_DIR to a folder you can write")]
    Io(PathBuf, #[source] io::Error),
}

/// The listening socket, and with it the right to be the agent.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    lock: Arc<File>,
}

impl Listener {
    /// Becomes the agent of this user: takes the lock, then the socket.
    ///
    /// # Errors
    /// [`ListenError`]; `Taken` means that a running agent answers at `path`.
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        let io = |e| ListenError::Io(path.to_owned(), e);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io)?;
        let lock = File::create(folder.join("agent.lock")).map_err(io)?;
        // The lock's owner is this process's; a folder of another user is a trap.
        let owner = |at: io::Result<fs::Metadata>| at.map(|m| m.uid());
        if owner(fs::metadata(folder)).map_err(io)? != owner(lock.metadata()).map_err(io)? {
            return Err(ListenError::Foreign(folder.to_owned()));
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ListenError::Taken),
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
        let socket = UnixListener::bind(path).map_err(io)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(io)?;
        Ok(Self {
            socket,
            path: path.to_owned(),
            lock: Arc::new(lock),
        })
    }

    /// The right to be the agent, to be held until all its parts have ended: faces take the end of
    /// the listener for the end of the agent, the next agent must not.
    #[must_use]
    pub fn right(&self) -> Right {
        Right {
            _lock: Arc::clone(&self.lock),
        }
    }

    /// Waits for a face. A peer of another user is turned away.
    ///
    /// # Errors
    /// Of the socket.
    pub async fn accept(&self) -> io::Result<Face> {
        loop {
            let (stream, _) = self.socket.accept().await?;
            let ours = self.path.metadata()?.uid();
            if stream.peer_cred().is_ok_and(|peer| peer.uid() == ours) {
                return Ok(Face::new(stream));
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The socket's file would only send faces to nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// See [`Listener::right`]. The lock goes with the process, however it ends.
#[derive(Debug)]
pub struct Right {
    _lock: Arc<File>,
}

/// A face that is connected: its requests come from here, answers go through its [`Peer`].
#[derive(Debug)]
pub struct Face {
    requests: BufReader<OwnedReadHalf>,
    /// What came of the next request so far: [`Face::next`] may be cancelled in the middle of it.
    line: Vec<u8>,
    peer: Peer,
    writer: AbortHandle,
}

/// Where a face's answers and events go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Peer {
    said: mpsc::Sender<Said>,
}

impl Face {
    fn new(stream: UnixStream) -> Self {
        let (read, mut write) = stream.into_split();
        let (said, mut waiting) = mpsc::channel::<Said>(WAITING);
        let writer = tokio::spawn(async move {
            while let Some(said) = waiting.recv().await {
                let Ok(line) = frame::line(&said) else { break };
                if write.write_all(&line).await.is_err() {
                    break;
                }
            }
        });
        Self {
            requests: BufReader::new(read),
            line: Vec::new(),
            peer: Peer { said },
            writer: writer.abort_handle(),
        }
    }

    /// Where its answers go.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// The next request and its number; none when the face is gone or was let go. Cancelled, it
    /// loses nothing.
    ///
    /// # Errors
    /// Of the stream, or `InvalidData` for what is no request.
    pub async fn next(&mut self) -> io::Result<Option<(u64, Request)>> {
        tokio::select! {
            ask = frame::read::<Ask>(&mut self.requests, &mut self.line) => {
                Ok(ask?.map(|Ask { id, request }| (id, request)))
            }
            () = self.peer.said.closed() => Ok(None),
        }
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        // What is still waiting gets its chance: the task ends when the last peer is gone. Only a
        // face that does not read is cut off.
        if self.peer.said.capacity() == 0 {
            self.writer.abort();
        }
    }
}

impl Peer {
    /// Answers a request. False when the face is gone, or does not read.
    pub async fn answer(&self, id: u64, outcome: Result<Answer, Failure>) -> bool {
        let said = match outcome {
            Ok(answer) => Said::Answer { id, answer },
            Err(failure) => Said::Failure { id, failure },
        };
        self.said.send_timeout(said, PATIENCE).await.is_ok()
    }

    /// Whether both lead to the same face.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.said.same_channel(&other.said)
    }

    /// Tells an event, without waiting. False when the face is gone or does not keep up: then it
    /// is to be dropped, and reads everything anew when it comes back.
    #[must_use]
    pub fn tell(&self, event: Event) -> bool {
        self.said.try_send(Said::Event(event)).is_ok()
    }
}
