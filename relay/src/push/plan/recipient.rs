//! One recipient in the plan: how far its pushes came, and what an outcome means for the next one.

use std::time::{Duration, Instant};

use super::Policy;
use crate::{
    mint::MidNumber,
    push::{Outcome, letter::Length},
    store::{Position, Pushed},
};

#[derive(Debug)]
pub(super) struct Recipient {
    /// Something may wait after `after`.
    pub(super) more: bool,
    /// What is up to here was taken or given up.
    pub(super) after: Position,
    pub(super) doing: Doing,
    /// Something came up while it was doing that: more messages, or another subscription.
    pub(super) more_since: bool,
    pub(super) subscribed_since: bool,
    pub(super) pause: Option<Instant>,
    /// The pause is that of the start, which a new message ends.
    pub(super) settling: bool,
    /// Pushes that failed in a row.
    pub(super) failures: u32,
    /// The message that was tried last and is neither taken nor given up.
    pub(super) tried: Option<Tried>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Nothing,
    InLine,
    Asking,
    Pushing {
        position: Position,
        endpoint: String,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    pub(super) mid: MidNumber,
    pub(super) attempts: u32,
    pub(super) length: Length,
}

/// What an outcome means.
pub(super) enum Verdict {
    /// The message came so far, and no further. The next one may have to wait.
    Done(Pushed, Option<Duration>),
    /// It is tried again, after a pause.
    Again(Option<Duration>),
    /// There is nowhere to push to any more.
    Unsubscribed,
}

impl Recipient {
    pub(super) fn new() -> Self {
        Self {
            more: true,
            after: Position::START,
            doing: Doing::Nothing,
            more_since: false,
            subscribed_since: false,
            pause: None,
            settling: false,
            failures: 0,
            tried: None,
        }
    }

    /// What the outcome of the push of the message at `position` means.
    pub(super) fn judge(
        &mut self,
        outcome: &Outcome,
        position: Position,
        policy: &Policy,
    ) -> Verdict {
        self.more = true;
        let verdict = match outcome {
            Outcome::Taken => {
                self.failures = 0;
                Verdict::Done(Pushed::Taken, None)
            }
            Outcome::Gone if self.subscribed_since => Verdict::Again(None),
            Outcome::Gone => Verdict::Unsubscribed,
            Outcome::TooLarge => match &mut self.tried {
                Some(tried) if tried.length == Length::Whole => {
                    tried.length = Length::Short;
                    Verdict::Again(None)
                }
                _ => Verdict::Done(Pushed::No, None),
            },
            Outcome::Refused(_) => Verdict::Done(Pushed::No, None),
            Outcome::Later(asked) => self.later(*asked, policy),
        };
        if matches!(verdict, Verdict::Done(..)) {
            self.tried = None;
            // With a new subscription, all that waits has another chance.
            if !self.subscribed_since {
                self.after = position;
            }
        }
        verdict
    }

    fn later(&mut self, asked: Option<Duration>, policy: &Policy) -> Verdict {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let own = policy.pause.saturating_mul(doubled).min(policy.pause_max);
        self.failures = self.failures.saturating_add(1).min(31);
        // No less than the first pause, whatever is asked: a service that says 0 is in trouble too.
        let pause = asked.map_or(own, |asked| asked.min(policy.asked_max).max(policy.pause));
        let pause = (!self.subscribed_since).then_some(pause);
        let Some(tried) = &mut self.tried else {
            return Verdict::Again(pause);
        };
        tried.attempts += 1;
        if tried.attempts >= policy.attempts {
            Verdict::Done(Pushed::No, pause)
        } else {
            Verdict::Again(pause)
        }
    }
}
