//! The stage of the demo: a desktop that is photographed, and a second computer beside it; and the
//! two agents on it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use tidings_control::{Reach, Request};
use tidings_tests::agent::Agent;
use tidings_tests::desktop::Desktop;
use tidings_tests::home::Home;
use tidings_tests::keyring::Keyring;
use tidings_tests::memory::Memory;
use tidings_tests::programs::Programs;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, wait, window};

use crate::measure::{Observed, at_rest};

/// The name of the computer that is photographed.
pub(crate) const DESK: &str = "desk";

/// The name of the second one.
pub(crate) const ANN: &str = "ann";

/// The stage.
pub(crate) struct Scene {
    pub(crate) programs: Programs,
    pub(crate) desktop: Desktop,
    _keyring: Keyring,
    ann: Rig,
    /// Last: its drop sweeps up what the others left.
    pub(crate) home: Home,
}

/// Both agents, connected, and what scripts need to reach the relay that one of them hosts.
pub(crate) struct Cast {
    pub(crate) desk: Observed,
    pub(crate) ann: Observed,
    pub(crate) port: u16,
    pub(crate) token: String,
}

impl Cast {
    /// The agent of that name.
    pub(crate) fn of(&self, name: &str) -> &Observed {
        if name == ANN { &self.ann } else { &self.desk }
    }
}

impl Scene {
    pub(crate) async fn set(programs: Programs) -> anyhow::Result<Self> {
        let mut home = Home::new()?;
        window::allow(&mut home)?;
        let desktop = Desktop::start(&mut home).await?;
        Ok(Self {
            _keyring: Keyring::start(&home, &desktop.bus).await?,
            ann: Rig::new().await?,
            programs,
            desktop,
            home,
        })
    }

    /// Starts an agent as a client of a relay in another process; gives its memory at rest. Nothing
    /// of it is left afterwards.
    pub(crate) async fn joined_elsewhere(&self) -> anyhow::Result<Memory> {
        let mut relay = Relay::new()?;
        relay.start(&self.home, &self.programs).await?;
        let mut agent = Agent::start(&self.home, &self.programs).await?;
        agent.join(relay.address(), DESK, TOKEN).await?;
        agent.until_connected().await?;
        self.desktop.tray_icons(1).await?;
        let memory = at_rest(&agent).await?;
        agent.ask(Request::Quit).await?;
        agent.end(wait::START).await?;
        self.desktop.tray_icons(0).await?;
        for folder in ["config/tidings", "data/tidings"] {
            fs::remove_dir_all(self.home.path(folder))?;
        }
        Ok(memory)
    }

    /// Starts the agent that hosts a relay, then the other; gives the first one's memory at rest.
    pub(crate) async fn cast(&self) -> anyhow::Result<(Cast, Memory)> {
        let desk = Agent::start(&self.home, &self.programs).await?;
        let (reach, name) = (Reach::Computer, Some(DESK.to_owned()));
        desk.ask(Request::Host { reach, name }).await?;
        let status = desk.until_connected().await?;
        let port = status.hosted.context("it hosts a relay")?.port;
        let token = desk.token().await?;
        self.desktop.tray_icons(1).await?;
        let memory = at_rest(&desk).await?;

        let ann = Agent::start(&self.ann.home, &self.programs).await?;
        ann.join(format!("127.0.0.1:{port}"), ANN, &token).await?;
        ann.until_connected().await?;
        let cast = Cast {
            desk: Observed::new(desk, &self.desktop.bus).await?,
            ann: Observed::new(ann, &self.ann.bus).await?,
            port,
            token,
        };
        Ok((cast, memory))
    }

    /// Writes a picture of the screen.
    pub(crate) async fn picture(&self, to: &Path) -> anyhow::Result<()> {
        self.desktop.display.picture(&self.home, to).await
    }
}
