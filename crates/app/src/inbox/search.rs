//! What is looked for: the words of a person, made a question to the index. Pure.
//!
//! Owns how text becomes words, in what is stored and in what is asked alike: Chinese, Japanese and
//! Korean are written without spaces, so each of their characters is a word of its own, and several
//! together are a phrase. Invariant: whatever is typed is a question that the index understands.

/// Bytes of a body that are searched: far more than people write; a log of a megabyte would cost
/// more than all else that is stored.
const SEARCHED_BYTES: usize = 64 * 1024;

/// Words of a question that count: more only come from a paste, and each costs a look.
pub(super) const WORDS: usize = 16;

/// Characters of a question that count, likewise.
pub(super) const CHARS: usize = 200;

/// A text as it goes into the index.
pub(super) fn spaced(text: &str) -> String {
    let text = beginning(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // The index ends a text at this one.
        if c == '\0' {
            out.push(' ');
        } else if stands_alone(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// As much of a text as is searched.
pub(super) fn beginning(text: &str) -> &str {
    let mut end = SEARCHED_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The question, in the index's language; none where nothing is asked. Words are beginnings, all of
/// them must be there, and what stands in quotation marks must be there as it stands.
pub(super) fn question(typed: &str) -> Option<String> {
    let typed: String = typed.chars().take(CHARS).collect();
    let mut terms = Vec::new();
    for (number, part) in typed.split(['"', '“', '”']).enumerate() {
        // Every second part stands within marks, also while the closing one is still to be typed.
        if number % 2 == 1 {
            terms.extend(term(part, false));
        } else {
            terms.extend(part.split_whitespace().filter_map(|word| term(word, true)));
        }
    }
    terms.truncate(WORDS);
    (!terms.is_empty()).then(|| terms.join(" "))
}

/// A string of the index's language: within its marks nothing has a meaning but the mark itself,
/// which is not among these words.
fn term(words: &str, beginning: bool) -> Option<String> {
    if !words.chars().any(char::is_alphanumeric) {
        return None;
    }
    let mark = if beginning { "*" } else { "" };
    Some(format!("\"{}\"{mark}", spaced(words)))
}

/// Characters that are words: of scripts written without spaces.
pub(super) fn stands_alone(c: char) -> bool {
    matches!(c,
        // Kana, Bopomofo, ideographs with their extensions, Hangul.
        '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}'
        // Thai, Lao, Khmer, Burmese.
        | '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rusqlite::{Connection, params};

    fn index(texts: &[&str]) -> Connection {
        let index = Connection::open_in_memory().unwrap();
        index
            .execute_batch(
                "CREATE VIRTUAL TABLE s USING fts5 (t, content = '', contentless_delete = 1,
                     tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3')",
            )
            .unwrap();
        for (text, id) in texts.iter().zip(0_i64..) {
            index
                .execute(
                    "INSERT INTO s (rowid, t) VALUES (?1, ?2)",
                    params![id, spaced(text)],
                )
                .unwrap();
        }
        index
    }

    fn found(index: &Connection, typed: &str) -> Option<Vec<i64>> {
        let question = question(typed)?;
        let mut statement = index
            .prepare("SELECT rowid FROM s WHERE s MATCH ?1 ORDER BY rowid")
            .unwrap();
        let rows = statement.query_map([question], |row| row.get(0)).unwrap();
        Some(rows.collect::<rusqlite::Result<_>>().unwrap())
    }

    #[test]
    fn words_are_beginnings_and_all_must_match_in_any_script() {
        let index = index(&[
            "The build of main is green",
            "Ärger mit dem Gebäude, wieder",
            "晚上一起吃饭吗？七点在老地方见",
            "C++ and foo-bar_baz at ann@example.org, 100%",
            "会议改到十点 meeting room B",
        ]);
        for (typed, expected) in [
            ("build", vec![0]),
            ("BUI gre", vec![0]),
            ("arger", vec![1]),
            ("gebaude", vec![1]),
            ("吃饭", vec![2]),
            ("饭", vec![2]),
            ("饭吃", vec![]),
            ("点", vec![2, 4]),
            ("十点meet", vec![4]),
            ("会议 room", vec![4]),
            ("c++", vec![3]),
            ("foo-ba", vec![3]),
            ("ann@exa", vec![3]),
            ("100%", vec![3]),
            ("\"main is\"", vec![0]),
            ("\"main i\"", vec![]),
            ("\"is main\"", vec![]),
            ("“main is”", vec![0]),
            ("\"main is", vec![0]),
            ("uild", vec![]),
            ("green OR wieder", vec![]),
        ] {
            assert_eq!(found(&index, typed), Some(expected), "{typed}");
        }
        for nothing in ["", "  ", "\"\"", "-- * ( )", "🎉", "\"", "*"] {
            assert_eq!(found(&index, nothing), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_understood(typed in "\\PC{0,60}|[\"“”*^:(){}+ \\-\0a中ANDORNEAR,]{0,60}") {
            let index = index(&["a b c"]);
            found(&index, &typed);
        }
    }
}
