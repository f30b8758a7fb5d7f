//! What a message costs when much else is there: names that are known, messages that wait. And how long a
//! restart takes with all of them.
//!
//! A server with little and one with much are measured in turn. They are filled once, as filling takes much
//! longer than measuring.

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::flood::flood;
use crate::queue;
use crate::scale::Scale;
use crate::server::{Answers, Places, Server};
use crate::system::{AT_A_TIME, Name, System, WINDOW};
use crate::workload::{Quantity, quantity, thousands};
use crate::ws::Ws;

/// What a message costs with so many names known.
pub(crate) fn cost_with_known(count: usize) -> String {
    format!("one to one with {} known: server's CPU", thousands(count))
}

/// What a message costs with so many others waiting.
pub(crate) fn cost_with_queued(count: usize) -> String {
    format!("one to one with {} queued: server's CPU", thousands(count))
}

/// How long a restart takes with so many messages waiting.
pub(crate) fn restart_with(count: usize) -> String {
    format!("restart with {} queued", thousands(count))
}

/// One server for each count of known names; the server's CPU per message with each, round after round.
pub(crate) async fn known(name: Name, places: &Places, scale: &Scale) -> Result<Vec<Quantity>> {
    let mut quantities = Vec::new();
    let mut servers = Vec::new();
    for count in scale.known {
        let server = Server::start(name, places, Answers::Confirmed).await?;
        let ws = Ws::of(&server);
        stream::iter(0..count)
            .map(|n| ws.idle(n))
            .buffer_unordered(AT_A_TIME)
            .try_for_each(async |connection| {
                drop(connection);
                Ok(())
            })
            .await?;
        servers.push((count, server));
    }
    for _ in 0..scale.rounds {
        for (count, server) in &servers {
            quantities.push(cost(server, scale, &cost_with_known(*count)).await?);
        }
    }
    Ok(quantities)
}

/// The same with messages that wait, of our relay; and restarts with the most of them, of every system.
pub(crate) async fn queued<S: System>(
    name: Name,
    places: &Places,
    scale: &Scale,
    system: impl Fn(&Server) -> S,
) -> Result<Vec<Quantity>> {
    let mut quantities = Vec::new();
    let mut servers = Vec::new();
    let [few, many] = scale.queued;
    let counts = if name == Name::RelayOs {
        vec![few, many]
    } else {
        vec![many]
    };
    for count in counts {
        let mut server = Server::start(name, places, Answers::Kept).await?;
        let rate = queue::fill(&system(&server), count).await?;
        if count == many {
            let what = format!("filling to {}", thousands(count));
            quantities.push(quantity(&what, rate, "messages/s"));
        }
        if name == Name::RelayOs {
            server.restart(Answers::Confirmed)?;
            queue::ready(&system(&server)).await?;
        }
        servers.push((count, server));
    }
    for _ in 0..scale.rounds {
        for (count, server) in servers.iter().filter(|_| name == Name::RelayOs) {
            quantities.push(cost(server, scale, &cost_with_queued(*count)).await?);
        }
    }
    let Some((count, mut server)) = servers.pop() else {
        return Ok(quantities);
    };
    for _ in 0..scale.rounds {
        server.restart(Answers::Confirmed)?;
        let took = queue::ready(&system(&server)).await?;
        quantities.push(quantity(
            &restart_with(count),
            took.as_secs_f64() * 1e3,
            "ms",
        ));
    }
    Ok(quantities)
}

async fn cost(server: &Server, scale: &Scale, what: &str) -> Result<Quantity> {
    let seen = flood(&Ws::of(server), server, 1, WINDOW, scale).await?;
    Ok(quantity(what, seen.server, "µs/message"))
}
