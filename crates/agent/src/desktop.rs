//! What the agent does on the person's desktop for a face: open a link, fill the clipboard.

use tidings_control::{Code, Failure, Words};
use url::Url;

use crate::texts;

/// Links that open without asking: anything else may start a program that the sender chose.
const SCHEMES: &[&str] = &["http", "https", "mailto"];

/// Opens a link in the person's browser or mail program.
///
/// # Errors
/// [`Code::Invalid`] for what is no link, or of another scheme; [`Code::System`] where no program
/// opens it.
pub(crate) fn open_link(link: &str) -> Result<(), Failure> {
    let url = parsed(link)?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(invalid(texts::link_not_opened(url.scheme())));
    }
    open(&url)
}

/// Opens a link that the person agreed to, whatever program that starts.
///
/// # Errors
/// As [`open_link`], but for the scheme.
pub(crate) fn open_allowed(link: &str) -> Result<(), Failure> {
    open(&parsed(link)?)
}

fn invalid(message: Words) -> Failure {
    Failure {
        code: Code::Invalid,
        message,
    }
}

fn parsed(link: &str) -> Result<Url, Failure> {
    Url::parse(link).map_err(|_| invalid(texts::no_link(link)))
}

fn open(url: &Url) -> Result<(), Failure> {
    open::that_detached(url.as_str()).map_err(|error| Failure {
        code: Code::System,
        message: texts::no_browser(error),
    })
}

/// What a text for the clipboard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anybody may see it.
    Text,
    /// Nobody is to find it later.
    Secret,
}

/// The clipboard, kept while the agent runs: what it holds goes with its owner.
#[derive(Default)]
pub(crate) struct Clipboard(Option<arboard::Clipboard>);

impl Clipboard {
    /// Puts a text there. Blocks until the display answers: for a blocking thread.
    ///
    /// # Errors
    /// [`Code::System`] where there is no clipboard.
    pub(crate) fn set(&mut self, text: String, kind: Kind) -> Result<(), Failure> {
        let set = |clipboard: &mut arboard::Clipboard| {
            #[cfg(target_os = "linux")]
            if kind == Kind::Secret {
                use arboard::SetExtLinux;
                // Clipboard histories are files in the clear.
                return clipboard.set().exclude_from_history().text(text);
            }
            clipboard.set_text(text)
        };
        let outcome = match &mut self.0 {
            Some(clipboard) => set(clipboard),
            None => arboard::Clipboard::new().and_then(|made| set(self.0.insert(made))),
        };
        outcome.map_err(|error| Failure {
            code: Code::System,
            message: texts::no_clipboard(error, kind == Kind::Secret),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_schemes_are_opened() {
        for link in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ssh://host",
            "data:text/html,x",
        ] {
            assert_eq!(
                open_link(link).map_err(|f| f.code),
                Err(Code::Invalid),
                "{link}"
            );
        }
        assert_eq!(open_link("no link").map_err(|f| f.code), Err(Code::Invalid));
    }
}
