//! The tray's icon on the panel: its picture, its tooltip, its menu, and what is clicked.
//!
//! The tray library's objects stay on one thread of their own, which follows what is to be shown
//! ([`follow`] says what, and how often). A desktop without a bus has no tray: that is a problem in
//! the status, not an end.

pub(crate) mod follow;
#[cfg(target_os = "linux")]
mod host;
mod menu;
mod picture;

use tidings_control::{Row, Status, Tongue};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tray_icon::menu::MenuEvent;
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use crate::texts::Texts;
use menu::{Click, Line};
use picture::Picture;

/// Clicks waiting to be acted on. A person does not click faster than windows open; what is beyond
/// is dropped.
const CLICKS: usize = 8;

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    status: Status,
    /// The newest messages.
    recent: Vec<Row>,
    texts: Texts,
}

/// What of it stands on the panel: only what changed is given to the panel again.
#[derive(Debug, PartialEq, Eq)]
struct Face {
    picture: Picture,
    tooltip: String,
    menu: Vec<Line>,
}

impl Face {
    fn of(shown: &Shown) -> Self {
        let Shown { status, texts, .. } = shown;
        let held_back = status.quiet.held.is_some();
        Self {
            picture: Picture::of(&status.connection(), held_back, status.unread),
            tooltip: texts.tooltip(status),
            menu: menu::lines(shown),
        }
    }
}

/// Runs the tray until `shown` has no sender any more. Blocks: for a thread of its own.
///
/// # Errors
/// Where there is no desktop session to show an icon in; a host that comes late is no error.
fn run(
    runtime: &Handle,
    mut shown: watch::Receiver<Shown>,
    clicks: mpsc::Sender<Click>,
) -> Result<(), tray_icon::Error> {
    listen(clicks);
    let mut last = Face::of(&shown.borrow_and_update());
    let tray = TrayIconBuilder::new()
        .with_id("tidings")
        .with_title("Tidings")
        .with_tooltip(&last.tooltip)
        .with_menu(Box::new(menu::built(&last.menu)))
        .with_icon(icon(last.picture)?)
        .build()?;
    while runtime.block_on(shown.changed()).is_ok() {
        let now = Face::of(&shown.borrow_and_update());
        if let Err(error) = update(&tray, &last, &now) {
            tracing::warn!(%error, "the tray cannot be brought up to date");
        }
        last = now;
    }
    // The process ends now, and the icon leaves with its connection. Dropping it first would end a
    // thread of the library's in a panic: its bus looks for a runtime that this thread never had.
    std::mem::forget(tray);
    Ok(())
}

fn update(tray: &TrayIcon, last: &Face, now: &Face) -> Result<(), tray_icon::Error> {
    if last.picture != now.picture {
        tray.set_icon(Some(icon(now.picture)?))?;
    }
    if last.tooltip != now.tooltip {
        tray.set_tooltip(Some(&now.tooltip))?;
    }
    if last.menu != now.menu {
        tray.set_menu(Some(Box::new(menu::built(&now.menu))));
    }
    Ok(())
}

fn listen(clicks: mpsc::Sender<Click>) {
    let chosen = clicks.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        if let Some(click) = Click::on(event.id.as_ref()) {
            let _ = chosen.try_send(click);
        }
    }));
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click {
            button: MouseButton::Left,
            button_state: MouseButtonState::Up,
            ..
        } = event
        {
            let _ = clicks.try_send(Click::Inbox);
        }
    }));
}

fn icon(picture: Picture) -> Result<Icon, tray_icon::Error> {
    // The picture has as many pixels as it says, so this cannot fail but by the library.
    Icon::from_rgba(picture.pixels(), picture::SIDE, picture::SIDE)
        .map_err(|error| tray_icon::Error::OsError(std::io::Error::other(error)))
}

impl Shown {
    fn nothing(status: Status, tongue: Tongue) -> Self {
        Self {
            status,
            recent: Vec::new(),
            texts: Texts(tongue),
        }
    }
}
