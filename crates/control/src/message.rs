//! Received messages; the sent ones are in `sent`. Times are milliseconds since 1970 (UTC).

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
    /// Where its sender wants it acknowledged: whether it was. None where nobody asks.
    pub acknowledgement: Option<Acknowledgement>,
}

/// Whether a message was acknowledged by whom its sender asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Acknowledgement {
    /// Not yet.
    Wanted,
    /// Here, or by another device of the same name.
    Given {
        /// When.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        at: u64,
        /// What was said with it; may be empty.
        note: String,
    },
    /// By somebody else of the group, which is enough for the sender.
    Taken {
        /// By whom.
        by: String,
        /// When.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        at: u64,
        /// What they said; may be empty.
        note: String,
    },
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
    /// The other messages of its conversation, received and sent, oldest first: what it answers, and
    /// what answers it. At most [`THREAD`].
    pub thread: Vec<Related>,
}

/// Messages of a conversation beside the one that is shown, at most: the nearest ones.
pub const THREAD: usize = 50;

/// Another message of the same conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Related {
    /// Its number: a [`Row::id`], or a [`crate::Sent::id`].
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// Whether it was sent from here; received otherwise.
    pub sent: bool,
    /// Who wrote it, where it was received; to whom it went, where it was sent.
    pub who: String,
    /// The title; may be empty.
    pub title: String,
    /// The first line of the body as plain text.
    pub preview: String,
    /// When it was received, or written.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub at: u64,
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
