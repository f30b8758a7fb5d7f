//! What became of a message, and who is waiting to hear it. Pure: no clock, no socket, no store.
//!
//! A receipt is opened before its message goes to the store, because a recipient may confirm
//! before the sender's side has heard from the store.
//!
//! Invariants: every waiter is answered exactly once, as soon as every status is final, else at its
//! deadline; never before the message is durable; a final status never changes; a receipt without
//! waiters is gone.

pub mod courier;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Instant,
};

use tidings_protocol::{Name, Ref, Status, Statuses};

use crate::mint::MidNumber;

/// Above so many recipients a receipt keeps an index of them.
const SCANNED: usize = 16;

/// Who waits, and until when.
#[derive(Debug)]
pub struct Waiter<R> {
    /// Where the answer goes.
    pub to: R,
    /// The sender's own id, to be echoed.
    pub reference: Option<Ref>,
    /// When it wants an answer at the latest.
    pub deadline: Instant,
}

/// What happened.
#[derive(Debug)]
pub enum Input<R> {
    /// A message goes to the store.
    Open {
        /// Its mid.
        mid: MidNumber,
        /// Its recipients, with what is known of them.
        statuses: Statuses,
        /// Who waits.
        waiter: Waiter<R>,
    },
    /// The message is durable, except for these recipients, for whom it was refused.
    Stored {
        /// Its mid.
        mid: MidNumber,
        /// The refused.
        refused: Vec<Name>,
    },
    /// It had been accepted before under another mid.
    Duplicate {
        /// The mid it was opened under.
        mid: MidNumber,
        /// The mid it was accepted under.
        first: MidNumber,
        /// What became of it so far.
        statuses: Statuses,
    },
    /// It was not stored at all.
    Failed(MidNumber),
    /// Nobody will say what became of storing it; nobody listens either.
    Abandoned(MidNumber),
    /// A recipient's confirmation is durable.
    Confirmed {
        /// Its mid.
        mid: MidNumber,
        /// Whose.
        name: Name,
    },
    /// It came further on its way to a recipient, durably: pushed, or confirmed as a push.
    Became {
        /// Its mid.
        mid: MidNumber,
        /// Whose.
        name: Name,
        /// What it is now.
        status: Status,
    },
    /// Time has passed.
    Timeout,
}

/// An answer that is due.
#[derive(Debug)]
pub struct Output<R> {
    /// The message's mid.
    pub mid: MidNumber,
    /// Where the answer goes.
    pub to: R,
    /// What became of it.
    pub statuses: Statuses,
    /// The sender's own id, to be echoed.
    pub reference: Option<Ref>,
}

/// All open receipts.
#[derive(Debug)]
pub struct Receipts<R> {
    open: HashMap<MidNumber, Receipt<R>>,
    deadlines: BTreeSet<(Instant, MidNumber)>,
    /// Receipts beyond this are answered as soon as they are durable.
    bound: usize,
    outputs: VecDeque<Output<R>>,
}

#[derive(Debug)]
struct Receipt<R> {
    statuses: Statuses,
    /// Where each name stands, if there are many.
    index: HashMap<Name, usize>,
    /// How many are not final.
    undecided: usize,
    durable: bool,
    waiters: Vec<Waiter<R>>,
}

impl<R> Receipts<R> {
    /// None open yet, at most `bound` of them at once.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self {
            open: HashMap::new(),
            deadlines: BTreeSet::new(),
            bound,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now`; the answers then due stand in [`Self::poll_output`].
    pub fn handle(&mut self, input: Input<R>, now: Instant) {
        match input {
            Input::Open {
                mid,
                statuses,
                mut waiter,
            } => {
                if self.open.len() >= self.bound {
                    waiter.deadline = now;
                }
                self.wait(mid, || Receipt::new(statuses), waiter);
            }
            Input::Stored { mid, refused } => {
                if let Some(receipt) = self.open.get_mut(&mid) {
                    receipt.durable = true;
                    for name in &refused {
                        receipt.decide(name, Status::No);
                    }
                    self.settle(mid, now);
                }
            }
            Input::Duplicate {
                mid,
                first,
                statuses,
            } => {
                for waiter in self.close(mid) {
                    self.wait(first, || Receipt::new(statuses.clone()), waiter);
                }
                if let Some(receipt) = self.open.get_mut(&first) {
                    receipt.durable = true;
                }
                self.settle(first, now);
            }
            Input::Failed(mid) => {
                if let Some(receipt) = self.open.get_mut(&mid) {
                    receipt.durable = true;
                    receipt.undecided = 0;
                    for (_, status) in &mut receipt.statuses {
                        *status = Status::No;
                    }
                    self.settle(mid, now);
                }
            }
            Input::Abandoned(mid) => drop(self.close(mid)),
            Input::Confirmed { mid, name } => {
                if let Some(receipt) = self.open.get_mut(&mid) {
                    receipt.decide(&name, Status::Ok);
                    self.settle(mid, now);
                }
            }
            Input::Became { mid, name, status } => {
                if let Some(receipt) = self.open.get_mut(&mid) {
                    receipt.decide(&name, status);
                    self.settle(mid, now);
                }
            }
            Input::Timeout => {
                while let Some(&(deadline, mid)) = self.deadlines.first()
                    && deadline <= now
                {
                    self.deadlines.pop_first();
                    self.settle(mid, now);
                }
            }
        }
    }

    /// Whether somebody still waits to hear of a message.
    #[must_use]
    pub fn is_open(&self, mid: MidNumber) -> bool {
        self.open.contains_key(&mid)
    }

    /// The next answer that is due.
    pub fn poll_output(&mut self) -> Option<Output<R>> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due; it may come early.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    fn wait(&mut self, mid: MidNumber, new: impl FnOnce() -> Receipt<R>, waiter: Waiter<R>) {
        self.deadlines.insert((waiter.deadline, mid));
        self.open
            .entry(mid)
            .or_insert_with(new)
            .waiters
            .push(waiter);
    }

    fn close(&mut self, mid: MidNumber) -> Vec<Waiter<R>> {
        let waiters = self.open.remove(&mid).map_or_else(Vec::new, |r| r.waiters);
        for waiter in &waiters {
            self.deadlines.remove(&(waiter.deadline, mid));
        }
        waiters
    }

    /// Answers those whose answer is due.
    fn settle(&mut self, mid: MidNumber, now: Instant) {
        let Some(receipt) = self.open.get_mut(&mid) else {
            return;
        };
        if !receipt.durable {
            return;
        }
        let decided = receipt.undecided == 0;
        let due: Vec<_> = receipt
            .waiters
            .extract_if(.., |waiter| decided || waiter.deadline <= now)
            .collect();
        let statuses = if receipt.waiters.is_empty() {
            std::mem::take(&mut receipt.statuses)
        } else {
            receipt.statuses.clone()
        };
        if receipt.waiters.is_empty() {
            self.open.remove(&mid);
        }
        for waiter in due {
            self.deadlines.remove(&(waiter.deadline, mid));
            self.outputs.push_back(Output {
                mid,
                to: waiter.to,
                statuses: statuses.clone(),
                reference: waiter.reference,
            });
        }
    }
}

impl<R> Receipt<R> {
    fn new(statuses: Statuses) -> Self {
        let index = if statuses.len() > SCANNED {
            let names = statuses.iter().enumerate();
            names.map(|(at, (name, _))| (name.clone(), at)).collect()
        } else {
            HashMap::new()
        };
        Self {
            undecided: statuses.iter().filter(|(_, s)| !s.is_final()).count(),
            statuses,
            index,
            durable: false,
            waiters: Vec::new(),
        }
    }

    fn decide(&mut self, name: &Name, status: Status) {
        let at = if self.index.is_empty() {
            self.statuses.iter().position(|(n, _)| n == name)
        } else {
            self.index.get(name).copied()
        };
        if let Some(at) = at
            && let Some((_, slot)) = self.statuses.get_mut(at)
            && !slot.is_final()
        {
            if status.is_final() {
                self.undecided -= 1;
            }
            *slot = status;
        }
    }
}

#[cfg(test)]
mod tests;
