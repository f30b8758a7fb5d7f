//! What goes with a message beyond its delivery, and what stores keep for it: receipts for its sender, what
//! its recipients report. Shapes and bounds; each store does the keeping.
//!
//! Invariants: a change of a message and recipient is kept once per state; a report never goes back to one
//! that says less.

use std::time::Duration;

use tidings_protocol::{Name, Ref, Reported, State};

use super::Position;
use crate::{frame::Frame, mint::MidNumber};

/// Receipts that wait for one client. Beyond it its oldest go: the newer ones say more.
pub const RECEIPTS_EACH: u64 = 10_000;
/// Receipts that wait for all: some 150 MB. Beyond it, a client's oldest make room for its own newest, and
/// one that has none loses the new one: nobody can push out another's.
pub const RECEIPTS_IN_ALL: u64 = 1_000_000;
/// Messages that one client is reminded of. Beyond it the oldest ones are not any more; they can be
/// acknowledged all the same. Nobody looks through more, and their texts are kept as long.
pub const REMINDERS_EACH: usize = 256;
/// How long a receipt waits: as long as a message does by default.
pub const RECEIPTS_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long a message that somebody wants to hear of is remembered after it was accepted: people read what
/// came on a Friday on the Monday after.
pub const REPORTED: Duration = Duration::from_hours(7 * 24);

/// What a sender wants of a message beyond its delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Later changes are kept for the sender.
    pub receipts: bool,
    /// It takes the place of those of its owner and this key that wait.
    pub key: Option<String>,
    /// Somebody should acknowledge it.
    pub ack: Option<Ack>,
}

/// How a message is to be acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ack {
    /// One acknowledgement counts for all recipients, and they are told of it.
    pub first: bool,
    /// How often those are reminded who have confirmed it and not acknowledged it: milliseconds.
    pub repeat_ms: Option<u64>,
}

/// A message that a client is to be reminded of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nagging {
    /// Which.
    pub mid: MidNumber,
    /// Since when: milliseconds since 1970.
    pub since_ms: u64,
    /// How often: milliseconds.
    pub repeat_ms: u64,
}

/// What is said in a reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRemind {
    /// The message.
    pub frame: Frame,
    /// The sender's own id for it.
    pub reference: Option<Ref>,
}

/// A change of a message, kept for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReceipt {
    /// Its place among the client's receipts.
    pub position: Position,
    /// Which message.
    pub mid: MidNumber,
    /// The sender's own id for it.
    pub reference: Option<Ref>,
    /// For which recipient.
    pub name: Name,
    /// What became of it.
    pub state: State,
    /// When: milliseconds since 1970.
    pub at_ms: u64,
    /// What the person said.
    pub note: Option<String>,
}

/// What a recipient says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What became of it.
    pub state: Reported,
    /// What the person said.
    pub note: Option<String>,
    /// When: milliseconds since 1970.
    pub at_ms: u64,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// It says more than what was reported before.
    pub is_news: bool,
    /// It confirmed the message, which had waited until then.
    pub confirmed: bool,
}
