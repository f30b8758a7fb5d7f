//! MESSAGE_REPLY: what the receipts say is due goes to whoever waits.
//!
//! Owns the ledger's lock, which is never held across an await. Invariant: a message is open until its
//! reply is where the client's connection finds it, so that receipts can follow it.

use std::sync::{MutexGuard, PoisonError};

use tidings_protocol::{Features, Name, Status, server};
use tokio::time::Instant;

use super::{ReplyTo, Router};
use crate::{
    mint::MidNumber,
    receipt::{self, Receipts},
};

/// The receipts, and when the clock that answers late ones looks next.
pub(super) struct Ledger {
    pub(super) receipts: Receipts<ReplyTo>,
    pub(super) armed: Option<std::time::Instant>,
    /// Messages whose replies are on their way to where they go.
    pub(super) going: Vec<MidNumber>,
}

impl Router {
    /// Whether a reply on the message is still to come.
    pub(crate) fn is_open(&self, mid: MidNumber) -> bool {
        let ledger = self.ledger();
        ledger.receipts.is_open(mid) || ledger.going.contains(&mid)
    }

    /// Notes confirmations that are durable.
    pub(crate) fn confirmed(&self, name: &Name, mids: impl IntoIterator<Item = MidNumber>) {
        self.confirmed_as(name, mids, &Status::Ok);
    }

    pub(super) fn confirmed_as(
        &self,
        name: &Name,
        mids: impl IntoIterator<Item = MidNumber>,
        status: &Status,
    ) {
        let mut ledger = self.ledger();
        let now = Instant::now().into_std();
        let now_ms = self.config.clock.now_ms();
        for mid in mids {
            // A mid reads as the time of its acceptance.
            let took = now_ms.saturating_sub(mid.number());
            self.metrics.confirmed.inc();
            self.metrics.confirming.observe(took as f64 / 1000.0);
            let (name, status) = (name.clone(), status.clone());
            let input = match status {
                Status::Ok => receipt::Input::Confirmed { mid, name },
                status => receipt::Input::Became { mid, name, status },
            };
            ledger.receipts.handle(input, now);
        }
        self.answer(ledger);
    }

    /// Answers the waiters whose time is up, and says when to look again.
    pub(crate) fn answer_late(&self) -> Option<Instant> {
        let mut ledger = self.ledger();
        let now = Instant::now().into_std();
        ledger.receipts.handle(receipt::Input::Timeout, now);
        ledger.armed = ledger.receipts.poll_timeout();
        let next = ledger.armed;
        self.answer(ledger);
        next.map(Instant::from_std)
    }

    pub(super) fn account(&self, input: receipt::Input<ReplyTo>) {
        let mut ledger = self.ledger();
        ledger.receipts.handle(input, Instant::now().into_std());
        self.answer(ledger);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A receipt lost to a panic costs one reply; all others go on.
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the answers that are due, and wakes the clock if it would look too late.
    fn answer(&self, mut ledger: MutexGuard<'_, Ledger>) {
        let mut due = Vec::new();
        while let Some(output) = ledger.receipts.poll_output() {
            ledger.going.push(output.mid);
            due.push(output);
        }
        let next = ledger.receipts.poll_timeout();
        let late = match (next, ledger.armed) {
            (Some(next), Some(armed)) => next < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if late {
            ledger.armed = next;
        }
        drop(ledger);
        if late {
            self.receipts_due.notify_one();
        }
        if due.is_empty() {
            return;
        }
        let gone: Vec<_> = due.iter().map(|output| output.mid).collect();
        for output in due {
            self.reply(output);
        }
        let mut ledger = self.ledger();
        for mid in gone {
            if let Some(at) = ledger.going.iter().position(|going| *going == mid) {
                ledger.going.swap_remove(at);
            }
        }
    }

    fn reply(&self, output: receipt::Output<ReplyTo>) {
        let mut status = output.statuses;
        for (name, status) in &mut status {
            let mid = output.mid;
            if *status == Status::Wait
                && (self.seats.holds_back(name, mid) || self.pushing.holds_back(name, mid))
            {
                *status = Status::Ready;
            }
        }
        let mut reply = server::Reply {
            mid: output.mid.to_mid(),
            status,
            reference: output.reference,
        };
        match output.to {
            ReplyTo::Client(lease) => {
                self.seats.deliver(&lease, output.mid, reply);
            }
            ReplyTo::Request(waiting) => {
                for (_, status) in &mut reply.status {
                    *status = status.clone().for_peer(Features::NONE);
                }
                // The request may have gone away.
                drop(waiting.send(reply));
            }
        }
    }
}
