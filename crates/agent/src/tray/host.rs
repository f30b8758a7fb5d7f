//! Whether somebody shows tray icons: watches for `org.kde.StatusNotifierWatcher` on the bus.
//!
//! GNOME without an extension has none. The tray library registers with a late one by itself; this
//! only knows whether to tell the person.

use futures_util::StreamExt;
use tokio::sync::watch;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Keeps `present` true while there is a tray host. Ends with the bus.
///
/// # Errors
/// Where there is no session bus, or it goes away.
pub(crate) async fn follow(present: watch::Sender<bool>) -> zbus::Result<()> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    // Subscribed first, so that a host that comes between is not missed.
    let mut changes = bus
        .receive_name_owner_changed_with_args(&[(0, WATCHER)])
        .await?;
    let name = BusName::try_from(WATCHER)?;
    present.send_replace(bus.name_has_owner(name).await?);
    while let Some(change) = changes.next().await {
        present.send_replace(change.args()?.new_owner().is_some());
    }
    Ok(())
}
