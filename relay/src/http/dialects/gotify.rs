//! `POST /message` of a gotify server, as its swagger description has it (version 2.1.0).
//!
//! Priorities go from 0 to 10 there. The steps are those at which gotify's own clients change what
//! they do: 0 is shown to nobody, from 1 on there is an icon, from 4 on a sound, from 8 on more;
//! ours (section 4) are 1 to 5: 0 is 1, 1 to 3 are 2, 4 to 7 are 3, 8 and 9 are 4, 10 is 5.

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};

use super::{Flat, Said, Sent, To, put, rfc3339, text_field};
use crate::http::{
    answer::{self, Refused},
    asked::Asked,
    body::{self, BadRequest, Content},
};

/// The version of gotify's interface that this speaks: its clients look at it.
const API_VERSION: &str = "2.1.0";

/// `GET /version`.
pub(in crate::http) fn version() -> Response {
    let text = json!({
        "version": API_VERSION,
        "commit": concat!("tidings-relay/", env!("CARGO_PKG_VERSION")),
        "buildDate": "",
    });
    answer::json(StatusCode::OK, text.to_string())
}

pub(super) fn read(asked: &Asked) -> Result<Said, BadRequest> {
    let fields: Map<String, Value> = match asked.content()? {
        Content::Fields(fields) => fields.into_iter().collect(),
        Content::Nothing | Content::Text { .. } => return Err(BadRequest::Object),
    };
    let message = text_field(&fields, "message")?
        .filter(|message| !message.is_empty())
        .ok_or(BadRequest::Missing("message", "gotify's messages have one"))?;
    let title = text_field(&fields, "title")?.unwrap_or_default();
    let priority = priority(&fields)?;
    let extras = match fields.get("extras") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(extras)) => extras.clone(),
        // In a form it can only be text.
        Some(Value::String(text)) => match body::json(text.as_bytes()) {
            Ok(Value::Object(extras)) => extras,
            Err(BadRequest::Deep) => return Err(BadRequest::Deep),
            _ => return Err(BadRequest::Type("extras", "write a JSON object")),
        },
        Some(_) => return Err(BadRequest::Type("extras", "write a JSON object")),
    };

    let mut extra = Map::new();
    put(&mut extra, "priority", priority.map(ours));
    understood(&mut extra, &extras);
    let mut echo = Map::new();
    put(&mut echo, "title", title.as_str());
    put(&mut echo, "message", message.as_str());
    put(&mut echo, "priority", priority);
    put(&mut echo, "extras", extras);
    let flat = Flat {
        title,
        body: message,
        extra,
        to: To::Holder,
        wait: asked.query_field("wait"),
    };
    Ok(Said { flat, echo })
}

fn priority(fields: &Map<String, Value>) -> Result<Option<i64>, BadRequest> {
    let number = match fields.get("priority") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_i64(),
    };
    number.map(Some).ok_or(BadRequest::Type(
        "priority",
        "write a whole number from 0 to 10",
    ))
}

fn ours(priority: i64) -> i64 {
    match priority {
        ..=0 => 1,
        1..=3 => 2,
        4..=7 => 3,
        8..=9 => 4,
        10.. => 5,
    }
}

/// What gotify's own clients understand of `extras`; the rest stays as it is, as `extra.extras`.
fn understood(extra: &mut Map<String, Value>, extras: &Map<String, Value>) {
    let at = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(extras.get(*first)?, |value, key| value.get(key))
    };
    let text = |path: &[&str]| at(path).and_then(Value::as_str).unwrap_or_default();
    if text(&["client::display", "contentType"]) == "text/markdown" {
        put(extra, "markdown", true);
    }
    let click = text(&["client::notification", "click", "url"]);
    let opened = text(&["android::action", "onReceive", "intentUrl"]);
    put(
        extra,
        "click",
        if click.is_empty() { opened } else { click },
    );
    put(
        extra,
        "image",
        text(&["client::notification", "bigImageUrl"]),
    );
    let known = ["client::display", "client::notification", "android::action"];
    let rest = extras
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()));
    let rest: Map<_, _> = rest.map(|(k, v)| (k.clone(), v.clone())).collect();
    put(extra, "extras", rest);
}

pub(super) fn answer(mut echo: Map<String, Value>, sent: &Sent<'_>) -> Response {
    // Integers there; a mid is one, and a token's time of making is as good as an application's id.
    let id: u64 = sent.mid.as_str().parse().unwrap_or(sent.at_ms);
    let application = sent.access.token().map_or(0, |token| token.created_ms);
    echo.insert("id".to_owned(), id.into());
    echo.insert("appid".to_owned(), application.into());
    echo.insert("date".to_owned(), rfc3339(sent.at_ms).into());
    answer::json(StatusCode::OK, Value::Object(echo).to_string())
}

pub(super) fn refusal(refused: &Refused) -> Value {
    let status = refused.status();
    json!({
        "error": status.canonical_reason().unwrap_or("Error"),
        "errorCode": status.as_u16(),
        "errorDescription": refused.words(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &Value) -> Result<Said, BadRequest> {
        let headers = [("content-type", "application/json")];
        read(&Asked::of(
            "POST",
            "",
            &headers,
            body.to_string().as_bytes(),
        ))
    }

    #[test]
    fn extras_become_link_picture_and_markdown() {
        let said = said(&json!({
            "title": "T", "message": "M", "priority": 8, "extras": {
                "client::display": {"contentType": "text/markdown"},
                "client::notification": {
                    "click": {"url": "https://a.example/"}, "bigImageUrl": "https://a.example/i.png",
                },
                "home::light": {"on": true},
            },
        }))
        .unwrap();
        let extra = json!({
            "priority": 4, "markdown": true, "click": "https://a.example/",
            "image": "https://a.example/i.png", "extras": {"home::light": {"on": true}},
        });
        assert_eq!(Value::Object(said.flat.extra), extra);
        assert_eq!(
            (said.flat.title.as_str(), said.flat.body.as_str()),
            ("T", "M")
        );
        assert_eq!(said.flat.to, To::Holder);
        assert_eq!(said.echo["priority"], 8);
    }

    #[test]
    fn priorities_are_those_at_which_clients_change() {
        let all: Vec<_> = (-1..=11).map(ours).collect();
        assert_eq!(all, [1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5]);
    }

    #[test]
    fn wrong_types_are_refused() {
        for wrong in [
            json!({}),
            json!({"message": ""}),
            json!({"message": 5}),
            json!({"message": "m", "title": []}),
            json!({"message": "m", "priority": "high"}),
            json!({"message": "m", "priority": 1.5}),
            json!({"message": "m", "extras": []}),
            json!({"message": "m", "extras": "x"}),
            json!({"message": "m", "extras": format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100))}),
            json!([]),
        ] {
            assert!(said(&wrong).is_err(), "{wrong}");
        }
        let odd = json!({"message": "m", "extras": {"client::notification": 5}});
        assert!(said(&odd).is_ok());
    }
}
