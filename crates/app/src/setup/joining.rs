//! The sessions' part of the setup: with which relays, as whom, with which tokens.
//!
//! Invariants: a session is only started with the token of the very relay it calls; without a hosted
//! relay that runs, its port is not called; no two sessions have one name at one address, as they
//! would throw each other out.

use tidings_control::Words;
use tidings_protocol::{Group, Name};
use tidings_session::{Address, AddressError, Config, NoFingerprint, Session};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{PORT_AGAIN, Setup};
use crate::clock;
use crate::hub::Hub;
use crate::line::{self, Line};
use crate::reception::{Change, What};
use crate::settings::{At, Membership};
use crate::types::{Connection, Failure, Part, RelayId};
use crate::vault::{Label, Secret};
use crate::words::{Wrong, sentences};

impl Setup {
    /// Starts the session of a relay as stored; there must be none.
    pub(super) async fn connect(&mut self, id: &RelayId) {
        let Some(member) = self.parts.stored.relay(id).cloned() else {
            return;
        };
        let what = match self.line(&member).await {
            Ok((config, address)) => {
                let (session, events) = Session::spawn(config);
                let handle = session.handle();
                self.sessions.insert(id.clone(), session);
                What::Line(Line {
                    handle,
                    events,
                    address,
                    slept: false,
                })
            }
            Err(connection) => What::NoLine(connection),
        };
        self.report();
        self.change(id.clone(), what).await;
    }

    /// Tells the reception.
    pub(super) async fn change(&mut self, relay: RelayId, what: What) {
        // Closed only when the app ends.
        let _ = self.parts.lines.send(Change { relay, what }).await;
    }

    pub(super) async fn hang_up(&mut self, id: &RelayId) {
        if let Some(session) = self.sessions.remove(id) {
            session.stop().await;
        }
    }

    /// Ends all sessions, side by side: each may take its two seconds.
    pub(super) async fn hang_up_all(&mut self) {
        let mut stopping = JoinSet::new();
        for session in std::mem::take(&mut self.sessions).into_values() {
            stopping.spawn(session.stop());
        }
        while stopping.join_next().await.is_some() {}
    }

    /// What to connect with and the address as stored with messages, or why there is nothing.
    async fn line(&mut self, member: &Membership) -> Result<(Config, String), Connection> {
        let refused = |reason: Words| Connection::Refused { reason };
        let Some(address) = self.address(&member.at) else {
            let problems = self.parts.board.status().problems;
            let hosting = problems.into_iter().find(|p| p.part == Part::Hosting);
            let reason =
                hosting.map_or_else(|| Wrong::NotHosting.into(), |problem| problem.message);
            if self.token_behind_prompt() {
                // Nothing is tried until the person opens the keyring.
                return Err(Connection::Refused { reason });
            }
            return Err(Connection::Offline {
                since: clock::now(),
                reason,
                retry_at: clock::at((Instant::now() + PORT_AGAIN).into_std()),
            });
        };
        let found = self.load_token(member).await;
        if let (None, Some(fault)) = (&found.secret, found.fault) {
            let words = self.parts.secrets.words(found.place, &fault);
            self.heed(Some(fault));
            return Err(refused(words.unwrap_or_else(|| Wrong::TokenUnknown.into())));
        }
        let token = found.secret.as_ref().map_or("", Secret::reveal);
        let parsed: Address = address
            .parse()
            .map_err(|error: AddressError| refused(sentences(&error)))?;
        let name = Name::new(&member.name).map_err(|error| refused(sentences(&error)))?;
        let group = Group::new(&member.group).map_err(|error| refused(sentences(&error)))?;
        let mut config = Config::new(parsed, token, name, group);
        config.features = line::features();
        let pin = member.pinned.as_deref().map(str::parse).transpose();
        config.pin = pin.map_err(|error: NoFingerprint| refused(sentences(&error)))?;
        Ok((config, address))
    }

    /// The token of a relay; one that an earlier version kept by the address is kept by the id from
    /// then on.
    async fn load_token(&mut self, member: &Membership) -> crate::secrets::Found {
        let secrets = &mut self.parts.secrets;
        let label = label_of(&member.id);
        let found = secrets.load(&label).await;
        let At::Address(address) = &member.at else {
            return found;
        };
        if found.secret.is_some() || found.fault.is_some() {
            return found;
        }
        let former = Label::Relay(address.clone());
        let kept = secrets.load(&former).await;
        if let Some(secret) = &kept.secret {
            secrets.store(&label, secret, false).await;
            secrets.forget(&former).await;
        }
        kept
    }

    /// Where a relay is; none while the hosted one does not run, as its port may be anybody's then.
    pub(super) fn address(&self, at: &At) -> Option<String> {
        match at {
            At::Hosted => Some(format!("ws://127.0.0.1:{}/", self.hub.as_ref()?.port())),
            At::Address(address) => Some(address.clone()),
        }
    }

    /// Which relay a wish to join is about: the one it names, or the one where this computer has
    /// that name already; none for another one.
    pub(super) fn meant(
        &self,
        id: Option<&RelayId>,
        at: &At,
        name: &Name,
    ) -> Result<Option<RelayId>, Failure> {
        let relays = &self.parts.stored.relays;
        let place = self.place(at);
        let same = relays.iter().find(|other| {
            let here = other.at == *at || (place.is_some() && self.place(&other.at) == place);
            here && (*at == At::Hosted || other.name == name.as_str())
        });
        let Some(id) = id else {
            return Ok(same.map(|same| same.id.clone()));
        };
        let Some(member) = self.parts.stored.relay(id) else {
            return Err(not_joined());
        };
        if member.at == At::Hosted && *at != At::Hosted {
            return Err(Failure::Invalid(Wrong::HostedAddress.into()));
        }
        match same {
            Some(same) if same.id != *id => {
                Err(Failure::Invalid(Wrong::SameName(name.to_string()).into()))
            }
            _ => Ok(Some(id.clone())),
        }
    }

    /// Keeps the token of a relay that is joined or changed. None given means the one that is kept
    /// already, if the relay only moved to another port, scheme or path, or that of the same relay
    /// under another name; another host never gets it.
    pub(super) async fn keep_token(
        &mut self,
        id: &RelayId,
        same_host: bool,
        token: Option<Secret>,
    ) {
        let label = label_of(id);
        match token {
            Some(token) => {
                let fault = self.parts.secrets.store(&label, &token, false).await;
                if self.keyring_took(fault).await {
                    // The hosted relay runs with the one given up; it starts anew before the session.
                    self.close_hub().await;
                    self.hang_up(&RelayId::hosted()).await;
                }
            }
            None if same_host || id.is_hosted() => {}
            None => match self.token_of_namesake(id).await {
                Some(token) => {
                    self.parts.secrets.store(&label, &token, false).await;
                }
                None => {
                    self.parts.secrets.forget(&label).await;
                }
            },
        }
    }

    /// The token that this computer has for the same relay under another name.
    async fn token_of_namesake(&mut self, id: &RelayId) -> Option<Secret> {
        let relays = &self.parts.stored.relays;
        let at = self.place(&self.parts.stored.relay(id)?.at)?;
        let same = relays
            .iter()
            .find(|other| other.id != *id && self.place(&other.at).as_ref() == Some(&at))?;
        let same = same.clone();
        self.load_token(&same).await.secret
    }

    /// Host and port of a relay: what is behind them is one relay, whatever the path.
    fn place(&self, at: &At) -> Option<(String, u16)> {
        self.address(at).and_then(|address| place_of(&address))
    }

    /// Whether this is the address of the relay that runs inside.
    pub(super) fn is_hosted(&self, address: &Address) -> bool {
        let port = self.hub.as_ref().map(Hub::port);
        port == Some(address.port()) && is_here(&address.host())
    }
}

/// Under what the token of a relay is kept.
pub(super) fn label_of(id: &RelayId) -> Label {
    if id.is_hosted() {
        Label::Hosted
    } else {
        Label::Relay(id.to_string())
    }
}

pub(super) fn not_joined() -> Failure {
    Failure::NotFound(Wrong::NotJoined.into())
}

fn place_of(address: &str) -> Option<(String, u16)> {
    let address: Address = address.parse().ok()?;
    let host = address.host();
    let host = if is_here(&host) {
        "127.0.0.1".to_owned()
    } else {
        host
    };
    Some((host, address.port()))
}

/// Whether a host is this computer.
pub(super) fn is_here(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost")
}
