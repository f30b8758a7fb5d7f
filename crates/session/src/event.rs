//! The words between a session and its user: what it is doing, what came, what became of what was
//! sent, and why it is not connected. Shapes only; the decisions are the machine's.
//!
//! Texts of errors are for people: they say what is wrong and what to do. None holds the token or
//! the content of a message.

use std::time::Instant;

use tidings_protocol::server::{self, Delivery, Reply, Welcome};

use crate::certificate::Rejected;

/// The caller's id of something sent; only handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(pub i64);

/// What a session tells its user, in the order it happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session is in another state.
    State(State),
    /// A message came. To be stored, then confirmed; it comes again until it is, so a repeat is
    /// dropped and confirmed again.
    Message(Delivery),
    /// What became of something sent. Exactly one per send, unless the session was dropped.
    Outcome {
        /// Which one.
        id: SendId,
        /// What became of it.
        outcome: Outcome,
    },
    /// A notice from the relay, for people.
    Info(String),
    /// The open line stood the test that [`probe`](crate::Handle::probe) asked for: nothing was
    /// missed on it. Where it did not, another one is made, and the state tells.
    Answered,
    /// A packet of an extension that this session lists: a RECEIPT to be stored and then confirmed, what a
    /// DIRECTORY holds, and so on.
    Extension(Box<server::Packet>),
}

/// What became of something sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The relay took it; the statuses per recipient.
    Replied(Reply),
    /// It left, and no reply will be known: the connection was lost, or a relay that is otherwise
    /// well did not reply. It may or may not have been accepted. Sending it again might double it, so
    /// the person who wrote it decides.
    Unknown,
    /// It left under a `ref`, and the session was stopped before the reply. It may be sent again to
    /// the same relay, which drops a repeat and replies as it did the first time.
    Pending,
    /// It never left; it may be sent again.
    NotSent,
    /// It is longer than a frame may be.
    TooLarge {
        /// Size of its frame in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// What a session is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Not connected; dials again by itself.
    Waiting {
        /// When.
        retry_at: Instant,
        /// What ended the last attempt.
        trouble: Trouble,
    },
    /// Looking up, connecting, shaking hands.
    Dialing,
    /// Connected; the relay has not said yes yet.
    Authenticating,
    /// Messages flow.
    Online(Welcome),
    /// The relay does not want this client. Ends by new settings (a new session) or by
    /// [`reconnect`](crate::Handle::reconnect): asking again by itself would only fill the relay's
    /// log and, with ours, slow down the person's address.
    Refused(Refusal),
    /// Another client uses the same name. Fighting would throw both out in turn.
    TakenOver {
        /// When this session tries again; none if it waits for the person.
        retry_at: Option<Instant>,
    },
    /// Ended.
    Stopped,
}

impl State {
    /// True while messages flow.
    #[must_use]
    pub fn is_online(&self) -> bool {
        matches!(self, Self::Online(_))
    }

    /// True where only a person gets the session going again.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::TakenOver { retry_at: None } | Self::Stopped
        )
    }
}

/// Why a relay does not want this client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// AUTH was answered 403, with the relay's words.
    #[error("the relay refused this client ({0}): check the token in the settings")]
    Relay(String),
    /// The WebSocket handshake was answered by this HTTP status: 401, 403 or 407.
    #[error(
        "the relay, or a proxy before it, refused the connection with HTTP {0}: check the address \
         and what it asks for"
    )]
    Http(u16),
}

/// Why a session is not connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection came about.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Connected, but AUTH was not answered.
    #[error("the relay did not answer AUTH in time{}: check that this address is a push relay",
        .notice.as_ref().map(|text| format!(" (it said: {text})")).unwrap_or_default())]
    AuthTimeout {
        /// What the relay said instead, if anything.
        notice: Option<String>,
    },
    /// The relay forgot, or never knew, who this is (401).
    #[error("the relay asks for AUTH again ({0})")]
    NotAuthenticated(String),
    /// The relay closed the connection.
    #[error("the relay closed the connection{}",
        close_words(*.code, .reason))]
    Closed {
        /// The WebSocket close code, if it gave one.
        code: Option<u16>,
        /// Its reason; often empty.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to the relay broke ({0})")]
    Lost(String),
    /// The relay did not answer a PING.
    #[error("the relay stopped answering: the network may have changed")]
    Silent,
}

fn close_words(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, _) => String::new(),
        (Some(code), "") => format!(" (code {code})"),
        (Some(code), reason) => format!(" (code {code}: {reason})"),
    }
}

/// Why no connection came about, told apart by what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The name has no address.
    #[error("no computer named {host} was found: check the address, or the network")]
    NameNotFound {
        /// The name.
        host: String,
    },
    /// Nothing listens there.
    #[error("{authority} refused the connection: check the port, and that the relay runs")]
    Refused {
        /// Host and port.
        authority: String,
    },
    /// No network leads there.
    #[error("{authority} cannot be reached: check the network")]
    Unreachable {
        /// Host and port.
        authority: String,
    },
    /// Nothing answered in time.
    #[error("the relay did not answer in time: check the address, the network and any firewall")]
    TimedOut,
    /// The certificate is not to be trusted.
    #[error(transparent)]
    Certificate(#[from] Rejected),
    /// TLS failed for another reason.
    #[error("{host} does not speak TLS as it should ({reason}): try ws:// if the relay has none")]
    Tls {
        /// The host.
        host: String,
        /// The library's words.
        reason: String,
    },
    /// A page answers in the relay's place.
    #[error(
        "a web page answers in the relay's place (HTTP {status}{}): perhaps the login page of this \
         network, so open a browser and look; otherwise check the address and its port",
        .leads_to.as_ref().map(|host| format!(", it leads to {host}")).unwrap_or_default()
    )]
    Page {
        /// The status: one that says all is well, or leads elsewhere.
        status: u16,
        /// The host it leads to.
        leads_to: Option<String>,
    },
    /// It speaks HTTP, and answered the WebSocket handshake with this status.
    #[error("the address answers HTTP {status}, not WebSocket: check its port and path")]
    Http {
        /// The status.
        status: u16,
    },
    /// It speaks something else.
    #[error("the address does not speak WebSocket ({0}): check its port and scheme")]
    NotWebSocket(String),
    /// Any other fault of the network.
    #[error("the connection failed ({0})")]
    Io(String),
}
