//! What a request says: the path's target, and flat fields turned into a message. Pure.
//!
//! Invariants: paths are percent-decoded and the last suffix decides; `token` and `wait` are never
//! part of the message.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tidings_protocol::{Group, InvalidId, Message, Name, Target};

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `/NAME.send` or `/GROUP.group`.
    Send(Target),
    /// `/`: packets.
    Packets,
    /// Anything else.
    Elsewhere,
}

/// What is wrong with what a request says. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadRequest {
    #[error("the path is not UTF-8 once its % escapes are decoded: escape names as UTF-8")]
    Path,
    #[error("the path names nobody: write /NAME.send or /GROUP.group")]
    Nobody,
    #[error("the path names nobody that could exist: {0}")]
    Target(#[from] InvalidId),
    #[error("the body is no form and no JSON object: send one, with its Content-Type")]
    Body,
    #[error("Unsupported Content Type: {0}: send application/json or a form")]
    ContentType(String),
}

impl From<BadRequest> for String {
    fn from(error: BadRequest) -> Self {
        error.to_string()
    }
}

pub(super) fn place(path: &str) -> Result<Place, BadRequest> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| BadRequest::Path)?;
    let target = if let Some(name) = decoded.strip_suffix(".send") {
        some(name)?;
        Target::Personal(Name::new(name)?)
    } else if let Some(group) = decoded.strip_suffix(".group") {
        some(group)?;
        Target::Group(Group::new(group)?)
    } else if decoded.is_empty() {
        return Ok(Place::Packets);
    } else {
        return Ok(Place::Elsewhere);
    };
    Ok(Place::Send(target))
}

fn some(target: &str) -> Result<(), BadRequest> {
    if target.is_empty() {
        return Err(BadRequest::Nobody);
    }
    Ok(())
}

/// The fields of a flat request.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) token: Option<String>,
    pub(super) wait: Option<String>,
    /// All others, in the order in which they came.
    message: Map<String, Value>,
}

impl Fields {
    pub(super) fn of_query(query: &str) -> Self {
        let mut fields = Self::default();
        fields.add_form(query.as_bytes());
        fields
    }

    fn add_form(&mut self, form: &[u8]) {
        for (key, value) in url::form_urlencoded::parse(form) {
            match key.as_ref() {
                "token" => self.token = Some(value.into_owned()),
                "wait" => self.wait = Some(value.into_owned()),
                _ => self.add(key.into_owned(), Value::String(value.into_owned())),
            }
        }
    }

    /// Adds a field; what comes more than once becomes a list, as the reference has it.
    fn add(&mut self, key: String, value: Value) {
        match self.message.get_mut(&key) {
            None => {
                self.message.insert(key, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }

    /// Adds the fields of a body.
    pub(super) fn add_body(&mut self, content_type: &str, body: &[u8]) -> Result<(), BadRequest> {
        let begins_an_object = body.trim_ascii_start().first() == Some(&b'{');
        match content_type {
            _ if body.trim_ascii().is_empty() => Ok(()),
            "application/json" => self.add_json(body),
            // `curl -d '{..}'` calls everything a form.
            "application/x-www-form-urlencoded" | "" if begins_an_object => self.add_json(body),
            "application/x-www-form-urlencoded" | "" => {
                self.add_form(body);
                Ok(())
            }
            other => Err(BadRequest::ContentType(other.to_owned())),
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), BadRequest> {
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(BadRequest::Body);
        };
        for (key, value) in object {
            match key.as_str() {
                "token" => {}
                "wait" => self.wait = Some(text(&value)),
                // The fields of `extra`, or the field itself if it holds none.
                "extra" => match value {
                    Value::Object(extra) => self.message.extend(extra),
                    other => self.add(key, other),
                },
                _ => self.add(key, value),
            }
        }
        Ok(())
    }

    /// The message: `text`, `desp`, and everything else in `extra`.
    pub(super) fn into_message(mut self) -> Message {
        let mut take = |key: &str| {
            self.message
                .shift_remove(key)
                .as_ref()
                .map(text)
                .unwrap_or_default()
        };
        let (title, body) = (take("text"), take("desp"));
        Message {
            text: title,
            desp: body,
            extra: Value::Object(self.message),
        }
    }
}

/// A field as text; lists are joined, as the reference's language does.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_10_paths_are_decoded_and_the_suffix_decides() {
        let personal = |name: &str| Place::Send(Target::Personal(Name::new(name).unwrap()));
        assert_eq!(place("/r1.send").unwrap(), personal("r1"));
        assert_eq!(place("/%72%31.send").unwrap(), personal("r1"));
        assert_eq!(place("/a.b.send").unwrap(), personal("a.b"));
        assert_eq!(place("/a.group.send").unwrap(), personal("a.group"));
        assert_eq!(place("/a/r1.send").unwrap(), personal("a/r1"));
        assert_eq!(place("/%E4%BD%A0%E5%A5%BD.send").unwrap(), personal("你好"));
        let group = Place::Send(Target::Group(Group::new("a.send").unwrap()));
        assert_eq!(place("/a.send.group").unwrap(), group);
        assert_eq!(place("/").unwrap(), Place::Packets);
        for elsewhere in ["/r1", "/r1.SEND", "/r1.send/", "/r1.sendXYZ"] {
            assert_eq!(place(elsewhere).unwrap(), Place::Elsewhere, "{elsewhere}");
        }
        for bad in ["/.send", "/.group", "/%ff.send", "/a%00.send"] {
            assert!(place(bad).is_err(), "{bad}");
        }
        assert!(place(&format!("/{}.send", "a".repeat(300))).is_err());
    }

    #[test]
    fn line_07_fields_become_a_message_without_the_token() {
        let query = "text=a&token=secret&text=b&desp=c+d%20e&x=1&x=2&wait=0&y=%7B%22h%22:1%7D";
        let mut fields = Fields::of_query(query);
        assert_eq!(fields.token.as_deref(), Some("secret"));
        assert_eq!(fields.wait.as_deref(), Some("0"));
        let body = br#"{"z": 3, "token": "secret", "extra": {"q": null}, "wait": 1}"#;
        fields.add_body("application/json", body).unwrap();
        assert_eq!(fields.wait.as_deref(), Some("1"));
        let message = fields.into_message();
        assert_eq!(
            (message.text.as_str(), message.desp.as_str()),
            ("a,b", "c d e")
        );
        let extra = r#"{"x":["1","2"],"y":"{\"h\":1}","z":3,"q":null}"#;
        assert_eq!(message.extra.to_string(), extra);
    }

    #[test]
    fn bodies_of_other_kinds_are_refused() {
        let mut fields = Fields::default();
        assert!(fields.add_body("text/plain", b"x").is_err());
        assert!(fields.add_body("application/json", b"[1]").is_err());
        assert!(fields.add_body("application/json", b"{").is_err());
        fields
            .add_body("application/x-www-form-urlencoded", br#"{"text":"t"}"#)
            .unwrap();
        fields.add_body("", b"desp=d").unwrap();
        assert_eq!(fields.into_message(), Message::new("t", "d"));
    }
}
