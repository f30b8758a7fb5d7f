//! The wall clock, for what people see; everything that waits uses tokio's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC).
pub(crate) fn now() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

/// The time of day a moment on the monotonic clock will have.
pub(crate) fn at(moment: std::time::Instant) -> u64 {
    let ahead = moment.saturating_duration_since(tokio::time::Instant::now().into_std());
    now().saturating_add(millis(ahead))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
