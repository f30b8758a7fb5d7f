//! A store in memory: for tests, simulations, and relays that may forget.
//!
//! It lives as long as its `Arc`: a simulated host that crashes and comes back with the same store
//! finds what it had accepted, as after a SIGKILL. Everything is done when the call returns.

mod mail;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use tidings_protocol::{Group, Name, Ref, Reported, Statuses};

use self::mail::Mail;
use super::{
    Accept, Accepted, Answer, Batch, Confirmed, Counted, Digest, Expired, Fenced, Identity,
    KeptReceipt, Lease, Load, Placed, Position, Pushed, Queued, Registration, Said, Store,
    StoreError, Subscription, ToPush, Wakeups, Wants, Word, leases::Leases, ready,
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
    mail: Mail,
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
    sender: Option<Name>,
    reference: Option<Ref>,
    wants: Wants,
    reports: HashMap<Name, Reported>,
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
        at_ms: u64,
    ) -> Answer<Result<Vec<Confirmed>, Fenced>> {
        let mut state = self.lock();
        if !self.leases.is_alive(lease) {
            return ready(Ok(Err(Fenced)));
        }
        let confirmed = positions
            .into_iter()
            .map(|position| state.confirm(lease.recipient(), position, Word::Message, at_ms))
            .collect();
        state.announce(&self.leases);
        ready(Ok(Ok(confirmed)))
    }

    fn settle(
        &self,
        recipient: &Name,
        mid: MidNumber,
        word: Word,
        at_ms: u64,
    ) -> Answer<Confirmed> {
        let mut state = self.lock();
        let position = Position::new(mid.number());
        let confirmed = state.confirm(recipient, position, word, at_ms);
        state.announce(&self.leases);
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
            for recipient in state.give_up(mid, now_ms) {
                given_up += 1;
                let position = Position::new(mid.number());
                self.leases.announce_expired(&recipient, position);
            }
        }
        let next_ms = state.expiries.first().map(|(at, _)| *at);
        state.mail.forget(now_ms);
        state.announce(&self.leases);
        drop(state);
        ready(Ok(Expired { given_up, next_ms }))
    }

    fn load(&self) -> Answer<Load> {
        let state = self.lock();
        ready(Ok(Load::sum(
            state.clients.iter().map(|client| client.load),
        )))
    }

    fn report(&self, recipient: &Name, mid: MidNumber, said: Said) -> Answer<Option<Counted>> {
        let mut state = self.lock();
        let counted = state.report(recipient, mid, said);
        if counted.is_some_and(|counted| counted.confirmed) {
            let position = Position::new(mid.number());
            self.leases.announce_expired(recipient, position);
        }
        state.announce(&self.leases);
        ready(Ok(counted))
    }

    fn receipts(&self, of: &Name, after: Position, limit: usize) -> Answer<Vec<KeptReceipt>> {
        ready(Ok(self.lock().mail.read(of, after, limit)))
    }

    fn take_receipts(&self, of: &Name, positions: Vec<Position>) -> Answer<()> {
        self.lock().mail.take(of, &positions);
        ready(Ok(()))
    }

    fn status(&self, mid: MidNumber) -> Answer<Option<Statuses>> {
        let state = self.lock();
        ready(Ok(state.messages.get(&mid).map(|m| m.statuses.clone())))
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
