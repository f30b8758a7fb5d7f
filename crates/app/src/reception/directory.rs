//! Who the relays say is known to them: asked for on each connection, kept in memory, told to the faces.
//!
//! Owns when the faces are told. Invariant: at most once in [`PACE`], and only when something changed.

use std::sync::PoisonError;
use std::time::Duration;

use tidings_protocol::{Directory, Feature, client};
use tokio::time::Instant;

use super::Reception;
use crate::contacts::Contacts;
use crate::types::{Event, RelayId};

/// How often the faces are told: each then asks anew, and people come and go all the time in large offices.
const PACE: Duration = Duration::from_secs(1);

/// What is still to be told.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// When they are due to be told; none while nothing changed.
    due: Option<Instant>,
    told: Option<Instant>,
}

impl Reception {
    /// Asks a relay that was connected to.
    pub(super) fn ask_for_directory(&mut self, relay: &RelayId) {
        if let Some(member) = self.members.get(relay)
            && member.common.has(Feature::Directory)
            && let Some(line) = &member.line
        {
            line.handle.say(client::Packet::Directory);
        }
    }

    pub(super) fn directory(&mut self, relay: &RelayId, some: Directory) {
        self.change_contacts(|contacts| contacts.heard(relay, some));
    }

    /// Changes what is known, and tells it in time.
    pub(super) fn change_contacts(&mut self, change: impl FnOnce(&mut Contacts) -> bool) {
        let contacts = self.parts.contacts.lock();
        if change(&mut contacts.unwrap_or_else(PoisonError::into_inner)) {
            let now = Instant::now();
            let at = self.contacts.told.map_or(now, |told| now.max(told + PACE));
            self.contacts.due.get_or_insert(at);
        }
    }

    /// When the faces are to be told.
    pub(super) fn contacts_due(&self) -> Option<Instant> {
        self.contacts.due
    }

    /// Tells them, if it is time.
    pub(super) fn tell_contacts(&mut self) {
        let now = Instant::now();
        if self.contacts.due.take_if(|due| *due <= now).is_some() {
            self.contacts.told = Some(now);
            self.tell(Event::Contacts);
        }
    }
}
