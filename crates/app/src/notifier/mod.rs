//! Raising notifications: the seam to the desktop, and what is raised.
//!
//! Owns the trait and the shapes that cross it; the desktop's manners are in `desktop`, the words in
//! [`words`], what a message looks like as a notification in [`notice`]. Knows nothing of the inbox:
//! which messages are raised, and when again, is the flow's business.

#[cfg(all(unix, not(target_os = "macos")))]
mod desktop;
#[cfg(any(test, target_os = "macos", windows))]
#[cfg_attr(
    not(any(target_os = "macos", windows)),
    expect(
        dead_code,
        unreachable_pub,
        reason = "compiled here for its tests alone"
    )
)]
mod elsewhere;
mod notice;
mod silent;
mod words;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) use desktop::DO_NOT_DISTURB;
#[cfg(all(unix, not(target_os = "macos")))]
pub use desktop::Desktop;
#[cfg(any(target_os = "macos", windows))]
pub use elsewhere::Desktop;
pub use silent::Silent;
pub use words::{Words, words};

pub(crate) use notice::{ACKNOWLEDGE, Manner, OPEN, READ, REPLY, acted, of_digest, of_message};

use crate::types::{MessageId, Priority};

/// A future that may be sent between threads, as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is raised: plain text, bounded and cleaned already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its place on the screen: what stands there is replaced.
    pub slot: Slot,
    /// The message it is about; none for a digest.
    pub message: Option<MessageId>,
    /// One line; never empty.
    pub title: String,
    /// Lines; may be empty.
    pub body: String,
    /// Urgency, where the desktop has one.
    pub priority: Priority,
    /// The sound it makes, by its name in the desktop's theme; none makes none.
    pub sound: Option<String>,
    /// The name of an icon of the desktop's theme; none for the application's own.
    pub icon: Option<String>,
    /// How long it stays.
    pub stays: Stays,
    /// What a click on it is called where that is a button.
    pub open: &'static str,
    /// Further buttons, most useful first.
    pub buttons: Vec<Button>,
}

/// A place on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Of one message.
    Message(MessageId),
    /// Of all messages of one sender with one key: `relay`'s number, sender, key.
    Key(u64, String, String),
    /// Of many messages.
    Digest,
    /// Of what Tidings says of itself.
    Own,
}

/// How long a notification stays on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// As the desktop likes.
    AsUsual,
    /// So long.
    For(Duration),
    /// Until the person closes it.
    UntilClosed,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What [`Fate::Pressed`] gives.
    pub key: String,
    /// The words on it.
    pub label: String,
}

/// What came of a notification that was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The message it was about; none for a digest.
    pub message: Option<MessageId>,
    /// What came of it.
    pub fate: Fate,
}

/// What may come of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The person clicked it.
    Clicked,
    /// The person pressed this button.
    Pressed(String),
    /// The person answered on the notification itself, where the desktop has a field for that.
    Replied(String),
    /// The person closed it.
    Dismissed,
    /// It left the screen by itself.
    Expired,
    /// It was closed by [`Notifier::close`], or replaced by nothing the desktop told of.
    Closed,
    /// What showed it went.
    Lost,
}

/// Why a notification was not raised. It stays due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RaiseError {
    /// Nobody shows notifications here.
    #[error(
        "No notification service runs on this desktop, so messages arrive silently. Start one (dunst, mako or the desktop's own); what was missed is shown then."
    )]
    Absent,
    /// The service takes calls and does not answer; it was asked for this one and may show it yet.
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
    /// Raises one. Ends when the desktop has taken it, not when the person has. What comes of it is
    /// sent to `news`, which must be read for as long as the notifier is used.
    fn raise<'a>(
        &'a self,
        notice: Notice,
        news: &'a mpsc::Sender<News>,
    ) -> BoxFuture<'a, Result<(), RaiseError>>;

    /// Takes off the screen what stands for one of these messages alone (`None`: the digest), if
    /// it does. Nothing is taken off where that cannot be done.
    fn close(&self, _messages: Vec<Option<MessageId>>) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Ends when it is worth trying again after a failure, because a service came or came back.
    /// Never ends where that cannot be known; the caller tries now and then anyway.
    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Ends when the desktop's own do-not-disturb is on, where it was `known` to be off, or the other
    /// way round; says how it is. Never ends where that cannot be read.
    fn do_not_disturb(&self, _known: bool) -> BoxFuture<'_, bool> {
        Box::pin(std::future::pending())
    }
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
