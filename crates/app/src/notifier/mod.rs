//! Raising notifications: the seam to the desktop, and what is raised.
//!
//! Owns the trait and the texts on buttons; the desktop's manners are in `desktop`. Knows nothing
//! of the inbox: which messages are raised, and when again, is the flow's business.

#[cfg(all(unix, not(target_os = "macos")))]
mod desktop;
mod silent;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;

#[cfg(all(unix, not(target_os = "macos")))]
pub use desktop::Desktop;
/// Not built for this platform yet: messages come in silently.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub use silent::Silent as Desktop;
pub use silent::Silent;

use crate::inbox::Unnotified;
use crate::text;
use crate::types::{Language, MessageId, Priority};

/// A future that may be sent between threads, as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is raised: plain text, bounded and cleaned already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The message it is about.
    pub message: MessageId,
    /// One line; never empty.
    pub title: String,
    /// Lines; may be empty.
    pub body: String,
    /// Urgency, where the desktop has one.
    pub priority: Priority,
    /// The words on the notification.
    pub words: Words,
}

/// The words of the app itself on a notification, in the person's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The button that opens the message.
    pub open: &'static str,
    /// The title of a message that has neither title nor body.
    pub untitled: &'static str,
}

/// Why a notification was not raised. It stays due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RaiseError {
    /// Nobody shows notifications here.
    #[error(
        "No notification service runs on this desktop, so messages arrive silently. Start one (dunst, mako or the desktop's own); what was missed is shown then."
    )]
    Absent,
    /// The service takes calls and does not answer.
    #[error(
        "The notification service does not answer, so messages arrive silently. Restart it, or log out and in again; what was missed is shown then."
    )]
    Silent,
    /// It refused, with its words.
    #[error("The notification service refused a notification ({0}). It is tried again.")]
    Refused(String),
}

/// A way to raise notifications.
///
/// One at a time is asked for. Dropping a [`raise`](Self::raise) gives it up; whether it was shown
/// is unknown then.
pub trait Notifier: Send + Sync + 'static {
    /// Raises one. Ends when the desktop has taken it, not when the person has. A later click sends
    /// the message's number to `clicks`; if that is full the click is dropped, as people click
    /// again.
    fn raise<'a>(
        &'a self,
        notice: Notice,
        clicks: &'a mpsc::Sender<MessageId>,
    ) -> BoxFuture<'a, Result<(), RaiseError>>;

    /// Ends when it is worth trying again after a failure, because a service came or came back.
    /// Never ends where that cannot be known; the caller tries now and then anyway.
    fn came_back(&self) -> BoxFuture<'_, ()>;
}

/// That of this login: the desktop's, or none where there is neither a display nor a session bus, as
/// on a server.
pub(crate) fn of_session() -> Arc<dyn Notifier> {
    let desktop = ["DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY", "DISPLAY"]
        .iter()
        .any(|variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty()));
    if desktop || cfg!(not(all(unix, not(target_os = "macos")))) {
        Arc::new(Desktop::new())
    } else {
        Arc::new(Silent::new())
    }
}

/// The notification of a message that is due one.
pub(crate) fn notice(row: &Unnotified, words: Words) -> Notice {
    let title = text::line(&row.title);
    let sender = text::line(&row.sender);
    let body = text::notification(&row.body);
    let title = [title, sender]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| words.untitled.to_owned());
    Notice {
        message: row.id,
        title,
        body,
        priority: row.priority,
        words,
    }
}

/// The words in a language, or in the desktop's where none is chosen.
#[must_use]
pub fn words(language: Language) -> Words {
    match spoken(language, desktop_locale().as_deref()) {
        Language::Chinese => Words {
            open: "打开",
            untitled: "新消息",
        },
        Language::English | Language::System => Words {
            open: "Open",
            untitled: "New message",
        },
    }
}

fn spoken(chosen: Language, locale: Option<&str>) -> Language {
    match chosen {
        Language::System if locale.is_some_and(|locale| locale.starts_with("zh")) => {
            Language::Chinese
        }
        Language::System => Language::English,
        chosen => chosen,
    }
}

/// By the customary order of precedence (POSIX, chapter 8.2).
fn desktop_locale() -> Option<String> {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_language_wins_over_the_desktops() {
        for (chosen, locale, expected) in [
            (Language::System, Some("zh_CN.UTF-8"), Language::Chinese),
            (Language::System, Some("de_DE.UTF-8"), Language::English),
            (Language::System, None, Language::English),
            (Language::English, Some("zh_CN.UTF-8"), Language::English),
            (Language::Chinese, Some("C"), Language::Chinese),
        ] {
            assert_eq!(spoken(chosen, locale), expected);
        }
        assert_eq!(words(Language::Chinese).open, "打开");
    }
}
