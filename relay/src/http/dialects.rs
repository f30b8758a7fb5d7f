//! Foreign senders, understood: each dialect is a file with two functions, a foreign request turned
//! into a [`Flat`] message, and our outcome into the foreign answer. Pure.
//!
//! Owns what the dialects share. What a path means is decided in `places`, what is done with a
//! message in the shell above. Invariants: a dialect names at most one target, and never one that
//! the request did not name; nothing of a token gets into a message or an answer.

mod alertmanager;
mod gotify;
mod ntfy;
mod pushdeer;
mod serverchan;
mod uptime_kuma;

use axum::response::Response;
use serde_json::{Map, Value};
use tidings_protocol::Mid;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{answer::Refused, asked::Asked, body::BadRequest};
use crate::{
    auth::Access,
    dialect::{Dialect, Dialects},
};
pub(super) use gotify::version as gotify_version;

/// What every sender says in the end.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Flat {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) extra: Map<String, Value>,
    pub(super) to: To,
    /// How long to wait for confirmations, as the sender wrote it.
    pub(super) wait: Option<String>,
}

/// For whom a message is, where the request's path does not say it in the base protocol's way.
#[derive(Debug, Default, PartialEq)]
pub(super) enum To {
    /// The one the sender's token was made for.
    #[default]
    Holder,
    /// A group if one is known by this name, else the client of this name.
    Topic(String),
}

/// A foreign request, understood.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub(super) flat: Flat,
    /// What the answer repeats, in the sender's own terms.
    pub(super) echo: Map<String, Value>,
}

/// What became of a message.
pub(super) struct Sent<'a> {
    pub(super) mid: &'a Mid,
    /// When it was accepted, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// When it is delivered at the earliest, likewise.
    pub(super) due_ms: u64,
    /// When it is given up, likewise.
    pub(super) expires_ms: u64,
    pub(super) access: &'a Access,
}

/// A dialect with a path of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    Gotify,
    Pushdeer,
    Serverchan,
    /// With the path's topic, if it names one.
    Ntfy(Option<String>),
}

impl Foreign {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Gotify => Dialect::Gotify,
            Self::Pushdeer => Dialect::Pushdeer,
            Self::Serverchan => Dialect::Serverchan,
            Self::Ntfy(_) => Dialect::Ntfy,
        }
    }

    /// The token, from where senders of this dialect put it.
    pub(super) fn token(&self, asked: &Asked) -> Option<String> {
        match self {
            Self::Pushdeer => pushdeer::key(asked).or_else(|| asked.token()),
            Self::Ntfy(_) => asked.token_of_ntfy(),
            Self::Gotify | Self::Serverchan => asked.token(),
        }
    }

    pub(super) fn read(&self, asked: &Asked) -> Result<Said, BadRequest> {
        match self {
            Self::Gotify => gotify::read(asked),
            Self::Pushdeer => pushdeer::read(asked),
            Self::Serverchan => serverchan::read(asked),
            Self::Ntfy(topic) => ntfy::read(asked, topic.as_deref()),
        }
    }

    pub(super) fn answer(&self, echo: Map<String, Value>, sent: &Sent<'_>) -> Response {
        match self {
            Self::Gotify => gotify::answer(echo, sent),
            Self::Pushdeer => pushdeer::answer(sent),
            Self::Serverchan => serverchan::answer(sent),
            Self::Ntfy(_) => ntfy::answer(echo, sent),
        }
    }

    pub(super) fn refuse(&self, refused: Refused) -> Response {
        let body = match self {
            Self::Gotify => gotify::refusal(&refused),
            Self::Pushdeer => pushdeer::refusal(&refused),
            Self::Serverchan => serverchan::refusal(&refused),
            Self::Ntfy(_) => ntfy::refusal(&refused),
        };
        refused.saying(&body)
    }
}

/// Fields of a flat request that a known program puts together, as people read them.
pub(super) fn known_fields(
    dialects: &Dialects,
    fields: &mut Map<String, Value>,
) -> Option<Dialect> {
    let known = [
        (
            Dialect::Alertmanager,
            alertmanager::rewrite as fn(&mut Map<String, Value>) -> bool,
        ),
        (Dialect::UptimeKuma, uptime_kuma::rewrite),
    ];
    known
        .into_iter()
        .filter(|(dialect, _)| dialects.has(*dialect))
        .find_map(|(dialect, rewrite)| rewrite(fields).then_some(dialect))
}

/// Milliseconds since 1970 as a time of RFC 3339; empty for what no calendar has.
fn rfc3339(millis: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// A link that a notification may open: of the web, and of the length that recipients take.
fn web_link(text: &str) -> Option<&str> {
    /// What recipients take of a link.
    const CHARS: usize = 2048;
    let scheme = ["http://", "https://"];
    (scheme.iter().any(|scheme| text.starts_with(scheme)) && text.chars().count() <= CHARS)
        .then_some(text)
}

/// Text that a JSON field has to be; a field that is missing or null is none.
fn text_field(
    fields: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, BadRequest> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(BadRequest::Type(name, "write it as text")),
    }
}

/// Puts a field into `extra`, if it says anything.
fn put(extra: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let silent = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    if !silent {
        extra.insert(key.to_owned(), value);
    }
}
