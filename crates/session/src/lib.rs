//! One client's relation to one relay: dial, authenticate, receive, confirm, send, notice a dead
//! line, come back.
//!
//! [`Session::spawn`] starts a task that lives until [`Session::stop`] (or until the session is
//! dropped) and keeps the connection up by itself. Its user takes [`Event`]s from one channel and
//! asks through a [`Handle`]. The rule between them: an [`Event::Message`] is stored durably and
//! then confirmed with [`Handle::confirm`]; until then it comes again, and its repeats are dropped
//! and confirmed again. The session never confirms by itself and keeps nothing across restarts.
//!
//! All decisions are in the pure [`machine`]; the driver around it owns the socket and the clock,
//! and runs over any stream.

mod backoff;
mod certificate;
mod config;
mod dial;
mod driver;
mod event;
mod keepalive;
pub mod machine;
mod outbox;
mod rival;

use std::future::Future;
use std::time::Duration;

use tidings_protocol::{Mid, client};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use certificate::{Distrust, Fingerprint, NoFingerprint, Rejected};
pub use config::{Address, AddressError, Config, DEFAULT_PORT, FEATURES};
pub use dial::{BoxStream, Stream, connect};
pub use event::{DialError, Event, Outcome, Refusal, SendId, State, Trouble};

use driver::{Channels, Command};
use machine::Machine;

/// Events waiting for the user. When full, the session stops reading the socket: the relay keeps
/// the messages.
const EVENTS: usize = 256;

/// Commands waiting for the session; see [`Handle::confirm`] for when it is full.
const COMMANDS: usize = 1024;

/// Sends waiting for the outbox; see [`Handle::send`] for when it is full.
const SENDS: usize = 64;

/// How long a session may take to end: its goodbye, and a moment.
const STOP: Duration = Duration::from_secs(2);

/// A running session. Dropped, it ends at once and without goodbye.
#[derive(Debug)]
pub struct Session {
    handle: Handle,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// Asks a session. Cheap to clone; outlives the session without harm.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    sends: mpsc::Sender<(SendId, client::Send)>,
    state: watch::Receiver<State>,
}

/// Why a message could not be handed to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Many are waiting already. Offer it again when an outcome has come.
    #[error("too many messages are waiting to be sent: try again when one has gone out")]
    Full,
    /// The session has ended.
    #[error("the session has ended")]
    Stopped,
}

impl Session {
    /// Starts a session over the operating system's network. Runs inside a tokio runtime.
    #[must_use]
    pub fn spawn(config: Config) -> (Self, mpsc::Receiver<Event>) {
        let (address, pin) = (config.address.clone(), config.pin);
        let rng = fastrand::Rng::new();
        Self::spawn_with(config, rng, move || connect(address.clone(), pin))
    }

    /// Starts a session over streams of the caller's making. `rng` decides its jitter.
    #[must_use]
    pub fn spawn_with<S, D, F>(
        config: Config,
        rng: fastrand::Rng,
        dial: D,
    ) -> (Self, mpsc::Receiver<Event>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        D: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<S, DialError>> + Send + 'static,
    {
        let (commands, commands_in) = mpsc::channel(COMMANDS);
        let (sends, sends_in) = mpsc::channel(SENDS);
        let (events, events_out) = mpsc::channel(EVENTS);
        let (state_in, state) = watch::channel(State::Dialing);
        let stop = CancellationToken::new();
        let address = config.address.clone();
        let machine = Machine::new(config, rng, Instant::now().into_std());
        let channels = Channels {
            commands: commands_in,
            sends: sends_in,
            events,
            state: state_in,
            stop: stop.clone(),
        };
        let session = Self {
            handle: Handle {
                commands,
                sends,
                state,
            },
            stop,
            task: Some(tokio::spawn(driver::run(machine, address, dial, channels))),
        };
        (session, events_out)
    }

    /// A handle to give away.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends the session in order: what is queued for the socket goes out, the relay is told, every
    /// send gets its outcome. Takes at most two seconds, also with a dead peer or a user who takes
    /// no events.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl std::ops::Deref for Session {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Handle {
    /// Confirms a message that is stored. Never waits; if very many are waiting already it is
    /// dropped, which costs a repeat: the relay sends the message again and it is confirmed again.
    pub fn confirm(&self, mid: Mid) {
        self.command(Command::Confirm(mid));
    }

    /// Sends a message, now or when connected. Its [`Event::Outcome`] carries `id`. With a
    /// `reference` that is the same whenever the same message is given, the relay drops repeats.
    ///
    /// # Errors
    /// [`SendError`]; the message was not taken.
    pub fn send(&self, id: SendId, send: client::Send) -> Result<(), SendError> {
        self.sends
            .try_send((id, send))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SendError::Full,
                mpsc::error::TrySendError::Closed(_) => SendError::Stopped,
            })
    }

    /// Says something of an extension, now or not at all: what has to arrive is said again whenever the
    /// session is [`State::Online`], until the relay has answered. `data.features` of its welcome tells what the
    /// relay knows.
    pub fn say(&self, packet: client::Packet) {
        self.command(Command::Say(packet));
    }

    /// There is news of the world (the computer woke, the network is another): the line is tested at
    /// once, which [`Event::Answered`] or another state tells, and a session that waits dials within a
    /// moment.
    pub fn probe(&self) {
        self.command(Command::Probe);
    }

    /// The person wants a connection now, also after a refusal or a takeover.
    pub fn reconnect(&self) {
        self.command(Command::Reconnect);
    }

    /// What the session is doing, to look at and to wait on.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    fn command(&self, command: Command) {
        if let Err(error) = self.commands.try_send(command) {
            tracing::debug!(%error, "command not taken");
        }
    }
}
