//! The relay as a value: opened on a store, served on any number of listeners, watched.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{Config, Store, StoreError, router::Router};

/// A relay. Clones are the same relay; it ends when the last one is dropped.
#[derive(Clone)]
pub struct Hub {
    pub(crate) router: Arc<Router>,
    _receipts: Arc<AbortOnDropHandle<()>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("relay", &self.router.relay_id)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// Opens a relay on what the store holds. Needs a tokio runtime with timers.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(config: Config, store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let router = Arc::new(Router::open(config, store).await?);
        let receipts = tokio::spawn({
            let router = Arc::clone(&router);
            async move { router.keep_receipts().await }
        });
        Ok(Self {
            router,
            _receipts: Arc::new(AbortOnDropHandle::new(receipts)),
        })
    }

    /// Follows the number of connected clients.
    #[must_use]
    pub fn connected(&self) -> watch::Receiver<usize> {
        self.router.seats.connected()
    }

    /// The relay's stable id, the same after a restart on the same store.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.router.relay_id
    }
}
