//! Receipts: what became of sent messages, later.
//!
//! Owns their order: stored, then confirmed. Those that came together are stored together. Invariants: a
//! receipt is confirmed only once it is durable; what nobody knows anything about is confirmed too, so that
//! the relay need not keep it.
//!
//! While the disk refuses they wait here, for the next thing that comes: a relay sends no more than a few
//! unconfirmed ones, and those again on the next connection.

use tidings_control::NOTE_BYTES;
use tidings_protocol::{Receipt, State, client};

use super::Reception;
use crate::inbox::{Heard, Told};
use crate::text;
use crate::types::{Delivery, Event, RelayId};

/// Receipts that wait for the disk at most: twice what a relay sends before it waits. Those beyond them are
/// not confirmed, and come again.
const WAITING: usize = 128;

impl Reception {
    /// Takes one; [`Reception::keep_receipts`] stores it.
    pub(super) fn receipt(&mut self, relay: &RelayId, receipt: Receipt) {
        if self.receipts.len() < WAITING {
            self.receipts.push((relay.clone(), receipt));
        }
    }

    /// Stores what came, and confirms it.
    pub(super) async fn keep_receipts(&mut self) {
        if self.receipts.is_empty() {
            return;
        }
        let status = self.parts.board.status();
        let told = self.receipts.iter().map(|(relay, receipt)| {
            let group = status.relay(relay).map(|relay| relay.group.clone());
            told_of(relay, group.unwrap_or_default(), receipt)
        });
        let stored = self.parts.inbox.told(told.flatten().collect()).await;
        let Some(Heard {
            changed,
            of_received,
        }) = self.disk(stored)
        else {
            return;
        };
        for sent in changed {
            self.tell(Event::Sent(sent));
        }
        let mut of_received = of_received.into_iter();
        for (relay, receipt) in std::mem::take(&mut self.receipts) {
            let known = delivery(&receipt.state).is_some();
            let of_received = known && of_received.next().unwrap_or(false);
            if of_received && !self.taken(&relay, &receipt).await {
                // Told again, and known in part.
                self.receipts.push((relay, receipt));
                continue;
            }
            let line = self.members.get(&relay).and_then(|m| m.line.as_ref());
            if let Some(line) = line {
                let taken = client::Packet::TakeReceipt(receipt.change());
                line.handle.say(taken);
            }
        }
    }

    /// What came by a relay that was left is nobody's.
    pub(super) fn forget_receipts(&mut self, relay: &RelayId) {
        self.receipts.retain(|(of, _)| of != relay);
    }
}

fn delivery(state: &State) -> Option<Delivery> {
    Some(match state {
        State::Ok => Delivery::Delivered,
        State::Dismissed => Delivery::Dismissed,
        State::Read => Delivery::Read,
        State::Acknowledged => Delivery::Acknowledged,
        State::Expired => Delivery::Expired,
        State::Superseded => Delivery::Superseded,
        State::Other(_) => return None,
    })
}

/// A receipt as the inbox keeps it; none of a state that this version does not know.
fn told_of(relay: &RelayId, group: String, receipt: &Receipt) -> Option<Told> {
    let note = receipt.note.as_deref().unwrap_or_default();
    Some(Told {
        relay: relay.clone(),
        group,
        mid: receipt.mid.to_string(),
        reference: receipt.reference.as_ref().map(ToString::to_string),
        name: receipt.name.to_string(),
        delivery: delivery(&receipt.state)?,
        at: receipt.at,
        note: text::short(note, NOTE_BYTES),
    })
}
