//! What the app understands of a message's `extra` (section 4 of the protocol): priority and link.
//! Pure; reads what senders of other systems write as well.

use tidings_protocol::Message;

use crate::types::Priority;

/// Characters of a link at most: what browsers take for certain.
const LINK_CHARS: usize = 2000;

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
    match priority {
        Priority::Min => Some("min"),
        Priority::Low => Some("low"),
        Priority::Default => None,
        Priority::High => Some("high"),
        Priority::Urgent => Some("urgent"),
    }
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

/// `extra.click`, or `extra.scheme` of older senders; only what reads as a URL.
pub(crate) fn link(message: &Message) -> Option<String> {
    ["click", "scheme"]
        .iter()
        .filter_map(|key| message.extra_str(key))
        .map(str::trim)
        .find(|link| link.chars().count() <= LINK_CHARS && url::Url::parse(link).is_ok())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(extra: serde_json::Value) -> Message {
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
}
