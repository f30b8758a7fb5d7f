//! The ledger: what was sent, promised, delivered and confirmed, and what of it is wrong. Pure: no
//! clock, no socket; times come in as microseconds since the beginning.
//!
//! What counts, conservatively chosen, so that a finding is a finding:
//!
//! - *Accepted* for a recipient: a MESSAGE_REPLY or an HTTP 200 named it with any status but `no`.
//! - *Lost*: accepted for a recipient and never delivered to it.
//! - *Repeated*: see `repeats`. *Reordered*: see `order`.
//! - *Untold*: accepted for a recipient from a sender that listens to receipts, delivered, and neither a
//!   reply nor a receipt told the sender that it was confirmed; or acknowledged, and no receipt told.
//! - *Odd*: what must not be either, and none of the three says: a message that was refused and
//!   delivered all the same, or for part of its group; a group or client that the relay forgot; an
//!   answer that says nothing of use; what goes against `wishes`.

mod order;
mod repeats;
#[cfg(test)]
mod tests;
mod wishes;

use std::collections::HashMap;

use self::repeats::{Came, Repeats};
pub(crate) use self::repeats::{Proof, SocketId};
pub(crate) use self::wishes::Wish;
use self::wishes::{Became, Newest};
use crate::cast::{Id, Set, To, members, only, recipient_name};

/// Microseconds since the beginning.
pub(crate) type At = u64;

/// The relay's process, counted from its first start.
pub(crate) type Life = u32;

/// Examples kept of each kind of finding.
const EXAMPLES: usize = 10;

/// After the disk has room again, what failed before may still be on its way to the client.
const ROOM_AGAIN: At = 2_000_000;

/// Findings of one kind.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
}

impl Findings {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// How many of each.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Messages sent, each once however often it was tried.
    pub(crate) sent: u64,
    /// Messages accepted.
    pub(crate) accepted: u64,
    /// Of those, by their recipients: what has to be delivered.
    pub(crate) accepted_for: u64,
    /// Messages refused by an answer that said why, each time.
    pub(crate) refused: u64,
    /// Tries whose outcome stayed unknown, as the connection ended before.
    pub(crate) unknown: u64,
    /// MESSAGE frames that came.
    pub(crate) frames: u64,
    /// Of those, first deliveries of a message to a recipient.
    pub(crate) delivered: u64,
    /// Confirmations written.
    pub(crate) confirmed: u64,
    /// Recipients and messages whose confirmation the relay had, with proof.
    pub(crate) proven: u64,
    /// Accepted and not delivered yet.
    pub(crate) owed: u64,
    /// RECEIPT frames that came.
    pub(crate) receipts: u64,
    /// Recipients and messages of which a receipt was the first to tell.
    pub(crate) told: u64,
    /// First deliveries of messages that had been held.
    pub(crate) held: u64,
    /// Messages taken back.
    pub(crate) cancelled: u64,
    /// Recipients and messages that made way for later ones.
    pub(crate) superseded: u64,
    /// Acknowledgements that were answered.
    pub(crate) acknowledged: u64,
    /// REMINDER frames that came.
    pub(crate) reminders: u64,
    /// Frames that came again after their confirmation was read: the relay may, until it is durable.
    pub(crate) again: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Unknown,
    Accepted,
    Refused,
}

#[derive(Debug)]
struct Message {
    to: To,
    first_sent: At,
    last_sent: At,
    outcome: Outcome,
    /// When the sender had it.
    outcome_at: At,
    mid: Option<u64>,
    accepted: Set,
    delivered: Set,
    /// Of whom the sender knows that they confirmed it, and whether it wants to.
    told: Set,
    listens: bool,
    /// It may rightly come after later ones: see `order`.
    late: bool,
    became: Became,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    senders: Vec<Vec<Message>>,
    mids: HashMap<u64, Id>,
    /// First deliveries in their order, per sender and recipient.
    firsts: HashMap<(u16, u8), Vec<u32>>,
    /// The newest of each key that came, per sender, key and recipient.
    newest: HashMap<(u16, u8, u8), Newest>,
    /// When acknowledgements were answered, per recipient and mid.
    settled: HashMap<(u8, u64), At>,
    repeats: Repeats,
    pub(crate) counts: Counts,
    pub(crate) kills: u32,
    pub(crate) repeated: Findings,
    pub(crate) odd: Findings,
}

impl Ledger {
    /// A new message is about to be sent.
    pub(crate) fn sent(&mut self, sender: u16, to: To, now: At) -> Id {
        let index = usize::from(sender);
        if self.senders.len() <= index {
            self.senders.resize_with(index + 1, Vec::new);
        }
        let mut number = 0;
        if let Some(messages) = self.senders.get_mut(index) {
            number = u32::try_from(messages.len()).unwrap_or(u32::MAX);
            messages.push(Message {
                to,
                first_sent: now,
                last_sent: now,
                outcome: Outcome::Unknown,
                outcome_at: At::MAX,
                mid: None,
                accepted: 0,
                delivered: 0,
                told: 0,
                listens: false,
                late: false,
                became: Became::default(),
            });
        }
        self.counts.sent += 1;
        Id { sender, number }
    }

    /// Its sender listens to receipts.
    pub(crate) fn listens(&mut self, id: Id) {
        if let Some(message) = self.message_mut(id) {
            message.listens = true;
        }
    }

    /// A receipt said that a recipient has confirmed it, which so is durable.
    pub(crate) fn told(&mut self, id: Id, mid: u64, recipient: u8, at: At) {
        self.counts.receipts += 1;
        self.names(id, mid, "its receipt");
        self.proven(recipient, mid, Proof::Durable { at });
        let Some(message) = self.message_mut(id) else {
            return self.odd(format!("a receipt of {id}, which nobody sent"));
        };
        let was_there = message.delivered & only(recipient) != 0;
        let is_new = message.told & only(recipient) == 0;
        message.told |= only(recipient);
        self.counts.told += u64::from(is_new);
        if !was_there {
            self.odd(format!(
                "r{recipient} has confirmed {id} by a receipt, and never had it"
            ));
        }
    }

    /// It is about to be sent again under its `ref`.
    pub(crate) fn tried_again(&mut self, id: Id, now: At) {
        let full_since = |sent| self.repeats.full_between(sent, now);
        let late = self.message(id).is_some_and(|m| full_since(m.last_sent));
        if let Some(message) = self.message_mut(id) {
            message.late |= late || message.outcome == Outcome::Refused;
            message.last_sent = now;
            message.outcome = Outcome::Unknown;
            message.outcome_at = At::MAX;
        }
    }

    /// A reply said what became of it, per recipient.
    pub(crate) fn answered(&mut self, id: Id, mid: u64, statuses: &[(u8, String)], now: At) {
        let (mut named, mut accepted, mut told): (Set, Set, Set) = (0, 0, 0);
        for (recipient, status) in statuses {
            named |= only(*recipient);
            if status != "no" {
                accepted |= only(*recipient);
            }
            match status.as_str() {
                "ok" => {
                    told |= only(*recipient);
                    self.proven(*recipient, mid, Proof::Durable { at: now });
                }
                "superseded" => self.superseded(id, *recipient),
                _ => {}
            }
        }
        let Some(to) = self.message(id).map(|message| message.to) else {
            return self.odd(format!("a reply to {id}, which nobody sent"));
        };
        if named != to.recipients() {
            let names: Vec<_> = members(named).map(recipient_name).collect();
            self.odd(format!("{id} to {to:?}: the reply names only {names:?}"));
        }
        if accepted == 0 {
            self.refused(id, now);
            return;
        }
        if accepted != named {
            self.odd(format!(
                "{id} ({mid}) was accepted for a part: {statuses:?}"
            ));
        }
        self.names(id, mid, "its reply");
        let Some(message) = self.message_mut(id) else {
            return;
        };
        let new = accepted & !message.accepted;
        let first = message.accepted == 0;
        message.accepted |= accepted;
        message.told |= told;
        message.outcome = Outcome::Accepted;
        message.outcome_at = message.outcome_at.min(now);
        let owed = new & message.due_to() & !message.delivered;
        self.counts.accepted += u64::from(first);
        self.counts.accepted_for += u64::from(new.count_ones());
        self.counts.owed += u64::from(owed.count_ones());
    }

    /// An answer said that it was not stored.
    pub(crate) fn refused(&mut self, id: Id, now: At) {
        self.counts.refused += 1;
        let full = self.repeats.full_between(now, now);
        let Some(message) = self.message_mut(id) else {
            return;
        };
        let (delivered, accepted) = (message.delivered, message.accepted);
        message.outcome = Outcome::Refused;
        message.outcome_at = message.outcome_at.min(now);
        if delivered != 0 || accepted != 0 {
            self.odd(format!(
                "{id} was refused, and was delivered or accepted before"
            ));
        } else if !full {
            self.odd(format!("{id} was refused while the disk had room"));
        }
    }

    /// Its connection ended before an answer came.
    pub(crate) fn unknown(&mut self, id: Id, relay_lives: bool) {
        self.counts.unknown += 1;
        // The relay that has it may still store it, after the next one.
        if relay_lives && let Some(message) = self.message_mut(id) {
            message.late = true;
        }
    }

    /// A MESSAGE frame came.
    pub(crate) fn delivered(&mut self, on: SocketId, id: Id, mid: u64, now: At) {
        self.counts.frames += 1;
        let Some(recipient) = self.repeats.recipient(on) else {
            return;
        };
        match self.repeats.came(on, recipient, mid) {
            Came::Anew => {}
            Came::Again => self.counts.again += 1,
            Came::Wrongly(found) => self.repeated.add(|| format!("{id}: {found}")),
        }
        self.names(id, mid, "its delivery");
        let Some(message) = self.message_mut(id) else {
            return self.odd(format!("r{recipient} was sent {id}, which nobody sent"));
        };
        let to = message.to;
        let first = message.delivered & only(recipient) == 0;
        // Of several tries, one may be refused and another one not.
        let refused = message.outcome == Outcome::Refused && !message.late;
        let owed = message.due_to() & only(recipient) != 0;
        let held = message.became.wish.delay.is_some();
        message.delivered |= only(recipient);
        if !first {
            return;
        }
        self.counts.delivered += 1;
        self.counts.owed -= u64::from(owed);
        if !held {
            let firsts = self.firsts.entry((id.sender, recipient)).or_default();
            firsts.push(id.number);
        }
        self.came_first(on, recipient, id, now);
        if to.recipients() & only(recipient) == 0 {
            self.odd(format!("r{recipient} was sent {id}, which was for {to:?}"));
        }
        if refused {
            self.odd(format!("{id} was refused, and delivered all the same"));
        }
    }

    /// Confirmations were written.
    pub(crate) fn confirmed(&mut self, count: usize) {
        self.counts.confirmed += count as u64;
    }

    /// The relay had this confirmation.
    pub(crate) fn proven(&mut self, recipient: u8, mid: u64, proof: Proof) {
        self.counts.proven += u64::from(self.repeats.proven(recipient, mid, proof));
    }

    /// A socket is about to be opened for a recipient.
    pub(crate) fn socket(&mut self, recipient: u8, now: At) -> SocketId {
        self.repeats.socket(recipient, now)
    }

    /// The relay is about to be killed.
    pub(crate) fn killed(&mut self) {
        self.kills += 1;
    }

    /// The disk is about to be full, or has room again.
    pub(crate) fn disk(&mut self, full: bool, now: At) {
        self.repeats.disk(full, now);
    }

    /// Whether the disk is full, or was a moment ago.
    pub(crate) fn disk_is_full(&self, now: At) -> bool {
        self.repeats.full_between(now, now)
    }

    /// The relay says that nothing waits any more: all that came is confirmed for good.
    pub(crate) fn all_confirmed(&mut self, now: At) {
        self.repeats.all_confirmed(now);
    }

    pub(crate) fn odd(&mut self, what: String) {
        self.odd.add(|| what);
    }

    /// Lost so far: of use once all had time to arrive.
    pub(crate) fn lost(&self) -> Findings {
        let mut lost = Findings::default();
        for (sender, messages) in (0..).zip(&self.senders) {
            for (number, message) in (0..).zip(messages) {
                for recipient in members(message.due_to() & !message.delivered) {
                    let (id, mid) = (Id { sender, number }, message.mid);
                    lost.add(|| format!("{id} ({mid:?}) never came to r{recipient}"));
                }
            }
        }
        lost
    }

    /// Untold so far: of use once all had time to be told.
    pub(crate) fn untold(&self) -> Findings {
        let mut untold = Findings::default();
        self.unheard(&mut untold);
        for (sender, messages) in (0..).zip(&self.senders) {
            for (number, message) in (0..).zip(messages).filter(|(_, m)| m.listens) {
                for recipient in members(message.accepted & message.delivered & !message.told) {
                    let (id, mid) = (Id { sender, number }, message.mid);
                    untold.add(|| format!("nobody told of {id} ({mid:?}) at r{recipient}"));
                }
            }
        }
        untold
    }

    /// Reordered so far.
    pub(crate) fn reordered(&self) -> Findings {
        order::reordered(self)
    }

    /// A mid was named for a message: there is one of the other for each.
    fn names(&mut self, id: Id, mid: u64, by: &str) {
        let of = *self.mids.entry(mid).or_insert(id);
        if of != id {
            self.repeated
                .add(|| format!("the mid {mid} stands for {of}, and by {by} for {id}"));
        }
        let Some(message) = self.message_mut(id) else {
            return;
        };
        let first = *message.mid.get_or_insert(mid);
        if first != mid {
            self.repeated
                .add(|| format!("{id} has the mid {first}, and by {by} {mid}"));
        }
    }

    fn message(&self, id: Id) -> Option<&Message> {
        let messages = self.senders.get(usize::from(id.sender))?;
        messages.get(usize::try_from(id.number).ok()?)
    }

    fn message_mut(&mut self, id: Id) -> Option<&mut Message> {
        let messages = self.senders.get_mut(usize::from(id.sender))?;
        messages.get_mut(usize::try_from(id.number).ok()?)
    }
}
