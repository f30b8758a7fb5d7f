//! What can go wrong, and how a host's process is ended.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// The relay's host.
pub(crate) const RELAY: &str = "relay";

/// The host of the twin, of the first desk.
pub(crate) const TWIN: &str = "twin";

/// What can be wrong for a while. A host has one fault at a time, and while the relay is gone nothing
/// else happens to the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing gets through between this client and the relay; what is under way is lost.
    Partition(String),
    /// The same in one direction.
    OneWay(String, String),
    /// What is sent arrives, but only at the end.
    Hold(String),
    /// All takes long.
    Slow(String),
    /// The client does not read.
    Doze(String),
    /// The host loses its power: its peers hear nothing.
    PowerCut(String),
    /// The process is killed: its sockets are closed by the system.
    Kill(String),
    /// The process ends in order.
    Quit(String),
    /// The twin is there; it is killed in the end, or quits.
    Takeover { killed: bool },
    /// The relay's disk is full.
    DiskFull,
}

impl Fault {
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::OneWay(from, to) if from == RELAY => to,
            Self::Partition(host)
            | Self::OneWay(host, _)
            | Self::Hold(host)
            | Self::Slow(host)
            | Self::Doze(host)
            | Self::PowerCut(host)
            | Self::Kill(host)
            | Self::Quit(host) => host,
            Self::Takeover { .. } => TWIN,
            Self::DiskFull => "disk",
        }
    }

    pub(crate) fn is_crash(&self) -> bool {
        matches!(self, Self::PowerCut(_) | Self::Kill(_) | Self::Quit(_))
    }

    /// Whether it is one of the lines between hosts.
    pub(crate) fn is_of_the_network(&self) -> bool {
        matches!(
            self,
            Self::Partition(_) | Self::OneWay(..) | Self::Hold(_) | Self::Slow(_)
        )
    }
}

/// How a process's present life is ended from within the simulation. A process that turmoil itself
/// ends drops its tasks in an order that differs from run to run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    pub(crate) kill: CancellationToken,
    pub(crate) quit: CancellationToken,
}

impl Life {
    /// Runs a process to its end, or until it is killed.
    pub(crate) async fn of(
        self,
        process: impl Future<Output = turmoil::Result>,
    ) -> turmoil::Result {
        tokio::select! {
            biased;
            () = self.kill.cancelled() => Ok(()),
            ended = process => ended,
        }
    }
}
