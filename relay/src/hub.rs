//! The relay as a value: opened on a store, served on any number of listeners, watched.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Config, NamedToken, NoPush, Push, Store, StoreError, Token, directory::GATHER, router::Router,
    store::in_time,
};

/// After this, what could not be let go when it was due is tried again.
const RELEASE_AGAIN: Duration = Duration::from_secs(1);
/// How often is written down when clients were seen last: it is read in minutes.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// A relay. Clones are the same relay; it ends, and lets go of its store, when the last one is dropped
/// and no [`serve`](crate::serve) of it runs any more.
#[derive(Clone)]
pub struct Hub {
    pub(crate) router: Arc<Router>,
    _tasks: Arc<[AbortOnDropHandle<()>; 5]>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("relay", &self.router.relay_id)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// Opens a relay on what the store holds, without Web Push. Needs a tokio runtime with timers.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(config: Config, store: Arc<dyn Store>) -> Result<Self, StoreError> {
        Self::open_with_push(config, store, Arc::new(NoPush)).await
    }

    /// Like [`Self::open`], with a way to push services.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open_with_push(
        config: Config,
        store: Arc<dyn Store>,
        push: Arc<dyn Push>,
    ) -> Result<Self, StoreError> {
        let router = Arc::new(Router::open(config, store, push).await?);
        let due = Arc::clone(&router.receipts_due);
        let receipts = tokio::spawn(keep_receipts(Arc::downgrade(&router), due));
        let sooner = Arc::clone(&router.expiry.sooner);
        let expiry = tokio::spawn(expire(Arc::downgrade(&router), sooner));
        let due = Arc::clone(&router.pushing.due);
        let pushes = tokio::spawn(push_messages(Arc::downgrade(&router), due));
        let directory = {
            let changed = Arc::clone(&router.directory.changed);
            tokio::spawn(publish(Arc::downgrade(&router), changed))
        };
        let seen = {
            let changed = Arc::clone(&router.directory.seen);
            tokio::spawn(keep_seen(Arc::downgrade(&router), changed))
        };
        let tasks = [receipts, expiry, pushes, directory, seen];
        Ok(Self {
            router,
            _tasks: Arc::new(tasks.map(AbortOnDropHandle::new)),
        })
    }

    /// Follows the number of connected clients.
    #[must_use]
    pub fn connected(&self) -> watch::Receiver<usize> {
        self.router.seats.connected()
    }

    /// From here on these tokens count, and no others: connections that came by one that is gone are
    /// closed, and tickets given out by it are void.
    pub fn replace_tokens(&self, shared: Option<&Token>, named: &[NamedToken]) {
        self.router.gate.replace(shared, named);
    }

    /// The relay's stable id, the same after a restart on the same store.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.router.relay_id
    }
}

/// Answers senders whose wait is over. Holds the relay only while it looks, so that the store is free
/// as soon as the relay is dropped.
async fn keep_receipts(router: Weak<Router>, due: Arc<Notify>) {
    while let Some(next) = router.upgrade().map(|router| router.answer_late()) {
        match next {
            None => due.notified().await,
            Some(at) => tokio::select! {
                biased;
                () = tokio::time::sleep_until(at) => {}
                () = due.notified() => {}
            },
        }
    }
}

/// Gives up messages whose time is over, and lets go those that were held. Like [`keep_receipts`], it holds
/// the relay only while it asks.
async fn expire(router: Weak<Router>, sooner: Arc<Notify>) {
    while let Some(asked) = router.upgrade().map(|router| router.expire()) {
        let expired = in_time(asked).await;
        let due = expired.as_ref().map_or(0, |expired| expired.due);
        let Some(mut pause) = router.upgrade().map(|router| router.expired(expired)) else {
            return;
        };
        if due > 0 {
            let Some(asked) = router.upgrade().map(|router| router.release(due)) else {
                return;
            };
            let released = in_time(asked).await;
            match router.upgrade().map(|router| router.released(released)) {
                // There may be more.
                Some(true) => continue,
                Some(false) => pause = RELEASE_AGAIN,
                None => return,
            }
        }
        tokio::select! {
            biased;
            () = sooner.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Writes down when clients were seen last, some time after that changed. It is aborted with the hub; what a
/// server in its order has to say last is said by [`serve`](crate::serve).
async fn keep_seen(router: Weak<Router>, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        tokio::time::sleep(SEEN_EVERY).await;
        match router.upgrade() {
            Some(router) => router.keep_seen().await,
            None => return,
        }
    }
}

/// Tells those who follow the directory of changes, some time after the first. Holds the relay only while
/// it tells; it is aborted with the hub.
async fn publish(router: Weak<Router>, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        tokio::time::sleep(GATHER).await;
        match router.upgrade() {
            Some(router) => router.directory.publish(),
            None => return,
        }
    }
}

/// Pushes messages. The work under way is bounded by the plan, and ends with the task; it holds the way
/// to push services, but not the relay.
async fn push_messages(router: Weak<Router>, due: Arc<Notify>) {
    let mut work = JoinSet::new();
    while let Some(next) = router.upgrade().map(|router| router.push(&mut work)) {
        let timeout = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // In a fixed order, so that a simulated run can be repeated.
        tokio::select! {
            biased;
            Some(done) = work.join_next(), if !work.is_empty() => {
                if let (Some(router), Ok(done)) = (router.upgrade(), done) {
                    router.push_done(done);
                }
            }
            () = due.notified() => {}
            () = timeout => {}
        }
    }
}
