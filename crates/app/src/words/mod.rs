//! What the app says to people, in both languages.
//!
//! Owns the words: an error's English is its `Display`, beside the error; its Chinese is here, and
//! so is what is no error of one operation ([`Wrong`]). What is said where, and when, is decided by
//! those who say it.
//!
//! Invariants: no wildcard stands in a match, so that nothing new stays without its Chinese; words
//! of others (a relay's, the system's) are arguments, cleaned by those who pass them.

mod errors;
mod session;
mod wrong;

use std::fmt::Display;

use tidings_control::Words;

pub(crate) use wrong::Wrong;

use crate::text;

/// Something whose `Display` is English and that can be said in Chinese too.
pub(crate) trait Chinese: Display {
    /// The same in Chinese.
    fn chinese(&self) -> String;

    /// In both.
    fn words(&self) -> Words {
        Words::new(self.to_string(), self.chinese())
    }
}

/// In both, as whole sentences. A relay's own words may be in it, of any length and with any
/// characters, and they reach terminals and panels: they are cleaned and cut.
pub(crate) fn sentences(what: &impl Chinese) -> Words {
    let Words { en, zh } = what.words();
    Words::new(sentence(&text::line(&en)), full_stop(text::line(&zh)))
}

/// A library's words as a sentence.
pub(crate) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

fn full_stop(mut words: String) -> String {
    if !words.is_empty() && !words.ends_with(['。', '！', '？', '…']) {
        words.push('。');
    }
    words
}

/// Both languages say something, each its own, and in its own script.
#[cfg(test)]
pub(crate) fn complete(words: &Words) {
    let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    assert!(words.zh.chars().any(han), "{words:?}");
    assert!(!words.en.is_empty(), "{words:?}");
    assert!(!words.en.chars().any(han), "{words:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_sentences() {
        assert_eq!(sentence("the relay is gone"), "The relay is gone.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
        assert_eq!(full_stop("中继不在".to_owned()), "中继不在。");
        assert_eq!(full_stop(String::new()), "");
    }
}
