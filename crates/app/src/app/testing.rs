//! A test message to oneself, for the doctor: sent as any other, and followed.

use std::time::Duration;

use super::App;
use crate::doctor::{Chart, Trip};
use crate::types::{Draft, Failure, Language, Priority, Recipient, RelayId};
use crate::{clock, outgoing};

/// How long the last hop is waited for. A relay says what became of a message after five seconds at
/// the latest, and a notification that takes as long is none.
const TRIP: Duration = Duration::from_secs(8);

/// Characters of the mark by which it is known on its way: beyond chance, and short to look at.
const MARK: usize = 8;

impl App {
    /// What the reception saw, for the doctor.
    pub(crate) fn chart(&self) -> &Chart {
        &self.chart
    }

    /// Sends a test message to oneself and follows it to its last hop, or until that is too late.
    /// Gives what was seen, and when it was ordered, in milliseconds since 1970. One is followed at
    /// a time: another one's order ends the first.
    ///
    /// # Errors
    /// [`Failure::NotConfigured`], [`Failure::System`].
    pub(crate) async fn follow_test(
        &self,
        relay: &RelayId,
        name: &str,
    ) -> Result<(Trip, u64), Failure> {
        let mark: String = outgoing::reference()?.chars().take(MARK).collect();
        let (title, body) = match self.settings().language {
            Language::Chinese => (
                "测试消息",
                "这是 Tidings 发给自己的消息：从这里到中继再回来，一切正常。",
            ),
            Language::English | Language::System => (
                "Test message",
                "Tidings sent this to itself: the way to the relay and back works.",
            ),
        };
        let draft = Draft {
            to: vec![Recipient::Person(name.to_owned())],
            title: title.to_owned(),
            body: format!("{body} ({mark})"),
            priority: Priority::Default,
            link: String::new(),
            relay: Some(relay.clone()),
            ..Draft::default()
        };
        let mut seen = self.chart.begin(mark.clone());
        let began = clock::now();
        let sent = self.send(draft, None).await;
        if sent.is_ok() {
            // Late or replaced: what was seen until then is told.
            let _ = tokio::time::timeout(TRIP, seen.wait_for(Trip::is_over)).await;
            self.chart.end(&mark);
        }
        sent?;
        let trip = seen.borrow().clone();
        Ok((trip, began))
    }
}
