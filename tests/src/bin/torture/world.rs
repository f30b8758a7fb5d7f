//! What all of the run's tasks share: the address, the ledger, the clock, the relay's life, and how
//! far the run is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
