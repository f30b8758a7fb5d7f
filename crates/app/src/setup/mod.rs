//! The task that keeps things as the person set them: the relays joined and hosted, their tokens, the
//! settings. Takes requests one after another and may take its time: the reception goes on.
//!
//! Owns settings, secrets, hub and sessions. Invariants: a session is only ever offered to the relay
//! whose token it holds (never to whatever took the hosted relay's port); what is done about one
//! relay leaves the others' sessions alone; no request waits longer than a keyring's deadline or a
//! relay's goodbye.

mod hosting;
mod joining;
mod manners;
mod members;
mod report;
mod trusting;

use std::collections::BTreeMap;
use std::time::Duration;

use tidings_protocol::{Name, limits};
use tidings_session::Session;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::board::Board;
use crate::computer;
use crate::folders::Folders;
use crate::hub::Hub;
use crate::reception::Change;
use crate::secrets::Secrets;
use crate::settings::{At, Hosting, Membership, Stored};
use crate::types::{Color, Event, Failure, Join, Mute, Part, Pause, Reach, RelayId, Settings};
use crate::vault::{Label, Secret, VaultError};
use crate::wait::{self, Kept};
use crate::words::Wrong;

use hosting::Asked;
use joining::label_of;

/// Random bytes of a hosted relay's token: beyond guessing, and short enough to paste.
const TOKEN_BYTES: usize = 32;

/// Pause before a port that was taken is tried again.
const PORT_AGAIN: Duration = Duration::from_secs(10);

/// The folder of the hosted relay in the data folder.
const RELAY_FOLDER: &str = "relay";

type Answer<T> = oneshot::Sender<Result<T, Failure>>;

/// What faces ask for; see the methods of `App`.
pub(crate) enum Order {
    Host {
        reach: Reach,
        name: Option<String>,
        reply: Answer<()>,
    },
    Reach {
        reach: Reach,
        reply: Answer<()>,
    },
    StopHosting {
        reply: Answer<()>,
    },
    Join {
        relay: Join,
        reply: Answer<()>,
    },
    Leave {
        id: RelayId,
        reply: Answer<()>,
    },
    Describe {
        id: RelayId,
        label: String,
        color: Color,
        reply: Answer<()>,
    },
    Trust {
        id: RelayId,
        fingerprint: String,
        reply: Answer<()>,
    },
    Reconnect {
        id: Option<RelayId>,
        reply: Answer<()>,
    },
    SetSettings {
        settings: Settings,
        reply: Answer<Settings>,
    },
    Mute {
        mute: Mute,
        on: bool,
        reply: Answer<Settings>,
    },
    Pause {
        pause: Pause,
        reply: Answer<()>,
    },
    AllowPlainSecret {
        allow: bool,
        reply: Answer<()>,
    },
    /// Whether it was told that there is no tray; `told` says that it was now.
    TrayLack {
        told: bool,
        reply: Answer<bool>,
    },
    Token {
        reply: Answer<String>,
    },
    Stop,
}

/// What the setup is made of.
pub(crate) struct Parts {
    pub(crate) folders: Folders,
    /// Where a relay is hosted that never was before.
    pub(crate) port: u16,
    pub(crate) stored: Stored,
    pub(crate) secrets: Secrets,
    pub(crate) board: Board,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) settings: watch::Sender<Settings>,
    /// Until when notifications are paused, in milliseconds since 1970.
    pub(crate) pause: watch::Sender<Option<u64>>,
    pub(crate) lines: mpsc::Sender<Change>,
}

/// See the file's head.
pub(crate) struct Setup {
    parts: Parts,
    hub: Option<Hub>,
    sessions: BTreeMap<RelayId, Session>,
    /// What the keyring said last, if it did not do as asked.
    fault: Option<VaultError>,
    /// Ends when the keyring is worth another try.
    keyring_news: Option<Kept<()>>,
    /// When to try again to run the hosted relay.
    hub_retry: Option<Instant>,
    save_failed: bool,
}

impl Setup {
    /// Also puts on the board what is stored: the relays that are set up are being connected to.
    pub(crate) fn new(parts: Parts) -> Self {
        let setup = Self {
            parts,
            hub: None,
            sessions: BTreeMap::new(),
            fault: None,
            keyring_news: None,
            hub_retry: None,
            save_failed: false,
        };
        setup.report();
        setup
    }

    /// Sets things up as stored, then obeys until told to stop.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        self.resume().await;
        let owing = self.fault.is_none() && !self.parts.secrets.unwanted().is_empty();
        if self.parts.secrets.filed() || owing {
            // Not held up by a keyring that hangs; one that came since takes what the file holds, and
            // forgets what it was to forget.
            self.keyring_came_back().await;
        }
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    None | Some(Order::Stop) => break,
                    Some(order) => self.obey(order).await,
                },
                count = clients(&mut self.hub) => self.parts.board.update(|status| {
                    if let Some(hosted) = &mut status.hosted {
                        hosted.clients = count;
                    }
                }),
                () = wait::for_kept(&mut self.keyring_news) => self.keyring_came_back().await,
                () = wait::until(self.hub_retry) => self.resume_hosted().await,
            }
        }
        self.hang_up_all().await;
        self.close_hub().await;
    }

    async fn obey(&mut self, order: Order) {
        // Whoever asked may have gone; the work is done all the same.
        match order {
            Order::Host { reach, name, reply } => drop(reply.send(self.host(reach, name).await)),
            Order::Reach { reach, reply } => drop(reply.send(self.reach(reach).await)),
            Order::StopHosting { reply } => drop(reply.send(self.stop_hosting().await)),
            Order::Join { relay, reply } => drop(reply.send(self.join(relay).await)),
            Order::Leave { id, reply } => drop(reply.send(self.leave(&id).await)),
            Order::Describe {
                id,
                label,
                color,
                reply,
            } => drop(reply.send(self.describe(&id, &label, color).await)),
            Order::Trust {
                id,
                fingerprint,
                reply,
            } => drop(reply.send(self.trust(&id, &fingerprint).await)),
            Order::Reconnect { id, reply } => drop(reply.send(self.reconnect(id).await)),
            Order::SetSettings { settings, reply } => {
                drop(reply.send(self.set_settings(settings).await));
            }
            Order::Mute { mute, on, reply } => drop(reply.send(self.mute(mute, on).await)),
            Order::Pause { pause, reply } => drop(reply.send(self.pause(pause).await)),
            Order::AllowPlainSecret { allow, reply } => {
                self.allow_plain_secret(allow).await;
                drop(reply.send(Ok(())));
            }
            Order::TrayLack { told, reply } => drop(reply.send(Ok(self.tray_lack(told).await))),
            Order::Token { reply } => drop(reply.send(self.token())),
            Order::Stop => {}
        }
    }

    /// Hosts and connects as stored, as far as that is not done already.
    async fn resume(&mut self) {
        self.resume_hosted().await;
        let ids: Vec<_> = self
            .parts
            .stored
            .relays
            .iter()
            .map(|r| r.id.clone())
            .collect();
        for id in ids.iter().filter(|id| !id.is_hosted()) {
            if !self.sessions.contains_key(id) {
                self.connect(id).await;
            }
        }
    }

    /// The same for the hosted relay alone. The others are not looked after here: whatever keeps
    /// them, a keyring's prompt perhaps, is not to be tried again with each try of a port.
    async fn resume_hosted(&mut self) {
        self.hub_retry = None;
        if let (Some(hosting), None) = (self.parts.stored.hosting, &self.hub) {
            let Hosting { reach, port } = hosting;
            if let Err(words) = self.open_hub(reach, port, Asked::ByStart).await {
                self.parts.board.problem(Part::Hosting, Some(words));
                if !self.token_behind_prompt() {
                    self.hub_retry = Some(Instant::now() + PORT_AGAIN);
                }
            }
        }
        let id = RelayId::hosted();
        if !self.sessions.contains_key(&id) {
            self.connect(&id).await;
        }
    }

    async fn host(&mut self, reach: Reach, name: Option<String>) -> Result<(), Failure> {
        let known = self.parts.stored.relay(&RelayId::hosted());
        let known = known.map(|member| member.name.clone());
        let name = match name.or(known) {
            Some(name) => name_of(&name)?,
            None => computer::name(),
        };
        if self.hub.is_some() {
            self.listen(reach).await?;
        } else {
            let hosting = self.parts.stored.hosting;
            let port = hosting.map_or(self.parts.port, |hosting| hosting.port);
            if let Err(words) = self.open_hub(reach, port, Asked::ByPerson).await {
                // Told here for every face, so that it goes when hosting succeeds.
                self.parts.board.problem(Part::Hosting, Some(words.clone()));
                return Err(Failure::System(words));
            }
        }
        self.hub_retry = None;
        let id = RelayId::hosted();
        let relays = &mut self.parts.stored.relays;
        match relays.iter_mut().find(|member| member.id == id) {
            Some(member) => member.name = name.to_string(),
            None => {
                let joined = Membership::new(At::Hosted, name.to_string(), String::new(), relays);
                relays.push(joined);
            }
        }
        self.save().await;
        self.hang_up(&id).await;
        self.connect(&id).await;
        Ok(())
    }

    async fn reach(&mut self, reach: Reach) -> Result<(), Failure> {
        let Some(hosting) = &mut self.parts.stored.hosting else {
            return Err(not_hosting());
        };
        hosting.reach = reach;
        if self.hub.is_some() {
            self.listen(reach).await?;
        } else {
            self.resume_hosted().await;
        }
        self.save().await;
        Ok(())
    }

    async fn stop_hosting(&mut self) -> Result<(), Failure> {
        if self.parts.stored.hosting.take().is_none() {
            return Err(not_hosting());
        }
        self.part_with(&RelayId::hosted()).await;
        self.close_hub().await;
        self.hub_retry = None;
        self.parts.board.problem(Part::Hosting, None);
        self.save().await;
        Ok(())
    }

    async fn allow_plain_secret(&mut self, allow: bool) {
        self.parts.stored.plain_secret = Some(allow);
        self.save().await;
        self.parts.secrets.allow_plain(allow).await;
        self.report();
    }

    fn token(&self) -> Result<String, Failure> {
        let first = self.parts.stored.relays.first();
        let label = match (self.parts.stored.hosting, first) {
            (Some(_), _) => Label::Hosted,
            (None, Some(first)) => label_of(&first.id),
            (None, None) => return Err(Failure::NotConfigured),
        };
        match self.parts.secrets.known(&label) {
            Some(secret) => Ok(secret.reveal().to_owned()),
            None => Err(Failure::NotFound(Wrong::TokenUnknown.into())),
        }
    }

    async fn keyring_came_back(&mut self) {
        self.keyring_news = None;
        let settled = self.parts.secrets.settle().await;
        self.heed(settled.fault);
        self.save_unwanted().await;
        if settled.replaced {
            self.close_hub().await;
            self.hang_up(&RelayId::hosted()).await;
        }
        self.resume().await;
    }
}

fn not_hosting() -> Failure {
    Failure::NotFound(Wrong::NotHosting.into())
}

fn name_of(text: &str) -> Result<Name, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::Invalid(Wrong::NoName.into()));
    }
    Name::new(text).map_err(|error| Failure::Invalid(Wrong::Name(error).into()))
}

fn token_of(text: &str) -> Result<Secret, Failure> {
    let text = text.trim();
    if text.len() > limits::TOKEN_BYTES || text.chars().any(char::is_control) {
        return Err(Failure::Invalid(Wrong::Token(limits::TOKEN_BYTES).into()));
    }
    Ok(Secret::new(text))
}

async fn clients(hub: &mut Option<Hub>) -> u32 {
    match hub {
        Some(hub) => hub.counted().await,
        None => std::future::pending().await,
    }
}
