//! Message bodies: Markdown, by custom, from anybody who may send. They are hostile until shown
//! otherwise.
//!
//! Owns turning a body into HTML that a page may insert as it is. Two fences, each enough by
//! itself: the Markdown's events are rewritten so that raw HTML is text and nothing is fetched, and
//! what is made of them passes an allow-list (ammonia). The page's content policy is the third.
//!
//! Invariants: no script, style, form, frame, image, id or event handler comes out; a link's target
//! is http, https or mailto, and one that looks like another is marked; a picture is a word with its
//! address beside it, and nothing in the output makes the page load anything; characters that turn the
//! direction of other text do not come out; work and output are bounded for any input.

use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream};

use disguise::{OTHER, in_attribute, unmasked};
use links::{is_openable, with_links};
use url::Url;

mod disguise;
mod links;

/// Marks within marks that are kept; deeper ones become their text. The cleaner's work grows with
/// the square of the depth, and nobody reads the twentieth quotation.
const DEPTH: usize = 16;

/// Bytes of HTML. The wire's frame is 1 MiB, and HTML of honest Markdown is not five times longer;
/// a body made to be larger (tables of empty cells) is shown as it was written.
const HTML_BYTES: usize = 5 * 1024 * 1024;

/// Makes HTML of a body.
#[must_use]
pub fn render(body: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = TextMergeStream::new(Parser::new_ext(body, options));
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, breakable(unmasked(tamed(events))));
    if html.len() > HTML_BYTES || writing_steps(&html) > WRITING_STEPS {
        return straight(as_written(body));
    }
    straight(cleaner().clean(&aligned(html)).to_string())
}

/// Without the characters that turn others: what links had of them is written out already.
fn straight(html: String) -> String {
    if html.contains(turns_text) {
        html.chars().filter(|c| !turns_text(*c)).collect()
    } else {
        html
    }
}

/// Looks at a byte that the cleaner's writer may take. html5ever 0.40 searches all the text that is
/// left anew for each ampersand and each character of U+0080 to U+00BF: a second or so at worst.
const WRITING_STEPS: usize = 1 << 31;

/// About how many looks the writer takes; never fewer than it does.
fn writing_steps(html: &str) -> usize {
    let searched = html.bytes().filter(|b| matches!(b, b'&' | 0xc2)).count();
    searched.saturating_mul(html.len())
}

/// Characters without a blank after which a line may break. A page takes the square of the length to
/// find where to break a word, and a megabyte of one word is easily sent; honest words are shorter.
const WORD: usize = 120;

/// The events with places to break a line in words that are too long, through all marks within them.
fn breakable<'a>(events: Vec<Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut verbatim = false;
    let mut word = 0;
    events.into_iter().flat_map(move |event| {
        match &event {
            Event::Start(Tag::CodeBlock(_)) => verbatim = true,
            Event::End(TagEnd::CodeBlock) => verbatim = false,
            Event::Text(text) if !verbatim => return broken(text, &mut word),
            Event::Code(text) => {
                let mut events = vec![Event::InlineHtml("<code>".into())];
                events.extend(broken(text, &mut word));
                events.push(Event::InlineHtml("</code>".into()));
                return events;
            }
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. })
            // Marks of ours: links and pictures.
            | Event::InlineHtml(_)
            | Event::End(
                TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link,
            ) => {}
            _ => word = 0,
        }
        vec![event]
    })
}

/// A text with such places; `word` characters of a word stand before it already.
fn broken(text: &CowStr<'_>, word: &mut usize) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    let mut part = String::new();
    for c in text.chars() {
        *word = if c.is_whitespace() { 0 } else { *word + 1 };
        part.push(c);
        if *word >= WORD {
            *word = 0;
            events.push(Event::Text(std::mem::take(&mut part).into()));
            events.push(Event::InlineHtml("<wbr>".into()));
        }
    }
    if !part.is_empty() {
        events.push(Event::Text(part.into()));
    }
    events
}

/// The alignment of a table's cells, which the writer says as a style, as an attribute: no style gets
/// through the cleaner. In a text no such tag can stand: its `<` is written otherwise.
fn aligned(html: String) -> String {
    if !html.contains("style=\"text-align: ") {
        return html;
    }
    let mut html = html;
    for tag in ["td", "th"] {
        for to in ALIGNMENTS {
            let style = format!("<{tag} style=\"text-align: {to}\">");
            html = html.replace(&style, &format!("<{tag} align=\"{to}\">"));
        }
    }
    html
}

/// How a table's cells may be aligned.
const ALIGNMENTS: [&str; 3] = ["left", "center", "right"];

/// A body that is not worth its work, as it was written.
fn as_written(body: &str) -> String {
    let mut html = String::with_capacity(body.len() + 64);
    html.push_str("<pre>");
    for c in body.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            c => html.push(c),
        }
    }
    html.push_str("</pre>");
    html
}

/// Whether a character reorders the text around it: with them a link reads as another.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The events without what a message may not do.
fn tamed<'a>(events: impl Iterator<Item = Event<'a>>) -> Vec<Event<'a>> {
    let mut out = Vec::new();
    let mut depth = 0_usize;
    // Links that are not opened lose their mark and keep their text.
    let mut open_links: Vec<bool> = Vec::new();
    // The pictures whose descriptions are being read, within each other.
    let mut images: Vec<Picture<'a>> = Vec::new();
    let mut verbatim = false;
    for event in events {
        match event {
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                let keep =
                    is_openable(dest_url) && !open_links.contains(&true) && images.is_empty();
                open_links.push(keep);
                if keep {
                    out.push(event);
                }
            }
            Event::End(TagEnd::Link) => {
                if open_links.pop() == Some(true) {
                    out.push(event);
                }
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let host = if images.is_empty() {
                    host(&dest_url)
                } else {
                    None
                };
                if host.is_some() {
                    let address = in_attribute(&dest_url);
                    let mark = format!("<span class=\"{IMAGE}\" data-src=\"{address}\">");
                    out.push(Event::InlineHtml(mark.into()));
                }
                let began = out.len();
                images.push(Picture {
                    address: dest_url,
                    host,
                    began,
                });
            }
            Event::End(TagEnd::Image) => match images.pop() {
                Some(Picture {
                    host: Some(host),
                    began,
                    ..
                }) => {
                    // Without a description it is called after where it lies.
                    if out.len() == began {
                        out.push(Event::Text(host.into()));
                    }
                    out.push(Event::InlineHtml("</span>".into()));
                }
                Some(Picture { address, .. }) if images.is_empty() => {
                    out.push(Event::Text(" ".into()));
                    let linked = open_links.contains(&true);
                    out.extend(text_or_links(address, linked));
                }
                _ => {}
            },
            Event::Start(tag) => {
                verbatim |= matches!(tag, Tag::CodeBlock(_));
                depth += 1;
                if depth <= DEPTH {
                    out.push(Event::Start(tag));
                }
            }
            Event::End(tag) => {
                verbatim &= !matches!(tag, TagEnd::CodeBlock);
                if depth <= DEPTH {
                    out.push(Event::End(tag));
                }
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) => {
                let plain = verbatim || open_links.contains(&true) || !images.is_empty();
                out.extend(text_or_links(text, plain));
            }
            // Written HTML is shown as what it is: text.
            Event::Html(html) | Event::InlineHtml(html) => out.push(Event::Text(html)),
            // People and scripts mean the line breaks that they write.
            Event::SoftBreak => out.push(Event::HardBreak),
            Event::TaskListMarker(done) => {
                out.push(Event::Text(if done { "☑ " } else { "☐ " }.into()));
            }
            other => out.push(other),
        }
    }
    out
}

/// The class of a word that stands for a picture.
const IMAGE: &str = "image";

/// A picture whose description is being read.
struct Picture<'a> {
    address: CowStr<'a>,
    /// Its host, if it may be asked for.
    host: Option<String>,
    /// Where its description begins.
    began: usize,
}

/// The host of a picture that a person may ask for; the agent fetches by https only.
fn host(address: &str) -> Option<String> {
    let address = Url::parse(address).ok()?;
    let host = address.host_str()?;
    (address.scheme() == "https").then(|| host.to_owned())
}

fn text_or_links(text: CowStr<'_>, plain: bool) -> Vec<Event<'_>> {
    if plain {
        vec![Event::Text(text)]
    } else {
        with_links(text)
    }
}

/// The allow-list.
fn cleaner() -> Builder<'static> {
    let tags = [
        "p",
        "br",
        "wbr",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "ul",
        "ol",
        "li",
        "pre",
        "code",
        "em",
        "strong",
        "del",
        "span",
        "a",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ];
    let attributes = [
        ("a", HashSet::from(["href", "class"])),
        ("span", HashSet::from(["class", "data-src"])),
        ("code", HashSet::from(["class"])),
        ("ol", HashSet::from(["start"])),
        ("td", HashSet::from(["align"])),
        ("th", HashSet::from(["align"])),
    ];
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from(tags))
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from(attributes))
        .url_schemes(HashSet::from(links::SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("a", "class") => (value == OTHER).then(|| value.into()),
            ("span", "class") => (value == IMAGE).then(|| value.into()),
            ("span", "data-src") => host(value).is_some().then(|| value.into()),
            ("code", "class") => is_language(value).then(|| value.into()),
            ("td" | "th", "align") => ALIGNMENTS.contains(&value).then(|| value.into()),
            ("ol", "start") => value.parse::<u32>().is_ok().then(|| value.into()),
            _ => Some(value.into()),
        });
    cleaner
}

/// Whether a class only names a code block's language.
fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|name| {
        (1..=24).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-#._".contains(c))
    })
}

#[cfg(test)]
mod tests;
