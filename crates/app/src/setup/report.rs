//! What the setup tells the person, and what it writes down.

use super::Setup;
use crate::computer;
use crate::secrets::Settled;
use crate::types::{Hosted, Part, Reach, Relay, SecretPlace};
use crate::vault::VaultError;
use crate::wait::Kept;

impl Setup {
    /// Takes note of what the keyring said, and waits for its news. A locked keyring is
    /// opened by the person: the vault looks whether it is open, and puts up no prompt.
    pub(super) fn heed(&mut self, fault: Option<VaultError>) {
        self.keyring_news = fault
            .is_some()
            .then(|| -> Kept<()> { Box::pin(self.parts.secrets.came_back()) });
        self.fault = fault;
        self.report();
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
        let place = self.label().map_or(SecretPlace::Nowhere, |label| {
            self.parts.secrets.place(&label)
        });
        // Also where it does not run, it has its address.
        let port = stored.hosting.map_or(0, |hosting| hosting.port);
        let address = self.address();
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
        let problem = self
            .fault
            .as_ref()
            .and_then(|fault| self.parts.secrets.words(place, fault));
        self.parts.queue.send_replace(self.queue());
        self.parts.board.update(|status| {
            status.relay = stored.relay.as_ref().map(|member| Relay {
                address: address.unwrap_or_else(|| format!("ws://127.0.0.1:{port}/")),
                name: member.name.clone(),
                group: member.group.clone(),
            });
            status.secret = place;
            status.hosted = hosted;
        });
        self.parts.board.problem(Part::Secrets, problem);
    }

    pub(super) async fn save(&mut self) {
        let (stored, folder) = (self.parts.stored.clone(), self.parts.folders.config.clone());
        let saved = tokio::task::spawn_blocking(move || {
            stored.save(&folder).map_err(|error| error.to_string())
        })
        .await
        .unwrap_or_else(|error| Err(error.to_string()));
        if self.save_failed || saved.is_err() {
            self.save_failed = saved.is_err();
            self.parts.board.problem(Part::Disk, saved.err());
        }
    }
}
