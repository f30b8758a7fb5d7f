//! Action buttons in ntfy's notation: a JSON array, or `action, label, url, key=value; ..`.

use serde_json::{Map, Value};

use crate::http::body;

/// Buttons of one message, as that server has it; notifications have room for no more.
const AT_MOST: usize = 3;

/// Reads them; the error says what is wrong, as that server would.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, String> {
    let text = text.trim();
    let actions = if text.starts_with('[') {
        let Value::Array(list) = body::json(text.as_bytes()).map_err(|error| error.to_string())?
        else {
            return Err("write a list".to_owned());
        };
        let objects = list.into_iter().map(|action| match action {
            Value::Object(action) => Ok(action),
            _ => Err("each action is an object".to_owned()),
        });
        objects.collect::<Result<_, _>>()?
    } else {
        simple(text)?
    };
    check(actions)
}

/// Checks those that came as JSON.
pub(super) fn check(actions: Vec<Map<String, Value>>) -> Result<Vec<Value>, String> {
    if actions.len() > AT_MOST {
        return Err(format!("only {AT_MOST} actions allowed"));
    }
    actions.into_iter().map(checked).collect()
}

fn checked(mut action: Map<String, Value>) -> Result<Value, String> {
    let text = |action: &Map<String, Value>, key: &str| match action.get(key) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("parameter '{key}' is not text")),
    };
    let kind = text(&action, "action")?.to_lowercase();
    if !["view", "http", "broadcast", "copy"].contains(&kind.as_str()) {
        return Err(format!(
            "parameter 'action' cannot be '{}', valid values are 'view', 'broadcast', 'http' and 'copy'",
            kind.chars().take(40).collect::<String>()
        ));
    }
    if text(&action, "label")?.is_empty() {
        return Err("parameter 'label' is required".to_owned());
    }
    if ["view", "http"].contains(&kind.as_str()) && text(&action, "url")?.is_empty() {
        return Err(format!("parameter 'url' is required for action '{kind}'"));
    }
    action.insert("action".to_owned(), kind.into());
    if let Some(Value::String(method)) = action.get_mut("method") {
        *method = method.to_uppercase();
    }
    Ok(Value::Object(action))
}

/// The short notation.
fn simple(text: &str) -> Result<Vec<Map<String, Value>>, String> {
    let mut actions = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() {
        let mut action = Map::new();
        for section in 0.. {
            let (key, value, last, after) = one(rest)?;
            rest = after;
            insert(&mut action, section, key, value)?;
            if last {
                break;
            }
        }
        actions.push(action);
        // More than these are refused in any case.
        if actions.len() > AT_MOST {
            break;
        }
    }
    Ok(actions)
}

fn insert(
    action: &mut Map<String, Value>,
    section: usize,
    key: &str,
    value: String,
) -> Result<(), String> {
    let takes_url = action
        .get("action")
        .and_then(Value::as_str)
        .is_some_and(|kind| ["view", "http"].contains(&kind.to_lowercase().as_str()));
    let key = match (key, section) {
        ("", 0) => "action",
        ("", 1) => "label",
        ("", 2) if takes_url => "url",
        ("", _) => {
            return Err(format!(
                "term '{}' unknown",
                value.chars().take(40).collect::<String>()
            ));
        }
        (key, _) => key,
    };
    for nested in ["headers", "extras"] {
        if let Some(inner) = key
            .strip_prefix(nested)
            .and_then(|key| key.strip_prefix('.'))
        {
            let of = action.entry(nested).or_insert_with(|| Map::new().into());
            if let Value::Object(of) = of {
                of.insert(inner.to_owned(), value.into());
            }
            return Ok(());
        }
    }
    let key = key.to_lowercase();
    let value = match key.as_str() {
        "action" | "label" | "url" | "method" | "body" | "intent" | "value" => value.into(),
        "clear" => match value.to_lowercase().as_str() {
            "true" | "yes" | "1" => true.into(),
            "false" | "no" | "0" => false.into(),
            _ => return Err("parameter 'clear' is true or false".to_owned()),
        },
        _ => return Err(format!("key '{key}' unknown")),
    };
    action.insert(key, value);
    Ok(())
}

/// One `value`, `key=value` or `key="value"` up to `,`, `;` or the end: key, value, whether it was the
/// action's last, and what follows.
fn one(text: &str) -> Result<(&str, String, bool, &str), String> {
    let text = text.trim_start();
    let (key, text) = match text.split_once('=') {
        Some((key, value)) if is_key(key.trim_end()) => (key.trim_end(), value.trim_start()),
        _ => ("", text),
    };
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c));
    let Some(quote) = quote else {
        let end = text.find([',', ';']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let (last, rest) = ended(rest);
        return Ok((key, value.trim().to_owned(), last, rest));
    };
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && characters.next_if(|(_, next)| *next == quote).is_some() {
            value.push(quote);
        } else if character == quote {
            let rest = text
                .get(at + character.len_utf8()..)
                .unwrap_or_default()
                .trim_start();
            if !rest.is_empty() && !rest.starts_with([',', ';']) {
                return Err("unexpected text after a quoted value".to_owned());
            }
            let (last, rest) = ended(rest);
            return Ok((key, value, last, rest));
        } else {
            value.push(character);
        }
    }
    Err("unexpected end of input, a quote is not closed".to_owned())
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || ['-', '.', '_'].contains(&c))
}

/// Whether this ends the action, and what follows.
fn ended(rest: &str) -> (bool, &str) {
    match rest.strip_prefix(',') {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix(';').unwrap_or(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_notations_are_read() {
        let short = "view, Open portal, https://a.example/?x=1, clear=true; \
                     http, \"Turn, \\\"down\\\"\", url=https://b.example, method=put, \
                     headers.Auth=x, body='{\"a\": 1}'";
        let expected = json!([
            {"action": "view", "label": "Open portal", "url": "https://a.example/?x=1", "clear": true},
            {"action": "http", "label": "Turn, \"down\"", "url": "https://b.example",
             "method": "PUT", "headers": {"Auth": "x"}, "body": "{\"a\": 1}"},
        ]);
        assert_eq!(Value::from(parse(short).unwrap()), expected);
        assert_eq!(Value::from(parse(&expected.to_string()).unwrap()), expected);
        assert_eq!(parse("").unwrap(), [] as [Value; 0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            "dance, x",
            "view",
            "view, x",
            "view, , https://a",
            "view, x, https://a, what=1",
            "view, x, https://a, y",
            "view, \"x",
            "view, \"x\" y, https://a",
            "[",
            "[1]",
            "{}",
            "view, x, https://a, clear=maybe",
            ",,,",
            "=",
            "[{\"action\": 5}]",
            "view,a,b;view,a,b;view,a,b;view,a,b",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
