//! Starting at login, by the XDG autostart specification: one desktop entry in the person's own
//! folder, and no other place that knows of it.
//!
//! Owns the file and whether it stands for "on"; its text is in [`entry`]. Elsewhere than on desktops
//! of freedesktop.org there is none yet ([`Autostart::of_user`]).
//!
//! Invariants: the file alone is the truth, read anew each time, as desktops have switches of their
//! own for it; what somebody switched off elsewhere is switched on by the person only; an entry that
//! starts a program which is not there any more is repaired at start.

mod entry;

use std::path::{Path, PathBuf};

use entry::Entry;

/// The file's name: also that of the desktop file, so that desktops show its icon and name.
const FILE: &str = "tidings.desktop";

/// Where an entry of this person's is, and what it is to start.
#[derive(Debug, Clone)]
pub struct Autostart {
    file: PathBuf,
    program: PathBuf,
    /// The folders that a bare name in an entry is looked for in.
    search: Vec<PathBuf>,
}

/// How things stand at the next login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtLogin {
    /// Tidings does not start.
    Off,
    /// It was switched off by another program, which left the entry there.
    OffElsewhere,
    /// It starts.
    On {
        /// Without a window.
        hidden: bool,
        /// The program, where it is not the one that runs now.
        other: Option<PathBuf>,
    },
    /// It is to start, but the program is not there.
    Stale {
        /// Without a window.
        hidden: bool,
        /// What the entry names.
        program: String,
    },
}

/// Why the entry could not be written or removed.
#[derive(Debug, thiserror::Error)]
#[error(
    "Starting at login could not be changed: {} cannot be written ({source}). Make its folder writable.",
    .path.display()
)]
pub struct AutostartError {
    pub(crate) path: PathBuf,
    pub(crate) source: std::io::Error,
}

impl AutostartError {
    /// Its text in both languages.
    #[must_use]
    pub fn words(&self) -> tidings_control::Words {
        crate::words::Chinese::words(self)
    }
}

impl Autostart {
    /// That of this person on this desktop; none where starting at login works otherwise.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        if cfg!(not(all(unix, not(target_os = "macos")))) {
            return None;
        }
        let config = directories::BaseDirs::new()?.config_dir().to_owned();
        let search = std::env::var_os("PATH").unwrap_or_default();
        Some(Self {
            file: config.join("autostart").join(FILE),
            program: program(
                std::env::current_exe().ok()?,
                std::env::var_os("APPDIR").map(PathBuf::from),
                std::env::var_os("APPIMAGE").map(PathBuf::from),
            ),
            search: std::env::split_paths(&search).collect(),
        })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How things stand; a file that cannot be read stands for off. Blocks on the disk.
    #[must_use]
    pub fn at_login(&self) -> AtLogin {
        let Some(entry) = self.read() else {
            return AtLogin::Off;
        };
        if !entry.enabled {
            return AtLogin::OffElsewhere;
        }
        let hidden = entry.hidden;
        match self.found(&entry.program) {
            Some(program) if program == self.program => AtLogin::On {
                hidden,
                other: None,
            },
            Some(program) => AtLogin::On {
                hidden,
                other: Some(program),
            },
            None => AtLogin::Stale {
                hidden,
                program: entry.program,
            },
        }
    }

    /// Starts at login from now on, with or without a window; or not any longer. Blocks on the disk.
    ///
    /// # Errors
    /// [`AutostartError`].
    pub fn set(&self, on: bool, hidden: bool) -> Result<(), AutostartError> {
        let done = if on {
            self.write(hidden)
        } else {
            match std::fs::remove_file(&self.file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        };
        done.map_err(|source| AutostartError {
            path: self.file.clone(),
            source,
        })
    }

    /// Names the program that runs now in an entry whose program is gone: it was moved, or updated
    /// to a file of another name. True if it did. Blocks on the disk.
    ///
    /// # Errors
    /// [`AutostartError`].
    pub fn repair(&self) -> Result<bool, AutostartError> {
        match self.at_login() {
            AtLogin::Stale { hidden, .. } => self.set(true, hidden).map(|()| true),
            _ => Ok(false),
        }
    }

    fn read(&self) -> Option<Entry> {
        entry::read(&std::fs::read_to_string(&self.file).ok()?)
    }

    fn write(&self, hidden: bool) -> std::io::Result<()> {
        let program = self.program.to_str().ok_or_else(|| {
            std::io::Error::other("the path of this program is no text a desktop entry can hold")
        })?;
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        crate::settings::replace(&self.file, entry::write(program, hidden).as_bytes())
    }

    /// The program that a desktop would start for this word of an entry.
    fn found(&self, word: &str) -> Option<PathBuf> {
        let path = Path::new(word);
        if path.is_absolute() {
            return path.is_file().then(|| path.to_owned());
        }
        let found = self.search.iter().map(|folder| folder.join(path));
        let mut found = found.filter(|path| path.is_file());
        found.next()
    }
}

/// What is to start. An AppImage runs from a folder that is another each time; its own file is named
/// in the environment, as long as it is ours and not that of a terminal which we were started from.
fn program(running: PathBuf, folder: Option<PathBuf>, image: Option<PathBuf>) -> PathBuf {
    match (folder, image) {
        (Some(folder), Some(image))
            if folder.is_absolute() && running.starts_with(&folder) && image.is_absolute() =>
        {
            image
        }
        _ => running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Room {
        folder: tempfile::TempDir,
        autostart: Autostart,
    }

    fn room() -> Room {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a folder/tidings");
        std::fs::create_dir(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "").unwrap();
        let autostart = Autostart {
            file: folder.path().join("config/autostart").join(FILE),
            program,
            search: vec![folder.path().join("bin")],
        };
        Room { folder, autostart }
    }

    fn on(hidden: bool) -> AtLogin {
        AtLogin::On {
            hidden,
            other: None,
        }
    }

    #[test]
    fn it_is_switched_on_and_off_and_both_twice() {
        let Room {
            folder: _folder,
            autostart,
        } = room();
        assert_eq!(autostart.at_login(), AtLogin::Off);
        autostart.set(false, true).unwrap();
        for hidden in [true, false, false] {
            autostart.set(true, hidden).unwrap();
            assert_eq!(autostart.at_login(), on(hidden));
        }
        autostart.set(false, true).unwrap();
        assert_eq!(autostart.at_login(), AtLogin::Off);
        assert!(!autostart.file().exists());
    }

    #[test]
    fn what_was_switched_off_elsewhere_is_off_and_not_repaired() {
        let Room {
            folder: _folder,
            autostart,
        } = room();
        autostart.set(true, true).unwrap();
        let text = std::fs::read_to_string(autostart.file()).unwrap();
        for line in ["Hidden=true", "X-GNOME-Autostart-enabled=false"] {
            std::fs::write(autostart.file(), format!("{text}{line}\n")).unwrap();
            assert_eq!(autostart.at_login(), AtLogin::OffElsewhere, "{line}");
            assert!(!autostart.repair().unwrap());
        }
        autostart.set(true, true).unwrap();
        assert_eq!(autostart.at_login(), on(true));
    }

    #[test]
    fn an_entry_of_a_program_that_moved_is_repaired_as_it_was() {
        let Room { folder, autostart } = room();
        let before = Autostart {
            program: folder.path().join("before/tidings"),
            ..autostart.clone()
        };
        before.set(true, false).unwrap();
        let program = before.program.to_str().unwrap().to_owned();
        let stale = AtLogin::Stale {
            hidden: false,
            program,
        };
        assert_eq!(autostart.at_login(), stale);
        assert!(autostart.repair().unwrap());
        assert_eq!(autostart.at_login(), on(false));
        assert!(!autostart.repair().unwrap(), "once");
    }

    #[test]
    fn another_tidings_that_is_there_is_left_as_the_person_chose_it() {
        let Room { folder, autostart } = room();
        let other = folder.path().join("bin/tidings");
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::write(&other, "").unwrap();
        autostart.set(true, true).unwrap();
        std::fs::write(autostart.file(), entry::write("tidings", true)).unwrap();
        let other = Some(other);
        assert_eq!(
            autostart.at_login(),
            AtLogin::On {
                hidden: true,
                other
            }
        );
        assert!(!autostart.repair().unwrap());
    }

    #[test]
    fn a_folder_that_cannot_be_written_says_which() {
        let Room { folder, autostart } = room();
        std::fs::write(folder.path().join("config"), "a file in the way").unwrap();
        let words = autostart.set(true, true).unwrap_err().to_string();
        assert!(words.contains("autostart/tidings.desktop"), "{words}");
    }

    #[test]
    fn an_appimage_is_started_by_its_own_file_and_not_by_another_ones() {
        let (running, image) = ("/tmp/.mount_x/usr/bin/tidings", "/apps/a/Tidings.AppImage");
        let started = |folder: &str| {
            let (folder, image) = (Some(folder.into()), Some(image.into()));
            program(running.into(), folder, image)
        };
        assert_eq!(started("/tmp/.mount_x"), Path::new(image));
        assert_eq!(started("/tmp/.mount_terminal"), Path::new(running));
        assert_eq!(program(running.into(), None, None), Path::new(running));
    }
}
