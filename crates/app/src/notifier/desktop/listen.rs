//! What the notification service says by itself: what came of notifications, that it went, whether
//! the person is not to be disturbed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use zbus::MessageStream;
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::names::BusName;

use super::{OBJECT, SERVICE, Standing, State, locked};
use crate::bus;
use crate::notifier::{Fate, News};

/// Signals that wait to be read. The connection waits then; the reader never does for long.
const QUEUE: usize = 64;

/// Signals kept about notifications that are not known yet: the answer to the call is on its way.
const EARLY: usize = 64;

/// Services with a do-not-disturb that can be read: the property, and its interface.
pub(crate) const DO_NOT_DISTURB: &[(&str, &str)] = &[
    // KDE's, by its extension of the specification; others follow.
    (SERVICE, "Inhibited"),
    ("org.dunstproject.cmd0", "paused"),
];

/// Signals about notifications that are not standing yet.
#[derive(Debug, Default)]
pub(super) struct Early(VecDeque<(String, u32, Fate)>);

impl Early {
    fn keep(&mut self, owner: String, id: u32, fate: Fate) {
        if self.0.len() == EARLY {
            self.0.pop_front();
        }
        self.0.push_back((owner, id, fate));
    }

    /// Takes what was heard about one.
    pub(super) fn about(&mut self, owner: &str, id: u32) -> Vec<Fate> {
        let mut about = Vec::new();
        self.0.retain(|(from, which, fate)| {
            let wanted = from == owner && *which == id;
            if wanted {
                about.push(fate.clone());
            }
            !wanted
        });
        about
    }
}

/// Whether nothing more is heard of a notification after this.
pub(super) fn ends(fate: &Fate) -> bool {
    !matches!(fate, Fate::Clicked | Fate::Pressed(_) | Fate::Replied(_))
}

/// The streams of a connection, made before anything is raised by it.
pub(super) struct Heard {
    signals: MessageStream,
    owners: MessageStream,
}

impl Heard {
    pub(super) async fn on(bus: &zbus::Connection) -> zbus::Result<Self> {
        let signals = zbus::MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(SERVICE)?
            .path(OBJECT)?
            .interface(SERVICE)?
            .build();
        let owners = zbus::MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.freedesktop.DBus")?
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, SERVICE)?
            .build();
        Ok(Self {
            signals: MessageStream::for_match_rule(signals, bus, Some(QUEUE)).await?,
            owners: MessageStream::for_match_rule(owners, bus, Some(QUEUE)).await?,
        })
    }

    /// Passes on what is heard, for as long as the connection lives.
    pub(super) async fn listen(mut self, state: Arc<Mutex<State>>) {
        loop {
            let told = tokio::select! {
                signal = bus::next(&mut self.signals) => match signal {
                    Some(Ok(signal)) => fate(&state, &signal),
                    _ => return,
                },
                change = bus::next(&mut self.owners) => match change {
                    Some(Ok(change)) => lost(&state, &change),
                    _ => return,
                },
            };
            for (standing, fate) in told {
                let message = standing.message;
                // Its reader ends with the app.
                let _ = standing.news.send(News { message, fate }).await;
            }
        }
    }
}

/// What a signal says of a notification of ours.
fn fate(state: &Mutex<State>, signal: &zbus::Message) -> Vec<(Standing, Fate)> {
    let header = signal.header();
    let owner = header.sender().map(ToString::to_string).unwrap_or_default();
    let heard = match header.member().map(|member| member.as_str()) {
        Some("ActionInvoked") => {
            signal
                .body()
                .deserialize::<(u32, String)>()
                .ok()
                .map(|(id, key)| {
                    let fate = if key == "default" {
                        Fate::Clicked
                    } else {
                        Fate::Pressed(key)
                    };
                    (id, fate)
                })
        }
        // KDE's extension.
        Some("NotificationReplied") => signal
            .body()
            .deserialize::<(u32, String)>()
            .ok()
            .map(|(id, text)| (id, Fate::Replied(text))),
        Some("NotificationClosed") => signal
            .body()
            .deserialize::<(u32, u32)>()
            .ok()
            .map(|(id, reason)| (id, closed(reason))),
        _ => None,
    };
    let Some((id, fate)) = heard else {
        return Vec::new();
    };
    let mut state = locked(state);
    let place = state
        .standing
        .iter()
        .position(|standing| standing.id == id && standing.owner == owner);
    let Some(place) = place else {
        state.early.keep(owner, id, fate);
        return Vec::new();
    };
    let standing = if ends(&fate) {
        state.standing.remove(place)
    } else {
        state.standing.get(place).cloned()
    };
    standing
        .map(|standing| (standing, fate))
        .into_iter()
        .collect()
}

/// The specification's reasons. The fourth is "undefined", which some give for whatever they do by
/// themselves.
fn closed(reason: u32) -> Fate {
    match reason {
        2 => Fate::Dismissed,
        3 => Fate::Closed,
        _ => Fate::Expired,
    }
}

/// What was lost with a service that went.
fn lost(state: &Mutex<State>, change: &zbus::Message) -> Vec<(Standing, Fate)> {
    let Ok((_, old, _)) = change.body().deserialize::<(String, String, String)>() else {
        return Vec::new();
    };
    let mut state = locked(state);
    let (gone, kept) = std::mem::take(&mut state.standing)
        .into_iter()
        .partition(|standing| standing.owner == old);
    state.standing = kept;
    let gone: VecDeque<Standing> = gone;
    gone.into_iter()
        .map(|standing| (standing, Fate::Lost))
        .collect()
}

/// Waits until do-not-disturb is not as it was known to be.
pub(super) async fn do_not_disturb(known: bool) -> zbus::Result<bool> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    let mut owners = bus
        .receive_name_owner_changed_with_args(&[(0, SERVICE)])
        .await?;
    let rule = zbus::MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(SERVICE)?
        .path(OBJECT)?
        .interface("org.freedesktop.DBus.Properties")?
        .member("PropertiesChanged")?
        .build();
    let mut changes = MessageStream::for_match_rule(rule, &connection, Some(QUEUE)).await?;
    loop {
        // Asked only of a service that is there: asking must not start one.
        let there = bus.name_has_owner(BusName::try_from(SERVICE)?).await?;
        let on = there && read(&connection).await;
        if on != known {
            return Ok(on);
        }
        let ended = tokio::select! {
            change = bus::next(&mut changes) => change.is_none(),
            change = bus::next(&mut owners) => change.is_none(),
        };
        if ended {
            return Err(bus::ended());
        }
    }
}

async fn read(connection: &zbus::Connection) -> bool {
    for (interface, name) in DO_NOT_DISTURB {
        let value = bus::property(connection, SERVICE, OBJECT, interface, name);
        let value = tokio::time::timeout(super::DEADLINE, value).await;
        if matches!(
            value.map(|value| value.map(bool::try_from)),
            Ok(Ok(Ok(true)))
        ) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_too_early_is_kept_for_whom_it_concerns_and_bounded() {
        let mut early = Early::default();
        for id in 0..100 {
            early.keep(":1.2".into(), id, Fate::Clicked);
        }
        early.keep(":1.2".into(), 99, Fate::Dismissed);
        assert!(early.about(":1.2", 3).is_empty(), "too long ago");
        assert!(early.about(":1.3", 99).is_empty(), "another service's");
        assert_eq!(early.about(":1.2", 99), [Fate::Clicked, Fate::Dismissed]);
        assert!(early.about(":1.2", 99).is_empty());
        assert!(ends(&Fate::Dismissed) && !ends(&Fate::Clicked));
    }

    #[test]
    fn the_reasons_are_the_specifications() {
        let fates: Vec<_> = (1..=5).map(closed).collect();
        use Fate::{Closed, Dismissed, Expired};
        assert_eq!(fates, [Expired, Dismissed, Closed, Expired, Expired]);
    }
}
