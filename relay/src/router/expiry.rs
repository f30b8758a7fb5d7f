//! When messages are given up: what a sender may say about it, and when to look next.
//!
//! Invariant: the clock that looks is woken by every message that is due before it would look.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Notify;

use super::Router;
use crate::store::{Answer, Expired, StoreError};

/// The longest that a sender may ask for: a year.
const LONGEST_SECS: u64 = 365 * 24 * 60 * 60;
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
    /// A message that goes to the store is due at this time.
    pub(super) fn accepted(&self, expires_ms: u64) {
        if expires_ms < self.next_ms.fetch_min(expires_ms, Ordering::Relaxed) {
            self.sooner.notify_one();
        }
    }
}

impl Router {
    /// How long a message of this `extra` is kept, in milliseconds.
    pub(crate) fn lifetime_ms(&self, extra: &serde_json::Map<String, Value>, at_ms: u64) -> u64 {
        let extra = Value::Object(extra.clone());
        expires_ms(&extra, self.config.timing.ttl, at_ms).saturating_sub(at_ms)
    }

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

/// When a message is given up that is accepted at `now_ms`: after its `ttl`, in seconds, as a number
/// or as the text that HTTP's parameters are; else after `default`. Anything else is not understood,
/// and so counts as nothing said.
pub(super) fn expires_ms(extra: &Value, default: Duration, now_ms: u64) -> u64 {
    let said = match extra.get("ttl") {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let secs = said
        .filter(|secs| *secs > 0.0)
        .and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    let ttl = secs.unwrap_or(default);
    let ttl = ttl.min(Duration::from_secs(LONGEST_SECS)).as_millis();
    now_ms.saturating_add(u64::try_from(ttl).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ttl_is_seconds_as_number_or_text_within_a_year() {
        const DEFAULT: Duration = Duration::from_secs(1000);
        let after = |ttl: Value| expires_ms(&json!({ "ttl": ttl }), DEFAULT, 5) - 5;
        assert_eq!(after(json!(60)), 60_000);
        assert_eq!(after(json!("60")), 60_000);
        assert_eq!(after(json!(0.5)), 500);
        assert_eq!(after(json!(1e12)), LONGEST_SECS * 1000);
        for odd in [
            json!(0),
            json!(-1),
            json!("soon"),
            json!("NaN"),
            json!([1]),
            json!(null),
        ] {
            assert_eq!(after(odd.clone()), 1_000_000, "{odd}");
        }
        assert_eq!(expires_ms(&json!([]), DEFAULT, 5), 1_000_005);
        assert_eq!(expires_ms(&json!({"ttl": 1}), DEFAULT, u64::MAX), u64::MAX);
    }

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
