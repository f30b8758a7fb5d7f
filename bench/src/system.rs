//! What the workloads ask of every system, and which systems there are.
//!
//! A workload speaks to a [`System`] in messages; how a message, its confirmation and a client look on the
//! wire is the system's. All clients live in one process and on one thread, the generator.

use anyhow::Result;

/// Bytes of every message's body.
pub(crate) const BODY: usize = 300;

/// How many messages a recipient may leave unconfirmed, in every system that knows such a bound.
pub(crate) const WINDOW: usize = 256;

/// Clients of a server that runs. Three kinds of wire implement it.
pub(crate) trait System {
    /// A client that sends.
    type Sender: Sender + 'static;
    /// A client that takes and confirms.
    type Recipient: Recipient + 'static;

    /// A sender and its one recipient, connected; `room` is theirs alone.
    async fn pair(&self, room: &str) -> Result<(Self::Sender, Self::Recipient)>;
}

/// One sending client.
pub(crate) trait Sender {
    /// Sends so many messages, batched as the wire likes it.
    async fn send(&mut self, count: usize) -> Result<()>;

    /// Waits until more messages are confirmed, in the system's meaning of the word; how many are. May be
    /// dropped while it waits.
    async fn confirmed(&mut self) -> Result<usize>;
}

/// One receiving client.
pub(crate) trait Recipient {
    /// Waits for messages and confirms them; how many came. May be dropped while it waits.
    async fn receive(&mut self) -> Result<usize>;
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Name {
    /// The hub that only forwards
    Null,
    /// Our relay, durable against its own crash
    RelayOs,
    /// Our relay, durable against a power failure
    RelayDisk,
}

impl Name {
    /// As reports have it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::RelayOs => "relay-os",
            Self::RelayDisk => "relay-disk",
        }
    }
}
