//! The hosted relay's part of the setup: its token, its start and end, who reaches it.
//!
//! Invariant: at a start, port and token are those that others know already, or the relay does not
//! run and the status says why; only a person's wish to host chooses anew.

use tidings_control::Words;
use tokio::time::Instant;

use super::{PORT_AGAIN, RELAY_FOLDER, Setup, TOKEN_BYTES};
use crate::hub::{Hub, Plan};
use crate::outgoing::random_hex;
use crate::settings::Hosting;
use crate::types::{Failure, Part, Reach, RelayId, SecretPlace};
use crate::vault::{Label, Secret, VaultError};
use crate::words::{Chinese as _, Wrong};

/// On whose wish a relay is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The person's: another port and a new token will do.
    ByPerson,
    /// As it was before: others know its port and its token.
    ByStart,
}

impl Setup {
    /// Runs it and stores how. The error is for people.
    pub(super) async fn open_hub(
        &mut self,
        reach: Reach,
        port: u16,
        asked: Asked,
    ) -> Result<(), Words> {
        let token = self.hosted_token(asked).await?;
        let folder = self.parts.folders.data.join(RELAY_FOLDER);
        let plan = Plan {
            reach,
            port,
            any_port: asked == Asked::ByPerson,
            token: &token,
            folder: &folder,
        };
        let hub = Hub::start(plan).await.map_err(|error| error.words())?;
        let port = hub.port();
        self.parts.stored.hosting = Some(Hosting { reach, port });
        self.hub = Some(hub);
        self.parts.board.problem(Part::Hosting, None);
        self.report();
        Ok(())
    }

    /// Lets others reach the relay that runs. What cannot be done stands in the status too, and is
    /// tried again.
    pub(super) async fn listen(&mut self, reach: Reach) -> Result<(), Failure> {
        let Some(hub) = &mut self.hub else {
            return Ok(());
        };
        if hub.reach() == reach {
            return Ok(());
        }
        if let Err(error) = hub.listen(reach).await {
            let words = error.words();
            self.close_hub().await;
            self.parts.board.problem(Part::Hosting, Some(words.clone()));
            // Its port may be a stranger's from now on.
            let id = RelayId::hosted();
            self.hang_up(&id).await;
            self.connect(&id).await;
            self.hub_retry = Some(Instant::now() + PORT_AGAIN);
            return Err(Failure::System(words));
        }
        let port = hub.port();
        self.parts.stored.hosting = Some(Hosting { reach, port });
        self.report();
        // It lost its line with all the others: no need to wait for the next try.
        if let Some(session) = self.sessions.get(&RelayId::hosted()) {
            session.probe();
        }
        Ok(())
    }

    pub(super) async fn close_hub(&mut self) {
        if let Some(hub) = self.hub.take() {
            hub.stop().await;
        }
        self.report();
    }

    /// Whether the relay waits for the person to open the keyring: each try of ours would put up its
    /// prompt. They reconnect, or the keyring's news come.
    pub(super) fn token_behind_prompt(&self) -> bool {
        self.parts.secrets.known(&Label::Hosted).is_none()
            && matches!(self.fault, Some(VaultError::Locked | VaultError::Silent))
    }

    /// The token others have already, or a new one where there cannot be one.
    pub(super) async fn hosted_token(&mut self, asked: Asked) -> Result<Secret, Words> {
        let found = self.parts.secrets.load(&Label::Hosted).await;
        if let Some(token) = found.secret {
            return Ok(token);
        }
        match found.fault {
            // A new one would lock the others out once the keyring opens.
            Some(fault) if asked == Asked::ByStart && fault != VaultError::Absent => {
                let place = SecretPlace::Nowhere;
                let words = self.parts.secrets.words(place, &fault);
                let words = words.unwrap_or_else(|| Wrong::TokenUnknown.into());
                self.heed(Some(fault));
                return Err(words);
            }
            _ => {}
        }
        let token = random_hex(TOKEN_BYTES).map_err(|failure| failure.words())?;
        let token = Secret::new(token);
        let fault = self.parts.secrets.store(&Label::Hosted, &token, true).await;
        self.keyring_took(fault).await;
        Ok(token)
    }

    /// This computer's name on the hosted relay, for the line of shell.
    pub(super) fn name_at_home(&self) -> &str {
        let member = self.parts.stored.relay(&RelayId::hosted());
        member.map_or("NAME", |member| &member.name)
    }
}
