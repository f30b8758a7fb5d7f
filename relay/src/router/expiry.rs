//! When messages are given up, or were held long enough: when to look next.
//!
//! Invariant: the clock that looks is woken by every message that is due before it would look.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::Router;
use crate::store::{Answer, Expired, StoreError};

/// The clock on the wall may be set: it is looked at this often at least, if anything waits or not.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// When the store is asked next.
#[derive(Debug)]
pub(crate) struct Expiry {
    /// Milliseconds since 1970.
    next_ms: AtomicU64,
    /// Rung when that is too late.
    pub(crate) sooner: Arc<Notify>,
}

impl Default for Expiry {
    fn default() -> Self {
        Self {
            next_ms: AtomicU64::new(u64::MAX),
            sooner: Arc::default(),
        }
    }
}

impl Expiry {
    /// Something is to be done with a message that goes to the store at this time.
    pub(super) fn accepted(&self, due_ms: u64) {
        if due_ms < self.next_ms.fetch_min(due_ms, Ordering::Relaxed) {
            self.sooner.notify_one();
        }
    }
}

impl Router {
    /// Asks the store to give up what is due.
    pub(crate) fn expire(&self) -> Answer<Expired> {
        // Until the answer is there, whatever is accepted rings.
        self.expiry.next_ms.store(u64::MAX, Ordering::Relaxed);
        self.store.expire(self.config.clock.now_ms())
    }

    /// What the store answered; how long to wait before it is asked again.
    pub(crate) fn expired(&self, answer: Result<Expired, StoreError>) -> Duration {
        let expired = match answer {
            Ok(expired) => expired,
            Err(error) => {
                tracing::warn!(%error, "cannot give up messages whose time is over");
                return LOOK_EVERY;
            }
        };
        if expired.given_up > 0 {
            self.metrics.expired.inc_by(expired.given_up);
            tracing::info!(
                count = expired.given_up,
                "messages were given up, as their time is over"
            );
        }
        let now_ms = self.config.clock.now_ms();
        let latest = now_ms.saturating_add(LOOK_EVERY.as_secs() * 1000);
        let next_ms = expired.next_ms.unwrap_or(latest).min(latest);
        let next_ms = self
            .expiry
            .next_ms
            .fetch_min(next_ms, Ordering::Relaxed)
            .min(next_ms);
        Duration::from_millis(next_ms.saturating_sub(now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_sooner_rings_once() {
        let expiry = Expiry::default();
        let rung = || futures_util::FutureExt::now_or_never(expiry.sooner.notified()).is_some();
        expiry.accepted(10);
        assert!(rung());
        expiry.accepted(10);
        expiry.accepted(11);
        assert!(!rung());
        expiry.accepted(9);
        assert!(rung());
    }
}
