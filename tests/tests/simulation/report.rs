//! What happened in a run, counted: a simulation in which nothing happens proves nothing.

use std::fmt;
use std::time::Duration;

/// What happened in a run, or in many.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Run {
    /// Every inbox, as it came to be: equal for equal runs.
    pub(crate) trace: String,
    pub(crate) faults: u64,
    pub(crate) crashes: u64,
    pub(crate) accepted: u64,
    pub(crate) unknown: u64,
    pub(crate) received: u64,
    pub(crate) repeats: u64,
    pub(crate) simulated: Duration,
}

impl Run {
    pub(crate) fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.accepted += other.accepted;
        self.unknown += other.unknown;
        self.received += other.received;
        self.repeats += other.repeats;
        self.simulated += other.simulated;
    }

    /// False where the network was so kind, or so bad, that nothing was tried.
    pub(crate) fn is_worth_it(&self) -> bool {
        self.faults > 0 && self.crashes > 0 && self.repeats > 0 && self.accepted > self.unknown * 4
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages accepted, {} of unknown outcome, {} received once, {} repeats dropped, \
             {} network faults, {} crashes, {} s simulated",
            self.accepted,
            self.unknown,
            self.received,
            self.repeats,
            self.faults,
            self.crashes,
            self.simulated.as_secs()
        )
    }
}
