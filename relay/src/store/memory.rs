//! A store in memory: for tests, simulations, and relays that may forget.
//!
//! It lives as long as its `Arc`: a simulated host that crashes and comes back with the same store
//! finds what it had accepted, as after a SIGKILL. Everything is done when the call returns.

mod held;
mod mail;
mod reminders;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::{Mutex, PoisonError},
};

use tidings_protocol::{Group, Name, Ref, Reported, Statuses};

use self::{mail::Mail, reminders::Reminded};
use super::{
    Accept, Accepted, Answer, Batch, Confirmed, Counted, Digest, Expired, Fenced, Identity,
    KeptReceipt, Lease, Load, Nagging, Owner, Position, Pushed, Queued, RELEASED_AT_ONCE,
    Registration, Released, Said, Scheduled, Store, StoreError, Subscription, ToPush, ToRemind,
    Wakeups, Wants, Which, Withdrawn, Word, leases::Leases, news::News, ready,
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
    /// Until when which messages are held.
    held: BTreeSet<(u64, MidNumber)>,
    /// Bytes of what waits, to be confirmed or acknowledged.
    bytes: u64,
    mail: Mail,
    news: News,
}

#[derive(Debug)]
struct Client {
    name: Name,
    group: Group,
    queue: BTreeMap<Position, Waiting>,
    load: Load,
    subscription: Option<Subscription>,
    reminders: BTreeMap<MidNumber, Reminded>,
    seen_ms: Option<u64>,
}

#[derive(Debug)]
struct Waiting {
    message: Queued,
    expires_ms: u64,
    pushed: Pushed,
    /// Under what it may be replaced.
    key: Option<String>,
}

#[derive(Debug)]
struct Stored {
    at_ms: u64,
    statuses: Statuses,
    sender: Option<Name>,
    by: String,
    reference: Option<Ref>,
    wants: Wants,
    reports: HashMap<Name, Reported>,
    /// Where it waits for those who have not confirmed it.
    position: Position,
    /// While it is held: until when.
    due_ms: Option<u64>,
    /// The first acknowledgement, which counts for all, has come.
    taken: bool,
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
                    reminders: BTreeMap::new(),
                    seen_ms: None,
                });
            }
        }
        ready(Ok(()))
    }

    fn accept(&self, accept: Accept) -> Answer<Accepted> {
        let mut state = self.lock();
        let accepted = state.accept(&accept);
        // Under the lock, so that readers hear of messages in the order of their positions, and of what
        // is gone before what took its place.
        state.announce(&self.leases);
        if let Accepted::New(placed) = &accepted {
            for (recipient, placed) in accept.recipients.iter().zip(placed) {
                if let Some(position) = placed.position().filter(|p| !p.is_held()) {
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
            .range((Bound::Excluded(after), Bound::Unbounded))
            .take_while(|(position, _)| !position.is_held())
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
        let confirmed = state.settle(recipient, mid, word, at_ms);
        state.announce(&self.leases);
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
                .range((Bound::Excluded(after), Bound::Unbounded))
                .take_while(|(position, _)| !position.is_held())
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
        let position = state.position(mid);
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
            given_up += state.give_up(mid, now_ms);
        }
        let next = [state.expiries.first(), state.held.first()];
        let next_ms = next.into_iter().flatten().map(|(at, _)| *at).min();
        let due = state.held.iter().take(RELEASED_AT_ONCE);
        let due = due.take_while(|(at, _)| *at <= now_ms).count();
        state.mail.forget(now_ms);
        state.announce(&self.leases);
        drop(state);
        ready(Ok(Expired {
            given_up,
            due,
            next_ms,
        }))
    }

    fn release(&self, now_ms: u64, places: Vec<MidNumber>) -> Answer<Released> {
        let mut state = self.lock();
        let released = state.release(now_ms, &places);
        state.announce(&self.leases);
        ready(Ok(released))
    }

    fn scheduled(&self, of: Owner, after: Option<MidNumber>, limit: usize) -> Answer<Scheduled> {
        ready(Ok(self.lock().scheduled(&of, after, limit)))
    }

    fn cancel(&self, of: Owner, which: Which) -> Answer<Withdrawn> {
        ready(Ok(self.lock().cancel(&of, &which)))
    }

    fn reminders(&self, of: &Name) -> Answer<Vec<Nagging>> {
        ready(Ok(self.lock().reminders(of)))
    }

    fn to_remind(&self, of: &Name, mid: MidNumber) -> Answer<Option<ToRemind>> {
        ready(Ok(self.lock().reminder(of, mid)))
    }

    fn seen(&self) -> Answer<Vec<(Name, u64)>> {
        let state = self.lock();
        let seen = state
            .clients
            .iter()
            .filter_map(|client| Some((client.name.clone(), client.seen_ms?)));
        ready(Ok(seen.collect()))
    }

    fn note_seen(&self, seen: Vec<(Name, u64)>) -> Answer<()> {
        let mut state = self.lock();
        for (name, at_ms) in seen {
            if let Some(client) = state.client(&name) {
                client.seen_ms = Some(at_ms);
            }
        }
        ready(Ok(()))
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
