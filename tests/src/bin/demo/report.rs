//! What the demo measured, as JSON and as lines to read.

use std::fmt;

use serde_json::{Value, json};
use tidings_tests::memory::Memory;

/// All that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) messages: Vec<Timed>,
    /// The agent connected to a relay elsewhere, at rest.
    pub(crate) without_relay: Memory,
    /// The agent with the relay inside, connected to it, at rest.
    pub(crate) with_relay: Memory,
}

/// A message's way. Times are milliseconds since its sending began.
#[derive(Debug)]
pub(crate) struct Timed {
    /// `curl`, `command line` or `compose window`.
    pub(crate) via: &'static str,
    pub(crate) to: &'static str,
    pub(crate) title: &'static str,
    /// The relay took it (by its id, which reads as a time).
    pub(crate) accepted_ms: f64,
    /// It is durable in the recipient's inbox.
    pub(crate) stored_ms: f64,
    /// The recipient's notification daemon has shown it.
    pub(crate) notified_ms: f64,
    /// The sender knows that it was delivered.
    pub(crate) confirmed_ms: f64,
    /// The recipient's status as the sender got it.
    pub(crate) status: String,
}

impl Report {
    pub(crate) fn to_json(&self) -> Value {
        let messages = self.messages.iter().map(|timed| {
            json!({
                "via": timed.via,
                "to": timed.to,
                "title": timed.title,
                "accepted_ms": tenths(timed.accepted_ms),
                "stored_ms": tenths(timed.stored_ms),
                "notified_ms": tenths(timed.notified_ms),
                "confirmed_ms": tenths(timed.confirmed_ms),
                "status": timed.status,
            })
        });
        let memory =
            |memory: &Memory| json!({"pss_mib": tenths(memory.pss), "rss_mib": tenths(memory.rss)});
        json!({
            "messages": messages.collect::<Vec<_>>(),
            "agent": {
                "with_relay": memory(&self.with_relay),
                "without_relay": memory(&self.without_relay),
            },
        })
    }

    pub(crate) fn memory(&self) -> String {
        let (with, without) = (self.with_relay, self.without_relay);
        format!(
            "agent at rest: {:.1} MiB (PSS) with the relay inside, {:.1} without",
            with.pss, without.pss
        )
    }
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:14} to {:4}  accepted {:6.1}  stored {:6.1}  notified {:6.1}  confirmed {:6.1} ms  {}",
            self.via,
            self.to,
            self.accepted_ms,
            self.stored_ms,
            self.notified_ms,
            self.confirmed_ms,
            self.status
        )
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
