//! What happens to a message that somebody sends: a mid, its recipients, the store, the receipt,
//! the reply. Shared by all connections and HTTP requests of a relay.
//!
//! Owns the mint and the receipts behind short locks that are never held across an await. Lock
//! order: mint, then receipts. Invariants: mids go to the store in growing order (they are minted
//! and queued under one lock); a receipt is open before its message can be confirmed; whatever
//! becomes of storing it, the receipt hears of it.

mod expiry;
mod held;
mod outcome;
mod pushing;
mod replies;
mod said;
mod seen;
mod wishes;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard},
    time::Duration,
};

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tidings_protocol::{Feature, Mid, Name, Status, Statuses, Target, client, server};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};

pub(crate) use self::{
    expiry::Expiry,
    outcome::Notice,
    pushing::{Pushing, SubscribeError},
    wishes::Wishes,
};
use self::{outcome::OpenReceipt, replies::Ledger};
use crate::{
    auth::{Access, Gate, Refusal},
    config::Config,
    directory::Directory,
    frame::{TooLarge, Unminted},
    http::Reading,
    metrics::{Metrics, Why},
    mint::{MidNumber, Mint},
    pace::Pace,
    peers::Peers,
    push::Push,
    receipt::{self, Receipts, Waiter},
    registry::{Needed, Registry},
    seats::Seats,
    store::{
        Accept, Accepted, Lease, Outcome, QueueBound, Registration, Store, StoreError, Wants,
        in_time,
    },
};

/// The extensions of section 4 that this relay speaks.
pub(crate) const FEATURES: &[Feature] = &[
    Feature::Ref,
    Feature::Receipts,
    Feature::Directory,
    Feature::Delay,
    Feature::Key,
    Feature::Ack,
];

/// The unit in which messages being stored are counted.
const STORING_UNIT: usize = 1024;

/// Everything that the connections of one relay share.
pub(crate) struct Router {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Gate,
    pub(crate) peers: Arc<Peers>,
    /// HTTP requests, upgrades among them, per address.
    pub(crate) requests: Pace,
    pub(crate) metrics: Metrics,
    pub(crate) relay_id: String,
    pub(crate) seats: Arc<Seats>,
    pub(crate) directory: Directory,
    registry: RwLock<Registry>,
    mint: Mutex<Mint>,
    receipts: Mutex<Ledger>,
    /// Rung when there is an earlier time to look than [`Self::answer_late`] said.
    pub(crate) receipts_due: Arc<Notify>,
    storing: Arc<Semaphore>,
    pub(crate) reading: Reading,
    pub(crate) expiry: Expiry,
    pub(crate) pushing: Pushing,
}

/// Where a MESSAGE_REPLY goes.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    /// To the client that has or had this lease, on whichever connection it then has.
    Client(Lease),
    /// To a request that waits.
    Request(oneshot::Sender<server::Reply>),
}

/// A message from somebody, with where and when the answer is wanted.
pub(crate) struct Outgoing {
    pub(crate) from: server::From,
    pub(crate) send: client::Send,
    pub(crate) to: ReplyTo,
    pub(crate) wait: Duration,
    /// The sender listens to receipts.
    pub(crate) receipts: bool,
    /// What stands for the named token of a sender without a name; empty for all others.
    pub(crate) by: String,
}

/// Why a client was not registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error("{0} names are known already, and no more are taken: use one of those")]
    TooMany(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("the relay has run out of message ids")]
    NoMids,
    #[error("the relay is closing")]
    Closing,
}

impl Router {
    pub(crate) async fn open(
        config: Config,
        store: Arc<dyn Store>,
        push: Arc<dyn Push>,
    ) -> Result<Self, StoreError> {
        let identity = in_time(store.identity()).await?;
        let known = in_time(store.registrations()).await?;
        let each = known.iter().map(|r| (r.name.clone(), r.group.clone()));
        let directory = Directory::new(each, in_time(store.seen()).await?);
        let registry = Registry::known(known);
        let pushing = Pushing::open(push, &*store).await?;
        let storing = config.bounds.storing_bytes.div_ceil(STORING_UNIT);
        Ok(Self {
            pushing,
            metrics: Metrics::new(),
            peers: Arc::new(Peers::new(
                config.trusted_forwarders.clone(),
                config.bounds.connections_per_address,
            )),
            requests: Pace::new(
                config.bounds.requests_at_once,
                Duration::from_secs(1) / config.bounds.requests_per_second.max(1),
            ),
            gate: Gate::new(
                &identity.ticket_key,
                config.token.as_ref(),
                &config.named_tokens,
            ),
            relay_id: identity.relay,
            seats: Arc::new(Seats::new()),
            directory,
            registry: RwLock::new(registry),
            mint: Mutex::new(Mint::new(identity.highest_mid)),
            receipts: Mutex::new(Ledger {
                receipts: Receipts::new(config.bounds.open_receipts),
                armed: None,
                going: Vec::new(),
            }),
            receipts_due: Arc::default(),
            storing: Arc::new(Semaphore::new(storing)),
            reading: Reading::default(),
            expiry: Expiry::default(),
            config,
            store,
        })
    }

    /// Checks a token given from an address.
    pub(crate) fn check(&self, token: &str, from: IpAddr) -> Result<Access, Refusal> {
        let checked = self.gate.check(token, from, Instant::now().into_std());
        if checked.is_err() {
            self.metrics.refused(Why::Token);
        }
        checked
    }

    /// Makes a client known.
    pub(crate) async fn register(&self, registration: Registration) -> Result<(), RegisterError> {
        let (order, answer) = {
            // The store is asked under the lock, so that its order is the registry's.
            let mut registry = self.known();
            match registry.ask(&registration, self.config.bounds.clients) {
                Needed::Nothing => return Ok(()),
                Needed::Place(known) => return Err(RegisterError::TooMany(known)),
                Needed::Asking(order) => (order, self.store.register(registration.clone())),
            }
        };
        let outcome = in_time(answer).await;
        match &outcome {
            Ok(()) => {
                self.directory
                    .registered(&registration.name, &registration.group);
                self.known().kept(registration, order);
            }
            // It may be kept yet: the next one of this name asks the store again.
            Err(error) if error.outcome() == Outcome::Unknown => {}
            Err(_) => self.known().not_kept(&registration.name, order),
        }
        Ok(outcome?)
    }

    fn known(&self) -> RwLockWriteGuard<'_, Registry> {
        // Every change is whole in itself; a client more or less in a group is set right by its
        // next AUTH.
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The group of this name, if it has members, else the client of this name, if one is known.
    pub(crate) fn named(&self, name: &str) -> Option<Target> {
        self.registry
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .named(name)
    }

    /// The server's AUTH 200 for a client.
    pub(crate) fn welcome(&self, access: &Access, auth: &client::Auth) -> server::Packet {
        let now_ms = self.config.clock.now_ms();
        let ticket = self.gate.issue(access, &auth.name, &auth.group, now_ms);
        let mut welcome = server::Welcome {
            msg: "Successful authentication".to_owned(),
            ticket: Some(ticket),
            push_key: self.pushing.public_key(),
            ..server::Welcome::default()
        };
        // A client of the base protocol is told nothing that it did not ask for.
        if !auth.features.is_empty() {
            welcome.features = FEATURES.iter().map(|f| f.as_str().to_owned()).collect();
            welcome.server = Some(concat!("tidings-relay/", env!("CARGO_PKG_VERSION")).to_owned());
            welcome.relay = Some(self.relay_id.clone());
        }
        server::Packet::Auth(server::AuthReply::Accepted(welcome))
    }

    /// Takes a message. When this returns, its place among the sender's messages is fixed; the
    /// future that it gives back waits for the store, and has to be driven to its end.
    pub(crate) async fn send(
        self: &Arc<Self>,
        outgoing: Outgoing,
    ) -> Result<BoxFuture<'static, Notice>, SendError> {
        let Outgoing {
            from,
            send,
            to,
            wait,
            receipts,
            by: token,
        } = outgoing;
        let digest = send.reference.as_ref().map(|_| digest(&send));
        let by = match from.method {
            server::Method::Http => "http",
            _ => "websocket",
        };
        let sender = from.name.clone();
        let at_ms = self.config.clock.now_ms();
        let Wishes {
            due_ms,
            expires_ms,
            key,
            ack,
        } = Wishes::of(&send.message.extra, self.config.timing.ttl, at_ms);
        let reference = send.reference.clone();
        let asked_on = match &to {
            ReplyTo::Client(lease) if reference.is_some() => Some(lease.clone()),
            _ => None,
        };
        let target = send.target.clone();
        let frame = Unminted::new(server::Delivery {
            target: send.target,
            from,
            message: send.message,
            mid: PLACEHOLDER.clone(),
            reference: send.reference,
        })?;
        let permit = self.permit(frame.len()).await?;
        let resolved = self
            .registry
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resolve(&target);
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
            drop(permit);
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

    /// Waits until there is room for one more message to be stored. First come, first served.
    async fn permit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, SendError> {
        let all = self.config.bounds.storing_bytes.div_ceil(STORING_UNIT);
        let units = bytes.div_ceil(STORING_UNIT).min(all);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Arc::clone(&self.storing)
            .acquire_many_owned(units)
            .await
            .map_err(|_| SendError::Closing)
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

/// Stands in a delivery whose mid is not minted yet.
static PLACEHOLDER: std::sync::LazyLock<Mid> = std::sync::LazyLock::new(crate::frame::empty_mid);
