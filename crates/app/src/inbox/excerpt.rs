//! What of a message is shown where it was found: the part of its body in which the words stand. Pure.
//!
//! Finds what the index finds (`search`): words are beginnings, case and accents do not count.

use unicode_normalization::char::decompose_canonical;

use super::search::{self, stands_alone};
use crate::text;

/// Characters before the word that are shown: enough to know what it is about, few enough for the
/// word to be in sight in the narrowest list.
const BEFORE: usize = 24;

/// Characters of an address or a mark that are gone back through at most.
const LONGEST: usize = 400;

/// The words of a question, to look for in texts.
pub(super) struct Words(Vec<String>);

impl Words {
    /// None where nothing is asked.
    pub(super) fn of(typed: &str) -> Option<Self> {
        search::question(typed)?;
        let folded: String = typed.chars().take(search::CHARS).map(fold).collect();
        let words = folded.split(|c: char| !c.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).take(search::WORDS);
        Some(Self(words.map(str::to_owned).collect()))
    }

    /// Those that stand in none of the texts.
    fn missing(&self, seen: &[&str]) -> impl Iterator<Item = &String> {
        let seen: Vec<Vec<char>> = seen.iter().map(|text| folded(text)).collect();
        let stands = move |word: &str| seen.iter().any(|text| place(text, word).is_some());
        self.0.iter().filter(move |word| !stands(word))
    }

    /// Whether a list row says it already.
    pub(super) fn stand_in(&self, seen: &[&str]) -> bool {
        self.missing(seen).next().is_none()
    }

    /// The part of a body around the first word that stands in none of `seen`; none where no such word
    /// is in the body's text.
    pub(super) fn excerpt(&self, body: &str, seen: &[&str]) -> Option<String> {
        let body = search::beginning(body);
        let letters = folded(body);
        let missing: Vec<&String> = self.missing(seen).collect();
        missing.into_iter().find_map(|word| {
            let at = place(&letters, word)?;
            let from = opening(&letters, at);
            let (start, _) = body.char_indices().nth(from)?;
            let part = text::preview(body.get(start..)?);
            // It may stand in a mark or an address, of which nothing is shown.
            place(&folded(&part), word)?;
            Some(if from > 0 { format!("…{part}") } else { part })
        })
    }
}

/// Where the excerpt begins for a word that begins there: at a word, and on the word's own line.
fn opening(letters: &[char], at: usize) -> usize {
    let least = at.saturating_sub(BEFORE);
    let before = letters.get(least..at).unwrap_or_default();
    if let Some(line) = before.iter().rposition(|&c| c == '\n') {
        return least + line + 1;
    }
    if least == 0 {
        return 0;
    }
    if let Some(blank) = before.iter().position(|c| c.is_whitespace()) {
        return least + blank + 1;
    }
    // Not in the middle of an address or a mark, which would be taken for text.
    let whole = letters.get(..least).unwrap_or_default();
    let joined = |c: &&char| c.is_ascii() && !c.is_whitespace();
    least - whole.iter().rev().take(LONGEST).take_while(joined).count()
}

/// Where a word begins in a text, in characters.
fn place(text: &[char], word: &str) -> Option<usize> {
    let word: Vec<char> = word.chars().collect();
    let first = *word.first()?;
    let begins = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        stands_alone(first) || before.is_none_or(|&c| !c.is_alphanumeric() || stands_alone(c))
    };
    let places = text.windows(word.len()).enumerate();
    places
        .filter(|(_, part)| *part == word.as_slice())
        .find_map(|(at, _)| begins(at).then_some(at))
}

fn folded(text: &str) -> Vec<char> {
    text.chars().map(fold).collect()
}

/// A letter without case and accent; one for one, so that places in one text are places in the other.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut bare = None;
    decompose_canonical(c, |part| {
        bare.get_or_insert(part);
    });
    let bare = bare.filter(|_| !stands_alone(c)).unwrap_or(c);
    bare.to_lowercase().next().unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(body: &str, typed: &str) -> Option<String> {
        let preview = text::preview(body);
        let shown: String = preview.chars().take(30).collect();
        Words::of(typed)?.excerpt(body, &["A title", &shown])
    }

    #[test]
    fn the_part_with_the_word_is_shown() {
        let long = "Nothing of interest here. ".repeat(100);
        let body = format!("{long}\n\nThe **Gebäude** near the river is closed.");
        let found = excerpt(&body, "gebaude").unwrap();
        assert_eq!(found, "…The Gebäude near the river is closed.");
        let body = format!("{long} and then the river rises");
        let found = excerpt(&body, "riv").unwrap();
        assert_eq!(found, "…here. and then the river rises");
        let body = format!("{long}晚上一起吃饭吗？七点在老地方见");
        assert!(excerpt(&body, "吃饭").unwrap().contains("吃饭吗"));
    }

    #[test]
    fn what_is_seen_already_needs_no_excerpt() {
        assert_eq!(excerpt("Hello there", "hel"), None);
        assert_eq!(excerpt("Hello there", "title"), None);
        assert!(
            Words::of("hello there")
                .unwrap()
                .stand_in(&["there", "Hello"])
        );
        assert!(
            !Words::of("hello all")
                .unwrap()
                .stand_in(&["there", "Hello"])
        );
        assert!(Words::of(" \"* ").is_none());
    }

    #[test]
    fn a_word_in_an_address_alone_is_not_pretended_to_be_text() {
        let body = format!(
            "{}[here](https://example.com/wanted)",
            "Some words. ".repeat(20)
        );
        assert_eq!(excerpt(&body, "wanted"), None);
    }
}
