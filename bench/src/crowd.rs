//! One message to very many, until the sender knows that all have confirmed it.
//!
//! One message is under way at a time, so that the time is that of one, and no recipient's share of a later
//! one is in it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use crate::flood::unless_one_ends;
use crate::server::Server;
use crate::system::{Recipient, Sender, System};

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// From sending to all confirmed, in milliseconds.
    pub(crate) took: f64,
    /// The server's CPU time for each delivery, in microseconds.
    pub(crate) server: f64,
}

/// Sends to `recipients` for so long, after one message that does not count.
pub(crate) async fn crowd<S: System>(
    system: &S,
    server: &Server,
    recipients: usize,
    time: Duration,
) -> Result<Seen> {
    let (mut sender, crowd) = system.crowd("crowd", recipients).await?;
    let mut clients = JoinSet::new();
    for mut recipient in crowd {
        clients.spawn_local(async move {
            loop {
                recipient.receive().await?;
            }
        });
    }
    unless_one_ends(&mut clients, async {
        let mut round = async || {
            sender.send(1).await?;
            match sender.confirmed().await? {
                1 => Ok(()),
                more => bail!("{more} were confirmed and one was sent"),
            }
        };
        round().await?;
        let (began, cpu) = (Instant::now(), server.cpu()?);
        let mut messages = 0_u32;
        while messages == 0 || began.elapsed() < time {
            round().await?;
            messages += 1;
        }
        let (took, cpu) = (began.elapsed(), server.cpu()? - cpu);
        let messages = f64::from(messages);
        Ok(Seen {
            took: took.as_secs_f64() * 1e3 / messages,
            server: cpu.as_secs_f64() * 1e6 / messages / recipients as f64,
        })
    })
    .await
}
