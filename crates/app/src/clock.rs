//! The wall clock, for what people see and for their hours; everything that waits uses tokio's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::ZonedDateTime;

use crate::quiet::Local;

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

/// Now, by the calendar and the clock of this computer. Its time zone is read again now and then, so
/// that a traveller's quiet hours travel along.
pub(crate) fn local() -> Local {
    let now = ZonedDateTime::now();
    Local {
        wall: u64::try_from(now.timestamp().as_millisecond()).unwrap_or_default(),
        day: u8::try_from(now.weekday().to_monday_one_offset()).unwrap_or(1),
        minute: u16::try_from(i32::from(now.hour()) * 60 + i32::from(now.minute()))
            .unwrap_or_default(),
        second: u8::try_from(now.second()).unwrap_or_default(),
    }
}

/// Tomorrow at that hour by the computer's clock, in milliseconds since 1970; in a day where the
/// calendar does not say.
pub(crate) fn tomorrow(hour: i8) -> u64 {
    let then = ZonedDateTime::now().tomorrow().and_then(|day| {
        day.with()
            .hour(hour)
            .minute(0)
            .second(0)
            .subsec_nanosecond(0)
            .build()
    });
    match then {
        Ok(then) => u64::try_from(then.timestamp().as_millisecond()).unwrap_or_default(),
        Err(_) => now().saturating_add(24 * 60 * 60 * 1000),
    }
}
