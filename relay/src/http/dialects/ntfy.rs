//! Publishing on an ntfy server: `POST /TOPIC` with the message as the body and the rest in headers or
//! the query, or `POST /` with all of it as JSON.
//!
//! Not understood, and refused so that nobody waits for it in vain: e-mail, calls, templates, files.
//! A delay is the base's own: `extra.delay`.

mod actions;
mod delay;

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};

use super::{Flat, Said, Sent, To, put, web_link};
use crate::http::{
    answer::{self, Refused},
    asked::Asked,
    body::{self, BadRequest},
};

/// What a message without text says there.
const EMPTY: &str = "triggered";

/// The names of a setting: as headers, and without the `x-` as fields of the query.
const TITLE: &[&str] = &["x-title", "title", "t"];
const MESSAGE: &[&str] = &["x-message", "message", "m"];
const PRIORITY: &[&str] = &["x-priority", "priority", "prio", "p"];
const TAGS: &[&str] = &["x-tags", "tags", "tag", "ta"];
const CLICK: &[&str] = &["x-click", "click"];
const ICON: &[&str] = &["x-icon", "icon"];
const ACTIONS: &[&str] = &["x-actions", "actions", "action"];
const MARKDOWN: &[&str] = &["x-markdown", "markdown", "md"];
const DELAY: &[&str] = &["x-delay", "delay", "x-at", "at", "x-in", "in"];
const ATTACH: &[&str] = &["x-attach", "attach", "a"];
const FILENAME: &[&str] = &["x-filename", "filename", "file", "f"];
const EMAIL: &[&str] = &["x-email", "x-e-mail", "email", "e-mail", "mail", "e"];
const CALL: &[&str] = &["x-call", "call"];
const TEMPLATE: &[&str] = &["x-template", "template", "tpl"];
const UNIFIED_PUSH: &[&str] = &["x-unifiedpush", "unifiedpush", "up"];

/// A request's settings, wherever they stand: the JSON body first, then headers, then the query.
struct Settings<'a> {
    json: Map<String, Value>,
    asked: &'a Asked,
    query: Vec<(String, String)>,
}

impl Settings<'_> {
    fn text(&self, names: &'static [&'static str]) -> Result<String, BadRequest> {
        // In JSON a setting has one name, which is never the one-letter one.
        let json = names.iter().find_map(|name| self.json.get(*name));
        match json {
            Some(Value::String(text)) if !text.is_empty() => return Ok(text.clone()),
            Some(Value::Number(number)) => return Ok(number.to_string()),
            Some(Value::Bool(truth)) => return Ok(truth.to_string()),
            Some(Value::Array(_) | Value::Object(_)) => {
                let name = names.get(1).or(names.first()).copied();
                return Err(BadRequest::Type(
                    name.unwrap_or_default(),
                    "write it as text",
                ));
            }
            Some(Value::String(_) | Value::Null) | None => {}
        }
        for name in names {
            if let Some(text) = self.asked.header(name)?
                && !is_http_priority(name, &text)
            {
                return Ok(text);
            }
        }
        let queried = names.iter().find_map(|name| {
            let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
            (!value.trim().is_empty()).then(|| value.trim().to_owned())
        });
        Ok(queried.unwrap_or_default())
    }

    fn truth(&self, names: &'static [&'static str]) -> Result<bool, BadRequest> {
        let text = self.text(names)?.to_lowercase();
        Ok(["1", "yes", "true"].contains(&text.as_str()))
    }
}

/// `Priority: u=1, i` is HTTP's own (RFC 9218), which proxies add.
fn is_http_priority(name: &str, text: &str) -> bool {
    name == "priority" && text.starts_with("u=")
}

/// Reads a request to the path's topic, or to `/`.
pub(super) fn read(asked: &Asked, topic: Option<&str>) -> Result<Said, BadRequest> {
    let fields: Map<String, Value> = match topic {
        Some(_) => Map::new(),
        None => {
            let fields = body::object(&asked.body)?.into_iter();
            // An empty list says nothing: a header beside it counts.
            fields.filter(|(_, value)| *value != json!([])).collect()
        }
    };
    let settings = Settings {
        json: fields,
        asked,
        query: body::query(&asked.query)?,
    };
    let topic = match topic {
        Some(topic) => topic.to_owned(),
        None => match settings.json.get("topic") {
            Some(Value::String(topic)) if !topic.is_empty() => topic.clone(),
            _ => return Err(BadRequest::Missing("topic", "name a group or a client")),
        },
    };
    refuse_what_is_not_here(&settings)?;

    let mut extra = Map::new();
    put(&mut extra, "priority", priority(&settings.text(PRIORITY)?)?);
    put(&mut extra, "tags", tags(&settings)?);
    put(&mut extra, "click", settings.text(CLICK)?);
    put(&mut extra, "icon", linked(&settings, ICON, "icon")?);
    put(&mut extra, "actions", actions(&settings)?);
    let attached = linked(&settings, ATTACH, "attach")?;
    put(&mut extra, "attach", attached.as_str());
    let is_markdown = body::media_type(&asked.headers) == "text/markdown";
    if is_markdown || settings.truth(MARKDOWN)? {
        put(&mut extra, "markdown", true);
    }
    if let Some(delay) = delay::parse(&settings.text(DELAY)?)? {
        put(&mut extra, "delay", delay);
    }
    let title = settings.text(TITLE)?;
    let message = message(&settings)?;

    let mut echo = Map::new();
    put(&mut echo, "topic", topic.as_str());
    put(&mut echo, "title", title.as_str());
    put(&mut echo, "message", message.as_str());
    for key in ["priority", "tags", "click", "icon", "actions"] {
        put(&mut echo, key, extra.get(key).cloned().unwrap_or_default());
    }
    if !attached.is_empty() {
        let name = settings.text(FILENAME)?;
        let name = if name.is_empty() { "attachment" } else { &name };
        echo.insert(
            "attachment".to_owned(),
            json!({"name": name, "url": attached}),
        );
    }
    if extra.contains_key("markdown") {
        put(&mut echo, "content_type", "text/markdown");
    }
    let flat = Flat {
        title,
        body: message,
        extra,
        to: To::Topic(topic),
        wait: asked.query_field("wait"),
    };
    Ok(Said { flat, echo })
}

fn refuse_what_is_not_here(settings: &Settings<'_>) -> Result<(), BadRequest> {
    let refused = |text: &str| Err(BadRequest::Other(text.to_owned()));
    if !settings.text(EMAIL)?.is_empty() {
        return refused("e-mail notifications are not enabled: leave Email out");
    }
    if !settings.text(CALL)?.is_empty() {
        return refused("phone calls are not enabled: leave Call out");
    }
    if !["", "no", "0", "false"].contains(&settings.text(TEMPLATE)?.to_lowercase().as_str()) {
        return refused("templates are not understood here: send the message as it should read");
    }
    let encoding = settings
        .asked
        .header("content-encoding")?
        .unwrap_or_default();
    if settings.truth(UNIFIED_PUSH)? || encoding == "aes128gcm" {
        return refused("UnifiedPush is not understood here: send text");
    }
    Ok(())
}

fn priority(text: &str) -> Result<Option<u8>, BadRequest> {
    Ok(Some(match text.trim().to_lowercase().as_str() {
        "" | "0" => return Ok(None),
        "1" | "min" => 1,
        "2" | "low" => 2,
        "3" | "default" => 3,
        "4" | "high" => 4,
        "5" | "max" | "urgent" => 5,
        _ => {
            return Err(BadRequest::Other(
                "invalid priority parameter: write 1 to 5, or min, low, default, high or max"
                    .to_owned(),
            ));
        }
    }))
}

fn tags(settings: &Settings<'_>) -> Result<Vec<Value>, BadRequest> {
    if let Some(Value::Array(tags)) = settings.json.get("tags") {
        if !tags.iter().all(Value::is_string) {
            return Err(BadRequest::Type("tags", "write a list of texts"));
        }
        return Ok(tags.clone());
    }
    let names = settings.text(TAGS)?;
    let tags = names
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty());
    Ok(tags.map(Value::from).collect())
}

fn actions(settings: &Settings<'_>) -> Result<Vec<Value>, BadRequest> {
    let actions = match settings.json.get("actions") {
        Some(Value::Array(list)) => {
            let objects = list.iter().map(|action| action.as_object().cloned());
            match objects.collect::<Option<Vec<_>>>() {
                Some(actions) => actions::check(actions),
                None => return Err(BadRequest::Type("actions", "write a list of objects")),
            }
        }
        _ => actions::parse(&settings.text(ACTIONS)?),
    };
    actions.map_err(|error| BadRequest::Other(format!("actions invalid; {error}")))
}

/// A setting that has to be a link of the web.
fn linked(
    settings: &Settings<'_>,
    names: &'static [&'static str],
    what: &'static str,
) -> Result<String, BadRequest> {
    let link = settings.text(names)?;
    if !link.is_empty() && web_link(&link).is_none() {
        return Err(BadRequest::Type(what, "write a link, http:// or https://"));
    }
    Ok(link)
}

/// The message: the body, unless that is empty, or JSON.
fn message(settings: &Settings<'_>) -> Result<String, BadRequest> {
    let by_setting = settings.text(MESSAGE)?.replace("\\n", "\n");
    let body = if settings.json.is_empty() {
        match body::utf8(&settings.asked.body) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => {
                return Err(BadRequest::Other(
                    "message must be UTF-8 encoded, and files are not kept here: send text, or a \
                     link as Attach"
                        .to_owned(),
                ));
            }
        }
    } else {
        String::new()
    };
    let message = if body.is_empty() { by_setting } else { body };
    Ok(if message.is_empty() {
        EMPTY.to_owned()
    } else {
        message
    })
}

pub(super) fn answer(mut echo: Map<String, Value>, sent: &Sent<'_>) -> Response {
    let mut text = Map::new();
    text.insert("id".to_owned(), sent.mid.as_str().into());
    text.insert("time".to_owned(), (sent.due_ms / 1000).into());
    text.insert("expires".to_owned(), (sent.expires_ms / 1000).into());
    text.insert("event".to_owned(), "message".into());
    text.append(&mut echo);
    answer::json(StatusCode::OK, Value::Object(text).to_string())
}

pub(super) fn refusal(refused: &Refused) -> Value {
    let status = refused.status().as_u16();
    // Its codes are the status with two digits; 00 is the unspecific one of 400, 01 of others.
    let code = u32::from(status) * 100 + u32::from(status != 400);
    json!({"code": code, "http": status, "error": refused.words()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(query: &str, headers: &[(&str, &str)], body: &str) -> Result<Said, BadRequest> {
        read(
            &Asked::of("POST", query, headers, body.as_bytes()),
            Some("alerts"),
        )
    }

    #[test]
    fn headers_queries_and_json_say_the_same() {
        let by_header = said(
            "",
            &[
                ("Title", "=?utf-8?q?=C3=9Cbung?="),
                ("X-Priority", "high"),
                ("Tags", "warning, skull"),
                ("Click", "https://a.example/"),
                ("Icon", "https://a.example/i.png"),
                ("Actions", "view, Open, https://a.example/"),
                ("Markdown", "yes"),
                ("In", "30m"),
            ],
            " The body \n",
        );
        let by_query = said(
            "title=%C3%9Cbung&prio=4&ta=warning,skull&click=https://a.example/\
             &icon=https://a.example/i.png&action=view,Open,https://a.example/&md=1&at=30min&m=The+body",
            &[("Priority", "u=1, i")],
            "",
        );
        let json = json!({
            "topic": "alerts", "title": "Übung", "priority": 4, "tags": ["warning", "skull"],
            "click": "https://a.example/", "icon": "https://a.example/i.png", "markdown": true,
            "actions": [{"action": "view", "label": "Open", "url": "https://a.example/"}],
            "delay": "1800s", "message": "The body",
        });
        let by_json = read(
            &Asked::of("POST", "", &[], json.to_string().as_bytes()),
            None,
        );
        let expected = json!({
            "priority": 4, "tags": ["warning", "skull"], "click": "https://a.example/",
            "icon": "https://a.example/i.png", "markdown": true, "delay": 1800,
            "actions": [{"action": "view", "label": "Open", "url": "https://a.example/"}],
        });
        for said in [by_header, by_query, by_json] {
            let Said { flat, echo } = said.unwrap();
            assert_eq!(
                (flat.title.as_str(), flat.body.as_str()),
                ("Übung", "The body")
            );
            assert_eq!(Value::Object(flat.extra), expected);
            assert_eq!(flat.to, To::Topic("alerts".to_owned()));
            assert_eq!(echo["topic"], "alerts");
        }
        // A header that stands beside JSON counts, as Apprise sends it.
        let asked = Asked::of(
            "POST",
            "",
            &[("x-priority", "5")],
            br#"{"topic":"a","tags":[]}"#,
        );
        let Said { flat, .. } = read(&asked, None).unwrap();
        assert_eq!(
            (flat.extra["priority"].clone(), flat.body.as_str()),
            (5.into(), EMPTY)
        );
    }

    #[test]
    fn what_is_not_here_and_what_is_wrong_is_refused() {
        for header in [
            ("email", "a@b.example"),
            ("call", "yes"),
            ("template", "github"),
            ("x-unifiedpush", "1"),
            ("priority", "9"),
            ("icon", "file:///etc/passwd"),
            ("attach", "x"),
            ("actions", "dance"),
            ("delay", "soon"),
            ("title", "=?utf-8?q?a=0Ab?="),
        ] {
            assert!(said("", &[header], "x").is_err(), "{header:?}");
        }
        assert!(read(&Asked::of("PUT", "f=a.png", &[], b"\x89PNG\xff"), Some("a")).is_err());
        for json in [
            r#"{}"#,
            r#"{"topic":5}"#,
            r#"{"topic":"a","tags":"x","message":{}}"#,
            r#"{"topic":"a","tags":[1]}"#,
            r#"{"topic":"a","actions":[1]}"#,
            r#"[]"#,
            "x",
        ] {
            assert!(
                read(&Asked::of("POST", "", &[], json.as_bytes()), None).is_err(),
                "{json}"
            );
        }
    }
}
