//! Looks at the services of the session bus of Linux desktops.
//!
//! Each look has a connection of its own: the one that raises notifications may be stuck behind a
//! service that hangs, and a bus that hangs is a finding too. Nothing is asked that prompts or shows.

use zbus::names::BusName;

use super::DEADLINE;
use crate::bus::property;
use crate::doctor::Seen;
use crate::doctor::verdict::{Collection, Daemon, Rest};
use crate::vault::secret_service;

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const NOTIFICATIONS_AT: &str = "/org/freedesktop/Notifications";
const TRAY: &str = "org.kde.StatusNotifierWatcher";
const TRAY_AT: &str = "/StatusNotifierWatcher";

/// The notification service, as it describes itself. One that starts when called is started.
pub(in super::super) async fn notifications() -> Seen<Daemon> {
    look(async |bus| {
        let call = async |method| {
            bus.call_method(
                Some(NOTIFICATIONS),
                NOTIFICATIONS_AT,
                Some(NOTIFICATIONS),
                method,
                &(),
            )
            .await
        };
        let said = call("GetServerInformation").await?;
        let (name, vendor, version, specification) = said.body().deserialize()?;
        let abilities = call("GetCapabilities").await?.body().deserialize()?;
        Ok(Daemon {
            name,
            vendor,
            version,
            specification,
            abilities,
        })
    })
    .await
}

/// Whether the desktop asks not to be disturbed, and who says so. Asking starts no service.
pub(in super::super) async fn rest() -> Seen<Rest> {
    look(async |bus| {
        let there = owned(bus, NOTIFICATIONS).await?;
        for (interface, name) in crate::notifier::DO_NOT_DISTURB {
            if !there {
                break;
            }
            let read = property(bus, NOTIFICATIONS, NOTIFICATIONS_AT, interface, name).await;
            if let Ok(on) = read.and_then(|value| Ok(bool::try_from(value)?)) {
                return Ok(Rest {
                    by: Some(format!("{interface}.{name}")),
                    on,
                });
            }
        }
        Ok(Rest {
            by: None,
            on: false,
        })
    })
    .await
}

/// Whether what shows tray icons has a panel to show them in.
pub(in super::super) async fn tray() -> Seen<bool> {
    look(async |bus| {
        let shown = property(bus, TRAY, TRAY_AT, TRAY, "IsStatusNotifierHostRegistered").await?;
        Ok(bool::try_from(shown)?)
    })
    .await
}

/// The keyring's default collection. Reading whether it is locked unlocks nothing.
pub(in super::super) async fn keyring() -> Seen<Collection> {
    look(async |bus| {
        Ok(match secret_service::locked(bus).await? {
            None => Collection::Missing,
            Some(true) => Collection::Locked,
            Some(false) => Collection::Open,
        })
    })
    .await
}

async fn owned(bus: &zbus::Connection, name: &'static str) -> zbus::Result<bool> {
    let daemon = zbus::fdo::DBusProxy::new(bus).await?;
    Ok(daemon.name_has_owner(BusName::try_from(name)?).await?)
}

async fn look<T>(ask: impl AsyncFnOnce(&zbus::Connection) -> zbus::Result<T>) -> Seen<T> {
    let looked = async {
        let Ok(bus) = zbus::Connection::session().await else {
            return Seen::Elsewhere;
        };
        match ask(&bus).await {
            Ok(found) => Seen::Found(found),
            Err(error) => missed(&error),
        }
    };
    tokio::time::timeout(DEADLINE, looked)
        .await
        .unwrap_or(Seen::Silent)
}

fn missed<T>(error: &zbus::Error) -> Seen<T> {
    let zbus::Error::MethodError(name, words, _) = error else {
        return Seen::Failed(error.to_string());
    };
    match name.as_str().rsplit('.').next().unwrap_or_default() {
        "ServiceUnknown" | "NameHasNoOwner" => Seen::Nothing,
        "NoReply" | "Timeout" | "TimedOut" => Seen::Silent,
        _ => Seen::Failed(words.clone().unwrap_or_else(|| name.to_string())),
    }
}
