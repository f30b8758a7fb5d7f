//! Plain text of a message, for lists and notifications. Pure.
//!
//! Owns what is left out: Markdown's marks, control characters, and the invisible characters that
//! turn or hide text (a sender could make "cod.exe" read "exe.doc" with them).
//!
//! Invariants: what comes out is bounded, holds no control character but the line break, and no
//! character that overrides direction.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Characters of a notification's body: daemons show a few lines, and history a few more.
pub(crate) const NOTIFICATION_CHARS: usize = 1000;

/// Characters of a preview: more than any list row shows.
pub(crate) const PREVIEW_CHARS: usize = 200;

/// Characters of a title or a notice: what a window shows without scrolling.
pub(crate) const LINE_CHARS: usize = 500;

/// Bytes of Markdown that are looked at: enough for the longest text above, and a bound on the work
/// a hostile body can make.
const LOOKED_AT_BYTES: usize = 16 * 1024;

/// The body of a notification: plain text in lines.
pub(crate) fn notification(markdown: &str) -> String {
    lines(&plain(markdown))
}

fn lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(squeeze)
        .filter(|line| !line.is_empty())
        .collect();
    shorten(&lines.join("\n"), NOTIFICATION_CHARS)
}

/// The preview of a list row: plain text in one line.
pub(crate) fn preview(markdown: &str) -> String {
    shorten(&squeeze(&plain(markdown)), PREVIEW_CHARS)
}

/// What an answer says itself: without the quote that it begins with, unless there is nothing else.
pub(crate) fn answer(body: &str) -> &str {
    let mut rest = body;
    while rest.starts_with('>') {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let rest = rest.trim_start();
    if rest.is_empty() { body } else { rest }
}

/// One line of text that is not Markdown: titles and names.
pub(crate) fn line(text: &str) -> String {
    short(text, LINE_CHARS)
}

/// One line of at most so many characters, without those that control or turn text: tags and labels.
#[must_use]
pub fn short(text: &str, chars: usize) -> String {
    let beginning = beginning(text, LOOKED_AT_BYTES);
    shorten(
        &squeeze(&beginning.chars().filter_map(clean).collect::<String>()),
        chars,
    )
}

/// Text that is no Markdown, in lines, for a notification.
pub(crate) fn notification_of_text(text: &str) -> String {
    let cleaned: String = beginning(text, LOOKED_AT_BYTES)
        .chars()
        .filter_map(clean)
        .collect();
    lines(&cleaned)
}

fn plain(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut text = String::new();
    let mut hidden = 0_usize;
    for event in Parser::new_ext(beginning(markdown, LOOKED_AT_BYTES), options) {
        match event {
            // The description of a picture is text; HTML is not.
            Event::Start(Tag::HtmlBlock | Tag::MetadataBlock(_)) => hidden += 1,
            Event::End(TagEnd::HtmlBlock | TagEnd::MetadataBlock(_)) => {
                hidden = hidden.saturating_sub(1);
            }
            Event::Start(Tag::Item) => text.push_str("• "),
            Event::Text(part) | Event::Code(part) if hidden == 0 => {
                text.extend(part.chars().filter_map(clean));
            }
            Event::SoftBreak | Event::HardBreak | Event::Rule => text.push('\n'),
            Event::TaskListMarker(done) => text.push_str(if done { "☑ " } else { "☐ " }),
            Event::End(TagEnd::TableCell) => text.push(' '),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::CodeBlock
                | TagEnd::TableHead
                | TagEnd::TableRow,
            ) => text.push('\n'),
            _ => {}
        }
    }
    text
}

/// The character as it may be shown, if it may.
fn clean(c: char) -> Option<char> {
    match c {
        '\n' => Some('\n'),
        '\t' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        // Marks, embeddings, overrides and isolates of direction; zero-width space, BOM and tags.
        '\u{061c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// Runs of blanks become one space.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// At most so many bytes, cut between characters.
fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markdown_becomes_text_in_lines() {
        let body = "# Backup\nof **host** `db1`\n\n- [x] dump\n- [ ] [upload](https://e.example)\n\n\
                    ![a chart](http://tracker/x.png)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>x()</script>\n";
        assert_eq!(
            notification(body),
            "Backup\nof host db1\n• ☑ dump\n• ☐ upload\na chart\na b\n1 2"
        );
        assert_eq!(
            preview(body),
            "Backup of host db1 • ☑ dump • ☐ upload a chart a b 1 2"
        );
    }

    #[test]
    fn an_answer_is_what_follows_its_quote() {
        for (body, said) in [
            ("> **Door**\n> open?\n\nNo\n> not that", "No\n> not that"),
            ("> open?\r\n\r\nNo", "No"),
            ("No", "No"),
            ("> only a quote", "> only a quote"),
            ("", ""),
        ] {
            assert_eq!(answer(body), said, "{body:?}");
        }
    }

    #[test]
    fn direction_tricks_and_controls_are_left_out() {
        assert_eq!(
            line("cod\u{202e}exe.\u{7}doc\u{200b}\n next"),
            "codexe.doc next"
        );
        assert_eq!(
            notification("a\u{2066}b\u{0}c"),
            "abc\u{fffd}".replace('\u{fffd}', "")
        );
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        let title = line(&"ä".repeat(5000));
        assert_eq!(title.chars().count(), LINE_CHARS);
        assert!(title.ends_with('…'));
    }

    proptest! {
        #[test]
        fn whatever_comes_stays_bounded_and_clean(body in "\\PC{0,400}|[\\x00-\\x7f\u{202a}-\u{202e}*_`#<>\\[\\]()|-]{0,400}") {
            for (text, chars) in [
                (notification(&body), NOTIFICATION_CHARS),
                (preview(&body), PREVIEW_CHARS),
                (line(&body), LINE_CHARS),
            ] {
                prop_assert!(text.chars().count() <= chars);
                prop_assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && clean(c) == Some(c))));
            }
            prop_assert!(!preview(&body).contains('\n'));
        }
    }
}
