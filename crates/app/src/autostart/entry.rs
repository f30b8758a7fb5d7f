//! The text of the desktop entry that starts Tidings at login, written and read. Pure.
//!
//! Written by the Desktop Entry Specification 1.5: words of `Exec` that need it are quoted, and a
//! value's backslashes are doubled once more. Read as far as Tidings cares: whether it is enabled,
//! the first word of `Exec`, and whether `--hidden` is among the others.

/// The argument that starts without a window.
const HIDDEN: &str = "--hidden";

/// Characters for which a word of `Exec` must be quoted.
const RESERVED: &str = " \t\n\"'\\><~|&;$*?#()`";

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Nobody switched it off.
    pub(super) enabled: bool,
    /// The program, a path or a name.
    pub(super) program: String,
    /// It starts without a window.
    pub(super) hidden: bool,
}

/// The entry's text.
pub(super) fn write(program: &str, hidden: bool) -> String {
    let argument = if hidden {
        format!(" {HIDDEN}")
    } else {
        String::new()
    };
    let exec = format!("{}{argument}", quoted(program)).replace('\\', r"\\");
    format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=Tidings\n\
         Comment=Messages from your programs and people, on your desktop\n\
         Comment[zh_CN]=程序和他人发来的消息，显示在你的桌面上\n\
         Icon=tidings\n\
         Exec={exec}\n\
         Terminal=false\n\
         X-GNOME-Autostart-enabled=true\n"
    )
}

/// What a text says; none where it is no entry that starts something.
pub(super) fn read(text: &str) -> Option<Entry> {
    let mut inside = false;
    let mut exec = None;
    let mut enabled = true;
    for line in text.lines().map(trimmed) {
        if line.starts_with('[') {
            inside = line == "[Desktop Entry]";
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else {
            continue;
        };
        let value = trimmed(value);
        match trimmed(key) {
            "Exec" => exec = Some(value.to_owned()),
            "Hidden" => enabled &= value != "true",
            "X-GNOME-Autostart-enabled" => enabled &= value != "false",
            _ => {}
        }
    }
    let mut words = words(&unescaped(&exec?)).into_iter();
    Some(Entry {
        enabled,
        program: words.next().filter(|word| !word.is_empty())?,
        hidden: words.any(|word| word == HIDDEN),
    })
}

/// Other blanks than these two belong to what they stand beside.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn quoted(word: &str) -> String {
    // A percent sign begins a field code, quoted or not.
    let word = word.replace('%', "%%");
    if !word.contains(|c| RESERVED.contains(c)) {
        return word;
    }
    let mut quoted = String::from('"');
    for character in word.chars() {
        if matches!(character, '"' | '`' | '$' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// A value of the file as it was meant.
fn unescaped(value: &str) -> String {
    let mut meant = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('s') => meant.push(' '),
                Some('n') => meant.push('\n'),
                Some('t') => meant.push('\t'),
                Some('r') => meant.push('\r'),
                Some(other) => meant.push(other),
                None => meant.push('\\'),
            },
            (other, false) => meant.push(other),
        }
    }
    meant
}

/// The words of `Exec`.
fn words(exec: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quoting = false;
    let mut characters = exec.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoting = !quoting;
                word.get_or_insert_default();
            }
            '\\' if quoting => word.get_or_insert_default().extend(characters.next()),
            '%' if characters.peek() == Some(&'%') => {
                word.get_or_insert_default().extend(characters.next());
            }
            ' ' | '\t' if !quoting => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_is_what_desktops_read() {
        let text = write("/usr/bin/tidings", true);
        assert!(
            text.contains("\nExec=/usr/bin/tidings --hidden\n"),
            "{text}"
        );
        let text = write("/opt/my $tuff/tidings", false);
        assert!(
            text.contains("\nExec=\"/opt/my \\\\$tuff/tidings\"\n"),
            "{text}"
        );
    }

    #[test]
    fn entries_of_other_hands_are_understood() {
        let entry = |text: &str| read(&format!("[Desktop Entry]\n{text}\n"));
        let plain = Entry {
            enabled: true,
            program: "tidings".into(),
            hidden: true,
        };
        assert_eq!(entry("Exec = tidings --hidden"), Some(plain.clone()));
        assert_eq!(entry("Exec=\"tidings\"  \"--hidden\""), Some(plain.clone()));
        let off = Entry {
            enabled: false,
            ..plain
        };
        assert_eq!(entry("Hidden=true\nExec=tidings --hidden"), Some(off));
        for none in ["", "Name=x", "Exec=", "Exec=\"\""] {
            assert_eq!(entry(none), None, "{none}");
        }
        assert_eq!(read("Exec=tidings"), None, "outside of any group");
        let action = "[Desktop Entry]\nExec=tidings\n[Desktop Action x]\nExec=other --hidden\n";
        assert_eq!(
            read(action).map(|e| (e.program, e.hidden)),
            Some(("tidings".into(), false))
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(program in "/[^\\x00\n\r]{1,40}", hidden: bool) {
            let entry = read(&write(&program, hidden)).unwrap();
            prop_assert_eq!(entry, Entry { enabled: true, program, hidden });
        }

        #[test]
        fn any_text_is_borne(text in "(\\PC|\n|=|\\[Desktop Entry\\]\n|Exec=){0,60}") {
            let _ = read(&text);
        }
    }
}
