//! Which connection a client's replies go to: one seat per connected client.
//!
//! Invariants: of two connections of one name the one with the newer lease has the seat; a seat is
//! given back only by the connection that has it; what waits in a seat is bounded, and a
//! connection that does not take it is told so and ends.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use tidings_protocol::{Feature, Features, Name, State, Status, server};
use tokio::sync::{Notify, watch};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    mint::MidNumber,
    store::{Lease, Position},
};

/// Bytes of replies that may wait for one connection. At some 100 bytes each that is more than a
/// sender has outstanding; a connection takes them as fast as it is scheduled.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// What a reply costs beside its text.
const REPLY_COST: usize = 48;

/// All seats.
#[derive(Debug)]
pub(crate) struct Seats {
    taken: Mutex<HashMap<Name, (u64, Arc<Inbox>)>>,
    connected: watch::Sender<usize>,
}

/// A connection's own seat; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    name: Name,
    epoch: u64,
    inbox: Arc<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    waiting: Mutex<Waiting>,
    came: Notify,
    /// The first place of which the message is held back behind unconfirmed ones, or [`NONE_HELD`].
    held_from: AtomicU64,
    /// What its client listed.
    listed: AtomicU8,
}

/// Above every place.
const NONE_HELD: u64 = u64::MAX;

impl Default for Inbox {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            came: Notify::new(),
            held_from: AtomicU64::new(NONE_HELD),
            listed: AtomicU8::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    replies: Vec<Reply>,
    bytes: usize,
    overflown: bool,
}

/// A MESSAGE_REPLY for a connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) frame: Utf8Bytes,
    pub(crate) mid: MidNumber,
    /// What it says of whom that a receipt would say, too; only to a client that listed `receipts`, on the
    /// connection that asked.
    pub(crate) said: Vec<(Name, State)>,
}

/// More waited for the connection than is held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflown;

impl Seats {
    pub(crate) fn new() -> Self {
        Self {
            taken: Mutex::default(),
            connected: watch::Sender::new(0),
        }
    }

    /// Follows how many clients are connected.
    pub(crate) fn connected(&self) -> watch::Receiver<usize> {
        self.connected.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, (u64, Arc<Inbox>)>> {
        // Every change is one insertion or removal: whole after a panic too.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(self: &Arc<Self>, lease: &Lease, listed: Features) -> Seat {
        let seat = Seat {
            seats: Arc::clone(self),
            name: lease.recipient().clone(),
            epoch: lease.epoch(),
            inbox: Arc::default(),
        };
        seat.list(listed);
        let mut taken = self.lock();
        // Two connections of one name may get here in either order.
        if taken
            .get(&seat.name)
            .is_none_or(|(epoch, _)| *epoch < seat.epoch)
        {
            taken.insert(seat.name.clone(), (seat.epoch, Arc::clone(&seat.inbox)));
        }
        let count = taken.len();
        drop(taken);
        self.publish(count);
        seat
    }

    fn publish(&self, count: usize) {
        self.connected.send_if_modified(|connected| {
            let changed = *connected != count;
            *connected = count;
            changed
        });
    }

    fn inbox(&self, name: &Name) -> Option<Arc<Inbox>> {
        self.lock().get(name).map(|(_, inbox)| Arc::clone(inbox))
    }

    /// Hands a reply to the client's connection, which may be a later one than that of this lease, by which
    /// it was asked for; in words that the client knows. Without a connection it is dropped, as the
    /// reference does.
    pub(crate) fn deliver(&self, asked: &Lease, mid: MidNumber, mut reply: server::Reply) {
        let name = asked.recipient();
        let Some((epoch, inbox)) = self
            .lock()
            .get(name)
            .map(|(epoch, inbox)| (*epoch, Arc::clone(inbox)))
        else {
            return;
        };
        let listed = Features::from_bits(inbox.listed.load(Ordering::Relaxed));
        for (_, status) in &mut reply.status {
            *status = status.clone().for_peer(listed);
        }
        let mut said = Vec::new();
        // What was asked by an earlier connection may be passed over by this one.
        if listed.has(Feature::Receipts) && epoch == asked.epoch() {
            let named = reply.status.iter();
            said.extend(named.filter_map(|(name, status)| Some((name.clone(), state(status)?))));
        }
        let frame = Utf8Bytes::from(server::Packet::Reply(reply).encode());
        let mut waiting = inbox.lock();
        let cost = frame.len() + REPLY_COST;
        if waiting.bytes + cost > WAITING_BYTES {
            waiting.overflown = true;
        } else {
            waiting.bytes += cost;
            waiting.replies.push(Reply { frame, mid, said });
        }
        drop(waiting);
        inbox.came.notify_one();
    }

    /// Whether the connection with this lease has its client's seat.
    pub(crate) fn has(&self, lease: &Lease) -> bool {
        let taken = self.lock();
        let seat = taken.get(lease.recipient());
        seat.is_some_and(|(epoch, _)| *epoch == lease.epoch())
    }

    /// Whether the client is connected and the message waits behind others that it has not confirmed. One
    /// whose reply is still to come was not held, so its place is its mid's.
    pub(crate) fn holds_back(&self, name: &Name, mid: MidNumber) -> bool {
        self.inbox(name)
            .is_some_and(|inbox| inbox.held_from.load(Ordering::Relaxed) <= mid.number())
    }
}

impl Inbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // A frame more or less after a panic is what a lost connection means anyway.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Waits for replies and moves all that are there into `into`. Cancel safe.
    pub(crate) async fn recv(&self, into: &mut Vec<Reply>) -> Result<(), Overflown> {
        loop {
            {
                let mut waiting = self.inbox.lock();
                if waiting.overflown {
                    return Err(Overflown);
                }
                if !waiting.replies.is_empty() {
                    into.append(&mut waiting.replies);
                    waiting.bytes = 0;
                    return Ok(());
                }
            }
            self.inbox.came.notified().await;
        }
    }

    /// Takes the replies that are there.
    pub(crate) fn take_replies(&self) -> Vec<Reply> {
        let mut waiting = self.inbox.lock();
        waiting.bytes = 0;
        std::mem::take(&mut waiting.replies)
    }

    /// Notes what the client listed.
    pub(crate) fn list(&self, listed: Features) {
        self.inbox.listed.store(listed.bits(), Ordering::Relaxed);
    }

    /// Notes from which message on all are held back, if any are.
    pub(crate) fn hold_from(&self, place: Option<Position>) {
        let number = place.map_or(NONE_HELD, Position::number);
        self.inbox.held_from.store(number, Ordering::Relaxed);
    }
}

/// The state that a receipt would tell, where a status is one.
fn state(status: &Status) -> Option<State> {
    match status {
        Status::Ok => Some(State::Ok),
        Status::Expired => Some(State::Expired),
        Status::Superseded => Some(State::Superseded),
        _ => None,
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if taken
            .get(&self.name)
            .is_some_and(|(epoch, _)| *epoch == self.epoch)
        {
            taken.remove(&self.name);
        }
        let count = taken.len();
        drop(taken);
        self.seats.publish(count);
    }
}
