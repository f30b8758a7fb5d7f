//! The buses of Linux desktops: who owns a name and when that changes, a property, what a stream of
//! signals brings. Owns no connection, and nothing that those owners mean.

use std::pin::Pin;
use std::time::Duration;

use zbus::export::futures_core::Stream;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::zvariant::OwnedValue;

/// Whether an owner that is there already counts as appearing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Now {
    /// It was absent when last asked, so it came in between; or it is there and did not serve, and is
    /// not called again before this time is over.
    Counts(Duration),
    /// It was there and did not answer: only another one is news.
    DoesNot,
}

/// Ends when the name has a new owner. Never ends where there is no session bus: one that comes
/// later would not be this process's.
pub(crate) async fn appears(name: &'static str, now: Now) {
    if let Err(error) = wait(name, now).await {
        tracing::debug!(%error, name, "cannot watch the session bus");
        std::future::pending::<()>().await;
    }
}

async fn wait(name: &'static str, now: Now) -> zbus::Result<()> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    let mut changes = bus
        .receive_name_owner_changed_with_args(&[(0, name)])
        .await?;
    // Asked only now, so that nobody comes unseen in between.
    let there = match now {
        Now::Counts(pause) if bus.name_has_owner(BusName::try_from(name)?).await? => Some(pause),
        _ => None,
    };
    let another = async {
        while let Some(change) = next(&mut changes).await {
            if change.args()?.new_owner().is_some() {
                return zbus::Result::Ok(true);
            }
        }
        Ok(false)
    };
    let came = match there {
        Some(pause) => tokio::time::timeout(pause, another)
            .await
            .unwrap_or(Ok(true))?,
        None => another.await?,
    };
    if came {
        return Ok(());
    }
    Err(ended())
}

/// The bus is gone: a stream of its signals has ended.
pub(crate) fn ended() -> zbus::Error {
    zbus::Error::InputOutput(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
}

/// The next signal; none when the bus is gone.
pub(crate) async fn next<S: Stream + Unpin>(signals: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| Pin::new(&mut *signals).poll_next(context)).await
}

/// Reads a property. Starts a service that can be started, and waits as long as it takes.
pub(crate) async fn property(
    connection: &zbus::Connection,
    service: &str,
    path: &str,
    interface: &str,
    name: &str,
) -> zbus::Result<OwnedValue> {
    connection
        .call_method(
            Some(service),
            path,
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(interface, name),
        )
        .await?
        .body()
        .deserialize()
}
