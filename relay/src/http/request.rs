//! What a flat request says: fields of the query and the body, turned into a message. Pure.
//!
//! Invariants: `token` and `wait` are never part of the message; what the base protocol's GET puts
//! into `extra` stays there.

use serde_json::{Map, Value};
use tidings_protocol::{Group, Name, Target};

use super::{
    asked::Asked,
    body::{BadRequest, Content},
    dialects::{self, Flat, To},
};
use crate::dialect::{Dialect, Dialects};

/// What senders call the title; the first one that a request has is it, the others stay in `extra`.
const TITLE: &[&str] = &["text", "title", "subject"];
/// And the body.
const BODY: &[&str] = &["desp", "message", "msg", "body", "content"];
/// The values of `type` by which a body is known to be Apprise's.
const APPRISE_TYPES: &[&str] = &["info", "success", "warning", "failure"];

/// The fields of a flat request.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) wait: Option<String>,
    /// All others, in the order in which they came.
    message: Map<String, Value>,
}

impl Fields {
    pub(super) fn of_query(query: &str) -> Self {
        let mut fields = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            fields.add(key.into_owned(), Value::String(value.into_owned()));
        }
        fields
    }

    /// Adds a field; what comes more than once becomes a list, as the reference has it.
    fn add(&mut self, key: String, value: Value) {
        match key.as_str() {
            // Looked for in the head of the request, and nowhere else.
            "token" => return,
            "wait" => {
                self.wait = Some(text(&value));
                return;
            }
            _ => {}
        }
        match self.message.get_mut(&key) {
            None => {
                self.message.insert(key, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }

    /// Adds what stands in the body, and in the head for bodies of text.
    pub(super) fn add_content(&mut self, asked: &Asked) -> Result<(), BadRequest> {
        match asked.content()? {
            Content::Nothing => {}
            Content::Text { text, markdown } => {
                if let Some(title) = asked.header("title")? {
                    self.add("text".to_owned(), title.into());
                }
                self.add("desp".to_owned(), text.into());
                if markdown {
                    self.add("markdown".to_owned(), true.into());
                }
            }
            Content::Fields(fields) => {
                for (key, value) in without_apprise(fields) {
                    match value {
                        // The fields of `extra`, or the field itself if it holds none.
                        Value::Object(extra) if key == "extra" => self.message.extend(extra),
                        value => self.add(key, value),
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes out whom the fields name: `target`, and `sendType`, which is `personal` without a word.
    pub(super) fn take_target(&mut self) -> Result<Option<Target>, BadRequest> {
        // One text each: what stands there twice is no name that anybody has.
        let mut take = |key: &'static str| match self.message.shift_remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(BadRequest::Type(key, "write one text")),
        };
        let (target, kind) = (take("target")?, take("sendType")?);
        let Some(target) = target.filter(|target| !target.is_empty()) else {
            return Ok(None);
        };
        let unknown = |error: tidings_protocol::InvalidId| {
            BadRequest::Other(format!("the target could not exist: {error}"))
        };
        match kind.as_deref() {
            None | Some("" | "personal") => Name::new(target).map(Target::Personal),
            Some("group") => Group::new(target).map(Target::Group),
            Some(_) => return Err(BadRequest::Type("sendType", "write personal or group")),
        }
        .map(Some)
        .map_err(unknown)
    }

    /// Rewrites the fields of programs whose messages are known.
    pub(super) fn rewrite(&mut self, dialects: &Dialects) -> Option<Dialect> {
        dialects::known_fields(dialects, &mut self.message)
    }

    /// The message: title, body, and everything else in `extra`.
    pub(super) fn into_flat(mut self) -> Flat {
        let mut take = |names: &[&str]| {
            let name = names.iter().find(|name| self.message.contains_key(**name));
            name.and_then(|name| self.message.shift_remove(*name))
                .as_ref()
                .map(text)
                .unwrap_or_default()
        };
        let (title, body) = (take(TITLE), take(BODY));
        Flat {
            title,
            body,
            extra: self.message,
            to: To::Holder,
            wait: self.wait,
        }
    }
}

/// Leaves out what Apprise puts beside every message, if it is Apprise's: the version of its own
/// form, and attachments that are none.
fn without_apprise(mut fields: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let kind = fields.iter().find(|(key, _)| key == "type");
    let kind = kind.and_then(|(_, value)| value.as_str());
    if kind.is_some_and(|kind| APPRISE_TYPES.contains(&kind)) {
        fields.retain(|(key, _)| key != "version");
    }
    fields.retain(|(key, value)| {
        key != "attachments" || !value.as_array().is_some_and(Vec::is_empty)
    });
    fields
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
    use serde_json::json;

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const JSON: (&str, &str) = ("content-type", "application/json");

    fn flat(query: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Flat, BadRequest> {
        let mut fields = Fields::of_query(query);
        fields.add_content(&Asked::of("POST", query, headers, body))?;
        Ok(fields.into_flat())
    }

    #[test]
    fn line_07_fields_become_a_message_without_the_token() {
        let query = "text=a&token=secret&text=b&desp=c+d%20e&x=1&x=2&wait=0&y=%7B%22h%22:1%7D";
        let body = br#"{"z": 3, "token": "secret", "extra": {"q": null}, "wait": 1}"#;
        let flat = flat(query, &[JSON], body).unwrap();
        assert_eq!(flat.wait.as_deref(), Some("1"));
        assert_eq!((flat.title.as_str(), flat.body.as_str()), ("a,b", "c d e"));
        let extra = r#"{"x":["1","2"],"y":"{\"h\":1}","z":3,"q":null}"#;
        assert_eq!(Value::Object(flat.extra).to_string(), extra);
    }

    #[test]
    fn title_and_body_have_the_names_that_senders_use() {
        for title in TITLE {
            for body in BODY {
                let form = format!("{title}=T&{body}=B&x=1");
                let flat = flat("", &[FORM], form.as_bytes()).unwrap();
                assert_eq!(
                    (flat.title.as_str(), flat.body.as_str()),
                    ("T", "B"),
                    "{form}"
                );
                assert_eq!(Value::Object(flat.extra), json!({"x": "1"}));
            }
        }
        // The base protocol's names come first; nothing is lost.
        let both = flat("text=a&title=b&message=c&desp=d", &[], b"").unwrap();
        assert_eq!((both.title.as_str(), both.body.as_str()), ("a", "d"));
        assert_eq!(
            Value::Object(both.extra),
            json!({"title": "b", "message": "c"})
        );
    }

    #[test]
    fn text_is_a_body_and_its_title_stands_in_the_head() {
        let plain = [
            ("content-type", "text/plain; charset=utf-8"),
            ("title", "=?utf-8?q?=C3=9C?="),
        ];
        let said = flat("x=1", &plain, b"line\nline").unwrap();
        assert_eq!(
            (said.title.as_str(), said.body.as_str()),
            ("Ü", "line\nline")
        );
        let said = flat("title=T", &[("content-type", "text/markdown")], b"*b*").unwrap();
        assert_eq!((said.title.as_str(), said.body.as_str()), ("T", "*b*"));
        assert_eq!(Value::Object(said.extra), json!({"markdown": true}));
    }

    #[test]
    fn what_apprise_adds_is_left_out_and_only_that() {
        let apprise = json!({
            "version": "1.1", "title": "T", "message": "M", "attachments": [], "type": "failure",
        });
        let said = flat("", &[JSON], apprise.to_string().as_bytes()).unwrap();
        assert_eq!(Value::Object(said.extra), json!({"type": "failure"}));
        let other = br#"{"version": 2, "type": "app", "attachments": [1]}"#;
        let said = flat("", &[JSON], other).unwrap();
        assert_eq!(said.extra.len(), 3);
        assert_eq!(
            flat("version=1&type=info", &[], b"").unwrap().extra.len(),
            2
        );
    }

    #[test]
    fn a_target_may_stand_in_the_fields() {
        let taken = |query: &str| Fields::of_query(query).take_target();
        let ann = Target::Personal(Name::new("ann").unwrap());
        assert_eq!(taken("target=ann").unwrap(), Some(ann));
        let group = Target::Group(Group::new("@x").unwrap());
        assert_eq!(taken("target=%40x&sendType=group").unwrap(), Some(group));
        assert_eq!(taken("text=x").unwrap(), None);
        assert!(taken("target=a&sendType=all").is_err());
        assert!(taken("target=a%0Ab").is_err());
        assert!(taken("target=a&target=b").is_err());
    }
}
