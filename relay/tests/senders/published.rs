//! What gotify and ntfy publish of their answers, as checks. See fixtures/README.md for the sources.

use serde_json::Value;

use crate::house::fixture;

/// Checks a value against a definition of gotify's swagger description.
pub(crate) fn gotify(definition: &str, value: &Value) {
    let spec: Value = serde_json::from_str(&fixture("gotify-spec.json")).unwrap();
    let schema = &spec["definitions"][definition];
    assert!(schema.is_object(), "no {definition}");
    conforms(&spec, schema, value, definition);
}

/// The part of JSON Schema that these definitions use; what is not defined is not allowed.
fn conforms(spec: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = spec.pointer(reference.trim_start_matches('#')).unwrap();
        return conforms(spec, schema, value, at);
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("integer") => value.is_i64(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        other => panic!("{at}: the type {other:?} is not known to this check"),
    };
    assert!(right, "{at} is not of type {}: {value}", schema["type"]);
    if schema["format"] == "date-time" {
        let text = value.as_str().unwrap();
        let bytes = text.as_bytes();
        let dated = bytes.len() >= 20 && bytes[10] == b'T' && bytes[4] == b'-';
        assert!(dated && text.ends_with('Z'), "{at} is no time: {text}");
    }
    let Some(object) = value.as_object() else {
        return;
    };
    for required in schema["required"].as_array().into_iter().flatten() {
        let required = required.as_str().unwrap();
        assert!(
            object.contains_key(required),
            "{at} lacks {required}: {value}"
        );
    }
    for (key, value) in object {
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) => panic!("{at} has {key}, which is not defined"),
            (Value::Null, _) => {}
            (schema, _) => conforms(spec, schema, value, &format!("{at}.{key}")),
        }
    }
}

/// Checks a message against the table of ntfy's documentation.
pub(crate) fn ntfy(message: &Value) {
    let text = fixture("ntfy-message-format.md");
    let table = |name: &str| -> Vec<(String, bool, String)> {
        let start = text.find(name).unwrap();
        text[start..]
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .skip(2)
            .map(|line| {
                let cells: Vec<_> = line.split('|').map(str::trim).collect();
                let field = cells[1].trim_matches('`').to_owned();
                // In brackets where it depends.
                (field, cells[2].starts_with('✔'), cells[3].to_owned())
            })
            .collect()
    };
    let described = table("**Message**");
    assert!(described.len() > 10, "{described:?}");
    check(&described, message);
    if let Some(attachment) = message.get("attachment") {
        check(&table("**Attachment**"), attachment);
    }
}

/// Fields that the server's own answers have and that table leaves out.
const UNDOCUMENTED: [&str; 2] = ["icon", "content_type"];

fn check(described: &[(String, bool, String)], value: &Value) {
    for (field, required, kind) in described {
        let Some(value) = value.get(field) else {
            assert!(!required, "{field} is missing: {value}");
            continue;
        };
        let text = value.as_str();
        let right = match kind.as_str() {
            "*number*" => value.is_u64(),
            "*string*" | "*mime type*" => text.is_some(),
            "*string array*" => {
                let texts = value
                    .as_array()
                    .map(|list| list.iter().all(Value::is_string));
                texts.unwrap_or(false)
            }
            "*1, 2, 3, 4, or 5*" => value.as_u64().is_some_and(|n| (1..=5).contains(&n)),
            "*URL*" => text.is_some_and(|url| url.contains("://")),
            "*JSON array*" => value.is_array(),
            "*JSON object*" => value.is_object(),
            kind if kind.contains("`message`") => text == Some("message"),
            other => panic!("{field}: the type {other} is not known to this check"),
        };
        assert!(right, "{field} is not {kind}: {value}");
    }
    for key in value.as_object().unwrap().keys() {
        let known = described.iter().any(|(field, ..)| field == key);
        assert!(
            known || UNDOCUMENTED.contains(&key.as_str()),
            "{key} is not described"
        );
    }
}
