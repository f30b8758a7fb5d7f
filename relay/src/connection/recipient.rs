//! An authenticated client as a recipient: feeds the pure [`Delivery`] from the store and performs
//! what it asks of the store. What it wants sent is handed to the connection.
//!
//! Invariants: one read and one confirmation are under way at most; what was confirmed meanwhile
//! goes out together in the next; [`Recipient::next`] is cancel safe.

mod receipts;
mod reminders;

use std::{collections::VecDeque, future::Future, sync::Arc};

use futures_util::{FutureExt as _, future::join_all};
use tidings_protocol::{Feature, Features, Group, Mid, Name};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    delivery::{Delivery, Input, Output, Policy},
    mint::MidNumber,
    receipt::courier::{self, Courier},
    reminding::Reminding,
    router::Router,
    seats::{self, Seat},
    store::{
        Answer, Batch, Confirmed, Fenced, KeptReceipt, Lease, Nagging, Position, StoreError,
        ToRemind, Wakeup, Wakeups, Word, in_time,
    },
};

/// The widest window. A delivery holds up to four of them and a thousand messages more, which has to
/// fit in what its store tells at once of messages given up.
const WIDEST: usize = 700;

/// Something that concerns the client.
pub(super) enum Event {
    /// Frames may be due: see [`Recipient::poll_frame`].
    Progress,
    /// Another connection has taken over.
    TakenOver,
    /// It does not take its replies.
    Overflown,
}

pub(super) struct Recipient {
    router: Arc<Router>,
    pub(super) name: Name,
    pub(super) group: Group,
    /// The extensions it listed.
    pub(super) listed: Features,
    lease: Lease,
    wakeups: Wakeups,
    woken: Vec<Wakeup>,
    seat: Seat,
    came: Vec<seats::Reply>,
    replies: VecDeque<Utf8Bytes>,
    delivery: Delivery,
    frames: VecDeque<Utf8Bytes>,
    reading: Option<Answer<Result<Batch, Fenced>>>,
    to_confirm: Vec<Position>,
    /// What the client confirmed and the store has not answered for yet, in that order.
    unkept: Vec<Mid>,
    confirming: Option<Confirming>,
    fenced: bool,
    /// What the pushes were told last.
    silent: bool,
    /// While the client lists `receipts`.
    courier: Option<Box<Courier>>,
    reading_receipts: Option<Answer<Vec<KeptReceipt>>>,
    to_take: Vec<Position>,
    taking: Option<Answer<()>>,
    /// While the client lists `ack`.
    reminding: Option<Box<Reminding>>,
    reading_reminders: Option<Answer<Vec<Nagging>>>,
    asking: Option<Asking>,
}

/// A reminder that is due, and whether it still is to be sent.
struct Asking {
    mid: MidNumber,
    number: u64,
    answer: Answer<Option<ToRemind>>,
}

/// The confirmation under way.
struct Confirming {
    positions: Vec<Position>,
    answer: Answer<Result<Vec<Confirmed>, Fenced>>,
}

impl Recipient {
    /// Takes over a client's messages. Its delivery begins with the first [`Self::next`].
    pub(super) async fn attach(
        router: Arc<Router>,
        name: Name,
        group: Group,
        listed: Features,
    ) -> Result<Self, StoreError> {
        let (lease, wakeups) = in_time(router.store.attach(&name)).await?;
        let seat = router.seats.take(&lease, listed);
        let policy = Policy {
            window: router.config.bounds.window.min(WIDEST),
            retry: router.config.timing.retry,
            retry_max: router.config.timing.retry_max,
        };
        let mut recipient = Self {
            router,
            name,
            group,
            listed,
            lease,
            wakeups,
            woken: Vec::new(),
            seat,
            came: Vec::new(),
            replies: VecDeque::new(),
            delivery: Delivery::new(policy),
            frames: VecDeque::new(),
            reading: None,
            to_confirm: Vec::new(),
            unkept: Vec::new(),
            confirming: None,
            fenced: false,
            silent: false,
            courier: None,
            reading_receipts: None,
            to_take: Vec::new(),
            taking: None,
            reminding: None,
            reading_reminders: None,
            asking: None,
        };
        recipient.list(listed);
        recipient.router.connected(&recipient.lease);
        recipient.perform();
        Ok(recipient)
    }

    /// Waits for what comes next.
    pub(super) async fn next(&mut self) -> Event {
        let mut event = Event::Progress;
        // In a fixed order, so that a simulated run can be repeated: first what there is one of at a
        // time, then what this client's own sending feeds, last what others feed.
        tokio::select! {
            biased;
            answer = answered(&mut self.reading) => match answer {
                Ok(Ok(batch)) => self.feed(Input::Read(batch)),
                Ok(Err(Fenced)) => self.fenced = true,
                Err(error) => {
                    tracing::warn!(client = %self.name, %error, "cannot read the client's messages");
                    self.feed(Input::ReadFailed);
                }
            },
            answer = answered(&mut self.reading_receipts) => self.carry(match answer {
                Ok(receipts) => courier::Input::Read(receipts),
                Err(error) => {
                    tracing::warn!(client = %self.name, %error, "cannot read the client's receipts");
                    courier::Input::ReadFailed
                }
            }),
            answer = answered(&mut self.taking) => if let Err(error) = answer {
                // They stay, and are sent again on the next connection.
                tracing::warn!(client = %self.name, %error, "cannot forget receipts that were taken");
            },
            answer = answered(&mut self.reading_reminders) => self.have_reminders(answer),
            (mid, number, answer) = reminders::asked(&mut self.asking) => {
                self.remind(mid, number, answer);
            }
            (positions, answer) = confirmed(&mut self.confirming) => self.stored(positions, answer),
            outcome = self.seat.recv(&mut self.came) => {
                match outcome {
                    Ok(()) => self.replied(),
                    Err(_) => event = Event::Overflown,
                }
                // Those come together with these: a stream of replies must not keep them waiting.
                self.wakeups.recv(&mut self.woken).now_or_never();
            }
            () = self.wakeups.recv(&mut self.woken) => {}
        }
        for wakeup in std::mem::take(&mut self.woken) {
            match wakeup {
                Wakeup::Message(message) => self.feed(Input::Announced(message)),
                Wakeup::Look => self.feed(Input::Look),
                Wakeup::Expired(positions) => self.feed(Input::Expired(positions)),
                Wakeup::Receipts => self.carry(courier::Input::Look),
                Wakeup::Reminders => self.look_for_reminders(),
                Wakeup::Fenced => self.fenced = true,
            }
        }
        self.perform();
        self.confirm_gathered();
        if self.fenced {
            return Event::TakenOver;
        }
        event
    }

    /// The next frame to be sent to the client.
    pub(super) fn poll_frame(&mut self) -> Option<Utf8Bytes> {
        // Receipts follow the replies on their messages.
        self.replies.pop_front().or_else(|| self.frames.pop_front())
    }

    /// The client says anew what it speaks.
    pub(super) fn list(&mut self, listed: Features) {
        self.listed = listed;
        self.seat.list(listed);
        if !listed.has(Feature::Receipts) {
            self.courier = None;
            self.reading_receipts = None;
        } else if self.courier.is_none() {
            self.courier = Some(Box::default());
            self.carry(courier::Input::Look);
        }
        self.list_reminders();
    }

    /// Its claim to the client's messages.
    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// When [`Self::timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let receipts = self.courier.as_ref().and_then(|c| c.poll_timeout());
        let reminders = self.next_reminder();
        let due = [self.delivery.poll_timeout(), receipts, reminders];
        due.into_iter().flatten().min().map(Instant::from_std)
    }

    /// Time has passed; `blocked` while the client has not taken yet what was sent to it.
    pub(super) fn timeout(&mut self, blocked: bool) {
        self.feed(if blocked {
            Input::TimeoutBlocked
        } else {
            Input::Timeout
        });
        self.perform();
        self.carry(courier::Input::Timeout);
        self.ask_for_reminders(blocked);
    }

    /// The client confirmed a message. It goes to the store with [`Self::confirm_gathered`].
    pub(super) fn confirm(&mut self, mid: &Mid) {
        if let Some(number) = MidNumber::parse(mid) {
            let before = self.to_confirm.len();
            self.feed(Input::Confirm(number));
            self.perform();
            if self.to_confirm.len() > before {
                self.unkept.push(mid.clone());
            }
        }
    }

    /// Hands all confirmations that were gathered to the store, unless some are on their way.
    pub(super) fn confirm_gathered(&mut self) {
        if self.taking.is_none() && !self.to_take.is_empty() {
            let taken = std::mem::take(&mut self.to_take);
            self.taking = Some(self.router.store.take_receipts(&self.name, taken));
        }
        if self.confirming.is_none() && !self.to_confirm.is_empty() {
            let positions = std::mem::take(&mut self.to_confirm);
            let answer = {
                let at_ms = self.router.config.clock.now_ms();
                self.router
                    .store
                    .confirm(&self.lease, positions.clone(), at_ms)
            };
            self.confirming = Some(Confirming { positions, answer });
        }
    }

    /// Sees to it that what the client confirmed is kept, then gives up its messages.
    pub(super) async fn detach(mut self) {
        let taken = std::mem::take(&mut self.to_take);
        if !taken.is_empty()
            && let Err(error) = self.router.store.take_receipts(&self.name, taken).await
        {
            tracing::warn!(client = %self.name, %error, "cannot forget receipts that were taken");
        }
        loop {
            if !self.fenced {
                self.confirm_gathered();
            }
            // Those on their way may have come before the takeover.
            if self.confirming.is_none() {
                break;
            }
            let (positions, answer) = confirmed(&mut self.confirming).await;
            self.stored(positions, answer);
            self.perform();
        }
        if !self.fenced {
            return;
        }
        // The store takes no more from this reader; but the client's word stands, and the connection
        // that took over is not to send it these again.
        let (router, name) = (&self.router, &self.name);
        let settling = self
            .unkept
            .iter()
            .map(|mid| router.settle(name, mid, Word::Message));
        for settled in join_all(settling).await {
            if let Err(error) = settled {
                tracing::warn!(client = %name, %error, "cannot keep confirmations");
            }
        }
    }

    fn feed(&mut self, input: Input) {
        self.delivery.handle(input, Instant::now().into_std());
    }

    fn stored(
        &mut self,
        positions: Vec<Position>,
        answer: Result<Result<Vec<Confirmed>, Fenced>, StoreError>,
    ) {
        if !matches!(answer, Ok(Err(Fenced))) {
            // Confirmations go to the store in their order, so these are the first.
            self.unkept.drain(..positions.len().min(self.unkept.len()));
        }
        match answer {
            Ok(Ok(confirmed)) => {
                let each = positions.into_iter().zip(confirmed);
                let (done, gone): (Vec<_>, Vec<_>) =
                    each.partition(|(_, confirmed)| *confirmed == Confirmed::Done);
                let positions = |each: Vec<(Position, Confirmed)>| {
                    each.into_iter().map(|(position, _)| position).collect()
                };
                self.feed(Input::Stored(positions(done)));
                // Its status is what became of it before; to say `ok` now might belie it.
                self.feed(Input::Gone(positions(gone)));
            }
            Ok(Err(Fenced)) => self.fenced = true,
            Err(error) => {
                tracing::warn!(client = %self.name, %error, "cannot keep confirmations");
                self.feed(Input::StoreFailed(positions));
            }
        }
    }

    fn perform(&mut self) {
        let mut confirmed = Vec::new();
        while let Some(output) = self.delivery.poll_output() {
            match output {
                Output::Send { message, again } => {
                    let metrics = &self.router.metrics;
                    if again {
                        metrics.sent_again.inc();
                    } else {
                        metrics.sent.inc();
                    }
                    self.frames.push_back(match &message.reference {
                        Some(reference) if self.listed.has(Feature::Ref) => {
                            message.frame.with_ref(reference)
                        }
                        _ => message.frame.plain(),
                    });
                }
                Output::Read { after, limit } => {
                    self.reading = Some(self.router.store.read(&self.lease, after, limit));
                }
                Output::Confirm(position) => self.to_confirm.push(position),
                Output::Confirmed(mid) => confirmed.push(mid),
            }
        }
        self.seat.hold_from(self.delivery.held_from());
        if self.silent != self.delivery.is_silent() {
            self.silent = self.delivery.is_silent();
            self.router.silent(&self.lease, self.silent);
        }
        if !confirmed.is_empty() {
            self.router.confirmed(&self.name, confirmed);
        }
    }
}

impl Drop for Recipient {
    fn drop(&mut self) {
        self.router.store.detach(&self.lease);
        self.router.left(&self.lease);
    }
}

/// Waits for an answer, if one is awaited. Cancel safe: the slot is emptied only by an answer.
async fn answered<F: Future + Unpin>(slot: &mut Option<F>) -> F::Output {
    match slot {
        Some(answer) => {
            let answer = answer.await;
            *slot = None;
            answer
        }
        None => std::future::pending().await,
    }
}

async fn confirmed(
    slot: &mut Option<Confirming>,
) -> (
    Vec<Position>,
    Result<Result<Vec<Confirmed>, Fenced>, StoreError>,
) {
    match slot {
        Some(confirming) => {
            let answer = (&mut confirming.answer).await;
            let positions = std::mem::take(&mut confirming.positions);
            *slot = None;
            (positions, answer)
        }
        None => std::future::pending().await,
    }
}
