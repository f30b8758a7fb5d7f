//! What happens to a message that comes in: stored, then confirmed; beside it, raised as a
//! notification and marked so. Pure: no inbox, no desktop, no clock. Nothing else decides this.
//!
//! Owns the order of these steps, which one notification is under way, and when a failed one is
//! tried again. What is raised alone, together or not at all is [`announce`]'s to say. The rows
//! themselves are the inbox's, so nothing here grows with what is waiting.
//!
//! Invariants:
//! - a message is confirmed after the inbox said that it is durable, and only then; a repeat is
//!   confirmed again;
//! - a notification never delays a confirmation, whatever the desktop does;
//! - a row that is due a notification is raised once, alone or in a digest: it is marked after the
//!   desktop took it, and a mark that failed is tried again before anything else is raised (a crash
//!   between the two is the one way to raise it twice);
//! - what a silent desktop may still show is waited for before anything else is raised, so that it
//!   cannot come a second time in a digest;
//! - while anything is due, something is under way or a time is set.

mod announce;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tidings_protocol::Mid;
use tidings_protocol::server::Delivery;

pub(crate) use announce::{About, Digest, Named};
use announce::{Announcer, Decision, FALLING_ASLEEP, Setting, WAKING};

use crate::inbox::{Due, Stored};
use crate::types::{Held, MessageId, Notifications, Priority, RelayId, Row};

/// Wait after the first failure to raise; doubles up to [`PAUSE_CAP`].
const PAUSE: Duration = Duration::from_secs(5);

/// Longest wait between two tries. A daemon that comes back is noticed anyway; this is for those
/// that start only when called, and for one that hung.
const PAUSE_CAP: Duration = Duration::from_secs(60);

/// Refusals after which a notification is given up: a desktop that answers, and says no to this one
/// again and again, must not keep the later ones back.
const REFUSALS: u32 = 3;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// The inbox is open: rows of earlier runs may be due.
    Start,
    /// A message came from a relay.
    Arrived(RelayId, Delivery),
    /// The inbox answered [`Output::Store`]: the message is durable.
    Stored(RelayId, Mid, Stored),
    /// The inbox could not store it. The relay sends it again.
    NotStored(RelayId, Mid),
    /// The inbox answered [`Output::Look`]: these are due, oldest first. The time is the wall
    /// clock's, in milliseconds since 1970.
    Due(Vec<Due>, u64),
    /// The desktop took the notification.
    Raised,
    /// The desktop did not.
    NotRaised(Why),
    /// There is nothing to raise any more: it was read or deleted meanwhile.
    Gone,
    /// The inbox did [`Output::Mark`] or [`Output::Hold`].
    Marked,
    /// The inbox failed to answer [`Output::Look`], [`Output::Raise`], [`Output::Mark`] or
    /// [`Output::Hold`].
    InboxFailed,
    /// A notification service came or came back.
    CameBack,
    /// The computer goes to sleep.
    Sleeps,
    /// It woke; the lines are being tested.
    Woke,
    /// A message is due a notification once more: its relay reminds of it.
    Reminded,
    /// A connection is there after an absence, or stood its test after a sleep.
    Back,
    /// How notifications are to behave from now on.
    Rules(Notifications),
    /// Whether, and why, they are held back from now on.
    Quiet(Option<Held>),
    /// The digest left the screen.
    DigestGone,
    /// These were read or deleted.
    Read(Vec<MessageId>),
    /// The time of [`Flow::poll_timeout`] has come.
    Timeout,
}

/// Why a notification was not raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody is there; the next try may differ.
    NobodyThere,
    /// It was asked for, and nobody answered: it may be shown yet.
    NoAnswer,
    /// The desktop said no to this one.
    Refused,
}

/// What is raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// One message.
    One {
        /// Which.
        id: MessageId,
        /// Whether it is urgent.
        urgent: bool,
    },
    /// Many.
    Digest(Digest),
}

impl Announcement {
    /// The messages it tells of for the first time.
    fn ids(&self) -> Vec<MessageId> {
        match self {
            Self::One { id, .. } => vec![*id],
            Self::Digest(digest) => digest.adds.clone(),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// Store it durably; answer with [`Input::Stored`] or [`Input::NotStored`].
    Store(RelayId, Delivery),
    /// Confirm it to its relay.
    Confirm(RelayId, Mid),
    /// Tell the faces that it came.
    Tell(Row),
    /// Find the oldest rows that are due a notification; answer with [`Input::Due`].
    Look {
        /// Also those that were held back for a time.
        with_held: bool,
    },
    /// Raise it; answer with [`Input::Raised`], [`Input::NotRaised`] or [`Input::Gone`].
    Raise(Announcement),
    /// Mark the rows as notified; answer with [`Input::Marked`].
    Mark(Vec<MessageId>),
    /// Keep why these are not raised; answer with [`Input::Marked`].
    Hold(Vec<(MessageId, Held)>),
    /// Take the digest off the screen: there is nothing left to tell of.
    CloseDigest,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    raising: Raising,
    announcer: Announcer,
    rules: Notifications,
    held: Option<Held>,
    outputs: VecDeque<Output>,
    failures: u32,
    /// The first row of what was refused last, and how often in a row.
    refused: Option<(MessageId, u32)>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Raising {
    /// Nothing is due.
    #[default]
    Idle,
    /// The inbox was asked; `again` if a row was stored since.
    Looking { again: bool },
    /// Why rows are not raised is being written.
    Holding,
    /// The desktop has it.
    Asked(Announcement),
    /// The desktop took it; the mark is being written.
    Marking(Vec<MessageId>),
    /// More may come until then.
    Waiting { until: Instant },
    /// Something failed.
    Resting { until: Instant, then: Then },
}

/// With what it goes on after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Then {
    Look,
    Mark(Vec<MessageId>),
    Raise(Announcement),
}

impl Flow {
    pub(crate) fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Arrived(relay, delivery) => {
                self.outputs.push_back(Output::Store(relay, delivery));
            }
            Input::Stored(relay, mid, stored) => {
                self.outputs.push_back(Output::Confirm(relay, mid));
                if let Stored::New(row) = stored {
                    self.outputs.push_back(Output::Tell(row));
                    self.announcer.came(now);
                    self.due();
                }
            }
            Input::NotStored(..) => {}
            Input::Reminded => self.due(),
            Input::Start => {
                self.announcer.back(now);
                self.due();
            }
            Input::Sleeps => self.announcer.away(FALLING_ASLEEP, now),
            Input::Woke => {
                self.announcer.away(WAKING, now);
                self.look_anew();
            }
            Input::Back => {
                self.announcer.back(now);
                self.look_anew();
            }
            Input::Rules(rules) => {
                self.rules = rules;
                self.due();
            }
            Input::Quiet(held) => {
                self.held = held;
                self.due();
            }
            Input::Due(found, wall) => self.found(&found, wall, now),
            Input::Raised => self.raised(now),
            Input::NotRaised(why) => self.not_raised(why, now),
            Input::Gone => {
                if matches!(self.raising, Raising::Asked(_)) {
                    self.look();
                }
            }
            Input::Marked => {
                if matches!(self.raising, Raising::Marking(_) | Raising::Holding) {
                    self.failures = 0;
                    self.look();
                }
            }
            Input::InboxFailed => match std::mem::take(&mut self.raising) {
                Raising::Looking { .. } | Raising::Holding | Raising::Asked(_) => {
                    self.rest(Then::Look, now);
                }
                Raising::Marking(ids) => self.rest(Then::Mark(ids), now),
                other => self.raising = other,
            },
            Input::CameBack => {
                if let Raising::Resting { then, .. } = &self.raising {
                    self.failures = 0;
                    self.go_on(then.clone());
                }
            }
            Input::DigestGone => self.announcer.digest_gone(),
            Input::Read(ids) => {
                if self.announcer.read(&ids) {
                    self.outputs.push_back(Output::CloseDigest);
                }
            }
            Input::Timeout => match &self.raising {
                Raising::Resting { until, then } if now >= *until => self.go_on(then.clone()),
                Raising::Waiting { until } if now >= *until => self.look(),
                _ => {}
            },
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to give [`Input::Timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.raising {
            Raising::Resting { until, .. } | Raising::Waiting { until } => Some(until),
            _ => None,
        }
    }

    /// Whether [`Input::CameBack`] is of use now.
    pub(crate) fn hopes(&self) -> bool {
        matches!(self.raising, Raising::Resting { .. })
    }

    fn due(&mut self) {
        match &mut self.raising {
            // An urgent one does not wait for others.
            Raising::Idle | Raising::Waiting { .. } => self.look(),
            Raising::Looking { again } => *again = true,
            // Looked for when what is under way has ended.
            Raising::Holding
            | Raising::Asked(_)
            | Raising::Marking(_)
            | Raising::Resting { .. } => {}
        }
    }

    /// What waits for the end of an absence may have to wait less now.
    fn look_anew(&mut self) {
        if matches!(self.raising, Raising::Waiting { .. }) {
            self.look();
        }
    }

    fn look(&mut self) {
        self.raising = Raising::Looking { again: false };
        self.outputs.push_back(Output::Look {
            with_held: self.held.is_none(),
        });
    }

    fn found(&mut self, found: &[Due], wall: u64, now: Instant) {
        let Raising::Looking { again } = self.raising else {
            return;
        };
        let setting = Setting {
            rules: &self.rules,
            held: self.held,
            wall,
        };
        match self.announcer.decide(found, setting, now) {
            Decision::Hold(rows) => {
                self.raising = Raising::Holding;
                self.outputs.push_back(Output::Hold(rows));
            }
            Decision::One(id) => {
                let urgent = found
                    .iter()
                    .any(|row| row.id == id && row.priority == Priority::Urgent);
                self.raise(Announcement::One { id, urgent });
            }
            Decision::Digest(digest) => self.raise(Announcement::Digest(digest)),
            _ if again => self.look(),
            Decision::Later(until) => self.raising = Raising::Waiting { until },
            Decision::Nothing => self.raising = Raising::Idle,
        }
    }

    fn raise(&mut self, what: Announcement) {
        self.raising = Raising::Asked(what.clone());
        self.outputs.push_back(Output::Raise(what));
    }

    fn raised(&mut self, now: Instant) {
        let Some(what) = self.asked() else { return };
        self.refused = None;
        let ids = what.ids();
        match what {
            Announcement::One { urgent, .. } => self.announcer.raised_one(urgent, now),
            Announcement::Digest(digest) => self.announcer.raised_digest(digest, now),
        }
        self.mark(ids);
    }

    /// Takes what the desktop has, if it has something.
    fn asked(&mut self) -> Option<Announcement> {
        match std::mem::take(&mut self.raising) {
            Raising::Asked(what) => Some(what),
            other => {
                self.raising = other;
                None
            }
        }
    }

    fn not_raised(&mut self, why: Why, now: Instant) {
        let Some(what) = self.asked() else { return };
        match why {
            Why::NobodyThere => self.rest(Then::Look, now),
            Why::NoAnswer => self.rest(Then::Raise(what), now),
            Why::Refused => {
                let ids = what.ids();
                let first = ids.first().copied().unwrap_or_default();
                let times = match self.refused {
                    Some((refused, times)) if refused == first => times + 1,
                    _ => 1,
                };
                self.refused = Some((first, times));
                if times >= REFUSALS {
                    self.refused = None;
                    self.mark(ids);
                } else {
                    self.rest(Then::Look, now);
                }
            }
        }
    }

    fn mark(&mut self, ids: Vec<MessageId>) {
        self.raising = Raising::Marking(ids.clone());
        self.outputs.push_back(Output::Mark(ids));
    }

    fn rest(&mut self, then: Then, now: Instant) {
        let factor = 2_u32.saturating_pow(self.failures);
        let pause = PAUSE.saturating_mul(factor).min(PAUSE_CAP);
        self.failures = self.failures.saturating_add(1);
        self.raising = Raising::Resting {
            until: now + pause,
            then,
        };
    }

    fn go_on(&mut self, then: Then) {
        match then {
            Then::Look => self.look(),
            Then::Mark(ids) => self.mark(ids),
            Then::Raise(what) => self.raise(what),
        }
    }
}

#[cfg(test)]
mod tests;
