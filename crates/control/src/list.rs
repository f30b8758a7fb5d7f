//! Lists of received messages: which are in one, whom they come from, and how they are exported.

use serde::{Deserialize, Serialize};

use crate::{MessageId, Priority, RelayId};

/// Which received messages: those for which all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// Words of title, body or sender, as a person types them: each is the beginning of a word, all
    /// must be there, and what stands in quotation marks must be there as it stands. Empty, or
    /// without a letter or digit: any message.
    pub search: String,
    /// Only unread ones.
    pub unread: bool,
    /// Only from this sender; empty for HTTP senders without a name.
    pub sender: Option<String>,
    /// Only to this group.
    pub group: Option<String>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only by this relay.
    pub relay: Option<RelayId>,
    /// Only of this priority or a higher one.
    pub priority: Option<Priority>,
}

/// Whom the messages of the inbox come from, to choose a filter by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Sources {
    /// Senders, the one heard from last first; at most 100, as the next ones.
    pub senders: Vec<Source>,
    /// Groups.
    pub groups: Vec<Source>,
    /// Tags.
    pub tags: Vec<Source>,
    /// Relays, also those that were left, the newest first.
    pub relays: Vec<RelaySource>,
}

/// A sender, group or tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its unread messages.
    pub unread: u32,
}

/// A relay that messages came by, or wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct RelaySource {
    /// Its id.
    pub id: RelayId,
    /// The address it was last reached at; empty where it never was.
    pub address: String,
    /// Its unread messages.
    pub unread: u32,
    /// Messages that wait to be sent by it.
    pub waiting: u32,
}

/// A message as it is exported, one a line: what its sender sent and what became of it here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// Its number in the inbox.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// The address of the relay it came by.
    pub relay: String,
    /// The relay's id of it.
    pub mid: String,
    /// The sender's name; empty for HTTP senders without one.
    pub sender: String,
    /// The group it was sent to; none if it was to this computer.
    pub group: Option<String>,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// `extra`, as JSON in a string; lines of an export hold it as it is.
    pub extra: String,
    /// When it was stored here, in milliseconds since 1970 (UTC), as the next one.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub received_at: u64,
    /// When it was read; none if it was not.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub read_at: Option<u64>,
}

/// How long received and sent messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Keep {
    /// For so many days; none for ever.
    pub days: Option<u32>,
    /// At most so many received ones, the newest; none for all.
    pub count: Option<u32>,
    /// Whether unread messages are removed as well.
    pub unread_too: bool,
}

impl Default for Keep {
    /// A year, and what is searched in an instant; nothing that nobody has seen is removed.
    fn default() -> Self {
        Self {
            days: Some(365),
            count: Some(100_000),
            unread_too: false,
        }
    }
}
