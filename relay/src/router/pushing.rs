//! Pushing: registers subscriptions, tells the pure [`Plan`] what happens, and does what it decides.
//!
//! Owns the plan behind a short lock that is never held across an await; it is taken after the other
//! locks of the router were let go. Invariants: a status reaches the receipts only once the store
//! keeps it; what a push service is told was noted before; a push's outcome always reaches the plan.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_protocol::{Name, client};
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use super::Router;
use crate::{
    auth::Access,
    mint::MidNumber,
    push::{
        Outcome, Push,
        letter::{Length, letter},
        plan::{Input, Output, Plan, Policy},
        subscription::{self, Unfit},
    },
    receipt,
    store::{Answer, Lease, Pushed, Store, StoreError, ToPush, in_time},
};

/// The plan, and the way to push services.
pub(crate) struct Pushing {
    push: Arc<dyn Push>,
    /// None is offered: nothing has to be planned.
    off: bool,
    plan: Mutex<Plan>,
    /// Rung when there is something to be done.
    pub(crate) due: Arc<Notify>,
}

/// Why a subscription was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("{0}")]
    Refused(String),
    #[error("the client is not known: AUTH first")]
    Unknown,
    #[error("the subscription was not kept: {0}")]
    Store(#[from] StoreError),
}

/// A piece of work that is done.
pub(crate) enum Done {
    /// The plan is to hear of it.
    Plan(Input),
    /// The store keeps how far a message came.
    Noted(Name, MidNumber, Pushed),
    /// The token that the client came by is gone, so nothing is pushed to it.
    Barred(Name),
    /// Nothing has to be said about it.
    Nothing,
}

impl Pushing {
    pub(super) async fn open(push: Arc<dyn Push>, store: &dyn Store) -> Result<Self, StoreError> {
        let off = push.public_key().is_none();
        let mut plan = Plan::new(Policy::default());
        if !off {
            let now = Instant::now().into_std();
            for name in in_time(store.subscribers()).await? {
                plan.handle(Input::Known(name), now);
            }
        }
        Ok(Self {
            push,
            off,
            plan: Mutex::new(plan),
            due: Arc::default(),
        })
    }

    pub(super) fn public_key(&self) -> Option<String> {
        self.push.public_key().map(str::to_owned)
    }

    pub(super) fn holds_back(&self, name: &Name, mid: MidNumber) -> bool {
        !self.off && self.plan().holds_back(name, mid)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        // A push more or less after a panic; all others go on.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, inputs: impl IntoIterator<Item = Input>) {
        if self.off {
            return;
        }
        let now = Instant::now().into_std();
        let mut plan = self.plan();
        for input in inputs {
            plan.handle(input, now);
        }
        let due = plan.has_output();
        drop(plan);
        if due {
            self.due.notify_one();
        }
    }
}

impl Router {
    /// Keeps where the messages of a client, let in as this, are pushed to.
    pub(crate) async fn subscribe(
        &self,
        name: &Name,
        access: &Access,
        said: &client::Subscription,
    ) -> Result<(), SubscribeError> {
        if self.pushing.off {
            return Err(SubscribeError::Refused(crate::push::OFFERS_NONE.to_owned()));
        }
        let subscription = subscription::parse(said, self.gate.mark(access))?;
        self.pushing
            .push
            .check(&subscription)
            .map_err(SubscribeError::Refused)?;
        if !in_time(self.store.subscribe(name, subscription)).await? {
            return Err(SubscribeError::Unknown);
        }
        self.pushing.tell([Input::Subscribed(name.clone())]);
        Ok(())
    }

    /// Messages were made durable for these.
    pub(super) fn queued<'a>(&self, names: impl Iterator<Item = &'a Name>) {
        self.pushing.tell(names.cloned().map(Input::Queued));
    }

    /// A client has a connection.
    pub(crate) fn connected(&self, lease: &Lease) {
        let (name, epoch) = (lease.recipient().clone(), lease.epoch());
        let now_ms = self.config.clock.now_ms();
        self.directory.connected(&name, epoch, now_ms);
        self.pushing.tell([Input::Connected { name, epoch }]);
    }

    /// A client's connection does not confirm, or does so again.
    pub(crate) fn silent(&self, lease: &Lease, silent: bool) {
        let (name, epoch) = (lease.recipient().clone(), lease.epoch());
        self.pushing.tell([if silent {
            Input::Silent { name, epoch }
        } else {
            Input::Confirming { name, epoch }
        }]);
    }

    /// A client's connection has ended.
    pub(crate) fn left(&self, lease: &Lease) {
        let (name, epoch) = (lease.recipient().clone(), lease.epoch());
        let now_ms = self.config.clock.now_ms();
        self.directory.left(&name, epoch, now_ms);
        self.pushing.tell([Input::Left { name, epoch }]);
    }

    /// Begins all that is to be done; when to look again at the latest.
    pub(crate) fn push(self: &Arc<Self>, work: &mut JoinSet<Done>) -> Option<Instant> {
        let mut plan = self.pushing.plan();
        plan.handle(Input::Timeout, Instant::now().into_std());
        while let Some(output) = plan.poll_output() {
            self.begin(output, work);
        }
        plan.poll_timeout().map(Instant::from_std)
    }

    fn begin(self: &Arc<Self>, output: Output, work: &mut JoinSet<Done>) {
        match output {
            Output::Next(name, after) => {
                let next = self.store.to_push(&name, after);
                work.spawn(async move {
                    Done::Plan(match in_time(next).await {
                        Ok(next) => Input::Next(name, next.map(Box::new)),
                        Err(error) => {
                            tracing::warn!(client = %name, %error, "cannot read what to push");
                            Input::NextFailed(name)
                        }
                    })
                });
            }
            Output::Push(name, message, _) if !self.may_push(&name, &message) => {
                work.spawn(std::future::ready(Done::Barred(name)));
            }
            Output::Push(name, message, length) => {
                let noted = self.store.note_push(&name, message.mid, Pushed::Handing);
                let (router, push) = (Arc::downgrade(self), Arc::clone(&self.pushing.push));
                let now_ms = self.config.clock.now_ms();
                work.spawn(async move {
                    let mid = message.mid;
                    if !still_waits(noted, &name).await {
                        return Done::Plan(Input::Vanished(name));
                    }
                    if let Some(router) = router.upgrade() {
                        router.became(&name, mid, Pushed::Handing);
                    }
                    drop(router);
                    let outcome = hand_over(&*push, *message, length, now_ms).await;
                    Done::Plan(Input::Pushed(name, outcome))
                });
            }
            Output::Note(name, mid, pushed) => {
                let noted = self.store.note_push(&name, mid, pushed);
                work.spawn(async move {
                    match in_time(noted).await {
                        Ok(true) => Done::Noted(name, mid, pushed),
                        Ok(false) => Done::Nothing,
                        Err(error) => {
                            tracing::warn!(client = %name, %error, "cannot note a push");
                            Done::Nothing
                        }
                    }
                });
            }
            Output::Forget(name, endpoint) => {
                tracing::info!(client = %name, "its push subscription is gone");
                let forgotten = self.store.unsubscribe(&name, &endpoint);
                work.spawn(async move {
                    if let Err(error) = in_time(forgotten).await {
                        tracing::warn!(client = %name, %error, "cannot forget a subscription");
                    }
                    Done::Nothing
                });
            }
        }
    }

    /// Takes in what came of a piece of work.
    pub(crate) fn push_done(&self, done: Done) {
        match done {
            Done::Plan(input) => {
                if let Input::Pushed(name, outcome) = &input {
                    self.metrics.pushed(outcome.label());
                    if let Outcome::Refused(why) = outcome {
                        tracing::warn!(client = %name, "a push was refused: {why}");
                    }
                }
                self.pushing.tell([input]);
            }
            Done::Barred(name) => {
                tracing::debug!(client = %name, "nothing is pushed: its token is gone");
                let refused = Outcome::Refused("its token is gone".to_owned());
                self.pushing.tell([Input::Pushed(name, refused)]);
            }
            Done::Noted(name, mid, pushed) => self.became(&name, mid, pushed),
            Done::Nothing => {}
        }
    }

    /// Whether the client may still come in by the token that it subscribed by: a push is no way
    /// around a revocation. The subscription is kept, as the token may come back.
    fn may_push(&self, name: &Name, message: &ToPush) -> bool {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let group = registry.group(name);
        drop(registry);
        let by = &message.subscription.by;
        self.gate.mark_stands(by, name, &group)
    }

    fn became(&self, name: &Name, mid: MidNumber, pushed: Pushed) {
        let (name, status) = (name.clone(), pushed.status());
        self.account(receipt::Input::Became { mid, name, status });
    }
}

/// Whether a message still waits, as far as the store can tell: pushed once too often is better than
/// not at all.
async fn still_waits(noted: Answer<bool>, name: &Name) -> bool {
    in_time(noted).await.unwrap_or_else(|error| {
        tracing::warn!(client = %name, %error, "cannot note a push");
        true
    })
}

async fn hand_over(push: &dyn Push, message: ToPush, length: Length, now_ms: u64) -> Outcome {
    match letter(message, length, now_ms) {
        Some(letter) => push.send(letter).await,
        // Its names alone are too long, or it was given up at this very moment.
        None => Outcome::TooLarge,
    }
}
