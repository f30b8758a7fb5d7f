//! What others say, made fit for a report: one line, of bounded length, and without what may be a
//! secret. Pure.
//!
//! Owns the rules for what may be one: everything of an address but scheme, host and port (paths and
//! queries carry tokens, and some people write passwords before the host), values that call
//! themselves secret, and what follows `Bearer` or `Basic`.

use url::Url;

use crate::text;

/// In the place of what was left out.
const LEFT_OUT: &str = "…";

/// Names of values that are secrets, wherever they stand before `=` or `:`.
const SECRET: &[&str] = &[
    "token",
    "password",
    "passwd",
    "pwd",
    "secret",
    "auth",
    "authorization",
    "key",
    "apikey",
    "api_key",
    "x-gotify-key",
    "pushkey",
];

/// Schemes of the header Authorization; the secret is the next word.
const SCHEMES: &[&str] = &["bearer", "basic"];

/// A text of somebody else's.
pub(super) fn said(text: &str) -> String {
    let mut kept = Vec::new();
    let mut secret_follows = false;
    let line = text::line(text);
    for word in line.split(' ') {
        let bare = word
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        let scheme = SCHEMES.contains(&bare.as_str());
        if secret_follows && !scheme && !word.is_empty() {
            secret_follows = false;
            kept.push(LEFT_OUT.to_owned());
            continue;
        }
        let names_one = word.ends_with([':', '=']) && SECRET.contains(&bare.as_str());
        secret_follows |= names_one || scheme;
        kept.push(cleaned(word));
    }
    kept.join(" ")
}

/// An address: scheme, host and port.
pub(super) fn address(address: &str) -> String {
    let Ok(url) = Url::parse(address) else {
        return LEFT_OUT.to_owned();
    };
    let Some(host) = url.host_str() else {
        return format!("{}:{LEFT_OUT}", url.scheme());
    };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}", url.scheme())
}

fn cleaned(word: &str) -> String {
    if let Some(at) = word.find("://") {
        let before = word
            .get(..at)
            .unwrap_or_default()
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |place| place + 1);
        let (before, link) = word.split_at_checked(before).unwrap_or(("", word));
        let end = link
            .find(['"', '\'', ')', '>', '”', '’', ',', ';'])
            .unwrap_or(link.len());
        let (link, after) = link.split_at_checked(end).unwrap_or((link, ""));
        return format!("{before}{}{}", address(link), cleaned(after));
    }
    // A name and password before a host, or a mail address: neither is needed.
    if let Some((_, host)) = word.rsplit_once('@').filter(|(name, _)| !name.is_empty()) {
        return format!("{LEFT_OUT}@{host}");
    }
    let parts: Vec<String> = word.split('&').map(without_value).collect();
    parts.join("&")
}

/// `name=value` without the value, where the name is a secret's.
fn without_value(part: &str) -> String {
    let Some(at) = part.find(['=', ':']) else {
        return part.to_owned();
    };
    let (name, value) = part.split_at_checked(at).unwrap_or((part, ""));
    let bare = name
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    if value.len() > 1 && SECRET.contains(&bare.to_lowercase().as_str()) {
        let sign = value.get(..1).unwrap_or_default();
        return format!("{name}{sign}{LEFT_OUT}");
    }
    part.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_left_out_wherever_they_stand() {
        for text in [
            "ws://me:S3CRET@host:9093/path?token=S3CRET#S3CRET",
            "The relay at wss://host/S3CRET.send?x=1 does not answer.",
            "(see https://host/x?key=S3CRET)",
            "bad header Authorization: Bearer S3CRET here",
            "basic S3CRET",
            "token=S3CRET&name=x",
            "{\"token\":\"S3CRET\"}",
            "password: S3CRET",
            "me:S3CRET@host",
            "x-gotify-key:S3CRET",
        ] {
            let clean = said(text);
            assert!(!clean.contains("S3CRET"), "{text} became {clean}");
        }
    }

    #[test]
    fn the_rest_stays_as_it_was_said() {
        for text in [
            "The relay at wss://relay.example.com:9093 does not answer.",
            "The keyring is locked, so the token is kept in memory only.",
            "cannot open /var/lib/x: Permission denied (os error 13)",
            "at 12:30, 3 of 5",
        ] {
            assert_eq!(said(text), text);
        }
        assert_eq!(address("wss://a:b@host:1/x?y#z"), "wss://host:1");
        assert_eq!(address("nonsense"), "…");
    }

    proptest! {
        #[test]
        fn any_text_is_borne(text in "\\PC{0,80}") {
            let _ = (said(&text), address(&text));
        }

        #[test]
        fn no_password_of_an_address_is_kept(password in "[a-z0-9]{12}") {
            let link = format!("wss://me:{password}@host/{password}?token={password}");
            prop_assert!(!said(&link).contains(&password));
        }
    }
}
