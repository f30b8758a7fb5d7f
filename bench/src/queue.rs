//! Messages for clients that are away: filled in as fast as the server takes them, drained by the client that
//! comes back, and there again after a restart.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::future::try_join_all;
use tokio::time::{sleep, timeout};

use crate::server::Server;
use crate::system::{Recipient, Sender, System, WINDOW};

/// Clients that are away, each with its share of what waits, and a sender of its own.
const ROOMS: usize = 10;

/// A server that lets nobody in for so long after its start has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is tried whether it does.
const LOOK: Duration = Duration::from_millis(2);

/// Nothing comes for so long while messages wait: some are lost.
const SILENCE: Duration = Duration::from_secs(10);

/// Sends so many messages to the one client of a room that is away.
async fn fill_one<S: System>(system: &S, room: &str, count: usize) -> Result<()> {
    let mut sender = system.away(room).await?;
    let (mut sent, mut kept) = (0, 0);
    while kept < count {
        let free = (WINDOW - (sent - kept)).min(count - sent);
        sender.send(free).await?;
        sent += free;
        kept += timeout(PATIENCE, sender.confirmed()).await??;
    }
    Ok(())
}

/// Sends so many messages to clients that are away; how many a second the server took.
pub(crate) async fn fill<S: System>(system: &S, count: usize) -> Result<f64> {
    let began = Instant::now();
    let rooms: Vec<_> = (0..ROOMS).map(|n| format!("away{n}")).collect();
    let each = count / ROOMS;
    try_join_all(rooms.iter().map(|room| fill_one(system, room, each))).await?;
    Ok((each * ROOMS) as f64 / began.elapsed().as_secs_f64())
}

/// What was seen of a drain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drained {
    /// Messages a second taken from the sender while the recipient was away.
    pub(crate) filled: f64,
    /// Messages a second, from the recipient's connecting to its last confirmation.
    pub(crate) drained: f64,
    /// The server's CPU time for each drained message, in microseconds.
    pub(crate) server: f64,
}

/// Fills one queue and drains it.
pub(crate) async fn drain<S: System>(system: &S, server: &Server, count: usize) -> Result<Drained> {
    let began = Instant::now();
    fill_one(system, "0", count).await?;
    let filled = count as f64 / began.elapsed().as_secs_f64();
    let (began, cpu) = (Instant::now(), server.cpu()?);
    let mut recipient = system.back("0").await?;
    let mut came = 0;
    while came < count {
        let more = timeout(SILENCE, recipient.receive()).await;
        came += more.with_context(|| format!("{came} of {count} came"))??;
    }
    let (took, cpu) = (began.elapsed(), server.cpu()? - cpu);
    Ok(Drained {
        filled,
        drained: count as f64 / took.as_secs_f64(),
        server: cpu.as_secs_f64() * 1e6 / count as f64,
    })
}

/// Waits until a server that was just started lets a client in; how long that took.
pub(crate) async fn ready<S: System>(system: &S) -> Result<Duration> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if system.back("probe").await.is_ok() {
            return Ok(began.elapsed());
        }
        sleep(LOOK).await;
    }
    bail!("nobody is let in after {PATIENCE:?}")
}
