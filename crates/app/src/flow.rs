//! What happens to a message that comes in: stored, then confirmed; beside it, raised as a
//! notification and marked so. Pure: no inbox, no desktop, no clock. Nothing else decides this.
//!
//! Owns the order of these steps, which one notification is under way, and when a failed one is
//! tried again. The rows themselves are the inbox's, so nothing here grows with what is waiting.
//!
//! Invariants:
//! - a message is confirmed after the inbox said that it is durable, and only then; a repeat is
//!   confirmed again;
//! - a notification never delays a confirmation, whatever the desktop does;
//! - a row that is due a notification is raised once: it is marked after the desktop took it, and a
//!   mark that failed is tried again before anything else is raised (a crash between the two is the
//!   one way to raise it twice);
//! - while anything is due, something is under way or a time is set.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tidings_protocol::Mid;
use tidings_protocol::server::Delivery;

use crate::inbox::{Stored, Unnotified};
use crate::types::{MessageId, Row};

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
    /// A message came from the relay.
    Arrived(Delivery),
    /// The inbox answered [`Output::Store`]: the message is durable.
    Stored(Mid, Stored),
    /// The inbox could not store it. The relay sends it again.
    NotStored(Mid),
    /// The inbox answered [`Output::Look`].
    Due(Option<Unnotified>),
    /// The desktop took the notification.
    Raised(MessageId),
    /// The desktop did not.
    NotRaised(MessageId, Why),
    /// The inbox marked the row as notified.
    Marked(MessageId),
    /// The inbox failed to answer [`Output::Look`] or [`Output::Mark`].
    InboxFailed,
    /// A notification service came or came back.
    CameBack,
    /// The time of [`Flow::poll_timeout`] has come.
    Timeout,
}

/// Why a notification was not raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody answered; the next try may differ.
    NobodyThere,
    /// The desktop said no to this one.
    Refused,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// Store it durably; answer with [`Input::Stored`] or [`Input::NotStored`].
    Store(Delivery),
    /// Confirm it to the relay.
    Confirm(Mid),
    /// Tell the faces that it came.
    Tell(Row),
    /// Find the oldest row that is due a notification; answer with [`Input::Due`].
    Look,
    /// Raise it; answer with [`Input::Raised`] or [`Input::NotRaised`].
    Raise(Unnotified),
    /// Mark the row as notified; answer with [`Input::Marked`].
    Mark(MessageId),
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    raising: Raising,
    outputs: VecDeque<Output>,
    failures: u32,
    /// The row that was refused last, and how often in a row.
    refused: Option<(MessageId, u32)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Raising {
    /// Nothing is due.
    #[default]
    Idle,
    /// The inbox was asked; `again` if a row was stored since.
    Looking { again: bool },
    /// The desktop has it.
    Asked,
    /// The desktop took it; the mark is being written.
    Marking(MessageId),
    /// Something failed. Goes on with the mark if one is missing.
    Resting {
        until: Instant,
        mark: Option<MessageId>,
    },
}

impl Flow {
    pub(crate) fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Arrived(delivery) => self.outputs.push_back(Output::Store(delivery)),
            Input::Stored(mid, stored) => {
                self.outputs.push_back(Output::Confirm(mid));
                if let Stored::New(row) = stored {
                    self.outputs.push_back(Output::Tell(row));
                    self.due();
                }
            }
            Input::NotStored(_) => {}
            Input::Start => self.due(),
            Input::Due(found) => self.found(found),
            Input::Raised(id) => self.raised(id),
            Input::NotRaised(id, why) => self.not_raised(id, why, now),
            Input::Marked(_) => {
                if matches!(self.raising, Raising::Marking(_)) {
                    self.failures = 0;
                    self.look();
                }
            }
            Input::InboxFailed => match self.raising {
                Raising::Looking { .. } => self.rest(None, now),
                Raising::Marking(id) => self.rest(Some(id), now),
                _ => {}
            },
            Input::CameBack => {
                if let Raising::Resting { mark, .. } = self.raising {
                    self.failures = 0;
                    self.go_on(mark);
                }
            }
            Input::Timeout => {
                if let Raising::Resting { until, mark } = self.raising
                    && now >= until
                {
                    self.go_on(mark);
                }
            }
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to give [`Input::Timeout`]; while it is set, [`Input::CameBack`] is of use too.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.raising {
            Raising::Resting { until, .. } => Some(until),
            _ => None,
        }
    }

    fn due(&mut self) {
        match &mut self.raising {
            Raising::Idle => self.look(),
            Raising::Looking { again } => *again = true,
            // Looked for when what is under way has ended.
            Raising::Asked | Raising::Marking(_) | Raising::Resting { .. } => {}
        }
    }

    fn look(&mut self) {
        self.raising = Raising::Looking { again: false };
        self.outputs.push_back(Output::Look);
    }

    fn found(&mut self, found: Option<Unnotified>) {
        let Raising::Looking { again } = self.raising else {
            return;
        };
        match found {
            Some(row) => {
                self.raising = Raising::Asked;
                self.outputs.push_back(Output::Raise(row));
            }
            None if again => self.look(),
            None => self.raising = Raising::Idle,
        }
    }

    fn raised(&mut self, id: MessageId) {
        if self.raising == Raising::Asked {
            self.refused = None;
            self.mark(id);
        }
    }

    fn not_raised(&mut self, id: MessageId, why: Why, now: Instant) {
        if self.raising != Raising::Asked {
            return;
        }
        if why == Why::Refused {
            let times = match self.refused {
                Some((refused, times)) if refused == id => times + 1,
                _ => 1,
            };
            self.refused = Some((id, times));
            if times >= REFUSALS {
                return self.raised(id);
            }
        }
        self.rest(None, now);
    }

    fn mark(&mut self, id: MessageId) {
        self.raising = Raising::Marking(id);
        self.outputs.push_back(Output::Mark(id));
    }

    fn rest(&mut self, mark: Option<MessageId>, now: Instant) {
        let factor = 2_u32.saturating_pow(self.failures);
        let pause = PAUSE.saturating_mul(factor).min(PAUSE_CAP);
        self.failures = self.failures.saturating_add(1);
        self.raising = Raising::Resting {
            until: now + pause,
            mark,
        };
    }

    fn go_on(&mut self, mark: Option<MessageId>) {
        match mark {
            Some(id) => self.mark(id),
            None => self.look(),
        }
    }
}

#[cfg(test)]
mod tests;
