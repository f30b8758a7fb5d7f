//! When to ask whether the peer is still there, and when to stop believing it. Owns two instants;
//! does not send anything itself.
//!
//! The question is the protocol's PING packet, not a WebSocket ping frame: a proxy in between may
//! answer the latter for a relay that is long gone, and the reference answers both. What the peer
//! says unasked (messages, its own pings) is no answer: it proves one direction only, and a line
//! that is dead in the other would never be noticed while messages are sent again and again. It
//! buys time, though: an answer may be queued behind them.
//!
//! Invariants: a PING is due at most [`IDLE_MAX`] after the last answer; a peer that says nothing
//! after it is dead within [`ANSWER`], one that speaks without answering within [`UNANSWERED`]; at
//! most one question is open at a time, and a probe only ever brings its deadline forward.

use std::time::{Duration, Instant};

/// How long to go without an answer before asking; drawn once per connection between this and
/// [`IDLE_MAX`], so that clients that connected together do not ask together. Deployed clients ask
/// every 30 s, and the shortest idle limits of home routers and proxies are 30 to 60 s.
pub(crate) const IDLE_MIN: Duration = Duration::from_secs(25);

/// See [`IDLE_MIN`].
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long the peer may be silent once asked. Longer than a mobile network's worst pauses, short
/// enough that a message is not long missed.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// The same after a probe, when there is reason to think that the socket is dead: after sleep, or a
/// change of network.
pub(crate) const PROBE_ANSWER: Duration = Duration::from_secs(5);

/// How long an answer may take while other frames come in: a megabyte over a slow line.
pub(crate) const UNANSWERED: Duration = Duration::from_secs(60);

/// What the clock asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing yet.
    Nothing,
    /// Send a PING.
    Ping,
    /// The peer did not answer in time.
    Dead,
}

/// The keepalive of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Keepalive {
    idle: Duration,
    answered: Instant,
    heard: Instant,
    question: Option<Question>,
}

#[derive(Debug, Clone)]
struct Question {
    asked: Instant,
    patience: Duration,
}

impl Keepalive {
    /// For a connection whose peer has just answered something.
    pub(crate) fn new(rng: &mut fastrand::Rng, now: Instant) -> Self {
        let spread = u64::try_from((IDLE_MAX - IDLE_MIN).as_millis()).unwrap_or(0);
        Self {
            idle: IDLE_MIN + Duration::from_millis(rng.u64(0..=spread)),
            answered: now,
            heard: now,
            question: None,
        }
    }

    /// A frame came in, of whatever kind.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A frame came in that answers a PING.
    pub(crate) fn answered(&mut self, now: Instant) {
        self.heard = now;
        self.answered = now;
        self.question = None;
    }

    /// Asks at once. True if a PING has to be sent; an open question is not asked again.
    pub(crate) fn probe(&mut self, now: Instant) -> bool {
        let soon = Question {
            asked: now,
            patience: PROBE_ANSWER,
        };
        let sooner = self
            .question
            .as_ref()
            .is_none_or(|open| self.deadline(&soon) < self.deadline(open));
        let ask = self.question.is_none();
        if sooner {
            self.question = Some(soon);
        }
        ask
    }

    /// What is due at `now`; for [`Due::Ping`] the question counts as asked.
    pub(crate) fn expire(&mut self, now: Instant) -> Due {
        if now < self.timeout() {
            Due::Nothing
        } else if self.question.is_some() {
            Due::Dead
        } else {
            self.question = Some(Question {
                asked: now,
                patience: ANSWER,
            });
            Due::Ping
        }
    }

    /// When [`expire`](Self::expire) has something to say.
    pub(crate) fn timeout(&self) -> Instant {
        match &self.question {
            None => self.answered + self.idle,
            Some(question) => self.deadline(question),
        }
    }

    fn deadline(&self, question: &Question) -> Instant {
        let silent = self.heard.max(question.asked) + question.patience;
        silent.min(question.asked + UNANSWERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keepalive(seed: u64) -> (Keepalive, Instant) {
        let now = Instant::now();
        (
            Keepalive::new(&mut fastrand::Rng::with_seed(seed), now),
            now,
        )
    }

    #[test]
    fn a_silent_peer_is_asked_and_then_dead() {
        let (mut keepalive, start) = keepalive(1);
        let ask = keepalive.timeout();
        assert!((IDLE_MIN..=IDLE_MAX).contains(&(ask - start)));
        assert_eq!(
            keepalive.expire(ask - Duration::from_millis(1)),
            Due::Nothing
        );
        assert_eq!(keepalive.expire(ask), Due::Ping);
        assert_eq!(keepalive.expire(ask), Due::Nothing);
        assert_eq!(keepalive.timeout(), ask + ANSWER);
        assert_eq!(keepalive.expire(ask + ANSWER), Due::Dead);
    }

    #[test]
    fn a_probe_brings_an_open_deadline_forward_and_never_back() {
        let (mut keepalive, start) = keepalive(2);
        assert!(keepalive.probe(start));
        let first = keepalive.timeout();
        assert_eq!(first, start + PROBE_ANSWER);
        assert!(!keepalive.probe(start + Duration::from_secs(3)));
        assert_eq!(keepalive.timeout(), first);
        keepalive.answered(start + Duration::from_secs(4));
        assert!(keepalive.timeout() > start + IDLE_MIN);
    }

    #[test]
    fn messages_buy_time_but_are_no_answer() {
        let (mut keepalive, _) = keepalive(3);
        let asked = keepalive.timeout();
        assert_eq!(keepalive.expire(asked), Due::Ping);
        let mut now = asked;
        while now < asked + UNANSWERED - ANSWER {
            now += Duration::from_secs(3);
            keepalive.heard(now);
            assert_eq!(keepalive.expire(now), Due::Nothing);
        }
        assert_eq!(keepalive.timeout(), asked + UNANSWERED);
        assert_eq!(keepalive.expire(asked + UNANSWERED), Due::Dead);
    }

    proptest! {
        /// Whatever happened before, silence of the longest idle time and the answer's time means
        /// death, and so does a peer that only talks.
        #[test]
        fn death_is_found_in_bounded_time(
            seed: u64,
            steps in prop::collection::vec((0u64..40_000, 0u8..4), 0..40),
            talks: bool,
        ) {
            let (mut keepalive, mut now) = keepalive(seed);
            for (millis, action) in steps {
                now += Duration::from_millis(millis);
                match action {
                    0 => keepalive.heard(now),
                    1 => keepalive.answered(now),
                    2 => { keepalive.probe(now); }
                    _ => { keepalive.expire(now); }
                }
            }
            let start = now;
            let second = Duration::from_secs(1);
            while keepalive.expire(now) != Due::Dead {
                now = if talks { now + second } else { now.max(keepalive.timeout()) };
                if talks {
                    keepalive.heard(now);
                }
                let bound = IDLE_MAX + if talks { UNANSWERED + second } else { ANSWER };
                prop_assert!(now <= start + bound, "alive after {:?}", now - start);
            }
        }
    }
}
