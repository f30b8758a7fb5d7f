//! What `tidings send` is told, and how people write times.

use clap::{Args, ValueEnum};
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use tidings_control::{Ask, Recipient, RelayId};

use super::{Direct, Urgency};

/// Send a message
///
/// With one word that is to whom; with more, the last one is the text: tidings send ann bob @office 'Cake'.
#[derive(Debug, Args)]
#[command(override_usage = "tidings send [OPTIONS] <NAME|@GROUP>... [TEXT|-]")]
pub(crate) struct Send {
    /// Clients' names or @GROUPs, and last the message, where there is more than one word; - reads it from
    /// standard input. Without --title its first line is the title
    #[arg(value_name = "NAME|@GROUP> <TEXT|-", required = true)]
    pub(crate) words: Vec<String>,
    /// The title
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// How much it matters
    #[arg(long, default_value = "default")]
    pub(crate) priority: Urgency,
    /// A link that opens when the message is clicked
    #[arg(long, default_value = "")]
    pub(crate) link: String,
    /// A word to sort it by; more than once for several
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Give it up where it was not delivered after so long: seconds, or 30m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) ttl: Option<u64>,
    /// Deliver it at that time: 14:30 (the next one), 2026-11-25 14:30, or one of RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) at: Option<u64>,
    /// Deliver it after so long: seconds, or 30m, 2h, 1d
    #[arg(long = "in", value_name = "TIME", value_parser = seconds, conflicts_with = "at")]
    pub(crate) after: Option<u64>,
    /// Ask for an acknowledgement, of each recipient or of the first one of a group
    #[arg(long, value_name = "WHO", num_args = 0..=1, default_missing_value = "each", require_equals = true)]
    pub(crate) ack: Option<Asked>,
    /// Remind of it until it is acknowledged, every so often: seconds, or 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = seconds, requires = "ack")]
    pub(crate) repeat: Option<u64>,
    /// Take the place of an earlier message of the same key
    #[arg(long, default_value = "")]
    pub(crate) key: String,
    /// By which relay, by its id (see `tidings status --json`); by the first one unless told otherwise
    #[arg(long, value_name = "ID", conflicts_with = "relay")]
    pub(crate) by: Option<RelayId>,
    /// Wait until all have it (ok) or have acknowledged it (ack); or at most so many seconds to learn what
    /// became of it, 0 not at all
    #[arg(long, value_name = "ok|ack|SECONDS", default_value = "10", value_parser = wait)]
    pub(crate) wait: Wait,
    /// With --wait ok or ack, wait at most so long: seconds, or 30m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) within: Option<u64>,
    /// Print what became of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) direct: Direct,
}

/// Who is to acknowledge a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Asked {
    Each,
    First,
}

impl From<Asked> for Ask {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Each => Self::Each,
            Asked::First => Self::First,
        }
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The relay's word, for so many seconds.
    Seconds(u64),
    /// That all have it.
    Delivered,
    /// That it is acknowledged.
    Acknowledged,
}

fn wait(word: &str) -> Result<Wait, String> {
    match word {
        "ok" => Ok(Wait::Delivered),
        "ack" => Ok(Wait::Acknowledged),
        seconds => seconds
            .parse()
            .map(Wait::Seconds)
            .map_err(|_| "write ok, ack, or a number of seconds".to_owned()),
    }
}

/// To whom a message goes, as people write it.
pub(crate) fn recipient(word: &str) -> Result<Recipient, String> {
    match word.strip_prefix('@') {
        Some("") => Err("a group's name must follow the @".to_owned()),
        None if word.is_empty() => Err("to whom? Give a client's name, or @GROUP".to_owned()),
        Some(group) => Ok(Recipient::Group(group.to_owned())),
        None => Ok(Recipient::Person(word.to_owned())),
    }
}

/// A span of time as people write it, in seconds.
fn seconds(word: &str) -> Result<u64, String> {
    let expected = || "write a number of seconds, or 30m, 2h, 1d".to_owned();
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| expected())?;
    let unit: u64 = match word.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 60 * 60,
        Some("d") => 24 * 60 * 60,
        _ => return Err(expected()),
    };
    number.checked_mul(unit).ok_or_else(expected)
}

/// A moment as people write it, in milliseconds since 1970.
fn moment(word: &str) -> Result<u64, String> {
    moment_after(word, &ZonedDateTime::now())
}

fn moment_after(word: &str, now: &ZonedDateTime) -> Result<u64, String> {
    let expected = || "write 14:30, 2026-11-25 14:30, or 2026-11-25T14:30:00Z".to_owned();
    let zone: &TimeZone = now.time_zone();
    let at = if let Ok(at) = word.parse::<Timestamp>() {
        at
    } else if word.contains('-') {
        let at: civil::DateTime = word.parse().map_err(|_| expected())?;
        let at = at.to_zoned_datetime(zone.clone());
        at.map_err(|_| expected())?.timestamp()
    } else {
        let at: civil::Time = word.parse().map_err(|_| expected())?;
        let today = now.date().to_datetime(at).to_zoned_datetime(zone.clone());
        let today = today.map_err(|_| expected())?;
        let next = if today <= *now {
            today.checked_add(1.day())
        } else {
            Ok(today)
        };
        next.map_err(|_| expected())?.timestamp()
    };
    u64::try_from(at.as_millisecond()).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_people_or_groups() {
        assert_eq!(recipient("ann"), Ok(Recipient::Person("ann".into())));
        assert_eq!(recipient("@office"), Ok(Recipient::Group("office".into())));
        assert!(recipient("@").is_err());
        assert!(recipient("").is_err());
    }

    #[test]
    fn spans_are_written_as_people_say_them() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("30m"), Ok(1800));
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("1d"), Ok(86_400));
        for wrong in ["", "h", "-1", "1w", "1.5h", "99999999999999999999", "1 h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_by_the_clock_of_the_computer() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now: civil::DateTime = "2026-11-24 15:00".parse().unwrap();
        let now = now.to_zoned_datetime(zone).unwrap();
        let at = |word: &str| moment_after(word, &now);
        let utc = |text: &str| {
            let at: Timestamp = text.parse().unwrap();
            Ok(u64::try_from(at.as_millisecond()).unwrap())
        };
        assert_eq!(at("15:30"), utc("2026-11-24T13:30:00Z"));
        assert_eq!(at("14:30"), utc("2026-11-25T12:30:00Z"));
        assert_eq!(at("2026-12-01 08:00"), utc("2026-12-01T06:00:00Z"));
        assert_eq!(at("2026-12-01T08:00"), utc("2026-12-01T06:00:00Z"));
        assert_eq!(at("2026-12-01T08:00:00Z"), utc("2026-12-01T08:00:00Z"));
        for wrong in ["", "soon", "25:00", "2026-13-01 08:00"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_waited_for_is_a_word_or_seconds() {
        assert_eq!(wait("ok"), Ok(Wait::Delivered));
        assert_eq!(wait("ack"), Ok(Wait::Acknowledged));
        assert_eq!(wait("0"), Ok(Wait::Seconds(0)));
        assert!(wait("read").is_err());
    }
}
