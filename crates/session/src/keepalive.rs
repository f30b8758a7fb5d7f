//! When to ask whether the peer is still there, and when to stop believing it. Owns two instants;
//! does not send anything itself.
//!
//! The question is the protocol's PING packet, not a WebSocket ping frame: a proxy in between may
//! answer the latter for a relay that is long gone, and the reference answers both. Any frame from
//! the peer counts as an answer, so that a server that answers PING otherwise is still alive.
//!
//! Invariants: a PING is due at most [`IDLE_MAX`] after the peer was last heard; a peer that stays
//! silent is dead at most [`ANSWER`] after that PING; at most one question is open at a time, and a
//! probe only ever brings its deadline forward.

use std::time::{Duration, Instant};

/// Silence after which to ask; drawn once per connection between this and [`IDLE_MAX`], so that
/// clients that connected together do not ask together. Deployed clients ask every 30 s, and the
/// shortest idle limits of home routers and proxies are 30 to 60 s.
pub(crate) const IDLE_MIN: Duration = Duration::from_secs(25);

/// See [`IDLE_MIN`].
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long an answer may take. Longer than a mobile network's worst pauses, short enough that a
/// message is not long missed.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// The same after a probe, when there is reason to think that the socket is dead: after sleep, or a
/// change of network.
pub(crate) const PROBE_ANSWER: Duration = Duration::from_secs(5);

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
#[derive(Debug)]
pub(crate) struct Keepalive {
    idle: Duration,
    heard: Instant,
    deadline: Option<Instant>,
}

impl Keepalive {
    /// For a connection whose peer was just heard.
    pub(crate) fn new(rng: &mut fastrand::Rng, now: Instant) -> Self {
        let spread = u64::try_from((IDLE_MAX - IDLE_MIN).as_millis()).unwrap_or(0);
        Self {
            idle: IDLE_MIN + Duration::from_millis(rng.u64(0..=spread)),
            heard: now,
            deadline: None,
        }
    }

    /// A frame came in.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.deadline = None;
    }

    /// Asks at once. True if a PING has to be sent; an open question is not asked again.
    pub(crate) fn probe(&mut self, now: Instant) -> bool {
        let by = now + PROBE_ANSWER;
        let open = self.deadline;
        self.deadline = Some(open.map_or(by, |deadline| deadline.min(by)));
        open.is_none()
    }

    /// What is due at `now`; for [`Due::Ping`] the question counts as asked.
    pub(crate) fn expire(&mut self, now: Instant) -> Due {
        if now < self.timeout() {
            Due::Nothing
        } else if self.deadline.is_some() {
            Due::Dead
        } else {
            self.deadline = Some(now + ANSWER);
            Due::Ping
        }
    }

    /// When [`expire`](Self::expire) has something to say.
    pub(crate) fn timeout(&self) -> Instant {
        self.deadline.unwrap_or(self.heard + self.idle)
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
        keepalive.heard(start + Duration::from_secs(4));
        assert!(keepalive.timeout() > start + IDLE_MIN);
    }

    proptest! {
        /// Whatever happens, silence of the longest idle time and the answer's time means death.
        #[test]
        fn silence_is_found_in_bounded_time(seed: u64, steps in prop::collection::vec((0u64..40_000, 0u8..3), 0..40)) {
            let (mut keepalive, mut now) = keepalive(seed);
            for (millis, action) in steps {
                now += Duration::from_millis(millis);
                match action {
                    0 => keepalive.heard(now),
                    1 => { keepalive.probe(now); }
                    _ => { keepalive.expire(now); }
                }
                let mut alone = now;
                let mut dead = false;
                let mut copy = Keepalive { ..keepalive };
                for _ in 0..3 {
                    alone = alone.max(copy.timeout());
                    if copy.expire(alone) == Due::Dead {
                        dead = true;
                        break;
                    }
                }
                prop_assert!(dead);
                prop_assert!(alone - now <= IDLE_MAX + ANSWER);
            }
        }
    }
}
