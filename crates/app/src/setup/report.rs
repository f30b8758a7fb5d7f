//! What the setup tells the person, and what it writes down.

use std::collections::BTreeSet;

use super::Setup;
use super::joining::label_of;
use crate::computer;
use crate::notifier;
use crate::secrets::Settled;
use crate::settings::{At, Membership};
use crate::types::{Connection, Hosted, Part, Reach, RelayState, SecretPlace, Status};
use crate::vault::{Label, VaultError};
use crate::wait::Kept;
use crate::words::{Chinese as _, Wrong};

impl Setup {
    /// Takes note of what the keyring said, and waits for its news. A locked keyring is
    /// opened by the person: the vault looks whether it is open, and puts up no prompt.
    pub(super) fn heed(&mut self, fault: Option<VaultError>) {
        self.fault = fault;
        self.await_keyring();
        self.report();
    }

    /// Waits for the keyring's news where it has something to make good.
    pub(super) fn await_keyring(&mut self) {
        let wanted = self.fault.is_some() || !self.parts.secrets.unwanted().is_empty();
        self.keyring_news =
            wanted.then(|| -> Kept<()> { Box::pin(self.parts.secrets.came_back()) });
    }

    /// Takes note of whether the keyring took a secret. Where it did, what only memory or the file
    /// holds goes there too, as no problem would tell of it any more. True if a secret of ours was
    /// given up for the keyring's.
    pub(super) async fn keyring_took(&mut self, fault: Option<VaultError>) -> bool {
        let settled = match fault {
            None => self.parts.secrets.settle().await,
            fault => Settled {
                fault,
                replaced: false,
            },
        };
        self.heed(settled.fault);
        settled.replaced
    }

    /// Brings the status up to date.
    pub(super) fn report(&self) {
        let stored = &self.parts.stored;
        let hosted = self.hub.as_ref().map(|hub| Hosted {
            reach: hub.reach(),
            port: hub.port(),
            addresses: match hub.reach() {
                Reach::Computer => Vec::new(),
                Reach::Network => computer::addresses(hub.port()),
            },
            clients: hub.count(),
            curl: computer::curl(hub.port(), self.name_at_home()),
        });
        let problem = self.fault.as_ref().and_then(|fault| {
            let mut places: Vec<_> = stored.relays.iter().map(|m| self.secret_place(m)).collect();
            if places.is_empty() {
                places.push(SecretPlace::Nowhere);
            }
            let words = |place| self.parts.secrets.words(place, fault);
            places.into_iter().find_map(words)
        });
        self.parts.board.update(|status| {
            let relays = stored
                .relays
                .iter()
                .map(|member| self.state(member, status));
            status.relays = relays.collect();
            status.hosted = hosted;
        });
        self.parts.board.problem(Part::Secrets, problem);
    }

    /// A relay as faces see it. Its connection is the reception's to tell; one that is new is being
    /// connected to.
    fn state(&self, member: &Membership, before: &Status) -> RelayState {
        // Also where the hosted relay does not run, it has its address.
        let port = self.parts.stored.hosting.map_or(0, |hosting| hosting.port);
        let address = self.address(&member.at);
        let before = before.relay(&member.id);
        RelayState {
            id: member.id.clone(),
            label: self.called(member),
            color: member.color,
            address: address.unwrap_or_else(|| format!("ws://127.0.0.1:{port}/")),
            hosted: member.at == At::Hosted,
            name: member.name.clone(),
            group: member.group.clone(),
            connection: before.map_or(Connection::Connecting, |relay| relay.connection.clone()),
            secret: self.secret_place(member),
            pinned: member.pinned.clone(),
            extensions: before.map_or_else(Vec::new, |relay| relay.extensions.clone()),
        }
    }

    fn called(&self, member: &Membership) -> String {
        match (&member.label, &member.at) {
            (label, _) if !label.is_empty() => label.clone(),
            (_, At::Hosted) => {
                let language = self.parts.settings.borrow().language;
                notifier::words(language).this_computer().to_owned()
            }
            (_, At::Address(address)) => member.at.host().unwrap_or_else(|| address.clone()),
        }
    }

    fn secret_place(&self, member: &Membership) -> SecretPlace {
        self.parts.secrets.place(&label_of(&member.id))
    }

    /// Writes down what the keyring is to forget, where that is not as it was written last.
    pub(super) async fn save_unwanted(&mut self) {
        if self.parts.stored.unwanted_tokens != self.unwanted_tokens() {
            self.save().await;
        }
    }

    fn unwanted_tokens(&self) -> BTreeSet<String> {
        let unwanted = self.parts.secrets.unwanted().iter();
        let of_relays = unwanted.filter_map(|label| match label {
            Label::Relay(id) => Some(id.clone()),
            // The hosted relay's is never given up: others use it.
            Label::Hosted => None,
        });
        of_relays.collect()
    }

    pub(super) async fn save(&mut self) {
        self.parts.stored.unwanted_tokens = self.unwanted_tokens();
        let (stored, folder) = (self.parts.stored.clone(), self.parts.folders.config.clone());
        let saved = tokio::task::spawn_blocking(move || {
            stored.save(&folder).map_err(|error| error.words())
        })
        .await
        .unwrap_or_else(|error| Err(Wrong::Failed(error.to_string()).into()));
        if self.save_failed || saved.is_err() {
            self.save_failed = saved.is_err();
            self.parts.board.problem(Part::Disk, saved.err());
        }
    }
}
