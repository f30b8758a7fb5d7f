//! What a path means: the one table of it. Pure.
//!
//! The first line that fits counts, so the base protocol comes before every dialect; lines of a
//! dialect that is switched off do not count. Paths are percent-decoded first.
//!
//! | path | methods | what |
//! |---|---|---|
//! | `/health`, `/health/live`, `/health/ready`, `/metrics` | GET | for operators, see `operator` |
//! | `/NAME.send`, `/GROUP.group` | GET, POST, PUT | a flat message; `/SENDKEY.send` is ServerChan's where no other token is given and SENDKEY is one |
//! | `/` | POST | a packet; an object without `cmd` and with `topic` is ntfy's |
//! | `/` | PUT | ntfy's JSON |
//! | `/send` | GET, POST, PUT | a flat message with its target as a field, or by its token |
//! | `/message` | POST | gotify |
//! | `/version` | GET | gotify |
//! | `/message/push` | GET, POST | PushDeer |
//! | `/v1/health` | GET | ntfy |
//! | `/TOPIC/publish`, `/TOPIC/send`, `/TOPIC/trigger` | GET, POST, PUT | ntfy |
//! | `/TOPIC` | POST, PUT | ntfy |
//! | anything else | POST | a packet |
//!
//! On every line but the first two, a POST whose body is a packet (a JSON object with a text as
//! `cmd`) is that packet, as clients of the base protocol post them on any path.

use axum::http::Method;
use percent_encoding::percent_decode_str;
use tidings_protocol::{Group, InvalidId, Name, Target};

use crate::dialect::{Dialect, Dialects};

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `/NAME.send` or `/GROUP.group`.
    Send(Target),
    /// `/`.
    Root,
    /// `/send`.
    SendToField,
    /// `/message`.
    Gotify,
    /// `/version`.
    GotifyVersion,
    /// `/message/push`.
    Pushdeer,
    /// `/v1/health`.
    NtfyHealth,
    /// `/TOPIC`, and its forms for requests that cannot POST.
    Ntfy { topic: String, by_get: bool },
    /// Nothing but packets.
    Elsewhere,
}

/// What is wrong with a path. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadPath {
    #[error("the path is not UTF-8 once its % escapes are decoded: escape names as UTF-8")]
    Utf8,
    #[error("the path names nobody: write /NAME.send or /GROUP.group")]
    Nobody,
    #[error("the path names nobody that could exist: {0}")]
    Target(#[from] InvalidId),
}

impl From<BadPath> for String {
    fn from(error: BadPath) -> Self {
        error.to_string()
    }
}

pub(super) fn place(path: &str, dialects: &Dialects) -> Result<Place, BadPath> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| BadPath::Utf8)?;
    if let Some(name) = decoded.strip_suffix(".send") {
        some(name)?;
        return Ok(Place::Send(Target::Personal(Name::new(name)?)));
    }
    if let Some(group) = decoded.strip_suffix(".group") {
        some(group)?;
        return Ok(Place::Send(Target::Group(Group::new(group)?)));
    }
    let [gotify, pushdeer, ntfy] =
        [Dialect::Gotify, Dialect::Pushdeer, Dialect::Ntfy].map(|dialect| dialects.has(dialect));
    Ok(match decoded.as_ref() {
        "" => Place::Root,
        "send" => Place::SendToField,
        "message" if gotify => Place::Gotify,
        "version" if gotify => Place::GotifyVersion,
        "message/push" if pushdeer => Place::Pushdeer,
        "v1/health" if ntfy => Place::NtfyHealth,
        other if ntfy => topic(other),
        _ => Place::Elsewhere,
    })
}

/// A topic is one segment of a path.
fn topic(path: &str) -> Place {
    let (topic, by_get) = match path.rsplit_once('/') {
        Some((topic, "publish" | "send" | "trigger")) => (topic, true),
        Some(_) => return Place::Elsewhere,
        None => (path, false),
    };
    if topic.contains('/') || Name::new(topic).is_err() {
        return Place::Elsewhere;
    }
    Place::Ntfy {
        topic: topic.to_owned(),
        by_get,
    }
}

fn some(target: &str) -> Result<(), BadPath> {
    if target.is_empty() {
        return Err(BadPath::Nobody);
    }
    Ok(())
}

impl Place {
    /// The methods that mean something here, as `Allow` lists them.
    pub(super) fn methods(&self, dialects: &Dialects) -> &'static str {
        match self {
            Self::Send(_) | Self::SendToField | Self::Ntfy { by_get: true, .. } => "GET, POST, PUT",
            Self::Root if dialects.has(Dialect::Ntfy) => "POST, PUT",
            Self::Ntfy { by_get: false, .. } => "POST, PUT",
            Self::GotifyVersion | Self::NtfyHealth | Self::Pushdeer => "GET, POST",
            Self::Root | Self::Gotify | Self::Elsewhere => "POST",
        }
    }

    /// Whether this method means something here.
    pub(super) fn takes(&self, method: &Method, dialects: &Dialects) -> bool {
        self.methods(dialects)
            .split(", ")
            .any(|known| known == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Place {
        place(path, &Dialects::default()).unwrap()
    }

    #[test]
    fn line_10_paths_are_decoded_and_the_suffix_decides() {
        let personal = |name: &str| Place::Send(Target::Personal(Name::new(name).unwrap()));
        assert_eq!(found("/r1.send"), personal("r1"));
        assert_eq!(found("/%72%31.send"), personal("r1"));
        assert_eq!(found("/a.b.send"), personal("a.b"));
        assert_eq!(found("/a.group.send"), personal("a.group"));
        assert_eq!(found("/a/r1.send"), personal("a/r1"));
        assert_eq!(found("/%E4%BD%A0%E5%A5%BD.send"), personal("你好"));
        let group = Place::Send(Target::Group(Group::new("a.send").unwrap()));
        assert_eq!(found("/a.send.group"), group);
        assert_eq!(found("/"), Place::Root);
        let none = Dialects::only(&[]);
        for elsewhere in ["/r1", "/r1.SEND", "/r1.send/", "/r1.sendXYZ", "/message"] {
            assert_eq!(place(elsewhere, &none).unwrap(), Place::Elsewhere);
        }
        for bad in ["/.send", "/.group", "/%ff.send", "/a%00.send", "/%ff"] {
            assert!(place(bad, &none).is_err(), "{bad}");
        }
        assert!(place(&format!("/{}.send", "a".repeat(300)), &none).is_err());
    }

    #[test]
    fn the_base_protocol_comes_before_every_dialect() {
        let ntfy = |topic: &str, by_get| Place::Ntfy {
            topic: topic.to_owned(),
            by_get,
        };
        assert_eq!(found("/send"), Place::SendToField);
        assert_eq!(found("/message"), Place::Gotify);
        assert_eq!(found("/message/push"), Place::Pushdeer);
        assert_eq!(found("/version"), Place::GotifyVersion);
        assert_eq!(found("/v1/health"), Place::NtfyHealth);
        assert_eq!(found("/alerts"), ntfy("alerts", false));
        assert_eq!(found("/my%20laptop"), ntfy("my laptop", false));
        assert_eq!(found("/alerts/publish"), ntfy("alerts", true));
        assert_eq!(found("/send/send"), ntfy("send", true));
        assert_eq!(found("/message/trigger"), ntfy("message", true));
        for elsewhere in ["/a/b", "/a%2Fb", "//a", "/a/", "/a%0Ab", "/a/b/publish"] {
            assert_eq!(found(elsewhere), Place::Elsewhere, "{elsewhere}");
        }
        assert!(!found("/alerts").takes(&Method::GET, &Dialects::default()));
        assert!(found("/").takes(&Method::PUT, &Dialects::default()));
        assert!(!found("/").takes(&Method::PUT, &Dialects::only(&[])));
    }
}
