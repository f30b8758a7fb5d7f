//! The workloads by name: which systems each is for, and what it measures.

use anyhow::Result;

use crate::scale::Scale;
use crate::server::{Answers, Server};
use crate::system::{Name, System};
use crate::{crowd, flood, idle, latency, queue};

/// What is done with each system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Confirmed messages as fast as they go.
    Pairs { pairs: usize, window: usize },
    /// One message to very many.
    Crowd,
    /// From sending to receiving, at so many a second.
    Latency { rate: u32 },
    /// A queue is filled and drained.
    Drain,
    /// Scripts that send by HTTP.
    Http { keep_alive: bool },
    /// The cost of a message by how many recipients are known.
    Known,
    /// The cost of a message by how many others wait, and a restart with them.
    Queued,
    /// Clients that do nothing.
    Idle,
}

/// In the order of a run.
pub(crate) const ALL: [Workload; 12] = [
    Workload::Pairs {
        pairs: 1,
        window: 256,
    },
    Workload::Pairs {
        pairs: 1,
        window: 1,
    },
    Workload::Pairs {
        pairs: 50,
        window: 16,
    },
    Workload::Crowd,
    Workload::Latency { rate: 50 },
    Workload::Latency { rate: 2000 },
    Workload::Drain,
    Workload::Http { keep_alive: true },
    Workload::Http { keep_alive: false },
    Workload::Known,
    Workload::Queued,
    Workload::Idle,
];

/// A quantity: its name behind the workload's, its value, its unit.
pub(crate) type Quantity = (String, f64, &'static str);

/// A quantity.
pub(crate) fn quantity(name: &str, value: f64, unit: &'static str) -> Quantity {
    (name.to_owned(), value, unit)
}

impl Workload {
    /// As reports have it.
    pub(crate) fn name(self, scale: &Scale) -> String {
        match self {
            Self::Pairs { pairs: 1, window } => format!("one to one, window {window}"),
            Self::Pairs { pairs, window } => format!("{pairs} to {pairs}, window {window}"),
            Self::Crowd => format!("one to {}", thousands(scale.crowd)),
            Self::Latency { rate } => format!("latency at {}/s", thousands(rate as usize)),
            Self::Drain => format!("drain of {}", thousands(scale.drain)),
            Self::Http { keep_alive: true } => "HTTP, keep-alive".to_owned(),
            Self::Http { keep_alive: false } => "HTTP, a connection each".to_owned(),
            Self::Known => "known recipients".to_owned(),
            Self::Queued => "queued messages and restart".to_owned(),
            Self::Idle => format!("{} idle", thousands(scale.idle)),
        }
    }

    /// Whether it means something for a system.
    pub(crate) fn suits(self, system: Name) -> bool {
        let relay = matches!(system, Name::RelayOs | Name::RelayDisk);
        match self {
            Self::Pairs { .. } | Self::Crowd | Self::Latency { .. } => true,
            // It keeps nothing.
            Self::Drain => system != Name::Null,
            Self::Http { .. } => relay,
            Self::Known => system == Name::RelayOs,
            // What null costs says nothing, and how the relay commits has no part in it.
            Self::Idle | Self::Queued => !matches!(system, Name::Null | Name::RelayDisk),
        }
    }

    /// When the relay answers in it.
    pub(crate) fn answers(self) -> Answers {
        match self {
            Self::Drain | Self::Queued => Answers::Kept,
            _ => Answers::Confirmed,
        }
    }

    /// One round, on a server of its own.
    pub(crate) async fn round<S: System>(
        self,
        system: &S,
        server: &Server,
        scale: &Scale,
    ) -> Result<Vec<Quantity>> {
        Ok(match self {
            Self::Pairs { pairs, window } => {
                let seen = flood::flood(system, server, pairs, window, scale).await?;
                vec![
                    quantity("", seen.rate, "messages/s"),
                    quantity("server's CPU", seen.server, "µs/message"),
                    quantity("generator's CPU", seen.generator, "µs/message"),
                ]
            }
            Self::Crowd => {
                let seen = crowd::crowd(system, server, scale.crowd, scale.time).await?;
                vec![
                    quantity("", seen.took, "ms/message"),
                    quantity("server's CPU", seen.server, "µs/delivery"),
                ]
            }
            Self::Latency { rate } => {
                let times = latency::latency(system, rate, scale.latency).await?;
                let at = |part| times.value_at_quantile(part) as f64 / 1000.0;
                vec![
                    quantity("50th percentile", at(0.5), "µs"),
                    quantity("99th percentile", at(0.99), "µs"),
                    quantity("99.9th percentile", at(0.999), "µs"),
                ]
            }
            Self::Drain => {
                let seen = queue::drain(system, server, scale.drain).await?;
                vec![
                    quantity("", seen.drained, "messages/s"),
                    quantity("server's CPU", seen.server, "µs/message"),
                    quantity("filling", seen.filled, "messages/s"),
                ]
            }
            Self::Idle => {
                let seen = idle::idle(system, server, scale.idle, scale.rest).await?;
                vec![
                    quantity("memory", seen.memory / 1024.0, "KiB/connection"),
                    quantity("CPU at rest", seen.rest * 100.0, "% of a core"),
                ]
            }
            Self::Http { .. } | Self::Known | Self::Queued => {
                anyhow::bail!("{self:?} has rounds of its own")
            }
        })
    }
}

/// 10000 as 10,000.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        let shown = [0, 999, 1000, 12_345, 1_000_000].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,000,000"]);
    }
}
