//! What logind and NetworkManager say on the system bus of Linux desktops. Owns two subscriptions;
//! asks neither of them anything.
//!
//! A program that poses as one of them can make the sessions ask whether their relays are there, and
//! no more.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::message::{Message, Type};
use zbus::zvariant::OwnedValue;
use zbus::{Connection, MatchRule, MessageStream};

use super::Turn;
use crate::{bus, wait};

/// How long the network must have been quiet to count as settled: a change is a flurry of signals,
/// and calling out in the midst of it fails.
const SETTLES: Duration = Duration::from_secs(1);

/// Signals that may wait; there are few in a day.
const SIGNALS: usize = 16;

/// What changes with the way to the world. NetworkManager's version, devices and the like do not.
const WAYS: [&str; 3] = ["PrimaryConnection", "Connectivity", "State"];

/// Tells what it hears until the bus ends or nobody listens.
///
/// # Errors
/// Where there is no system bus, or it ended.
pub(super) async fn listen(turns: &mpsc::Sender<Turn>) -> zbus::Result<()> {
    let connection = Connection::system().await?;
    let sleep = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.login1")?
        .interface("org.freedesktop.login1.Manager")?
        .member("PrepareForSleep")?
        .build();
    let network = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.NetworkManager")?
        .path("/org/freedesktop/NetworkManager")?
        .interface("org.freedesktop.DBus.Properties")?
        .member("PropertiesChanged")?
        .build();
    let mut sleeps = MessageStream::for_match_rule(sleep, &connection, Some(SIGNALS)).await?;
    let mut networks = MessageStream::for_match_rule(network, &connection, Some(SIGNALS)).await?;
    let mut settled = None;
    loop {
        let turn = tokio::select! {
            signal = next(&mut sleeps) => match signal?.body().deserialize::<bool>() {
                Ok(true) => Turn::Sleeps,
                Ok(false) => Turn::Woke,
                Err(_) => continue,
            },
            signal = next(&mut networks) => {
                if is_another_way(&signal?) {
                    settled = Some(Instant::now() + SETTLES);
                }
                continue;
            }
            () = wait::until(settled) => {
                settled = None;
                Turn::NetworkChanged
            }
        };
        if turns.send(turn).await.is_err() {
            return Ok(());
        }
    }
}

fn is_another_way(signal: &Message) -> bool {
    type Changed = (String, HashMap<String, OwnedValue>, Vec<String>);
    signal
        .body()
        .deserialize::<Changed>()
        .is_ok_and(|(_, changed, _)| WAYS.iter().any(|way| changed.contains_key(*way)))
}

async fn next(signals: &mut MessageStream) -> zbus::Result<Message> {
    bus::next(signals).await.ok_or_else(bus::ended)?
}
