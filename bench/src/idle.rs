//! Clients that are connected and do nothing: what each costs in memory, and all of them in CPU.

use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::sleep;

use crate::server::Server;
use crate::system::{AT_A_TIME, System};

/// After this a server has done what connecting left to do.
const SETTLED: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Resident memory of each, in bytes.
    pub(crate) memory: f64,
    /// CPU at rest, as a part of one core.
    pub(crate) rest: f64,
}

/// Connects so many and watches the server at rest.
pub(crate) async fn idle<S: System>(
    system: &S,
    server: &Server,
    clients: usize,
    time: Duration,
) -> Result<Seen> {
    // The first ones pay for what all share.
    let first: Vec<_> = connect(system, 0..AT_A_TIME).await?;
    let before = server.memory()?;
    let all: Vec<_> = connect(system, AT_A_TIME..AT_A_TIME + clients).await?;
    sleep(SETTLED).await;
    let memory = server.memory()?.saturating_sub(before);
    let cpu = server.cpu()?;
    sleep(time).await;
    let cpu = server.cpu()? - cpu;
    drop((first, all));
    Ok(Seen {
        memory: memory as f64 / clients as f64,
        rest: cpu.as_secs_f64() / time.as_secs_f64(),
    })
}

async fn connect<S: System>(
    system: &S,
    range: std::ops::Range<usize>,
) -> Result<Vec<tokio::net::TcpStream>> {
    stream::iter(range)
        .map(|n| system.idle(n))
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await
}
