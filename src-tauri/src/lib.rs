//! The window program: draws Tidings' windows when somebody looks, and ends with the last of them.
//!
//! Owns the windows ([`windows`]), the pages in them ([`pages`]), the connection with the agent
//! ([`link`]), what pages may call ([`commands`]) and the cleaning of message bodies ([`markdown`]).
//! It holds no token, keeps nothing but the windows' sizes, and opens no connection beyond the
//! agent's local socket.
//!
//! Invariants: a page shows nothing but what `ui/dist` holds; a message's body reaches it only
//! through [`markdown::render`]; `tidings`, the agent, never names this library.

mod commands;
mod link;
pub mod markdown;
mod pages;
mod windows;

use anyhow::{Context, bail};
use tauri::Manager;
use tauri_plugin_window_state::StateFlags;
use tidings_control::View;

/// What the program prints to whoever asks it for help.
const USAGE: &str = "usage: tidings-window [--show VIEW]
Draws a window of Tidings; the agent (tidings) starts it when one is asked for.
VIEW is JSON: {\"window\":\"inbox\",\"message\":null}, {\"window\":\"sent\",\"message\":null},
{\"window\":\"compose\"}, {\"window\":\"first-run\"} or {\"window\":\"settings\"}.";

/// Runs until the last window is closed, or the agent has ended in order.
///
/// # Errors
/// When the arguments are wrong or no window can be drawn.
pub fn run(args: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut args = args.peekable();
    if args.peek().is_some_and(|word| word == "--version") {
        return say_version();
    }
    let first = view(args)?;
    tauri::Builder::default()
        .plugin(
            tauri_plugin_window_state::Builder::new()
                // Not VISIBLE: it would show windows by itself. Not DECORATIONS: they are the desktop's.
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        )
        .manage(pages::Pages::default())
        .invoke_handler(tauri::generate_handler![
            commands::attach,
            commands::ask,
            commands::render,
            commands::show,
            commands::close,
            commands::start_agent,
        ])
        .setup(move |app| {
            app.manage(link::Link::new(app.handle().clone()));
            Ok(windows::show(app.handle(), first)?)
        })
        .run(tauri::generate_context!())
        .context("cannot draw a window; is there a display (DISPLAY or WAYLAND_DISPLAY)?")
}

/// Tells that this program and WebKit can be loaded, and which ones: the doctor asks.
#[expect(clippy::print_stdout, reason = "whoever asks reads it here")]
fn say_version() -> anyhow::Result<()> {
    let webkit = tauri::webview_version().context("WebKit does not say its version")?;
    println!(
        "tidings-window {}, WebKit {webkit}",
        env!("CARGO_PKG_VERSION")
    );
    Ok(())
}

/// The view asked for by the command line; the inbox by default.
fn view(mut args: impl Iterator<Item = String>) -> anyhow::Result<View> {
    let view = match (args.next().as_deref(), args.next()) {
        (None, _) => View::Inbox { message: None },
        (Some("--show"), Some(view)) => {
            serde_json::from_str(&view).with_context(|| format!("{view} is not a view\n{USAGE}"))?
        }
        _ => bail!("{USAGE}"),
    };
    match args.next() {
        None => Ok(view),
        Some(_) => bail!("{USAGE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> anyhow::Result<View> {
        view(args.iter().map(|&a| a.to_owned()))
    }

    #[test]
    fn the_command_line_names_a_view() {
        assert_eq!(parsed(&[]).unwrap(), View::Inbox { message: None });
        let shown = parsed(&["--show", r#"{"window":"inbox","message":7}"#]).unwrap();
        assert_eq!(shown, View::Inbox { message: Some(7) });
        let shown = parsed(&["--show", r#"{"window":"first-run"}"#]).unwrap();
        assert_eq!(shown, View::FirstRun);
        for wrong in [
            &["--show"][..],
            &["--show", "inbox"],
            &["--help"],
            &["--show", r#"{"window":"compose"}"#, "x"],
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(format!("{error:#}").contains("usage:"), "{error:#}");
        }
    }
}
