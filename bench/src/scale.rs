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
    /// Messages of a latency's round come for so long.
    pub(crate) latency: Duration,
    /// Recipients of one message.
    pub(crate) crowd: usize,
    /// Idle connections.
    pub(crate) idle: usize,
    /// How long they are watched.
    pub(crate) rest: Duration,
    /// Rounds of idle connections, which take long and hardly differ.
    pub(crate) idle_rounds: usize,
    /// Messages of a drain.
    pub(crate) drain: usize,
    /// Messages that wait, few and many.
    pub(crate) queued: [usize; 2],
    /// Recipients that are known, few and many.
    pub(crate) known: [usize; 2],
}

impl Scale {
    /// The one that goals are held against; the whole run takes a quarter of an hour.
    pub(crate) fn full() -> Self {
        Self {
            rounds: 5,
            warm_up: Duration::from_millis(300),
            time: Duration::from_millis(1200),
            latency: Duration::from_secs(2),
            crowd: 1000,
            idle: 10_000,
            rest: Duration::from_secs(10),
            idle_rounds: 2,
            drain: 100_000,
            queued: [1000, 1_000_000],
            known: [10, 10_000],
        }
    }

    /// For a look: some minutes.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 2,
            warm_up: Duration::from_millis(200),
            time: Duration::from_millis(600),
            latency: Duration::from_secs(1),
            idle: 2000,
            rest: Duration::from_secs(2),
            idle_rounds: 1,
            drain: 20_000,
            queued: [1000, 100_000],
            ..Self::full()
        }
    }

    /// Only to see that everything works: some seconds in a debug build.
    pub(crate) fn tiny() -> Self {
        Self {
            rounds: 1,
            warm_up: Duration::from_millis(10),
            time: Duration::from_millis(50),
            latency: Duration::from_millis(60),
            crowd: 5,
            idle: 5,
            rest: Duration::from_millis(50),
            idle_rounds: 1,
            drain: 100,
            queued: [10, 100],
            known: [2, 10],
        }
    }
}
