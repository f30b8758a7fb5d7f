//! What all of the run's tasks share: the address, the ledger, the clock, the relay's life, and how
//! far the run is.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::ledger::{At, Ledger, Life};

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Senders send, recipients misbehave.
    Load,
    /// Senders hold still for a moment.
    Quiet,
    /// Senders bring what is open to its end, recipients confirm all.
    Drain,
    /// Recipients stay and confirm all.
    Farewell,
    /// All tasks end.
    Over,
}

/// Before a connection that failed is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) struct World {
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) life: watch::Sender<Life>,
    ledger: Mutex<Ledger>,
    /// The process that dies of the next answer; 0: none.
    aim: AtomicI32,
    began: Instant,
    seed: u64,
}

impl World {
    pub(crate) fn new(port: u16, seed: u64) -> Self {
        Self {
            port,
            token: "torture-token-that-nobody-guesses".to_owned(),
            phase: watch::Sender::new(Phase::Load),
            life: watch::Sender::new(0),
            ledger: Mutex::default(),
            aim: AtomicI32::new(0),
            began: Instant::now(),
            seed,
        }
    }

    /// The ledger, for a moment.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A task that panicked ends the run by itself.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Microseconds since the beginning.
    pub(crate) fn now(&self) -> At {
        At::try_from(self.began.elapsed().as_micros()).unwrap_or(At::MAX)
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn life(&self) -> Life {
        *self.life.borrow()
    }

    /// The choices of one task: its own, so that those of others do not change them.
    pub(crate) fn rng(&self, role: &str, number: u64) -> fastrand::Rng {
        let role = role
            .bytes()
            .fold(0, |sum: u64, byte| sum * 31 + u64::from(byte));
        fastrand::Rng::with_seed(self.seed ^ (role << 32) ^ (number << 8))
    }

    /// The next answer that a sender gets is the death of this process. 0 takes that back; false if
    /// it was too late for that.
    pub(crate) fn aim(&self, process: i32) -> bool {
        self.aim.swap(process, Ordering::AcqRel) != 0
    }

    /// An answer came: where the relay is aimed at, it dies before the answer is even looked at. What
    /// was promised before it was durable is lost so.
    pub(crate) fn strike(&self) {
        let Some(process) = Pid::from_raw(self.aim.swap(0, Ordering::AcqRel)) else {
            return;
        };
        // It may have ended by itself; whoever waits for its end sees that.
        let _ = kill_process(process, Signal::KILL);
        self.ledger().killed();
    }

    /// Waits a moment after a connection that failed.
    pub(crate) async fn pause(&self) {
        sleep(PAUSE).await;
    }

    /// Waits until the senders may send; false when they are to come to an end.
    pub(crate) async fn may_send(&self) -> bool {
        let mut phase = self.phase.subscribe();
        let moved = phase.wait_for(|phase| *phase != Phase::Quiet).await;
        moved.is_ok_and(|phase| *phase == Phase::Load)
    }
}

/// A random time.
pub(crate) fn between(rng: &mut fastrand::Rng, from_ms: u64, to_ms: u64) -> Duration {
    Duration::from_millis(rng.u64(from_ms..=to_ms))
}
