//! What a sender may want of a message beyond its delivery, and what must hold then.
//!
//! - *Held*: it comes to nobody before it is due, which is not before it was first sent and its delay has
//!   passed. It has its place by when it is due, so `order` says nothing of it.
//! - *Taken back*: once the relay has said so, it came to nobody and never will.
//! - *Keyed*: it may make way for another one of its sender and key that was sent later (or tried again
//!   later), and does not come behind one.
//! - *To be acknowledged*: an acknowledgement that was answered is told to the sender, nothing else is,
//!   and from the next socket on there are no reminders.
//!
//! All of it is told by answers that the relay may only give once they are durable, so no time is allowed
//! for anything.

use super::{At, Findings, Ledger, Message, Outcome, Proof, SocketId};
use crate::cast::{Id, Set, members, only};

/// The relay counts in whole milliseconds, on a clock that is kept right in small steps.
const CLOCKS: At = 10_000;

/// See the module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Microseconds for which it is held.
    pub(crate) delay: Option<At>,
    /// It takes the place of earlier ones of this key.
    pub(crate) key: Option<u8>,
    /// It is to be acknowledged.
    pub(crate) ack: bool,
}

/// What became of a message beyond its delivery.
#[derive(Debug, Default)]
pub(super) struct Became {
    pub(super) wish: Wish,
    pub(super) cancelled: bool,
    /// Where it made way.
    pub(super) superseded: Set,
    /// Who was about to say that they acknowledge it, of whom the relay has taken it, of whom the sender knows.
    reported: Set,
    acknowledged: Set,
    heard: Set,
}

/// The newest message of a key that came to a recipient: its number, where, and when.
pub(super) type Newest = (u32, SocketId, At);

impl Message {
    /// Those it has to be delivered to.
    pub(super) fn due_to(&self) -> Set {
        if self.became.cancelled {
            return 0;
        }
        self.accepted & !self.became.superseded
    }
}

impl Ledger {
    /// What the sender of a message wants.
    pub(crate) fn wishes(&mut self, id: Id, wish: Wish) {
        if let Some(message) = self.message_mut(id) {
            message.became.wish = wish;
        }
    }

    /// The relay says that nobody will get a message.
    pub(crate) fn cancelled(&mut self, id: Id) {
        self.counts.cancelled += 1;
        let Some(message) = self.message_mut(id) else {
            return self.odd(format!("{id} was taken back, and nobody sent it"));
        };
        let owed = message.due_to() & !message.delivered;
        message.became.cancelled = true;
        if message.delivered != 0 {
            self.odd(format!("{id} was taken back, and had come already"));
        }
        self.counts.owed -= u64::from(owed.count_ones());
    }

    /// The relay says that a message made way for a later one of its key.
    pub(crate) fn superseded(&mut self, id: Id, recipient: u8) {
        let Some(message) = self.message_mut(id) else {
            return self.odd(format!("{id} made way, and nobody sent it"));
        };
        let is_new = message.became.superseded & only(recipient) == 0;
        let owed = message.due_to() & !message.delivered & only(recipient);
        message.became.superseded |= only(recipient);
        message.told |= only(recipient);
        self.counts.superseded += u64::from(is_new);
        self.counts.owed -= u64::from(owed.count_ones());
        if !self.has_successor(id, recipient) {
            self.odd(format!("{id} made way at r{recipient}, for nothing"));
        }
    }

    /// Whether there is a message for which this one may have made way at a recipient.
    fn has_successor(&self, id: Id, recipient: u8) -> bool {
        let Some(message) = self.message(id) else {
            return false;
        };
        let messages = self.senders.get(usize::from(id.sender)).into_iter();
        (0..)
            .zip(messages.flatten())
            .any(|(number, other): (u32, _)| {
                let later = number > id.number || (number != id.number && message.late);
                later
                    && message.became.wish.key.is_some()
                    && other.became.wish.key == message.became.wish.key
                    && other.to.recipients() & only(recipient) != 0
                    && other.outcome != Outcome::Refused
            })
    }

    /// A message came to a recipient for the first time: what of its wishes that goes against.
    pub(super) fn came_first(&mut self, on: SocketId, recipient: u8, id: Id, now: At) {
        let Some(message) = self.message(id) else {
            return;
        };
        let Became { wish, .. } = message.became;
        let due = message.first_sent + wish.delay.unwrap_or(0);
        let (cancelled, late) = (message.became.cancelled, message.late);
        if wish.delay.is_some() {
            self.counts.held += 1;
            if now + CLOCKS < due {
                self.odd(format!(
                    "{id} came to r{recipient} at {now}, and is due at {due}"
                ));
            }
        }
        if cancelled {
            self.odd(format!("{id} came to r{recipient}, and was taken back"));
        }
        let Some(key) = wish.key else {
            return;
        };
        let newest = self.newest.get(&(id.sender, key, recipient)).copied();
        if newest.is_none_or(|(number, ..)| number < id.number) {
            let newest = (id.number, on, now);
            self.newest.insert((id.sender, key, recipient), newest);
        }
        // On another socket that was open then, it may have been read later than it came.
        if let Some((number, before, at)) = newest
            && number > id.number
            && !late
            && (before == on || self.repeats.opened(on).is_some_and(|opened| opened > at))
        {
            let sender = id.sender;
            self.odd(format!(
                "{id} came to r{recipient} behind s{sender}-{number}, which took its place"
            ));
        }
    }

    /// A recipient is about to say that it acknowledges a message.
    pub(crate) fn reports(&mut self, recipient: u8, id: Id) {
        if let Some(message) = self.message_mut(id) {
            message.became.reported |= only(recipient);
        }
    }

    /// The relay has taken that, which confirms the message too.
    pub(crate) fn acknowledged(&mut self, recipient: u8, mid: u64, at: At) {
        self.counts.acknowledged += 1;
        self.proven(recipient, mid, Proof::Durable { at });
        self.settled.entry((recipient, mid)).or_insert(at);
        let id = self.mids.get(&mid).copied();
        match id.and_then(|id| self.message_mut(id)) {
            Some(message) => message.became.acknowledged |= only(recipient),
            None => self.odd(format!(
                "r{recipient} acknowledged {mid}, which nobody sent"
            )),
        }
    }

    /// A receipt said so to the sender.
    pub(crate) fn heard(&mut self, id: Id, mid: u64, recipient: u8) {
        self.counts.receipts += 1;
        self.names(id, mid, "its receipt");
        let Some(message) = self.message_mut(id) else {
            return self.odd(format!("a receipt of {id}, which nobody sent"));
        };
        message.became.heard |= only(recipient);
        if message.became.reported & only(recipient) == 0 {
            self.odd(format!(
                "r{recipient} acknowledged {id} by a receipt, and did not"
            ));
        }
    }

    /// A recipient was reminded of a message.
    pub(crate) fn reminded(&mut self, on: SocketId, id: Id, mid: u64) {
        self.counts.reminders += 1;
        self.names(id, mid, "its reminder");
        let Some(recipient) = self.repeats.recipient(on) else {
            return;
        };
        let Some(message) = self.message(id) else {
            return self.odd(format!(
                "r{recipient} is reminded of {id}, which nobody sent"
            ));
        };
        let was_there = message.delivered & only(recipient) != 0;
        if !was_there || !message.became.wish.ack {
            self.odd(format!(
                "r{recipient} is reminded of {id}, without a reason"
            ));
        }
        if let Some(at) = self.settled.get(&(recipient, mid)).copied()
            && self.repeats.opened(on).is_some_and(|opened| opened > at)
        {
            self.odd(format!(
                "r{recipient} is reminded of {id}, acknowledged at {at}"
            ));
        }
    }

    /// Acknowledgements of which a sender was not told.
    pub(super) fn unheard(&self, untold: &mut Findings) {
        for (sender, messages) in (0..).zip(&self.senders) {
            for (number, message) in (0..).zip(messages).filter(|(_, m)| m.listens) {
                let Became {
                    acknowledged,
                    heard,
                    superseded,
                    ..
                } = message.became;
                for recipient in members(acknowledged & !heard & !superseded) {
                    let (id, mid) = (Id { sender, number }, message.mid);
                    untold.add(|| format!("r{recipient} acknowledged {id} ({mid:?}): not told"));
                }
            }
        }
    }
}
