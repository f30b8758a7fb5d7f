//! Keeping when clients were seen last, so that a restart does not forget it.
//!
//! What changed is written some time after it did, each client once: a crash costs the last of it, and a
//! thousand clients that come and go cost one write a minute.

use super::Router;
use crate::store::in_time;

/// Clients in one piece of work: more would keep senders waiting.
const AT_ONCE: usize = 1000;

impl Router {
    /// Writes down what changed.
    pub(crate) async fn keep_seen(&self) {
        let seen = self.directory.unsaved();
        for some in seen.chunks(AT_ONCE) {
            if let Err(error) = in_time(self.store.note_seen(some.to_vec())).await {
                // They are seen again, and noted then.
                tracing::warn!(%error, "cannot keep when clients were seen last");
                return;
            }
        }
    }
}
