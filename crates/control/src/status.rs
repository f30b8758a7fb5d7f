//! How things stand, and how they are set; the relays' part is in `relay`. Times are milliseconds
//! since 1970 (UTC).

use serde::{Deserialize, Serialize};

use crate::{Connection, Held, Hosted, RelayState, Words};

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// The relays that this computer is a client of, in the order they were joined. A message goes by
    /// the first one where nothing else is said.
    pub relays: Vec<RelayState>,
    /// The relay hosted inside, if one is.
    pub hosted: Option<Hosted>,
    /// Unread messages.
    pub unread: u32,
    /// Whether notifications are held back now.
    pub quiet: Quiet,
    /// What does not work and what to do about it; empty when all is well.
    pub problems: Vec<Problem>,
}

impl Status {
    /// The state that says most about all relays together: the one that most needs the person.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.relays
            .iter()
            .map(|relay| &relay.connection)
            .max_by_key(|connection| connection.weight())
            .cloned()
            .unwrap_or(Connection::NotConfigured)
    }

    /// A relay by its id.
    #[must_use]
    pub fn relay(&self, id: &crate::RelayId) -> Option<&RelayState> {
        self.relays.iter().find(|relay| relay.id == *id)
    }
}

/// Something that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Problem {
    /// Which part.
    pub part: Part,
    /// What happened and what to do, for people.
    pub message: Words,
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
    /// Whether senders who ask are told that a message was read here, or its notification closed.
    #[serde(default)]
    pub read_receipts: bool,
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
