//! A request as the dialects read it: head and body, and the few things that all of them look for
//! in the same way. Pure: the shell has read the body.
//!
//! Invariant: a token is looked for here, and nowhere else but in PushDeer's `pushkey`.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, header, request::Parts};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use mail_parser::parsers::MessageStream;
use serde_json::Value;

use super::{
    Peer,
    body::{self, BadRequest, Content},
};

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// As it came.
    pub(super) query: String,
    pub(super) peer: IpAddr,
    pub(super) body: Bytes,
}

impl Asked {
    /// A request whose body is not read yet.
    pub(super) fn head(parts: Parts) -> Self {
        // The server puts it into every request; an unknown one shares its patience with all others.
        let peer = parts.extensions.get::<Peer>();
        Self {
            peer: peer.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| peer.0),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            method: parts.method,
            headers: parts.headers,
            body: Bytes::new(),
        }
    }

    /// What the body holds.
    pub(super) fn content(&self) -> Result<Content, BadRequest> {
        body::read(&self.method, &self.headers, &self.body)
    }

    /// Whether the body is a packet of the base protocol.
    pub(super) fn is_packet(&self) -> bool {
        self.json_field("cmd")
    }

    /// Whether the body is a JSON object with a text of this name.
    pub(super) fn json_field(&self, name: &str) -> bool {
        // Most bodies are no JSON at all, which the first byte tells.
        self.body.trim_ascii_start().first() == Some(&b'{')
            && serde_json::from_slice::<Value>(&self.body)
                .is_ok_and(|value| value.get(name).is_some_and(Value::is_string))
    }

    /// The token, from where senders put it: `X-Gotify-Key`, `Authorization` (raw, Bearer, or as
    /// Basic's password), `?token=`.
    pub(super) fn token(&self) -> Option<String> {
        token(&self.headers).or_else(|| self.query_field("token"))
    }

    /// Likewise, with ntfy's `?auth=`: what would stand in `Authorization`, in base64url.
    pub(super) fn token_of_ntfy(&self) -> Option<String> {
        self.token().or_else(|| {
            let auth = self.query_field("auth")?;
            let auth = URL_SAFE_NO_PAD.decode(auth.trim_end_matches('=')).ok()?;
            Some(authorization(std::str::from_utf8(&auth).ok()?))
        })
    }

    /// The last field of this name in the query.
    pub(super) fn query_field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    /// A header as text: UTF-8, or in the encoded words of RFC 2047. Empty ones count as none.
    pub(super) fn header(&self, name: &'static str) -> Result<Option<String>, BadRequest> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| BadRequest::Header(name))?;
        let text = if text.contains("=?") {
            encoded_words(text)
        } else {
            text.to_owned()
        };
        // Encoded words can hide line breaks, which no header has.
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(BadRequest::Header(name));
        }
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

fn encoded_words(text: &str) -> String {
    let line = format!("{text}\n");
    let decoded = MessageStream::new(line.as_bytes()).parse_unstructured();
    decoded
        .into_text()
        .map_or_else(|| text.to_owned(), std::borrow::Cow::into_owned)
}

/// The token as headers give it.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let text = |name| {
        let value: &axum::http::HeaderValue = headers.get(name)?;
        std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
    };
    match text("x-gotify-key") {
        Some(key) => Some(key.to_owned()),
        None => text(header::AUTHORIZATION.as_str()).map(authorization),
    }
}

/// The token in an `Authorization`: raw, after `Bearer`, or the password after `Basic`. A Basic
/// name without a password is taken for the token, as `curl -u TOKEN:` has it.
fn authorization(value: &str) -> String {
    let value = value.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            basic(pair.trim()).unwrap_or_else(|| value.to_owned())
        }
        _ => value.to_owned(),
    }
}

fn basic(pair: &str) -> Option<String> {
    let pair = String::from_utf8(STANDARD.decode(pair).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    let token = if password.is_empty() { name } else { password };
    Some(token.to_owned())
}

#[cfg(test)]
impl Asked {
    /// A request for tests.
    pub(super) fn of(method: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/x?{query}"));
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Self {
            body: Bytes::copy_from_slice(body),
            ..Self::head(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_07_a_token_is_found_wherever_senders_put_it() {
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for (headers, query) in [
            (vec![("authorization", "secret".to_owned())], ""),
            (vec![("authorization", "bearer  secret".to_owned())], ""),
            (vec![("authorization", basic("anybody:secret"))], ""),
            (vec![("authorization", basic("secret:"))], ""),
            (vec![("x-gotify-key", "secret".to_owned())], ""),
            (vec![], "a=1&token=secret"),
        ] {
            let headers: Vec<_> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let asked = Asked::of("GET", query, &headers, b"");
            assert_eq!(asked.token().as_deref(), Some("secret"), "{asked:?}");
        }
        assert_eq!(Asked::of("GET", "x=1", &[], b"").token(), None);
        for pair in ["Basic secret", "Bearer anybody"] {
            let auth = format!("auth={}", URL_SAFE_NO_PAD.encode(pair));
            let asked = Asked::of("GET", &auth, &[], b"");
            assert!(asked.token().is_none() && asked.token_of_ntfy().is_some());
        }
        let auth = format!("auth={}", URL_SAFE_NO_PAD.encode(basic("a:secret")));
        let asked = Asked::of("GET", &auth, &[], b"");
        assert_eq!(asked.token_of_ntfy().as_deref(), Some("secret"));
    }

    #[test]
    fn headers_are_utf8_or_encoded_words_on_one_line() {
        let title = |value: &str| Asked::of("POST", "", &[("title", value)], b"").header("title");
        assert_eq!(title("Übung").unwrap().as_deref(), Some("Übung"));
        assert_eq!(
            title("=?UTF-8?Q?=C3=9Cbung?= =?iso-8859-1?q?=E4?= x")
                .unwrap()
                .as_deref(),
            Some("Übungä x")
        );
        assert_eq!(title("a =?x").unwrap().as_deref(), Some("a =?x"));
        assert_eq!(title(" ").unwrap(), None);
        assert!(title("=?utf-8?q?a=0D=0ATo=3A_b?=").is_err());
    }

    #[test]
    fn packets_are_told_from_other_bodies() {
        let is = |body: &str| Asked::of("POST", "", &[], body.as_bytes()).is_packet();
        assert!(is(r#" {"cmd":"PING"}"#));
        for other in ["", "cmd", r#"{"cmd":5}"#, r#"["cmd"]"#, r#"{"cmd":"#] {
            assert!(!is(other), "{other}");
        }
    }
}
