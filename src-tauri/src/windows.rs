//! The three windows: how each is made, and that there is one of each at most.
//!
//! Owns their labels, sizes and fences. What they show is their pages' business.
//!
//! Invariants: windows are made on the main thread only, so two askers never make the same one;
//! a page cannot leave `ui/dist`, open a window of its own, or be reached from elsewhere.

use std::time::Instant;

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tidings_control::View;

use crate::pages::Pages;

/// One of the windows.
#[derive(Debug, PartialEq)]
struct Kind {
    label: &'static str,
    /// Width and height at the first start, in logical pixels.
    size: (f64, f64),
    /// The least that its page is laid out for.
    least: (f64, f64),
}

const INBOX: Kind = Kind {
    label: "inbox",
    size: (1080.0, 720.0),
    least: (640.0, 480.0),
};
const COMPOSE: Kind = Kind {
    label: "compose",
    size: (520.0, 560.0),
    least: (420.0, 420.0),
};
const FIRST_RUN: Kind = Kind {
    label: "first-run",
    size: (760.0, 640.0),
    least: (560.0, 480.0),
};

fn kind(view: &View) -> Kind {
    match view {
        View::Inbox { .. }
        | View::Unread
        | View::Sent { .. }
        | View::Relays
        | View::Settings
        | View::Doctor => INBOX,
        View::Compose { .. } => COMPOSE,
        View::FirstRun => FIRST_RUN,
    }
}

/// Shows a view in its window, which is made if it is not there.
///
/// # Errors
/// When the window cannot be made.
pub(crate) fn show(app: &AppHandle, view: View) -> tauri::Result<()> {
    let asked = app.clone();
    app.run_on_main_thread(move || {
        let Kind { label, size, least } = kind(&view);
        asked.state::<Pages>().show(label, view);
        let shown = match asked.get_webview_window(label) {
            Some(window) => raise(&window),
            None => open(&asked, label, size, least),
        };
        if let Err(error) = shown {
            complain(&error);
        }
    })
}

#[expect(
    clippy::print_stderr,
    reason = "there is no window to say it in; the agent or a shell keeps what is written here"
)]
fn complain(error: &tauri::Error) {
    eprintln!("tidings-window: cannot show the window: {error}");
}

fn raise(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn open(
    app: &AppHandle,
    label: &str,
    (width, height): (f64, f64),
    (least_width, least_height): (f64, f64),
) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, label, WebviewUrl::App("index.html".into()))
        .title("Tidings")
        .inner_size(width, height)
        .min_inner_size(least_width, least_height)
        // Shown once its page is there: no white flash.
        .visible(false)
        .on_page_load(|window, load| {
            if load.event() == tauri::webview::PageLoadEvent::Finished {
                let _ = raise(&window);
            }
        })
        .on_document_title_changed(|window, title| {
            let _ = window.set_title(&title);
        })
        .on_navigation(|to| is_ours(to.as_str()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    let (app, label) = (app.clone(), label.to_owned());
    window.on_window_event(move |event| match event {
        // What was typed last is not kept yet; the other windows have nothing to lose.
        WindowEvent::CloseRequested { api, .. }
            if label == COMPOSE.label && app.state::<Pages>().closing(&label, Instant::now()) =>
        {
            api.prevent_close();
        }
        WindowEvent::Destroyed => {
            app.state::<Pages>().close(&label);
        }
        _ => {}
    });
    Ok(())
}

/// Whether an address is of the embedded pages.
fn is_ours(address: &str) -> bool {
    ["tauri://localhost/", "http://tauri.localhost/"]
        .iter()
        .any(|ours| address.starts_with(ours) || address == ours.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_view_has_its_window() {
        assert_eq!(kind(&View::Settings), kind(&View::Inbox { message: None }));
        assert_eq!(
            kind(&View::Compose {
                reply: None,
                to: Vec::new()
            })
            .label,
            "compose"
        );
        assert_eq!(kind(&View::FirstRun).label, "first-run");
    }

    #[test]
    fn pages_stay_at_home() {
        for ours in ["tauri://localhost", "tauri://localhost/index.html#x"] {
            assert!(is_ours(ours), "{ours}");
        }
        for foreign in [
            "https://example.com/",
            "tauri://localhost.example.com/",
            "http://tauri.localhost.example.com/",
            "data:text/html,x",
            "about:blank",
            "file:///etc/passwd",
        ] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }
}
