//! The doctor's chart: what the reception saw of what only it sees.
//!
//! Owns the one test message that is watched at a time and when each of its hops was seen, and what
//! each relay said of itself when it was connected to. The reception says what passes; whoever asked
//! for a test waits for its last hop. Decides nothing for the reception.
//!
//! Invariants: no other message is remembered; while none is watched, a message costs one lock that
//! nobody else wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidings_protocol::Mid;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::types::{Held, MessageId, RelayId};

/// When each hop was seen, counted from the order to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trip {
    /// Handed to the connection.
    pub(crate) sent: Option<Duration>,
    /// When the relay took it by its own clock, in milliseconds since 1970: its number says so.
    pub(crate) accepted_at: Option<u64>,
    /// Back here.
    pub(crate) delivered: Option<Duration>,
    /// In the inbox.
    pub(crate) stored: Option<Duration>,
    /// On the screen.
    pub(crate) notified: Option<Duration>,
    /// Not put on the screen, and why.
    pub(crate) held: Option<Held>,
    /// The relay knows of its arrival, and said so.
    pub(crate) confirmed: Option<Duration>,
    /// The relay gave up on it, or the connection broke: nothing more is coming.
    pub(crate) lost: bool,
}

impl Trip {
    /// Whether there is nothing left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        let shown = self.notified.is_some() || self.held.is_some();
        self.lost || (self.confirmed.is_some() && self.stored.is_some() && shown)
    }
}

/// What a relay said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// Its program and version, where it names them.
    pub(crate) server: Option<String>,
    /// The extensions of the protocol that it speaks.
    pub(crate) features: Vec<String>,
}

/// What the doctor keeps of what passes. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chart {
    watched: Arc<Mutex<Option<Watched>>>,
    /// By the relays' ids. One that was left is remembered: there are never many.
    greetings: Arc<Mutex<HashMap<RelayId, Greeting>>>,
}

#[derive(Debug)]
struct Watched {
    /// What no other message's body holds.
    mark: String,
    began: Instant,
    sent_as: Option<MessageId>,
    received_as: Option<MessageId>,
    trip: watch::Sender<Trip>,
}

impl Watched {
    fn see(&self, note: impl FnOnce(&mut Trip, Duration)) {
        let past = self.began.elapsed();
        self.trip.send_modify(|trip| note(trip, past));
    }
}

impl Chart {
    /// Watches the message with this mark in its body, in place of the last one.
    pub(crate) fn begin(&self, mark: String) -> watch::Receiver<Trip> {
        let (trip, seen) = watch::channel(Trip::default());
        *self.watched() = Some(Watched {
            mark,
            began: Instant::now(),
            sent_as: None,
            received_as: None,
            trip,
        });
        seen
    }

    /// The message with this mark is not watched any more.
    pub(crate) fn end(&self, mark: &str) {
        self.watched().take_if(|watched| watched.mark == mark);
    }

    /// It was handed to the connection.
    pub(crate) fn sent(&self, id: MessageId, body: &str) {
        if let Some(watched) = self.watched().as_mut().filter(|w| body.contains(&w.mark)) {
            watched.sent_as = Some(id);
            watched.see(|trip, past| trip.sent = Some(past));
        }
    }

    /// It came from the relay, which gave it that number.
    pub(crate) fn delivered(&self, body: &str, mid: &Mid) {
        if let Some(watched) = self.watched().as_ref().filter(|w| body.contains(&w.mark)) {
            let number = mid.to_string();
            let whole = number.split('.').next().unwrap_or_default();
            let accepted_at = whole.parse().ok();
            watched.see(|trip, past| {
                // A repeat is no second arrival.
                if trip.delivered.is_none() {
                    (trip.delivered, trip.accepted_at) = (Some(past), accepted_at);
                }
            });
        }
    }

    /// It is in the inbox, as that message.
    pub(crate) fn stored(&self, id: MessageId, preview: &str) {
        if let Some(watched) = self
            .watched()
            .as_mut()
            .filter(|w| preview.contains(&w.mark))
        {
            watched.received_as = Some(id);
            watched.see(|trip, past| trip.stored = Some(past));
        }
    }

    /// These are on the screen.
    pub(crate) fn notified(&self, ids: &[MessageId]) {
        let watched = self.watched();
        let of_these = |w: &&Watched| w.received_as.is_some_and(|id| ids.contains(&id));
        if let Some(watched) = watched.as_ref().filter(of_these) {
            watched.see(|trip, past| trip.notified = Some(past));
        }
    }

    /// These are held back.
    pub(crate) fn held(&self, rows: &[(MessageId, Held)]) {
        let watched = self.watched();
        let Some(watched) = watched.as_ref() else {
            return;
        };
        let why = rows
            .iter()
            .find(|(id, _)| Some(*id) == watched.received_as)
            .map(|(_, why)| *why);
        if why.is_some() {
            watched.see(|trip, _| trip.held = why);
        }
    }

    /// The relay said what became of this sent message, and whether it arrived.
    pub(crate) fn answered(&self, id: MessageId, arrived: bool) {
        let watched = self.watched();
        if let Some(watched) = watched.as_ref().filter(|w| w.sent_as == Some(id)) {
            watched.see(|trip, past| {
                if arrived {
                    trip.confirmed = Some(past);
                } else {
                    trip.lost = true;
                }
            });
        }
    }

    /// A relay let this computer in, and said this of itself.
    pub(crate) fn greeted(&self, relay: &RelayId, greeting: Greeting) {
        let mut greetings = self
            .greetings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        greetings.insert(relay.clone(), greeting);
    }

    /// What a relay said of itself when it was connected to last.
    pub(crate) fn greeting(&self, relay: &RelayId) -> Option<Greeting> {
        let greetings = self
            .greetings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        greetings.get(relay).cloned()
    }

    fn watched(&self) -> MutexGuard<'_, Option<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid(text: &str) -> Mid {
        serde_json::from_value(text.into()).unwrap()
    }

    fn millis(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    #[tokio::test(start_paused = true)]
    async fn the_hops_of_the_watched_message_are_seen_and_no_other_ones() {
        let chart = Chart::default();
        chart.sent(1, "nobody watches");
        let seen = chart.begin("m4rk".into());
        let pass = async || tokio::time::advance(Duration::from_millis(5)).await;
        pass().await;
        chart.sent(8, "another one's");
        chart.sent(7, "a test (m4rk)");
        pass().await;
        chart.delivered("another one's", &mid("1731000000001"));
        chart.delivered("a test (m4rk)", &mid("1731000000000.12"));
        pass().await;
        chart.delivered("a test (m4rk)", &mid("1731000000002"));
        chart.stored(3, "a test (m4rk)");
        pass().await;
        chart.notified(&[1, 2]);
        assert!(!seen.borrow().is_over());
        chart.notified(&[2, 3]);
        pass().await;
        chart.answered(8, false);
        chart.answered(7, true);
        let expected = Trip {
            sent: millis(5),
            accepted_at: Some(1_731_000_000_000),
            delivered: millis(10),
            stored: millis(15),
            notified: millis(20),
            confirmed: millis(25),
            ..Trip::default()
        };
        assert_eq!(*seen.borrow(), expected);
        assert!(seen.borrow().is_over());
        chart.end("another");
        chart.answered(7, true);
        chart.end("m4rk");
        chart.answered(7, false);
        assert!(!seen.borrow().lost);
    }

    #[tokio::test]
    async fn a_message_that_is_held_back_or_lost_is_waited_for_no_longer() {
        let chart = Chart::default();
        let seen = chart.begin("m4rk".into());
        chart.sent(7, "m4rk");
        chart.stored(3, "m4rk");
        chart.held(&[(4, Held::Muted), (3, Held::Paused)]);
        assert_eq!(seen.borrow().held, Some(Held::Paused));
        chart.answered(7, true);
        assert!(seen.borrow().is_over());
        let seen = chart.begin("other".into());
        chart.sent(8, "other");
        chart.answered(8, false);
        assert!(seen.borrow().is_over());
    }
}
