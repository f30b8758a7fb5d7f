//! A whole rig: home, bus, daemon, tray host, and where asked a display; the programs of this build.
//!
//! Where a test fails, the logs of all that ran are shown, once.

use std::time::Duration;

use crate::agent::Agent;
use crate::bus::Bus;
use crate::display::Display;
use crate::home::Home;
use crate::notifications::Notifications;
use crate::programs::Programs;
use crate::tray::TrayHost;
use crate::window::{self, Window};

/// Longer than any test of the rig takes on a busy machine of two cores.
const TEST: Duration = Duration::from_secs(120);

/// A desktop of its own. Whatever runs on it ends when it is dropped.
#[derive(Debug)]
pub struct Rig {
    /// The built programs.
    pub programs: Programs,
    /// The notification daemon.
    pub notifications: Notifications,
    /// The tray's host.
    pub tray: TrayHost,
    /// The session bus.
    pub bus: Bus,
    /// Folders and environment. Last: its drop sweeps up what the others left.
    pub home: Home,
}

impl Rig {
    /// A rig on whose bus are neither daemon nor tray host yet.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn bare() -> anyhow::Result<Self> {
        let home = Home::new()?;
        Ok(Self {
            programs: Programs::of_this_build()?,
            notifications: Notifications::absent(),
            tray: TrayHost::absent(),
            bus: Bus::start(&home).await?,
            home,
        })
    }

    /// A rig with daemon and tray host.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn new() -> anyhow::Result<Self> {
        let mut rig = Self::bare().await?;
        rig.notifications.appear(&rig.bus).await?;
        rig.tray.appear(&rig.bus).await?;
        Ok(rig)
    }

    /// Adds a display, on which windows can be driven. Before the agent starts.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn display(&mut self) -> anyhow::Result<Display> {
        window::allow(&mut self.home)?;
        Display::start(&mut self.home).await
    }

    /// Starts the agent.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub async fn agent(&self) -> anyhow::Result<Agent> {
        Agent::start(&self.home, &self.programs).await
    }

    /// Takes over the agent's window, once one is open.
    ///
    /// # Errors
    /// As [`Window::attach`].
    pub async fn window(&self) -> anyhow::Result<Window> {
        Window::attach(&self.home).await
    }

    /// A thread that panics is a fault, also where the program goes on or ends well.
    fn nothing_panicked(&self) -> anyhow::Result<()> {
        let logs = self.home.logs();
        let panicked = logs.lines().find(|line| line.contains("panicked at"));
        match panicked {
            Some(line) => anyhow::bail!("in one of the logs: {line}"),
            None => Ok(()),
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(&self.home.logs());
        }
    }
}

/// Runs a test on a rig of its own, within a time limit.
///
/// # Errors
/// Those of the test; the logs are printed then.
pub async fn test(body: impl AsyncFnOnce(&mut Rig) -> anyhow::Result<()>) -> anyhow::Result<()> {
    run(Rig::new().await?, body).await
}

/// Runs a test on a rig that has neither daemon nor tray host yet.
///
/// # Errors
/// As [`test`].
pub async fn test_bare(
    body: impl AsyncFnOnce(&mut Rig) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    run(Rig::bare().await?, body).await
}

async fn run(
    mut rig: Rig,
    body: impl AsyncFnOnce(&mut Rig) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let done = match tokio::time::timeout(TEST, body(&mut rig)).await {
        Ok(done) => done.and_then(|()| rig.nothing_panicked()),
        Err(_) => Err(anyhow::anyhow!("the test was not done within {TEST:?}")),
    };
    if done.is_err() {
        tell(&rig.home.logs());
    }
    done
}

#[expect(clippy::print_stderr, reason = "a failing test shows what it wrote")]
fn tell(logs: &str) {
    eprintln!("{logs}");
}
