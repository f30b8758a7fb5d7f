//! A notification daemon that misbehaves on command.
//!
//! It keeps every Notify call it got, answered or not. What it got while it hung it answers when it
//! behaves again, as a stopped process that goes on does; what it got before it vanished is lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, fdo};

use crate::bus::{self, Bus};
use crate::wait;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the daemon can do unless it is told otherwise: as much as most.
pub const ABILITIES: &[&str] = &["actions", "body", "body-markup", "persistence"];

/// What the daemon does with a Notify call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Answers it with a number.
    Answer,
    /// Takes it and does not answer it.
    Hang,
    /// As [`Self::Hang`], and answers nothing else either.
    Freeze,
    /// Answers it with an error.
    Refuse,
    /// Answers it, and lets its first button be pressed before the answer is even sent, faster than
    /// any person could.
    PressAtOnce,
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
    /// When it came.
    pub at: std::time::Instant,
}

#[derive(Debug)]
struct State {
    manners: watch::Sender<Manners>,
    calls: watch::Sender<Vec<Notify>>,
    /// The numbers that programs took off the screen.
    closed: watch::Sender<Vec<u32>>,
    abilities: watch::Sender<Vec<&'static str>>,
    inhibited: watch::Sender<bool>,
}

/// The daemon. It leaves the bus when dropped.
#[derive(Debug)]
pub struct Notifications {
    state: Arc<State>,
    present: Option<Present>,
}

/// What there is of the daemon while it is on the bus. Its end is the end of all open calls.
#[derive(Debug)]
struct Present {
    connection: Connection,
    _alive: watch::Sender<()>,
}

impl Notifications {
    /// A daemon that is not there yet: see [`Self::appear`].
    #[must_use]
    pub fn absent() -> Self {
        Self {
            state: Arc::new(State {
                manners: watch::Sender::new(Manners::Answer),
                calls: watch::Sender::default(),
                closed: watch::Sender::default(),
                abilities: watch::Sender::new(ABILITIES.to_vec()),
                inhibited: watch::Sender::new(false),
            }),
            present: None,
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
        let (_alive, alive) = watch::channel(());
        let state = Arc::clone(&self.state);
        let server = Server { state, alive };
        let builder = bus.builder()?.serve_at(PATH, server)?.name(NAME)?;
        let connection = builder.build().await?;
        self.present = Some(Present { connection, _alive });
        Ok(())
    }

    /// Leaves the bus as a daemon that crashes does: open calls fail.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn vanish(&mut self) -> anyhow::Result<()> {
        if let Some(present) = self.present.take() {
            present.connection.close().await?;
        }
        Ok(())
    }

    /// From now on treats calls so.
    pub fn behave(&self, manners: Manners) {
        self.state.manners.send_replace(manners);
    }

    /// From now on says that it can do these.
    pub fn can(&self, abilities: &[&'static str]) {
        self.state.abilities.send_replace(abilities.to_vec());
    }

    /// From now on is not to disturb, or may again, as the extension `Inhibited` tells.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn inhibit(&self, inhibited: bool) -> anyhow::Result<()> {
        self.state.inhibited.send_replace(inhibited);
        let server = self.connection()?.object_server();
        let server = server.interface::<_, Server>(PATH).await?;
        let emitter = server.signal_emitter();
        Ok(server.get().await.inhibited_changed(emitter).await?)
    }

    /// Waits until a program takes this notification off the screen.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn wait_closed(&self, notify: &Notify, within: Duration) -> anyhow::Result<()> {
        let id = notify.id.context("only what stands can be closed")?;
        let mut closed = self.state.closed.subscribe();
        let gone = closed.wait_for(|closed| closed.contains(&id));
        wait::at_most("the notification taken down", within, gone).await?;
        Ok(())
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
        bus::listener(self.connection()?, &notify.sender, NAME).await?;
        self.emit("ActionInvoked", &(id, key)).await?;
        self.close(notify, Closed::Dismissed).await
    }

    /// Answers a notification in the field that a daemon with the ability `inline-reply` shows.
    ///
    /// # Errors
    /// As [`Self::click`], and where the notification has no such field.
    pub async fn reply(&self, notify: &Notify, text: &str) -> anyhow::Result<()> {
        let id = notify.id.context("only what stands can be answered")?;
        let field = notify.actions.iter().any(|(key, _)| key == "inline-reply");
        anyhow::ensure!(field, "there is no field: {notify:?}");
        bus::listener(self.connection()?, &notify.sender, NAME).await?;
        self.emit("NotificationReplied", &(id, text)).await?;
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

    fn connection(&self) -> anyhow::Result<&Connection> {
        let present = self.present.as_ref().context("the daemon is away")?;
        Ok(&present.connection)
    }

    async fn emit<B>(&self, signal: &str, body: &B) -> anyhow::Result<()>
    where
        B: zbus::export::serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let connection = self.connection()?;
        let none = None::<zbus::names::BusName<'_>>;
        Ok(connection
            .emit_signal(none, PATH, NAME, signal, body)
            .await?)
    }
}

impl State {
    /// Keeps a call; gives its place.
    fn keep(&self, call: Notify) -> usize {
        let mut place = 0;
        self.calls.send_modify(|calls| {
            place = calls.len();
            calls.push(call);
        });
        place
    }

    /// Answers a kept call with the number of the notification it replaces, or a new one.
    fn raise(&self, place: usize) -> u32 {
        let mut id = u32::try_from(place).unwrap_or(u32::MAX - 1) + 1;
        self.calls.send_modify(|calls| {
            if let Some(call) = calls.get_mut(place) {
                if call.replaces != 0 {
                    id = call.replaces;
                }
                call.id = Some(id);
            }
        });
        id
    }
}

struct Server {
    state: Arc<State>,
    /// Ends with the daemon.
    alive: watch::Receiver<()>,
}

impl Server {
    /// Waits until the daemon does not behave like any of these; gives how it behaves then. One
    /// that has vanished answers nobody any more.
    async fn other_than(&self, these: &[Manners]) -> Manners {
        let mut manners = self.state.manners.subscribe();
        let mut alive = self.alive.clone();
        tokio::select! {
            biased;
            _ = alive.changed() => Manners::Refuse,
            other = manners.wait_for(|manners| !these.contains(manners)) => {
                // The sender is in the same state as the receiver, so it is still there.
                other.map_or(Manners::Refuse, |manners| *manners)
            }
        }
    }
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
    async fn notify(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        app: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        timeout: i32,
    ) -> fdo::Result<u32> {
        let pairs = actions.chunks_exact(2).filter_map(|pair| match pair {
            [key, label] => Some((key.clone(), label.clone())),
            _ => None,
        });
        let place = self.state.keep(Notify {
            id: None,
            sender: header.sender().map(ToString::to_string).unwrap_or_default(),
            app,
            replaces,
            summary,
            body,
            actions: pairs.collect(),
            hints,
            timeout,
            at: std::time::Instant::now(),
        });
        match self.other_than(&[Manners::Hang, Manners::Freeze]).await {
            Manners::Answer => Ok(self.state.raise(place)),
            Manners::PressAtOnce => {
                let id = self.state.raise(place);
                let key = actions.iter().step_by(2).find(|key| *key != "default");
                if let Some(key) = key {
                    let pressed = (id, key.as_str());
                    emitter.emit(NAME, "ActionInvoked", &pressed).await?;
                }
                Ok(id)
            }
            _ => Err(fdo::Error::Failed("this daemon refuses".into())),
        }
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        self.other_than(&[Manners::Freeze]).await;
        self.state.closed.send_modify(|closed| closed.push(id));
        let closed = (id, Closed::ByCall as u32);
        Ok(emitter.emit(NAME, "NotificationClosed", &closed).await?)
    }

    async fn get_capabilities(&self) -> Vec<&'static str> {
        self.other_than(&[Manners::Freeze]).await;
        self.state.abilities.borrow().clone()
    }

    #[zbus(property)]
    async fn inhibited(&self) -> bool {
        *self.state.inhibited.borrow()
    }

    async fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &str) {
        self.other_than(&[Manners::Freeze]).await;
        ("rig", "tidings", "1", "1.2")
    }
}
