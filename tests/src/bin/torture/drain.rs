//! The end of a run: everything accepted arrives and is confirmed, or the deadline passes; then one
//! kill more, after which nothing may come again but a farewell to each recipient.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::cast::{FAREWELL_SENDER, RECIPIENTS, To, recipient_name};
use crate::http::Http;
use crate::relay::Relay;
use crate::socket;
use crate::world::{Phase, World};

/// What does not move for so long is not going to.
const NO_PROGRESS: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// See the module. `senders` ends when the last of them knows the outcome of all it sent.
pub(crate) async fn drain(
    world: &World,
    relay: &mut Relay,
    mut senders: mpsc::Receiver<()>,
) -> anyhow::Result<()> {
    world.phase.send_replace(Phase::Drain);
    if timeout(NO_PROGRESS, senders.recv()).await.is_err() {
        let what = "some senders never had the outcome of what they sent".to_owned();
        world.ledger().odd(what);
    }
    let (mut before, mut moved) = (None, Instant::now());
    loop {
        let waiting = relay.waiting().await?;
        let (owed, untold) = {
            let ledger = world.ledger();
            (ledger.counts.owed, ledger.untold().count)
        };
        if (owed, waiting, untold) == (0, 0, 0) {
            break;
        }
        if before != Some((owed, waiting, untold)) {
            (before, moved) = (Some((owed, waiting, untold)), Instant::now());
        }
        if moved.elapsed() > NO_PROGRESS {
            // What is owed is lost, and counted there.
            let what = format!(
                "nothing moved for {} s: {owed} deliveries are owed, the relay says that {waiting} wait, \
                 senders were not told of {untold}",
                NO_PROGRESS.as_secs()
            );
            world.ledger().odd(what);
            return Ok(());
        }
        sleep(LOOK).await;
    }
    world.ledger().all_confirmed(world.now());
    world.phase.send_replace(Phase::Farewell);
    relay.kill().await?;
    relay.start()?;
    relay.ready().await?;
    farewell(world).await
}

/// A message to each recipient: once it is confirmed, what was before it has come too, were there
/// any.
async fn farewell(world: &World) -> anyhow::Result<()> {
    let mut http = Http::connect(world).await?;
    for number in 0..RECIPIENTS {
        let id = world
            .ledger()
            .sent(FAREWELL_SENDER, To::One(number), world.now());
        let path = format!("/{}.send?text={id}&wait=10", recipient_name(number));
        let answer = http.get(world, &path).await?;
        let data = answer.data().unwrap_or_default();
        let mut ledger = world.ledger();
        match socket::reply(&data) {
            Some(reply) if reply.statuses.iter().all(|(_, status)| status == "ok") => {
                ledger.answered(id, reply.mid, &reply.statuses, world.now());
            }
            _ => ledger.odd(format!("the farewell {id}: {answer:?}")),
        }
    }
    Ok(())
}
