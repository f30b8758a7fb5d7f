//! Messages, received and sent. Times are milliseconds since 1970 (UTC).

use serde::{Deserialize, Serialize};

/// A message's number in the inbox of this computer.
pub type MessageId = u64;

/// A received message as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its number.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// The sender's name; empty for HTTP senders without one.
    pub sender: String,
    /// The group it was sent to; none if it was to this computer.
    pub group: Option<String>,
    /// The title; may be empty.
    pub title: String,
    /// The first line of the body as plain text.
    pub preview: String,
    /// When it was stored here.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub received_at: u64,
    /// Whether it was read.
    pub read: bool,
    /// Its priority.
    pub priority: Priority,
    /// Whether it carries a link.
    pub link: bool,
}

/// A received message whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// What lists show.
    pub row: Row,
    /// The body, Markdown by custom.
    pub body: String,
    /// The link to open when it is tapped (`click` or `scheme`).
    pub link: Option<String>,
    /// The address of the relay it came by.
    pub relay: String,
    /// The relay's id of it.
    pub mid: String,
    /// When the relay took it, by its mid; none where the mid does not read as a time.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub sent_at: Option<u64>,
    /// `extra` as JSON, for the curious.
    pub extra: String,
}

/// Priorities, by the words senders use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// 1.
    Min,
    /// 2.
    Low,
    /// 3.
    #[default]
    Default,
    /// 4.
    High,
    /// 5.
    Urgent,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// To whom.
    pub to: Recipient,
    /// The title.
    pub title: String,
    /// The body, Markdown.
    pub body: String,
    /// Its priority.
    pub priority: Priority,
    /// A link for the recipient to open; empty for none.
    pub link: String,
}

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Recipient {
    /// One client, by name.
    Person(String),
    /// A group.
    Group(String),
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
    /// How far it came as a whole.
    pub progress: Progress,
    /// What became of it for each recipient, once the relay said so.
    pub recipients: Vec<Outcome>,
}

/// How far a sent message came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Progress {
    /// Kept here until the relay can be reached.
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
        reason: String,
    },
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Outcome {
    /// The recipient.
    pub name: String,
    /// What became of it.
    pub delivery: Delivery,
}

/// What became of a message for one recipient, in people's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// The relay keeps it for the recipient (`ready`, `wait`).
    Waiting,
    /// The recipient confirmed it (`ok`, `fcm-ok-comfirm`).
    Delivered,
    /// Handed to a push service (`fcm-wait`, `fcm-ok`).
    Pushed,
    /// No such client, or refused for it (`no`).
    Refused,
    /// A word of another version.
    Other,
}
