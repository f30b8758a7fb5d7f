//! Messages that are taken back: what is queued here at once, what relays hold by asking them.
//!
//! Owns the questions that are under way. Invariant: each is answered once: when all of its relays have
//! spoken, when one of them cannot be reached, or when it took too long.

use std::time::Duration;

use tidings_protocol::{Cancelled, Mid, client};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Reception;
use crate::clock;
use crate::inbox::Held;
use crate::types::{Event, Failure, MessageId, RelayId};
use crate::words::Wrong;

/// How long a relay may take to say whether it took a message back.
const ANSWER: Duration = Duration::from_secs(10);

/// Questions under way at most; beyond them a person is asked to try again.
const UNDER_WAY: usize = 64;

/// An order to take a message back.
#[derive(Debug)]
pub(crate) struct Cancel {
    /// Which sent message.
    pub(crate) id: MessageId,
    /// Who wants to know what came of it.
    pub(crate) reply: oneshot::Sender<Result<(), Failure>>,
}

/// A question that is under way.
#[derive(Debug)]
pub(super) struct Asked {
    reply: oneshot::Sender<Result<(), Failure>>,
    /// What relays hold and have not spoken of.
    open: Vec<Held>,
    until: Instant,
    /// Some of it was taken back.
    some: bool,
    /// Some of it was too late.
    late: bool,
}

impl Asked {
    fn answer(self, outcome: Result<(), Failure>) {
        // Whoever asked may have gone.
        let _ = self.reply.send(outcome);
    }

    /// What came of it, once all have spoken.
    fn outcome(&self) -> Result<(), Failure> {
        match (self.late, self.some) {
            (false, _) => Ok(()),
            (true, true) => Err(Failure::Invalid(Wrong::PartlyTooLate.into())),
            (true, false) => Err(Failure::Invalid(Wrong::TooLate.into())),
        }
    }
}

impl Reception {
    pub(super) async fn cancel(&mut self, cancel: Cancel) {
        let Cancel { id, reply } = cancel;
        let back = match self.parts.inbox.take_back(id).await {
            Ok(Some(back)) => back,
            Ok(None) => {
                let gone = Failure::NotFound(Wrong::SentGone.into());
                return drop(reply.send(Err(gone)));
            }
            Err(error) => return drop(reply.send(Err(error.into()))),
        };
        let some = back.sent.parcels.len() > back.late + back.held.len();
        self.tell(Event::Sent(back.sent));
        let asked = Asked {
            reply,
            open: back.held,
            until: Instant::now() + ANSWER,
            some,
            late: back.late > 0,
        };
        if self.cancels.len() >= UNDER_WAY {
            return asked.answer(Err(Failure::System(Wrong::Busy.into())));
        }
        for held in &asked.open {
            if !self.ask_to_cancel(held) {
                return asked.answer(Err(Failure::System(Wrong::HeldElsewhere.into())));
            }
        }
        self.cancels.push(asked);
        self.answer_cancels();
    }

    /// False where the relay cannot be asked now.
    fn ask_to_cancel(&mut self, held: &Held) -> bool {
        let online = self.is_online(&held.relay);
        let line = self.members.get(&held.relay).and_then(|m| m.line.as_ref());
        match (line, Mid::new(&held.mid)) {
            (Some(line), Ok(mid)) if online => {
                let cancel = tidings_protocol::Cancel::Mid(mid);
                line.handle.say(client::Packet::Cancel(cancel));
                true
            }
            _ => false,
        }
    }

    /// A relay says what came of it.
    pub(super) async fn cancelled(&mut self, relay: &RelayId, cancelled: Cancelled) {
        let Some(mid) = cancelled.mid.map(|mid| mid.to_string()) else {
            return;
        };
        let is_it = |held: &Held| held.relay == *relay && held.mid == mid;
        let mut parcel = None;
        for asked in &mut self.cancels {
            let before = asked.open.len();
            parcel = parcel.or(asked.open.iter().find(|h| is_it(h)).map(|h| h.parcel));
            asked.open.retain(|held| !is_it(held));
            if asked.open.len() < before {
                asked.some |= cancelled.cancelled;
                asked.late |= !cancelled.cancelled;
            }
        }
        if let (Some(parcel), true) = (parcel, cancelled.cancelled) {
            let back = self.parts.inbox.taken_back(parcel, clock::now()).await;
            if let Some(Some(sent)) = self.disk(back) {
                self.tell(Event::Sent(sent));
            }
        }
        self.answer_cancels();
    }

    /// When the next question has taken too long.
    pub(super) fn cancel_due(&self) -> Option<Instant> {
        self.cancels.iter().map(|asked| asked.until).min()
    }

    /// The line to that relay is gone: what it was asked, it will not answer.
    pub(super) fn cancels_lost(&mut self, relay: &RelayId) {
        let lost = |asked: &mut Asked| asked.open.iter().any(|held| held.relay == *relay);
        for asked in self.cancels.extract_if(.., lost) {
            asked.answer(Err(Failure::System(Wrong::HeldElsewhere.into())));
        }
    }

    /// Answers what can be answered, and what has taken too long.
    pub(super) fn answer_cancels(&mut self) {
        for asked in self.cancels.extract_if(.., |asked| asked.open.is_empty()) {
            let outcome = asked.outcome();
            asked.answer(outcome);
        }
        let now = Instant::now();
        for asked in self.cancels.extract_if(.., |asked| asked.until <= now) {
            asked.answer(Err(Failure::System(Wrong::CancelSilent.into())));
        }
    }
}
