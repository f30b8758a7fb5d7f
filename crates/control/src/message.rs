//! Messages, received and sent. Times are milliseconds since 1970 (UTC).

use serde::{Deserialize, Serialize};

use crate::RelayId;

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
    /// Its tags.
    pub tags: Vec<String>,
    /// Why no notification of its own was raised; none where one was, or is still to be.
    pub held: Option<Held>,
    /// Whether a later message of the same sender and key took its place.
    pub superseded: bool,
    /// The relay it came by. One that was left may be meant, which the status does not name any more.
    pub relay: RelayId,
}

/// Why a message was not raised as a notification of its own. It is in the inbox and in the count
/// all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// Notifications were paused.
    Paused,
    /// It came in the quiet hours.
    Hours,
    /// The desktop's own do-not-disturb was on.
    Desktop,
    /// Its sender, group or tag is muted.
    Muted,
    /// Its time to live was over.
    Expired,
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
    /// Whether the body is Markdown; plain text otherwise.
    pub markdown: bool,
    /// What can be done with it, most useful first. [`crate::Request::Act`] does one, by its place.
    pub offers: Vec<Offer>,
}

/// Something that can be done with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Offer {
    /// The sender's words for it; empty where the faces have their own.
    pub label: String,
    /// What it does.
    pub does: Deed,
    /// What the person has to agree to first, once; none where they need not, or have.
    pub asks: Option<Permission>,
}

/// What an offer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Deed {
    /// Opens a link.
    Link {
        /// The link.
        url: String,
        /// Where it leads, for people: its host, else its scheme.
        place: String,
    },
    /// Puts a text into the clipboard.
    Copy {
        /// The text.
        text: String,
        /// Whether it is a one-time code that was found in the message.
        code: bool,
    },
    /// Makes a request by HTTP.
    Call {
        /// The method.
        method: String,
        /// The address.
        url: String,
        /// Its host, for people.
        place: String,
    },
}

/// What a sender may have done here, once the person agreed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "kind", content = "what", rename_all = "kebab-case")]
pub enum Permission {
    /// Open links of this scheme, such as `ssh`.
    Scheme(String),
    /// Make requests by HTTP to this host.
    Call(String),
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

impl Priority {
    /// The word that senders use for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Low => "low",
            Self::Default => "default",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
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
    /// By which relay; none for the first one.
    #[serde(default)]
    pub relay: Option<RelayId>,
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

/// Something the person allowed a sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Consent {
    /// Its number, to take it back.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: u64,
    /// The sender's name; empty for HTTP senders without one.
    pub sender: String,
    /// The address of the relay they send by.
    pub relay: String,
    /// What they may do.
    pub permission: Permission,
}
