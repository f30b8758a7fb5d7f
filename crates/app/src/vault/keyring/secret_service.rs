//! Whether the Secret Service is open, seen without asking anybody to open it.
//!
//! Owns the watch alone; secrets are not its matter. Reading whether a collection is locked puts up
//! no prompt, so it may be read whenever the service says that something changed, and now and then.

use std::time::Duration;

use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use crate::bus;

/// The service's name on the session bus.
pub(crate) const NAME: &str = "org.freedesktop.secrets";

const SERVICE: &str = "/org/freedesktop/secrets";

/// How often it is looked at although it told of nothing: not every service tells of its locks.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long it may take to say whether it is locked.
const DEADLINE: Duration = Duration::from_secs(5);

/// Ends when the default collection was unlocked. Never ends where that cannot be seen.
pub(super) async fn unlocked() {
    if let Err(error) = wait().await {
        tracing::debug!(%error, "cannot see whether the keyring is locked");
        std::future::pending::<()>().await;
    }
}

async fn wait() -> zbus::Result<()> {
    let connection = Connection::session().await?;
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(NAME)?
        .build();
    // Listens before it looks, so that no change is missed in between.
    let mut signals = MessageStream::for_match_rule(rule, &connection, None).await?;
    // Open although it just refused: what it refuses is not the lock. It is given a pause, or
    // prompts would follow each other.
    let mut open = is_open(&connection).await;
    let mut came = std::pin::pin!(bus::appears(NAME, bus::Now::DoesNot));
    loop {
        tokio::select! {
            signal = bus::next(&mut signals) => if signal.is_none() {
                return Err(bus::ended());
            },
            // A keyring that starts anew is unlocked by the login, or is there to be asked.
            () = came.as_mut() => came.set(bus::appears(NAME, bus::Now::DoesNot)),
            () = tokio::time::sleep(LOOK_AGAIN) => open = false,
        }
        let before = std::mem::replace(&mut open, is_open(&connection).await);
        if open && !before {
            return Ok(());
        }
    }
}

async fn is_open(connection: &Connection) -> bool {
    let asked = tokio::time::timeout(DEADLINE, locked(connection)).await;
    matches!(asked, Ok(Ok(Some(false))))
}

/// Whether the default collection is locked; none where there is none. Unlocks nothing.
pub(crate) async fn locked(connection: &Connection) -> zbus::Result<Option<bool>> {
    let service = Proxy::new(connection, NAME, SERVICE, "org.freedesktop.Secret.Service").await?;
    let collection: OwnedObjectPath = service.call("ReadAlias", &("default")).await?;
    if collection.as_str() == "/" {
        return Ok(None);
    }
    let interface = "org.freedesktop.Secret.Collection";
    let locked = bus::property(connection, NAME, &collection, interface, "Locked").await?;
    Ok(Some(bool::try_from(locked)?))
}
