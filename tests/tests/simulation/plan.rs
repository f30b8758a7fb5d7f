//! What a run is like from its beginning to its end: drawn from its seed before anything happens.

use std::ops::Range;
use std::time::Duration;

use tidings_relay::{Bounds, Timing};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The longest that a segment is under way.
    pub(crate) latency: Duration,
    /// How far the relay's wall clock may be off, in milliseconds.
    pub(crate) clock_off: Range<i64>,
    /// The clock may leap over the day for which the relay remembers a `ref`. All speak `ref` then,
    /// and drop repeats by it.
    pub(crate) forgets_refs: bool,
    /// The run lasts until everybody was reminded of what is to be acknowledged.
    pub(crate) reminds: bool,
    /// The hosts of one instant run in random order.
    pub(crate) random_order: bool,
    /// The longest pause of the relay's disk, before and after a commit.
    pub(crate) commit: Duration,
    pub(crate) timing: Timing,
    pub(crate) bounds: Bounds,
}

impl Plan {
    pub(crate) fn draw(rng: &mut fastrand::Rng) -> Self {
        let forgets_refs = rng.u8(0..4) == 0;
        // Within a day otherwise, which is as long as a `ref` and a short `ttl` are sure to count.
        // Messages without a `ttl` wait for 30 days.
        let clock_off = if forgets_refs {
            -30 * HOUR_MS..20 * 24 * HOUR_MS
        } else {
            let back = rng.i64(0..23) * HOUR_MS;
            -back..23 * HOUR_MS - back
        };
        let pick = |rng: &mut fastrand::Rng, from: [u64; 4]| *rng.choice(&from).unwrap();
        let millis = Duration::from_millis;
        Self {
            latency: millis(pick(rng, [5, 150, 150, 1_200])),
            clock_off,
            forgets_refs,
            reminds: rng.u8(0..4) == 0,
            random_order: rng.bool(),
            commit: millis(pick(rng, [1, 40, 400, 2_500])),
            timing: Timing {
                stalled_after: Duration::from_secs(pick(rng, [8, 8, 20, 60])),
                ..Timing::default()
            },
            bounds: Bounds {
                window: usize::try_from(pick(rng, [1, 4, 64, 64])).unwrap(),
                queue_messages: pick(rng, [8, 1_000, 1_000, 1_000]),
                ..Bounds::default()
            },
        }
    }
}
