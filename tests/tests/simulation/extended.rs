//! What the watch sees of messages that are held, that take the place of others, that are to be
//! acknowledged.

use std::time::Duration;

use tidings_protocol::{Cancelled, Mid, Name, Scheduled, State, Status};
use tidings_relay::MidNumber;
use tidings_relay::store::Released;

use crate::check::{Checked, violation};
use crate::disk::{Disks, lock};
use crate::watch::{Connection, Fate, INSTANT, Stored, Watch, now, number};

/// How long after it is due a message may be held, by the relay's clock: that is looked at once a
/// minute, and the disk may be slow.
const OVERDUE_MS: u64 = 70_000;

/// For the report.
#[derive(Debug, Default)]
pub(crate) struct Extended {
    pub(crate) held: u64,
    pub(crate) superseded: u64,
    pub(crate) reminders: u64,
    pub(crate) cancelled: u64,
    /// Messages in the answers to SCHEDULED.
    pub(crate) shown: u64,
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
    /// The relay's disk has let go what was due when the relay asked it to, at this time on the wall.
    pub(crate) fn released(&mut self, wall_ms: u64, released: &Released) {
        for (mid, names) in &released.messages {
            let Some(message) = self.messages.get_mut(mid) else {
                continue;
            };
            let due_ms = message.due_ms;
            message.released = Some(now());
            for name in names {
                message.recipients.insert(name.clone(), Fate::Waits);
            }
            if due_ms.is_none_or(|due_ms| due_ms > wall_ms) {
                let checked = violation!(HeldUntilDue, "{mid} of {due_ms:?} goes at {wall_ms}");
                self.check(checked);
            }
        }
    }

    /// The relay's disk says that a message is taken back; `status` asks it.
    pub(crate) fn taken_back(&mut self, mid: MidNumber, status: impl Fn(&Name) -> Option<Status>) {
        let Some(message) = self.messages.get_mut(&mid) else {
            return;
        };
        let mut checked = Ok(());
        for (name, fate) in &mut message.recipients {
            match fate {
                Fate::Held if status(name) == Some(Status::Cancelled) => {
                    *fate = Fate::Cancelled(now());
                    self.extended.cancelled += 1;
                }
                Fate::Held | Fate::Waits | Fate::Confirmed(_) => {
                    checked = violation!(CancelledForGood, "{mid} for {name} is {fate:?}");
                }
                Fate::Cancelled(_) | Fate::Refused | Fate::Expired(_) | Fate::Superseded(_) => {}
            }
        }
        self.check(checked);
    }

    /// A sender was told what came of taking a message back.
    pub(crate) fn cancelled(&mut self, name: &Name, answer: &Cancelled) {
        let Some(mid) = answer.mid.as_ref().map(number) else {
            return;
        };
        let Some(message) = self.messages.get(&mid) else {
            return;
        };
        let mut fates = message.recipients.values();
        let checked = if message.which.sender != *name {
            violation!(CancelledForGood, "{mid} is not {name}'s to take back")
        } else if answer.cancelled && fates.any(|f| matches!(f, Fate::Held | Fate::Waits)) {
            violation!(
                CancelledForGood,
                "{mid} is said to be taken back, and is not"
            )
        } else if !answer.cancelled && fates.any(|f| *f == Fate::Held) {
            violation!(CancelledForGood, "{mid} is held, and was not taken back")
        } else {
            Ok(())
        };
        self.check(checked);
    }

    /// The relay read a SCHEDULED.
    pub(crate) fn lists(&mut self, connection: Connection) {
        if let Some(open) = self.connections.get_mut(&connection) {
            open.lists_since.push_back(now());
        }
    }

    /// The relay wrote a SCHEDULED on a connection that was busy since then: all that is held, as it was at
    /// some time since it was asked.
    pub(crate) fn shown(
        &mut self,
        connection: Connection,
        to: &Name,
        shown: &Scheduled,
        busy_since: Duration,
    ) {
        let open = self.connections.get_mut(&connection);
        let Some(asked) = open.and_then(|open| open.lists_since.pop_front()) else {
            return self.check(violation!(
                ShownWhatIsHeld,
                "{to} did not ask for {shown:?}"
            ));
        };
        let since = busy_since.min(asked);
        for held in &shown.messages {
            self.extended.shown += 1;
            let mid = number(&held.mid);
            let message = self.messages.get(&mid).filter(|m| m.which.sender == *to);
            let was_held = message.is_some_and(|message| {
                let mut fates = message.recipients.values();
                let gone = |fate: &Fate| match fate {
                    Fate::Held => false,
                    Fate::Cancelled(at) | Fate::Superseded(at) | Fate::Expired(at) => {
                        *at + INSTANT < since
                    }
                    Fate::Waits | Fate::Confirmed(_) => {
                        message.released.is_none_or(|at| at + INSTANT < since)
                    }
                    Fate::Refused => true,
                };
                message.due_ms == Some(held.due) && !fates.all(gone)
            });
            if !was_held {
                let checked = violation!(ShownWhatIsHeld, "{to} is shown {held:?}: {message:?}");
                return self.check(checked);
            }
        }
        let is_shown = |mid: &MidNumber| shown.messages.iter().any(|m| m.mid == mid.to_mid());
        let mut held = self.messages.iter().filter(|(_, message)| {
            let mut fates = message.recipients.values();
            message.which.sender == *to
                && message.at + INSTANT < asked
                && fates.any(|fate| *fate == Fate::Held)
        });
        if let Some((mid, _)) = held.find(|(mid, _)| !is_shown(mid)) {
            let checked = violation!(ShownWhatIsHeld, "{to} is not shown {mid}: {shown:?}");
            self.check(checked);
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
        if let Some(message) = self.messages.get_mut(&mid) {
            message.reminded.insert(name.clone());
        }
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

    /// Whether all who are to acknowledge something, and have not, were reminded of it once; who was not, if
    /// there is somebody.
    pub(crate) fn all_are_reminded(&self, disks: &Disks) -> Checked {
        for (mid, message) in self.messages.iter().filter(|(_, message)| message.reminds) {
            for (name, fate) in &message.recipients {
                let settled = if message.first {
                    !message.acknowledged.is_empty()
                } else {
                    message.acknowledged.contains_key(name)
                };
                let listens = disks.get(name).is_some_and(|disk| lock(disk).hears);
                if listens
                    && !settled
                    && matches!(fate, Fate::Confirmed(_))
                    && !message.reminded.contains(name)
                {
                    return violation!(RemindedUntilSettled, "{name} was not reminded of {mid}");
                }
            }
        }
        Ok(())
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
