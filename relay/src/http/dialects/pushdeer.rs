//! `/message/push` of a PushDeer server: `pushkey`, `text`, `desp` and `type`, by query or form.

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};

use super::{Flat, Said, Sent, To, put};
use crate::http::{
    answer::{self, Refused},
    asked::Asked,
    body::{self, BadRequest, Content},
};

/// The pushkey, which is a token of ours.
pub(super) fn key(asked: &Asked) -> Option<String> {
    // A body that cannot be read is refused later, once somebody has shown a token.
    asked.query_field("pushkey").or_else(|| {
        let fields = fields(asked).ok()?;
        fields.get("pushkey")?.as_str().map(str::to_owned)
    })
}

fn fields(asked: &Asked) -> Result<Map<String, Value>, BadRequest> {
    let query = body::query(&asked.query)?;
    let query = query.into_iter().map(|(k, v)| (k, Value::String(v)));
    let mut fields: Map<String, Value> = query.collect();
    match asked.content()? {
        Content::Fields(body) => fields.extend(body),
        Content::Nothing => {}
        Content::Text { .. } => return Err(BadRequest::Object),
    }
    Ok(fields)
}

pub(super) fn read(asked: &Asked) -> Result<Said, BadRequest> {
    let fields = fields(asked)?;
    let text = |name| super::text_field(&fields, name).map(Option::unwrap_or_default);
    let (title, body, kind) = (text("text")?, text("desp")?, text("type")?);
    if title.is_empty() && body.is_empty() {
        return Err(BadRequest::Missing("text", "PushDeer's messages have one"));
    }
    let mut flat = Flat {
        to: To::Holder,
        wait: asked.query_field("wait"),
        ..Flat::default()
    };
    if kind == "image" {
        put(&mut flat.extra, "image", title);
    } else {
        flat.title = title;
    }
    flat.body = body;
    if kind == "markdown" {
        put(&mut flat.extra, "markdown", true);
    }
    Ok(Said {
        flat,
        echo: Map::new(),
    })
}

pub(super) fn answer(sent: &Sent<'_>) -> Response {
    // The inner text is JSON too, as that server has it.
    let result = json!({"counter": 1, "logs": [sent.mid], "success": "ok"}).to_string();
    let text = json!({"code": 0, "content": {"result": [result]}});
    answer::json(StatusCode::OK, text.to_string())
}

pub(super) fn refusal(refused: &Refused) -> Value {
    /// That server's code for a wrong argument, and for a wrong key.
    const ARGUMENTS: u32 = 80501;
    const AUTHORISATION: u32 = 80403;
    let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    let code = if denied.contains(&refused.status()) {
        AUTHORISATION
    } else {
        ARGUMENTS
    };
    json!({"code": code, "error": refused.words()})
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

    #[test]
    fn text_and_desp_come_by_query_or_form() {
        let by_query = Asked::of("GET", "pushkey=k&text=T&desp=D&type=markdown", &[], b"");
        let by_form = Asked::of("POST", "", &FORM, b"pushkey=k&text=T&desp=D&type=markdown");
        for asked in [by_query, by_form] {
            assert_eq!(key(&asked).as_deref(), Some("k"));
            let Said { flat, .. } = read(&asked).unwrap();
            assert_eq!((flat.title.as_str(), flat.body.as_str()), ("T", "D"));
            assert_eq!(Value::Object(flat.extra), json!({"markdown": true}));
        }
        let picture = Asked::of("GET", "text=https://a.example/i.png&type=image", &[], b"");
        let Said { flat, .. } = read(&picture).unwrap();
        assert_eq!(
            Value::Object(flat.extra),
            json!({"image": "https://a.example/i.png"})
        );
        assert!(read(&Asked::of("GET", "pushkey=k", &[], b"")).is_err());
        assert!(read(&Asked::of("GET", "text=%ff", &[], b"")).is_err());
    }
}
