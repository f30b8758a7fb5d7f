//! The real gnome-keyring, unlocked, on a rig's bus.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::bus::Bus;
use crate::home::Home;
use crate::process::Process;
use crate::wait;

/// The Secret Service. It ends when dropped; its secrets stay in the home.
#[derive(Debug)]
pub struct Keyring {
    _daemon: Process,
}

impl Keyring {
    /// Starts it and waits until it has an unlocked default collection.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(home: &Home, bus: &Bus) -> anyhow::Result<Self> {
        // The password comes by standard input and must not be empty.
        let mut command = home.command("sh");
        command.arg("-c").arg(
            "printf rig | exec gnome-keyring-daemon --foreground --unlock --components=secrets",
        );
        command.stdin(Stdio::null());
        let daemon = Process::start(home, "gnome-keyring", command)?;
        let connection = bus.connect().await?;
        wait::until("the Secret Service", wait::START, async || {
            let reply = connection
                .call_method(
                    Some("org.freedesktop.secrets"),
                    "/org/freedesktop/secrets/aliases/default",
                    Some("org.freedesktop.DBus.Properties"),
                    "Get",
                    &("org.freedesktop.Secret.Collection", "Locked"),
                )
                .await?;
            let locked: zbus::zvariant::OwnedValue = reply.body().deserialize()?;
            Ok((bool::try_from(&locked) == Ok(false)).then_some(()))
        })
        .await?;
        Ok(Self { _daemon: daemon })
    }

    /// Locks what it keeps, as a desktop does when the person says so.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn lock(&self, bus: &Bus) -> anyhow::Result<()> {
        let connection = bus.connect().await?;
        let collection = collection(&connection).await?;
        connection
            .call_method(
                Some("org.freedesktop.secrets"),
                "/org/freedesktop/secrets",
                Some("org.freedesktop.Secret.Service"),
                "Lock",
                &(vec![collection]),
            )
            .await?;
        Ok(())
    }

    /// Unlocks it again by its password, as the prompt of a desktop does.
    ///
    /// # Errors
    /// When it does not.
    pub async fn unlock(&self, bus: &Bus) -> anyhow::Result<()> {
        use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

        let connection = bus.connect().await?;
        let collection = collection(&connection).await?;
        let service = |interface: &'static str| {
            zbus::Proxy::new(
                &connection,
                "org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                interface,
            )
        };
        let secrets = service("org.freedesktop.Secret.Service").await?;
        let (_, session): (OwnedValue, OwnedObjectPath) = secrets
            .call("OpenSession", &("plain", Value::from("")))
            .await?;
        // What its own prompter calls; there is no other way without a person.
        let own = service("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface").await?;
        let none: &[u8] = &[];
        let password = (session, none, "rig".as_bytes(), "text/plain");
        let () = own
            .call("UnlockWithMasterPassword", &(collection, password))
            .await?;
        Ok(())
    }

    /// Stops it in its tracks, so that it takes calls and does not answer; or lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, home: &Home, signal: Signal) -> anyhow::Result<()> {
        // The daemon itself, not the shell that gives it its password.
        let daemons = home.processes_of("gnome-keyring-daemon");
        anyhow::ensure!(!daemons.is_empty(), "it has ended");
        for daemon in daemons.into_iter().filter_map(Pid::from_raw) {
            kill_process(daemon, signal)?;
        }
        Ok(())
    }

    /// The labels of the secrets it keeps.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn labels(&self, bus: &Bus) -> anyhow::Result<Vec<String>> {
        let connection = bus.connect().await?;
        let collection = "/org/freedesktop/secrets/aliases/default";
        let get = async |path: &str, interface: &str, property: &str| {
            let reply = connection
                .call_method(
                    Some("org.freedesktop.secrets"),
                    path,
                    Some("org.freedesktop.DBus.Properties"),
                    "Get",
                    &(interface, property),
                )
                .await?;
            anyhow::Ok(reply.body().deserialize::<zbus::zvariant::OwnedValue>()?)
        };
        let items = get(collection, "org.freedesktop.Secret.Collection", "Items").await?;
        let items = Vec::<zbus::zvariant::OwnedObjectPath>::try_from(items)?;
        let mut labels = Vec::new();
        for item in items {
            let label = get(&item, "org.freedesktop.Secret.Item", "Label").await?;
            labels.push(String::try_from(label)?);
        }
        Ok(labels)
    }
}

async fn collection(
    connection: &zbus::Connection,
) -> anyhow::Result<zbus::zvariant::OwnedObjectPath> {
    let reply = connection
        .call_method(
            Some("org.freedesktop.secrets"),
            "/org/freedesktop/secrets",
            Some("org.freedesktop.Secret.Service"),
            "ReadAlias",
            &("default"),
        )
        .await?;
    Ok(reply.body().deserialize()?)
}
