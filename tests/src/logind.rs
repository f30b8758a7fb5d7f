//! A fake logind on a private system bus: says that the computer goes to sleep, and that it woke.
//!
//! The system bus of a rig is nowhere until this starts it, before the agent.

use zbus::Connection;

use crate::bus::{self, Bus};
use crate::home::Home;

const NAME: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const INTERFACE: &str = "org.freedesktop.login1.Manager";
const SLEEP: &str = "PrepareForSleep";

/// The fake, and the bus it is on. Both end when dropped.
#[derive(Debug)]
pub struct Logind {
    connection: Connection,
    _bus: Bus,
}

impl Logind {
    /// Starts both.
    ///
    /// # Errors
    /// When the bus does not come up.
    pub async fn start(home: &Home) -> anyhow::Result<Self> {
        let bus = Bus::start_system(home).await?;
        let connection = bus.builder()?.name(NAME)?.build().await?;
        Ok(Self {
            connection,
            _bus: bus,
        })
    }

    /// Waits until somebody listens for sleep.
    ///
    /// # Errors
    /// When nobody does in time.
    pub async fn is_heard(&self) -> anyhow::Result<()> {
        bus::somebody_wants(&self.connection, SLEEP).await
    }

    /// Says that the computer goes to sleep, or that it woke.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn prepare_for_sleep(&self, sleeps: bool) -> anyhow::Result<()> {
        let signal = self
            .connection
            .emit_signal(None::<&str>, PATH, INTERFACE, SLEEP, &sleeps);
        Ok(signal.await?)
    }
}
