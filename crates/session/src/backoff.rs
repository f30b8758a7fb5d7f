//! How long to wait before dialing again. Owns the count of failures; the randomness is lent by the
//! machine. Knows nothing of why a connection failed.
//!
//! Invariants: a delay is never above [`CAP`]; the ceiling doubles with every failure and falls back
//! only by [`Backoff::reset`], which the machine calls after proof of life and not merely after a
//! successful dial (a relay that accepts and drops would otherwise be dialed without pause), and by
//! [`Backoff::hurry`], which has a pace.

use std::time::{Duration, Instant};

/// Ceiling of the first delay: a relay that restarts is back within about this time.
pub(crate) const BASE: Duration = Duration::from_secs(1);

/// Ceiling of every delay: what a person waits at most, on average half of it, once a relay that was
/// long away is back.
pub(crate) const CAP: Duration = Duration::from_secs(60);

/// The least time between two pieces of news of the world that make a session dial sooner: a network
/// that comes and goes all the time would otherwise be dialed without pause.
pub(crate) const NEWS_PACE: Duration = Duration::from_secs(5);

/// Exponential back-off with full jitter: a uniform draw from nothing to the ceiling, which spreads
/// the return of a whole group of clients after a restart best.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    hurried: Option<Instant>,
}

impl Backoff {
    /// Counts a failure and draws the delay before the next attempt.
    pub(crate) fn next(&mut self, rng: &mut fastrand::Rng) -> Duration {
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(rng.u64(0..=millis))
    }

    /// There is news of the world, and what failed before says nothing of it: begins anew. Gives the
    /// delay before the next attempt, by chance too, as all the clients of an office wake together;
    /// none if there was news just now.
    pub(crate) fn hurry(&mut self, rng: &mut fastrand::Rng, now: Instant) -> Option<Duration> {
        if self.hurried.is_some_and(|at| now < at + NEWS_PACE) {
            return None;
        }
        self.hurried = Some(now);
        self.reset();
        Some(self.next(rng))
    }

    /// The next delay's upper bound.
    fn ceiling(&self) -> Duration {
        2u32.checked_pow(self.failures)
            .and_then(|factor| BASE.checked_mul(factor))
            .map_or(CAP, |ceiling| ceiling.min(CAP))
    }

    /// Forgets the failures.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceiling_doubles_to_the_cap() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut backoff = Backoff::default();
        let ceilings: Vec<u64> = (0..8)
            .map(|_| {
                let ceiling = backoff.ceiling().as_secs();
                backoff.next(&mut rng);
                ceiling
            })
            .collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.ceiling(), BASE);
    }

    proptest! {
        #[test]
        fn no_delay_is_above_its_ceiling(seed: u64, failures in 0u32..200) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut backoff = Backoff { failures, hurried: None };
            let ceiling = backoff.ceiling();
            prop_assert!(ceiling <= CAP);
            prop_assert!(backoff.next(&mut rng) <= ceiling);
        }
    }

    #[test]
    fn delays_are_spread_over_the_whole_range() {
        let mut rng = fastrand::Rng::with_seed(7);
        let delays: Vec<Duration> = (0..1000)
            .map(|_| {
                let failures = 10;
                let hurried = None;
                Backoff { failures, hurried }.next(&mut rng)
            })
            .collect();
        let mean = delays.iter().sum::<Duration>() / 1000;
        assert!((27..33).contains(&mean.as_secs()), "mean {mean:?}");
        assert!(delays.iter().any(|d| *d < CAP / 10));
        assert!(delays.iter().any(|d| *d > CAP * 9 / 10));
    }
}
