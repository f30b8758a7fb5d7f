//! Messages that are written and sent, what became of them, and whom they can go to. Times are
//! milliseconds since 1970 (UTC).

use serde::{Deserialize, Serialize};

use crate::{MessageId, Priority, RelayId, Words};

/// Recipients of one message that are named by its writer, at most: a page of names can be read over
/// before it is sent. More people are a group.
pub const RECIPIENTS: usize = 50;

/// Bytes of a note that goes with an acknowledgement, at most: a sentence or two (the protocol's bound).
pub const NOTE_BYTES: usize = 1024;

/// A message to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(default, rename_all = "camelCase")]
pub struct Draft {
    /// To whom, each once; at most [`RECIPIENTS`].
    pub to: Vec<Recipient>,
    /// The title.
    pub title: String,
    /// The body, Markdown.
    pub body: String,
    /// Its priority.
    pub priority: Priority,
    /// A link for the recipient to open; empty for none.
    pub link: String,
    /// Words to sort it by.
    pub tags: Vec<String>,
    /// Seconds after which it is given up where it was not delivered, counted from when it is due.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub ttl: Option<u64>,
    /// When it is to be delivered; none for now. Where the relay cannot hold it, this computer does.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub due: Option<u64>,
    /// Whether it is to be acknowledged.
    pub ask: Ask,
    /// Seconds between reminders until it is; none for no reminders.
    pub repeat: Option<u32>,
    /// It takes the place of an earlier one of the same key; empty for none.
    pub key: String,
    /// The received message that it answers.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub reply_to: Option<MessageId>,
    /// By which relay; none for the one of the message it answers, else the first one.
    pub relay: Option<RelayId>,
}

/// Whether a message is to be acknowledged by a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// It is not.
    #[default]
    Nobody,
    /// By each recipient.
    Each,
    /// By one of a group: the others are told who.
    First,
}

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Recipient {
    /// One client, by name.
    Person(String),
    /// A group.
    Group(String),
}

/// A message that is being written, kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its number among the kept ones.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// What is written so far; it need not be complete.
    pub draft: Draft,
    /// When it was changed last.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub changed_at: u64,
}

/// A sent message and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Its number.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// The message.
    pub draft: Draft,
    /// When it was written.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub written_at: u64,
    /// What went to each it is for, in the order of [`Draft::to`].
    pub parcels: Vec<Parcel>,
}

/// What went to one person or group: a message of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Parcel {
    /// To whom.
    pub to: Recipient,
    /// How far it came.
    pub progress: Progress,
    /// What became of it for each recipient, once the relay said so.
    pub recipients: Vec<Outcome>,
}

/// How far a parcel came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Progress {
    /// Kept here until the relay can be reached, or until it is due where the relay cannot hold it.
    Queued,
    /// On its way: the relay has not answered yet.
    Sending,
    /// The relay answered: see the recipients.
    Answered,
    /// It is unknown whether the relay got it: the connection broke first.
    Unknown,
    /// It cannot be sent.
    Failed {
        /// Why, for people.
        reason: Words,
    },
    /// The person took it back before it went out.
    Cancelled,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Outcome {
    /// The recipient.
    pub name: String,
    /// What became of it.
    pub delivery: Delivery,
    /// How it came to that, in the order it was heard of; the last one is not always `delivery`, which
    /// never falls back (who acknowledged it may read it later).
    pub history: Vec<Step>,
}

/// A change of what became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Step {
    /// What it became.
    pub delivery: Delivery,
    /// When: by the relay's clock where it said so, else when it was heard of.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub at: u64,
    /// What the person said with an acknowledgement; empty for nothing.
    pub note: String,
}

/// What became of a message for one recipient, in people's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// The relay holds it until it is due (`held`).
    Held,
    /// The relay keeps it for the recipient (`ready`, `wait`).
    Waiting,
    /// Handed to a push service (`fcm-wait`, `fcm-ok`).
    Pushed,
    /// The recipient confirmed it (`ok`, `fcm-ok-comfirm`).
    Delivered,
    /// Its notification was closed.
    Dismissed,
    /// It was read.
    Read,
    /// A person acknowledged it.
    Acknowledged,
    /// No such client, or refused for it (`no`).
    Refused,
    /// Given up: its time was over first.
    Expired,
    /// A later one of its key took its place first.
    Superseded,
    /// Its sender cancelled it.
    Cancelled,
    /// A word of another version.
    Other,
}

/// Somebody a message can go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Who.
    pub to: Recipient,
    /// By which relay.
    pub relay: RelayId,
    /// A person's group; empty for none, and for groups.
    pub group: String,
    /// How many are in a group, as far as is known; 0 for people.
    pub members: u32,
    /// Whether a person is connected, or somebody of a group is; none where the relay does not tell.
    pub online: Option<bool>,
    /// When a person came or left last; none where nobody remembers.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub last_seen: Option<u64>,
    /// When this computer wrote to them last; none for never, as far as is kept.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub written_at: Option<u64>,
}
