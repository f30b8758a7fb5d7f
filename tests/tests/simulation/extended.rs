//! What the watch sees of messages that are held, that take the place of others, that are to be
//! acknowledged.

use std::time::Duration;

use tidings_protocol::{Mid, Name, State, Status};
use tidings_relay::MidNumber;
use tidings_relay::store::Released;

use crate::check::{Checked, violation};
use crate::disk::{Disks, lock};
use crate::watch::{Fate, INSTANT, Stored, Watch, now, number};

/// How long after it is due a message may be held, by the relay's clock: that is looked at once a
/// minute, and the disk may be slow.
const OVERDUE_MS: u64 = 70_000;

/// For the report.
#[derive(Debug, Default)]
pub(crate) struct Extended {
    pub(crate) held: u64,
    pub(crate) superseded: u64,
    pub(crate) reminders: u64,
}

impl Stored {
    /// Whether somebody who has it, too, may be told that this one was first.
    pub(crate) fn is_told_who_was_first(&self, to: &Name, first: &Name) -> bool {
        self.first && to != first && self.was_for(to) && self.acknowledged.contains_key(first)
    }

    fn was_for(&self, name: &Name) -> bool {
        let fate = self.recipients.get(name);
        fate.is_some_and(|fate| *fate != Fate::Refused)
    }
}

impl Watch {
    /// The relay's disk has let go what was due.
    pub(crate) fn released(&mut self, now_ms: u64, released: &Released) {
        for (mid, names) in &released.messages {
            let Some(message) = self.messages.get_mut(mid) else {
                continue;
            };
            let due_ms = message.due_ms;
            for name in names {
                message.recipients.insert(name.clone(), Fate::Waits);
            }
            if due_ms.is_none_or(|due_ms| due_ms > now_ms) {
                let checked = violation!(HeldUntilDue, "{mid} of {due_ms:?} goes at {now_ms}");
                self.check(checked);
            }
        }
    }

    /// The relay's disk may have made way for something; `status` asks it.
    pub(crate) fn made_way(&mut self, status: impl Fn(MidNumber, &Name) -> Option<Status>) {
        let keyed = self.messages.iter().filter(|(_, m)| m.key.is_some());
        let waiting = keyed.flat_map(|(mid, message)| {
            let fates = message.recipients.iter();
            let waiting = fates.filter(|(_, f)| matches!(f, Fate::Waits | Fate::Held));
            waiting.map(|(name, _)| (*mid, name.clone()))
        });
        let waiting: Vec<_> = waiting.collect();
        for (mid, name) in waiting {
            let later = self.later_of_key(mid, &name);
            let made_way = status(mid, &name) == Some(Status::Superseded);
            let checked = match (later, made_way) {
                (None, true) => violation!(LaterOfKey, "{mid} made way for nothing at {name}"),
                (Some(later), false) => {
                    violation!(LaterOfKey, "{mid} waits for {name} beside {later}")
                }
                _ => Ok(()),
            };
            self.check(checked);
            if made_way && let Some(message) = self.messages.get_mut(&mid) {
                self.extended.superseded += 1;
                message.recipients.insert(name, Fate::Superseded(now()));
            }
        }
    }

    /// A later message of the same sender and key that has a place in the queue, or had one.
    fn later_of_key(&self, mid: MidNumber, name: &Name) -> Option<MidNumber> {
        let this = self.messages.get(&mid)?;
        let mut later = self.messages.range(mid..).skip(1).filter(|(_, other)| {
            let fate = other.recipients.get(name);
            other.key == this.key
                && other.owner == this.owner
                && fate.is_some_and(|fate| !matches!(fate, Fate::Refused | Fate::Held))
                // What was given up, or made way, while it was held never had a place.
                && (other.due_ms.is_none() || matches!(fate, Some(Fate::Waits | Fate::Confirmed(_))))
        });
        later.next().map(|(mid, _)| *mid)
    }

    /// Until when something is held, of all that is.
    pub(crate) fn last_due_ms(&self) -> Option<u64> {
        let held = |message: &&Stored| message.recipients.values().any(|f| *f == Fate::Held);
        let held = self.messages.values().filter(held);
        held.filter_map(|message| message.due_ms).max()
    }

    /// Whether something is held that should have been let go long ago.
    pub(crate) fn is_nothing_overdue(&self, wall_ms: u64) -> Checked {
        for (mid, message) in &self.messages {
            let held = message.recipients.values().any(|fate| *fate == Fate::Held);
            if let Some(due_ms) = message
                .due_ms
                .filter(|due| held && due + OVERDUE_MS < wall_ms)
            {
                return violation!(HeldUntilDue, "{mid} of {due_ms} is held at {wall_ms}");
            }
        }
        Ok(())
    }

    /// The relay wrote a REMINDER on a connection that was busy since then.
    pub(crate) fn reminded(&mut self, name: &Name, mid: &Mid, busy_since: Duration) {
        self.extended.reminders += 1;
        let mid = number(mid);
        let Some(message) = self.messages.get(&mid) else {
            return self.check(violation!(
                RemindedUntilSettled,
                "{name} is reminded of {mid}"
            ));
        };
        let confirmed = matches!(message.recipients.get(name), Some(Fate::Confirmed(_)));
        let settled = message
            .acknowledged
            .iter()
            .find(|(who, at)| (message.first || *who == name) && **at + INSTANT < busy_since);
        self.check(match settled {
            _ if !confirmed => {
                violation!(RemindedUntilSettled, "{name} has not confirmed {mid}")
            }
            Some((who, at)) => violation!(
                RemindedUntilSettled,
                "{name} is reminded of {mid}, which {who} settled at {at:?}"
            ),
            None => Ok(()),
        });
    }

    /// Whether all who have it know that somebody was first; who does not, if not.
    pub(crate) fn others_are_told(&self, disks: &Disks) -> Checked {
        for (mid, message) in &self.messages {
            if !message.first || message.acknowledged.is_empty() {
                continue;
            }
            for (name, fate) in &message.recipients {
                let Some(disk) = disks.get(name).map(lock) else {
                    continue;
                };
                let is_first = message.acknowledged.contains_key(name);
                if is_first || !disk.hears || !matches!(fate, Fate::Confirmed(_)) {
                    continue;
                }
                let mid = mid.to_mid();
                let mut told = disk.told.iter();
                if !told.any(|c| c.mid == mid && c.state == State::Acknowledged) {
                    return violation!(Receipts, "{name} was not told who took {mid}");
                }
            }
        }
        Ok(())
    }
}
