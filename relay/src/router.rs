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
mod sending;
mod wishes;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard},
    time::Duration,
};

use tidings_protocol::{Feature, Target, client, server};
use tokio::{
    sync::{Notify, Semaphore, oneshot},
    time::Instant,
};

use self::replies::Ledger;
pub(crate) use self::{
    expiry::Expiry,
    outcome::Notice,
    pushing::{Pushing, SubscribeError},
    sending::{Room, Unsent},
    wishes::Wishes,
};
use crate::{
    auth::{Access, Gate, Refusal},
    config::Config,
    directory::Directory,
    frame::TooLarge,
    http::Reading,
    metrics::{Metrics, Why},
    mint::Mint,
    pace::Pace,
    peers::Peers,
    push::Push,
    receipt::Receipts,
    registry::{Needed, Registry},
    seats::Seats,
    store::{Lease, Outcome, Registration, Store, StoreError, in_time},
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
            storing: Arc::new(sending::room(config.bounds.storing_bytes)),
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
}
