//! What the machine is told, and what it says: its whole border. Shapes only.

use tidings_protocol::{Mid, client};

use crate::event::{DialError, Event, SendId};

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The WebSocket that [`Output::Dial`] asked for is open.
    Opened,
    /// It did not open.
    DialFailed(DialError),
    /// A text frame came in.
    Frame(&'a str),
    /// A frame came in that carries no packet: a WebSocket ping, say.
    Heard,
    /// The peer closed the connection, with a code and a reason if it gave them.
    Closed {
        /// The close frame's code.
        code: Option<u16>,
        /// The close frame's reason.
        reason: String,
    },
    /// The connection broke, in words for people.
    Lost(String),
    /// The time of [`Machine::poll_timeout`](super::Machine::poll_timeout) has come.
    Timeout,
    /// The user stored this message.
    Confirm(Mid),
    /// The user sends.
    Send(SendId, client::Send),
    /// The user says something of an extension: it goes out if the session is online and both sides
    /// list it; else it is passed over, and to be said again once the session is online.
    Say(client::Packet),
    /// There is news of the world (the computer woke, the network is another): ask the peer at once,
    /// and dial at once if waiting. [`Event::Answered`] tells when a line stood the test.
    Probe,
    /// The person wants a connection now, whatever happened before.
    Reconnect,
    /// The end.
    Stop,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Open a WebSocket; answer with [`Input::Opened`] or [`Input::DialFailed`].
    Dial,
    /// Send this text frame.
    Transmit(String),
    /// Drop the connection, or the attempt; nothing more of it may be fed.
    HangUp,
    /// Tell the user.
    Event(Event),
}
