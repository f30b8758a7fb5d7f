//! Taking a message from somebody: what it is to be, room for it, a mid, and its way to the store.
//!
//! Invariant: the place of a message among its sender's is fixed when [`Router::send`] returns.

use std::sync::{Arc, PoisonError};

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tidings_protocol::{Name, Ref, Status, Statuses, client, server};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{Notice, Outgoing, ReplyTo, Router, SendError, Wishes, outcome::OpenReceipt};
use crate::{
    frame::{NO_MID, Unminted},
    mint::MidNumber,
    receipt::{self, Waiter},
    store::{Accept, Accepted, Lease, QueueBound, Wants, in_time},
};

/// The unit in which messages being stored are counted.
const STORING_UNIT: usize = 1024;

/// A message as recipients will read it, but for its mid.
pub(crate) struct Unsent {
    outgoing: Outgoing,
    frame: Unminted,
    digest: Option<[u8; 32]>,
    extra: serde_json::Value,
}

/// Room for a message on its way to the store.
pub(crate) struct Room(
    #[expect(dead_code, reason = "it is given back when it is dropped")] OwnedSemaphorePermit,
);

impl Unsent {
    /// Writes the message down, once for all its recipients.
    pub(crate) fn new(mut outgoing: Outgoing) -> Result<Self, SendError> {
        let send = &mut outgoing.send;
        let digest = send.reference.as_ref().map(|_| digest(send));
        let delivery = server::Delivery {
            target: send.target.clone(),
            from: outgoing.from.clone(),
            message: std::mem::take(&mut send.message),
            mid: NO_MID.clone(),
            reference: None,
        };
        let frame = Unminted::new(&delivery, send.reference.as_ref())?;
        Ok(Self {
            outgoing,
            frame,
            digest,
            extra: delivery.message.extra,
        })
    }

    /// How much room it needs on its way to the store.
    pub(crate) fn bytes(&self) -> usize {
        self.frame.len()
    }
}

/// Room for so many bytes on their way to the store.
pub(super) fn room(bytes: usize) -> Semaphore {
    Semaphore::new(bytes.div_ceil(STORING_UNIT))
}

impl Router {
    fn units(&self, bytes: usize) -> u32 {
        let all = self.config.bounds.storing_bytes.div_ceil(STORING_UNIT);
        let units = bytes.div_ceil(STORING_UNIT).min(all);
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// Room for a message, if there is some at once.
    pub(crate) fn room(&self, bytes: usize) -> Option<Room> {
        let units = self.units(bytes);
        let permit = Arc::clone(&self.storing).try_acquire_many_owned(units);
        permit.ok().map(Room)
    }

    /// Waits until there is room for a message.
    pub(crate) async fn wait_for_room(&self, bytes: usize) -> Result<Room, SendError> {
        let units = self.units(bytes);
        let permit = Arc::clone(&self.storing).acquire_many_owned(units).await;
        permit.map(Room).map_err(|_| SendError::Closing)
    }

    /// Takes a message. When this returns, its place among the sender's messages is fixed; the
    /// future that it gives back waits for the store, and has to be driven to its end.
    pub(crate) fn send(
        self: &Arc<Self>,
        unsent: Unsent,
        room: Room,
    ) -> Result<BoxFuture<'static, Notice>, SendError> {
        let Unsent {
            outgoing,
            frame,
            digest,
            extra,
        } = unsent;
        let Outgoing {
            from,
            send,
            to,
            wait,
            receipts,
            by: token,
        } = outgoing;
        let by = match from.method {
            server::Method::Http => "http",
            server::Method::WebSocket => "websocket",
        };
        let sender = from.name;
        let at_ms = self.config.clock.now_ms();
        let Wishes {
            due_ms,
            expires_ms,
            key,
            ack,
        } = Wishes::of(&extra, self.config.timing.ttl, at_ms);
        let reference: Option<Ref> = send.reference;
        let asked_on: Option<Lease> = match &to {
            ReplyTo::Client(lease) if reference.is_some() => Some(lease.clone()),
            _ => None,
        };
        let resolved = self
            .registry
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resolve(&send.target);
        let is_held = due_ms.is_some();
        let statuses = statuses(&resolved.known, &resolved.unknown, is_held);
        let taken = Instant::now();
        // Nobody waits for hours: what happens when it is due, receipts tell.
        let deadline = if is_held { taken } else { taken + wait };

        let mut mint = self.mint.lock().unwrap_or_else(PoisonError::into_inner);
        let mid = mint.next(at_ms).ok_or(SendError::NoMids)?;
        self.account(receipt::Input::Open {
            mid,
            statuses,
            waiter: Waiter {
                to,
                reference: reference.clone(),
                deadline: deadline.into_std(),
            },
        });
        let recipients = resolved.known;
        let answer = self.store.accept(Accept {
            mid,
            sender,
            by: token,
            reference: reference.zip(digest),
            frame: frame.mint(mid),
            recipients: recipients.clone(),
            unknown: resolved.unknown,
            at_ms,
            expires_ms,
            due_ms,
            bound: QueueBound {
                messages: self.config.bounds.queue_messages,
                bytes: self.config.bounds.queue_bytes,
                store_bytes: self.config.bounds.store_bytes,
            },
            wants: Wants { receipts, key, ack },
        });
        drop(mint);
        self.expiry.accepted(due_ms.unwrap_or(expires_ms));

        let open = OpenReceipt::new(Arc::clone(self), mid, asked_on);
        Ok(Box::pin(async move {
            let accepted = answer.await;
            drop(room);
            if matches!(accepted, Ok(Accepted::New(_))) {
                open.router().metrics.accepted(by);
                if is_held {
                    open.router().metrics.held.inc();
                }
                let took = taken.elapsed().as_secs_f64();
                open.router().metrics.storing.observe(took);
            }
            let first = match &accepted {
                Ok(Accepted::Duplicate { mid, statuses }) if !statuses.iter().all(is_final) => {
                    Some(*mid)
                }
                _ => None,
            };
            let router = Arc::clone(open.router());
            let notice = open.settle(accepted, &recipients);
            if let Some(first) = first {
                router.catch_up(first).await;
            }
            notice
        }))
    }

    /// Tells a receipt that was opened with what the store had said a while ago what is confirmed by
    /// now: whoever confirmed in between found no receipt to tell.
    async fn catch_up(&self, mid: MidNumber) {
        // Without an answer the reply goes out at its deadline, with what is known by then.
        if let Ok(Some(statuses)) = in_time(self.store.status(mid)).await {
            for (name, status) in statuses.into_iter().filter(|(_, s)| s.is_final()) {
                self.account(receipt::Input::Became { mid, name, status });
            }
        }
    }
}

fn is_final((_, status): &(Name, Status)) -> bool {
    status.is_final()
}

fn statuses(known: &[Name], unknown: &[Name], is_held: bool) -> Statuses {
    let first = if is_held { Status::Held } else { Status::Wait };
    let known = known.iter().map(|name| (name.clone(), first.clone()));
    let unknown = unknown.iter().map(|name| (name.clone(), Status::No));
    known.chain(unknown).collect()
}

/// A digest of all that a `ref` stands for.
fn digest(send: &client::Send) -> [u8; 32] {
    let message = &send.message;
    let mut hash = Sha256::new();
    for part in [
        send.target.send_type(),
        send.target.as_str(),
        &message.text,
        &message.desp,
        &message.extra.to_string(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
