//! The pages in the windows: what each was last asked to show, and how it is told of the agent.
//!
//! Owns the channel of each page and what a page has to know when it attaches, so that nothing is
//! lost between a window's making and its page's first line. Decides nothing.
//!
//! Invariants: what one page is told, it is told in order; a page that attaches again (a reload)
//! replaces its former self and is told anew how things stand; no page keeps its window from being closed
//! for good.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tauri::ipc::Channel;
use tidings_control::{Event, View};

/// Who closes a window that is asked to close again within that time means it: its page may hang.
const INSISTED: Duration = Duration::from_secs(5);

/// What a page is told.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "told", content = "value", rename_all = "kebab-case")]
pub(crate) enum Told {
    /// Show this.
    Show(View),
    /// Whether the agent is there. True also means: what was read before may be old.
    Running(bool),
    /// The agent told this.
    Event(Box<Event>),
    /// The person closes the window: keep what is not kept, and close it.
    Closing,
}

/// All pages, by their windows' labels.
#[derive(Default)]
pub(crate) struct Pages(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    pages: HashMap<String, Page>,
    /// None until the first try to connect has ended.
    running: Option<bool>,
}

struct Page {
    view: View,
    channel: Option<Channel<Told>>,
    /// When it was told that its window is to close.
    closing: Option<Instant>,
}

impl Pages {
    /// The page of `label` shows `view`, now or as soon as it attaches.
    pub(crate) fn show(&self, label: &str, view: View) {
        self.with(|inner| match inner.pages.get_mut(label) {
            Some(page) => {
                page.view = view;
                page.tell(Told::Show(page.view.clone()));
            }
            None => {
                let page = Page {
                    view,
                    channel: None,
                    closing: None,
                };
                inner.pages.insert(label.to_owned(), page);
            }
        });
    }

    /// A page is ready to be told; at once what it shows, and whether the agent is there.
    pub(crate) fn attach(&self, label: &str, channel: Channel<Told>) {
        self.with(|inner| {
            let running = inner.running;
            if let Some(page) = inner.pages.get_mut(label) {
                page.channel = Some(channel);
                page.tell(Told::Show(page.view.clone()));
                if let Some(running) = running {
                    page.tell(Told::Running(running));
                }
            }
        });
    }

    /// A window is to close: whether it waits, as its page is told and closes it when it is done.
    pub(crate) fn closing(&self, label: &str, now: Instant) -> bool {
        self.with(|inner| {
            let Some(page) = inner.pages.get_mut(label) else {
                return false;
            };
            let before = page.closing.replace(now);
            if before.is_some_and(|before| now.duration_since(before) < INSISTED) {
                return false;
            }
            page.tell(Told::Closing)
        })
    }

    /// A page is done: its window closes when it is asked to next.
    pub(crate) fn done(&self, label: &str, now: Instant) {
        self.with(|inner| {
            if let Some(page) = inner.pages.get_mut(label) {
                page.closing = Some(now);
            }
        });
    }

    /// A window is gone, and its page with it.
    pub(crate) fn close(&self, label: &str) {
        self.with(|inner| inner.pages.remove(label));
    }

    /// The agent came or went.
    pub(crate) fn running(&self, running: bool) {
        self.with(|inner| {
            if inner.running.replace(running) != Some(running) {
                inner.tell_all(&Told::Running(running));
            }
        });
    }

    /// The agent told something to all faces.
    pub(crate) fn event(&self, event: Event) {
        self.with(|inner| inner.tell_all(&Told::Event(Box::new(event))));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn tell_all(&self, told: &Told) {
        for page in self.pages.values() {
            page.tell(told.clone());
        }
    }
}

impl Page {
    /// False where nobody hears: before its first line, or when its window is closing.
    fn tell(&self, told: Told) -> bool {
        let told = self.channel.as_ref().map(|channel| channel.send(told));
        told.is_some_and(|told| told.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tauri::ipc::InvokeResponseBody;

    use super::*;

    /// A channel, and what it was told.
    fn page() -> (Channel<Told>, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let here = Arc::clone(&told);
        let channel = Channel::new(move |body| {
            if let InvokeResponseBody::Json(json) = body {
                here.lock().unwrap().push(json);
            }
            Ok(())
        });
        (channel, told)
    }

    #[test]
    fn what_was_asked_before_the_page_was_ready_is_told_when_it_is() {
        let pages = Pages::default();
        pages.show("inbox", View::Inbox { message: None });
        pages.running(true);
        pages.show("inbox", View::Inbox { message: Some(3) });
        let (channel, told) = page();
        pages.attach("inbox", channel);
        pages.event(Event::Notice(tidings_control::Words::new("hello", "你好")));
        pages.show("inbox", View::Settings);
        pages.running(true);
        pages.running(false);
        assert_eq!(
            *told.lock().unwrap(),
            [
                r#"{"told":"show","value":{"window":"inbox","message":3}}"#,
                r#"{"told":"running","value":true}"#,
                r#"{"told":"event","value":{"event":"notice","value":{"en":"hello","zh-CN":"你好"}}}"#,
                r#"{"told":"show","value":{"window":"settings"}}"#,
                r#"{"told":"running","value":false}"#,
            ]
        );
    }

    #[test]
    fn a_window_waits_for_its_page_once_and_not_for_one_that_hangs() {
        let pages = Pages::default();
        let now = Instant::now();
        assert!(!pages.closing("compose", now), "there is no such page");
        let view = View::Compose {
            reply: None,
            to: Vec::new(),
        };
        pages.show("compose", view);
        assert!(!pages.closing("compose", now), "it hears nothing yet");
        let (channel, told) = page();
        pages.attach("compose", channel);
        let later = now + INSISTED;
        assert!(pages.closing("compose", later));
        let last = told.lock().unwrap().last().cloned();
        assert_eq!(last.as_deref(), Some(r#"{"told":"closing"}"#));
        assert!(!pages.closing("compose", later), "whoever insists is right");
        let later = later + INSISTED;
        assert!(
            pages.closing("compose", later),
            "the person went on writing"
        );
        pages.done("compose", later);
        assert!(!pages.closing("compose", later));
    }

    #[test]
    fn a_closed_window_is_told_nothing() {
        let pages = Pages::default();
        pages.show(
            "compose",
            View::Compose {
                reply: None,
                to: Vec::new(),
            },
        );
        let (channel, told) = page();
        pages.attach("compose", channel);
        pages.close("compose");
        pages.running(true);
        assert_eq!(told.lock().unwrap().len(), 1);
        let (late, told) = page();
        pages.attach("compose", late);
        assert!(told.lock().unwrap().is_empty());
    }
}
