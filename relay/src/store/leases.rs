//! Who reads which recipient's messages, and how a reader is told that there is something to read.
//!
//! In memory only: a lease is a claim of this process, and ends with it. Both stores share it.
//! Invariants: at most one lease per recipient is alive, the one with the highest epoch; a wakeup
//! that does not fit is remembered as [`Wakeup::Look`], so a reader that keeps receiving never
//! misses that something happened.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tidings_protocol::Name;
use tokio::sync::Notify;

use super::{Position, Queued};

/// Messages handed over in a reader's wakeups before it is told to look in the store instead. A
/// reader takes them as fast as it is scheduled; what is in here is shared, not copied.
const HELD: usize = 1024;
/// The same in bytes.
const HELD_BYTES: usize = 4 * 1024 * 1024;

/// The right to read and confirm a recipient's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    recipient: Name,
    epoch: u64,
}

impl Lease {
    /// Whose messages.
    #[must_use]
    pub fn recipient(&self) -> &Name {
        &self.recipient
    }

    /// Grows with every lease on the recipient.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// Why a reader was woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wakeup {
    /// A message was accepted, after all those announced before.
    Message(Queued),
    /// Something was accepted; it has to be read from the store.
    Look,
    /// These are given up, or were confirmed by another way, and are not to be sent any more.
    Expired(Vec<Position>),
    /// There are new receipts for the client.
    Receipts,
    /// The client is to be reminded of something new.
    Reminders,
    /// The lease is dead.
    Fenced,
}

/// The reader's end.
#[derive(Debug)]
pub struct Wakeups(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    state: Mutex<Pending>,
    rung: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    messages: VecDeque<Queued>,
    bytes: usize,
    look: bool,
    expired: BTreeSet<Position>,
    receipts: bool,
    reminders: bool,
    fenced: bool,
}

impl Wakeups {
    /// Waits for the next wakeups and moves all that are there into `into`. Cancel safe.
    pub async fn recv(&mut self, into: &mut Vec<Wakeup>) {
        loop {
            if self.take(into) {
                return;
            }
            self.0.rung.notified().await;
        }
    }

    fn take(&self, into: &mut Vec<Wakeup>) -> bool {
        let mut state = self.0.lock();
        let before = into.len();
        // What was given up before the reader heard of it is not to be sent at all.
        let Pending {
            messages, expired, ..
        } = &mut *state;
        messages.retain(|message| !expired.contains(&message.position));
        // First: what took their places is not to be sent before they are gone.
        if !expired.is_empty() {
            let expired = std::mem::take(expired);
            into.push(Wakeup::Expired(expired.into_iter().collect()));
        }
        into.extend(messages.drain(..).map(Wakeup::Message));
        state.bytes = 0;
        if std::mem::take(&mut state.look) {
            into.push(Wakeup::Look);
        }
        if std::mem::take(&mut state.receipts) {
            into.push(Wakeup::Receipts);
        }
        if std::mem::take(&mut state.reminders) {
            into.push(Wakeup::Reminders);
        }
        if state.fenced {
            into.push(Wakeup::Fenced);
        }
        into.len() > before
    }
}

impl Bell {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        // Nothing in here can panic half-way; were it so, a stale hint costs one extra read.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.lock());
        self.rung.notify_one();
    }
}

/// Expired positions kept for a reader, the lowest ones. A reader holds messages from the front of its
/// queue only, and fewer than this; so those left out are not among them, and it will not find them in
/// the store.
const EXPIRED: usize = 4096;

/// All leases of a store.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last_epoch: u64,
    alive: HashMap<Name, (u64, Arc<Bell>)>,
}

impl Leases {
    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        // Every change of the table is one insertion or removal: it is whole after a panic too.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn attach(&self, recipient: &Name) -> (Lease, Wakeups) {
        let bell = Arc::new(Bell::default());
        let mut table = self.lock();
        table.last_epoch += 1;
        let epoch = table.last_epoch;
        let old = table
            .alive
            .insert(recipient.clone(), (epoch, Arc::clone(&bell)));
        drop(table);
        if let Some((_, old)) = old {
            old.ring(|pending| pending.fenced = true);
        }
        let lease = Lease {
            recipient: recipient.clone(),
            epoch,
        };
        (lease, Wakeups(bell))
    }

    pub(crate) fn detach(&self, lease: &Lease) {
        let mut table = self.lock();
        if table
            .alive
            .get(&lease.recipient)
            .is_some_and(|(epoch, _)| *epoch == lease.epoch)
        {
            table.alive.remove(&lease.recipient);
        }
    }

    pub(crate) fn is_alive(&self, lease: &Lease) -> bool {
        self.lock()
            .alive
            .get(&lease.recipient)
            .is_some_and(|(epoch, _)| *epoch == lease.epoch)
    }

    /// Changes what the client's reader is to hear of, if there is one.
    fn tell(&self, client: &Name, change: impl FnOnce(&mut Pending)) {
        let bell = match self.lock().alive.get(client) {
            Some((_, bell)) => Arc::clone(bell),
            None => return,
        };
        bell.ring(change);
    }

    /// Tells the recipient's reader, if there is one, of a message that is not to be sent any more.
    pub(crate) fn announce_expired(&self, recipient: &Name, position: Position) {
        self.tell(recipient, |pending| {
            pending.expired.insert(position);
            if pending.expired.len() > EXPIRED {
                pending.expired.pop_last();
            }
        });
    }

    /// Tells the recipient's reader, if there is one, that there is something to be read.
    pub(crate) fn announce_look(&self, recipient: &Name) {
        self.tell(recipient, |pending| pending.look = true);
    }

    /// Tells the client's reader, if there is one, of receipts that are kept for it.
    pub(crate) fn announce_receipts(&self, client: &Name) {
        self.tell(client, |pending| pending.receipts = true);
    }

    /// Tells the client's reader, if there is one, of something that it is to be reminded of.
    pub(crate) fn announce_reminders(&self, client: &Name) {
        self.tell(client, |pending| pending.reminders = true);
    }

    /// Tells the recipient's reader, if there is one, of a message that is durable.
    pub(crate) fn announce(&self, recipient: &Name, queued: impl FnOnce() -> Queued) {
        self.tell(recipient, |pending| {
            // Once one is left out, those after it must be too: the reader takes what it is given
            // as following all before.
            if pending.look || pending.messages.len() >= HELD || pending.bytes >= HELD_BYTES {
                pending.look = true;
            } else {
                let queued = queued();
                pending.bytes += queued.frame.len();
                pending.messages.push_back(queued);
            }
        });
    }
}
