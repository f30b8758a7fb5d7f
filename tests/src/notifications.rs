//! A notification daemon that misbehaves on command.
//!
//! It keeps every Notify call it got, answered or not. It never answers a call that it got while it
//! hung, not even after it has come to itself: as a daemon that lost them would.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, fdo};

use crate::bus::Bus;
use crate::wait;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the daemon does with a Notify call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Answers it with a number.
    Answer,
    /// Never answers it.
    Hang,
    /// Answers it with an error.
    Refuse,
}

/// Why a notification went away, by the specification's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It expired.
    Expired = 1,
    /// The person dismissed it.
    Dismissed = 2,
    /// The program that raised it asked for it.
    ByCall = 3,
}

/// A Notify call as it came.
#[derive(Debug, Clone)]
pub struct Notify {
    /// The number it was answered with; none if it was not, or with an error.
    pub id: Option<u32>,
    /// The connection it came from.
    pub sender: String,
    /// The program's name.
    pub app: String,
    /// The notification it replaces; 0 for none.
    pub replaces: u32,
    /// The title.
    pub summary: String,
    /// The body.
    pub body: String,
    /// Keys and labels of its actions.
    pub actions: Vec<(String, String)>,
    /// Its hints.
    pub hints: HashMap<String, OwnedValue>,
    /// Milliseconds it may stand; -1 as the daemon likes, 0 for ever.
    pub timeout: i32,
}

#[derive(Debug)]
struct State {
    manners: Mutex<Manners>,
    calls: watch::Sender<Vec<Notify>>,
}

/// The daemon. It leaves the bus when dropped.
#[derive(Debug)]
pub struct Notifications {
    state: Arc<State>,
    connection: Option<Connection>,
}

impl Notifications {
    /// A daemon that is not there yet: see [`Self::appear`].
    #[must_use]
    pub fn absent() -> Self {
        Self {
            state: Arc::new(State {
                manners: Mutex::new(Manners::Answer),
                calls: watch::Sender::default(),
            }),
            connection: None,
        }
    }

    /// A daemon on `bus`.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn start(bus: &Bus) -> anyhow::Result<Self> {
        let mut daemon = Self::absent();
        daemon.appear(bus).await?;
        Ok(daemon)
    }

    /// Comes (back) to the bus. What it got before it left is still in [`Self::calls`].
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn appear(&mut self, bus: &Bus) -> anyhow::Result<()> {
        let server = Server(Arc::clone(&self.state));
        let builder = bus.builder()?.serve_at(PATH, server)?.name(NAME)?;
        self.connection = Some(builder.build().await?);
        Ok(())
    }

    /// Leaves the bus as a daemon that crashes does: open calls fail.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn vanish(&mut self) -> anyhow::Result<()> {
        if let Some(connection) = self.connection.take() {
            connection.close().await?;
        }
        Ok(())
    }

    /// From now on treats calls so.
    pub fn behave(&self, manners: Manners) {
        *self.state.manners() = manners;
    }

    /// Every call so far, oldest first, answered or not.
    #[must_use]
    pub fn calls(&self) -> Vec<Notify> {
        self.state.calls.borrow().clone()
    }

    /// The notifications that were raised with this title.
    #[must_use]
    pub fn raised(&self, summary: &str) -> Vec<Notify> {
        let calls = self.state.calls.borrow();
        let raised = |call: &&Notify| call.id.is_some() && call.summary == summary;
        calls.iter().filter(raised).cloned().collect()
    }

    /// Waits until a notification with this title is raised.
    ///
    /// # Errors
    /// When there is none after `within`; says which calls there were.
    pub async fn wait_raised(&self, summary: &str, within: Duration) -> anyhow::Result<Notify> {
        let what = format!("the notification {summary:?}");
        self.wait(&what, within, |call| {
            call.id.is_some() && call.summary == summary
        })
        .await
    }

    /// Waits until there is a call (answered or not) of this kind.
    ///
    /// # Errors
    /// When there is none after `within`; says which calls there were.
    pub async fn wait(
        &self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Notify) -> bool,
    ) -> anyhow::Result<Notify> {
        let mut calls = self.state.calls.subscribe();
        let mut found = None;
        let came = calls.wait_for(|calls| {
            found = calls.iter().find(|call| wanted(call)).cloned();
            found.is_some()
        });
        let came = wait::at_most(what, within, came).await.map(drop);
        came.with_context(|| format!("the daemon got {:?}", self.calls()))?;
        found.context("it was found")
    }

    /// Clicks a notification: `key` is `default` for the notification itself. Waits first until its
    /// program listens, since a person cannot click as fast as a test.
    ///
    /// # Errors
    /// When nobody listens, or the notification was never answered.
    pub async fn click(&self, notify: &Notify, key: &str) -> anyhow::Result<()> {
        let id = notify.id.context("only what stands can be clicked")?;
        self.wait_listener(&notify.sender).await?;
        self.emit("ActionInvoked", &(id, key)).await?;
        self.close(notify, Closed::Dismissed).await
    }

    /// Tells that a notification went away.
    ///
    /// # Errors
    /// When the notification was never answered.
    pub async fn close(&self, notify: &Notify, reason: Closed) -> anyhow::Result<()> {
        let id = notify.id.context("only what stands can be closed")?;
        self.emit("NotificationClosed", &(id, reason as u32)).await
    }

    async fn emit<B>(&self, signal: &str, body: &B) -> anyhow::Result<()>
    where
        B: zbus::export::serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let connection = self.connection.as_ref().context("the daemon is away")?;
        let none = None::<zbus::names::BusName<'_>>;
        Ok(connection
            .emit_signal(none, PATH, NAME, signal, body)
            .await?)
    }

    async fn wait_listener(&self, sender: &str) -> anyhow::Result<()> {
        let connection = self.connection.as_ref().context("the daemon is away")?;
        wait::until("a listener for clicks", wait::SOON, async || {
            let (bus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
            let stats = Some("org.freedesktop.DBus.Debug.Stats");
            let rules = connection
                .call_method(Some(bus), path, stats, "GetAllMatchRules", &())
                .await?;
            let rules: HashMap<String, Vec<String>> = rules.body().deserialize()?;
            let of_sender = rules.get(sender).map(Vec::as_slice).unwrap_or_default();
            Ok(of_sender
                .iter()
                .any(|rule| rule.contains(NAME))
                .then_some(()))
        })
        .await
    }
}

impl State {
    fn manners(&self) -> std::sync::MutexGuard<'_, Manners> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the call, and says with which number to answer it.
    fn keep(&self, mut call: Notify) -> Option<u32> {
        self.calls.send_modify(|calls| {
            let next = u32::try_from(calls.len()).unwrap_or(u32::MAX - 1) + 1;
            let replaces = (call.replaces != 0).then_some(call.replaces);
            call.id = call.id.and(Some(replaces.unwrap_or(next)));
            calls.push(call);
        });
        self.calls.borrow().last().and_then(|call| call.id)
    }
}

struct Server(Arc<State>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
    async fn notify(
        &self,
        #[zbus(header)] header: Header<'_>,
        app: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        timeout: i32,
    ) -> fdo::Result<u32> {
        let manners = *self.0.manners();
        let pairs = actions.chunks_exact(2).filter_map(|pair| match pair {
            [key, label] => Some((key.clone(), label.clone())),
            _ => None,
        });
        let id = self.0.keep(Notify {
            id: (manners == Manners::Answer).then_some(0),
            sender: header.sender().map(ToString::to_string).unwrap_or_default(),
            app,
            replaces,
            summary,
            body,
            actions: pairs.collect(),
            hints,
            timeout,
        });
        match (manners, id) {
            (Manners::Hang, _) => std::future::pending().await,
            (Manners::Answer, Some(id)) => Ok(id),
            _ => Err(fdo::Error::Failed("this daemon refuses".into())),
        }
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        let closed = (id, Closed::ByCall as u32);
        Ok(emitter.emit(NAME, "NotificationClosed", &closed).await?)
    }

    async fn get_capabilities(&self) -> Vec<&'static str> {
        vec!["actions", "body", "body-markup", "persistence"]
    }

    async fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &str) {
        ("rig", "tidings", "1", "1.2")
    }
}
