//! One life of the relay: the real one, on a simulated port, disk and wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidings_relay::{Clock, Config, Hub, serve};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::journal::{self, RelayDisk};
use crate::line::PORT;
use crate::plan::Plan;
use crate::tap::Port;
use crate::watch::SharedWatch;

/// The relay's host and what is the same in all its lives.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) plan: Plan,
    pub(crate) disk: RelayDisk,
    /// Milliseconds since 1970.
    pub(crate) wall: Arc<AtomicU64>,
    pub(crate) watch: SharedWatch,
    pub(crate) seed: u64,
}

impl Relay {
    /// Until it is told to stop, or is dropped.
    pub(crate) async fn live(self, stop: CancellationToken) -> turmoil::Result {
        self.watch.lock().unwrap().restarted();
        let now = turmoil::sim_elapsed().unwrap_or_default();
        let seed = self.seed ^ u64::try_from(now.as_millis())?;
        let rng = fastrand::Rng::with_seed(seed);
        let watch = Arc::clone(&self.watch);
        let wall = Arc::clone(&self.wall);
        let (journal, writer) = journal::open(self.disk, watch, wall, rng, self.plan.commit);
        let mut writing = JoinSet::new();
        writing.spawn(writer.run());
        let wall = self.wall;
        let config = Config {
            clock: Clock::new(move || wall.load(Ordering::SeqCst)),
            timing: self.plan.timing,
            bounds: self.plan.bounds,
            ..Config::default()
        };
        let hub = Hub::open(config, Arc::new(journal)).await?;
        let listener = turmoil::net::TcpListener::bind(("0.0.0.0", PORT)).await?;
        let watch = self.watch;
        serve(hub, Port { listener, watch }, stop).await;
        Ok(())
    }
}
