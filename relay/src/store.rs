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
//! - Positions of one recipient grow in the order of the `accept` calls. A message that is held has no
//!   place to be read from yet; it gets one by `release`, behind all that was accepted before that call.
//! - What a message of the same owner and key replaces is gone in the work that queues the message, and
//!   the reader hears of the one before the other.
//! - A change that the sender wants to hear of is kept for it in the work that makes the change, once per
//!   state, until it was taken; bounds say what goes when there are too many.
//! - Of a recipient's leases only the newest is alive: work under an older one is [`Fenced`].

mod error;
mod held;
mod identity;
pub(crate) mod leases;
mod memory;
mod message;
mod news;
mod pushing;
mod sqlite;
mod wants;

use std::{future::Future, pin::Pin, time::Duration};

pub use error::{Outcome, StoreError};
pub use held::{HeldMessage, Owner, RELEASED_AT_ONCE, Released, Scheduled, Which, Withdrawn};
pub use identity::Identity;
pub use leases::{Lease, Wakeup, Wakeups};
pub use memory::MemoryStore;
pub use message::{
    Accept, Accepted, Batch, Confirmed, Digest, Expired, Fenced, Load, Placed, QueueBound, Queued,
    Word,
};
pub use pushing::{Pushed, Subscription, ToPush};
pub(crate) use sqlite::create_folder;
pub use sqlite::{
    Durability, InspectError, KnownClient, OpenError, RelayFile, SqliteStore, WaitingMessage,
    forget_client,
};
use tidings_protocol::{Group, Name, Statuses};
pub use wants::{
    Ack, Counted, KeptReceipt, Nagging, RECEIPTS_EACH, RECEIPTS_IN_ALL, RECEIPTS_KEPT,
    REMINDERS_EACH, REPORTED, Said, ToRemind, Wants,
};

use crate::mint::MidNumber;

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
    /// them: they are read no more, and their status is final. Readers hear of it. Their reminders end.
    fn expire(&self, now_ms: u64) -> Answer<Expired>;

    /// Gives those that were held until `now_ms` their places, at most as many as there are `places`: the
    /// earlier due one is first. The numbers are those of mids that no message has, higher than all before.
    fn release(&self, now_ms: u64, places: Vec<MidNumber>) -> Answer<Released>;

    /// What is held of an owner's messages after `after`, in the order of their mids, at most `limit`.
    fn scheduled(&self, of: Owner, after: Option<MidNumber>, limit: usize) -> Answer<Scheduled>;

    /// Takes back a message of this owner that is held.
    fn cancel(&self, of: Owner, which: Which) -> Answer<Withdrawn>;

    /// The messages that a client has confirmed and is to be reminded of.
    fn reminders(&self, of: &Name) -> Answer<Vec<Nagging>>;

    /// One of them, if that is still so.
    fn to_remind(&self, of: &Name, mid: MidNumber) -> Answer<Option<ToRemind>>;

    /// When clients were seen last, in milliseconds since 1970, as far as that was noted.
    fn seen(&self) -> Answer<Vec<(Name, u64)>>;

    /// Notes when clients were seen last.
    fn note_seen(&self, seen: Vec<(Name, u64)>) -> Answer<()>;

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

    /// Where a message is kept while it is held: behind every place that is read.
    pub(crate) const fn held(mid: MidNumber) -> Self {
        Self(held::FROM + mid.number())
    }

    /// Whether it is such a place.
    #[must_use]
    pub const fn is_held(self) -> bool {
        self.0 >= held::FROM
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
