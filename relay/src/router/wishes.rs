//! What a sender may say in `extra` of how its message is to be treated, whoever it is. Pure.
//!
//! Invariant: what is not understood counts as not said.

use std::time::Duration;

use serde_json::Value;
use tidings_protocol::limits;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::store::Ack;

/// The longest that a sender may ask for, of `ttl` and `delay`: a year.
const LONGEST: Duration = Duration::from_hours(365 * 24);
/// The shortest time between reminders: nearer ones would teach nobody but to switch them off.
const REPEAT_LEAST: Duration = Duration::from_secs(30);
/// The longest one.
const REPEAT_MOST: Duration = Duration::from_hours(24);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Until when it is held: milliseconds since 1970.
    pub(crate) due_ms: Option<u64>,
    /// When it is given up: milliseconds since 1970.
    pub(crate) expires_ms: u64,
    /// What it takes the place of.
    pub(crate) key: Option<String>,
    /// How it is to be acknowledged.
    pub(crate) ack: Option<Ack>,
}

impl Wishes {
    /// Those of a message that is accepted at `now_ms`, which is given up after `ttl` if it says nothing.
    pub(crate) fn of(extra: &Value, ttl: Duration, now_ms: u64) -> Self {
        let due_ms = due_ms(extra, now_ms);
        let ttl = seconds(extra.get("ttl")).unwrap_or(ttl).min(LONGEST);
        Self {
            due_ms,
            expires_ms: due_ms.unwrap_or(now_ms).saturating_add(millis(ttl)),
            key: key(extra),
            ack: ack(extra),
        }
    }
}

fn due_ms(extra: &Value, now_ms: u64) -> Option<u64> {
    let said = extra.get("delay");
    let due_ms = match (seconds(said), said) {
        (Some(delay), _) => now_ms.saturating_add(millis(delay)),
        (None, Some(Value::String(text))) => {
            let time = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?;
            u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()?
        }
        (None, _) => return None,
    };
    let due_ms = due_ms.min(now_ms.saturating_add(millis(LONGEST)));
    (due_ms > now_ms).then_some(due_ms)
}

fn key(extra: &Value) -> Option<String> {
    let key = extra.get("key")?.as_str()?;
    (!key.is_empty() && key.len() <= limits::KEY_BYTES).then(|| key.to_owned())
}

fn ack(extra: &Value) -> Option<Ack> {
    let first = match extra.get("ack")? {
        Value::Bool(true) => false,
        Value::String(text) if text == "true" => false,
        Value::String(text) if text == "first" => true,
        _ => return None,
    };
    let repeat = seconds(extra.get("repeat"));
    let repeat = repeat.map(|repeat| repeat.clamp(REPEAT_LEAST, REPEAT_MOST));
    let repeat_ms = repeat.map(millis);
    Some(Ack { first, repeat_ms })
}

/// A time in seconds, as a number or as the text that HTTP's parameters are.
fn seconds(said: Option<&Value>) -> Option<Duration> {
    let secs = match said? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let secs = secs.filter(|secs: &f64| *secs > 0.0)?;
    Some(Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)).filter(|_| secs.is_finite())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TTL: Duration = Duration::from_secs(1000);
    /// 2026-11-23T06:07:35Z.
    const NOW: u64 = 1_795_414_055_000;

    fn wishes(extra: Value) -> Wishes {
        Wishes::of(&extra, TTL, NOW)
    }

    #[test]
    fn a_ttl_is_seconds_as_number_or_text_within_a_year() {
        let after = |ttl: Value| wishes(json!({ "ttl": ttl })).expires_ms - NOW;
        assert_eq!(after(json!(60)), 60_000);
        assert_eq!(after(json!("60")), 60_000);
        assert_eq!(after(json!(0.5)), 500);
        assert_eq!(after(json!(1e12)), millis(LONGEST));
        assert_eq!(after(json!(1e300)), millis(LONGEST));
        for odd in [
            json!(0),
            json!(-1),
            json!("soon"),
            json!("NaN"),
            json!("inf"),
            json!([1]),
            json!(null),
        ] {
            assert_eq!(after(odd.clone()), 1_000_000, "{odd}");
        }
        assert_eq!(wishes(json!([])).expires_ms, NOW + 1_000_000);
        let last = Wishes::of(&json!({"ttl": 1}), TTL, u64::MAX);
        assert_eq!(last.expires_ms, u64::MAX);
    }

    #[test]
    fn a_delay_is_seconds_or_a_time_to_come() {
        let after = |delay: Value| wishes(json!({ "delay": delay })).due_ms.map(|at| at - NOW);
        assert_eq!(after(json!(90)), Some(90_000));
        assert_eq!(after(json!("90")), Some(90_000));
        assert_eq!(after(json!("2026-11-23T06:08:35Z")), Some(60_000));
        assert_eq!(after(json!("2026-11-23T08:08:35.5+02:00")), Some(60_500));
        assert_eq!(after(json!(1e300)), Some(millis(LONGEST)));
        assert_eq!(after(json!("9999-01-01T00:00:00Z")), Some(millis(LONGEST)));
        for none in [
            json!("2026-11-23T06:07:35Z"),
            json!("1999-01-01T00:00:00Z"),
            json!("0001-01-01T00:00:00Z"),
            json!("tomorrow"),
            json!("-5"),
            json!(0),
            json!(0.0001),
            json!(null),
            json!({}),
        ] {
            assert_eq!(after(none.clone()), None, "{none}");
        }
        // The time to live begins with the delivery.
        let both = wishes(json!({"delay": 10, "ttl": 5}));
        assert_eq!(both.expires_ms, NOW + 15_000);
    }

    #[test]
    fn keys_and_acknowledgements_are_read_leniently() {
        let key = |key: Value| wishes(json!({ "key": key })).key;
        assert_eq!(key(json!("k")).as_deref(), Some("k"));
        for none in [json!(""), json!(7), json!("x".repeat(257))] {
            assert_eq!(key(none), None);
        }
        let ack = |ack: Value, repeat: Value| {
            let ack = wishes(json!({"ack": ack, "repeat": repeat})).ack?;
            Some((ack.first, ack.repeat_ms))
        };
        assert_eq!(ack(json!(true), json!(null)), Some((false, None)));
        assert_eq!(ack(json!("true"), json!("60")), Some((false, Some(60_000))));
        assert_eq!(ack(json!("first"), json!(1)), Some((true, Some(30_000))));
        assert_eq!(
            ack(json!(true), json!(1e9)),
            Some((false, Some(86_400_000)))
        );
        for none in [json!(false), json!("yes"), json!(1), json!(null)] {
            assert_eq!(ack(none, json!(60)), None);
        }
    }
}
