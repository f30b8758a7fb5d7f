//! Getting one recipient's messages to its one connection: what to read from the store, what to
//! send, when to send it again. Pure: no clock, no socket, no store.
//!
//! A new delivery is behind: it reads what the store holds. Once a read comes to the end it lives
//! on what the store announces, and reads again only when an announcement was lost.
//!
//! Invariants:
//! - messages are first sent in the order of their positions, each once, then again only while
//!   they are unconfirmed;
//! - no message is sent while a window of them is unconfirmed, in messages or in bytes (one message
//!   may always be);
//! - whatever was sent and not confirmed has a time at which it is sent again; what is confirmed
//!   waits for the store, and falls back to being sent again if the store fails;
//! - what is gone from the store (given up, replaced, confirmed by another way) is not sent, not even again;
//! - what is held for sending is bounded; beyond it, messages stay in the store.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    mint::MidNumber,
    store::{Batch, Position, Queued},
};

/// Messages asked for in one read: a few windows, so that a drained window is refilled from here.
const READ: usize = 256;
/// Messages held for sending, in number. Senders write in windows of a few hundred.
const HELD: usize = 1024;
/// The same in bytes. They are shared with other recipients and with the store's announcements.
const HELD_BYTES: usize = 1024 * 1024;
/// Bytes sent and unconfirmed at most: what a slow link takes some seconds for.
pub const WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// Messages whose confirmation waits for the store do not fill the window, up to so many windows.
const CONFIRMING_WINDOWS: usize = 4;
/// Positions kept that went while a read was under way: as many as a store tells at once.
const GONE: usize = 4096;
/// After this a read that failed is tried again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// How a delivery is to go about it.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Messages sent and not confirmed at most.
    pub window: usize,
    /// The first pause before a message is sent again.
    pub retry: Duration,
    /// The longest one; each is twice the one before.
    pub retry_max: Duration,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// The store announced a message.
    Announced(Queued),
    /// The store announced that there is something to read.
    Look,
    /// These are gone from the store.
    Expired(Vec<Position>),
    /// The read that was asked for came back.
    Read(Batch),
    /// The read that was asked for failed.
    ReadFailed,
    /// The client confirmed a message.
    Confirm(MidNumber),
    /// The store keeps these confirmations.
    Stored(Vec<Position>),
    /// The store had nothing to confirm: these were given up, or confirmed by another way.
    Gone(Vec<Position>),
    /// The store failed to keep these.
    StoreFailed(Vec<Position>),
    /// Time has passed.
    Timeout,
    /// Time has passed, but the client has not taken yet what was sent to it: to send it again
    /// would only make it wait longer.
    TimeoutBlocked,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write the message to the client.
    Send {
        /// Which.
        message: Queued,
        /// True if it was sent before on this connection.
        again: bool,
    },
    /// Read from the store; the answer is [`Input::Read`] or [`Input::ReadFailed`].
    Read {
        /// From here on.
        after: Position,
        /// So many.
        limit: usize,
    },
    /// Confirm in the store; the answer is [`Input::Stored`], [`Input::Gone`] or
    /// [`Input::StoreFailed`].
    Confirm(Position),
    /// The message is confirmed for good: whoever waits for it may be told.
    Confirmed(MidNumber),
}

#[derive(Debug)]
struct Sent {
    message: Queued,
    due: Instant,
    pause: Duration,
    confirming: bool,
    /// Given up while its confirmation was on its way to the store.
    gone: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Delivery {
    policy: Policy,
    /// The last position taken over from the store.
    taken: Position,
    /// Taken over and not sent yet.
    held: VecDeque<Queued>,
    held_bytes: usize,
    /// Sent, in the order of their positions.
    sent: VecDeque<Sent>,
    /// Of those, how many are unconfirmed, and their bytes.
    unconfirmed: usize,
    unconfirmed_bytes: usize,
    source: Source,
    /// No message is due before this.
    earliest: Option<Instant>,
    /// A message was due to be sent again, and nothing was confirmed since.
    silent: bool,
    outputs: VecDeque<Output>,
}

/// Where the next messages come from.
#[derive(Debug)]
enum Source {
    /// Announcements: nothing is in the store that was not announced or taken.
    Announcements,
    /// The store, when there is room.
    Store,
    /// The store, after a pause, because it failed.
    StoreLater(Instant),
    /// A read is under way. Announced meanwhile: these, or more than is kept here.
    Reading {
        heard: VecDeque<Queued>,
        overheard: bool,
        /// Gone meanwhile: the read may still bring these.
        gone: HashSet<Position>,
        /// More went than is kept here: the read is done anew.
        stale: bool,
    },
}

impl Delivery {
    /// A delivery to a client that has just come.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let mut delivery = Self {
            policy,
            taken: Position::START,
            held: VecDeque::new(),
            held_bytes: 0,
            sent: VecDeque::new(),
            unconfirmed: 0,
            unconfirmed_bytes: 0,
            source: Source::Store,
            earliest: None,
            silent: false,
            outputs: VecDeque::new(),
        };
        delivery.refill();
        delivery
    }

    /// Takes in what happened at `now`; what is to be done then stands in [`Self::poll_output`].
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Announced(message) => self.announced(message),
            Input::Look => self.look(),
            Input::Expired(positions) => self.expired(&positions),
            Input::Read(batch) => self.read(batch),
            Input::ReadFailed => self.source = Source::StoreLater(now + READ_AGAIN),
            Input::Confirm(mid) => self.confirm(mid),
            Input::Stored(positions) => self.stored(&positions),
            Input::Gone(positions) => self.gone(&positions),
            Input::StoreFailed(positions) => self.store_failed(&positions, now),
            Input::Timeout => self.timeout(now, false),
            Input::TimeoutBlocked => self.timeout(now, true),
        }
        self.pump(now);
        self.refill();
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.sent.is_empty() {
            // A client is idle mostly.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Input::Timeout`] is due; it may come early.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let again = match self.source {
            Source::StoreLater(at) => Some(at),
            _ => None,
        };
        [self.earliest, again].into_iter().flatten().min()
    }

    /// The first message that is held back until others are confirmed.
    #[must_use]
    pub fn held_from(&self) -> Option<Position> {
        self.held.front().map(|message| message.position)
    }

    /// Whether the client lets the time pass in which it should confirm.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    fn announced(&mut self, message: Queued) {
        if message.position <= self.taken {
            return;
        }
        match &mut self.source {
            Source::Announcements => self.take(message),
            Source::Store | Source::StoreLater(_) => {}
            Source::Reading {
                heard, overheard, ..
            } => {
                if heard.len() < HELD {
                    heard.push_back(message);
                } else {
                    *overheard = true;
                }
            }
        }
    }

    fn look(&mut self) {
        match &mut self.source {
            Source::Announcements => self.source = Source::Store,
            Source::Store | Source::StoreLater(_) => {}
            Source::Reading { overheard, .. } => *overheard = true,
        }
    }

    fn expired(&mut self, positions: &[Position]) {
        if let Source::Reading {
            heard, gone, stale, ..
        } = &mut self.source
        {
            heard.retain(|message| !positions.contains(&message.position));
            gone.extend(positions);
            *stale |= gone.len() > GONE;
        }
        let held = &mut self.held_bytes;
        self.held.retain(|message| {
            let keep = !positions.contains(&message.position);
            *held -= if keep { 0 } else { message.frame.len() };
            keep
        });
        for position in positions {
            let Some(index) = self.find(*position) else {
                continue;
            };
            match self.sent.get_mut(index) {
                // Its confirmation is on its way to the store, which will answer.
                Some(sent) if sent.confirming => sent.gone = true,
                _ => {
                    if let Some(sent) = self.sent.remove(index) {
                        self.unconfirmed -= 1;
                        self.unconfirmed_bytes -= sent.message.frame.len();
                    }
                }
            }
        }
    }

    fn read(&mut self, batch: Batch) {
        let Source::Reading {
            heard,
            overheard,
            gone,
            stale: false,
        } = std::mem::replace(&mut self.source, Source::Store)
        else {
            return;
        };
        for message in batch.messages {
            if message.position > self.taken {
                self.taken = message.position;
                if !gone.contains(&message.position) {
                    self.hold(message);
                }
            }
        }
        if !overheard && batch.end {
            self.source = Source::Announcements;
            for message in heard {
                self.announced(message);
            }
        }
    }

    /// Takes over an announced message, or leaves it in the store if there is no room.
    fn take(&mut self, message: Queued) {
        if self.held.len() >= HELD || self.held_bytes >= HELD_BYTES {
            self.source = Source::Store;
        } else {
            self.taken = message.position;
            self.hold(message);
        }
    }

    fn hold(&mut self, message: Queued) {
        self.held_bytes += message.frame.len();
        self.held.push_back(message);
    }

    fn confirm(&mut self, mid: MidNumber) {
        // Mids mostly grow with positions, so the search mostly finds it. Those that were held are older than
        // their places. A mid that is not here is another's, or was confirmed before.
        let found = self.sent.binary_search_by_key(&mid, |s| s.message.mid).ok();
        let found = found.or_else(|| self.sent.iter().position(|s| s.message.mid == mid));
        let Some(index) = found else {
            return;
        };
        if let Some(sent) = self.sent.get_mut(index)
            && !sent.confirming
        {
            sent.confirming = true;
            self.silent = false;
            self.unconfirmed -= 1;
            self.unconfirmed_bytes -= sent.message.frame.len();
            self.outputs
                .push_back(Output::Confirm(sent.message.position));
        }
    }

    fn find(&self, position: Position) -> Option<usize> {
        self.sent
            .binary_search_by_key(&position, |s| s.message.position)
            .ok()
    }

    fn stored(&mut self, positions: &[Position]) {
        for position in positions {
            if let Some(index) = self.find(*position)
                && let Some(sent) = self.sent.remove(index)
            {
                self.outputs.push_back(Output::Confirmed(sent.message.mid));
            }
        }
    }

    fn gone(&mut self, positions: &[Position]) {
        for position in positions {
            if let Some(index) = self.find(*position) {
                self.sent.remove(index);
            }
        }
    }

    fn store_failed(&mut self, positions: &[Position], now: Instant) {
        self.sent
            .retain(|sent| !sent.gone || !positions.contains(&sent.message.position));
        for position in positions {
            if let Some(index) = self.find(*position)
                && let Some(sent) = self.sent.get_mut(index)
                && sent.confirming
            {
                sent.confirming = false;
                sent.due = now + sent.pause;
                self.earliest = Some(self.earliest.map_or(sent.due, |e| e.min(sent.due)));
                self.unconfirmed += 1;
                self.unconfirmed_bytes += sent.message.frame.len();
            }
        }
    }

    fn timeout(&mut self, now: Instant, blocked: bool) {
        if matches!(self.source, Source::StoreLater(at) if at <= now) {
            self.source = Source::Store;
        }
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        self.earliest = None;
        for sent in self.sent.iter_mut().filter(|sent| !sent.confirming) {
            self.silent |= sent.due <= now;
            if sent.due <= now && blocked {
                sent.due = now + sent.pause;
            } else if sent.due <= now {
                sent.pause = (sent.pause * 2).min(self.policy.retry_max);
                sent.due = now + sent.pause;
                self.outputs.push_back(Output::Send {
                    message: sent.message.clone(),
                    again: true,
                });
            }
            self.earliest = Some(self.earliest.map_or(sent.due, |e| e.min(sent.due)));
        }
    }

    /// Sends what the window has room for.
    fn pump(&mut self, now: Instant) {
        let window = self.policy.window.max(1);
        while self.unconfirmed < window && self.sent.len() < window * CONFIRMING_WINDOWS {
            let Some(next) = self.held.front() else {
                return;
            };
            let bytes = next.frame.len();
            if self.unconfirmed > 0 && self.unconfirmed_bytes + bytes > WINDOW_BYTES {
                return;
            }
            let Some(message) = self.held.pop_front() else {
                return;
            };
            self.held_bytes -= bytes;
            self.unconfirmed += 1;
            self.unconfirmed_bytes += bytes;
            let due = now + self.policy.retry;
            self.earliest = Some(self.earliest.map_or(due, |e| e.min(due)));
            self.outputs.push_back(Output::Send {
                message: message.clone(),
                again: false,
            });
            self.sent.push_back(Sent {
                message,
                due,
                pause: self.policy.retry,
                confirming: false,
                gone: false,
            });
        }
    }

    /// Reads on before what is held runs out.
    fn refill(&mut self) {
        let room = self.held.len() < self.policy.window.max(1) && self.held_bytes < HELD_BYTES;
        if room && matches!(self.source, Source::Store) {
            self.source = Source::Reading {
                heard: VecDeque::new(),
                overheard: false,
                gone: HashSet::new(),
                stale: false,
            };
            self.outputs.push_back(Output::Read {
                after: self.taken,
                limit: READ,
            });
        }
    }
}

#[cfg(test)]
mod tests;
