//! What our peers may say beyond the base protocol, with the shapes of it: receipts, the directory, held
//! messages, reminders. `docs/protocol-extensions.md` has the conversations.
//!
//! Invariant: nothing here is sent to a peer that did not list its [`Feature`]. This file cannot see to
//! that; it gives [`Features`] to those who do, and [`Status::for_peer`](crate::Status::for_peer).

mod codec;

use crate::server::Delivery;
use crate::{Group, Mid, Name, Ref, Target};

/// An extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// `ref`: a sender's own ids.
    Ref,
    /// `receipts`: later changes of a message's status.
    Receipts,
    /// `directory`: who is known.
    Directory,
    /// `delay`: held messages listed and cancelled.
    Delay,
    /// `key`: messages that replace others.
    Key,
    /// `ack`: reminders.
    Ack,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Ref,
        Self::Receipts,
        Self::Directory,
        Self::Delay,
        Self::Key,
        Self::Ack,
    ];

    /// Its word in AUTH.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ref => "ref",
            Self::Receipts => "receipts",
            Self::Directory => "directory",
            Self::Delay => "delay",
            Self::Key => "key",
            Self::Ack => "ack",
        }
    }

    /// The extension that a client's command belongs to; none for those of the base protocol.
    #[must_use]
    pub fn of_command(cmd: &str) -> Option<Self> {
        match cmd {
            "RECEIPT" | "RECEIPT_CALLBACK" => Some(Self::Receipts),
            "DIRECTORY" => Some(Self::Directory),
            "SCHEDULED" | "CANCEL" => Some(Self::Delay),
            _ => None,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Which extensions a peer listed, of those that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features(u8);

impl Features {
    /// Those of a peer of the base protocol.
    pub const NONE: Self = Self(0);

    /// Reads what stood in AUTH; what is unknown is passed over.
    #[must_use]
    pub fn of<S: AsRef<str>>(words: &[S]) -> Self {
        let listed = |f: &Feature| words.iter().any(|word| word.as_ref() == f.as_str());
        let listed = Feature::ALL.into_iter().filter(listed);
        Self(listed.fold(0, |bits, feature| bits | feature.bit()))
    }

    /// Whether it is among them.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// As a number, for whoever has to keep it in one.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The inverse of [`Self::bits`].
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl std::ops::BitAnd for Features {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// What became of a message for a recipient, as a RECEIPT has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `ok`: the recipient confirmed it.
    Ok,
    /// `dismissed`: its notification was closed.
    Dismissed,
    /// `read`.
    Read,
    /// `acknowledged`: by a person, perhaps with a note.
    Acknowledged,
    /// `expired`: given up before it was confirmed.
    Expired,
    /// `superseded`: a later one of its key took its place before it was confirmed.
    Superseded,
    /// A state this version does not know.
    Other(String),
}

impl State {
    /// The protocol's word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Dismissed => "dismissed",
            Self::Read => "read",
            Self::Acknowledged => "acknowledged",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Other(word) => word,
        }
    }

    /// Reads the protocol's word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "ok" => Self::Ok,
            "dismissed" => Self::Dismissed,
            "read" => Self::Read,
            "acknowledged" => Self::Acknowledged,
            "expired" => Self::Expired,
            "superseded" => Self::Superseded,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What a recipient says of a message it has, each more than those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reported {
    /// Its notification was closed.
    Dismissed,
    /// It was read.
    Read,
    /// A person acknowledged it.
    Acknowledged,
}

impl Reported {
    /// The state it brings about.
    #[must_use]
    pub fn state(self) -> State {
        match self {
            Self::Dismissed => State::Dismissed,
            Self::Read => State::Read,
            Self::Acknowledged => State::Acknowledged,
        }
    }
}

/// `RECEIPT` from a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which message.
    pub mid: Mid,
    /// What became of it.
    pub state: Reported,
    /// What the person said, with an acknowledgement: at most [`NOTE_BYTES`](crate::limits::NOTE_BYTES).
    pub note: Option<String>,
}

/// `RECEIPT` to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which message.
    pub mid: Mid,
    /// The sender's own id for it.
    pub reference: Option<Ref>,
    /// For which recipient.
    pub name: Name,
    /// What became of it.
    pub state: State,
    /// When: milliseconds since 1970, by the relay's clock.
    pub at: u64,
    /// What the person said.
    pub note: Option<String>,
}

impl Receipt {
    /// What confirms it.
    #[must_use]
    pub fn change(&self) -> Change {
        Change {
            mid: self.mid.clone(),
            name: self.name.clone(),
            state: self.state.clone(),
        }
    }
}

/// `RECEIPT_CALLBACK`, in both directions: names one change, which is durable at the peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// Which message.
    pub mid: Mid,
    /// For which recipient.
    pub name: Name,
    /// What it became.
    pub state: State,
}

/// Which message to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancel {
    /// By the relay's id.
    Mid(Mid),
    /// By the sender's own.
    Ref(Ref),
}

/// `CANCEL` to a client: what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// The message's id, where it is known.
    pub mid: Option<Mid>,
    /// The sender's own id, where it gave one.
    pub reference: Option<Ref>,
    /// It will not be delivered.
    pub cancelled: bool,
}

/// `SCHEDULED` to a client: some of the messages that are held of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheduled {
    /// In the order of their mids.
    pub messages: Vec<Held>,
    /// There are others behind these.
    pub more: bool,
}

/// A message that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub mid: Mid,
    /// The sender's own.
    pub reference: Option<Ref>,
    /// Whom it is for.
    pub target: Target,
    /// Its title.
    pub text: String,
    /// When it is due: milliseconds since 1970.
    pub due: u64,
}

/// `DIRECTORY` to a client: some who are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// What was known before does not count any more.
    pub reset: bool,
    /// Another packet follows at once.
    pub more: bool,
    /// Each in place of what was known of its name.
    pub clients: Vec<Known>,
}

/// A client that the relay knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: Name,
    /// Its group; may be the empty one.
    pub group: Group,
    /// It is connected.
    pub online: bool,
    /// When it was last connected: milliseconds since 1970. `None`: nobody remembers.
    pub last_seen: Option<u64>,
}

/// `REMINDER`: a message that was confirmed and not acknowledged, once more.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminder {
    /// The message.
    pub delivery: Delivery,
    /// The how manieth reminder of it this is, from 1.
    pub number: u64,
}
