//! What happened in a run, counted: a simulation in which nothing happens proves nothing.

use std::fmt;
use std::time::Duration;

use crate::fault::Fault;

/// What happened in a run, or in many.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Run {
    /// Every inbox, as it came to be: equal for equal runs.
    pub(crate) trace: String,
    pub(crate) network_faults: u64,
    pub(crate) crashes: u64,
    pub(crate) takeovers: u64,
    pub(crate) slow_readers: u64,
    pub(crate) full_disks: u64,
    pub(crate) clock_steps: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) received: u64,
    pub(crate) repeats: u64,
    pub(crate) expired: u64,
    pub(crate) receipts: u64,
    pub(crate) held: u64,
    pub(crate) superseded: u64,
    pub(crate) reminders: u64,
    pub(crate) cancelled: u64,
    /// Messages in the answers to SCHEDULED.
    pub(crate) shown: u64,
    /// Connections that ended while their client did not read.
    pub(crate) stalled: u64,
    pub(crate) simulated: Duration,
}

impl Run {
    pub(crate) fn count(&mut self, fault: &Fault) {
        let counter = match fault {
            Fault::Takeover { .. } => &mut self.takeovers,
            Fault::Doze(_) => &mut self.slow_readers,
            Fault::DiskFull => &mut self.full_disks,
            fault if fault.is_crash() => &mut self.crashes,
            _ => &mut self.network_faults,
        };
        *counter += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.network_faults += other.network_faults;
        self.crashes += other.crashes;
        self.takeovers += other.takeovers;
        self.slow_readers += other.slow_readers;
        self.full_disks += other.full_disks;
        self.clock_steps += other.clock_steps;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.received += other.received;
        self.repeats += other.repeats;
        self.expired += other.expired;
        self.receipts += other.receipts;
        self.held += other.held;
        self.superseded += other.superseded;
        self.reminders += other.reminders;
        self.cancelled += other.cancelled;
        self.shown += other.shown;
        self.stalled += other.stalled;
        self.simulated += other.simulated;
    }

    /// False where the world was so kind, or so bad, that something was not tried.
    pub(crate) fn is_worth_it(&self) -> bool {
        let tried = [
            self.network_faults,
            self.crashes,
            self.takeovers,
            self.slow_readers,
            self.full_disks,
            self.clock_steps,
            self.refused,
            self.repeats,
            self.expired,
            self.receipts,
            self.held,
            self.superseded,
            self.reminders,
            self.cancelled,
            self.shown,
            self.stalled,
        ];
        tried.iter().all(|count| *count > 0) && self.accepted > self.unknown * 2
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages accepted, {} refused, {} of unknown outcome; {} received once, {} repeats \
             dropped, {} expired, {} receipts, {} held, {} superseded, {} reminders, \
             {} cancelled, {} shown as held; {} network faults, {} crashes, {} takeovers, {} slow readers \
             ({} connections dropped), {} full disks, {} clock steps; {} s simulated",
            self.accepted,
            self.refused,
            self.unknown,
            self.received,
            self.repeats,
            self.expired,
            self.receipts,
            self.held,
            self.superseded,
            self.reminders,
            self.cancelled,
            self.shown,
            self.network_faults,
            self.crashes,
            self.takeovers,
            self.slow_readers,
            self.stalled,
            self.full_disks,
            self.clock_steps,
            self.simulated.as_secs()
        )
    }
}
