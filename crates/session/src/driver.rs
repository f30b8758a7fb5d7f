//! The task around the machine: one socket, one clock, the channels to the user. Owns the I/O and
//! nothing of the policy: what happens is fed to the machine, what the machine says is performed.
//!
//! Invariants: the loop never waits for the socket alone, so a peer that stops reading holds up
//! neither the clock nor the user; nothing of a dropped connection reaches the machine.
//!
//! When the user does not take events, the whole loop waits: the socket is not read, and the relay
//! keeps the messages. The socket is read before the clock afterwards, so that an answer which came
//! in meanwhile is not taken for silence.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tidings_protocol::{client, limits};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::{self, StatusCode};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};
use tokio_util::sync::CancellationToken;

use crate::config::Address;
use crate::event::{DialError, Event, Outcome, SendId, State};
use crate::machine::{Input, Machine, Output};

/// How long a connection may take to say goodbye: a courtesy, the peer notices anyway.
const GOODBYE: Duration = Duration::from_millis(500);

/// Frames waiting for the socket above which the user's commands wait too. They are confirmations
/// mostly; a relay that does not read them for long is found dead by the keepalive.
const BACKLOG: usize = 256;

/// Size of the read buffer, which is held for the life of a connection that is idle mostly.
const READ_BUFFER: usize = 8 * 1024;

/// What a network answers that wants a login first (RFC 6585).
const LOGIN_REQUIRED: StatusCode = StatusCode::NETWORK_AUTHENTICATION_REQUIRED;

/// What the user asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Confirm(tidings_protocol::Mid),
    Say(client::Packet),
    Probe,
    Reconnect,
}

/// The user's ends of this task.
pub(crate) struct Channels {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) sends: mpsc::Receiver<(SendId, client::Send)>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) state: watch::Sender<State>,
    pub(crate) stop: CancellationToken,
}

type Dialing<S> = Pin<Box<dyn Future<Output = Result<WebSocketStream<S>, DialError>> + Send>>;

/// Runs a session until it is stopped, or nobody listens to it any more.
pub(crate) async fn run<S, D, F>(
    mut machine: Machine,
    address: Address,
    mut dial: D,
    mut user: Channels,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    D: FnMut() -> F,
    F: Future<Output = Result<S, DialError>> + Send + 'static,
{
    let mut line = Line::Down;
    let mut stopping = false;
    loop {
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Dial => line = Line::dial(&address, dial()),
                Output::Transmit(frame) => line.transmit(frame),
                Output::HangUp => std::mem::replace(&mut line, Line::Down).hang_up().await,
                Output::Event(event) => stopping |= tell(event, &user, stopping).await,
            }
        }
        if matches!(*user.state.borrow(), State::Stopped) {
            return;
        }
        if stopping {
            take_last(&mut machine, &mut user).await;
            machine.handle(Input::Stop, now());
            continue;
        }
        // Without a timeout the state is terminal, and only the user goes on.
        let at = machine.poll_timeout().map(Instant::from_std);
        let clock = async {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // The user first, as commands are few and the outbox is small: a flood from the relay must
        // not hold them up. The socket before the clock, see the file's head.
        tokio::select! {
            biased;
            () = user.stop.cancelled() => stopping = true,
            command = user.commands.recv(), if line.backlog() < BACKLOG => match command {
                Some(Command::Confirm(mid)) => machine.handle(Input::Confirm(mid), now()),
                Some(Command::Say(packet)) => machine.handle(Input::Say(packet), now()),
                Some(Command::Probe) => machine.handle(Input::Probe, now()),
                Some(Command::Reconnect) => machine.handle(Input::Reconnect, now()),
                // The session was dropped with all its handles.
                None => stopping = true,
            },
            Some((id, send)) = user.sends.recv(), if machine.takes_sends() => {
                machine.handle(Input::Send(id, send), now());
            }
            seen = line.next() => feed(&mut machine, &mut line, seen),
            () = clock => machine.handle(Input::Timeout, now()),
        }
    }
}

/// What the user gave before the end and nobody has looked at: confirmations still go out, and what
/// was to be sent never left. The channels are closed first, so that nothing slips in behind.
async fn take_last(machine: &mut Machine, user: &mut Channels) {
    user.commands.close();
    while let Ok(command) = user.commands.try_recv() {
        if let Command::Confirm(mid) = command {
            machine.handle(Input::Confirm(mid), now());
        }
    }
    user.sends.close();
    while let Ok((id, _)) = user.sends.try_recv() {
        let outcome = Outcome::NotSent;
        tell(Event::Outcome { id, outcome }, user, true).await;
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Hands an event to the user. True if the session has to end: it was asked to while the user took
/// no events, or nobody listens.
async fn tell(event: Event, user: &Channels, stopping: bool) -> bool {
    if let Event::State(state) = &event {
        user.state.send_replace(state.clone());
    }
    if stopping {
        // Ending must not wait for a user who takes nothing; what has room still arrives.
        let _ = user.events.try_send(event);
        return true;
    }
    tokio::select! {
        biased;
        sent = user.events.send(event) => sent.is_err(),
        () = user.stop.cancelled() => true,
    }
}

fn feed<S>(machine: &mut Machine, line: &mut Line<S>, seen: Seen<S>) {
    let now = now();
    match seen {
        Seen::Opened(socket) => {
            *line = Line::Open(Box::new(Open::new(*socket)));
            machine.handle(Input::Opened, now);
        }
        Seen::Failed(error) => {
            *line = Line::Down;
            machine.handle(Input::DialFailed(error), now);
        }
        Seen::Frame(Message::Text(text)) => machine.handle(Input::Frame(text.as_str()), now),
        Seen::Frame(Message::Close(frame)) => {
            *line = Line::Down;
            let (code, reason) = frame.map_or((None, String::new()), |frame| {
                (Some(frame.code.into()), frame.reason.as_str().to_owned())
            });
            machine.handle(Input::Closed { code, reason }, now);
        }
        Seen::Frame(_) => machine.handle(Input::Heard, now),
        Seen::Lost(words) => {
            *line = Line::Down;
            machine.handle(Input::Lost(words), now);
        }
    }
}

/// What became of the line.
enum Seen<S> {
    Opened(Box<WebSocketStream<S>>),
    Failed(DialError),
    Frame(Message),
    Lost(String),
}

enum Line<S> {
    Down,
    Dialing(Dialing<S>),
    Open(Box<Open<S>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Line<S> {
    fn dial(
        address: &Address,
        stream: impl Future<Output = Result<S, DialError>> + Send + 'static,
    ) -> Self {
        let url = address.as_str().to_owned();
        Self::Dialing(Box::pin(async move {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .max_message_size(Some(limits::SERVER_FRAME_BYTES))
                .max_frame_size(Some(limits::SERVER_FRAME_BYTES));
            client_async_with_config(url, stream.await?, Some(config))
                .await
                .map(|(socket, _)| socket)
                .map_err(handshake_words)
        }))
    }

    /// Frames waiting for the socket.
    fn backlog(&self) -> usize {
        match self {
            Self::Open(open) => open.queue.len(),
            _ => 0,
        }
    }

    fn transmit(&mut self, frame: String) {
        if let Self::Open(open) = self {
            open.queue.push_back(Message::text(frame));
        }
    }

    /// What happens next. Nothing is lost if it is dropped before it is ready.
    async fn next(&mut self) -> Seen<S> {
        match self {
            Self::Down => std::future::pending().await,
            Self::Dialing(dialing) => match dialing.await {
                Ok(socket) => Seen::Opened(Box::new(socket)),
                Err(error) => Seen::Failed(error),
            },
            Self::Open(open) => poll_fn(|context| open.poll(context)).await,
        }
    }

    /// Sends what is queued and a close frame, if the peer takes them in time.
    async fn hang_up(self) {
        if let Self::Open(mut open) = self {
            open.queue.push_back(Message::Close(None));
            let _ = timeout(GOODBYE, poll_fn(|context| open.poll_drained(context))).await;
        }
    }
}

struct Open<S> {
    socket: WebSocketStream<S>,
    queue: VecDeque<Message>,
    dirty: bool,
    broken: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Open<S> {
    /// Writes what it can and reads the next frame. A write that fails does not hide what the peer
    /// said before it went, its close code above all.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Seen<S>> {
        if self.broken.is_none()
            && let Poll::Ready(Err(error)) = self.poll_write(context)
        {
            self.broken = Some(error.to_string());
        }
        match self.socket.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(message))) => Poll::Ready(Seen::Frame(message)),
            Poll::Ready(Some(Err(error))) => {
                let words = self.broken.take().unwrap_or_else(|| error.to_string());
                Poll::Ready(Seen::Lost(words))
            }
            Poll::Ready(None) => Poll::Ready(Seen::Lost("end of stream".to_owned())),
            Poll::Pending => match self.broken.take() {
                Some(words) => Poll::Ready(Seen::Lost(words)),
                None => Poll::Pending,
            },
        }
    }

    /// All that is queued goes to the socket, and one flush behind it.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        while !self.queue.is_empty() {
            std::task::ready!(self.socket.poll_ready_unpin(context))?;
            if let Some(message) = self.queue.pop_front() {
                self.dirty = true;
                self.socket.start_send_unpin(message)?;
            }
        }
        if self.dirty {
            std::task::ready!(self.socket.poll_flush_unpin(context))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_drained(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_write(context).map(|_| ())
    }
}

impl<S> Open<S> {
    fn new(socket: WebSocketStream<S>) -> Self {
        Self {
            socket,
            queue: VecDeque::new(),
            dirty: false,
            broken: None,
        }
    }
}

fn handshake_words(error: tungstenite::Error) -> DialError {
    match error {
        tungstenite::Error::Http(response) => http_words(&response),
        tungstenite::Error::Io(error) => DialError::Io(error.to_string()),
        error => DialError::NotWebSocket(error.to_string()),
    }
}

/// A login page of a network answers whatever was asked with a page, or with the way to one.
fn http_words<T>(response: &http::Response<T>) -> DialError {
    let status = response.status();
    if !status.is_success() && !status.is_redirection() && status != LOGIN_REQUIRED {
        let status = status.as_u16();
        return DialError::Http { status };
    }
    let leads_to = response
        .headers()
        .get(http::header::LOCATION)
        .and_then(|place| url::Url::parse(place.to_str().ok()?).ok())
        .and_then(|url| url.host_str().map(str::to_owned));
    let status = status.as_u16();
    DialError::Page { status, leads_to }
}
