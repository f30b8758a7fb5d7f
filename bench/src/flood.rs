//! Confirmed messages as fast as they go, between pairs of clients.
//!
//! Each sender keeps `window` messages under way. After a warm-up, confirmations are counted for a fixed
//! time, beside the CPU time of the server and the generator: the time is fixed rather than the count, so
//! that a slow system takes no longer than a quick one.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::scale::Scale;
use crate::server::{Server, own_cpu};
use crate::system::{Recipient, Sender, System};

/// A server that confirms nothing for so long after the time of counting confirms nothing at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// What was seen of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Confirmed messages a second.
    pub(crate) rate: f64,
    /// The server's CPU time for each, in microseconds.
    pub(crate) server: f64,
    /// The generator's, both ends together.
    pub(crate) generator: f64,
}

/// Floods a server by so many pairs of clients, each with `window` messages under way.
pub(crate) async fn flood<S: System>(
    system: &S,
    server: &Server,
    pairs: usize,
    window: usize,
    scale: &Scale,
) -> Result<Seen> {
    let confirmed = Rc::new(Cell::new(0));
    let mut clients = JoinSet::new();
    for n in 0..pairs {
        let (mut sender, mut recipient) = system.pair(&n.to_string()).await?;
        clients.spawn_local(async move {
            loop {
                recipient.receive().await?;
            }
        });
        let confirmed = Rc::clone(&confirmed);
        clients.spawn_local(async move {
            let mut free = window;
            loop {
                sender.send(free).await?;
                free = sender.confirmed().await?;
                confirmed.set(confirmed.get() + free);
            }
        });
    }
    measure(&mut clients, &confirmed, server, scale).await
}

/// Measures while clients count what is confirmed.
pub(crate) async fn measure(
    clients: &mut JoinSet<Result<()>>,
    confirmed: &Cell<usize>,
    server: &Server,
    scale: &Scale,
) -> Result<Seen> {
    unless_one_ends(clients, async {
        sleep(scale.warm_up).await;
        let before = (Instant::now(), confirmed.get(), server.cpu()?, own_cpu());
        sleep(scale.time).await;
        let count = at_least_one(|| confirmed.get() - before.1).await?;
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / count;
        Ok(Seen {
            rate: count / before.0.elapsed().as_secs_f64(),
            server: each(server.cpu()? - before.2),
            generator: each(own_cpu() - before.3),
        })
    })
    .await
}

/// Waits for the first of a count, where a slow machine has not come that far.
async fn at_least_one(count: impl Fn() -> usize) -> Result<f64> {
    let began = Instant::now();
    while count() == 0 {
        if began.elapsed() > PATIENCE {
            bail!("nothing was confirmed");
        }
        sleep(LOOK).await;
    }
    Ok(count() as f64)
}

/// Measures while clients work, which go on for ever unless something is wrong.
pub(crate) async fn unless_one_ends<T>(
    clients: &mut JoinSet<Result<()>>,
    measuring: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        seen = measuring => seen,
        Some(ended) = clients.join_next() => {
            ended??;
            Err(anyhow::anyhow!("a client has ended")).context("while it was measured")
        }
    }
}
