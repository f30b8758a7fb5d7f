//! Whatever stores, recipients and clocks do to receipts: each waiter is answered once, not before its message is
//! durable, as soon as all is decided and at its deadline at the latest, with what was decided by then.
#![no_main]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tidings_protocol::{Name, Status, Statuses};
use tidings_relay::MidNumber;
use tidings_relay::receipt::{Input, Output, Receipts, Waiter};

const FIRST: u64 = 1_795_414_000_000;

#[derive(Arbitrary, Debug)]
struct Script {
    bound: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Open {
        recipients: u8,
        strangers: u8,
        wait: u8,
    },
    Stored {
        message: u8,
        refused: u8,
    },
    /// The message turns out to be an earlier one again.
    Duplicate {
        message: u8,
        first: u8,
    },
    Failed(u8),
    Abandoned(u8),
    Confirmed {
        message: u8,
        who: u8,
    },
    Wait(u8),
}

/// What a naive reader of the rules knows of a message that was opened. Its waiter is its number.
struct Message {
    statuses: Vec<Status>,
    deadline: Instant,
    /// What the store said: nothing yet, that it is this message, or that it is an earlier one.
    stored_as: Option<usize>,
    answered: bool,
    /// It was not stored, so none is a repeat of it.
    lost: bool,
}

fn name(n: usize) -> Name {
    Name::new(format!("r{n}")).unwrap()
}

fn mid(n: usize) -> MidNumber {
    MidNumber::new(FIRST + n as u64).unwrap()
}

fn named(statuses: &[Status]) -> Statuses {
    statuses
        .iter()
        .enumerate()
        .map(|(n, status)| (name(n), status.clone()))
        .collect()
}

struct World {
    receipts: Receipts<usize>,
    bound: usize,
    now: Instant,
    messages: Vec<Message>,
}

fuzz_target!(|script: Script| {
    let bound = usize::from(script.bound);
    let mut world = World {
        receipts: Receipts::new(bound),
        bound,
        now: Instant::now(),
        messages: Vec::new(),
    };
    for step in script.steps {
        world.step(step);
    }
    // The store answers what it still owes, and time goes on: nobody is left waiting.
    for n in 0..world.messages.len() {
        world.stored(n, 0);
    }
    world.now += Duration::from_secs(256);
    world.feed(Input::Timeout);
    assert!(world.messages.iter().all(|message| message.answered));
    assert_eq!(world.receipts.poll_timeout(), None);
});

impl World {
    fn step(&mut self, step: Step) {
        let pick = |n: u8| usize::from(n) % self.messages.len().max(1);
        match step {
            Step::Open {
                recipients,
                strangers,
                wait,
            } => self.open(recipients, strangers, wait),
            _ if self.messages.is_empty() => {}
            Step::Stored { message, refused } => self.stored(pick(message), refused),
            Step::Duplicate { message, first } => self.duplicate(pick(message), pick(first)),
            Step::Failed(message) => {
                let n = pick(message);
                if self.first_word(n) {
                    self.messages[n].lost = true;
                    self.messages[n].statuses.fill(Status::No);
                    self.feed(Input::Failed(mid(n)));
                }
            }
            Step::Abandoned(message) => {
                let n = pick(message);
                if self.first_word(n) {
                    self.messages[n].lost = true;
                    self.messages[n].answered = true;
                    self.feed(Input::Abandoned(mid(n)));
                }
            }
            Step::Confirmed { message, who } => {
                let (n, who) = (pick(message), usize::from(who));
                self.decide(n, who, Status::Ok);
                self.feed(Input::Confirmed {
                    mid: mid(n),
                    name: name(who),
                });
            }
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(u64::from(seconds));
                self.feed(Input::Timeout);
            }
        }
    }

    fn open(&mut self, recipients: u8, strangers: u8, wait: u8) {
        let n = self.messages.len();
        let mut statuses = vec![Status::Wait; usize::from(recipients % 40)];
        statuses.resize(statuses.len() + usize::from(strangers % 4), Status::No);
        let mut deadline = self.now + Duration::from_secs(u64::from(wait));
        let input = Input::Open {
            mid: mid(n),
            statuses: named(&statuses),
            waiter: Waiter {
                to: n,
                reference: None,
                deadline,
            },
        };
        // Beyond the bound nobody waits: as many receipts are open as have somebody waiting for them.
        if self.open_receipts() >= self.bound {
            deadline = self.now;
        }
        self.messages.push(Message {
            statuses,
            deadline,
            stored_as: None,
            answered: false,
            lost: false,
        });
        self.feed(input);
    }

    fn open_receipts(&self) -> usize {
        let waited_for = |(n, message): (usize, &Message)| {
            (!message.answered).then(|| (message.stored_as.unwrap_or(n), ()))
        };
        let open: BTreeMap<_, _> = self
            .messages
            .iter()
            .enumerate()
            .filter_map(waited_for)
            .collect();
        open.len()
    }

    fn stored(&mut self, n: usize, refused: u8) {
        if !self.first_word(n) {
            return;
        }
        let refused: Vec<_> = (0..usize::from(refused % 8)).collect();
        for who in &refused {
            self.decide(n, *who, Status::No);
        }
        let refused = refused.into_iter().map(name).collect();
        self.feed(Input::Stored {
            mid: mid(n),
            refused,
        });
    }

    /// The store speaks once of each message: true if it does now, and that it is this one.
    fn first_word(&mut self, n: usize) -> bool {
        let first = self.messages[n].stored_as.is_none();
        self.messages[n].stored_as.get_or_insert(n);
        first
    }

    fn duplicate(&mut self, n: usize, first: usize) {
        let earlier = &self.messages[first];
        let is_first = earlier.stored_as == Some(first) && !earlier.lost && first < n;
        if !is_first || self.messages[n].stored_as.is_some() {
            return;
        }
        self.messages[n].stored_as = Some(first);
        let statuses = named(&self.messages[first].statuses);
        self.feed(Input::Duplicate {
            mid: mid(n),
            first: mid(first),
            statuses,
        });
    }

    /// What is final stays.
    fn decide(&mut self, n: usize, who: usize, status: Status) {
        if let Some(slot) = self.messages[n].statuses.get_mut(who)
            && *slot == Status::Wait
        {
            *slot = status;
        }
    }

    fn feed(&mut self, input: Input<usize>) {
        self.receipts.handle(input, self.now);
        while let Some(Output {
            mid: answered,
            to,
            statuses,
            reference: None,
        }) = self.receipts.poll_output()
        {
            let message = &self.messages[to];
            assert!(!message.answered, "answered twice");
            let first = message.stored_as.expect("answered before it was durable");
            assert_eq!(answered, mid(first));
            let first = &self.messages[first];
            assert_eq!(statuses, named(&first.statuses));
            let decided = !first.statuses.contains(&Status::Wait);
            assert!(decided || message.deadline <= self.now, "too early");
            self.messages[to].answered = true;
        }
        for message in &self.messages {
            let Some(first) = message.stored_as.map(|first| &self.messages[first]) else {
                continue;
            };
            let decided = !first.statuses.contains(&Status::Wait);
            assert!(
                message.answered || !decided && message.deadline > self.now,
                "too late"
            );
        }
        let mut waited_for = self
            .messages
            .iter()
            .filter(|m| !m.answered)
            .map(|m| m.deadline);
        assert!(
            self.receipts.poll_timeout() <= waited_for.by_ref().min()
                || waited_for.next().is_none()
        );
    }
}
