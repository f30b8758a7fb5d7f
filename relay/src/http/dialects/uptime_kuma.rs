//! What Uptime Kuma's webhook sends: `{heartbeat, monitor, msg}`, as JSON, as a form with all of it
//! in a field `data`, or by GET with JSON in the fields.

use serde_json::{Map, Value};

use super::{put, web_link};
use crate::http::body;

/// Heartbeats of this status are of a monitor that is down.
const DOWN: i64 = 0;
/// And of these, of one that is up, being tried again, or in maintenance.
const UP: i64 = 1;
const PENDING: i64 = 2;
const MAINTENANCE: i64 = 3;

/// Rewrites its fields to those of a flat message; false if they are not Uptime Kuma's.
pub(super) fn rewrite(fields: &mut Map<String, Value>) -> bool {
    if let Some(inner) = wrapped(fields) {
        *fields = inner;
    }
    if !fields.contains_key("msg") || fields.keys().any(|key| key == "text" || key == "desp") {
        return false;
    }
    // Both are null in a test notification.
    let (Some(heartbeat), Some(monitor)) = (object(fields, "heartbeat"), object(fields, "monitor"))
    else {
        return false;
    };
    let name = monitor
        .as_ref()
        .and_then(|monitor| monitor.get("name"))
        .and_then(Value::as_str)
        .unwrap_or("Uptime Kuma");
    let status = heartbeat
        .as_ref()
        .and_then(|heartbeat| heartbeat.get("status"))
        .and_then(Value::as_i64);
    let title = match status {
        Some(DOWN) => format!("{name} is down"),
        Some(UP) => format!("{name} is up"),
        Some(PENDING) => format!("{name} does not answer"),
        Some(MAINTENANCE) => format!("{name} is in maintenance"),
        _ => name.to_owned(),
    };
    let link = monitor
        .as_ref()
        .and_then(|monitor| monitor.get("url"))
        .and_then(Value::as_str)
        .and_then(web_link)
        // What it puts into the field of monitors that have none.
        .filter(|link| !["https://", "http://"].contains(link))
        .map(str::to_owned);
    let mut put_new = |key: &str, value: Value| {
        if !fields.contains_key(key) {
            put(fields, key, value);
        }
    };
    put_new("title", title.into());
    put_new("click", link.into());
    if status == Some(DOWN) {
        put_new("priority", 4.into());
    }
    true
}

/// The whole in one field, as its form has it.
fn wrapped(fields: &Map<String, Value>) -> Option<Map<String, Value>> {
    let data = fields.get("data")?.as_str()?;
    match body::json(data.as_bytes()) {
        Ok(Value::Object(inner)) if inner.contains_key("msg") && inner.contains_key("monitor") => {
            Some(inner)
        }
        _ => None,
    }
}

/// An object in a field, or in a field's text; `None` within if it is null, and none at all if it is
/// something else.
fn object(fields: &Map<String, Value>, key: &str) -> Option<Option<Map<String, Value>>> {
    match fields.get(key)? {
        Value::Null => Some(None),
        Value::Object(object) => Some(Some(object.clone())),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Some(Some(object)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rewritten(fields: Value) -> Option<Value> {
        let Value::Object(mut fields) = fields else {
            panic!("{fields}")
        };
        rewrite(&mut fields).then_some(Value::Object(fields))
    }

    #[test]
    fn a_monitor_that_is_down_is_a_message_that_says_so() {
        let monitor = json!({"name": "Shop", "url": "https://shop.example/"});
        let heartbeat = json!({"status": 0, "msg": "timeout"});
        let whole = json!({"heartbeat": heartbeat, "monitor": monitor, "msg": "[Shop] down"});
        let by_get = json!({
            "heartbeat": heartbeat.to_string(), "monitor": monitor.to_string(), "msg": "[Shop] down",
        });
        for fields in [whole.clone(), json!({"data": whole.to_string()}), by_get] {
            let fields = rewritten(fields).unwrap();
            assert_eq!(fields["title"], "Shop is down");
            assert_eq!(fields["msg"], "[Shop] down");
            assert_eq!(fields["click"], "https://shop.example/");
            assert_eq!(fields["priority"], 4);
        }
        let test = rewritten(json!({"heartbeat": null, "monitor": null, "msg": "Testing"}));
        assert_eq!(test.unwrap()["title"], "Uptime Kuma");
    }

    #[test]
    fn others_are_left_as_they_are() {
        for other in [
            json!({"msg": "m"}),
            json!({"msg": "m", "monitor": 5, "heartbeat": null}),
            json!({"msg": "m", "monitor": null, "heartbeat": null, "text": "t"}),
            json!({"data": "{\"msg\": 1}"}),
        ] {
            assert_eq!(rewritten(other.clone()), None, "{other}");
        }
    }
}
