//! Notifications of macOS and Windows, through notify-rust. Type-checked on Linux with the tests; not
//! yet run on either system.
//!
//! Owns one thread per notification that stands: notify-rust blocks until the person has answered.
//! Such a thread cannot be ended early; it ends with its notification, or with the process. As it has
//! the handle, nothing can be closed; and both systems keep notifications back by themselves.
//!
//! Invariants: a caller waits [`DEADLINE`] at most; at most [`STANDING`] threads wait for people, and
//! what is raised beyond them is shown without being heard.

use std::sync::Arc;
use std::time::Duration;

use notify_rust::{CloseReason, Notification, NotificationResponse, Timeout};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::{BoxFuture, Fate, News, Notice, Notifier, RaiseError, Stays};

/// Shown as the sender.
const APP_NAME: &str = "Tidings";

/// How long a call may take before the service counts as silent. Healthy ones answer within
/// milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// Notifications that are waited on. Each costs a thread, and nobody clicks the thirty-third last.
const STANDING: usize = 32;

/// The notification service of the system.
#[derive(Debug)]
pub struct Desktop {
    standing: Arc<Semaphore>,
}

impl Default for Desktop {
    fn default() -> Self {
        Self {
            standing: Arc::new(Semaphore::new(STANDING)),
        }
    }
}

impl Desktop {
    /// Nothing is asked of the system yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Notifier for Desktop {
    fn raise<'a>(
        &'a self,
        notice: Notice,
        news: &'a mpsc::Sender<News>,
    ) -> BoxFuture<'a, Result<(), RaiseError>> {
        let heard = Arc::clone(&self.standing).try_acquire_owned().ok();
        let news = news.clone();
        Box::pin(async move {
            let (shown, answer) = oneshot::channel();
            let thread = std::thread::Builder::new()
                .name("notification".to_owned())
                .spawn(move || {
                    let message = notice.message;
                    let handle = match notification(&notice).show() {
                        Ok(handle) => handle,
                        Err(error) => {
                            // The caller may have given up by now.
                            drop(shown.send(Err(RaiseError::Refused(error.to_string()))));
                            return;
                        }
                    };
                    drop(shown.send(Ok(())));
                    if heard.is_some() {
                        let tell = |response: &NotificationResponse| {
                            let fate = fate(response);
                            drop(news.blocking_send(News { message, fate }));
                        };
                        if let Err(error) = handle.wait_for_response(tell) {
                            tracing::debug!(%error, "what came of a notification is not known");
                        }
                    }
                });
            if let Err(error) = thread {
                return Err(RaiseError::Refused(error.to_string()));
            }
            match timeout(DEADLINE, answer).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) | Err(_) => Err(RaiseError::Silent),
            }
        })
    }
}

fn notification(notice: &Notice) -> Notification {
    let mut notification = Notification::new();
    notification
        .appname(APP_NAME)
        .summary(&notice.title)
        .body(&notice.body)
        .timeout(match notice.stays {
            Stays::AsUsual => Timeout::Default,
            Stays::For(time) => {
                Timeout::Milliseconds(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
            }
            Stays::UntilClosed => Timeout::Never,
        });
    for button in &notice.buttons {
        notification.action(&button.key, &button.label);
    }
    notification
}

fn fate(response: &NotificationResponse) -> Fate {
    match response {
        NotificationResponse::Default | NotificationResponse::Reply(_) => Fate::Clicked,
        NotificationResponse::Action(key) => Fate::Pressed(key.clone()),
        NotificationResponse::Closed(CloseReason::Dismissed) => Fate::Dismissed,
        NotificationResponse::Closed(CloseReason::Expired) => Fate::Expired,
        NotificationResponse::Closed(CloseReason::CloseAction) => Fate::Closed,
        NotificationResponse::Closed(CloseReason::Other(_)) => Fate::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifier::{Button, Slot};
    use crate::types::Priority;

    #[test]
    fn what_is_raised_holds_text_buttons_and_how_long_it_stays() {
        let notice = Notice {
            slot: Slot::Message(7),
            message: Some(7),
            title: "Disk full".into(),
            body: "of nas".into(),
            priority: Priority::High,
            sound: None,
            icon: None,
            stays: Stays::For(Duration::from_secs(20)),
            open: "Open",
            buttons: vec![Button {
                key: "read".into(),
                label: "Mark read".into(),
            }],
        };
        let raised = notification(&notice);
        assert_eq!(raised.summary, "Disk full");
        assert_eq!(raised.body, "of nas");
        assert_eq!(raised.actions, ["read", "Mark read"]);
        assert_eq!(raised.timeout, Timeout::Milliseconds(20_000));
    }

    #[test]
    fn an_expired_notification_is_not_a_dismissed_one() {
        for (response, expected) in [
            (NotificationResponse::Default, Fate::Clicked),
            (
                NotificationResponse::Action("read".into()),
                Fate::Pressed("read".into()),
            ),
            (
                NotificationResponse::Closed(CloseReason::Dismissed),
                Fate::Dismissed,
            ),
            (
                NotificationResponse::Closed(CloseReason::Expired),
                Fate::Expired,
            ),
            (
                NotificationResponse::Closed(CloseReason::Other(4)),
                Fate::Lost,
            ),
        ] {
            assert_eq!(fate(&response), expected);
        }
    }
}
