//! The relay as a value: opened on a store, served on any number of listeners, watched.

use std::sync::{Arc, Weak};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Config, NamedToken, NoPush, Push, Store, StoreError, Token, directory::GATHER, router::Router,
    store::in_time,
};

/// A relay. Clones are the same relay; it ends, and lets go of its store, when the last one is dropped
/// and no [`serve`](crate::serve) of it runs any more.
#[derive(Clone)]
pub struct Hub {
    pub(crate) router: Arc<Router>,
    _tasks: Arc<[AbortOnDropHandle<()>; 4]>,
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
        Ok(Self {
            router,
            _tasks: Arc::new([receipts, expiry, pushes, directory].map(AbortOnDropHandle::new)),
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

/// Gives up messages whose time is over. Like [`keep_receipts`], it holds the relay only while it asks.
async fn expire(router: Weak<Router>, sooner: Arc<Notify>) {
    while let Some(asked) = router.upgrade().map(|router| router.expire()) {
        let expired = in_time(asked).await;
        let Some(pause) = router.upgrade().map(|router| router.expired(expired)) else {
            return;
        };
        tokio::select! {
            biased;
            () = sooner.notified() => {}
            () = tokio::time::sleep(pause) => {}
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
