//! The file of named tokens, `tokens.json` in the data folder.
//!
//! The command line writes it while a relay runs; the relay reads it at its start and when it is
//! told to (SIGHUP). Invariants: it is replaced whole, so that a reader finds the old or the new
//! one; two writers take turns; it is its owner's alone.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::NamedToken;
use crate::store::create_folder;

/// Tokens kept at most: every AUTH is compared with all of them.
pub const TOKENS_AT_MOST: usize = 1000;

const FILE: &str = "tokens.json";
/// Held while the file is rewritten.
const LOCK_FILE: &str = "tokens.lock";

/// Why the tokens were not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The system refused.
    #[error("cannot use {path}: {source}. Check the path and its rights")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not what this program writes.
    #[error("{path} holds no tokens ({source}). Restore it, or remove it and add the tokens anew")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The name is taken.
    #[error("there is a token {0} already: revoke it first, or choose another name")]
    Exists(String),
    /// There is no such name.
    #[error("there is no token {0}: `tidings-relay tokens list` shows them")]
    Unknown(String),
    /// Enough is enough.
    #[error("there are {TOKENS_AT_MOST} tokens already: revoke one first")]
    TooMany,
}

/// Where named tokens are kept.
#[derive(Debug, Clone)]
pub struct TokensFile {
    folder: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    tokens: Vec<NamedToken>,
}

impl TokensFile {
    /// That of a data folder; it need not exist.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The tokens, in the order in which they were added; none if there is no file.
    ///
    /// # Errors
    /// [`TokensError`], with what to do.
    pub fn read(&self) -> Result<Vec<NamedToken>, TokensError> {
        let path = self.path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            // No folder is said better by whoever makes it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Vec::new());
            }
            Err(source) => return Err(TokensError::Io { path, source }),
        };
        serde_json::from_slice(&text)
            .map(|content: Content| content.tokens)
            .map_err(|source| TokensError::Damaged { path, source })
    }

    /// Adds one; the folder is made if it is missing.
    ///
    /// # Errors
    /// [`TokensError`], with what to do.
    pub fn add(&self, token: NamedToken) -> Result<(), TokensError> {
        create_folder(&self.folder).map_err(|source| TokensError::Io {
            path: self.folder.clone(),
            source,
        })?;
        self.change(|tokens| {
            if tokens.iter().any(|t| t.name == token.name) {
                return Err(TokensError::Exists(token.name));
            }
            if tokens.len() >= TOKENS_AT_MOST {
                return Err(TokensError::TooMany);
            }
            tokens.push(token);
            Ok(())
        })
    }

    /// Takes one away.
    ///
    /// # Errors
    /// [`TokensError`], with what to do.
    pub fn revoke(&self, name: &str) -> Result<(), TokensError> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            if tokens.len() == before {
                return Err(TokensError::Unknown(name.to_owned()));
            }
            Ok(())
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Vec<NamedToken>) -> Result<(), TokensError>,
    ) -> Result<(), TokensError> {
        let io = |source| TokensError::Io {
            path: self.path(),
            source,
        };
        let lock = self.folder.join(LOCK_FILE);
        let lock = private(&lock).map_err(io)?;
        lock.lock().map_err(io)?;
        let mut tokens = self.read()?;
        change(&mut tokens)?;
        let text = serde_json::to_vec_pretty(&Content { tokens })
            .map_err(|error| io(io::Error::other(error)))?;
        replace(&self.path(), &text).map_err(io)
    }
}

/// Replaces a file whole, readable by its owner only.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = private(&new)?;
    file.set_len(0)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(new, path)
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Rights, Scope};

    fn token(name: &str) -> NamedToken {
        let rights = Rights {
            send: Scope::everybody(),
            receive: Scope::nobody(),
        };
        NamedToken::generate(name, rights, 1).unwrap().0
    }

    #[test]
    fn tokens_are_added_and_revoked_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokensFile::of(folder.path());
        assert_eq!(file.read().unwrap(), []);
        let (a, b) = (token("a"), token("b"));
        file.add(a.clone()).unwrap();
        file.add(b.clone()).unwrap();
        assert!(matches!(file.add(token("a")), Err(TokensError::Exists(_))));
        file.revoke("a").unwrap();
        assert!(matches!(file.revoke("a"), Err(TokensError::Unknown(_))));
        assert_eq!(file.read().unwrap(), [b]);
        fs::write(file.path(), "{").unwrap();
        assert!(matches!(file.read(), Err(TokensError::Damaged { .. })));
        assert!(matches!(file.add(a), Err(TokensError::Damaged { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = TokensFile::of(folder.path());
        file.add(token("a")).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}
