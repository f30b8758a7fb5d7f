//! This computer as Tidings uses it: its folders, and what happens at login.

use serde::{Deserialize, Serialize};

/// This computer as Tidings uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Computer {
    /// The folder of the inbox.
    pub data: String,
    /// The folder of the settings.
    pub config: String,
    /// What happens at login; none where that cannot be set from here.
    pub autostart: Option<Autostart>,
}

/// What happens at login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Autostart {
    /// Tidings starts.
    pub on: bool,
    /// Without a window.
    pub hidden: bool,
    /// The program it starts, where that is not the one that runs now.
    pub other: Option<String>,
}

/// A folder that a face can have opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Folder {
    /// That of the inbox.
    Data,
    /// That of the settings.
    Config,
}
