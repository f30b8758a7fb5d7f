//! A message on its way into a store and out of it: what is accepted, what became of it, what is read.

use tidings_protocol::{Name, Ref, Statuses};

use super::{Owner, Position, Wants};
use crate::{frame::Frame, mint::MidNumber};

/// A message to be kept.
#[derive(Debug, Clone)]
pub struct Accept {
    /// Its mid, higher than every one before.
    pub mid: MidNumber,
    /// Who sent it; `None` for an HTTP sender without a ticket.
    pub sender: Option<Name>,
    /// What stands for the named token that it came by; empty for all others.
    pub by: String,
    /// The sender's own id for it, with a digest of what was sent.
    pub reference: Option<(Ref, Digest)>,
    /// The message.
    pub frame: Frame,
    /// Whom it is for: known clients.
    pub recipients: Vec<Name>,
    /// Whom it was for, but who is no known client. Kept for the status.
    pub unknown: Vec<Name>,
    /// When it was accepted: milliseconds since 1970.
    pub at_ms: u64,
    /// When it is given up: milliseconds since 1970.
    pub expires_ms: u64,
    /// Until when it is held: milliseconds since 1970.
    pub due_ms: Option<u64>,
    /// How much may wait for one recipient, and be in the store at all.
    pub bound: QueueBound,
    /// What the sender wants beside.
    pub wants: Wants,
}

impl Accept {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match &self.sender {
            Some(name) => Owner::Client(name.clone()),
            None => Owner::Token(self.by.clone()),
        }
    }

    /// Under what it replaces others, and is replaced.
    pub(crate) fn key(&self) -> Option<String> {
        let key = self.wants.key.as_ref()?;
        // No owner's word has a line break in it.
        Some(format!("{}\n{key}", self.owner().word()))
    }

    /// Where it waits first.
    pub(crate) fn position(&self) -> Position {
        match self.due_ms {
            Some(_) => Position::held(self.mid),
            None => Position::new(self.mid.number()),
        }
    }
}

/// SHA-256 of what was sent under a `ref`.
pub type Digest = [u8; 32];

/// How much may wait for one recipient, and be in the store at all.
#[derive(Debug, Clone, Copy)]
pub struct QueueBound {
    /// Messages for one recipient.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the whole store, as it counts them: what its file uses, for one that has a file.
    pub store_bytes: u64,
}

/// What [`Store::expire`](super::Store::expire) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Messages given up, once per recipient.
    pub given_up: u64,
    /// How many that are held are due, up to [`RELEASED_AT_ONCE`](super::RELEASED_AT_ONCE).
    pub due: usize,
    /// When the next one is to be given up, or is due: milliseconds since 1970, past ones too. `None`:
    /// nothing waits.
    pub next_ms: Option<u64>,
}

impl QueueBound {
    /// Whether one more message of `bytes` fits beside `load`.
    pub(crate) fn admits(self, load: Load, bytes: u64) -> bool {
        load.messages < self.messages && load.bytes.saturating_add(bytes) <= self.bytes
    }
}

/// How much waits for a recipient, or for all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Messages; one for several recipients counts for each.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Load {
    pub(crate) fn sum(loads: impl Iterator<Item = Self>) -> Self {
        loads.fold(Self::default(), |sum, load| Self {
            messages: sum.messages.saturating_add(load.messages),
            bytes: sum.bytes.saturating_add(load.bytes),
        })
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
    }

    pub(crate) fn remove(&mut self, bytes: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// What became of an `accept`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is kept; what became of each recipient, in the order given.
    New(Vec<Placed>),
    /// The same (sender, ref) with the same content was accepted before, under this mid; nothing
    /// was added.
    Duplicate {
        /// The first acceptance's mid.
        mid: MidNumber,
        /// What became of it.
        statuses: Statuses,
    },
    /// The store holds as much as it may in all; nothing was added.
    StoreFull,
    /// The same (sender, ref) was accepted before with other content; nothing was added.
    Conflict,
}

/// What became of one recipient of an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It waits for the recipient.
    Queued(Position),
    /// It waits for the recipient, in place of this one of its key, which was waiting.
    InPlaceOf(Position, MidNumber),
    /// As much as the bound allows waits for the recipient already.
    Full,
    /// The store knows no such client.
    Unknown,
}

impl Placed {
    /// Where it waits, if it does.
    #[must_use]
    pub fn position(self) -> Option<Position> {
        match self {
            Self::Queued(position) | Self::InPlaceOf(position, _) => Some(position),
            Self::Full | Self::Unknown => None,
        }
    }
}

/// A message waiting for a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its place.
    pub position: Position,
    /// Its mid.
    pub mid: MidNumber,
    /// The message.
    pub frame: Frame,
    /// The sender's own id for it.
    pub reference: Option<Ref>,
}

/// Messages read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Oldest first.
    pub messages: Vec<Queued>,
    /// True when nothing followed them.
    pub end: bool,
}

/// What became of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The message is confirmed now.
    Done,
    /// It was before, or was never the recipient's.
    Already,
}

/// In which words a recipient confirms a message outside its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// MESSAGE_CALLBACK: its status becomes `ok`.
    Message,
    /// MESSAGE_FCM_CALLBACK: it came by Web Push, and its status becomes `fcm-ok-comfirm`.
    Push,
}

/// The lease is dead: a newer one exists, or it was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another connection has taken over")]
pub struct Fenced;
