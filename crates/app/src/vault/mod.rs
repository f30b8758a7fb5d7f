//! Keeping secrets: the seam to the platform's keyring, and the file that stands in for it.
//!
//! Owns the trait, the secret's type and the names of secrets. Which vault a secret is in, and
//! asking the person, is decided in `secrets`.
//!
//! Invariants: a secret is in no log, no `Debug` output and no settings file; no call takes longer
//! than its deadline.

mod file;
mod keyring;

use std::fmt;

pub(crate) use file::File;
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) use keyring::secret_service;
pub use keyring::{Backend, Keyring};

pub use crate::notifier::BoxFuture;

/// A secret: a token. Shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Which secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// The token of the relay hosted inside.
    Hosted,
    /// The token of a relay elsewhere, by its id; earlier versions kept it by its address.
    Relay(String),
}

impl fmt::Display for Label {
    /// As keyrings and the file name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosted => f.write_str("hosted relay"),
            Self::Relay(address) => write!(f, "relay {address}"),
        }
    }
}

/// Why a vault did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no such service here, or not yet.
    #[error("no keyring runs on this computer")]
    Absent,
    /// It is locked, and the person did not unlock it.
    #[error("the keyring is locked")]
    Locked,
    /// It does not answer, or waits for the person.
    #[error("the keyring does not answer")]
    Silent,
    /// Anything else, with its words.
    #[error("{0}")]
    Failed(String),
}

/// A place that keeps secrets over restarts.
pub trait Vault: Send + Sync + 'static {
    /// The secret, if one is kept.
    fn load<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<Option<Secret>, VaultError>>;

    /// Keeps a secret, in place of an earlier one.
    fn store<'a>(
        &'a self,
        label: &'a Label,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<(), VaultError>>;

    /// Forgets a secret; none kept is no fault.
    fn forget<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<(), VaultError>>;

    /// Ends when it is worth trying again after a failure: its service came, was unlocked, or had
    /// time enough. Never ends where that cannot be known.
    fn came_back(&self) -> BoxFuture<'_, ()>;
}
