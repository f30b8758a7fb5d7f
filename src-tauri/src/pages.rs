//! The pages in the windows: what each was last asked to show, and how it is told of the agent.
//!
//! Owns the channel of each page and what a page has to know when it attaches, so that nothing is
//! lost between a window's making and its page's first line. Decides nothing.
//!
//! Invariants: what one page is told, it is told in order; a page that attaches again (a reload)
//! replaces its former self and is told anew how things stand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tauri::ipc::Channel;
use tidings_control::{Event, View};

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
    fn tell(&self, told: Told) {
        if let Some(channel) = &self.channel {
            // Fails only for a window that is closing: it needs to know nothing more.
            let _ = channel.send(told);
        }
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
