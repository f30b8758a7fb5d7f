//! Messages that are held: letting them go when they are due, and what their senders may ask of them.
//!
//! Invariant: the places that are given out go to the store in the order in which mids are minted, so that
//! what was held stands behind all that was accepted before, and before all that is accepted after.

use std::sync::PoisonError;

use tidings_protocol::{Cancel, Cancelled, Held, Mid, Scheduled, Status, server};

use super::Router;
use crate::{
    auth::Access,
    mint::MidNumber,
    receipt,
    store::{Answer, HeldMessage, Owner, Released, StoreError, Which, in_time},
};

/// Messages in one answer to SCHEDULED.
const LISTED: usize = 100;

impl Router {
    /// Asks the store to let go some that are due: so many there are.
    pub(crate) fn release(&self, due: usize) -> Answer<Released> {
        let mut mint = self.mint.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.config.clock.now_ms();
        let places = (0..due).map_while(|_| mint.next(now_ms)).collect();
        self.store.release(now_ms, places)
    }

    /// What the store answered; false if it failed.
    pub(crate) fn released(&self, answer: Result<Released, StoreError>) -> bool {
        let released = match answer {
            Ok(released) => released,
            Err(error) => {
                tracing::warn!(%error, "cannot let go messages that are due");
                return false;
            }
        };
        for (mid, name) in released.superseded {
            self.superseded(mid, name);
        }
        for (_, names) in &released.messages {
            self.metrics.released.inc();
            self.queued(names.iter());
        }
        true
    }

    /// Another message took this one's place.
    pub(super) fn superseded(&self, mid: MidNumber, name: tidings_protocol::Name) {
        self.metrics.superseded.inc();
        let status = Status::Superseded;
        self.account(receipt::Input::Became { mid, name, status });
    }

    /// As whose messages are known of somebody who was let in so and sent by HTTP without a ticket.
    pub(crate) fn mark_of(&self, access: &Access) -> String {
        match access {
            Access::Named(_) => self.gate.mark(access),
            Access::Open | Access::Shared(_) => String::new(),
        }
    }

    /// What somebody who was let in so may ask for without a ticket.
    pub(crate) fn owner(&self, access: &Access) -> Owner {
        match access {
            Access::Named(_) => Owner::Token(self.gate.mark(access)),
            Access::Open | Access::Shared(_) => Owner::All,
        }
    }

    /// Answers SCHEDULED.
    pub(crate) async fn scheduled(
        &self,
        of: Owner,
        after: Option<Mid>,
    ) -> Result<server::Packet, StoreError> {
        let after = after.as_ref().and_then(MidNumber::parse);
        let scheduled = in_time(self.store.scheduled(of, after, LISTED)).await?;
        let messages = scheduled.messages.into_iter().filter_map(held).collect();
        let more = scheduled.more;
        Ok(server::Packet::Scheduled(Scheduled { messages, more }))
    }

    /// Answers CANCEL.
    pub(crate) async fn cancel(
        &self,
        of: Owner,
        asked: Cancel,
    ) -> Result<server::Packet, StoreError> {
        let (mid, reference) = match &asked {
            Cancel::Mid(mid) => (Some(mid.clone()), None),
            Cancel::Ref(reference) => (None, Some(reference.clone())),
        };
        let mut answer = Cancelled {
            mid,
            reference,
            cancelled: false,
        };
        let which = match asked {
            Cancel::Mid(mid) => MidNumber::parse(&mid).map(Which::Mid),
            Cancel::Ref(reference) => Some(Which::Ref(reference)),
        };
        if let Some(which) = which {
            let withdrawn = in_time(self.store.cancel(of, which)).await?;
            answer.cancelled = withdrawn.cancelled;
            if let Some((mid, reference)) = withdrawn.message {
                answer.mid = Some(mid.to_mid());
                answer.reference = reference;
            }
        }
        Ok(server::Packet::Cancelled(answer))
    }
}

/// A message as its sender reads of it.
fn held(message: HeldMessage) -> Option<Held> {
    let Ok(server::Packet::Message(delivery)) = server::Packet::decode(message.frame.as_str())
    else {
        return None;
    };
    Some(Held {
        mid: message.mid.to_mid(),
        reference: message.reference,
        target: delivery.target,
        text: delivery.message.text,
        due: message.due_ms,
    })
}
