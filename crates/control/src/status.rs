//! How things stand, and how they are set. Times are milliseconds since 1970 (UTC).

use serde::{Deserialize, Serialize};

use crate::Held;

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// The session with the relay.
    pub connection: Connection,
    /// The relay it is with, once one is set up.
    pub relay: Option<Relay>,
    /// The relay hosted inside, if one is.
    pub hosted: Option<Hosted>,
    /// Unread messages.
    pub unread: u32,
    /// Whether notifications are held back now.
    pub quiet: Quiet,
    /// Where the token is kept.
    pub secret: SecretPlace,
    /// What does not work and what to do about it; empty when all is well.
    pub problems: Vec<Problem>,
}

/// The state of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(
    tag = "state",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Connection {
    /// No relay is set up.
    NotConfigured,
    /// Connecting for the first time, or again.
    Connecting,
    /// Connected.
    Connected {
        /// Since when.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        since: u64,
    },
    /// Not connected; will try again.
    Offline {
        /// Since when.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        since: u64,
        /// Why, for people.
        reason: String,
        /// When the next try is.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        retry_at: u64,
    },
    /// The relay refused; nothing is tried until something changes.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// Another device took the name; nothing is tried until the person says so.
    TakenOver,
}

/// A relay that this computer is a client of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Relay {
    /// Its address, a ws or wss URL.
    pub address: String,
    /// This computer's name on it.
    pub name: String,
    /// This computer's group; may be empty.
    pub group: String,
}

/// A relay to join.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// `ws://`, `wss://`, `http://`, `https://` or bare `host[:port]`.
    pub address: String,
    /// This computer's name on it.
    pub name: String,
    /// Its group; may be empty.
    pub group: String,
    /// The token; none keeps the stored one.
    pub token: Option<String>,
}

impl std::fmt::Debug for Join {
    /// Leaves the token out: requests are logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
            .field("address", &self.address)
            .field("name", &self.name)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Who can reach the hosted relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Programs of this computer.
    Computer,
    /// Computers of the network.
    Network,
}

/// The relay hosted inside the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Hosted {
    /// Who can reach it.
    pub reach: Reach,
    /// Its port.
    pub port: u16,
    /// Addresses to give to others, most likely first; empty unless the network reaches it.
    pub addresses: Vec<String>,
    /// Clients connected now, this computer included.
    pub clients: u32,
    /// A line for a shell that sends a message to this computer. It holds a call of
    /// `tidings token`, not the token.
    pub curl: String,
}

/// Where the token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum SecretPlace {
    /// There is none yet.
    Nowhere,
    /// In memory only: it is asked for again at the next start.
    Memory,
    /// In the Secret Service or its like.
    Keyring,
    /// In a file only its owner can read.
    File,
}

/// Something that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Problem {
    /// Which part.
    pub part: Part,
    /// What happened and what to do, for people.
    pub message: String,
}

/// Parts of the desktop that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The notification daemon.
    Notifications,
    /// The tray's host.
    Tray,
    /// The Secret Service.
    Secrets,
    /// The disk with the inbox.
    Disk,
    /// The hosted relay.
    Hosting,
    /// The window program.
    Window,
}

/// Whether notifications are held back now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Quiet {
    /// Why; none while they are not.
    pub held: Option<Held>,
    /// Until when the person paused them; none if they did not.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub paused_until: Option<u64>,
}

/// How long to pause notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "for", content = "value", rename_all = "kebab-case")]
pub enum Pause {
    /// So many minutes, at most a week.
    Minutes(u32),
    /// Until tomorrow morning at eight.
    Tomorrow,
    /// Not any longer.
    Off,
}

/// The settings that are not the relay's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The language of windows, tray and notifications.
    pub language: Language,
    /// The windows' theme.
    pub theme: Theme,
    /// How notifications behave.
    #[serde(default)]
    pub notifications: Notifications,
    /// How long messages are kept.
    #[serde(default)]
    pub keep: crate::Keep,
}

/// How notifications behave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(default, rename_all = "camelCase")]
pub struct Notifications {
    /// Whether they may sound, where the desktop sounds at all.
    pub sound: bool,
    /// Whether urgent messages are raised also while notifications are held back.
    pub urgent_passes: bool,
    /// Whether they are held back while the desktop's own do-not-disturb is on.
    pub follow_desktop: bool,
    /// When they are held back.
    pub hours: Vec<QuietHours>,
    /// Whose messages are never raised.
    pub mutes: Vec<Mute>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            sound: true,
            urgent_passes: false,
            follow_desktop: true,
            hours: Vec::new(),
            mutes: Vec::new(),
        }
    }
}

/// Hours in which notifications are held back, on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct QuietHours {
    /// The days on which they begin: 1 is Monday, 7 Sunday.
    pub days: Vec<u8>,
    /// When they begin, in minutes after midnight by the computer's clock.
    pub from: u16,
    /// When they end, on the next day where that is not after `from`.
    pub to: u16,
}

/// Whose messages are never raised as notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Mute {
    /// A sender, by name; empty for HTTP senders without one.
    Sender(String),
    /// A group.
    Group(String),
    /// A tag.
    Tag(String),
}

/// A language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Language {
    /// As the desktop is set.
    #[default]
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

/// A theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// As the desktop is set.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}
