//! Where the app keeps its files. Owns the choice of folders and their making; not what is in them.
//!
//! Invariant: what [`Folders::make`] made is closed to other users.

use std::path::{Path, PathBuf};

/// Overrides the data folder.
pub const DATA_VARIABLE: &str = "TIDINGS_DATA_DIR";

/// Overrides the settings folder.
pub const CONFIG_VARIABLE: &str = "TIDINGS_CONFIG_DIR";

/// The two folders of one person's Tidings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The inbox, and the hosted relay's data.
    pub data: PathBuf,
    /// The settings, and the token where the person agreed to a file.
    pub config: PathBuf,
}

/// Why there are no folders to work in.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system names no home.
    #[error(
        "No home folder is known for this user. Set HOME, or {DATA_VARIABLE} and {CONFIG_VARIABLE}."
    )]
    NoHome,
    /// A folder is missing and cannot be made.
    #[error(
        "The folder {} cannot be used ({source}). Make it writable, or name another with {DATA_VARIABLE} and {CONFIG_VARIABLE}.",
        .path.display()
    )]
    Unusable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Folders {
    /// Both in one place: for tests and portable use.
    #[must_use]
    pub fn under(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self {
            data: path.join("data"),
            config: path.join("config"),
        }
    }

    /// The person's own, by the platform's custom, unless the environment names others.
    ///
    /// # Errors
    /// [`FolderError::NoHome`].
    pub fn of_user() -> Result<Self, FolderError> {
        let named = |variable| {
            std::env::var_os(variable)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        let custom = directories::ProjectDirs::from("", "", "tidings");
        let data = named(DATA_VARIABLE).or_else(|| Some(custom.as_ref()?.data_dir().to_owned()));
        let config =
            named(CONFIG_VARIABLE).or_else(|| Some(custom.as_ref()?.config_dir().to_owned()));
        match (data, config) {
            (Some(data), Some(config)) => Ok(Self { data, config }),
            _ => Err(FolderError::NoHome),
        }
    }

    /// Makes what is missing, closed to other users.
    pub(crate) fn make(&self) -> Result<(), FolderError> {
        for path in [&self.data, &self.config] {
            make(path).map_err(|source| FolderError::Unusable {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

fn make(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Where the person finds what was saved for them: the desktop's folder of downloads, else one of
/// that name in their home, else the folder this runs in.
pub(crate) fn downloads() -> PathBuf {
    let Some(user) = directories::UserDirs::new() else {
        return PathBuf::from(".");
    };
    let set = user.download_dir().map(Path::to_owned);
    set.unwrap_or_else(|| user.home_dir().join("Downloads"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path().join("a/b"));
        folders.make().unwrap();
        folders.make().unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folders.data.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_which_and_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), "").unwrap();
        let error = Folders::under(home.path().join("file")).make().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("file/data"), "{text}");
        assert!(text.contains("Make it writable"), "{text}");
    }
}
