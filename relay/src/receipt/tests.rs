//! Receipts told as scripts, and against a naive reading of the rules.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::*;

const WAIT: Duration = Duration::from_secs(5);

fn mid(n: u64) -> MidNumber {
    MidNumber::new(1_795_414_000_000 + n).unwrap()
}

fn name(n: usize) -> Name {
    Name::new(format!("r{n}")).unwrap()
}

fn names(n: usize) -> Statuses {
    (0..n).map(|n| (name(n), Status::Wait)).collect()
}

/// Receipts with their answers written down: `1 to 7: r0=ok r1=wait`.
struct Script {
    receipts: Receipts<u32>,
    now: Instant,
}

impl Script {
    fn new() -> Self {
        Self {
            receipts: Receipts::new(100),
            now: Instant::now(),
        }
    }

    fn feed(&mut self, input: Input<u32>) -> Vec<String> {
        self.receipts.handle(input, self.now);
        std::iter::from_fn(|| self.receipts.poll_output())
            .map(|output| {
                let statuses = output.statuses.iter();
                let statuses: String = statuses.map(|(n, s)| format!(" {n}={s}")).collect();
                let number = output.mid.number() - 1_795_414_000_000;
                format!("{number} to {}:{statuses}", output.to)
            })
            .collect()
    }

    fn open(&mut self, n: u64, to: u32, statuses: Statuses) -> Vec<String> {
        let waiter = Waiter {
            to,
            reference: None,
            deadline: self.now + WAIT,
        };
        self.feed(Input::Open {
            mid: mid(n),
            statuses,
            waiter,
        })
    }

    fn stored(&mut self, n: u64) -> Vec<String> {
        let refused = Vec::new();
        self.feed(Input::Stored {
            mid: mid(n),
            refused,
        })
    }

    fn confirmed(&mut self, n: u64, who: usize) -> Vec<String> {
        self.feed(Input::Confirmed {
            mid: mid(n),
            name: name(who),
        })
    }

    fn became(&mut self, n: u64, who: usize, status: Status) -> Vec<String> {
        self.feed(Input::Became {
            mid: mid(n),
            name: name(who),
            status,
        })
    }

    fn wait(&mut self, by: Duration) -> Vec<String> {
        self.now += by;
        self.feed(Input::Timeout)
    }

    fn is_empty(&self) -> bool {
        self.receipts.open.is_empty() && self.receipts.poll_timeout().is_none()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_reply_comes_when_all_have_confirmed() {
    let mut script = Script::new();
    script.open(1, 7, names(2));
    assert_eq!(script.stored(1), NOTHING);
    assert_eq!(script.confirmed(1, 1), NOTHING);
    assert_eq!(script.confirmed(1, 1), NOTHING);
    assert_eq!(script.confirmed(1, 9), NOTHING);
    assert_eq!(script.confirmed(1, 0), ["1 to 7: r0=ok r1=ok"]);
    assert_eq!(script.confirmed(1, 0), NOTHING);
    assert_eq!(script.wait(WAIT), NOTHING);
    assert!(script.is_empty());
}

#[test]
fn a_push_changes_the_status_and_only_its_confirmation_is_final() {
    let mut script = Script::new();
    script.open(1, 7, names(2));
    assert_eq!(script.became(1, 0, Status::PushWait), NOTHING);
    script.stored(1);
    assert_eq!(script.confirmed(1, 1), NOTHING);
    assert_eq!(script.became(1, 0, Status::PushOk), NOTHING);
    let reply = script.became(1, 0, Status::PushConfirmed);
    assert_eq!(reply, ["1 to 7: r0=fcm-ok-comfirm r1=ok"]);
    script.open(2, 7, names(1));
    script.stored(2);
    script.became(2, 0, Status::PushOk);
    assert_eq!(script.wait(WAIT), ["2 to 7: r0=fcm-ok"]);
    // Given up, it waits as before; what was confirmed over the socket stays so.
    script.open(3, 7, names(2));
    script.stored(3);
    script.became(3, 0, Status::PushWait);
    script.became(3, 0, Status::Wait);
    script.confirmed(3, 1);
    script.became(3, 1, Status::PushOk);
    assert_eq!(script.wait(WAIT), ["3 to 7: r0=wait r1=ok"]);
    assert!(script.is_empty());
}

#[test]
fn the_reply_comes_at_the_deadline_with_what_is_known() {
    let mut script = Script::new();
    script.open(1, 7, names(2));
    script.stored(1);
    script.confirmed(1, 0);
    assert_eq!(script.wait(WAIT), ["1 to 7: r0=ok r1=wait"]);
    assert_eq!(script.confirmed(1, 1), NOTHING);
    assert!(script.is_empty());
}

#[test]
fn nothing_is_said_before_the_message_is_durable() {
    let mut script = Script::new();
    script.open(1, 7, names(1));
    assert_eq!(script.confirmed(1, 0), NOTHING);
    assert_eq!(script.wait(WAIT), NOTHING);
    assert_eq!(script.stored(1), ["1 to 7: r0=ok"]);
    script.open(2, 7, names(1));
    assert_eq!(script.wait(WAIT * 2), NOTHING);
    assert_eq!(script.stored(2), ["2 to 7: r0=wait"]);
    assert!(script.is_empty());
}

#[test]
fn a_message_for_nobody_or_for_strangers_is_answered_when_it_is_durable() {
    let mut script = Script::new();
    script.open(1, 7, Vec::new());
    assert_eq!(script.stored(1), ["1 to 7:"]);
    script.open(2, 7, vec![(name(0), Status::No)]);
    assert_eq!(script.stored(2), ["2 to 7: r0=no"]);
    script.open(3, 7, names(2));
    let (mid, refused) = (mid(3), vec![name(0), name(1)]);
    let replies = script.feed(Input::Stored { mid, refused });
    assert_eq!(replies, ["3 to 7: r0=no r1=no"]);
}

#[test]
fn a_message_that_was_not_stored_is_refused_for_all() {
    let mut script = Script::new();
    script.open(1, 7, names(2));
    assert_eq!(script.feed(Input::Failed(mid(1))), ["1 to 7: r0=no r1=no"]);
    script.open(2, 7, names(2));
    assert_eq!(script.feed(Input::Abandoned(mid(2))), NOTHING);
    assert!(script.is_empty());
}

#[test]
fn a_repeat_gets_the_first_messages_outcome() {
    let mut script = Script::new();
    script.open(1, 7, names(2));
    script.stored(1);
    script.wait(WAIT / 2);
    script.open(2, 8, names(2));
    let duplicate = |n: u64, statuses| Input::Duplicate {
        mid: mid(n),
        first: mid(1),
        statuses,
    };
    assert_eq!(script.feed(duplicate(2, names(2))), NOTHING);
    // Each waiter at its own time, with what is known by then.
    assert_eq!(script.wait(WAIT / 2), ["1 to 7: r0=wait r1=wait"]);
    script.confirmed(1, 0);
    assert_eq!(script.confirmed(1, 1), ["1 to 8: r0=ok r1=ok"]);
    // Nobody waits for the first any more.
    script.open(3, 9, names(2));
    let known = vec![(name(0), Status::Ok), (name(1), Status::Ok)];
    assert_eq!(script.feed(duplicate(3, known)), ["1 to 9: r0=ok r1=ok"]);
    assert!(script.is_empty());
}

#[test]
fn beyond_the_bound_replies_do_not_wait() {
    let mut script = Script::new();
    for n in 0..100 {
        script.open(n, 7, names(1));
        script.stored(n);
    }
    script.open(100, 8, names(1));
    assert_eq!(script.stored(100), ["100 to 8: r0=wait"]);
}

#[test]
fn a_large_group_is_indexed() {
    let mut script = Script::new();
    script.open(1, 7, names(1000));
    script.stored(1);
    let replies: Vec<_> = (0..1000).flat_map(|n| script.confirmed(1, n)).collect();
    assert_eq!(replies.len(), 1);
    assert!(!replies[0].contains("wait"));
}

#[derive(Debug, Clone)]
enum Step {
    Open { recipients: usize },
    Stored(prop::sample::Index),
    Confirmed(prop::sample::Index, usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_usize..4).prop_map(|recipients| Step::Open { recipients }),
        3 => any::<prop::sample::Index>().prop_map(Step::Stored),
        5 => (any::<prop::sample::Index>(), 0_usize..4).prop_map(|(i, n)| Step::Confirmed(i, n)),
        1 => (1_u64..4).prop_map(Step::Wait),
    ]
}

/// What a naive reader of the rules expects of one message.
#[derive(Debug, Default)]
struct Model {
    opened: u64,
    recipients: usize,
    stored: bool,
    confirmed: Vec<usize>,
    answered: Option<Vec<String>>,
}

impl Model {
    /// The answer that is due at `now`, if one is and none was given.
    fn due(&mut self, now: u64) -> Option<Vec<String>> {
        let complete = self.confirmed.len() == self.recipients;
        let late = now >= self.opened + WAIT.as_secs();
        if self.answered.is_some() || !self.stored || !(complete || late) {
            return None;
        }
        let status = |n| {
            let ok = self.confirmed.contains(&n);
            format!("{}", if ok { Status::Ok } else { Status::Wait })
        };
        self.answered = Some((0..self.recipients).map(status).collect());
        self.answered.clone()
    }
}

proptest! {
    #[test]
    fn every_message_is_answered_once_as_the_rules_say(
        steps in prop::collection::vec(step(), 1..150)
    ) {
        let mut receipts = Receipts::new(1000);
        let start = Instant::now();
        let mut clock = 0;
        let mut models: BTreeMap<u64, Model> = BTreeMap::new();
        for step in &steps {
            let count = models.len();
            let pick = |index: &prop::sample::Index| (count > 0).then(|| index.index(count) as u64);
            let input = match step {
                Step::Open { recipients } => {
                    let n = count as u64;
                    let recipients = *recipients;
                    models.insert(n, Model { opened: clock, recipients, ..Model::default() });
                    let deadline = start + Duration::from_secs(clock) + WAIT;
                    let waiter = Waiter { to: n, reference: None, deadline };
                    Some(Input::Open { mid: mid(n), statuses: names(recipients), waiter })
                }
                Step::Stored(index) => pick(index).map(|n| {
                    models.get_mut(&n).unwrap().stored = true;
                    Input::Stored { mid: mid(n), refused: Vec::new() }
                }),
                Step::Confirmed(index, who) => pick(index).map(|n| {
                    let model = models.get_mut(&n).unwrap();
                    if *who < model.recipients && !model.confirmed.contains(who) {
                        model.confirmed.push(*who);
                    }
                    Input::Confirmed { mid: mid(n), name: name(*who) }
                }),
                Step::Wait(seconds) => {
                    clock += seconds;
                    Some(Input::Timeout)
                }
            };
            let Some(input) = input else { continue };
            receipts.handle(input, start + Duration::from_secs(clock));
            let mut answers = BTreeMap::new();
            while let Some(output) = receipts.poll_output() {
                let statuses: Vec<_> =
                    output.statuses.iter().map(|(_, s)| s.to_string()).collect();
                let twice = answers.insert(output.to, statuses);
                prop_assert_eq!(twice, None);
            }
            let expected: BTreeMap<_, _> = models
                .iter_mut()
                .filter_map(|(n, model)| Some((*n, model.due(clock)?)))
                .collect();
            prop_assert_eq!(answers, expected);
        }
    }
}
