//! The settings file: TOML, defaults plus differences, written whole or not at all.
//!
//! Owns the file and its shape. Holds no secret: tokens are the vault's.
//!
//! Invariants: a reader never sees half a file (temporary file, fsync, rename); a file that cannot
//! be read is set aside under another name, never overwritten; a value equal to its default is not
//! written, so that later defaults reach people who never chose.

mod membership;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use membership::{At, Membership};

use crate::types::{Keep, Language, Notifications, Reach, RelayId, Settings, Theme};

/// The file's name in the settings folder.
const FILE: &str = "settings.toml";

/// Names tried for a file that is set aside: more than anybody breaks by hand.
const ASIDE_NAMES: u32 = 1000;

/// All that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Stored {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) language: Language,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) theme: Theme,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) keep: Kept,
    /// Whether senders are told that a message was read.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) read_receipts: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) notifications: Notifications,
    /// Until when notifications are paused, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused_until: Option<u64>,
    /// The person's answer about a token in a file; none until asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plain_secret: Option<bool>,
    /// Whether it was told that the desktop shows no tray.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) tray_lack_told: bool,
    /// The relays that were left and whose tokens the keyring still holds, by their ids: it is asked
    /// again to forget them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) unwanted_tokens: BTreeSet<String>,
    /// The relays this computer is a client of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) relays: Vec<Membership>,
    /// As earlier versions wrote it; see [`Stored::load`].
    #[serde(skip_serializing, rename = "relay")]
    former: Option<membership::Former>,
    /// The relay hosted inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hosting: Option<Hosting>,
}

/// How long messages are kept; 0 is for ever, as TOML has no way to say "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Kept {
    pub(crate) days: u32,
    pub(crate) count: u32,
    pub(crate) unread_too: bool,
}

impl Default for Kept {
    fn default() -> Self {
        Keep::default().into()
    }
}

impl From<Keep> for Kept {
    fn from(keep: Keep) -> Self {
        Self {
            days: keep.days.unwrap_or_default(),
            count: keep.count.unwrap_or_default(),
            unread_too: keep.unread_too,
        }
    }
}

impl From<Kept> for Keep {
    fn from(kept: Kept) -> Self {
        Self {
            days: Some(kept.days).filter(|days| *days > 0),
            count: Some(kept.count).filter(|count| *count > 0),
            unread_too: kept.unread_too,
        }
    }
}

/// How a relay is hosted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Hosting {
    pub(crate) reach: Reach,
    /// Kept once chosen, so that others find the relay again.
    pub(crate) port: u16,
}

/// Why the settings cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is there and cannot be read or set aside.
    #[error("The settings file {} cannot be read ({source}). Check its permissions.", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error(
        "The settings could not be saved to {} ({source}). Free some space, or make the folder writable; until then they hold only while Tidings runs.",
        .path.display()
    )]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// What reading gave.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) stored: Stored,
    /// Where an unreadable file was put, and why it was.
    pub(crate) aside: Option<Aside>,
}

/// A settings file that was no settings file.
#[derive(Debug)]
pub(crate) struct Aside {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl Stored {
    /// The part that faces see and set.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            language: self.language,
            theme: self.theme,
            notifications: self.notifications.clone(),
            keep: self.keep.into(),
            read_receipts: self.read_receipts,
        }
    }

    /// Takes over what a face set.
    pub(crate) fn set(&mut self, settings: &Settings) {
        self.language = settings.language;
        self.theme = settings.theme;
        self.notifications.clone_from(&settings.notifications);
        self.keep = settings.keep.into();
        self.read_receipts = settings.read_receipts;
    }

    /// What the file in that folder says, if it says anything that is understood; nothing is set aside.
    pub(crate) fn load_only(folder: &Path) -> Option<Self> {
        toml::from_str(&std::fs::read_to_string(folder.join(FILE)).ok()?).ok()
    }

    /// Reads the file in that folder; none gives the defaults.
    pub(crate) fn load(folder: &Path) -> Result<Loaded, SettingsError> {
        let path = folder.join(FILE);
        let unreadable = |source| SettingsError::Unreadable {
            path: path.clone(),
            source,
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Loaded {
                    stored: Self::default(),
                    aside: None,
                });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let parsed = String::from_utf8(bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                toml::from_str::<Self>(&text).map_err(|error| error.message().to_owned())
            });
        match parsed {
            Ok(stored) => Ok(Loaded {
                stored: stored.adopted(),
                aside: None,
            }),
            Err(reason) => {
                let aside = set_aside(&path).map_err(unreadable)?;
                Ok(Loaded {
                    stored: Self::default(),
                    aside: Some(Aside {
                        path: aside,
                        reason,
                    }),
                })
            }
        }
    }

    /// With what an earlier version wrote, as it is written today.
    fn adopted(mut self) -> Self {
        if let Some(former) = self.former.take() {
            let relay = former.adopted(&self.relays);
            self.relays.push(relay);
        }
        self
    }

    /// A relay that is joined, by its id.
    pub(crate) fn relay(&self, id: &RelayId) -> Option<&Membership> {
        self.relays.iter().find(|relay| relay.id == *id)
    }

    /// Writes the file in that folder, durably.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), SettingsError> {
        let path = folder.join(FILE);
        let write = || {
            let text = toml::to_string(self).map_err(std::io::Error::other)?;
            replace(&path, text.as_bytes())
        };
        write().map_err(|source| SettingsError::Unwritable {
            path: path.clone(),
            source,
        })
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    for number in 1..=ASIDE_NAMES {
        let aside = path.with_extension(format!("toml.broken-{number}"));
        if !aside.exists() {
            std::fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(std::io::Error::other(
        "too many broken settings files lie beside it: remove some",
    ))
}

/// Replaces a file as a whole, durably, readable by its owner only.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = folder.join(name);
    // A left-over of a crash may have other permissions.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    // The rename itself is durable once the folder is.
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Color, Mute, QuietHours};

    fn full() -> Stored {
        Stored {
            language: Language::Chinese,
            theme: Theme::Dark,
            notifications: Notifications {
                mutes: vec![Mute::Tag("spam".into())],
                hours: vec![QuietHours {
                    days: vec![6, 7],
                    from: 1320,
                    to: 420,
                }],
                ..Notifications::default()
            },
            paused_until: Some(1_731_000_000_000),
            keep: Kept {
                days: 0,
                count: 500,
                unread_too: true,
            },
            read_receipts: true,
            plain_secret: Some(false),
            tray_lack_told: true,
            unwanted_tokens: ["left.example.org".to_owned()].into(),
            relays: vec![
                Membership {
                    id: RelayId::new("push.example.org"),
                    at: At::Address("wss://push.example.org/".into()),
                    name: "desk".into(),
                    group: "home".into(),
                    label: "Work".into(),
                    color: Color::Orange,
                    pinned: Some("ab".into()),
                },
                Membership::new(At::Hosted, "desk".into(), String::new(), &[]),
            ],
            former: None,
            hosting: Some(Hosting {
                reach: Reach::Network,
                port: 9094,
            }),
        }
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        for stored in [Stored::default(), full()] {
            stored.save(folder.path()).unwrap();
            let loaded = Stored::load(folder.path()).unwrap();
            assert_eq!(loaded.stored, stored);
            assert!(loaded.aside.is_none());
        }
    }

    #[test]
    fn defaults_are_not_written_and_a_missing_file_is_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = Stored::load(folder.path()).unwrap();
        assert_eq!(loaded.stored, Stored::default());
        loaded.stored.save(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(text, "");
    }

    #[test]
    fn the_one_relay_of_earlier_versions_is_the_first_of_several() {
        let written = [
            (
                "[relay]\nat = \"hosted\"\nname = \"desk\"\n",
                "hosted",
                At::Hosted,
                "",
            ),
            (
                "theme = \"dark\"\n[relay]\nname = \"desk\"\ngroup = \"home\"\n[relay.at]\naddress = \"ws://r.lan:9093/\"\n",
                "r.lan",
                At::Address("ws://r.lan:9093/".into()),
                "home",
            ),
        ];
        for (text, id, at, group) in written {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let loaded = Stored::load(folder.path()).unwrap();
            assert!(loaded.aside.is_none());
            let [relay] = &loaded.stored.relays[..] else {
                panic!("one relay: {:?}", loaded.stored)
            };
            assert_eq!((relay.id.as_str(), &relay.at), (id, &at));
            assert_eq!((relay.name.as_str(), relay.group.as_str()), ("desk", group));
            // Written anew, it is read the same.
            loaded.stored.save(folder.path()).unwrap();
            let again = Stored::load(folder.path()).unwrap();
            assert_eq!(again.stored, loaded.stored);
        }
    }

    #[test]
    fn unknown_keys_of_a_later_version_are_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(FILE),
            "theme = \"dark\"\nsounds = true\n",
        )
        .unwrap();
        let loaded = Stored::load(folder.path()).unwrap();
        assert_eq!(loaded.stored.theme, Theme::Dark);
        assert!(loaded.aside.is_none());
    }

    #[test]
    fn a_broken_file_is_set_aside_each_time_under_a_new_name() {
        let folder = tempfile::tempdir().unwrap();
        for (number, broken) in [&b"theme = \"pink\""[..], b"not toml", b"theme = \"\xff\""]
            .into_iter()
            .enumerate()
        {
            std::fs::write(folder.path().join(FILE), broken).unwrap();
            let loaded = Stored::load(folder.path()).unwrap();
            assert_eq!(loaded.stored, Stored::default());
            let aside = loaded.aside.unwrap();
            assert!(!aside.reason.is_empty());
            assert_eq!(std::fs::read(&aside.path).unwrap(), broken);
            assert!(
                aside
                    .path
                    .ends_with(format!("settings.toml.broken-{}", number + 1))
            );
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = full().save(&folder.path().join("missing")).unwrap_err();
        assert!(error.to_string().contains("could not be saved"), "{error}");
    }
}
