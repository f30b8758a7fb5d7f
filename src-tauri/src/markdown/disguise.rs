//! Links that look like others: what a reader takes their text for, and where they lead. Pure.
//!
//! Owns which links are marked, and making visible what cannot be seen. It errs on the quiet side:
//! a mark on honest links would teach people to overlook it, so a file's name is no host's, and a host
//! of one script is only marked where all of its letters look like Latin ones.

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};
use url::Url;

/// The class of a link that looks like another.
pub(super) const OTHER: &str = "other";

/// The events with such links marked, and with nothing invisible in any link's text.
pub(super) fn unmasked(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out: Vec<Event<'_>> = Vec::with_capacity(events.len());
    // Where the link began that is being read, and what its text says.
    let mut link: Option<(usize, String)> = None;
    for event in events {
        match (&mut link, event) {
            (_, event @ Event::Start(Tag::Link { .. })) => {
                link = Some((out.len(), String::new()));
                out.push(event);
            }
            (Some((began, text)), Event::End(TagEnd::Link)) => {
                let marked = match out.get(*began) {
                    Some(Event::Start(Tag::Link { dest_url, .. })) if misleads(dest_url, text) => {
                        Some(opening(dest_url))
                    }
                    _ => None,
                };
                match (marked, out.get_mut(*began)) {
                    (Some(opening), Some(start)) => {
                        *start = Event::InlineHtml(opening.into());
                        out.push(Event::InlineHtml("</a>".into()));
                    }
                    _ => out.push(Event::End(TagEnd::Link)),
                }
                link = None;
            }
            (Some((_, all)), Event::Text(text)) => {
                all.push_str(&text);
                out.push(Event::Text(visible(text)));
            }
            (Some((_, all)), Event::Code(text)) => {
                all.push_str(&text);
                out.push(Event::Code(visible(text)));
            }
            (_, event) => out.push(event),
        }
    }
    out
}

fn opening(target: &str) -> String {
    format!("<a class=\"{OTHER}\" href=\"{}\">", in_attribute(target))
}

/// A text as the value of an attribute.
pub(super) fn in_attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Whether who reads the text expects another place than the target.
fn misleads(target: &str, text: &str) -> bool {
    let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let Ok(target) = Url::parse(target) else {
        return false;
    };
    if target.scheme() == "mailto" {
        let to = target.path().to_lowercase();
        let named = text.split_whitespace().find(|word| word.contains('@'));
        return named.is_some_and(|named| !to.is_empty() && !named.to_lowercase().contains(&to));
    }
    // A name before the host is taken for the host.
    if !target.username().is_empty() || target.password().is_some() {
        return true;
    }
    let host = target.host_str().unwrap_or_default();
    imitates(host)
        || text
            .split_whitespace()
            .any(|word| names_another(word, host))
}

/// Whether a word is an address, of another host.
fn names_another(word: &str, host: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
    let bare = ["https://", "http://"]
        .iter()
        .find_map(|scheme| word.strip_prefix(scheme));
    let name = bare.unwrap_or(word);
    let name = name.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_address = bare.is_some() || name.starts_with("www.") || ends_as_hosts_do(name);
    if !is_address || !name.contains('.') {
        return false;
    }
    let Ok(named) = Url::parse(&format!("https://{name}/")) else {
        return false;
    };
    let (named, host) = (
        bare_host(named.host_str().unwrap_or_default()),
        bare_host(host),
    );
    !(named == host || is_within(named, host) || is_within(host, named))
}

fn bare_host(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_suffix(outer)
        .is_some_and(|rest| rest.ends_with('.'))
}

/// Endings that people take for a host's. Not those that files have too (`md`, `sh`, `py`, `rs`).
const ENDINGS: &[&str] = &[
    "app", "at", "au", "bank", "be", "biz", "br", "ca", "ch", "cloud", "cn", "co", "com", "cz",
    "de", "dev", "dk", "edu", "es", "eu", "example", "fi", "fr", "gov", "hk", "in", "info", "io",
    "it", "jp", "kr", "me", "net", "nl", "no", "online", "org", "pt", "ru", "se", "shop", "site",
    "tech", "tw", "uk", "us", "xyz",
];

fn ends_as_hosts_do(name: &str) -> bool {
    let Some((before, ending)) = name.rsplit_once('.') else {
        return false;
    };
    !before.is_empty() && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
}

/// Whether a part of a host is written with letters that look like others.
fn imitates(host: &str) -> bool {
    let (unicode, _) = idna::domain_to_unicode(host);
    unicode.split('.').any(|label| {
        let mut letters = label.chars().filter(|c| c.is_alphabetic());
        let like = |c: char| LOOK_LIKE_LATIN.contains(c);
        let other = label.chars().any(is_of_a_similar_script);
        other && (label.chars().any(|c| c.is_ascii_alphabetic()) || letters.all(like))
    })
}

/// Scripts with letters that look like Latin ones.
fn is_of_a_similar_script(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}'
        | '\u{1f00}'..='\u{1fff}' | '\u{2c80}'..='\u{2cff}' | '\u{ab70}'..='\u{abbf}')
}

/// Small letters of those scripts that do (a host has no others).
const LOOK_LIKE_LATIN: &str = "авсԁеһіјӏкмոорԛгѕтսѵԝхуαικνορτυχսօոհցզ";

/// The text with what cannot be seen in it written out.
fn visible(text: CowStr<'_>) -> CowStr<'_> {
    if !text.contains(is_invisible) {
        return text;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut before = ' ';
    for c in text.chars() {
        // Joiners belong into some scripts, and between the parts of an emoji.
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && !before.is_ascii();
        if is_invisible(c) && !joins {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            out.push(c);
        }
        before = c;
    }
    out.into()
}

/// Whether nothing is drawn for a character, or others are moved by it.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_names_another_place_is_told_from_honest_ones() {
        for (target, text) in [
            ("https://evil.example/", "https://bank.example/"),
            ("https://evil.example/", "bank.com"),
            ("https://evil.example/", "Log in at www.bank.tld now"),
            ("https://bank.example@evil.example/", "here"),
            ("https://bank.com.evil.example/", "bank.com"),
            ("https://evil.example/", "ba\u{200b}nk.com"),
            ("https://xn--80ak6aa92e.com/", "https://аррӏе.com/"),
            ("https://xn--80ak6aa92e.com/", "here"),
            ("mailto:eve@evil.example", "ann@bank.example"),
        ] {
            assert!(misleads(target, text), "{text} to {target}");
        }
        for (target, text) in [
            ("https://example.com/a?b", "https://example.com/a?b"),
            ("https://www.example.com/", "example.com"),
            (
                "https://docs.example.com/",
                "example.com: the documentation",
            ),
            ("https://example.com/docs", "docs.example.com"),
            ("https://github.com/a/b/README.md", "README.md"),
            ("https://example.com/", "node.js, main.rs and v1.2.3"),
            ("https://xn--mnchen-3ya.example/", "münchen.example"),
            ("https://xn--fsq.xn--fiqs8s/", "例.中国"),
            ("https://xn--e1afmkfd.xn--p1ai/", "пример.рф"),
            ("mailto:ann@example.com", "Ann <ann@example.com>"),
            ("http://192.168.1.1/", "the router"),
        ] {
            assert!(!misleads(target, text), "{text} to {target}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(
            visible("a\u{200b}b\u{202e}".into()).as_ref(),
            "a⟨U+200B⟩b⟨U+202E⟩"
        );
        for honest in ["👩‍👩‍👧", "می‌خواهم", "plain"] {
            assert_eq!(visible(honest.into()).as_ref(), honest);
        }
    }
}
