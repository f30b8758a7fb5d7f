//! Receipts: what became of sent messages, later.
//!
//! Owns their order: stored, then confirmed. Invariant: a receipt is confirmed only once it is durable;
//! what nobody knows anything about is confirmed too, so that the relay need not keep it.

use tidings_protocol::Receipt;

use super::Reception;
use crate::types::RelayId;

impl Reception {
    /// Takes one.
    pub(super) async fn receipt(&mut self, _relay: &RelayId, _receipt: Receipt) {}
}
