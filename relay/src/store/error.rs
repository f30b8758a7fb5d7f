//! Why a store did not do its work, and what may be concluded from it.

/// Why a store did not do its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Too much is queued already. Nothing was done; try again shortly.
    #[error("the store is busy: try again in a moment")]
    Busy,
    /// The disk is full. Nothing was done.
    #[error("the disk of the data folder is full: free some space, nothing was stored meanwhile")]
    DiskFull,
    /// The store holds as much as it may. Nothing was done.
    #[error(
        "the relay holds as much as it may in all: send again after some of it was delivered, or ask \
         its operator to raise store_bytes"
    )]
    Full,
    /// The store's engine failed. Nothing was done.
    #[error("the store failed: {0}")]
    Engine(String),
    /// The store ended before it answered: the work may have been done or not. It is safe to
    /// repeat it.
    #[error("the store was closed before it answered")]
    Closed,
    /// The store did not answer in time: the work may still be done. It is safe to repeat it.
    #[error("the store did not answer in time: it may still do what was asked")]
    Late,
}

/// What a caller may conclude from a [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was done; the same call may succeed later.
    Retryable,
    /// Perhaps it was done; repeating is safe.
    Unknown,
    /// Nothing was done, and trying again will not help before a person did something.
    Permanent,
}

impl StoreError {
    /// What a caller may conclude.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Busy | Self::DiskFull | Self::Full => Outcome::Retryable,
            Self::Closed | Self::Late => Outcome::Unknown,
            Self::Engine(_) => Outcome::Permanent,
        }
    }
}
