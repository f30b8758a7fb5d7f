//! What the store in memory does: one method per kind of work, under its lock.

use std::{collections::HashMap, time::Duration};

use tidings_protocol::{Name, Reported, State as Became, Status};

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
        let statuses = accept.recipients.iter().map(|n| (n.clone(), Status::No));
        let unknown = accept.unknown.iter().map(|n| (n.clone(), Status::No));
        let stored = Stored {
            at_ms: accept.at_ms,
            statuses: statuses.chain(unknown).collect(),
            sender: accept.sender.clone(),
            by: accept.by.clone(),
            reference: accept.reference.as_ref().map(|(r, _)| r.clone()),
            wants: accept.wants.clone(),
            reports: HashMap::new(),
            position: accept.position(),
            due_ms: accept.due_ms,
            taken: false,
        };
        self.messages.insert(accept.mid, stored);
        let recipients = accept.recipients.iter();
        let placed: Vec<_> = recipients.map(|name| self.place(name, accept)).collect();
        let is_queued = placed.iter().any(|placed| placed.position().is_some());
        match accept.due_ms {
            Some(due_ms) if is_queued => drop(self.held.insert((due_ms, accept.mid))),
            _ => self.not_held(accept.mid),
        }
        Accepted::New(placed)
    }

    fn place(&mut self, recipient: &Name, accept: &Accept) -> Placed {
        let bytes = accept.frame.len() as u64;
        let key = accept.key();
        let Some(client) = self.client(recipient) else {
            return Placed::Unknown;
        };
        let before = match &key {
            Some(key) if accept.due_ms.is_none() => client.before(key, accept.mid),
            _ => Vec::new(),
        };
        let mut load = client.load;
        for (_, _, bytes) in &before {
            load.remove(*bytes);
        }
        if !accept.bound.admits(load, bytes) {
            return Placed::Full;
        }
        let instead = self.make_way(recipient, before, accept.at_ms);
        let position = accept.position();
        if let Some(client) = self.client(recipient) {
            client.load.add(bytes);
            let waiting = Waiting {
                message: queued(accept, position),
                expires_ms: accept.expires_ms,
                pushed: Pushed::No,
                key,
            };
            client.queue.insert(position, waiting);
        }
        self.bytes += bytes;
        self.expiries.insert((accept.expires_ms, accept.mid));
        let status = if position.is_held() {
            Status::Held
        } else {
            Status::Wait
        };
        self.note(accept.mid, recipient, status);
        match instead {
            Some(mid) => Placed::InPlaceOf(position, mid),
            None => Placed::Queued(position),
        }
    }

    /// Takes these from a client's queue, as another one takes their place; the one of them that was
    /// waiting, and not held.
    pub(super) fn make_way(
        &mut self,
        recipient: &Name,
        before: Vec<(Position, MidNumber, u64)>,
        at_ms: u64,
    ) -> Option<MidNumber> {
        let mut instead = None;
        for (position, mid, _) in before {
            self.unqueue(recipient, position);
            self.withdrawn(mid, recipient, Status::Superseded);
            self.tell(mid, recipient, Became::Superseded, at_ms, None);
            if !position.is_held() {
                instead = Some(mid);
            }
        }
        instead
    }

    /// Takes a message from a client's queue, if it is there; its reader is to hear of it.
    pub(super) fn unqueue(&mut self, recipient: &Name, position: Position) -> bool {
        let Some(client) = self.client(recipient) else {
            return false;
        };
        let Some(waiting) = client.queue.remove(&position) else {
            return false;
        };
        let bytes = waiting.message.frame.len() as u64;
        client.load.remove(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.news.gone(recipient, position);
        true
    }

    /// Notes what became of a message that has left somebody's queue unconfirmed.
    pub(super) fn withdrawn(&mut self, mid: MidNumber, recipient: &Name, status: Status) {
        self.note(mid, recipient, status);
        let waits = |message: &Stored| message.statuses.iter().any(|(_, s)| *s == Status::Held);
        if !self.messages.get(&mid).is_some_and(waits) {
            self.not_held(mid);
        }
    }

    /// Where a message waits; its mid's place where nobody knows.
    pub(super) fn position(&self, mid: MidNumber) -> Position {
        let message = self.messages.get(&mid);
        message.map_or(Position::new(mid.number()), |message| message.position)
    }

    pub(super) fn settle(
        &mut self,
        recipient: &Name,
        mid: MidNumber,
        word: Word,
        at_ms: u64,
    ) -> Confirmed {
        let position = self.position(mid);
        // What is held was sent to nobody, who so could not confirm it.
        if position.is_held() {
            return Confirmed::Already;
        }
        let confirmed = self.confirm(recipient, position, word, at_ms);
        if confirmed == Confirmed::Done {
            self.news.gone(recipient, position);
        }
        confirmed
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
        let mid = message.mid;
        self.note(mid, recipient, status);
        self.remind(recipient, message, at_ms);
        self.tell(mid, recipient, Became::Ok, at_ms, None);
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
            if self.mail.keep(sender, receipt) {
                self.news.receipts(sender);
            }
        }
    }

    /// Tells readers what they are to hear of.
    pub(super) fn announce(&mut self, leases: &Leases) {
        std::mem::take(&mut self.news).announce(leases);
    }

    pub(super) fn report(
        &mut self,
        recipient: &Name,
        mid: MidNumber,
        said: Said,
    ) -> Option<Counted> {
        let was_for = |m: &Stored| {
            let mut statuses = m.statuses.iter();
            statuses.any(|(name, s)| {
                let confirmed = matches!(s, Status::Ok | Status::PushConfirmed);
                name == recipient && (confirmed || !s.is_final() && *s != Status::Held)
            })
        };
        self.messages.get(&mid).filter(|message| was_for(message))?;
        let confirmed = self.settle(recipient, mid, Word::Message, said.at_ms);
        let confirmed = confirmed == Confirmed::Done;
        let message = self.messages.get_mut(&mid)?;
        let before = message.reports.get(recipient);
        let wanted = message.wants.receipts || message.wants.ack.is_some();
        let is_news = wanted && before.is_none_or(|before| *before < said.state);
        if is_news {
            message.reports.insert(recipient.clone(), said.state);
            let state = said.state.state();
            self.tell(mid, recipient, state, said.at_ms, said.note.clone());
            if said.state == Reported::Acknowledged {
                self.acknowledged(recipient, mid, &said);
            }
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

    /// Takes a message from all who have not confirmed it; how many they were.
    pub(super) fn give_up(&mut self, mid: MidNumber, now_ms: u64) -> u64 {
        let position = self.position(mid);
        let Some(message) = self.messages.get(&mid) else {
            return 0;
        };
        let waiting = message.statuses.iter().filter(|(_, s)| !s.is_final());
        let waiting: Vec<_> = waiting.map(|(name, _)| name.clone()).collect();
        for name in &waiting {
            self.unqueue(name, position);
            self.withdrawn(mid, name, Status::Expired);
            self.tell(mid, name, Became::Expired, now_ms, None);
        }
        self.remind_no_more(mid);
        waiting.len() as u64
    }

    /// Forgets the oldest messages that are done with and past their time.
    pub(super) fn forget(&mut self, now_ms: u64) {
        let ms = |kept: Duration| u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        while let Some(oldest) = self.messages.first_entry() {
            let message = oldest.get();
            let kept_ms = ms(if message.wants.receipts || message.wants.ack.is_some() {
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
