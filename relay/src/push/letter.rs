//! What of a message is handed to a push service: the packet, shortened where it has to be, and how
//! the service should treat it (RFC 8030). Pure.
//!
//! Invariants: a letter's body is a whole MESSAGE packet, never longer than its length allows; what
//! was cut out is said to be.

use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::store::{Subscription, ToPush};

/// Bytes of a packet that every service takes: all guarantee 4096 of ciphertext, but Mozilla's way to
/// Android takes 2744, encryption and its head being 103 of them.
const WHOLE_BYTES: usize = 2560;

/// Bytes after a service said that this was too much.
const SHORT_BYTES: usize = 1024;

/// The longest that services keep a letter: Mozilla's bound.
const TTL_MAX: Duration = Duration::from_hours(30 * 24);

/// Stands where the rest of a body was.
const CUT_BODY: &str = "… (shortened: open to read all of it)";
/// Stands where the rest of a title was.
const CUT_TITLE: &str = "…";

/// Fields of `extra` that stay when the others do not fit: what a tap opens, and how loud it is.
const KEPT_EXTRA: [&str; 3] = ["scheme", "click", "priority"];
/// Each of them only up to this.
const KEPT_BYTES: usize = 256;

/// A letter for a push service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where to.
    pub subscription: Subscription,
    /// The MESSAGE packet, not encrypted yet.
    pub body: String,
    /// How long the service should keep trying.
    pub ttl: Duration,
    /// How much it matters.
    pub urgency: Urgency,
    /// A later letter of the same topic replaces this one, if the browser did not get it yet: 32
    /// letters and digits.
    pub topic: Option<String>,
}

/// How much a letter matters: whether a sleeping phone is woken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// When on power and Wi-Fi.
    VeryLow,
    /// When on power or Wi-Fi.
    Low,
    /// When neither.
    Normal,
    /// With a low battery too.
    High,
}

impl Urgency {
    /// The header's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// Of `extra.priority`. Without one it is high: so the reference does, iOS shows nothing less at
    /// once, and these are alerts.
    fn of(priority: Option<&Value>) -> Self {
        let text = match priority {
            Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Self::High,
        };
        match text.as_str() {
            "1" | "min" => Self::VeryLow,
            "2" | "low" => Self::Low,
            "3" | "default" => Self::Normal,
            _ => Self::High,
        }
    }
}

/// How much of a message goes into a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As much as every service should take.
    Whole,
    /// Less, as one did not.
    Short,
}

/// The letter that brings a message; `None` if it cannot be made short enough, or any shorter.
pub(crate) fn letter(message: ToPush, length: Length, now_ms: u64) -> Option<Letter> {
    let cap = match length {
        Length::Whole => WHOLE_BYTES,
        Length::Short => SHORT_BYTES,
    };
    let text = message.frame.as_str();
    // A service that found it too large would find it so again.
    if length == Length::Short && text.len() <= cap {
        return None;
    }
    let mut packet: Value = serde_json::from_str(text).ok()?;
    let extra = packet.pointer("/data/message/extra");
    let urgency = Urgency::of(extra.and_then(|extra| extra.get("priority")));
    let topic = topic(&packet);
    let body = if text.len() <= cap {
        text.to_owned()
    } else {
        shorten(&mut packet, cap)?
    };
    let left = Duration::from_millis(message.expires_ms.saturating_sub(now_ms));
    Some(Letter {
        subscription: message.subscription,
        body,
        ttl: left.min(TTL_MAX),
        urgency,
        topic,
    })
}

/// The topic of a message with an `extra.key`. Two senders may use the same key for things of their
/// own, so it is made of both; hexadecimal, as Mozilla takes letters and digits only.
fn topic(packet: &Value) -> Option<String> {
    let key = packet.pointer("/data/message/extra/key")?.as_str()?;
    if key.is_empty() {
        return None;
    }
    let sender = packet.pointer("/data/from/name").and_then(Value::as_str);
    let mut hash = Sha256::new();
    for part in [sender.unwrap_or_default(), key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    Some(digest.iter().take(16).map(|b| format!("{b:02x}")).collect())
}

/// Cuts the body, then the title, then what else the sender said, until it fits.
fn shorten(packet: &mut Value, cap: usize) -> Option<String> {
    let body = cut(packet, "desp", CUT_BODY, cap);
    if body.is_some() {
        return body;
    }
    let title = packet.pointer("/data/message/text")?.clone();
    let with_part_of_it = cut(packet, "text", CUT_TITLE, cap);
    if with_part_of_it.is_some() {
        return with_part_of_it;
    }
    *packet.pointer_mut("/data/message/text")? = title;
    let extra = packet.pointer_mut("/data/message/extra")?;
    let mut kept = Map::new();
    for name in KEPT_EXTRA {
        if let Some(value) = extra.get(name)
            && value.to_string().len() <= KEPT_BYTES
        {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    *extra = kept.into();
    cut(packet, "text", CUT_TITLE, cap)
}

/// Cuts a field of the message so that the packet fits, and leaves `mark` where it was cut; `None` if
/// it does not fit even without the field, in whose place then stands the mark alone.
fn cut(packet: &mut Value, field: &str, mark: &str, cap: usize) -> Option<String> {
    let value = packet.pointer_mut("/data/message")?.get_mut(field)?;
    let whole = value.as_str().unwrap_or_default().to_owned();
    // Nothing is gained by a mark in place of less than it.
    if whole.len() <= mark.len() {
        let text = packet.to_string();
        return (text.len() <= cap).then_some(text);
    }
    *value = mark.into();
    let room = cap.checked_sub(packet.to_string().len())?;
    let mut used = 0;
    let kept = whole.char_indices().find_map(|(at, c)| {
        used += escaped(c);
        (used > room).then_some(at)
    });
    let start = whole.get(..kept.unwrap_or(whole.len()))?;
    if let Some(value) = packet.pointer_mut("/data/message")?.get_mut(field) {
        let mark = if start.len() < whole.len() { mark } else { "" };
        *value = format!("{start}{mark}").into();
    }
    let text = packet.to_string();
    (text.len() <= cap).then_some(text)
}

/// Bytes of a character in JSON.
fn escaped(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{frame::Frame, mint::MidNumber, store::Position};

    fn packet(text: &str, desp: &str, extra: Value) -> Value {
        json!({"cmd": "MESSAGE", "data": {
            "sendType": "personal", "target": "r1",
            "from": {"method": "websocket", "name": "s1"},
            "message": {"text": text, "desp": desp, "extra": extra},
            "mid": "1795414055651",
        }})
    }

    fn letter_of(packet: &Value, length: Length) -> Option<Letter> {
        let message = ToPush {
            subscription: Subscription {
                endpoint: "https://push.example/".to_owned(),
                p256dh: [4; 65],
                auth: [0; 16],
                by: String::new(),
            },
            position: Position::new(1_795_414_055_651),
            mid: MidNumber::new(1_795_414_055_651).unwrap(),
            frame: Frame::stored(packet.to_string()),
            expires_ms: 2_000_000,
        };
        letter(message, length, 1_000_000)
    }

    fn message(letter: &Letter) -> Value {
        let packet: Value = serde_json::from_str(&letter.body).unwrap();
        assert_eq!(packet["data"]["mid"], "1795414055651");
        packet["data"]["message"].clone()
    }

    #[test]
    fn what_fits_goes_as_it_is() {
        let packet = packet("a", "b", json!({"x": [1, 2]}));
        let letter = letter_of(&packet, Length::Whole).unwrap();
        assert_eq!(letter.body, packet.to_string());
        assert_eq!(letter.ttl, Duration::from_secs(1000));
        assert_eq!((letter.urgency, letter.topic), (Urgency::High, None));
    }

    #[test]
    fn the_body_is_cut_first_then_the_title_then_the_rest() {
        let long = "ä\n\u{1}\"".repeat(2000);
        let short = "s".repeat(100);
        for (length, cap) in [(Length::Whole, WHOLE_BYTES), (Length::Short, SHORT_BYTES)] {
            let cut = |text: &str, desp: &str, extra: Value| {
                let letter = letter_of(&packet(text, desp, extra), length).unwrap();
                assert!(letter.body.len() <= cap, "{}", letter.body.len());
                (message(&letter), letter.body.len())
            };
            let (body, size) = cut("title", &long, json!({"x": 1}));
            let desp = body["desp"].as_str().unwrap();
            let start = desp.strip_suffix(CUT_BODY).unwrap();
            assert!(long.starts_with(start) && size > cap - 12, "{size}");
            assert_eq!(
                (&body["text"], &body["extra"]),
                (&"title".into(), &json!({"x": 1}))
            );

            let (body, _) = cut(&long, &long, json!({"x": 1}));
            let text = body["text"].as_str().unwrap();
            assert!(long.starts_with(text.strip_suffix(CUT_TITLE).unwrap()));
            assert_eq!(
                (&body["desp"], &body["extra"]),
                (&CUT_BODY.into(), &json!({"x": 1}))
            );

            let extra = json!({"x": long, "click": "https://a", "scheme": long, "priority": 2});
            let (body, _) = cut(&short, "", extra);
            assert_eq!(body["extra"], json!({"click": "https://a", "priority": 2}));
            assert_eq!(body["text"], short);
        }
        let small = packet("a", "b", json!({}));
        assert_eq!(letter_of(&small, Length::Short), None);
        let mut odd = packet("a", "", json!({}));
        odd["data"]["target"] = "x".repeat(SHORT_BYTES).into();
        assert!(letter_of(&odd, Length::Whole).is_some());
        assert_eq!(letter_of(&odd, Length::Short), None);
    }

    #[test]
    fn urgency_follows_the_priority() {
        let urgency = |priority: Value| {
            let packet = packet("a", "", json!({ "priority": priority }));
            letter_of(&packet, Length::Whole).unwrap().urgency.as_str()
        };
        for (priority, expected) in [
            (json!(1), "very-low"),
            (json!("min"), "very-low"),
            (json!("2"), "low"),
            (json!("Low"), "low"),
            (json!(3), "normal"),
            (json!("default"), "normal"),
            (json!(4), "high"),
            (json!("urgent"), "high"),
            (json!(null), "high"),
            (json!([1]), "high"),
        ] {
            assert_eq!(urgency(priority.clone()), expected, "{priority}");
        }
    }

    #[test]
    fn a_topic_is_of_one_sender_and_one_key() {
        let topic = |sender: &str, key: Value| {
            let mut packet = packet("a", "", json!({ "key": key }));
            packet["data"]["from"]["name"] = sender.into();
            letter_of(&packet, Length::Whole).unwrap().topic
        };
        let first = topic("s1", json!("build")).unwrap();
        assert!(first.len() == 32 && first.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(topic("s1", json!("build")), Some(first.clone()));
        assert_ne!(topic("s2", json!("build")), Some(first.clone()));
        assert_ne!(topic("s1", json!("x".repeat(1000))), Some(first));
        for none in [json!(""), json!(5), json!(null)] {
            assert_eq!(topic("s1", none), None);
        }
    }

    #[test]
    fn services_are_asked_to_keep_it_for_30_days_at_most() {
        let mut message = ToPush {
            subscription: letter_of(&packet("a", "", json!({})), Length::Whole)
                .unwrap()
                .subscription,
            position: Position::START,
            mid: MidNumber::new(1_795_414_055_651).unwrap(),
            frame: Frame::stored(packet("a", "", json!({})).to_string()),
            expires_ms: u64::MAX,
        };
        let ttl = |message: &ToPush| letter(message.clone(), Length::Whole, 5).unwrap().ttl;
        assert_eq!(ttl(&message), TTL_MAX);
        message.expires_ms = 0;
        assert_eq!(ttl(&message), Duration::ZERO);
    }
}
