//! The session's part of the setup: with which relay, as whom, with which token.
//!
//! Invariant: a session is only started with the token of the very relay it calls; without a hosted
//! relay that runs, its port is not called.

use tidings_protocol::{Group, Name};
use tidings_session::{Address, AddressError, Config, Session};
use tokio::time::Instant;

use super::{PORT_AGAIN, Setup};
use crate::clock;
use crate::hub::Hub;
use crate::line::{Line, sentence};
use crate::reception::Change;
use crate::settings::At;
use crate::types::{Connection, Part};
use crate::vault::{Label, Secret};

/// The queue of the relay that is hosted here. The blank is in no host's name.
const HOSTED_QUEUE: &str = "hosted here";

impl Setup {
    /// Starts a session as stored; there must be none.
    pub(super) async fn connect(&mut self) {
        let line = self.line().await;
        let queue = self.queue().unwrap_or_default();
        let change = match line {
            Ok((config, address)) => {
                let (session, events) = Session::spawn(config);
                let handle = session.handle();
                self.session = Some(session);
                Change::Line(Line {
                    handle,
                    events,
                    address,
                    slept: false,
                    queue,
                })
            }
            Err(connection) => Change::NoLine(connection),
        };
        self.report();
        // Closed only when the app ends.
        let _ = self.parts.lines.send(change).await;
    }

    pub(super) async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.stop().await;
        }
    }

    /// What to connect with and the address as stored with messages, or why there is nothing.
    pub(super) async fn line(&mut self) -> Result<(Config, String), Connection> {
        let Some(member) = self.parts.stored.relay.clone() else {
            return Err(Connection::NotConfigured);
        };
        let refused = |words: String| Connection::Refused {
            reason: sentence(&words),
        };
        let (Some(label), Some(address)) = (self.label(), self.address()) else {
            let problems = self.parts.board.status().problems;
            let hosting = problems.into_iter().find(|p| p.part == Part::Hosting);
            let reason = hosting.map_or_else(String::new, |problem| problem.message);
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
        let found = self.parts.secrets.load(&label).await;
        if let (None, Some(fault)) = (&found.secret, found.fault) {
            let words = self.parts.secrets.words(found.place, &fault);
            self.heed(Some(fault));
            return Err(refused(words.unwrap_or_default()));
        }
        let token = found.secret.as_ref().map_or("", Secret::reveal);
        let parsed: Address = address
            .parse()
            .map_err(|error: AddressError| refused(error.to_string()))?;
        let name = Name::new(&member.name).map_err(|error| refused(error.to_string()))?;
        let group = Group::new(&member.group).map_err(|error| refused(error.to_string()))?;
        Ok((Config::new(parsed, token, name, group), address))
    }

    /// Whose token the relay joined wants.
    pub(super) fn label(&self) -> Option<Label> {
        Some(match &self.parts.stored.relay.as_ref()?.at {
            At::Hosted => Label::Hosted,
            At::Address(address) => Label::Relay(address.clone()),
        })
    }

    /// Where the relay joined is; none while the hosted one does not run, as its port may be
    /// anybody's then.
    pub(super) fn address(&self) -> Option<String> {
        match &self.parts.stored.relay.as_ref()?.at {
            At::Hosted => Some(format!("ws://127.0.0.1:{}/", self.hub.as_ref()?.port())),
            At::Address(address) => Some(address.clone()),
        }
    }

    /// Whose queue messages are put into that are written now. By host, as with tokens: a relay at
    /// another port, scheme or path is the same one moved, and gets what waited for it.
    pub(super) fn queue(&self) -> Option<String> {
        Some(match &self.parts.stored.relay.as_ref()?.at {
            At::Hosted => HOSTED_QUEUE.to_owned(),
            At::Address(address) => host_of(address).unwrap_or_else(|| address.clone()),
        })
    }

    /// Keeps the token of a relay to be joined. None given means the one that is kept already, or
    /// that of the relay joined up to now if only its port, scheme or path changed: then it moved.
    /// Another host never gets it, and nobody elsewhere gets the hosted relay's.
    pub(super) async fn keep_token(&mut self, address: &Address, token: Option<Secret>) {
        let label = Label::Relay(address.to_string());
        let token = match token {
            Some(token) => Some(token),
            None if self.parts.secrets.load(&label).await.secret.is_some() => None,
            None => match self.label() {
                Some(Label::Relay(before)) if host_of(&before) == Some(address.host()) => {
                    self.parts.secrets.load(&Label::Relay(before)).await.secret
                }
                Some(Label::Relay(_) | Label::Hosted) | None => None,
            },
        };
        if let Some(token) = token {
            let fault = self.parts.secrets.store(&label, &token, false).await;
            if self.keyring_took(fault).await {
                // The hosted relay runs with the one given up; it starts anew before the session.
                self.close_hub().await;
            }
        }
    }

    /// Whether this is the address of the relay that runs inside.
    pub(super) fn is_hosted(&self, address: &Address) -> bool {
        let port = self.hub.as_ref().map(Hub::port);
        port == Some(address.port()) && matches!(address.host().as_str(), "127.0.0.1" | "localhost")
    }
}

/// The host of a stored address; none where it is no address any more.
fn host_of(address: &str) -> Option<String> {
    address
        .parse::<Address>()
        .ok()
        .map(|address| address.host())
}
