//! Getting a client's receipts to its connection: which to read, which to send, which it knows already.
//! Pure: no clock, no socket, no store.
//!
//! A receipt is sent once per connection, in the order of the store; what the client confirms is taken
//! from the store. One of a message whose MESSAGE_REPLY is still to come is held back until it has
//! gone, and what that reply said is not said again.
//!
//! Invariants: at most [`WINDOW`] receipts are sent and unconfirmed or held back; a receipt leaves the
//! store only when the client has confirmed it, or was told it by a reply; what is remembered of replies
//! is bounded, and what is forgotten of them is said again.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use tidings_protocol::{Change, Name, State};

use crate::{
    mint::MidNumber,
    store::{KeptReceipt, Position},
};

/// Receipts sent and not confirmed, and held back, at most.
pub const WINDOW: usize = 64;
/// What replies said and receipts have not said yet, at most.
const SAID: usize = 4096;
/// Messages of which is known that a reply has gone: more than a sender has under way.
const REPLIED: usize = 512;
/// A read that failed is tried again after this; so often is looked whether a reply went another way.
const AGAIN: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The store has new receipts.
    Look,
    /// The read that was asked for came back; fewer than asked for: there are no more.
    Read(Vec<KeptReceipt>),
    /// It failed.
    ReadFailed,
    /// The client confirmed one.
    Taken(Change),
    /// A reply on a message has gone to the client, and said this of these.
    Replied(MidNumber, Vec<(Name, State)>),
    /// Time has passed.
    Timeout,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Read from the store.
    Read {
        /// From here on.
        after: Position,
        /// So many.
        limit: usize,
    },
    /// Send it to the client.
    Send(KeptReceipt),
    /// The store need not keep it any more.
    Take(Position),
}

/// What became of a message for somebody.
type Told = (MidNumber, Name, State);

/// See the module.
#[derive(Debug)]
pub struct Courier {
    read_to: Position,
    reading: Reading,
    /// Sent and not confirmed.
    sent: HashMap<Change, Position>,
    /// Held back, in the order of the store.
    held: VecDeque<KeptReceipt>,
    /// What replies said, the oldest first, and the same to look up.
    said: VecDeque<Told>,
    is_said: HashSet<Told>,
    /// Messages on which a reply has gone, the latest ones.
    replied: VecDeque<MidNumber>,
    again: Option<Instant>,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Nothing is in the store that was not read.
    Done,
    /// There may be more.
    Due,
    /// Under way, and this much was asked for; true: more was announced meanwhile.
    Asked(usize, bool),
    /// After a pause.
    Failed,
}

impl Default for Courier {
    fn default() -> Self {
        Self {
            read_to: Position::START,
            reading: Reading::Due,
            sent: HashMap::new(),
            held: VecDeque::new(),
            said: VecDeque::new(),
            is_said: HashSet::new(),
            replied: VecDeque::new(),
            again: None,
            outputs: VecDeque::new(),
        }
    }
}

impl Courier {
    /// Takes in what happened at `now`; `is_open` tells whether a reply on a message is still to come.
    pub fn handle(&mut self, input: Input, now: Instant, is_open: impl Fn(MidNumber) -> bool) {
        match input {
            Input::Look => match &mut self.reading {
                Reading::Asked(_, more) => *more = true,
                Reading::Failed => {}
                reading => *reading = Reading::Due,
            },
            Input::Read(receipts) => self.read(receipts, &is_open),
            Input::ReadFailed => {
                self.reading = Reading::Failed;
                self.again = Some(now + AGAIN);
            }
            Input::Taken(change) => {
                if let Some(position) = self.sent.remove(&change) {
                    self.outputs.push_back(Output::Take(position));
                }
            }
            Input::Replied(mid, said) => {
                // Of two replies, to a message and its repeat, the client goes by the first.
                if !self.replied.contains(&mid) {
                    if self.replied.len() >= REPLIED {
                        self.replied.pop_front();
                    }
                    self.replied.push_back(mid);
                    for (name, state) in said {
                        self.note((mid, name, state));
                    }
                }
                self.let_go(&is_open);
            }
            Input::Timeout => {
                if self.again.is_some_and(|again| again <= now) {
                    self.again = None;
                    if self.reading == Reading::Failed {
                        self.reading = Reading::Due;
                    }
                    self.let_go(&is_open);
                }
            }
        }
        if !self.held.is_empty() && self.again.is_none() {
            self.again = Some(now + AGAIN);
        }
        let room = WINDOW.saturating_sub(self.sent.len() + self.held.len());
        if self.reading == Reading::Due && room > 0 {
            self.reading = Reading::Asked(room, false);
            let after = self.read_to;
            self.outputs.push_back(Output::Read { after, limit: room });
        }
    }

    /// The messages of which it matters whether a reply is still to come, with this input.
    pub fn waiting<'a>(&'a self, input: &'a Input) -> impl Iterator<Item = MidNumber> + 'a {
        let read: &[KeptReceipt] = match input {
            Input::Read(receipts) => receipts,
            _ => &[],
        };
        self.held.iter().chain(read).map(|receipt| receipt.mid)
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due; it may come early.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.again
    }

    fn read(&mut self, receipts: Vec<KeptReceipt>, is_open: &impl Fn(MidNumber) -> bool) {
        self.reading = match self.reading {
            Reading::Asked(limit, more) if receipts.len() < limit && !more => Reading::Done,
            _ => Reading::Due,
        };
        for receipt in receipts {
            self.read_to = self.read_to.max(receipt.position);
            self.held.push_back(receipt);
        }
        self.let_go(is_open);
    }

    /// A reply said this.
    fn note(&mut self, told: Told) {
        if self.said.len() >= SAID
            && let Some(oldest) = self.said.pop_front()
        {
            self.is_said.remove(&oldest);
        }
        if self.is_said.insert(told.clone()) {
            self.said.push_back(told);
        }
    }

    /// Sends what need not be held back any more.
    fn let_go(&mut self, is_open: &impl Fn(MidNumber) -> bool) {
        for receipt in std::mem::take(&mut self.held) {
            let key = (receipt.mid, receipt.name.clone(), receipt.state.clone());
            if self.is_said.remove(&key) {
                self.said.retain(|said| *said != key);
                self.outputs.push_back(Output::Take(receipt.position));
            } else if is_open(receipt.mid) {
                self.held.push_back(receipt);
            } else {
                self.sent.insert(change(&receipt), receipt.position);
                self.outputs.push_back(Output::Send(receipt));
            }
        }
    }
}

fn change(receipt: &KeptReceipt) -> Change {
    Change {
        mid: receipt.mid.to_mid(),
        name: receipt.name.clone(),
        state: receipt.state.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid(number: u64) -> MidNumber {
        MidNumber::new(1_795_414_000_000 + number).unwrap()
    }

    fn receipt(position: u64, of: u64, state: State) -> KeptReceipt {
        KeptReceipt {
            position: Position::new(position),
            mid: mid(of),
            reference: None,
            name: Name::new("ann").unwrap(),
            state,
            at_ms: 0,
            note: None,
        }
    }

    /// What is done, in short words.
    fn done(courier: &mut Courier) -> Vec<String> {
        std::iter::from_fn(|| courier.poll_output())
            .map(|output| match output {
                Output::Read { after, limit } => format!("read {} {limit}", after.number()),
                Output::Send(receipt) => format!("send {}", receipt.position.number()),
                Output::Take(position) => format!("take {}", position.number()),
            })
            .collect()
    }

    fn begun() -> (Courier, Instant) {
        let (mut courier, now) = (Courier::default(), Instant::now());
        courier.handle(Input::Look, now, |_| false);
        assert_eq!(done(&mut courier), ["read 0 64"]);
        (courier, now)
    }

    #[test]
    fn receipts_are_sent_once_and_taken_when_confirmed() {
        let (mut courier, now) = begun();
        let closed = |_| false;
        let first = receipt(3, 1, State::Read);
        courier.handle(Input::Read(vec![first.clone()]), now, closed);
        assert_eq!(done(&mut courier), ["send 3"]);
        courier.handle(Input::Look, now, closed);
        assert_eq!(done(&mut courier), ["read 3 63"]);
        courier.handle(Input::Read(Vec::new()), now, closed);
        let taken = || Input::Taken(change(&first));
        courier.handle(taken(), now, closed);
        assert_eq!(done(&mut courier), ["take 3"]);
        courier.handle(taken(), now, closed);
        assert!(done(&mut courier).is_empty());
    }

    #[test]
    fn what_the_reply_says_is_not_said_again_and_the_rest_comes_after_it() {
        let (mut courier, now) = begun();
        let ann = || (Name::new("ann").unwrap(), State::Ok);
        let both = vec![receipt(1, 1, State::Ok), receipt(2, 1, State::Read)];
        courier.handle(Input::Read(both), now, |_| true);
        assert!(done(&mut courier).is_empty() && courier.poll_timeout().is_some());
        courier.handle(Input::Replied(mid(1), vec![ann()]), now, |_| false);
        assert_eq!(done(&mut courier), ["take 1", "send 2"]);
        // The reply may come before the receipt was read.
        courier.handle(Input::Replied(mid(2), vec![ann()]), now, |_| false);
        courier.handle(Input::Look, now, |_| false);
        done(&mut courier);
        courier.handle(Input::Read(vec![receipt(3, 2, State::Ok)]), now, |_| false);
        assert_eq!(done(&mut courier), ["take 3"]);
    }

    #[test]
    fn only_the_first_of_two_replies_counts() {
        let (mut courier, now) = begun();
        let ann = || (Name::new("ann").unwrap(), State::Ok);
        courier.handle(Input::Replied(mid(1), Vec::new()), now, |_| true);
        courier.handle(Input::Replied(mid(1), vec![ann()]), now, |_| false);
        courier.handle(Input::Read(vec![receipt(1, 1, State::Ok)]), now, |_| false);
        assert_eq!(done(&mut courier)[0], "send 1");
    }

    #[test]
    fn a_reply_that_went_another_way_holds_nothing_back() {
        let (mut courier, now) = begun();
        courier.handle(Input::Read(vec![receipt(1, 1, State::Ok)]), now, |_| true);
        assert!(done(&mut courier).is_empty());
        courier.handle(Input::Timeout, now + AGAIN, |_| false);
        assert_eq!(done(&mut courier), ["send 1"]);
    }

    #[test]
    fn no_more_are_read_than_the_window_holds() {
        let (mut courier, now) = begun();
        let all: Vec<_> = (1..=64).map(|n| receipt(n, n, State::Ok)).collect();
        let first = change(&all[0]);
        courier.handle(Input::Read(all), now, |_| false);
        assert_eq!(done(&mut courier).len(), WINDOW);
        courier.handle(Input::Taken(first), now, |_| false);
        assert_eq!(done(&mut courier), ["take 1", "read 64 1"]);
        courier.handle(Input::ReadFailed, now, |_| false);
        let again = courier.poll_timeout().unwrap();
        courier.handle(Input::Timeout, again, |_| false);
        assert_eq!(done(&mut courier), ["read 64 1"]);
    }
}
