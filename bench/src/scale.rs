//! How long and how large a run is. The figures mean the same at every scale; a larger one is steadier.

use std::time::Duration;

/// Sizes and times of the workloads.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    /// How often each system is measured with each workload.
    pub(crate) rounds: usize,
    /// Before counting begins: caches, buffers and the CPU's clock settle.
    pub(crate) warm_up: Duration,
    /// How long is counted.
    pub(crate) time: Duration,
}

impl Scale {
    /// The one that goals are held against; the whole run takes at most a quarter of an hour.
    pub(crate) fn full() -> Self {
        Self {
            rounds: 5,
            warm_up: Duration::from_millis(300),
            time: Duration::from_millis(1500),
        }
    }

    /// For a look: two minutes.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 2,
            warm_up: Duration::from_millis(200),
            time: Duration::from_millis(600),
        }
    }

    /// Only to see that everything works.
    pub(crate) fn tiny() -> Self {
        Self {
            rounds: 1,
            warm_up: Duration::from_millis(10),
            time: Duration::from_millis(50),
        }
    }
}
