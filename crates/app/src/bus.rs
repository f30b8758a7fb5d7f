//! A look at the session bus of Linux desktops: who owns a name, and when that changes. Owns nothing
//! that is said to those owners.

use std::time::Duration;

use zbus::export::futures_core::Stream;
use zbus::fdo::{DBusProxy, NameOwnerChanged};
use zbus::names::BusName;

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
    let changes = bus
        .receive_name_owner_changed_with_args(&[(0, name)])
        .await?;
    // Asked only now, so that nobody comes unseen in between.
    let there = match now {
        Now::Counts(pause) if bus.name_has_owner(BusName::try_from(name)?).await? => Some(pause),
        _ => None,
    };
    let mut changes = std::pin::pin!(changes);
    let another = async {
        while let Some(change) = next(changes.as_mut()).await {
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
    Err(zbus::Error::InputOutput(
        std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into(),
    ))
}

pub(crate) async fn next(
    mut changes: std::pin::Pin<&mut impl Stream<Item = NameOwnerChanged>>,
) -> Option<NameOwnerChanged> {
    std::future::poll_fn(|context| changes.as_mut().poll_next(context)).await
}
