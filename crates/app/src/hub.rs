//! The relay hosted inside: started and stopped with the agent.
//!
//! Owns the choice of port and addresses to listen on, and the relay's life; the relay itself is
//! `tidings_relay`'s. Knows no settings and no vault. It listens on IPv4 only: an address that people
//! can read out to each other.
//!
//! Invariants: the port is the one asked for or, only where another will do, the next free one;
//! stopped, it has said goodbye to its clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tidings_control::Words;
use tidings_relay::{Config, Durability, OpenError, SqliteStore, Token};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::types::Reach;
use crate::vault::Secret;

/// Where a relay is looked for when nothing else is said.
pub(crate) const PORT: u16 = tidings_session::DEFAULT_PORT;

/// Ports tried after the first: more than anybody has programs on in one row.
const PORTS_TRIED: u16 = 100;

/// How long a relay of ours that was just stopped may take to let its folder go.
const FOLDER_RELEASED: Duration = Duration::from_secs(3);

/// Pause between two looks at that.
const FOLDER_LOOK: Duration = Duration::from_millis(20);

/// What a relay is started with.
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
    #[error("The hosted relay cannot use {} ({words}). {advice}", .path.display())]
    Data {
        path: PathBuf,
        words: Words,
        advice: Words,
    },
    #[error("The hosted relay did not start: {0}.")]
    Start(String),
}

/// A relay that runs.
#[derive(Debug)]
pub(crate) struct Hub {
    relay: tidings_relay::Hub,
    clients: watch::Receiver<usize>,
    port: u16,
    reach: Reach,
    serving: Serving,
}

/// Dropped, it ends at once and without goodbye.
#[derive(Debug)]
struct Serving {
    shutdown: CancellationToken,
    task: JoinSet<()>,
}

impl Hub {
    /// Opens the relay's data and listens.
    pub(crate) async fn start(plan: Plan<'_>) -> Result<Self, HubError> {
        let (listener, port) = bind(plan.reach, plan.port, plan.any_port).await?;
        let token = Token::new(plan.token.reveal()).map_err(|e| HubError::Start(e.to_string()))?;
        let store = Arc::new(open(plan.folder).await?);
        let config = Config {
            token: Some(token),
            ..Config::default()
        };
        let relay = tidings_relay::Hub::open(config, store)
            .await
            .map_err(|error| HubError::Start(error.to_string()))?;
        Ok(Self {
            clients: relay.connected(),
            port,
            reach: plan.reach,
            serving: Serving::start(relay.clone(), listener),
            relay,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Listens for others than before, on the same port. Clients come back by themselves. After an
    /// error nothing listens any more.
    pub(crate) async fn listen(&mut self, reach: Reach) -> Result<(), HubError> {
        self.serving.stop().await;
        let (listener, _) = bind(reach, self.port, false).await?;
        self.serving = Serving::start(self.relay.clone(), listener);
        self.reach = reach;
        Ok(())
    }

    /// Clients connected now.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(*self.clients.borrow()).unwrap_or(u32::MAX)
    }

    /// Ends when that has changed.
    pub(crate) async fn counted(&mut self) -> u32 {
        if self.clients.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.count()
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        self.serving.stop().await;
        // The last of it waits for the disk.
        let relay = self.relay;
        let closed: JoinHandle<()> = tokio::task::spawn_blocking(move || drop(relay));
        if let Err(error) = closed.await {
            tracing::error!(%error, "the hosted relay did not close in order");
        }
    }
}

impl Serving {
    fn start(relay: tidings_relay::Hub, listener: TcpListener) -> Self {
        let shutdown = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(tidings_relay::serve(relay, listener, shutdown.clone()));
        Self { shutdown, task }
    }

    /// Bounded by the relay's own time for a shutdown.
    async fn stop(&mut self) {
        self.shutdown.cancel();
        while self.task.join_next().await.is_some() {}
    }
}

async fn open(folder: &Path) -> Result<SqliteStore, HubError> {
    let began = Instant::now();
    loop {
        let folder = folder.to_owned();
        // A desktop loses its power without warning more often than a server.
        let opened =
            tokio::task::spawn_blocking(move || SqliteStore::open(&folder, Durability::Disk))
                .await
                .map_err(|error| HubError::Start(error.to_string()))?;
        match opened {
            Err(OpenError::InUse { .. }) if began.elapsed() < FOLDER_RELEASED => {
                sleep(FOLDER_LOOK).await;
            }
            opened => return opened.map_err(data_error),
        }
    }
}

/// The store's words are for the command line of a relay of its own; these are for a desktop.
fn data_error(error: OpenError) -> HubError {
    let (path, words, advice) = match error {
        OpenError::Folder { path, source } => (
            path,
            Words::foreign(source.to_string()),
            Words::new("Make it writable.", "请使其可写。"),
        ),
        OpenError::InUse { path } => (
            path,
            Words::new("another relay uses it", "另一个中继正在使用它"),
            Words::new("End that relay.", "请结束那个中继。"),
        ),
        OpenError::Corrupt { path, source } => (
            path,
            Words::foreign(source.to_string()),
            Words::new(
                "Move it away to start afresh, or put a copy in its place.",
                "请将其移走以重新开始，或放入一份副本。",
            ),
        ),
        OpenError::TooNew { path, .. } => (
            path,
            Words::new("a newer Tidings wrote it", "由更新的 Tidings 写成"),
            Words::new("Install the newer version again.", "请重新安装较新的版本。"),
        ),
        OpenError::Database { path, source } => (
            path,
            Words::foreign(source.to_string()),
            Words::new(
                "Free some space, and make the file writable.",
                "请腾出空间，并使该文件可写。",
            ),
        ),
        OpenError::System(words) => return HubError::Start(words),
    };
    HubError::Data {
        path,
        words,
        advice,
    }
}

async fn bind(reach: Reach, wanted: u16, any_port: bool) -> Result<(TcpListener, u16), HubError> {
    let host = match reach {
        Reach::Computer => Ipv4Addr::LOCALHOST,
        Reach::Network => Ipv4Addr::UNSPECIFIED,
    };
    let more = if any_port { PORTS_TRIED } else { 0 };
    let fault = |port, source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => HubError::PortTaken { port },
        _ => HubError::Port { port, source },
    };
    let mut first = None;
    for port in wanted..=wanted.saturating_add(more) {
        match TcpListener::bind(SocketAddr::from((host, port))).await {
            Ok(listener) => {
                let port = listener
                    .local_addr()
                    .map_err(|source| fault(port, source))?
                    .port();
                return Ok((listener, port));
            }
            Err(source) => drop(first.get_or_insert_with(|| fault(port, source))),
        }
    }
    Err(first.unwrap_or(HubError::PortTaken { port: wanted }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan<'a>(token: &'a Secret, folder: &'a Path) -> Plan<'a> {
        Plan {
            reach: Reach::Computer,
            port: 0,
            any_port: true,
            token,
            folder,
        }
    }

    #[tokio::test]
    async fn it_keeps_its_port_and_is_another_only_where_that_will_do() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let token = Secret::new("t0ken");
        let mut hub = Hub::start(plan(&token, one.path())).await.unwrap();
        let port = hub.port();
        assert_ne!(port, 0);

        let same = |any_port| Plan {
            port,
            any_port,
            ..plan(&token, two.path())
        };
        let error = Hub::start(same(false)).await.unwrap_err();
        assert!(matches!(error, HubError::PortTaken { port: taken } if taken == port));
        assert!(error.to_string().contains("host again"), "{error}");
        let next = Hub::start(same(true)).await.unwrap();
        assert!(next.port() > port);
        next.stop().await;

        hub.listen(Reach::Network).await.unwrap();
        assert_eq!((hub.port(), hub.reach()), (port, Reach::Network));
        hub.stop().await;
        // Stopped, both port and folder are free at once.
        let again = Plan {
            port,
            any_port: false,
            ..plan(&token, one.path())
        };
        Hub::start(again).await.unwrap().stop().await;
    }

    #[tokio::test]
    async fn a_data_folder_that_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let token = Secret::new("t0ken");
        let error = Hub::start(plan(&token, &file)).await.unwrap_err();
        assert!(matches!(error, HubError::Data { .. }), "{error:?}");
    }
}
