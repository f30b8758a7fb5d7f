//! What the workloads ask of every system, and which systems there are.
//!
//! A workload speaks to a [`System`] in messages; how a message, its confirmation and a client look on the
//! wire is the system's. All clients live in one process and on one thread, the generator.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::{Result, bail};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Bytes of every message's body.
pub(crate) const BODY: usize = 300;

/// How many messages a recipient may leave unconfirmed, in every system that knows such a bound.
pub(crate) const WINDOW: usize = 256;

/// Connections made at a time: the system's queue of new ones holds some more.
pub(crate) const AT_A_TIME: usize = 64;

/// Clients of a server that runs. Three kinds of wire implement it. A `room` names a sender and whom it
/// sends to.
pub(crate) trait System {
    /// A client that sends.
    type Sender: Sender + 'static;
    /// A client that takes and confirms.
    type Recipient: Recipient + 'static;

    /// A sender and its one recipient, connected.
    async fn pair(&self, room: &str) -> Result<(Self::Sender, Self::Recipient)>;

    /// A sender and so many recipients of each of its messages, connected.
    async fn crowd(&self, room: &str, count: usize)
    -> Result<(Self::Sender, Vec<Self::Recipient>)>;

    /// A sender whose recipient is known to the server, and away: a message counts as confirmed once the
    /// server has taken it.
    async fn away(&self, room: &str) -> Result<Self::Sender>;

    /// That recipient, connected again.
    async fn back(&self, room: &str) -> Result<Self::Recipient>;

    /// A client that is let in, listens, and never says anything again.
    async fn idle(&self, n: usize) -> Result<TcpStream>;
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
    /// Waits for messages and confirms them; how many came.
    async fn receive(&mut self) -> Result<usize>;
}

/// What is known of the messages of a broker that tells a sender only what it itself has taken. Sender and
/// recipients are of one process, so they share what they know; real ones would need messages for it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Taken by the broker.
    pub(crate) taken: Cell<usize>,
    /// Received and acknowledged, over all recipients.
    pub(crate) received: Cell<usize>,
    /// To how many recipients each message goes; none: taken is enough.
    pub(crate) recipients: usize,
    /// Told to the sender.
    told: Cell<usize>,
    moved: Notify,
}

impl Progress {
    /// Of messages that go to so many.
    pub(crate) fn of(recipients: usize) -> Rc<Self> {
        Rc::new(Self {
            recipients,
            ..Self::default()
        })
    }

    /// One of the counts has so many more.
    pub(crate) fn count(&self, of: &Cell<usize>, more: usize) {
        of.set(of.get() + more);
        self.moved.notify_one();
    }

    /// Waits until more messages are taken and received by all, while `driver` drives the connection; how many
    /// are.
    pub(crate) async fn confirmed_by(&self, driver: &mut JoinSet<Result<()>>) -> Result<usize> {
        tokio::select! {
            confirmed = self.confirmed() => Ok(confirmed),
            Some(ended) = driver.join_next() => {
                ended??;
                bail!("the connection has ended")
            }
        }
    }

    async fn confirmed(&self) -> usize {
        loop {
            // As many as have reached everybody, where everybody is served alike.
            let received = self.received.get().checked_div(self.recipients);
            let confirmed = self.taken.get().min(received.unwrap_or(usize::MAX));
            let more = confirmed - self.told.get();
            if more > 0 {
                self.told.set(confirmed);
                return more;
            }
            self.moved.notified().await;
        }
    }
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
    /// mosquitto, QoS 1, persistent sessions
    Mosquitto,
    /// nats-server, a stream in files, explicit acknowledgements
    #[value(name = "jetstream")]
    JetStream,
}

impl Name {
    /// As reports have it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::RelayOs => "relay-os",
            Self::RelayDisk => "relay-disk",
            Self::Mosquitto => "mosquitto",
            Self::JetStream => "jetstream",
        }
    }
}
