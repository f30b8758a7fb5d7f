//! Whatever a store, a client and a clock do to a delivery, in any order: messages leave in order and once, within
//! the window, never after their confirmation or end; something is always under way; and when the world
//! behaves again, everything arrives.
//!
//! The world here is as naive as can be: sets of numbers. It allows what the store's promises allow: reads that
//! see the store early or late, announcements that are lost or repeated, failures, and messages settled by another
//! way while a confirmation is under way.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tidings_relay::delivery::{Delivery, Input, Output, Policy, WINDOW_BYTES};
use tidings_relay::store::{Batch, Position, Queued};
use tidings_relay::{Frame, MidNumber};

const RETRY: Duration = Duration::from_secs(3);
const RETRY_MAX: Duration = Duration::from_secs(10);
/// A read that failed is tried again within this.
const READ_AGAIN: Duration = Duration::from_secs(1);
const FIRST: u64 = 1_795_414_000_000;
/// More than a delivery holds at once, several times.
const ACCEPTED: u64 = 5000;

/// Shared, as the relay shares them: a script of large messages costs no memory.
static FRAMES: LazyLock<[Frame; 4]> = LazyLock::new(|| {
    [10, 300_000, WINDOW_BYTES / 3, WINDOW_BYTES + 1].map(|bytes| Frame::stored("x".repeat(bytes)))
});

#[derive(Arbitrary, Debug)]
struct Script {
    window: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    /// The store accepts messages; it announces them or loses that.
    Accept {
        times: u8,
        size: u8,
        announced: bool,
    },
    /// The store announces something again that still waits.
    Repeat(u16),
    Look,
    /// The store executes the read under way; what happens from here on is not in it.
    Execute {
        limit: u8,
    },
    AnswerRead {
        fail: bool,
    },
    /// The client confirms one that was sent, or some number of its own making.
    Confirm(u16),
    ConfirmAny(u16),
    AnswerConfirms {
        fail: bool,
    },
    /// Expired, or settled by HTTP.
    GiveUp(u16),
    GiveUpConfirming(u16),
    Wait {
        millis: u16,
        blocked: bool,
    },
}

enum Reading {
    Asked { after: Position, limit: usize },
    Executed(Batch),
}

struct World {
    delivery: Delivery,
    window: usize,
    now: Instant,
    accepted: Vec<u8>,
    waiting: BTreeSet<u64>,
    /// Sent and unconfirmed, with the time of the last sending.
    sent: BTreeMap<u64, Instant>,
    confirming: Vec<u64>,
    /// Of those, what is settled already.
    settled: BTreeSet<u64>,
    given_up: usize,
    done: BTreeSet<u64>,
    reading: Option<Reading>,
}

fuzz_target!(|script: Script| {
    let window = usize::from(script.window % 9);
    let policy = Policy {
        window,
        retry: RETRY,
        retry_max: RETRY_MAX,
    };
    let mut world = World {
        delivery: Delivery::new(policy),
        window: window.max(1),
        now: Instant::now(),
        accepted: Vec::new(),
        waiting: BTreeSet::new(),
        sent: BTreeMap::new(),
        confirming: Vec::new(),
        settled: BTreeSet::new(),
        given_up: 0,
        done: BTreeSet::new(),
        reading: None,
    };
    world.perform(false);
    for step in script.steps {
        world.step(step);
        world.something_is_under_way();
    }
    world.drain();
});

impl World {
    fn queued(&self, n: u64) -> Queued {
        let size = self.accepted[n as usize];
        Queued {
            position: Position::new(FIRST + n),
            mid: MidNumber::new(FIRST + n).unwrap(),
            frame: FRAMES[usize::from(size) % FRAMES.len()].clone(),
            reference: None,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Accept {
                times,
                size,
                announced,
            } => {
                for _ in 0..times {
                    let n = self.accepted.len() as u64;
                    if n == ACCEPTED {
                        break;
                    }
                    self.accepted.push(size);
                    self.waiting.insert(n);
                    let message = self.queued(n);
                    self.feed(if announced {
                        Input::Announced(message)
                    } else {
                        Input::Look
                    });
                }
            }
            Step::Repeat(index) => {
                let left: Vec<_> = self
                    .waiting
                    .iter()
                    .chain(self.sent.keys())
                    .copied()
                    .collect();
                if let Some(n) = pick(&left, index) {
                    self.feed(Input::Announced(self.queued(n)));
                }
            }
            Step::Look => self.feed(Input::Look),
            Step::Execute { limit } => self.execute(usize::from(limit)),
            Step::AnswerRead { fail } => self.answer_read(fail),
            Step::Confirm(index) => {
                let sent: Vec<_> = self.sent.keys().copied().collect();
                if let Some(n) = pick(&sent, index) {
                    self.confirm(n);
                }
            }
            Step::ConfirmAny(n) => self.confirm(u64::from(n)),
            Step::AnswerConfirms { fail } => self.answer_confirms(fail),
            Step::GiveUp(index) => {
                let left: Vec<_> = self
                    .waiting
                    .iter()
                    .chain(self.sent.keys())
                    .copied()
                    .collect();
                if let Some(n) = pick(&left, index) {
                    self.waiting.remove(&n);
                    self.sent.remove(&n);
                    self.given_up += 1;
                    self.feed(Input::Expired(vec![Position::new(FIRST + n)]));
                }
            }
            Step::GiveUpConfirming(index) => {
                if let Some(n) = pick(&self.confirming, index) {
                    self.settled.insert(n);
                    self.feed(Input::Expired(vec![Position::new(FIRST + n)]));
                }
            }
            Step::Wait { millis, blocked } => {
                self.now += Duration::from_millis(u64::from(millis));
                self.timeout(blocked);
            }
        }
    }

    fn confirm(&mut self, n: u64) {
        self.feed(Input::Confirm(MidNumber::new(FIRST + n).unwrap()));
    }

    fn execute(&mut self, at_most: usize) {
        let Some(Reading::Asked { after, limit }) = self.reading else {
            return;
        };
        // All that the store still has: what is confirming is in it too.
        let mut held: BTreeSet<_> = self
            .waiting
            .iter()
            .chain(self.sent.keys())
            .copied()
            .collect();
        held.extend(self.confirming.iter().filter(|n| !self.settled.contains(n)));
        let held: Vec<_> = held
            .into_iter()
            .filter(|n| FIRST + n > after.number())
            .collect();
        // A store may give fewer than it has, but not none.
        let limit = limit.min(at_most.max(1));
        let messages: Vec<_> = held.iter().take(limit).map(|n| self.queued(*n)).collect();
        let end = held.len() <= limit;
        self.reading = Some(Reading::Executed(Batch { messages, end }));
    }

    fn answer_read(&mut self, fail: bool) {
        match self.reading.take() {
            Some(Reading::Executed(batch)) if !fail => self.feed(Input::Read(batch)),
            Some(_) if fail => self.feed(Input::ReadFailed),
            asked => self.reading = asked,
        }
    }

    fn answer_confirms(&mut self, fail: bool) {
        let settled = std::mem::take(&mut self.settled);
        let (gone, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.confirming)
            .into_iter()
            .partition(|n| settled.contains(n));
        let positions = |list: &[u64]| list.iter().map(|n| Position::new(FIRST + n)).collect();
        self.given_up += gone.len();
        if fail {
            // Whenever it was sent last, it may be sent again a pause from now.
            self.sent.extend(open.iter().map(|n| (*n, self.now)));
            let all: Vec<_> = gone.into_iter().chain(open).collect();
            self.feed(Input::StoreFailed(positions(&all)));
        } else {
            let before = self.done.len();
            self.feed(Input::Stored(positions(&open)));
            self.feed(Input::Gone(positions(&gone)));
            assert_eq!(self.done.len(), before + open.len());
        }
    }

    fn timeout(&mut self, blocked: bool) {
        let input = if blocked {
            Input::TimeoutBlocked
        } else {
            Input::Timeout
        };
        self.delivery.handle(input, self.now);
        self.perform(!blocked);
        let next = self.delivery.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "due again at once");
    }

    fn feed(&mut self, input: Input) {
        self.delivery.handle(input, self.now);
        self.perform(false);
    }

    fn perform(&mut self, timed_out: bool) {
        while let Some(output) = self.delivery.poll_output() {
            match output {
                Output::Send {
                    message,
                    again: false,
                } => {
                    let n = message.position.number() - FIRST;
                    assert_eq!(
                        self.waiting.pop_first(),
                        Some(n),
                        "out of order, or sent before"
                    );
                    self.sent.insert(n, self.now);
                    let bytes: usize = self.sent.keys().map(|n| self.queued(*n).frame.len()).sum();
                    assert!(self.sent.len() <= self.window, "more than a window");
                    assert!(
                        bytes <= WINDOW_BYTES || self.sent.len() == 1,
                        "more than its bytes"
                    );
                }
                Output::Send {
                    message,
                    again: true,
                } => {
                    let n = message.position.number() - FIRST;
                    let last = self
                        .sent
                        .insert(n, self.now)
                        .expect("sent again after its end");
                    assert!(timed_out, "sent again although nothing was due");
                    assert!(self.now >= last + RETRY, "sent again too early");
                }
                Output::Read { after, limit } => {
                    assert!(limit > 0 && self.reading.is_none(), "two reads");
                    self.reading = Some(Reading::Asked { after, limit });
                }
                Output::Confirm(position) => {
                    let n = position.number() - FIRST;
                    assert!(self.sent.remove(&n).is_some(), "{n} cannot be confirmed");
                    self.confirming.push(n);
                }
                Output::Confirmed(mid) => assert!(self.done.insert(mid.number() - FIRST), "twice"),
            }
        }
    }

    fn something_is_under_way(&self) {
        let due = self.delivery.poll_timeout();
        if !self.sent.is_empty() {
            let due = due.expect("sent, and nothing will send it again");
            assert!(due <= self.now + RETRY_MAX);
        } else if !self.waiting.is_empty() && self.reading.is_none() && self.confirming.is_empty() {
            let due = due.expect("something waits, and nothing will read it");
            assert!(due <= self.now + READ_AGAIN);
        }
    }

    /// From here on the world is good.
    fn drain(&mut self) {
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(turns < 100 + 4 * self.accepted.len(), "no end in sight");
            if self.reading.is_some() {
                self.execute(usize::MAX);
                self.answer_read(false);
            } else if !self.confirming.is_empty() {
                self.answer_confirms(false);
            } else if !self.sent.is_empty() {
                for n in self.sent.keys().copied().collect::<Vec<_>>() {
                    self.confirm(n);
                }
            } else if !self.waiting.is_empty() {
                self.now = self
                    .delivery
                    .poll_timeout()
                    .expect("something waits")
                    .max(self.now);
                self.timeout(false);
            } else {
                break;
            }
        }
        assert_eq!(self.done.len() + self.given_up, self.accepted.len());
    }
}

fn pick(list: &[u64], index: u16) -> Option<u64> {
    list.get(usize::from(index) % list.len().max(1)).copied()
}
