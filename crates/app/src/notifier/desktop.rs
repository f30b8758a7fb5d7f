//! Notifications of Linux and BSD desktops, by the freedesktop.org specification, through
//! notify-rust; how the service is found, and found again, by a look at the session bus.
//!
//! Owns the calls, their deadline, and one task per notification that keeps its connection (some
//! desktops close a notification whose sender has gone) and waits for the person.
//!
//! Invariants: a caller waits [`DEADLINE`] at most for each of two calls; a call that is late is not
//! made a second time while it may still be answered, so a service that wakes up shows the
//! notification once; at most [`STANDING`] tasks wait for people.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify_rust::{Hint, Notification, NotificationResponse, Urgency};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{BoxFuture, Notice, Notifier, RaiseError};
use crate::bus;
use crate::types::{MessageId, Priority};

/// The name on the bus, and of the interface.
const SERVICE: &str = "org.freedesktop.Notifications";

/// The object that answers there.
const OBJECT: &str = "/org/freedesktop/Notifications";

/// Shown as the sender.
const APP_NAME: &str = "Tidings";

/// The icon of the theme, and the desktop file's name without its ending: desktops take settings
/// and icon from it.
const DESKTOP_ENTRY: &str = "tidings";

/// How long a call may take before the service counts as silent. Healthy ones answer within
/// milliseconds; one that starts on the first call needs a second or two.
const DEADLINE: Duration = Duration::from_secs(5);

/// Notifications that are waited on. The oldest is let go: nobody clicks the sixty-fifth last.
const STANDING: usize = 64;

/// The notification service of the desktop.
#[derive(Debug, Default)]
pub struct Desktop {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bus: Option<zbus::Connection>,
    standing: VecDeque<AbortHandle>,
    late: Option<Call>,
    /// Whether the last failure was that nobody is there.
    absent: bool,
}

/// A Notify call under way.
#[derive(Debug, Clone)]
struct Call {
    message: MessageId,
    answer: watch::Receiver<Option<Result<(), RaiseError>>>,
}

impl Desktop {
    /// Touches nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn bus(&self) -> zbus::Result<zbus::Connection> {
        if let Some(bus) = self.state().bus.clone() {
            return Ok(bus);
        }
        let bus = zbus::Connection::session().await?;
        self.state().bus = Some(bus.clone());
        Ok(bus)
    }

    /// Whether the service reads the body as markup. Asked each time: the answer is also the sign
    /// that it lives, before anything is given to it, and it may be another one than last time.
    async fn takes_markup(&self) -> Result<bool, RaiseError> {
        let ask = async {
            let bus = self.bus().await?;
            let answer = bus
                .call_method(Some(SERVICE), OBJECT, Some(SERVICE), "GetCapabilities", &())
                .await?;
            answer.body().deserialize::<Vec<String>>()
        };
        match timeout(DEADLINE, ask).await {
            Ok(Ok(capabilities)) => Ok(capabilities.iter().any(|c| c == "body-markup")),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no notification service");
                // A connection that failed is not used again.
                self.state().bus = None;
                Err(fault(&error.to_string()))
            }
            Err(_) => Err(RaiseError::Silent),
        }
    }

    /// The late call of this message, unless it failed. It may be answered however late: it lies in
    /// the service's queue, and should the service or the bus end, the call fails.
    fn late(&self, message: MessageId) -> Option<Call> {
        let call = self.state().late.take()?;
        let failed = matches!(*call.answer.borrow(), Some(Err(_)));
        (call.message == message && !failed).then_some(call)
    }

    fn call(&self, notice: &Notice, markup: bool, clicks: &mpsc::Sender<MessageId>) -> Call {
        let (answered, answer) = watch::channel(None);
        let notification = notification(notice, markup);
        let (message, clicks) = (notice.message, clicks.clone());
        let task = tokio::spawn(stand(notification, message, answered, clicks));
        let mut state = self.state();
        state.standing.retain(|task| !task.is_finished());
        while state.standing.len() >= STANDING {
            if let Some(oldest) = state.standing.pop_front() {
                oldest.abort();
            }
        }
        state.standing.push_back(task.abort_handle());
        Call { message, answer }
    }

    async fn show(
        &self,
        notice: Notice,
        clicks: &mpsc::Sender<MessageId>,
    ) -> Result<(), RaiseError> {
        let mut call = match self.late(notice.message) {
            Some(call) => call,
            None => {
                let markup = self.takes_markup().await?;
                self.call(&notice, markup, clicks)
            }
        };
        let answered = async {
            let answer = call.answer.wait_for(Option::is_some).await;
            // The task ends without an answer only if it was let go.
            answer.map_or(Some(Err(RaiseError::Silent)), |answer| answer.clone())
        };
        if let Ok(Some(result)) = timeout(DEADLINE, answered).await {
            return result;
        }
        self.state().late = Some(call);
        Err(RaiseError::Silent)
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for task in self.state().standing.drain(..) {
            task.abort();
        }
    }
}

impl Notifier for Desktop {
    fn raise<'a>(
        &'a self,
        notice: Notice,
        clicks: &'a mpsc::Sender<MessageId>,
    ) -> BoxFuture<'a, Result<(), RaiseError>> {
        Box::pin(async move {
            let result = self.show(notice, clicks).await;
            self.state().absent = result == Err(RaiseError::Absent);
            result
        })
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (late, absent) = {
                let state = self.state();
                (state.late.clone(), state.absent)
            };
            let answered = async {
                match late {
                    Some(mut call) => drop(call.answer.wait_for(Option::is_some).await),
                    None => std::future::pending().await,
                }
            };
            let now = if absent {
                bus::Now::Counts
            } else {
                bus::Now::DoesNot
            };
            tokio::select! {
                () = answered => {}
                () = bus::appears(SERVICE, now) => {}
            }
        })
    }
}

/// One notification from the call to the person's answer.
async fn stand(
    notification: Notification,
    message: MessageId,
    answered: watch::Sender<Option<Result<(), RaiseError>>>,
    clicks: mpsc::Sender<MessageId>,
) {
    let shown = notification.show_async().await;
    // Listen before telling anybody: what is clicked in between is lost.
    let handle = match shown {
        Ok(handle) => handle,
        Err(error) => {
            tracing::debug!(%error, "notification not shown");
            answered.send_replace(Some(Err(fault(&error.to_string()))));
            return;
        }
    };
    answered.send_replace(Some(Ok(())));
    handle
        .wait_for_action_async(|response: &NotificationResponse| {
            let opened = match response {
                NotificationResponse::Default => true,
                NotificationResponse::Action(action) => action == "open",
                NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => false,
            };
            if opened && clicks.try_send(message).is_err() {
                tracing::debug!("too many clicks at once");
            }
        })
        .await;
}

fn notification(notice: &Notice, markup: bool) -> Notification {
    let body = if markup {
        escape(&notice.body)
    } else {
        notice.body.clone()
    };
    Notification::new()
        .appname(APP_NAME)
        .icon(DESKTOP_ENTRY)
        .hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()))
        .urgency(urgency(notice.priority))
        // The summary is never markup.
        .summary(&notice.title)
        .body(&body)
        .action("default", notice.words.open)
        .action("open", notice.words.open)
        .finalize()
}

fn urgency(priority: Priority) -> Urgency {
    match priority {
        Priority::Min | Priority::Low => Urgency::Low,
        Priority::Default | Priority::High => Urgency::Normal,
        Priority::Urgent => Urgency::Critical,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Tells the failures apart by the bus's own names of errors, which notify-rust hands out as text
/// only.
fn fault(words: &str) -> RaiseError {
    let says = |names: &[&str]| names.iter().any(|name| words.contains(name));
    if says(&["Error.NoReply", "Error.Timeout", "Error.TimedOut"]) {
        RaiseError::Silent
    } else if says(&[
        "Error.ServiceUnknown",
        "Error.NameHasNoOwner",
        "Error.Spawn",
    ]) || !says(&["org."])
    {
        // Without a name of an error it never got as far as a service.
        RaiseError::Absent
    } else {
        RaiseError::Refused(words.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifier::words;
    use crate::types::Language;

    #[test]
    fn failures_are_told_apart() {
        for (words, expected) in [
            (
                "org.freedesktop.DBus.Error.ServiceUnknown: The name is not activatable",
                RaiseError::Absent,
            ),
            ("I/O error: No such file or directory", RaiseError::Absent),
            (
                "org.freedesktop.DBus.Error.NoReply: the peer went away",
                RaiseError::Silent,
            ),
        ] {
            assert_eq!(fault(words), expected);
        }
        let refused = "org.freedesktop.Notifications.Error.ExcessNotificationGeneration: many";
        assert_eq!(fault(refused), RaiseError::Refused(refused.to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_not_made_again_however_late_its_answer_is() {
        let desktop = Desktop::new();
        let (answered, answer) = watch::channel(None);
        let late = Call { message: 7, answer };
        desktop.state().late = Some(late.clone());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(desktop.late(7).is_some());
        answered.send_replace(Some(Err(RaiseError::Silent)));
        desktop.state().late = Some(late);
        assert!(desktop.late(7).is_none());
    }

    #[test]
    fn the_body_is_escaped_for_markup_only_and_the_title_never() {
        let notice = Notice {
            message: 7,
            title: "a < b".into(),
            body: "<b>1 & 2</b>".into(),
            priority: Priority::Urgent,
            words: words(Language::Chinese),
        };
        let plain = notification(&notice, false);
        assert_eq!(
            (plain.summary.as_str(), plain.body.as_str()),
            ("a < b", "<b>1 & 2</b>")
        );
        assert_eq!(plain.actions, ["default", "打开", "open", "打开"]);
        let marked = notification(&notice, true);
        assert_eq!(marked.summary, "a < b");
        assert_eq!(marked.body, "&lt;b&gt;1 &amp; 2&lt;/b&gt;");
    }
}
