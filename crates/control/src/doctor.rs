//! What the doctor found.
//!
//! It is read in a window whose language may be changed while it is shown, or in a file sent to somebody
//! else.
//!
//! Invariant: a report holds no secret and nothing that a message says.

use serde::{Deserialize, Serialize};

use crate::{RelayId, Words};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Report {
    /// When, in milliseconds since 1970 (UTC).
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub at: u64,
    /// The version of the program that looked.
    pub version: String,
    /// The system and the desktop, as they call themselves.
    pub system: String,
    /// One after the other as they are shown.
    pub checks: Vec<Check>,
}

impl Report {
    /// The worst of all verdicts.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        let verdicts = self.checks.iter().map(|check| check.verdict);
        verdicts.max().unwrap_or(Verdict::Good)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Check {
    /// What was looked at.
    pub subject: Subject,
    /// The relay, by its id, where it is about one.
    pub relay: Option<RelayId>,
    /// What was looked at, for people.
    pub title: Words,
    /// How it is.
    pub verdict: Verdict,
    /// What was found: a sentence or two.
    pub found: Words,
    /// What to do about it, where there is something.
    pub advice: Option<Words>,
    /// What else is known, for those who look closer.
    pub details: Vec<Detail>,
    /// What a button can do about it.
    pub remedy: Option<Remedy>,
}

/// Something known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Detail {
    /// What it is.
    pub name: Words,
    /// What is known: numbers and names, in no language.
    pub value: String,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Whether Tidings runs.
    Agent,
    /// A relay, and the connection with it.
    Relay,
    /// The clock against a relay's.
    Clock,
    /// A test message's way by a relay and back.
    Trip,
    /// The notification service.
    Notifications,
    /// What holds notifications back.
    Quiet,
    /// What shows tray icons.
    Tray,
    /// The keyring.
    Secrets,
    /// The window program.
    Window,
    /// The disk with the inbox.
    Disk,
    /// Starting at login.
    Autostart,
}

/// How something is, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing, and no fault.
    Note,
    /// Something is lost by it.
    Warning,
    /// It does not work.
    Fault,
}

/// What a button beside a check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Connect to the relay now.
    Reconnect,
    /// Set a relay up.
    SetUp,
    /// End the pause of notifications.
    Resume,
    /// Start at login.
    StartAtLogin,
    /// Keep tokens in a file that only their owner can read.
    PlainSecret,
    /// Open the folder of the inbox.
    OpenFolder,
}
