//! Which links a message may carry, and finding those that its text only names.

use pulldown_cmark::{CowStr, Event, LinkType, Tag, TagEnd};

/// What a link may lead to. The agent opens no other.
pub(super) const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// Whether a link's target may be opened.
pub(super) fn is_openable(target: &str) -> bool {
    target.split_once(':').is_some_and(|(scheme, rest)| {
        let scheme = scheme.to_ascii_lowercase();
        SCHEMES.contains(&scheme.as_str()) && !rest.is_empty()
    })
}

/// A text with the addresses in it made links: programs write them bare.
pub(super) fn with_links(text: CowStr<'_>) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    let mut rest = text.as_ref();
    while let Some((before, address, after)) = first_address(rest) {
        if !before.is_empty() {
            events.push(Event::Text(before.to_owned().into()));
        }
        events.push(Event::Start(Tag::Link {
            link_type: LinkType::Autolink,
            dest_url: address.to_owned().into(),
            title: "".into(),
            id: "".into(),
        }));
        events.push(Event::Text(address.to_owned().into()));
        events.push(Event::End(TagEnd::Link));
        rest = after;
    }
    if events.is_empty() {
        return vec![Event::Text(text)];
    }
    if !rest.is_empty() {
        events.push(Event::Text(rest.to_owned().into()));
    }
    events
}

/// What stands before the first address, the address, and what stands after it.
fn first_address(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let found = from + text.get(from..)?.find("http")?;
        let (before, here) = text.split_at_checked(found)?;
        let ours = ["https://", "http://"].iter().any(|s| here.starts_with(s));
        if ours && !before.ends_with(|c: char| c.is_alphanumeric()) {
            let end = here
                .find(|c: char| {
                    c.is_whitespace() || c.is_control() || "<>\"'`“”‘’（）。，、；".contains(c)
                })
                .unwrap_or(here.len());
            // The end of a sentence is not the end of an address.
            let address = here
                .get(..end)?
                .trim_end_matches(|c: char| ".,;:!?)]}*_".contains(c));
            if address.trim_start_matches(|c| c != ':').len() > "://".len() {
                return Some((before, address, here.get(address.len()..)?));
            }
        }
        from = found + "http".len();
    }
}
