//! A store in memory: for tests, simulations, and relays that may forget.
//!
//! It lives as long as its `Arc`: a simulated host that crashes and comes back with the same store
//! finds what it had accepted, as after a SIGKILL. Everything is done when the call returns.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use tidings_protocol::{Group, Name, Ref, Status, Statuses};

use super::{
    Accept, Accepted, Answer, Batch, Confirmed, Digest, Expired, Fenced, Identity, KEPT, Lease,
    Load, Placed, Position, Pushed, Queued, Registration, Store, StoreError, Subscription, ToPush,
    Wakeups, Word, leases::Leases, ready,
};
use crate::mint::MidNumber;

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    leases: Leases,
}

#[derive(Debug, Default)]
struct State {
    identity: Option<Identity>,
    names: HashMap<Name, usize>,
    clients: Vec<Client>,
    messages: BTreeMap<MidNumber, Stored>,
    references: HashMap<(Option<Name>, Ref), (Digest, MidNumber)>,
    /// When which message is given up. Those that were confirmed meanwhile are passed over.
    expiries: BTreeSet<(u64, MidNumber)>,
    /// Bytes waiting in all queues.
    bytes: u64,
}

#[derive(Debug)]
struct Client {
    name: Name,
    group: Group,
    queue: BTreeMap<Position, Waiting>,
    load: Load,
    subscription: Option<Subscription>,
}

#[derive(Debug)]
struct Waiting {
    message: Queued,
    expires_ms: u64,
    pushed: Pushed,
}

#[derive(Debug)]
struct Stored {
    at_ms: u64,
    statuses: Statuses,
    reference: Option<(Option<Name>, Ref)>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A panic under this lock would be a bug of this file; going on beats losing all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> Answer<Identity> {
        let mut state = self.lock();
        if state.identity.is_none() {
            match Identity::generate() {
                Ok(identity) => state.identity = Some(identity),
                Err(error) => return ready(Err(StoreError::Engine(error.to_string()))),
            }
        }
        ready(state.identity.clone().ok_or(StoreError::Closed))
    }

    fn registrations(&self) -> Answer<Vec<Registration>> {
        let clients = self.lock();
        ready(Ok(clients
            .clients
            .iter()
            .map(|client| Registration {
                name: client.name.clone(),
                group: client.group.clone(),
            })
            .collect()))
    }

    fn register(&self, registration: Registration) -> Answer<()> {
        let mut state = self.lock();
        match state.client(&registration.name) {
            Some(client) => client.group = registration.group,
            None => {
                let index = state.clients.len();
                state.names.insert(registration.name.clone(), index);
                state.clients.push(Client {
                    name: registration.name,
                    group: registration.group,
                    queue: BTreeMap::new(),
                    load: Load::default(),
                    subscription: None,
                });
            }
        }
        ready(Ok(()))
    }

    fn accept(&self, accept: Accept) -> Answer<Accepted> {
        let mut state = self.lock();
        let accepted = state.accept(&accept);
        // Under the lock, so that readers hear of messages in the order of their positions.
        if let Accepted::New(placed) = &accepted {
            for (recipient, placed) in accept.recipients.iter().zip(placed) {
                if let Placed::Queued(position) = *placed {
                    self.leases
                        .announce(recipient, || queued(&accept, position));
                }
            }
        }
        drop(state);
        ready(Ok(accepted))
    }

    fn attach(&self, recipient: &Name) -> Answer<(Lease, Wakeups)> {
        ready(Ok(self.leases.attach(recipient)))
    }

    fn detach(&self, lease: &Lease) {
        self.leases.detach(lease);
    }

    fn read(&self, lease: &Lease, after: Position, limit: usize) -> Answer<Result<Batch, Fenced>> {
        let mut state = self.lock();
        if !self.leases.is_alive(lease) {
            return ready(Ok(Err(Fenced)));
        }
        let Some(client) = state.client(lease.recipient()) else {
            return ready(Ok(Ok(Batch {
                messages: Vec::new(),
                end: true,
            })));
        };
        let mut rest = client
            .queue
            .range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded))
            .map(|(_, waiting)| waiting.message.clone());
        let messages: Vec<_> = rest.by_ref().take(limit).collect();
        let end = rest.next().is_none();
        ready(Ok(Ok(Batch { messages, end })))
    }

    fn confirm(
        &self,
        lease: &Lease,
        positions: Vec<Position>,
    ) -> Answer<Result<Vec<Confirmed>, Fenced>> {
        let mut state = self.lock();
        if !self.leases.is_alive(lease) {
            return ready(Ok(Err(Fenced)));
        }
        let confirmed = positions
            .into_iter()
            .map(|position| state.confirm(lease.recipient(), position, Word::Message))
            .collect();
        ready(Ok(Ok(confirmed)))
    }

    fn settle(&self, recipient: &Name, mid: MidNumber, word: Word) -> Answer<Confirmed> {
        let mut state = self.lock();
        let position = Position::new(mid.number());
        let confirmed = state.confirm(recipient, position, word);
        if confirmed == Confirmed::Done {
            self.leases.announce_expired(recipient, position);
        }
        ready(Ok(confirmed))
    }

    fn subscribe(&self, recipient: &Name, subscription: Subscription) -> Answer<bool> {
        let mut state = self.lock();
        let client = state.client(recipient);
        ready(Ok(client.is_some_and(|client| {
            client.subscription = Some(subscription);
            true
        })))
    }

    fn unsubscribe(&self, recipient: &Name, endpoint: &str) -> Answer<()> {
        if let Some(client) = self.lock().client(recipient) {
            client.subscription.take_if(|s| s.endpoint == endpoint);
        }
        ready(Ok(()))
    }

    fn subscribers(&self) -> Answer<Vec<Name>> {
        let state = self.lock();
        let clients = state.clients.iter();
        let subscribed = clients.filter(|client| client.subscription.is_some());
        ready(Ok(subscribed.map(|client| client.name.clone()).collect()))
    }

    fn to_push(&self, recipient: &Name, after: Position) -> Answer<Option<ToPush>> {
        let mut state = self.lock();
        let next = state.client(recipient).and_then(|client| {
            let subscription = client.subscription.clone()?;
            let (position, waiting) = client
                .queue
                .range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded))
                .find(|(_, waiting)| waiting.pushed != Pushed::Taken)?;
            Some(ToPush {
                subscription,
                position: *position,
                mid: waiting.message.mid,
                frame: waiting.message.frame.clone(),
                expires_ms: waiting.expires_ms,
            })
        });
        ready(Ok(next))
    }

    fn note_push(&self, recipient: &Name, mid: MidNumber, pushed: Pushed) -> Answer<bool> {
        let mut state = self.lock();
        let position = Position::new(mid.number());
        let waiting = state
            .client(recipient)
            .and_then(|client| client.queue.get_mut(&position));
        let Some(waiting) = waiting else {
            return ready(Ok(false));
        };
        waiting.pushed = pushed;
        state.note(mid, recipient, pushed.status());
        ready(Ok(true))
    }

    fn expire(&self, now_ms: u64) -> Answer<Expired> {
        let mut state = self.lock();
        let mut given_up = 0;
        while let Some(&(at, mid)) = state.expiries.first()
            && at <= now_ms
        {
            state.expiries.pop_first();
            for recipient in state.give_up(mid) {
                given_up += 1;
                let position = Position::new(mid.number());
                self.leases.announce_expired(&recipient, position);
            }
        }
        let next_ms = state.expiries.first().map(|(at, _)| *at);
        drop(state);
        ready(Ok(Expired { given_up, next_ms }))
    }

    fn load(&self) -> Answer<Load> {
        let state = self.lock();
        ready(Ok(Load::sum(
            state.clients.iter().map(|client| client.load),
        )))
    }

    fn status(&self, mid: MidNumber) -> Answer<Option<Statuses>> {
        let state = self.lock();
        ready(Ok(state.messages.get(&mid).map(|m| m.statuses.clone())))
    }
}

impl State {
    fn client(&mut self, name: &Name) -> Option<&mut Client> {
        let index = *self.names.get(name)?;
        self.clients.get_mut(index)
    }

    fn accept(&mut self, accept: &Accept) -> Accepted {
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
        let reference = accept
            .reference
            .as_ref()
            .map(|(reference, _)| (accept.sender.clone(), reference.clone()));
        self.messages.insert(
            accept.mid,
            Stored {
                at_ms: accept.at_ms,
                statuses,
                reference,
            },
        );
        Accepted::New(placed)
    }

    fn place(&mut self, recipient: &Name, accept: &Accept) -> Placed {
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

    fn confirm(&mut self, recipient: &Name, position: Position, word: Word) -> Confirmed {
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
        Confirmed::Done
    }

    fn note(&mut self, mid: MidNumber, recipient: &Name, status: Status) {
        if let Some(message) = self.messages.get_mut(&mid)
            && let Some((_, noted)) = message.statuses.iter_mut().find(|(n, _)| n == recipient)
        {
            *noted = status;
        }
    }

    /// Takes a message from all who have not confirmed it, and says who they were.
    fn give_up(&mut self, mid: MidNumber) -> Vec<Name> {
        let Some(message) = self.messages.get_mut(&mid) else {
            return Vec::new();
        };
        let mut waiting = Vec::new();
        for (name, status) in &mut message.statuses {
            if !status.is_final() {
                *status = Status::No;
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
        }
        waiting
    }

    /// Forgets the oldest messages that are done with and past their time.
    fn forget(&mut self, now_ms: u64) {
        let kept_ms = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        while let Some(oldest) = self.messages.first_entry() {
            let message = oldest.get();
            let waiting = message.statuses.iter().any(|(_, s)| !s.is_final());
            if waiting || now_ms.saturating_sub(message.at_ms) <= kept_ms {
                return;
            }
            if let Some(key) = oldest.remove().reference {
                self.references.remove(&key);
            }
        }
    }
}

fn queued(accept: &Accept, position: Position) -> Queued {
    Queued {
        position,
        mid: accept.mid,
        frame: accept.frame.clone(),
        reference: accept.reference.as_ref().map(|(r, _)| r.clone()),
    }
}
