//! When a message is meant to be delivered, in ntfy's words. Times of day and days by name are not
//! understood: they would need the sender's time zone.

use serde_json::Value;

use super::super::rfc3339;
use crate::http::body::BadRequest;

/// When the message is meant to be delivered: seconds from now, or a time of RFC 3339, as section 4
/// has it.
pub(super) fn parse(text: &str) -> Result<Option<Value>, BadRequest> {
    /// Larger numbers are times of Unix, smaller ones no delay that anybody would ask for.
    const UNIX_TIMES: u64 = 1_000_000_000;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        BadRequest::Other(
            "invalid delay parameter: unable to parse delay; write 30m, 2 hours, 1 day, or a time \
             in seconds since 1970"
                .to_owned(),
        )
    };
    if let Ok(seconds) = text.parse::<u64>() {
        let time = seconds.checked_mul(1000).map(rfc3339).unwrap_or_default();
        let is_time = seconds >= UNIX_TIMES && !time.is_empty();
        return is_time.then(|| Some(time.into())).ok_or_else(wrong);
    }
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = unit.trim_start();
        let letters = unit.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = unit.split_at(letters.unwrap_or(unit.len()));
        let unit = match unit.to_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 60 * 60,
            "d" | "day" | "days" => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        let more = number.checked_mul(unit).ok_or_else(wrong)?;
        seconds = seconds.checked_add(more).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    Ok(Some(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn delays_are_seconds_or_times() {
        for (text, expected) in [
            ("90", None),
            ("90s", Some(json!(90))),
            ("1h 30 min", Some(json!(5400))),
            ("2 days", Some(json!(172_800))),
            ("1795414055", Some(json!("2026-11-23T06:07:35Z"))),
            ("tomorrow, 10am", None),
            ("99999999999999999999d", None),
            ("9999999999999999d", None),
            ("18446744073709551615", None),
        ] {
            assert_eq!(parse(text).ok().flatten(), expected, "{text}");
        }
    }
}
