//! Receipts that wait for their clients, in memory.
//!
//! Invariants: a client's are in the order in which they came; bounds hold for each and for all.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use tidings_protocol::Name;

use crate::store::{KeptReceipt, Position, RECEIPTS_EACH, RECEIPTS_IN_ALL, RECEIPTS_KEPT};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Mail {
    last: u64,
    of: HashMap<Name, BTreeMap<Position, KeptReceipt>>,
    total: u64,
}

impl Mail {
    /// Keeps one, at the next position; false if there is no room.
    pub(super) fn keep(&mut self, of: &Name, mut receipt: KeptReceipt) -> bool {
        let mine = self.of.entry(of.clone()).or_default();
        if mine.len() as u64 >= RECEIPTS_EACH || self.total >= RECEIPTS_IN_ALL {
            if mine.pop_first().is_none() {
                return false;
            }
            self.total -= 1;
        }
        self.last += 1;
        receipt.position = Position::new(self.last);
        mine.insert(receipt.position, receipt);
        self.total += 1;
        true
    }

    pub(super) fn read(&self, of: &Name, after: Position, limit: usize) -> Vec<KeptReceipt> {
        let Some(mine) = self.of.get(of) else {
            return Vec::new();
        };
        let rest = mine.range((Bound::Excluded(after), Bound::Unbounded));
        rest.take(limit)
            .map(|(_, receipt)| receipt.clone())
            .collect()
    }

    pub(super) fn take(&mut self, of: &Name, positions: &[Position]) {
        if let Some(mine) = self.of.get_mut(of) {
            let taken = positions
                .iter()
                .filter(|p| mine.remove(p).is_some())
                .count();
            self.total -= taken as u64;
        }
    }

    /// Those that have waited too long go.
    pub(super) fn forget(&mut self, now_ms: u64) {
        let kept_ms = u64::try_from(RECEIPTS_KEPT.as_millis()).unwrap_or(u64::MAX);
        for mine in self.of.values_mut() {
            while let Some(oldest) = mine.first_entry()
                && oldest.get().at_ms.saturating_add(kept_ms) <= now_ms
            {
                oldest.remove();
                self.total -= 1;
            }
        }
        self.of.retain(|_, mine| !mine.is_empty());
    }
}
