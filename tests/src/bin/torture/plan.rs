//! When the relay dies. Pure: the next death follows from the seed.

use std::time::Duration;

use crate::world::between;

/// How long the relay lives this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// So long after its process was started, ready or not.
    AtStart(Duration),
    /// So long after it was ready.
    Serving(Duration),
    /// By the first answer to a sender, so long after it was ready.
    OnAnswer(Duration),
    /// So long after the senders were stopped.
    Quiet(Duration),
}

/// See the module.
pub(crate) struct Plan {
    rng: fastrand::Rng,
    /// Deaths left of a burst.
    burst: u8,
}

impl Plan {
    pub(crate) fn new(rng: fastrand::Rng) -> Self {
        Self { rng, burst: 0 }
    }

    pub(crate) fn next(&mut self) -> Death {
        let rng = &mut self.rng;
        if self.burst > 0 {
            self.burst -= 1;
            return Death::Serving(between(rng, 0, 200));
        }
        match rng.u8(0..20) {
            0..3 => Death::AtStart(between(rng, 0, 40)),
            3 => {
                self.burst = rng.u8(2..6);
                Death::Serving(between(rng, 0, 200))
            }
            6..10 => Death::OnAnswer(between(rng, 200, 3000)),
            4 => Death::Quiet(between(rng, 300, 2000)),
            // Long enough for queues to be emptied and receipts to come due.
            5 => Death::Serving(between(rng, 5000, 9000)),
            _ => Death::Serving(between(rng, 200, 5000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan_with_every_kind_of_death() {
        let plan = |seed| {
            let mut plan = Plan::new(fastrand::Rng::with_seed(seed));
            (0..300).map(|_| plan.next()).collect::<Vec<_>>()
        };
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        let some = |of: fn(&Death) -> bool| plan(7).iter().filter(|death| of(death)).count() > 3;
        assert!(some(|death| matches!(death, Death::AtStart(_))));
        assert!(some(|death| matches!(death, Death::Serving(_))));
        assert!(some(|death| matches!(death, Death::OnAnswer(_))));
        assert!(some(|death| matches!(death, Death::Quiet(_))));
    }
}
