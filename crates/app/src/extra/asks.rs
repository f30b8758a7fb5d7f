//! What a message asks of whom it comes to, and what it answers: `extra.ack` and `extra.reply`. Pure.

use serde_json::Value;
use tidings_protocol::Mid;

use crate::types::Ask;

/// `extra.ack`: whether somebody is to acknowledge the message. To one client, the first is each.
pub(crate) fn ask(extra: &Value, group: bool) -> Ask {
    match extra.get("ack") {
        Some(Value::Bool(true)) => Ask::Each,
        Some(Value::String(word)) => match word.trim() {
            "first" if group => Ask::First,
            "true" | "first" => Ask::Each,
            _ => Ask::Nobody,
        },
        _ => Ask::Nobody,
    }
}

/// `extra.reply`: which message of the same relay it answers.
pub(crate) fn reply(extra: &Value) -> Option<Mid> {
    Mid::new(extra.get("reply")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_acknowledgement_is_asked_for_in_three_ways() {
        for (extra, to_one, to_many) in [
            (json!({"ack": true}), Ask::Each, Ask::Each),
            (json!({"ack": "true"}), Ask::Each, Ask::Each),
            (json!({"ack": "first"}), Ask::Each, Ask::First),
            (json!({"ack": false}), Ask::Nobody, Ask::Nobody),
            (json!({"ack": "later"}), Ask::Nobody, Ask::Nobody),
            (json!({"ack": 1}), Ask::Nobody, Ask::Nobody),
            (json!(null), Ask::Nobody, Ask::Nobody),
        ] {
            assert_eq!(
                (ask(&extra, false), ask(&extra, true)),
                (to_one, to_many),
                "{extra}"
            );
        }
    }

    #[test]
    fn a_reply_names_a_message() {
        let named = |extra| reply(&extra).map(|mid| mid.to_string());
        assert_eq!(
            named(json!({"reply": "1795414000000"})).unwrap(),
            "1795414000000"
        );
        for none in [
            json!({}),
            json!({"reply": ""}),
            json!({"reply": 7}),
            json!({"reply": {}}),
        ] {
            assert_eq!(named(none.clone()), None, "{none}");
        }
    }
}
