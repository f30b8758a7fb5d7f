//! The relay's disk with a point of commit: what waits for it is lost in a crash, what has passed it
//! is kept, and nobody is told of either before it has passed.
//!
//! The store in memory is what the disk holds. Work is queued, done as a group after a pause, and
//! answered after another one, as the SQLite store does in one transaction. The process may end in
//! each of the pauses. A disk that is full refuses what is to be written. What the relay says of the time is
//! not believed: the watch hears what the clock on the wall says.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tidings_protocol::{Name, Ref, Statuses};
use tidings_relay::store::{
    Accept, Accepted, Answer, Batch, Confirmed, Counted, Expired, Fenced, Identity, KeptReceipt,
    Lease, Load, Nagging, Owner, Position, Pushed, Registration, Released, Said, Scheduled,
    Subscription, ToPush, ToRemind, Wakeups, Which, Withdrawn, Word,
};
use tidings_relay::{MemoryStore, MidNumber, Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::watch::{SharedWatch, Watch};

/// Pieces of work in one commit. No run has as many at once.
const BATCH: usize = 1024;

/// What survives the relay.
#[derive(Debug, Clone, Default)]
pub(crate) struct RelayDisk {
    pub(crate) kept: Arc<MemoryStore>,
    pub(crate) is_full: Arc<AtomicBool>,
    /// What was sent under a `ref`: found without writing anything, on a full disk too.
    known: Arc<Mutex<BTreeSet<Key>>>,
}

/// A sender's `ref`.
type Key = (Option<Name>, Ref);

/// Does a piece of work on the disk; what it gives back tells whoever asked.
type Work = Box<dyn FnOnce() -> Told + Send>;
type Told = Box<dyn FnOnce() + Send>;

/// One life of the store.
pub(crate) struct Journal {
    disk: RelayDisk,
    watch: SharedWatch,
    /// The relay's clock: milliseconds since 1970.
    wall: Arc<AtomicU64>,
    work: mpsc::Sender<Work>,
}

/// Commits what is queued in a journal, until that is gone.
pub(crate) struct Writer {
    work: mpsc::Receiver<Work>,
    rng: fastrand::Rng,
    /// The longest pause before and after a commit.
    longest: Duration,
}

/// A journal and its writer, which is to be run.
pub(crate) fn open(
    disk: RelayDisk,
    watch: SharedWatch,
    wall: Arc<AtomicU64>,
    rng: fastrand::Rng,
    longest: Duration,
) -> (Journal, Writer) {
    let (sender, receiver) = mpsc::channel(BATCH);
    let journal = Journal {
        disk,
        watch,
        wall,
        work: sender,
    };
    let writer = Writer {
        work: receiver,
        rng,
        longest,
    };
    (journal, writer)
}

impl Writer {
    pub(crate) async fn run(mut self) {
        let mut work = Vec::new();
        while self.work.recv_many(&mut work, BATCH).await > 0 {
            self.pause().await;
            let told: Vec<Told> = work.drain(..).map(|work| work()).collect();
            self.pause().await;
            told.into_iter().for_each(|tell| tell());
        }
    }

    /// None mostly: what matters is that some are long.
    async fn pause(&mut self) {
        if self.rng.u8(0..4) == 0 {
            sleep(self.longest.mul_f64(self.rng.f64())).await;
        }
    }
}

impl RelayDisk {
    fn write<T>(&self, work: impl FnOnce(&MemoryStore) -> Answer<T>) -> Result<T, StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::DiskFull);
        }
        at_once(work(&self.kept))
    }

    fn accept(&self, accept: &Accept) -> Result<Accepted, StoreError> {
        let key = accept.reference.as_ref();
        let key = key.map(|(reference, _)| (accept.sender.clone(), reference.clone()));
        let mut known = self.known.lock().unwrap();
        if key.as_ref().is_some_and(|key| known.contains(key)) {
            return at_once(self.kept.accept(accept.clone()));
        }
        let accepted = self.write(|store| store.accept(accept.clone()))?;
        known.extend(key);
        Ok(accepted)
    }
}

impl Journal {
    fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&RelayDisk, &mut Watch) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let (answer, answered) = oneshot::channel();
        let (disk, watch) = (self.disk.clone(), Arc::clone(&self.watch));
        let work = Box::new(move || -> Told {
            let done = work(&disk, &mut watch.lock().unwrap());
            Box::new(move || drop(answer.send(done)))
        });
        // Full or closed: as where the process ends before it is done.
        drop(self.work.try_send(work));
        Box::pin(async move { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

/// The store in memory has done everything when its calls return.
pub(crate) fn at_once<T>(answer: Answer<T>) -> Result<T, StoreError> {
    answer.now_or_never().expect("an answer that is ready")
}

/// The message that waits at this place.
fn mid_at(store: &MemoryStore, lease: &Lease, at: Position) -> Option<MidNumber> {
    let before = Position::new(at.number() - 1);
    let batch = at_once(store.read(lease, before, 1)).ok()?.ok()?;
    let found = batch.messages.into_iter().find(|m| m.position == at);
    found.map(|message| message.mid)
}

/// What became of a message for somebody, as the disk says.
pub(crate) fn status(
    store: &MemoryStore,
    mid: MidNumber,
    name: &Name,
) -> Option<tidings_protocol::Status> {
    let statuses = at_once(store.status(mid)).ok()??;
    let mut statuses = statuses.into_iter();
    Some(statuses.find(|(n, _)| n == name)?.1)
}

impl Store for Journal {
    fn identity(&self) -> Answer<Identity> {
        self.queue(|disk, _| at_once(disk.kept.identity()))
    }

    fn registrations(&self) -> Answer<Vec<Registration>> {
        self.queue(|disk, _| at_once(disk.kept.registrations()))
    }

    fn register(&self, registration: Registration) -> Answer<()> {
        self.queue(|disk, _| disk.write(|store| store.register(registration)))
    }

    fn accept(&self, accept: Accept) -> Answer<Accepted> {
        self.queue(move |disk, watch| {
            let accepted = disk.accept(&accept);
            match &accepted {
                Ok(accepted) => watch.accepted(&accept, accepted),
                Err(_) => watch.turned_away(&accept),
            }
            watch.made_way(|mid, name| status(&disk.kept, mid, name));
            accepted
        })
    }

    fn attach(&self, recipient: &Name) -> Answer<(Lease, Wakeups)> {
        self.disk.kept.attach(recipient)
    }

    fn detach(&self, lease: &Lease) {
        self.disk.kept.detach(lease);
    }

    fn read(&self, lease: &Lease, after: Position, limit: usize) -> Answer<Result<Batch, Fenced>> {
        let lease = lease.clone();
        self.queue(move |disk, _| at_once(disk.kept.read(&lease, after, limit)))
    }

    fn confirm(
        &self,
        lease: &Lease,
        positions: Vec<Position>,
        at_ms: u64,
    ) -> Answer<Result<Vec<Confirmed>, Fenced>> {
        let lease = lease.clone();
        self.queue(move |disk, watch| {
            let mids = positions.iter().map(|at| mid_at(&disk.kept, &lease, *at));
            let mids: Vec<_> = mids.collect();
            let confirmed = disk.write(|store| store.confirm(&lease, positions, at_ms))?;
            let each = mids.into_iter().zip(confirmed.iter().flatten());
            for (mid, _) in each.filter(|(_, c)| **c == Confirmed::Done) {
                watch.confirmed(lease.recipient(), mid.expect("what is confirmed was there"));
            }
            Ok(confirmed)
        })
    }

    fn settle(
        &self,
        recipient: &Name,
        mid: MidNumber,
        word: Word,
        at_ms: u64,
    ) -> Answer<Confirmed> {
        let recipient = recipient.clone();
        self.queue(move |disk, watch| {
            let confirmed = disk.write(|store| store.settle(&recipient, mid, word, at_ms))?;
            if confirmed == Confirmed::Done {
                watch.confirmed(&recipient, mid);
            }
            Ok(confirmed)
        })
    }

    fn expire(&self, now_ms: u64) -> Answer<Expired> {
        let wall_ms = self.wall.load(Ordering::SeqCst);
        self.queue(move |disk, watch| {
            let expired = disk.write(|store| store.expire(now_ms))?;
            watch.expired(wall_ms, |mid, name| status(&disk.kept, mid, name));
            Ok(expired)
        })
    }

    fn report(&self, recipient: &Name, mid: MidNumber, said: Said) -> Answer<Option<Counted>> {
        let recipient = recipient.clone();
        self.queue(move |disk, watch| {
            let state = said.state;
            let counted = disk.write(|store| store.report(&recipient, mid, said))?;
            if let Some(counted) = counted {
                if counted.confirmed {
                    watch.confirmed(&recipient, mid);
                }
                if counted.is_news {
                    watch.reported(&recipient, mid, state);
                }
            }
            Ok(counted)
        })
    }

    fn receipts(&self, of: &Name, after: Position, limit: usize) -> Answer<Vec<KeptReceipt>> {
        let of = of.clone();
        self.queue(move |disk, _| at_once(disk.kept.receipts(&of, after, limit)))
    }

    fn take_receipts(&self, of: &Name, positions: Vec<Position>) -> Answer<()> {
        let of = of.clone();
        self.queue(move |disk, _| disk.write(|store| store.take_receipts(&of, positions)))
    }

    fn release(&self, now_ms: u64, places: Vec<MidNumber>) -> Answer<Released> {
        let wall_ms = self.wall.load(Ordering::SeqCst);
        self.queue(move |disk, watch| {
            let released = disk.write(|store| store.release(now_ms, places))?;
            watch.released(wall_ms, &released);
            watch.made_way(|mid, name| status(&disk.kept, mid, name));
            Ok(released)
        })
    }

    fn scheduled(&self, of: Owner, after: Option<MidNumber>, limit: usize) -> Answer<Scheduled> {
        self.queue(move |disk, _| at_once(disk.kept.scheduled(of, after, limit)))
    }

    fn cancel(&self, of: Owner, which: Which) -> Answer<Withdrawn> {
        self.queue(move |disk, watch| {
            let withdrawn = disk.write(|store| store.cancel(of, which))?;
            if let Some((mid, _)) = withdrawn.message.as_ref().filter(|_| withdrawn.cancelled) {
                watch.taken_back(*mid, |name| status(&disk.kept, *mid, name));
            }
            Ok(withdrawn)
        })
    }

    fn reminders(&self, of: &Name) -> Answer<Vec<Nagging>> {
        let of = of.clone();
        self.queue(move |disk, _| at_once(disk.kept.reminders(&of)))
    }

    fn to_remind(&self, of: &Name, mid: MidNumber) -> Answer<Option<ToRemind>> {
        let of = of.clone();
        self.queue(move |disk, _| at_once(disk.kept.to_remind(&of, mid)))
    }

    fn seen(&self) -> Answer<Vec<(Name, u64)>> {
        self.queue(|disk, _| at_once(disk.kept.seen()))
    }

    fn note_seen(&self, seen: Vec<(Name, u64)>) -> Answer<()> {
        self.queue(move |disk, _| disk.write(|store| store.note_seen(seen)))
    }

    fn load(&self) -> Answer<Load> {
        self.queue(|disk, _| at_once(disk.kept.load()))
    }

    fn status(&self, mid: MidNumber) -> Answer<Option<Statuses>> {
        self.queue(move |disk, _| at_once(disk.kept.status(mid)))
    }

    // Nobody subscribes to pushes here.

    fn subscribe(&self, recipient: &Name, subscription: Subscription) -> Answer<bool> {
        self.disk.kept.subscribe(recipient, subscription)
    }

    fn unsubscribe(&self, recipient: &Name, endpoint: &str) -> Answer<()> {
        self.disk.kept.unsubscribe(recipient, endpoint)
    }

    fn subscribers(&self) -> Answer<Vec<Name>> {
        self.disk.kept.subscribers()
    }

    fn to_push(&self, recipient: &Name, after: Position) -> Answer<Option<ToPush>> {
        self.disk.kept.to_push(recipient, after)
    }

    fn note_push(&self, recipient: &Name, mid: MidNumber, pushed: Pushed) -> Answer<bool> {
        self.disk.kept.note_push(recipient, mid, pushed)
    }
}
