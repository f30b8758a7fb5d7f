//! What can be done with a message: its link, its text to copy, its sender's actions, its picture.
//! Pure.
//!
//! Owns the order and the bounds, and which deeds need the person's consent first: a link of any
//! scheme but http, https and mailto may start a program the sender chose, and a request by HTTP is
//! made by this computer, inside its network. Both are asked for once per sender and kind.
//!
//! Invariants: at most [`OFFERS`]; every text is bounded and cleaned; a link that runs script or
//! reads files is never offered, with or without consent.

use serde_json::Value;
use url::Url;

use super::{code, image, url as checked};
use crate::text;
use crate::types::{Deed, Offer, Permission};

/// Offers of one message at most: more are no help, and the sender's own are cut first.
const OFFERS: usize = 8;

/// The sender's actions at most. Theirs know three.
const ACTIONS: usize = 5;

/// Characters of a button's words.
const LABEL_CHARS: usize = 40;

/// Characters of a text to copy: a password, an address, a snippet; not a document.
const COPY_CHARS: usize = 4000;

/// Characters of a place that is shown.
const PLACE_CHARS: usize = 80;

/// Links that open without asking.
const OPEN: &[&str] = &["http", "https", "mailto"];

/// Links that are never opened: they run script in whatever opens them, or reach into files.
const NEVER: &[&str] = &[
    "javascript",
    "vbscript",
    "data",
    "blob",
    "about",
    "file",
    "view-source",
];

/// Methods of a request that may be asked for.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What can be done with a message, most useful first. `extra` and `body` as its sender wrote them.
/// Every offer says what must be agreed to, as if nothing had been yet.
pub(crate) fn offers(extra: &Value, link: Option<&str>, title: &str, body: &str) -> Vec<Offer> {
    let mut offers = Vec::new();
    let plain = text::notification(body);
    if let Some(text) = copied(extra.get("copy")) {
        offers.push(copy(String::new(), text, false));
    } else if let Some(code) = code::find(title, &plain) {
        offers.push(copy(String::new(), code, true));
    }
    offers.extend(link.and_then(|url| opens(String::new(), url)));
    offers.extend(actions(extra).into_iter().take(ACTIONS));
    if let Some(picture) = image(extra) {
        offers.extend(opens(String::new(), &picture));
    }
    let mut seen: Vec<Deed> = Vec::new();
    offers.retain(|offer| {
        let new = !seen.contains(&offer.does);
        seen.push(offer.does.clone());
        new
    });
    offers.truncate(OFFERS);
    offers
}

/// What a deed needs the person's consent for.
pub(crate) fn permission(deed: &Deed) -> Option<Permission> {
    match deed {
        Deed::Copy { .. } => None,
        Deed::Link { url, .. } => {
            let scheme = Url::parse(url).ok()?.scheme().to_owned();
            (!OPEN.contains(&scheme.as_str())).then_some(Permission::Scheme(scheme))
        }
        Deed::Call { place, .. } => Some(Permission::Call(place.clone())),
    }
}

/// Whether links of this scheme are opened for nobody.
pub(crate) fn never_opened(scheme: &str) -> bool {
    NEVER.contains(&scheme)
}

/// Headers and body of the request of an action: what its sender wrote beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

fn opens(label: String, link: &str) -> Option<Offer> {
    let link = checked(link)?;
    let url = Url::parse(&link).ok()?;
    if never_opened(url.scheme()) {
        return None;
    }
    let place = match url.host_str() {
        Some(host) if !host.is_empty() => host.to_owned(),
        _ if url.scheme() == "mailto" => url.path().to_owned(),
        _ => format!("{}:", url.scheme()),
    };
    offer(
        label,
        Deed::Link {
            // As it was understood, so that what is shown is what is opened.
            url: url.into(),
            place: text::short(&place, PLACE_CHARS),
        },
    )
}

fn copy(label: String, text: String, code: bool) -> Offer {
    Offer {
        label,
        does: Deed::Copy { text, code },
        asks: None,
    }
}

fn offer(label: String, does: Deed) -> Option<Offer> {
    let asks = permission(&does);
    Some(Offer { label, does, asks })
}

fn copied(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    // Not cleaned like what is shown: a password is copied as it is. Bounded, and without controls,
    // which a terminal could take for commands.
    let text: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .take(COPY_CHARS)
        .collect();
    (!text.trim().is_empty()).then_some(text)
}

/// The sender's own: ntfy's list, as JSON, as JSON in a string, or in its short form.
fn actions(extra: &Value) -> Vec<Offer> {
    list(extra).iter().filter_map(action).collect()
}

fn list(extra: &Value) -> Vec<Value> {
    match extra.get("actions") {
        Some(Value::Array(actions)) => actions.clone(),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(actions)) => actions,
            _ => short_form(text),
        },
        _ => Vec::new(),
    }
}

/// `view, Open door, https://door.lan; http, Close it, https://door.lan/close, method=PUT`.
fn short_form(text: &str) -> Vec<Value> {
    let mut actions = Vec::new();
    for words in text.split([';', '\n']).take(ACTIONS) {
        let mut action = serde_json::Map::new();
        let mut unnamed = ["action", "label", "url"].into_iter();
        for word in words.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let word = word.trim_matches(['"', '\'']);
            match word.split_once('=') {
                Some((name, value))
                    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') =>
                {
                    action.insert(
                        name.to_owned(),
                        Value::from(value.trim_matches(['"', '\''])),
                    );
                }
                _ => {
                    if let Some(name) = unnamed.next() {
                        action.insert(name.to_owned(), Value::from(word));
                    }
                }
            }
        }
        actions.push(Value::Object(action));
    }
    actions
}

fn action(action: &Value) -> Option<Offer> {
    let word = |name: &str| action.get(name).and_then(Value::as_str);
    let kind = word("action")
        .or_else(|| word("type"))?
        .to_ascii_lowercase();
    let label = text::short(word("label").unwrap_or_default(), LABEL_CHARS);
    match kind.as_str() {
        "view" => opens(label, word("url")?),
        "copy" => {
            let value = action.get("value").or_else(|| action.get("text"));
            // In the short form it is the third word.
            let text = copied(value.or_else(|| action.get("url")))?;
            Some(copy(label, text, false))
        }
        "http" => {
            let url = Url::parse(&checked(word("url")?)?).ok()?;
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return None;
            }
            let method = word("method").unwrap_or("POST").to_ascii_uppercase();
            if !METHODS.contains(&method.as_str()) {
                return None;
            }
            let place = text::short(url.host_str()?, PLACE_CHARS);
            let url = url.into();
            offer(label, Deed::Call { method, url, place })
        }
        _ => None,
    }
}

/// Headers and body of the first action that makes this request.
pub(crate) fn said(extra: &Value, call: &Deed) -> Said {
    let found = list(extra)
        .into_iter()
        .find(|value| action(value).is_some_and(|offer| offer.does == *call));
    let Some(Value::Object(action)) = found else {
        return Said::default();
    };
    let mut headers = Vec::new();
    if let Some(Value::Object(list)) = action.get("headers") {
        for (name, value) in list {
            headers.extend(value.as_str().map(|value| (name.clone(), value.to_owned())));
        }
    }
    for (name, value) in &action {
        if let (Some(name), Some(value)) = (name.strip_prefix("headers."), value.as_str()) {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let body = action.get("body").and_then(Value::as_str);
    Said {
        headers,
        body: body.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(extra: Value) -> Vec<Offer> {
        offers(&extra, None, "", "")
    }

    fn link(label: &str, url: &str, place: &str) -> Offer {
        opens(label.into(), url)
            .filter(|offer| {
                offer.does
                    == Deed::Link {
                        url: url.into(),
                        place: place.into(),
                    }
            })
            .unwrap()
    }

    #[test]
    fn the_three_forms_of_actions_mean_the_same() {
        let written = json!([
            {"action": "view", "label": "Open door", "url": "https://door.lan/"},
            {"action": "http", "label": "Close", "url": "https://door.lan/close", "method": "put",
             "headers": {"Authorization": "x"}, "body": "{}"},
            {"action": "copy", "label": "Copy", "value": "abc"},
            {"action": "broadcast", "label": "No such thing"},
            {"action": "view", "label": "Script", "url": "javascript:alert(1)"},
            7, null,
        ]);
        let short = "view, Open door, https://door.lan/; \
                     http, Close, https://door.lan/close, method=PUT, headers.Authorization=x, body='{}'; \
                     copy, Copy, abc; broadcast, No";
        let close = Deed::Call {
            method: "PUT".into(),
            url: "https://door.lan/close".into(),
            place: "door.lan".into(),
        };
        for extra in [
            json!({"actions": written}),
            json!({"actions": written.to_string()}),
            json!({"actions": short}),
        ] {
            let offers = of(extra.clone());
            assert_eq!(offers.len(), 3, "{offers:#?}");
            assert_eq!(
                offers[0],
                link("Open door", "https://door.lan/", "door.lan")
            );
            assert_eq!(
                (offers[1].label.as_str(), &offers[1].does),
                ("Close", &close)
            );
            assert_eq!(offers[1].asks, Some(Permission::Call("door.lan".into())));
            assert_eq!(
                offers[2].does,
                Deed::Copy {
                    text: "abc".into(),
                    code: false
                }
            );
            let said = said(&extra, &close);
            assert_eq!(said.headers, [("Authorization".to_owned(), "x".to_owned())]);
            assert_eq!(said.body, "{}");
        }
    }

    #[test]
    fn only_schemes_that_may_start_a_program_are_asked_for() {
        for (url, asks) in [
            ("https://e.example/", None),
            ("http://e.example/", None),
            ("mailto:ann@e.example", None),
            ("ssh://host/", Some(Permission::Scheme("ssh".into()))),
            ("steam://run/1", Some(Permission::Scheme("steam".into()))),
        ] {
            let offers = offers(&json!({}), Some(url), "", "");
            assert_eq!(offers.len(), 1, "{url}");
            assert_eq!(offers[0].asks, asks, "{url}");
        }
        for never in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "JavaScript:x",
        ] {
            assert!(
                offers(&json!({}), Some(never), "", "").is_empty(),
                "{never}"
            );
        }
    }

    #[test]
    fn the_place_is_the_host_that_is_opened_whatever_stands_before_it() {
        for (url, place) in [
            ("https://bank.example@evil.example/x", "evil.example"),
            (
                "https://bank.example.evil.example/",
                "bank.example.evil.example",
            ),
            ("https://b\u{e4}nk.example/", "xn--bnk-qla.example"),
            ("mailto:ann@e.example?subject=x", "ann@e.example"),
            ("tel:123", "tel:"),
        ] {
            let Some(Offer {
                does: Deed::Link { place: shown, .. },
                ..
            }) = opens(String::new(), url)
            else {
                panic!("{url}")
            };
            assert_eq!(shown, place);
        }
    }

    #[test]
    fn a_copy_is_offered_or_else_the_code_in_the_text() {
        let body = "Your code is **482913**";
        let copy = |text: &str, code| Deed::Copy {
            text: text.into(),
            code,
        };
        assert_eq!(
            offers(&json!({}), None, "", body)[0].does,
            copy("482913", true)
        );
        let given = offers(&json!({"copy": "p w\u{7}"}), None, "", body);
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].does, copy("p w", false));
        assert!(of(json!({"copy": " "})).is_empty());
    }

    #[test]
    fn what_is_offered_is_bounded_and_each_once() {
        let many: Vec<_> = (0..50)
            .map(|n| json!({"action": "view", "label": "x".repeat(999), "url": format!("https://e.example/{n}")}))
            .collect();
        let extra =
            json!({"actions": many, "copy": "y".repeat(99_999), "image": "https://e.example/1"});
        let offers = offers(&extra, Some("https://e.example/0"), "", "");
        assert_eq!(offers.len(), 1 + 1 + ACTIONS - 1);
        assert!(
            offers
                .iter()
                .all(|offer| offer.label.chars().count() <= LABEL_CHARS)
        );
        assert!(matches!(&offers[0].does, Deed::Copy { text, .. } if text.len() == COPY_CHARS));
    }
}
