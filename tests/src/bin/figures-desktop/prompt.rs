//! What nobody is to wait for: from a packet on the wire to its notification, and from the agent's
//! start to its icon on the panel. Both ends are this program's, so that one clock counts.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use tidings_control::Request;
use tidings_protocol::client::Packet as FromClient;
use tidings_protocol::server::Packet;
use tidings_tests::agent::Agent;
use tidings_tests::relay::TOKEN;
use tidings_tests::scripted::Scripted;
use tidings_tests::{Rig, wait};

use crate::page::Times;

/// The name at the relay that speaks by this program.
const NAME: &str = "prompt";

/// Between two messages: of urgent ones more than ten in ten seconds become one digest.
const APART: Duration = Duration::from_millis(1100);

/// Sends so many messages, one after the other, by a relay of its own that is left again; from each
/// packet's writing to the notification daemon's call.
pub(crate) async fn told(rig: &Rig, agent: &Agent, count: u32) -> anyhow::Result<Times> {
    let relay = Scripted::new().await?;
    let address = relay.address()?;
    agent.join(address.clone(), NAME, TOKEN).await?;
    let mut guest = relay.guest(&[]).await?;
    let mut all = Vec::new();
    for number in 0..count {
        let title = format!("Prompt {number}");
        let packet = message(number, &title)?;
        let sent = Instant::now();
        guest.say(&packet).await?;
        let what = format!("the notification {title:?}");
        let call = rig
            .notifications
            .wait(&what, wait::SOON, |call| call.summary == title)
            .await?;
        all.push(call.at.duration_since(sent).as_secs_f64() * 1000.0);
        // Also hears whether the line is asked to be alive.
        let confirms = |said: &FromClient| matches!(said, FromClient::Confirm(_));
        guest.until("the confirmation", confirms).await?;
        tokio::time::sleep(APART).await;
    }
    let status = agent.status().await?;
    let ours = status.relays.iter().find(|relay| relay.name == NAME);
    let id = ours.context("the relay that was joined")?.id.clone();
    agent.ask(Request::Leave { id }).await?;
    Ok(Times::of(all))
}

/// An urgent one, which is told of by itself however many come.
fn message(number: u32, title: &str) -> anyhow::Result<Packet> {
    let frame = json!({"cmd": "MESSAGE", "data": {
        "sendType": "personal",
        "target": NAME,
        "from": {"method": "http", "name": ""},
        "message": {"text": title, "desp": "as it comes", "extra": {"priority": "urgent"}},
        "mid": (1_800_000_000_000_u64 + u64::from(number)).to_string(),
    }});
    Ok(Packet::decode(&frame.to_string())?)
}

/// Starts the agent so often, over what is in its inbox; from each start to the icon's registration.
pub(crate) async fn started(rig: &mut Rig, times: u32) -> anyhow::Result<Times> {
    let mut all = Vec::new();
    for _ in 0..times {
        // So that it knows of no icon of an agent before.
        rig.tray.vanish().await?;
        rig.tray.appear(&rig.bus).await?;
        let began = Instant::now();
        let registered = async {
            rig.tray.item().await?;
            anyhow::Ok(began.elapsed())
        };
        let (agent, took) = tokio::join!(rig.agent(), registered);
        all.push(took?.as_secs_f64() * 1000.0);
        end(agent?).await?;
    }
    Ok(Times::of(all))
}

/// Ends an agent as a logout does.
pub(crate) async fn end(mut agent: Agent) -> anyhow::Result<()> {
    agent.signal(rustix::process::Signal::TERM)?;
    agent.end(wait::START).await?;
    Ok(())
}
