//! A store in memory that answers when the test says so: what a busy disk does, without the luck.

use std::sync::Mutex;

use tidings_protocol::{Name, Statuses};
use tidings_relay::{
    MemoryStore, MidNumber, Store,
    store::{
        Accept, Accepted, Answer, Batch, Confirmed, Counted, Expired, Fenced, Identity,
        KeptReceipt, Lease, Load, Nagging, Owner, Position, Pushed, Registration, Released, Said,
        Scheduled, Subscription, ToPush, ToRemind, Wakeups, Which, Withdrawn, Word,
    },
};
use tokio::sync::{oneshot, watch};

use crate::support::within;

/// A store whose work is done when it is asked for, and whose answers to some kinds of it wait.
pub(crate) struct SlowStore {
    inner: MemoryStore,
    pub(crate) registering: Held,
    pub(crate) accepting: Held,
    pub(crate) confirming: Held,
}

/// Answers of one kind that wait.
pub(crate) struct Held {
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    count: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Held {
    fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            count: watch::Sender::new(0),
            open: watch::Sender::new(true),
        }
    }

    /// From here on answers wait.
    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    /// Lets all go, and those to come.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
        self.waiting.lock().unwrap().clear();
    }

    /// Waits until this many answers are held.
    pub(crate) async fn until(&self, count: usize) {
        let mut held = self.count.subscribe();
        within(held.wait_for(|held| *held >= count)).await.unwrap();
    }

    /// How many were ever held.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Lets one go, the newest.
    pub(crate) fn let_newest_go(&self) {
        self.waiting.lock().unwrap().pop();
    }

    fn hold<T: Send + 'static>(&self, answer: Answer<T>) -> Answer<T> {
        if *self.open.borrow() {
            return answer;
        }
        let (held, gone) = oneshot::channel();
        self.waiting.lock().unwrap().push(held);
        self.count.send_modify(|count| *count += 1);
        Box::pin(async move {
            // Dropping the other end lets it go.
            let _ = gone.await;
            answer.await
        })
    }
}

impl SlowStore {
    /// One that holds nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            registering: Held::new(),
            accepting: Held::new(),
            confirming: Held::new(),
        }
    }
}

impl Store for SlowStore {
    fn identity(&self) -> Answer<Identity> {
        self.inner.identity()
    }

    fn registrations(&self) -> Answer<Vec<Registration>> {
        self.inner.registrations()
    }

    fn register(&self, registration: Registration) -> Answer<()> {
        self.registering.hold(self.inner.register(registration))
    }

    fn accept(&self, accept: Accept) -> Answer<Accepted> {
        self.accepting.hold(self.inner.accept(accept))
    }

    fn attach(&self, recipient: &Name) -> Answer<(Lease, Wakeups)> {
        self.inner.attach(recipient)
    }

    fn detach(&self, lease: &Lease) {
        self.inner.detach(lease);
    }

    fn read(&self, lease: &Lease, after: Position, limit: usize) -> Answer<Result<Batch, Fenced>> {
        self.inner.read(lease, after, limit)
    }

    fn confirm(
        &self,
        lease: &Lease,
        positions: Vec<Position>,
        at_ms: u64,
    ) -> Answer<Result<Vec<Confirmed>, Fenced>> {
        self.confirming
            .hold(self.inner.confirm(lease, positions, at_ms))
    }

    fn settle(
        &self,
        recipient: &Name,
        mid: MidNumber,
        word: Word,
        at_ms: u64,
    ) -> Answer<Confirmed> {
        self.inner.settle(recipient, mid, word, at_ms)
    }

    fn report(&self, recipient: &Name, mid: MidNumber, said: Said) -> Answer<Option<Counted>> {
        self.inner.report(recipient, mid, said)
    }

    fn receipts(&self, of: &Name, after: Position, limit: usize) -> Answer<Vec<KeptReceipt>> {
        self.inner.receipts(of, after, limit)
    }

    fn take_receipts(&self, of: &Name, positions: Vec<Position>) -> Answer<()> {
        self.inner.take_receipts(of, positions)
    }

    fn subscribe(&self, recipient: &Name, subscription: Subscription) -> Answer<bool> {
        self.inner.subscribe(recipient, subscription)
    }

    fn unsubscribe(&self, recipient: &Name, endpoint: &str) -> Answer<()> {
        self.inner.unsubscribe(recipient, endpoint)
    }

    fn subscribers(&self) -> Answer<Vec<Name>> {
        self.inner.subscribers()
    }

    fn to_push(&self, recipient: &Name, after: Position) -> Answer<Option<ToPush>> {
        self.inner.to_push(recipient, after)
    }

    fn note_push(&self, recipient: &Name, mid: MidNumber, pushed: Pushed) -> Answer<bool> {
        self.inner.note_push(recipient, mid, pushed)
    }

    fn expire(&self, now_ms: u64) -> Answer<Expired> {
        self.inner.expire(now_ms)
    }

    fn release(&self, now_ms: u64, places: Vec<MidNumber>) -> Answer<Released> {
        self.inner.release(now_ms, places)
    }

    fn scheduled(&self, of: Owner, after: Option<MidNumber>, limit: usize) -> Answer<Scheduled> {
        self.inner.scheduled(of, after, limit)
    }

    fn cancel(&self, of: Owner, which: Which) -> Answer<Withdrawn> {
        self.inner.cancel(of, which)
    }

    fn reminders(&self, of: &Name) -> Answer<Vec<Nagging>> {
        self.inner.reminders(of)
    }

    fn to_remind(&self, of: &Name, mid: MidNumber) -> Answer<Option<ToRemind>> {
        self.inner.to_remind(of, mid)
    }

    fn seen(&self) -> Answer<Vec<(Name, u64)>> {
        self.inner.seen()
    }

    fn note_seen(&self, seen: Vec<(Name, u64)>) -> Answer<()> {
        self.inner.note_seen(seen)
    }

    fn load(&self) -> Answer<Load> {
        self.inner.load()
    }

    fn status(&self, mid: MidNumber) -> Answer<Option<Statuses>> {
        self.inner.status(mid)
    }
}
