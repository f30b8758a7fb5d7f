//! A private D-Bus, for a session or a system, that starts no service by itself.
//!
//! The system's session configuration would start a notification daemon or a keyring as soon as
//! somebody asks for one; then "there is none" could not be tested.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use zbus::Connection;
use zbus::connection::Builder;

use crate::home::Home;
use crate::process::Process;
use crate::wait;

/// A bus of its own. It ends when dropped.
#[derive(Debug)]
pub struct Bus {
    address: String,
    _daemon: Process,
}

impl Bus {
    /// Starts it at the place that `home` names to its programs, and waits until it answers.
    ///
    /// # Errors
    /// When dbus-daemon does not come up.
    pub async fn start(home: &Home) -> anyhow::Result<Self> {
        Self::start_at(home, "bus").await
    }

    /// Starts the system's bus, which is nowhere before.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_system(home: &Home) -> anyhow::Result<Self> {
        Self::start_at(home, SYSTEM).await
    }

    async fn start_at(home: &Home, name: &str) -> anyhow::Result<Self> {
        let address = format!("unix:path={}", home.path("run").join(name).display());
        let config = home.path(format!("{name}.conf"));
        fs::write(&config, config_for(&address))?;
        let mut command = home.command("dbus-daemon");
        command.arg("--nofork").arg("--config-file").arg(&config);
        let bus = Self {
            _daemon: Process::start(home, &format!("dbus-daemon-{name}"), command)?,
            address,
        };
        wait::until("the bus", wait::START, async || {
            bus.connect().await.map(|_| Some(()))
        })
        .await?;
        Ok(bus)
    }

    /// A new connection to it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        Ok(self.builder()?.build().await?)
    }

    /// A connection in the making, to which names and interfaces can be added first.
    ///
    /// # Errors
    /// Never in practice: the address is our own.
    pub fn builder(&self) -> anyhow::Result<Builder<'static>> {
        Ok(Builder::address(self.address.as_str())?)
    }
}

/// The name of the system bus in a home.
pub(crate) const SYSTEM: &str = "system-bus";

/// Waits until somebody wants signals of this name, and a moment longer.
///
/// # Errors
/// When nobody does in time.
pub(crate) async fn somebody_wants(bus: &Connection, signal: &str) -> anyhow::Result<()> {
    let what = format!("somebody who listens to {signal}");
    wait::until(&what, wait::SOON, async || {
        let rules = rules(bus).await?;
        let mut all = rules.values().flatten();
        Ok(all.any(|rule| rule.contains(signal)).then_some(()))
    })
    .await?;
    tokio::time::sleep(HAND).await;
    Ok(())
}

/// What every program on the bus wants to hear.
async fn rules(bus: &Connection) -> anyhow::Result<HashMap<String, Vec<String>>> {
    let (name, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
    let stats = Some("org.freedesktop.DBus.Debug.Stats");
    let rules = bus.call_method(Some(name), path, stats, "GetAllMatchRules", &());
    Ok(rules.await?.body().deserialize()?)
}

/// How long a person's hand takes at least. The libraries that programs use tell the bus that they
/// want signals, and only then begin to listen: what comes in between is lost, and nothing on the
/// bus shows when it is over.
const HAND: Duration = Duration::from_millis(200);

/// Waits as a person would, who sees something and clicks it: until the program behind a connection
/// wants signals of an interface, and a moment longer.
///
/// # Errors
/// When it does not want any in time.
pub async fn listener(bus: &Connection, program: &str, interface: &str) -> anyhow::Result<()> {
    let what = format!("{program} to listen to {interface}");
    wait::until(&what, wait::SOON, async || {
        let rules = rules(bus).await?;
        let rules = rules.get(program).map(Vec::as_slice).unwrap_or_default();
        let listens = rules.iter().any(|rule| rule.contains(interface));
        Ok(listens.then_some(()))
    })
    .await?;
    tokio::time::sleep(HAND).await;
    Ok(())
}

fn config_for(address: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    )
}
