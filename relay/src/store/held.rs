//! Messages that are held until their time: whose they are, which of them are asked for, what comes of it.
//!
//! A message that is held waits for its recipients from the beginning, so that it counts in their queues, but
//! at a place that nobody reads from. When it is due it gets a place among the others. All of it is in the
//! store, so a crash at any point leaves it held (the release was not committed) or in its place (it was),
//! and what was missed while the relay was down is released at its next start.

use tidings_protocol::{Name, Ref};

use crate::{frame::Frame, mint::MidNumber};

/// Places from here on are those of messages that are held. Far above the places of all others, which are
/// numbers of 13 digits, and within what SQLite's integers hold.
pub(super) const FROM: u64 = 1 << 60;

/// Messages released in one piece of work: more would keep senders waiting.
pub const RELEASED_AT_ONCE: usize = 64;

/// Whose messages: who sent them, and may ask for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A client.
    Client(Name),
    /// Whoever sends by HTTP, without a ticket, with the token that this stands for; empty for the
    /// shared one.
    Token(String),
    /// Whoever may ask for everybody's.
    All,
}

impl Owner {
    /// As a text, which stands for no other owner.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Client(name) => format!("n{name}"),
            Self::Token(mark) => format!("t{mark}"),
            Self::All => String::new(),
        }
    }

    /// Whether it may ask for what is of `other`.
    pub(super) fn reaches(&self, other: &Self) -> bool {
        *self == Self::All || self == other
    }
}

/// A message that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its mid.
    Mid(MidNumber),
    /// By its sender's own id.
    Ref(Ref),
}

/// What came of taking a message back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Withdrawn {
    /// Which it is, if the owner has such a message.
    pub message: Option<(MidNumber, Option<Ref>)>,
    /// Nobody will get it.
    pub cancelled: bool,
}

/// A message that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldMessage {
    /// Its mid.
    pub mid: MidNumber,
    /// The sender's own id for it.
    pub reference: Option<Ref>,
    /// The message.
    pub frame: Frame,
    /// Until when: milliseconds since 1970.
    pub due_ms: u64,
}

/// Some messages that are held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheduled {
    /// In the order of their mids.
    pub messages: Vec<HeldMessage>,
    /// True when there are others behind them.
    pub more: bool,
}

/// What was released.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Released {
    /// The messages and whom they wait for now, in their order.
    pub messages: Vec<(MidNumber, Vec<Name>)>,
    /// Which waiting ones they took the place of.
    pub superseded: Vec<(MidNumber, Name)>,
}
