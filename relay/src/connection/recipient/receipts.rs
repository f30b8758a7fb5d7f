//! A client's receipts: feeds the pure [`Courier`] from the store and the replies that pass, and performs what
//! it asks for.

use std::collections::HashSet;

use tidings_protocol::{Change, Receipt, server};
use tokio::time::Instant;

use super::Recipient;
use crate::{receipt::courier, store::KeptReceipt};

impl Recipient {
    /// The client confirmed a receipt.
    pub(in crate::connection) fn take_receipt(&mut self, change: Change) {
        self.carry(courier::Input::Taken(change));
    }

    /// Replies have come to the seat.
    pub(super) fn replied(&mut self) {
        for reply in std::mem::take(&mut self.came) {
            self.replies.push_back(reply.frame);
            self.carry(courier::Input::Replied(reply.mid, reply.said));
        }
    }

    pub(super) fn carry(&mut self, input: courier::Input) {
        let Some(courier) = &mut self.courier else {
            return;
        };
        let router = &self.router;
        let open: HashSet<_> = courier
            .waiting(&input)
            .filter(|mid| router.is_open(*mid))
            .collect();
        // A reply that is not open any more is in the seat by now, unless it was there before.
        let came = self.seat.take_replies();
        let now = Instant::now().into_std();
        for reply in came {
            self.replies.push_back(reply.frame);
            let replied = courier::Input::Replied(reply.mid, reply.said);
            courier.handle(replied, now, |mid| open.contains(&mid));
        }
        courier.handle(input, now, |mid| open.contains(&mid));
        while let Some(output) = courier.poll_output() {
            match output {
                courier::Output::Read { after, limit } => {
                    let answer = router.store.receipts(&self.name, after, limit);
                    self.reading_receipts = Some(answer);
                }
                courier::Output::Send(receipt) => {
                    router.metrics.receipts.inc();
                    self.frames.push_back(packet(receipt).encode().into());
                }
                courier::Output::Take(position) => self.to_take.push(position),
            }
        }
    }
}

/// A receipt as the client reads it.
fn packet(receipt: KeptReceipt) -> server::Packet {
    server::Packet::Receipt(Receipt {
        mid: receipt.mid.to_mid(),
        reference: receipt.reference,
        name: receipt.name,
        state: receipt.state,
        at: receipt.at_ms,
        note: receipt.note,
    })
}
