//! Texts of settings turned into values. Each error goes on after "x is" and says what to write.

use std::{str::FromStr, time::Duration};

use tidings_relay::{Dialect, IpNet};

/// The longest time that a setting takes: a day. It keeps sums of times within bounds.
const LONGEST: Duration = Duration::from_hours(24);

/// The longest time that messages are kept: a year.
const LONGEST_TTL: Duration = Duration::from_hours(365 * 24);

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.replace('_', "")
        .parse()
        .map_err(|_| "no whole number: write digits only".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(time)) if time <= LONGEST => Ok(time),
        Ok(Ok(_)) => Err(format!(
            "longer than a day ({} s): shorten it",
            LONGEST.as_secs()
        )),
        _ => Err("no number of seconds: write for example 2.5".to_owned()),
    }
}

pub(super) fn ttl(text: &str) -> Result<Duration, String> {
    match text.parse().map(Duration::from_secs) {
        Ok(time) if !time.is_zero() && time <= LONGEST_TTL => Ok(time),
        _ => Err(format!(
            "no whole number of seconds from 1 to {}: write for example 604800, a week",
            LONGEST_TTL.as_secs()
        )),
    }
}

pub(super) fn truth(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| "not known: write true or false".to_owned())
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<std::net::IpAddr>().map(IpNet::from);
    address
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| "no address and no network: write for example 10.0.0.0/8".to_owned())
}

/// Whom to write to, as RFC 8292 has it in a token's `sub`.
pub(super) fn contact(text: &str) -> Result<String, String> {
    let mail = text.strip_prefix("mailto:").filter(|mail| {
        let parts = mail.split_once('@');
        parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    });
    let page = text
        .strip_prefix("https://")
        .filter(|rest| !rest.is_empty());
    if mail.or(page).is_some() && !text.contains(|c: char| c.is_control() || c == ' ') {
        Ok(text.to_owned())
    } else {
        Err("no contact: write for example mailto:you@example.org".to_owned())
    }
}

/// One or several, separated by commas; `none` for nothing.
pub(super) fn dialects(text: &str) -> Result<Vec<Dialect>, String> {
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let known = Dialect::ALL.map(Dialect::name).join(", ");
    text.split(',')
        .map(|name| name.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| format!("not known: write some of {known}, or none"))
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let host = text.split_once("://").map(|(_, host)| host);
    match host {
        Some(host) if !host.is_empty() && !host.contains('/') => Ok(text.to_owned()),
        _ => Err("no origin: write it as the browser does, https://example.org".to_owned()),
    }
}
