//! What the store in memory does: one method per kind of work, under its lock.

use std::{collections::HashMap, time::Duration};

use tidings_protocol::{Name, State as Became, Status};

use super::{Client, State, Stored, Waiting, queued};
use crate::{
    mint::MidNumber,
    store::{
        Accept, Accepted, Confirmed, Counted, KEPT, KeptReceipt, Placed, Position, Pushed,
        REPORTED, Said, Word, leases::Leases,
    },
};

impl State {
    pub(super) fn client(&mut self, name: &Name) -> Option<&mut Client> {
        let index = *self.names.get(name)?;
        self.clients.get_mut(index)
    }

    pub(super) fn accept(&mut self, accept: &Accept) -> Accepted {
        self.forget(accept.at_ms);
        if let Some((reference, digest)) = &accept.reference {
            let key = (accept.sender.clone(), reference.clone());
            if let Some((first, mid)) = self.references.get(&key) {
                if first != digest {
                    return Accepted::Conflict;
                }
                let statuses = self.messages.get(mid).map(|m| m.statuses.clone());
                return Accepted::Duplicate {
                    mid: *mid,
                    statuses: statuses.unwrap_or_default(),
                };
            }
        }
        if self.bytes.saturating_add(accept.frame.len() as u64) > accept.bound.store_bytes {
            return Accepted::StoreFull;
        }
        if let Some((reference, digest)) = &accept.reference {
            let key = (accept.sender.clone(), reference.clone());
            self.references.insert(key, (*digest, accept.mid));
        }
        if let Some(identity) = &mut self.identity {
            identity.highest_mid = identity.highest_mid.max(Some(accept.mid));
        }
        let placed: Vec<_> = accept
            .recipients
            .iter()
            .map(|recipient| self.place(recipient, accept))
            .collect();
        let statuses = accept
            .recipients
            .iter()
            .zip(&placed)
            .map(|(name, placed)| match placed {
                Placed::Queued(_) => (name.clone(), Status::Wait),
                Placed::Full | Placed::Unknown => (name.clone(), Status::No),
            })
            .chain(accept.unknown.iter().map(|n| (n.clone(), Status::No)))
            .collect();
        let reference = accept.reference.as_ref().map(|(r, _)| r.clone());
        self.messages.insert(
            accept.mid,
            Stored {
                at_ms: accept.at_ms,
                statuses,
                sender: accept.sender.clone(),
                reference,
                wants: accept.wants.clone(),
                reports: HashMap::new(),
            },
        );
        Accepted::New(placed)
    }

    pub(super) fn place(&mut self, recipient: &Name, accept: &Accept) -> Placed {
        let bytes = accept.frame.len() as u64;
        let Some(client) = self.client(recipient) else {
            return Placed::Unknown;
        };
        if !accept.bound.admits(client.load, bytes) {
            return Placed::Full;
        }
        let position = Position::new(accept.mid.number());
        client.load.add(bytes);
        let waiting = Waiting {
            message: queued(accept, position),
            expires_ms: accept.expires_ms,
            pushed: Pushed::No,
        };
        client.queue.insert(position, waiting);
        self.bytes += bytes;
        self.expiries.insert((accept.expires_ms, accept.mid));
        Placed::Queued(position)
    }

    pub(super) fn confirm(
        &mut self,
        recipient: &Name,
        position: Position,
        word: Word,
        at_ms: u64,
    ) -> Confirmed {
        let Some(client) = self.client(recipient) else {
            return Confirmed::Already;
        };
        let Some(Waiting { message, .. }) = client.queue.remove(&position) else {
            return Confirmed::Already;
        };
        client.load.remove(message.frame.len() as u64);
        self.bytes = self.bytes.saturating_sub(message.frame.len() as u64);
        let status = match word {
            Word::Message => Status::Ok,
            Word::Push => Status::PushConfirmed,
        };
        self.note(message.mid, recipient, status);
        self.tell(message.mid, recipient, Became::Ok, at_ms, None);
        Confirmed::Done
    }

    /// Keeps a receipt for the message's sender, if it wants any.
    pub(super) fn tell(
        &mut self,
        mid: MidNumber,
        name: &Name,
        state: Became,
        at_ms: u64,
        note: Option<String>,
    ) {
        if let Some(message) = self.messages.get(&mid).filter(|m| m.wants.receipts)
            && let Some(sender) = &message.sender
        {
            let receipt = KeptReceipt {
                position: Position::START,
                mid,
                reference: message.reference.clone(),
                name: name.clone(),
                state,
                at_ms,
                note,
            };
            self.mail.keep(sender, receipt);
        }
    }

    /// Tells readers of new receipts.
    pub(super) fn announce(&mut self, leases: &Leases) {
        for name in self.mail.came() {
            leases.announce_receipts(&name);
        }
    }

    pub(super) fn report(
        &mut self,
        recipient: &Name,
        mid: MidNumber,
        said: Said,
    ) -> Option<Counted> {
        let position = Position::new(mid.number());
        let was_for = |m: &Stored| {
            let mut statuses = m.statuses.iter();
            statuses
                .any(|(name, s)| name == recipient && !matches!(s, Status::No | Status::Expired))
        };
        self.messages.get(&mid).filter(|message| was_for(message))?;
        let confirmed = self.confirm(recipient, position, Word::Message, said.at_ms);
        let confirmed = confirmed == Confirmed::Done;
        let message = self.messages.get_mut(&mid)?;
        let before = message.reports.get(recipient);
        let is_news = message.wants.receipts && before.is_none_or(|before| *before < said.state);
        if is_news {
            message.reports.insert(recipient.clone(), said.state);
            self.tell(mid, recipient, said.state.state(), said.at_ms, said.note);
        }
        Some(Counted { is_news, confirmed })
    }

    pub(super) fn note(&mut self, mid: MidNumber, recipient: &Name, status: Status) {
        if let Some(message) = self.messages.get_mut(&mid)
            && let Some((_, noted)) = message.statuses.iter_mut().find(|(n, _)| n == recipient)
        {
            *noted = status;
        }
    }

    /// Takes a message from all who have not confirmed it, and says who they were.
    pub(super) fn give_up(&mut self, mid: MidNumber, now_ms: u64) -> Vec<Name> {
        let Some(message) = self.messages.get_mut(&mid) else {
            return Vec::new();
        };
        let mut waiting = Vec::new();
        for (name, status) in &mut message.statuses {
            if !status.is_final() {
                *status = Status::Expired;
                waiting.push(name.clone());
            }
        }
        for name in &waiting {
            let position = Position::new(mid.number());
            if let Some(client) = self.client(name)
                && let Some(waiting) = client.queue.remove(&position)
            {
                let bytes = waiting.message.frame.len() as u64;
                client.load.remove(bytes);
                self.bytes = self.bytes.saturating_sub(bytes);
            }
            self.tell(mid, name, Became::Expired, now_ms, None);
        }
        waiting
    }

    /// Forgets the oldest messages that are done with and past their time.
    pub(super) fn forget(&mut self, now_ms: u64) {
        let ms = |kept: Duration| u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        while let Some(oldest) = self.messages.first_entry() {
            let message = oldest.get();
            let kept_ms = ms(if message.wants.receipts {
                REPORTED
            } else {
                KEPT
            });
            let waiting = message.statuses.iter().any(|(_, s)| !s.is_final());
            if waiting || now_ms.saturating_sub(message.at_ms) <= kept_ms {
                return;
            }
            let forgotten = oldest.remove();
            if let Some(reference) = forgotten.reference {
                self.references.remove(&(forgotten.sender, reference));
            }
        }
    }
}
