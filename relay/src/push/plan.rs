//! When which recipient's next message is pushed, and again after it failed. Pure: no clock, no
//! socket, no store.
//!
//! It knows who has a subscription and who has a socket that confirms, but no messages: those are in
//! the store, which is asked for the next one whenever there is a place for it. So whatever is
//! confirmed or expires meanwhile is not pushed.
//!
//! Invariants:
//! - nothing is pushed to a recipient whose socket confirms; a socket that has let a message's first
//!   re-send come is none until it confirms something;
//! - one push per recipient is under way at most, so that pushes go in the order of the messages,
//!   and [`Policy::at_once`] over all; who is next, waits in line;
//! - a message is tried [`Policy::attempts`] times at most for a subscription, not counting what was
//!   under way when that came, and given up, it stays queued for the recipient's socket; one that is
//!   too large is shortened once;
//! - a subscription that is gone is forgotten, unless the client has registered anew meanwhile;
//! - whoever may have something to be pushed is in line, being served, or has a timeout.

mod recipient;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use tidings_protocol::Name;

use self::recipient::{Doing, Recipient, Tried, Verdict};
use super::{Outcome, letter::Length};
use crate::{
    mint::MidNumber,
    store::{Position, Pushed, ToPush},
};

/// How a plan is to go about it.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Pushes under way at once.
    pub at_once: usize,
    /// How often a message is tried before it is given up.
    pub attempts: u32,
    /// The first pause after a failure; each is twice the one before.
    pub pause: Duration,
    /// The longest of these.
    pub pause_max: Duration,
    /// The longest pause that a push service is granted.
    pub asked_max: Duration,
    /// How long what waited before a start waits on: clients come back by themselves, and then need
    /// no push.
    pub settle: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            // Some hundred pushes a second to services that answer in 100 ms.
            at_once: 32,
            // With the pauses below, three quarters of an hour.
            attempts: 9,
            pause: Duration::from_secs(15),
            pause_max: Duration::from_mins(15),
            // A service that wants longer has the message in its socket's queue meanwhile.
            asked_max: Duration::from_hours(1),
            // Clients come back 3 s after a close.
            settle: Duration::from_secs(10),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The recipient had a subscription when the relay started.
    Known(Name),
    /// The recipient has a new subscription.
    Subscribed(Name),
    /// The recipient has a socket; `epoch` grows from one to the next.
    Connected {
        /// Whose.
        name: Name,
        /// Which.
        epoch: u64,
    },
    /// That socket has let the time pass in which it should have confirmed.
    Silent {
        /// Whose.
        name: Name,
        /// Which.
        epoch: u64,
    },
    /// That socket has confirmed something.
    Confirming {
        /// Whose.
        name: Name,
        /// Which.
        epoch: u64,
    },
    /// That socket has ended.
    Left {
        /// Whose.
        name: Name,
        /// Which.
        epoch: u64,
    },
    /// A message waits for the recipient.
    Queued(Name),
    /// The answer to [`Output::Next`].
    Next(Name, Option<Box<ToPush>>),
    /// The store failed to answer it.
    NextFailed(Name),
    /// What became of [`Output::Push`].
    Pushed(Name, Outcome),
    /// The message of [`Output::Push`] did not wait any more.
    Vanished(Name),
    /// Time has passed.
    Timeout,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the store for the recipient's next message after this position.
    Next(Name, Position),
    /// Note that the message is being handed over, unless it does not wait any more, and push it.
    Push(Name, Box<ToPush>, Length),
    /// Note how far a message's push came.
    Note(Name, MidNumber, Pushed),
    /// Forget the recipient's subscription, if it is still at this endpoint.
    Forget(Name, String),
}

/// After this, a store that failed is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Socket {
    epoch: u64,
    silent: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Plan {
    policy: Policy,
    recipients: HashMap<Name, Recipient>,
    sockets: HashMap<Name, Socket>,
    line: VecDeque<Name>,
    pauses: BTreeSet<(Instant, Name)>,
    /// How many are being asked for or pushed.
    busy: usize,
    outputs: VecDeque<Output>,
}

impl Plan {
    /// A plan for nobody yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            recipients: HashMap::new(),
            sockets: HashMap::new(),
            line: VecDeque::new(),
            pauses: BTreeSet::new(),
            busy: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now`; what is to be done then stands in [`Self::poll_output`].
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Known(name) => {
                let settled = now + self.policy.settle;
                let recipient = self.recipients.entry(name.clone());
                recipient.or_insert_with(Recipient::new).settling = true;
                self.pause(&name, Some(settled));
            }
            Input::Subscribed(name) => self.subscribed(&name),
            Input::Connected { name, epoch } => self.connected(name, epoch),
            Input::Silent { name, epoch } => self.heard(&name, epoch, true),
            Input::Confirming { name, epoch } => self.heard(&name, epoch, false),
            Input::Left { name, epoch } => {
                if self.sockets.get(&name).is_some_and(|s| s.epoch == epoch) {
                    self.sockets.remove(&name);
                    self.look(&name);
                }
            }
            Input::Queued(name) => {
                if self.recipients.get(&name).is_some_and(|r| r.settling) {
                    self.pause(&name, None);
                }
                self.look(&name);
            }
            Input::Next(name, message) => self.next(&name, message),
            Input::NextFailed(name) => {
                self.free(&name);
                self.pause(&name, Some(now + ASK_AGAIN));
            }
            Input::Pushed(name, outcome) => self.pushed(&name, outcome, now),
            Input::Vanished(name) => {
                self.free(&name);
                if let Some(recipient) = self.recipients.get_mut(&name) {
                    recipient.tried = None;
                }
                self.join(&name);
            }
            Input::Timeout => {
                while let Some((at, _)) = self.pauses.first()
                    && *at <= now
                    && let Some((_, name)) = self.pauses.pop_first()
                {
                    if let Some(recipient) = self.recipients.get_mut(&name) {
                        recipient.pause = None;
                        recipient.settling = false;
                    }
                    self.join(&name);
                }
            }
        }
        self.serve();
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether there is something to be done.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// When [`Input::Timeout`] is due; it may come early.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.pauses.first().map(|(at, _)| *at)
    }

    /// Whether a message is to be pushed, but waits for an earlier one of its recipient.
    #[must_use]
    pub fn holds_back(&self, name: &Name, mid: MidNumber) -> bool {
        let recipient = self.recipients.get(name).filter(|_| !self.is_live(name));
        let tried = recipient.and_then(|recipient| recipient.tried);
        tried.is_some_and(|tried| tried.mid < mid)
    }

    /// Whether the recipient has a socket that confirms.
    fn is_live(&self, name: &Name) -> bool {
        self.sockets.get(name).is_some_and(|socket| !socket.silent)
    }

    fn subscribed(&mut self, name: &Name) {
        self.pause(name, None);
        let recipient = self.recipients.entry(name.clone());
        let recipient = recipient.or_insert_with(Recipient::new);
        recipient.subscribed_since = true;
        recipient.after = Position::START;
        recipient.failures = 0;
        if !matches!(recipient.doing, Doing::Pushing { .. }) {
            recipient.tried = None;
        }
        self.look(name);
    }

    fn connected(&mut self, name: Name, epoch: u64) {
        if self.sockets.get(&name).is_some_and(|s| s.epoch > epoch) {
            return;
        }
        // What waited for another try is the socket's from here on.
        if let Some(recipient) = self.recipients.get(&name)
            && let Some(tried) = recipient.tried
            && matches!(recipient.doing, Doing::Nothing | Doing::InLine)
        {
            let note = Output::Note(name.clone(), tried.mid, Pushed::No);
            self.outputs.push_back(note);
        }
        let silent = false;
        self.sockets.insert(name, Socket { epoch, silent });
    }

    fn heard(&mut self, name: &Name, epoch: u64, silent: bool) {
        let Some(socket) = self.sockets.get_mut(name).filter(|s| s.epoch == epoch) else {
            return;
        };
        socket.silent = silent;
        if silent {
            self.look(name);
        }
    }

    /// There may be something for the recipient.
    fn look(&mut self, name: &Name) {
        if let Some(recipient) = self.recipients.get_mut(name) {
            recipient.more = true;
            recipient.more_since = true;
            self.join(name);
        }
    }

    /// Puts the recipient in line, if it has anything to wait there for.
    fn join(&mut self, name: &Name) {
        let live = self.is_live(name);
        if let Some(recipient) = self.recipients.get_mut(name)
            && recipient.doing == Doing::Nothing
            && recipient.more
            && recipient.pause.is_none()
            && !live
        {
            recipient.doing = Doing::InLine;
            self.line.push_back(name.clone());
        }
    }

    /// Gives the places that are free to those in line.
    fn serve(&mut self) {
        while self.busy < self.policy.at_once.max(1)
            && let Some(name) = self.line.pop_front()
        {
            let live = self.is_live(&name);
            let Some(recipient) = self.recipients.get_mut(&name) else {
                continue;
            };
            if live || recipient.pause.is_some() {
                recipient.doing = Doing::Nothing;
                continue;
            }
            recipient.doing = Doing::Asking;
            recipient.more_since = false;
            recipient.subscribed_since = false;
            self.busy += 1;
            self.outputs.push_back(Output::Next(name, recipient.after));
        }
    }

    /// The recipient's place is free again; where it pushed to, if it did.
    fn free(&mut self, name: &Name) -> Option<(Position, String)> {
        let recipient = self.recipients.get_mut(name)?;
        match std::mem::replace(&mut recipient.doing, Doing::Nothing) {
            Doing::Asking => {
                self.busy -= 1;
                None
            }
            Doing::Pushing { position, endpoint } => {
                self.busy -= 1;
                Some((position, endpoint))
            }
            Doing::Nothing => None,
            Doing::InLine => {
                recipient.doing = Doing::InLine;
                None
            }
        }
    }

    fn next(&mut self, name: &Name, message: Option<Box<ToPush>>) {
        let live = self.is_live(name);
        let Some(recipient) = self.recipients.get_mut(name) else {
            return;
        };
        match message {
            Some(message) if recipient.doing == Doing::Asking && !live => {
                let mut tried = Tried {
                    mid: message.mid,
                    attempts: 0,
                    length: Length::Whole,
                };
                if let Some(before) = recipient.tried.filter(|before| before.mid == message.mid) {
                    tried = before;
                }
                recipient.tried = Some(tried);
                recipient.doing = Doing::Pushing {
                    position: message.position,
                    endpoint: message.subscription.endpoint.clone(),
                };
                self.outputs
                    .push_back(Output::Push(name.clone(), message, tried.length));
            }
            Some(_) => drop(self.free(name)),
            None => {
                recipient.more = recipient.more_since;
                recipient.tried = None;
                self.free(name);
                self.join(name);
            }
        }
    }

    fn pushed(&mut self, name: &Name, outcome: Outcome, now: Instant) {
        let Some((position, endpoint)) = self.free(name) else {
            return;
        };
        if outcome == Outcome::Gone {
            self.outputs
                .push_back(Output::Forget(name.clone(), endpoint));
        }
        let live = self.is_live(name);
        let Some(recipient) = self.recipients.get_mut(name) else {
            return;
        };
        let Some(mid) = recipient.tried.map(|tried| tried.mid) else {
            return;
        };
        let note = |pushed| Output::Note(name.clone(), mid, pushed);
        let pause = match recipient.judge(&outcome, position, &self.policy) {
            Verdict::Done(pushed, pause) => {
                self.outputs.push_back(note(pushed));
                pause
            }
            Verdict::Unsubscribed => {
                self.outputs.push_back(note(Pushed::No));
                self.pause(name, None);
                self.recipients.remove(name);
                return;
            }
            Verdict::Again(pause) => {
                if live {
                    // It is its socket's from here on.
                    self.outputs.push_back(note(Pushed::No));
                }
                pause
            }
        };
        self.pause(name, pause.map(|pause| now + pause));
        self.join(name);
    }

    fn pause(&mut self, name: &Name, until: Option<Instant>) {
        let Some(recipient) = self.recipients.get_mut(name) else {
            return;
        };
        if let Some(at) = recipient.pause.take() {
            self.pauses.remove(&(at, name.clone()));
        }
        recipient.pause = until;
        match until {
            Some(at) => drop(self.pauses.insert((at, name.clone()))),
            None => recipient.settling = false,
        }
    }
}

#[cfg(test)]
mod tests;
