//! What the app understands of a message's `extra` (section 4 of the protocol). Pure; reads what
//! senders of ntfy and gotify write as well.
//!
//! Owns the names of the fields, their bounds, and what is left out: a field that is not understood
//! is as one that is missing. What is offered to be done with a message is put together in
//! [`offers`]; what a sender may only offer after the person agreed is decided there too.
//!
//! Only what lists, filters and counts need (priority, link, tags, key, expiry, what is asked and answered) is kept beside the
//! row; the rest is read from the stored `extra` whenever it is needed, so that old messages gain by
//! what a later version understands.

mod asks;
mod code;
mod offers;

pub(crate) use asks::{ask, reply};
pub(crate) use offers::{Said, offers};

use crate::types::Deed;

use serde_json::Value;
use tidings_protocol::{Message, limits};

use crate::text;
use crate::types::{Failure, Priority};
use crate::words::Wrong;

/// Characters of a link at most: what browsers take for certain.
const LINK_CHARS: usize = 2000;

/// Tags of one message at most, and characters of one: more than a row can show.
const TAGS: usize = 10;
const TAG_CHARS: usize = 40;

/// Characters of a key at most. A longer one is none: cut, it could meet another one.
pub(crate) const KEY_CHARS: usize = 200;

/// Seconds a message may live at most: ten years, far from any overflow.
pub(crate) const TTL_SECONDS: u64 = 10 * 365 * 24 * 60 * 60;

/// Characters of the name of a sound or an icon.
const NAME_CHARS: usize = 64;

/// Headers and body of a request that a stored `extra` offers.
pub(crate) fn said(extra: &str, call: &Deed) -> Said {
    offers::said(&serde_json::from_str(extra).unwrap_or_default(), call)
}

/// The number of section 4: 1 to 5.
pub(crate) fn number(priority: Priority) -> i64 {
    match priority {
        Priority::Min => 1,
        Priority::Low => 2,
        Priority::Default => 3,
        Priority::High => 4,
        Priority::Urgent => 5,
    }
}

/// The word senders use, where it is worth sending: none for the default.
pub(crate) fn word(priority: Priority) -> Option<&'static str> {
    (priority != Priority::Default).then(|| priority.as_str())
}

/// Numbers above 5 come from systems whose scale ends at 10, and mean it is urgent.
pub(crate) fn from_number(number: i64) -> Priority {
    match number {
        ..=1 => Priority::Min,
        2 => Priority::Low,
        3 => Priority::Default,
        4 => Priority::High,
        5.. => Priority::Urgent,
    }
}

/// `extra.priority`; the default where it is missing or not understood.
pub(crate) fn priority(message: &Message) -> Priority {
    let Some(value) = message.extra.get("priority") else {
        return Priority::Default;
    };
    if let Some(number) = value.as_i64() {
        return from_number(number);
    }
    if let Some(number) = value.as_f64() {
        // Saturates; `extra` is the sender's, and may hold anything.
        #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
        return from_number(number as i64);
    }
    let word = value.as_str().unwrap_or_default().trim();
    match word.to_ascii_lowercase().as_str() {
        "min" => Priority::Min,
        "low" => Priority::Low,
        "high" => Priority::High,
        "urgent" | "max" | "emergency" => Priority::Urgent,
        other => other.parse().map_or(Priority::Default, from_number),
    }
}

/// `extra.click`, `extra.scheme` of older senders, or what gotify calls it; only what reads as a URL.
pub(crate) fn link(message: &Message) -> Option<String> {
    let extra = &message.extra;
    let gotify = foreign(extra, "client::notification")
        .and_then(|notification| notification.pointer("/click/url"));
    [extra.get("click"), extra.get("scheme"), gotify]
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find_map(url)
}

/// `extra.tags`: a list, or words with commas between them. Cleaned, each once, in their order.
pub(crate) fn tags(extra: &Value) -> Vec<String> {
    let words: Vec<&str> = match extra.get("tags") {
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(tags)) => tags.split(',').collect(),
        _ => Vec::new(),
    };
    let mut kept = Vec::new();
    for word in words {
        let tag = text::short(word, TAG_CHARS);
        if !tag.is_empty() && !kept.contains(&tag) {
            kept.push(tag);
        }
        if kept.len() == TAGS {
            break;
        }
    }
    kept
}

/// Tags of a message that is written here, which is to say what a receiver of ours would keep of them: each
/// once, without blanks around them.
///
/// # Errors
/// [`Failure::Invalid`] where they are too many or too long, or hold a comma, which parts tags.
pub(crate) fn own_tags(written: &[String]) -> Result<Vec<String>, Failure> {
    let mut tags: Vec<String> = Vec::new();
    for tag in written.iter().map(|tag| tag.trim()) {
        if tag.chars().count() > TAG_CHARS || tag.contains(',') {
            return Err(Failure::Invalid(Wrong::Tag(TAG_CHARS).into()));
        }
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    if tags.len() > TAGS {
        return Err(Failure::Invalid(Wrong::Tags(TAGS).into()));
    }
    Ok(tags)
}

/// Whether a text can be a key, or is none at all: short enough for relays and receivers.
pub(crate) fn is_key(key: &str) -> bool {
    key.chars().count() <= KEY_CHARS && key.len() <= limits::KEY_BYTES
}

/// `extra.key`: a later message with it replaces this one. Numbers count as what they look like.
pub(crate) fn key(extra: &Value) -> Option<String> {
    let key = match extra.get("key")? {
        Value::String(key) => key.trim().to_owned(),
        Value::Number(key) => key.to_string(),
        _ => return None,
    };
    (!key.is_empty() && key.chars().count() <= KEY_CHARS).then_some(key)
}

/// `extra.ttl` in milliseconds: after that long, nobody needs to be told any more.
pub(crate) fn ttl(extra: &Value) -> Option<u64> {
    let ttl = extra.get("ttl")?;
    let seconds = match ttl {
        Value::String(ttl) => ttl.trim().parse().ok()?,
        ttl => ttl.as_u64()?,
    };
    (seconds > 0).then(|| seconds.min(TTL_SECONDS) * 1000)
}

/// `extra.sound`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Sound {
    /// As fits the priority.
    #[default]
    Fitting,
    /// None.
    Silent,
    /// Of that name in the desktop's theme.
    Named(String),
}

/// `extra.sound`: a name of the freedesktop.org sound naming specification, or one of the words for
/// none. Names of other systems' sounds are as good as none given.
pub(crate) fn sound(extra: &Value) -> Sound {
    match extra.get("sound") {
        Some(Value::Bool(false)) => Sound::Silent,
        Some(Value::String(word)) => match word.trim().to_ascii_lowercase().as_str() {
            "none" | "silent" | "off" | "false" | "0" => Sound::Silent,
            name => theme_name(name).map_or(Sound::Fitting, Sound::Named),
        },
        _ => Sound::Fitting,
    }
}

/// `extra.icon` where it names one of the desktop's own. An address is not fetched for it.
pub(crate) fn icon(extra: &Value) -> Option<String> {
    theme_name(extra.get("icon")?.as_str()?)
}

/// `extra.image` (or gotify's): a picture on the web, offered as a link.
pub(crate) fn image(extra: &Value) -> Option<String> {
    let gotify = foreign(extra, "client::notification").and_then(|n| n.get("bigImageUrl"));
    [extra.get("image"), gotify]
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find_map(url)
        .filter(|url| url.starts_with("http"))
}

/// Whether the body is Markdown: by custom it is, unless its sender says otherwise.
pub(crate) fn markdown(extra: &Value) -> bool {
    let gotify = foreign(extra, "client::display").and_then(|display| display.get("contentType"));
    if gotify.is_some_and(|kind| kind == "text/plain") {
        return false;
    }
    match extra.get("markdown") {
        Some(Value::Bool(markdown)) => *markdown,
        Some(Value::String(word)) => !matches!(
            word.trim().to_ascii_lowercase().as_str(),
            "no" | "false" | "0" | "off"
        ),
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        _ => true,
    }
}

/// What gotify's senders put into `extras`, which comes as it is or beside the other fields.
fn foreign<'a>(extra: &'a Value, name: &str) -> Option<&'a Value> {
    extra
        .get(name)
        .or_else(|| extra.get("extras").and_then(|extras| extras.get(name)))
}

/// What reads as a URL and is not too long.
fn url(link: &str) -> Option<String> {
    let link = link.trim();
    (link.len() <= 4 * LINK_CHARS
        && link.chars().count() <= LINK_CHARS
        && url::Url::parse(link).is_ok())
    .then(|| link.to_owned())
}

/// A name as themes have them; never a path or an address.
fn theme_name(name: &str) -> Option<String> {
    let name = name.trim();
    let themed = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let known = name.contains('-') || name == "bell" || name == "message";
    (themed && known && name.len() <= NAME_CHARS).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(extra: Value) -> Message {
        Message {
            extra,
            ..Message::default()
        }
    }

    #[test]
    fn priorities_are_read_in_every_custom() {
        for (extra, expected) in [
            (json!({}), Priority::Default),
            (json!(null), Priority::Default),
            (json!([1]), Priority::Default),
            (json!({"priority": 1}), Priority::Min),
            (json!({"priority": 0}), Priority::Min),
            (json!({"priority": -7}), Priority::Min),
            (json!({"priority": 2}), Priority::Low),
            (json!({"priority": 4.9}), Priority::High),
            (json!({"priority": 1e300}), Priority::Urgent),
            (json!({"priority": 10}), Priority::Urgent),
            (json!({"priority": "5"}), Priority::Urgent),
            (json!({"priority": " High "}), Priority::High),
            (json!({"priority": "low"}), Priority::Low),
            (json!({"priority": "loud"}), Priority::Default),
            (json!({"priority": {"a": 1}}), Priority::Default),
        ] {
            assert_eq!(priority(&with(extra.clone())), expected, "{extra}");
        }
    }

    #[test]
    fn a_link_is_a_url_and_click_comes_first() {
        let found = |extra| link(&with(extra));
        assert_eq!(
            found(json!({"scheme": "app://x", "click": "https://a.example/"})).unwrap(),
            "https://a.example/"
        );
        assert_eq!(found(json!({"scheme": "app://x"})).unwrap(), "app://x");
        assert_eq!(found(json!({"click": "not a link"})), None);
        assert_eq!(found(json!({"click": ""})), None);
        assert_eq!(
            found(json!({"click": format!("https://a/{}", "x".repeat(3000))})),
            None
        );
    }

    #[test]
    fn gotify_senders_are_understood() {
        let extra = json!({"client::notification": {
            "click": {"url": "https://e.example/"}, "bigImageUrl": "https://e.example/x.png"
        }, "client::display": {"contentType": "text/plain"}});
        assert_eq!(link(&with(extra.clone())).unwrap(), "https://e.example/");
        assert_eq!(image(&extra).unwrap(), "https://e.example/x.png");
        assert!(!markdown(&extra));
        let nested = json!({"extras": extra});
        assert_eq!(link(&with(nested)).unwrap(), "https://e.example/");
    }

    #[test]
    fn tags_are_a_list_or_words_and_are_cleaned() {
        for (extra, expected) in [
            (
                json!({"tags": ["warning", " disk ", "warning", 7, ""]}),
                vec!["warning", "disk"],
            ),
            (json!({"tags": "warning, disk,,"}), vec!["warning", "disk"]),
            (json!({"tags": "a\u{202e}b"}), vec!["ab"]),
            (json!({"tags": {"a": 1}}), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(tags(&extra), expected, "{extra}");
        }
        let many: Vec<String> = (0..100).map(|n| "x".repeat(99) + &n.to_string()).collect();
        let kept = tags(&json!({"tags": many}));
        assert_eq!(kept.len(), 1, "cut, they are all the same");
        assert_eq!(kept[0].chars().count(), TAG_CHARS);
    }

    #[test]
    fn keys_and_lives_are_read_as_people_write_them() {
        assert_eq!(key(&json!({"key": " build "})).unwrap(), "build");
        assert_eq!(key(&json!({"key": 7})).unwrap(), "7");
        for none in [
            json!({}),
            json!({"key": ""}),
            json!({"key": "x".repeat(201)}),
        ] {
            assert_eq!(key(&none), None, "{none}");
        }
        assert_eq!(ttl(&json!({"ttl": 60})), Some(60_000));
        assert_eq!(ttl(&json!({"ttl": "60"})), Some(60_000));
        assert_eq!(ttl(&json!({"ttl": u64::MAX})), Some(TTL_SECONDS * 1000));
        for none in [
            json!({}),
            json!({"ttl": 0}),
            json!({"ttl": -1}),
            json!({"ttl": "soon"}),
        ] {
            assert_eq!(ttl(&none), None, "{none}");
        }
    }

    #[test]
    fn sounds_and_icons_are_names_of_themes_and_nothing_else() {
        for (extra, expected) in [
            (json!({}), Sound::Fitting),
            (json!({"sound": "none"}), Sound::Silent),
            (json!({"sound": false}), Sound::Silent),
            (
                json!({"sound": "alarm-clock-elapsed"}),
                Sound::Named("alarm-clock-elapsed".into()),
            ),
            (json!({"sound": "minuet.aiff"}), Sound::Fitting),
            (json!({"sound": "/etc/passwd"}), Sound::Fitting),
            (json!({"sound": {"name": "x"}}), Sound::Fitting),
        ] {
            assert_eq!(sound(&extra), expected, "{extra}");
        }
        assert_eq!(
            icon(&json!({"icon": "dialog-warning"})).unwrap(),
            "dialog-warning"
        );
        for none in [
            "https://e.example/i.png",
            "../x-y",
            "file:///x-y",
            "x-y.png",
        ] {
            assert_eq!(icon(&json!({"icon": none})), None, "{none}");
        }
    }

    #[test]
    fn a_body_is_markdown_unless_it_is_said_not_to_be() {
        for (extra, expected) in [
            (json!({}), true),
            (json!({"markdown": true}), true),
            (json!({"markdown": "yes"}), true),
            (json!({"markdown": false}), false),
            (json!({"markdown": "no"}), false),
            (json!({"markdown": 0}), false),
        ] {
            assert_eq!(markdown(&extra), expected, "{extra}");
        }
    }
}
