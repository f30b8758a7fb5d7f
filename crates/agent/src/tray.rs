//! The tray: an icon that tells the state, a menu, a left click that opens the inbox.
//!
//! The tray library's objects stay on one thread of their own, which follows the status. A desktop
//! without a bus has no tray: that is a problem in the status, not an end.

#[cfg(target_os = "linux")]
pub(crate) mod host;
mod picture;

use tidings_control::{Pause, Status};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tray_icon::menu::{Menu, MenuEvent, MenuId, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use crate::texts::Tongue;
use picture::Picture;

/// What the person wants of the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Click {
    Inbox,
    Compose,
    Host,
    /// Hold notifications back, or not any longer.
    Pause(Pause),
    Quit,
}

/// Clicks waiting to be acted on. A person does not click faster than windows open; what is beyond
/// is dropped.
pub(crate) const CLICKS: usize = 8;

const MENU: &[(&str, Click)] = &[
    ("inbox", Click::Inbox),
    ("compose", Click::Compose),
    ("host", Click::Host),
    ("quit", Click::Quit),
];

/// The menu in the menu.
const PAUSES: &[(&str, Pause)] = &[
    ("pause-30", Pause::Minutes(30)),
    ("pause-60", Pause::Minutes(60)),
    ("pause-tomorrow", Pause::Tomorrow),
    ("pause-off", Pause::Off),
];

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: Status,
    pub(crate) tongue: Tongue,
}

/// Runs the tray until `shown` has no sender any more. Blocks: for a thread of its own.
///
/// # Errors
/// Where there is no desktop session to show an icon in; a host that comes late is no error.
pub(crate) fn run(
    runtime: &Handle,
    mut shown: watch::Receiver<Shown>,
    clicks: mpsc::Sender<Click>,
) -> Result<(), tray_icon::Error> {
    listen(clicks);
    let mut last = shown.borrow_and_update().clone();
    let tray = TrayIconBuilder::new()
        .with_id("tidings")
        .with_title("Tidings")
        .with_tooltip(last.tongue.tooltip(&last.status))
        .with_menu(Box::new(menu(&last)))
        .with_icon(icon(&last.status)?)
        .build()?;
    while runtime.block_on(shown.changed()).is_ok() {
        let now = shown.borrow_and_update().clone();
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

fn update(tray: &TrayIcon, last: &Shown, now: &Shown) -> Result<(), tray_icon::Error> {
    if picture(&last.status) != picture(&now.status) {
        tray.set_icon(Some(icon(&now.status)?))?;
    }
    let tooltip = now.tongue.tooltip(&now.status);
    if last.tongue.tooltip(&last.status) != tooltip {
        tray.set_tooltip(Some(tooltip))?;
    }
    if last.tongue != now.tongue || last.status.quiet != now.status.quiet {
        tray.set_menu(Some(Box::new(menu(now))));
    }
    Ok(())
}

fn listen(clicks: mpsc::Sender<Click>) {
    let chosen = clicks.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let id = event.id.as_ref();
        let item = MENU.iter().find(|(item, _)| *item == id);
        let pause = PAUSES.iter().find(|(item, _)| *item == id);
        let click = item
            .map(|(_, click)| *click)
            .or_else(|| pause.map(|(_, pause)| Click::Pause(*pause)));
        if let Some(click) = click {
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

fn menu(shown: &Shown) -> Menu {
    let (menu, tongue) = (Menu::new(), shown.tongue);
    for (id, click) in MENU {
        let label = match click {
            Click::Inbox => tongue.inbox(),
            Click::Compose => tongue.compose(),
            Click::Host => tongue.host(),
            Click::Pause(_) | Click::Quit => tongue.quit(),
        };
        let item = MenuItem::with_id(MenuId::new(id), label, true, None);
        let added = if *click == Click::Quit {
            menu.append(&pauses(shown))
                .and_then(|()| menu.append(&PredefinedMenuItem::separator()))
        } else {
            Ok(())
        };
        if let Err(error) = added.and_then(|()| menu.append(&item)) {
            tracing::warn!(%error, id, "the tray's menu lacks an item");
        }
    }
    menu
}

/// How long notifications may be paused; while they are, also that they need not be any longer.
fn pauses(shown: &Shown) -> Submenu {
    let paused = shown.status.quiet.paused_until.is_some();
    let menu = Submenu::with_id("pause", shown.tongue.pause(paused), true);
    for (id, pause) in PAUSES {
        if *pause == Pause::Off && !paused {
            continue;
        }
        let item = MenuItem::with_id(MenuId::new(id), shown.tongue.pause_for(*pause), true, None);
        if let Err(error) = menu.append(&item) {
            tracing::warn!(%error, id, "the tray's menu lacks an item");
        }
    }
    menu
}

fn icon(status: &Status) -> Result<Icon, tray_icon::Error> {
    // The picture has as many pixels as it says, so this cannot fail but by the library.
    Icon::from_rgba(picture(status).pixels(), picture::SIDE, picture::SIDE)
        .map_err(|error| tray_icon::Error::OsError(std::io::Error::other(error)))
}

fn picture(status: &Status) -> Picture {
    Picture::of(
        &status.connection(),
        status.quiet.held.is_some(),
        status.unread,
    )
}
