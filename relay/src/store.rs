//! Where accepted messages live until they are confirmed: the one seam behind which the relay's
//! durability stands, with SQLite and memory behind it now, a cluster later.
//!
//! A store speaks of recipients and messages. It knows nothing of windows, re-sending, sockets or
//! replies. What every store promises, and `conformance` tests:
//!
//! - Calling a method queues its work, in the order of the calls; the [`Answer`] waits for it, and
//!   is given only once the work is durable. Dropping the answer does not undo the work.
//! - `accept` is all or nothing, and idempotent by (sender, ref) for at least [`KEPT`].
//! - A position that was confirmed is never read again, after a crash either; the status is durable
//!   before the message is gone.
//! - Positions of one recipient grow in the order of the `accept` calls.
//! - A change that the sender wants to hear of is kept for it in the work that makes the change, once per
//!   state, until it was taken; bounds say what goes when there are too many.
//! - Of a recipient's leases only the newest is alive: work under an older one is [`Fenced`].

pub(crate) mod leases;
mod memory;
mod pushing;
mod sqlite;
mod wants;

use std::{fmt, future::Future, pin::Pin, time::Duration};

pub use leases::{Lease, Wakeup, Wakeups};
pub use memory::MemoryStore;
pub use pushing::{Pushed, Subscription, ToPush};
pub(crate) use sqlite::create_folder;
pub use sqlite::{
    Durability, InspectError, KnownClient, OpenError, RelayFile, SqliteStore, WaitingMessage,
    forget_client,
};
use tidings_protocol::{Group, Name, Ref, Statuses};
pub use wants::{
    Counted, KeptReceipt, RECEIPTS_EACH, RECEIPTS_IN_ALL, RECEIPTS_KEPT, REPORTED, Said, Wants,
};

use crate::{frame::Frame, mint::MidNumber, push::vapid};

/// How long a `ref` and the status of a message are remembered after it was accepted.
pub const KEPT: Duration = Duration::from_hours(24);

/// A queued piece of work; awaiting it waits until the work is durable.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// A store. See the module for what it promises.
pub trait Store: Send + Sync + 'static {
    /// The relay's own identity, made at the first call and kept.
    fn identity(&self) -> Answer<Identity>;

    /// All known clients, in the order of their first registration.
    fn registrations(&self) -> Answer<Vec<Registration>>;

    /// Makes a client known, or changes its group.
    fn register(&self, registration: Registration) -> Answer<()>;

    /// Keeps a message for its recipients. Mids grow from call to call.
    fn accept(&self, accept: Accept) -> Answer<Accepted>;

    /// Makes the caller the one reader of a recipient's messages; earlier leases are dead from
    /// here on. What is accepted after this call is announced by the wakeups.
    fn attach(&self, recipient: &Name) -> Answer<(Lease, Wakeups)>;

    /// Gives the lease back. Dead ones are ignored.
    fn detach(&self, lease: &Lease);

    /// The messages after `after` that are not confirmed, oldest first, at most `limit`.
    fn read(&self, lease: &Lease, after: Position, limit: usize) -> Answer<Result<Batch, Fenced>>;

    /// Confirms messages by position, in any order: what became of each, in the order given.
    fn confirm(
        &self,
        lease: &Lease,
        positions: Vec<Position>,
        at_ms: u64,
    ) -> Answer<Result<Vec<Confirmed>, Fenced>>;

    /// Confirms a message for its recipient, whose word for it came by another way than its reader,
    /// and tells the reader, if there is one.
    fn settle(&self, recipient: &Name, mid: MidNumber, word: Word, at_ms: u64)
    -> Answer<Confirmed>;

    /// Keeps where a client's messages are pushed to, instead of what was kept before; false if
    /// the store knows no such client.
    fn subscribe(&self, recipient: &Name, subscription: Subscription) -> Answer<bool>;

    /// Forgets where a client's messages are pushed to, unless that is another place by now.
    fn unsubscribe(&self, recipient: &Name, endpoint: &str) -> Answer<()>;

    /// All clients that have a subscription.
    fn subscribers(&self) -> Answer<Vec<Name>>;

    /// The oldest message after `after` that waits for a client and was not taken by its push
    /// service, with where to push it. `None`: there is no such message, or no subscription.
    fn to_push(&self, recipient: &Name, after: Position) -> Answer<Option<ToPush>>;

    /// Notes how far the push of a message came; false if it does not wait for the client any more.
    fn note_push(&self, recipient: &Name, mid: MidNumber, pushed: Pushed) -> Answer<bool>;

    /// Gives up some messages that were to be delivered before `now_ms`, for all who have not confirmed
    /// them: they are read no more, and their status is final. Readers hear of it.
    fn expire(&self, now_ms: u64) -> Answer<Expired>;

    /// How much waits, over all recipients.
    fn load(&self) -> Answer<Load>;

    /// A recipient says what became of a message that was for it; `None` if it was not, or is forgotten.
    /// What still waits is confirmed so, and its reader hears of it.
    fn report(&self, recipient: &Name, mid: MidNumber, said: Said) -> Answer<Option<Counted>>;

    /// The receipts kept for a client after `after`, oldest first, at most `limit`. That there are new ones
    /// is announced to its reader.
    fn receipts(&self, of: &Name, after: Position, limit: usize) -> Answer<Vec<KeptReceipt>>;

    /// Forgets receipts that a client has taken.
    fn take_receipts(&self, of: &Name, positions: Vec<Position>) -> Answer<()>;

    /// What became of a message, per recipient; `None` once it is forgotten.
    fn status(&self, mid: MidNumber) -> Answer<Option<Statuses>>;
}

/// A message's place in a recipient's queue: only compared, never counted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before every message.
    pub const START: Self = Self(0);

    /// The position at which a store keeps what it numbers so.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The store's number for it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a relay is, across restarts.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its stable id, listed to clients that speak extensions.
    pub relay: String,
    /// The key that signs its tickets.
    pub ticket_key: [u8; 32],
    /// The private key that signs its pushes (VAPID). A change of it breaks every subscription.
    pub push_key: [u8; 32],
    /// The highest mid that was ever accepted.
    pub highest_mid: Option<MidNumber>,
}

impl fmt::Debug for Identity {
    /// Leaves the keys out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("relay", &self.relay)
            .field("highest_mid", &self.highest_mid)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// A new relay's.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let (mut id, mut ticket_key) = ([0; 12], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut ticket_key)?;
        Ok(Self {
            relay: URL_SAFE_NO_PAD.encode(id),
            ticket_key,
            push_key: vapid::new_key()?,
            highest_mid: None,
        })
    }
}

/// A known client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its name.
    pub name: Name,
    /// Its group; may be the empty one.
    pub group: Group,
}

/// A message to be kept.
#[derive(Debug, Clone)]
pub struct Accept {
    /// Its mid, higher than every one before.
    pub mid: MidNumber,
    /// Who sent it; `None` for an HTTP sender without a ticket.
    pub sender: Option<Name>,
    /// The sender's own id for it, with a digest of what was sent.
    pub reference: Option<(Ref, Digest)>,
    /// The message.
    pub frame: Frame,
    /// Whom it is for: known clients.
    pub recipients: Vec<Name>,
    /// Whom it was for, but who is no known client. Kept for the status.
    pub unknown: Vec<Name>,
    /// When it was accepted: milliseconds since 1970.
    pub at_ms: u64,
    /// When it is given up: milliseconds since 1970.
    pub expires_ms: u64,
    /// How much may wait for one recipient, and be in the store at all.
    pub bound: QueueBound,
    /// What the sender wants beside.
    pub wants: Wants,
}

/// SHA-256 of what was sent under a `ref`.
pub type Digest = [u8; 32];

/// How much may wait for one recipient, and be in the store at all.
#[derive(Debug, Clone, Copy)]
pub struct QueueBound {
    /// Messages for one recipient.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the whole store, as it counts them: what its file uses, for one that has a file.
    pub store_bytes: u64,
}

/// What [`Store::expire`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Messages given up, once per recipient.
    pub given_up: u64,
    /// When the next one is due: milliseconds since 1970, past ones too. `None`: nothing waits.
    pub next_ms: Option<u64>,
}

impl QueueBound {
    /// Whether one more message of `bytes` fits beside `load`.
    pub(crate) fn admits(self, load: Load, bytes: u64) -> bool {
        load.messages < self.messages && load.bytes.saturating_add(bytes) <= self.bytes
    }
}

/// How much waits for a recipient, or for all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Messages; one for several recipients counts for each.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Load {
    pub(crate) fn sum(loads: impl Iterator<Item = Self>) -> Self {
        loads.fold(Self::default(), |sum, load| Self {
            messages: sum.messages.saturating_add(load.messages),
            bytes: sum.bytes.saturating_add(load.bytes),
        })
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
    }

    pub(crate) fn remove(&mut self, bytes: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// What became of an `accept`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is kept; what became of each recipient, in the order given.
    New(Vec<Placed>),
    /// The same (sender, ref) with the same content was accepted before, under this mid; nothing
    /// was added.
    Duplicate {
        /// The first acceptance's mid.
        mid: MidNumber,
        /// What became of it.
        statuses: Statuses,
    },
    /// The store holds as much as it may in all; nothing was added.
    StoreFull,
    /// The same (sender, ref) was accepted before with other content; nothing was added.
    Conflict,
}

/// What became of one recipient of an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It waits for the recipient.
    Queued(Position),
    /// As much as the bound allows waits for the recipient already.
    Full,
    /// The store knows no such client.
    Unknown,
}

/// A message waiting for a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its place.
    pub position: Position,
    /// Its mid.
    pub mid: MidNumber,
    /// The message.
    pub frame: Frame,
    /// The sender's own id for it.
    pub reference: Option<Ref>,
}

/// Messages read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Oldest first.
    pub messages: Vec<Queued>,
    /// True when nothing followed them.
    pub end: bool,
}

/// What became of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The message is confirmed now.
    Done,
    /// It was before, or was never the recipient's.
    Already,
}

/// In which words a recipient confirms a message outside its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// MESSAGE_CALLBACK: its status becomes `ok`.
    Message,
    /// MESSAGE_FCM_CALLBACK: it came by Web Push, and its status becomes `fcm-ok-comfirm`.
    Push,
}

/// The lease is dead: a newer one exists, or it was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another connection has taken over")]
pub struct Fenced;

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

/// The most that an answer is waited for: far above what a busy disk takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for an answer, but not for ever.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or(Err(StoreError::Late))
}

/// An answer that is there already.
pub(crate) fn ready<T: Send + 'static>(value: Result<T, StoreError>) -> Answer<T> {
    Box::pin(std::future::ready(value))
}
