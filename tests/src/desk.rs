//! An agent at a relay in a process of its own, and scripts that send to it: what most tests of
//! messages begin with.

use anyhow::Context;
use tidings_control::{Answer, Request, Settings};

use crate::agent::Agent;
use crate::relay::{Relay, TOKEN};
use crate::{Rig, http};

/// The agent's name at its relay.
pub const NAME: &str = "me";

/// The agent and its relay.
#[derive(Debug)]
pub struct Desk {
    /// The agent.
    pub agent: Agent,
    /// Its relay.
    pub relay: Relay,
}

impl Desk {
    /// Starts both, and waits until they are connected.
    ///
    /// # Errors
    /// When one does not come up.
    pub async fn start(rig: &Rig) -> anyhow::Result<Self> {
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let agent = rig.agent().await?;
        agent.join(relay.address(), NAME, TOKEN).await?;
        agent.until_connected().await?;
        Ok(Self { agent, relay })
    }

    /// Sends with these fields; the relay must say that the agent confirmed.
    ///
    /// # Errors
    /// When it does not.
    pub async fn send(&self, rig: &Rig, fields: &[(&str, &str)]) -> anyhow::Result<()> {
        let reply = self.queue(rig, fields).await?;
        let status = http::status(&reply, NAME);
        anyhow::ensure!(status == "ok", "the relay said {reply}");
        Ok(())
    }

    /// Sends with these fields; gives what the relay answers.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn queue(
        &self,
        rig: &Rig,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<serde_json::Value> {
        http::send_fields(&rig.home, self.relay.port(), TOKEN, NAME, fields).await
    }

    /// Changes the agent's settings.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn set(&self, change: impl FnOnce(&mut Settings)) -> anyhow::Result<()> {
        let Answer::Settings(mut settings) = self.agent.ask(Request::Settings).await? else {
            anyhow::bail!("no settings");
        };
        change(&mut settings);
        self.agent.ask(Request::SetSettings { settings }).await?;
        Ok(())
    }

    /// Waits until this message is held back; says why.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn held(&self, title: &str) -> anyhow::Result<tidings_control::Held> {
        let what = format!("why {title:?} is held back");
        crate::wait::until(&what, crate::wait::SOON, async || {
            let row = self.agent.stored(title).await?;
            row.held.context("it is not").map(Some)
        })
        .await
    }
}
