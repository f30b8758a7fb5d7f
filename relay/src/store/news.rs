//! What readers are to hear of, gathered while a store changes and told once the change is durable.

use std::collections::BTreeSet;

use tidings_protocol::Name;

use super::{Position, leases::Leases};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What is not to be sent any more. What is held is sent to nobody, so it is not among these.
    gone: Vec<(Name, Position)>,
    /// For whom something got a place in the queue without being accepted now.
    released: BTreeSet<Name>,
    receipts: BTreeSet<Name>,
    reminders: BTreeSet<Name>,
}

impl News {
    pub(super) fn gone(&mut self, name: &Name, position: Position) {
        if !position.is_held() {
            self.gone.push((name.clone(), position));
        }
    }

    pub(super) fn released(&mut self, name: &Name) {
        self.released.insert(name.clone());
    }

    pub(super) fn receipts(&mut self, name: &Name) {
        self.receipts.insert(name.clone());
    }

    pub(super) fn reminders(&mut self, name: &Name) {
        self.reminders.insert(name.clone());
    }

    /// Tells the readers: what is gone first, as what took its place follows.
    pub(super) fn announce(&self, leases: &Leases) {
        for (name, position) in &self.gone {
            leases.announce_expired(name, *position);
        }
        for name in &self.released {
            leases.announce_look(name);
        }
        for name in &self.receipts {
            leases.announce_receipts(name);
        }
        for name in &self.reminders {
            leases.announce_reminders(name);
        }
    }
}
