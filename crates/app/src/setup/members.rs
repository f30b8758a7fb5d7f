//! What the person does about one relay: joins it, changes it, leaves it, connects with it now.

use tidings_protocol::Group;
use tidings_session::{Address, AddressError};

use super::joining::{is_here, label_of, not_joined};
use super::{Setup, name_of, token_of};
use crate::reception::What;
use crate::settings::{At, Membership};
use crate::types::{Color, Connection, Event, Failure, Join, Part, RelayId, SecretPlace};
use crate::vault::Label;
use crate::words::{Wrong, sentences};

/// Characters of a label at most: what fits into a side bar, twice.
const LABEL_CHARS: usize = 40;

impl Setup {
    pub(super) async fn join(&mut self, relay: Join) -> Result<(), Failure> {
        let address: Address = relay
            .address
            .parse()
            .map_err(|error: AddressError| Failure::Invalid(sentences(&error)))?;
        let name = name_of(relay.name.trim())?;
        let group = Group::new(relay.group.trim())
            .map_err(|error| Failure::Invalid(Wrong::OwnGroup(error).into()))?;
        let token = relay.token.as_deref().map(token_of).transpose()?;

        let hosted = self.parts.secrets.known(&Label::Hosted);
        let same_token = token.is_none() || token.as_ref() == hosted;
        let hosted_meant = relay.id.as_ref().is_some_and(RelayId::is_hosted);
        let at =
            if same_token && self.is_hosted(&address) || hosted_meant && is_here(&address.host()) {
                At::Hosted
            } else {
                At::Address(address.to_string())
            };
        let meant = self.meant(relay.id.as_ref(), &at, &name)?;
        let relays = &mut self.parts.stored.relays;
        let known = relays
            .iter_mut()
            .find(|member| meant.as_ref() == Some(&member.id));
        let (id, same_host) = match known {
            Some(member) => {
                let same_host = member.at.host() == at.host();
                if member.at != at {
                    // A certificate was agreed to for the address it was seen at.
                    member.pinned = None;
                }
                member.at = at;
                member.name = name.to_string();
                member.group = group.to_string();
                (member.id.clone(), same_host)
            }
            None => {
                let joined = Membership::new(at, name.to_string(), group.to_string(), relays);
                let id = joined.id.clone();
                relays.push(joined);
                (id, false)
            }
        };
        self.keep_token(&id, same_host, token).await;
        if self.parts.stored.hosting.is_none() {
            // What was wrong with hosting is settled by another relay.
            self.parts.board.problem(Part::Hosting, None);
        }
        self.save().await;
        self.hang_up(&id).await;
        self.connect(&id).await;
        Ok(())
    }

    pub(super) async fn leave(&mut self, id: &RelayId) -> Result<(), Failure> {
        let Some(member) = self.parts.stored.relay(id) else {
            return Err(not_joined());
        };
        let at = member.at.clone();
        self.part_with(id).await;
        let At::Address(address) = at else {
            // The hosted relay's token is for others still.
            self.save().await;
            return Ok(());
        };
        let label = label_of(id);
        let filed = self.parts.secrets.place(&label) == SecretPlace::File;
        // Also what an earlier version kept by the address.
        for label in [label, Label::Relay(address)] {
            self.parts.secrets.give_up(&label);
        }
        // Before the keyring is asked, which may take its time: what it keeps is forgotten later, also
        // after a crash.
        self.save().await;
        let kept = self.parts.secrets.forget_unwanted().await;
        self.await_keyring();
        self.save_unwanted().await;
        // What was in the file is in no keyring.
        if let Some(fault) = kept.filter(|_| !filed) {
            let relay = id.to_string();
            let words = Wrong::TokenKept { relay, fault }.into();
            let _ = self.parts.events.send(Event::Notice(words));
        }
        Ok(())
    }

    /// Ends with a relay: its session, its place in the settings, and what waits for it.
    pub(super) async fn part_with(&mut self, id: &RelayId) {
        self.parts.stored.relays.retain(|member| member.id != *id);
        self.hang_up(id).await;
        self.report();
        self.change(id.clone(), What::Left).await;
    }

    pub(super) async fn describe(
        &mut self,
        id: &RelayId,
        label: &str,
        color: Color,
    ) -> Result<(), Failure> {
        let label = label.trim();
        if label.chars().count() > LABEL_CHARS || label.chars().any(char::is_control) {
            return Err(Failure::Invalid(Wrong::Label(LABEL_CHARS).into()));
        }
        let relays = &mut self.parts.stored.relays;
        let member = relays.iter_mut().find(|member| member.id == *id);
        let member = member.ok_or_else(not_joined)?;
        label.clone_into(&mut member.label);
        member.color = color;
        self.report();
        self.save().await;
        Ok(())
    }

    pub(super) async fn reconnect(&mut self, id: Option<RelayId>) -> Result<(), Failure> {
        if self.parts.stored.relays.is_empty() {
            return Err(Failure::NotConfigured);
        }
        if let Some(id) = &id
            && self.parts.stored.relay(id).is_none()
        {
            return Err(not_joined());
        }
        if self.fault.is_some() || !self.parts.secrets.unwanted().is_empty() {
            // The person may have unlocked it.
            self.keyring_came_back().await;
        }
        let status = self.parts.board.status();
        for (of, session) in &self.sessions {
            // A name is taken back only where that is what was asked for.
            let taken = || {
                let relay = status.relay(of);
                relay.is_some_and(|r| matches!(r.connection, Connection::TakenOver { .. }))
            };
            let meant = match &id {
                Some(id) => id == of,
                None => !taken(),
            };
            if meant {
                session.reconnect();
            }
        }
        self.resume().await;
        Ok(())
    }
}
