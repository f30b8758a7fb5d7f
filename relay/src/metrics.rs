//! What a relay counts, as Prometheus reads it (OpenMetrics text).
//!
//! Invariants: no name of a client, no content and no address is in it; every label has a few
//! values that stand here; counting never waits.

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::store::Load;

/// Labels of which the relay knows all values.
type By = [(&'static str, &'static str); 1];

/// Bounds of what takes milliseconds: storing.
const STORING: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0];
/// Bounds of what takes as long as a recipient is away: from a message's acceptance to its
/// confirmation.
const CONFIRMING: [f64; 9] = [0.01, 0.05, 0.2, 1.0, 5.0, 60.0, 600.0, 3600.0, 86_400.0];

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// A wrong token, or guesses too fast.
    Token,
    /// Too many connections, in all or from one address.
    Connections,
    /// Too many requests from one address.
    Requests,
    /// As much as is held for a recipient waits for it.
    QueueFull,
    /// The store did not take the message.
    Store,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) connections: Gauge,
    pub(crate) sent: Counter,
    pub(crate) sent_again: Counter,
    pub(crate) confirmed: Counter,
    pub(crate) expired: Counter,
    pub(crate) held: Counter,
    pub(crate) released: Counter,
    pub(crate) superseded: Counter,
    pub(crate) reminders: Counter,
    pub(crate) receipts: Counter,
    pushes: Family<By, Counter>,
    pub(crate) storing: Histogram,
    pub(crate) confirming: Histogram,
    accepted: Family<By, Counter>,
    refused: Family<By, Counter>,
    requests: Family<[(&'static str, &'static str); 2], Counter>,
    clients: Gauge,
    queued: Gauge,
    queued_bytes: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tidings"),
            connections: Gauge::default(),
            sent: Counter::default(),
            sent_again: Counter::default(),
            confirmed: Counter::default(),
            expired: Counter::default(),
            held: Counter::default(),
            released: Counter::default(),
            superseded: Counter::default(),
            reminders: Counter::default(),
            receipts: Counter::default(),
            pushes: Family::default(),
            storing: Histogram::new(STORING),
            confirming: Histogram::new(CONFIRMING),
            accepted: Family::default(),
            refused: Family::default(),
            requests: Family::default(),
            clients: Gauge::default(),
            queued: Gauge::default(),
            queued_bytes: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let connections = self.connections.clone();
        registry.register("connections", "TCP connections open now", connections);
        let clients = self.clients.clone();
        registry.register("clients", "Authenticated clients connected now", clients);
        let accepted = self.accepted.clone();
        registry.register(
            "messages_accepted",
            "Messages made durable, by where they came from",
            accepted,
        );
        let sent = self.sent.clone();
        registry.register("messages_sent", "Messages sent to a recipient", sent);
        let again = self.sent_again.clone();
        registry.register(
            "messages_sent_again",
            "Messages sent again, as no confirmation came",
            again,
        );
        let confirmed = self.confirmed.clone();
        registry.register(
            "messages_confirmed",
            "Messages confirmed by a recipient",
            confirmed,
        );
        let expired = self.expired.clone();
        registry.register(
            "messages_expired",
            "Messages given up, once per recipient",
            expired,
        );
        let extensions = [
            (
                "messages_held",
                "Messages taken that are due later",
                &self.held,
            ),
            (
                "messages_released",
                "Messages let go when they were due",
                &self.released,
            ),
            (
                "messages_superseded",
                "Waiting messages whose place a later one of their key took, once per recipient",
                &self.superseded,
            ),
            (
                "reminders",
                "Reminders sent to a recipient",
                &self.reminders,
            ),
            ("receipts", "Receipts sent to a client", &self.receipts),
        ];
        for (name, help, counter) in extensions {
            registry.register(name, help, counter.clone());
        }
        let pushes = self.pushes.clone();
        registry.register(
            "pushes",
            "Messages handed to push services, by what became of it",
            pushes,
        );
        let refused = self.refused.clone();
        registry.register("refused", "What was refused, by the reason", refused);
        let requests = self.requests.clone();
        registry.register(
            "requests",
            "HTTP requests to send a message that are no packets, by dialect and outcome",
            requests,
        );
        let queued = self.queued.clone();
        registry.register(
            "messages_queued",
            "Messages waiting for confirmation now, once per recipient",
            queued,
        );
        let bytes = self.queued_bytes.clone();
        registry.register_with_unit("messages_queued", "The bytes of those", Unit::Bytes, bytes);
        let storing = self.storing.clone();
        registry.register_with_unit(
            "storing",
            "From taking a message to its being durable",
            Unit::Seconds,
            storing,
        );
        let confirming = self.confirming.clone();
        registry.register_with_unit(
            "confirming",
            "From accepting a message to a recipient's confirmation being durable",
            Unit::Seconds,
            confirming,
        );
    }

    /// A message is durable.
    pub(crate) fn accepted(&self, by: &'static str) {
        self.accepted.get_or_create(&[("by", by)]).inc();
    }

    /// A message was handed to a push service.
    pub(crate) fn pushed(&self, outcome: &'static str) {
        self.pushes.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Something was refused.
    pub(crate) fn refused(&self, why: Why) {
        let why = match why {
            Why::Token => "token",
            Why::Connections => "connections",
            Why::Requests => "requests",
            Why::QueueFull => "queue_full",
            Why::Store => "store",
        };
        self.refused.get_or_create(&[("why", why)]).inc();
    }

    /// A request to send, in some dialect, was answered.
    pub(crate) fn request(&self, dialect: &'static str, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        let labels = [("dialect", dialect), ("outcome", outcome)];
        self.requests.get_or_create(&labels).inc();
    }

    /// A connection, counted as long as this is held.
    pub(crate) fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// All of it as text, with what is only known now.
    pub(crate) fn text(&self, clients: usize, load: Load) -> String {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.clients.set(i64::try_from(clients).unwrap_or(i64::MAX));
        self.queued.set(number(load.messages));
        self.queued_bytes.set(number(load.bytes));
        let mut buffer = String::new();
        // A text takes all that is written to it.
        let _ = text::encode(&mut buffer, &self.registry);
        buffer
    }
}

/// A connection that is counted.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_prometheus_wants_it() {
        let metrics = Metrics::new();
        let open = metrics.connection();
        metrics.accepted("http");
        metrics.refused(Why::Token);
        metrics.pushed("taken");
        metrics.storing.observe(0.002);
        let load = Load {
            messages: 3,
            bytes: 99,
        };
        let text = metrics.text(2, load);
        for line in [
            "tidings_connections 1",
            "tidings_clients 2",
            "tidings_messages_accepted_total{by=\"http\"} 1",
            "tidings_refused_total{why=\"token\"} 1",
            "tidings_pushes_total{outcome=\"taken\"} 1",
            "tidings_messages_queued 3",
            "tidings_messages_queued_bytes 99",
            "tidings_storing_seconds_count 1",
        ] {
            assert!(text.lines().any(|l| l == line), "no {line}: {text}");
        }
        drop(open);
        assert!(metrics.text(0, load).contains("tidings_connections 0\n"));
    }
}
