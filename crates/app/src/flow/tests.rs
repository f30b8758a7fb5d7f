//! Stories, and a model of everything around the flow that fails at random.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidings_protocol::server::{From, Method};
use tidings_protocol::{Message, Name, Target};

use super::*;
use crate::types::Priority;

fn mid(number: u64) -> Mid {
    Mid::new((1_731_000_000_000 + number).to_string()).unwrap()
}

fn delivery(number: u64) -> Delivery {
    Delivery {
        target: Target::Personal(Name::new("me").unwrap()),
        from: From {
            method: Method::Http,
            name: None,
        },
        message: Message::new(format!("title {number}"), "body"),
        mid: mid(number),
        reference: None,
    }
}

fn row(id: MessageId) -> Row {
    Row {
        id,
        sender: String::new(),
        group: None,
        title: format!("title {id}"),
        preview: "body".into(),
        received_at: 0,
        read: false,
        priority: Priority::Default,
        link: false,
    }
}

fn due(id: MessageId) -> Unnotified {
    Unnotified {
        id,
        sender: String::new(),
        title: format!("title {id}"),
        body: "body".into(),
        priority: Priority::Default,
    }
}

/// A flow, its clock, and the outputs so far.
struct Story {
    flow: Flow,
    now: Instant,
}

impl Story {
    fn new() -> Self {
        Self {
            flow: Flow::default(),
            now: Instant::now(),
        }
    }

    fn after(&mut self, input: Input) -> Vec<Output> {
        self.flow.handle(input, self.now);
        std::iter::from_fn(|| self.flow.poll_output()).collect()
    }

    fn seconds_to_timeout(&self) -> Option<u64> {
        Some((self.flow.poll_timeout()? - self.now).as_secs())
    }
}

#[test]
fn a_message_is_stored_confirmed_told_raised_and_marked() {
    let mut story = Story::new();
    assert_eq!(story.after(Input::Start), [Output::Look]);
    assert_eq!(story.after(Input::Due(None)), []);
    assert_eq!(
        story.after(Input::Arrived(delivery(1))),
        [Output::Store(delivery(1))]
    );
    assert_eq!(
        story.after(Input::Stored(mid(1), Stored::New(row(1)))),
        [Output::Confirm(mid(1)), Output::Tell(row(1)), Output::Look]
    );
    assert_eq!(
        story.after(Input::Due(Some(due(1)))),
        [Output::Raise(due(1))]
    );
    assert_eq!(story.after(Input::Raised(1)), [Output::Mark(1)]);
    assert_eq!(story.after(Input::Marked(1)), [Output::Look]);
    assert_eq!(story.after(Input::Due(None)), []);
    assert_eq!(story.seconds_to_timeout(), None);
}

#[test]
fn a_repeat_is_confirmed_and_nothing_else() {
    let mut story = Story::new();
    story.after(Input::Arrived(delivery(1)));
    assert_eq!(
        story.after(Input::Stored(mid(1), Stored::Repeat)),
        [Output::Confirm(mid(1))]
    );
}

#[test]
fn what_is_not_stored_is_not_confirmed() {
    let mut story = Story::new();
    story.after(Input::Arrived(delivery(1)));
    assert_eq!(story.after(Input::NotStored(mid(1))), []);
}

#[test]
fn a_desktop_that_does_not_answer_delays_no_confirmation() {
    let mut story = Story::new();
    story.after(Input::Start);
    assert_eq!(
        story.after(Input::Due(Some(due(1)))),
        [Output::Raise(due(1))]
    );
    for number in 2..100 {
        story.after(Input::Arrived(delivery(number)));
        assert_eq!(
            story.after(Input::Stored(mid(number), Stored::New(row(number)))),
            [Output::Confirm(mid(number)), Output::Tell(row(number))]
        );
    }
    // It answers at last: the others follow, one by one.
    assert_eq!(story.after(Input::Raised(1)), [Output::Mark(1)]);
    assert_eq!(story.after(Input::Marked(1)), [Output::Look]);
}

#[test]
fn a_desktop_without_notifications_is_tried_again_ever_more_rarely_and_at_once_when_one_comes() {
    let mut story = Story::new();
    story.after(Input::Start);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        story.after(Input::Due(Some(due(1))));
        assert_eq!(story.after(Input::NotRaised(1, Why::NobodyThere)), []);
        let pause = story.seconds_to_timeout().unwrap();
        pauses.push(pause);
        // Too early is no time.
        assert_eq!(story.after(Input::Timeout), []);
        story.now += Duration::from_secs(pause);
        assert_eq!(story.after(Input::Timeout), [Output::Look]);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    story.after(Input::Due(Some(due(1))));
    story.after(Input::NotRaised(1, Why::NobodyThere));
    assert_eq!(story.after(Input::CameBack), [Output::Look]);
    story.after(Input::Due(Some(due(1))));
    story.after(Input::NotRaised(1, Why::NobodyThere));
    assert_eq!(story.seconds_to_timeout(), Some(5));
}

#[test]
fn a_mark_that_failed_is_made_before_anything_is_raised() {
    let mut story = Story::new();
    story.after(Input::Start);
    story.after(Input::Due(Some(due(1))));
    story.after(Input::Raised(1));
    assert_eq!(story.after(Input::InboxFailed), []);
    assert_eq!(story.after(Input::CameBack), [Output::Mark(1)]);
    assert_eq!(story.after(Input::Marked(1)), [Output::Look]);
}

#[test]
fn a_notification_that_is_refused_again_and_again_is_given_up_for_the_next() {
    let mut story = Story::new();
    story.after(Input::Start);
    for _ in 0..REFUSALS - 1 {
        story.after(Input::Due(Some(due(1))));
        assert_eq!(story.after(Input::NotRaised(1, Why::Refused)), []);
        assert_eq!(story.after(Input::CameBack), [Output::Look]);
    }
    story.after(Input::Due(Some(due(1))));
    assert_eq!(
        story.after(Input::NotRaised(1, Why::Refused)),
        [Output::Mark(1)]
    );
    story.after(Input::Marked(1));
    assert_eq!(
        story.after(Input::Due(Some(due(2)))),
        [Output::Raise(due(2))]
    );
}

/// What may happen next in the world around.
#[derive(Debug, Clone)]
enum Step {
    /// The relay sends, perhaps what it sent before.
    Arrive(u64),
    /// The inbox does the oldest thing asked of it, or fails.
    Inbox { works: bool },
    /// The desktop answers, one way or another.
    Desktop { takes: bool, refuses: bool },
    /// A service comes.
    Come,
    /// Time passes.
    Wait(u64),
    /// The process dies and starts again.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12_u64).prop_map(Step::Arrive),
        8 => prop::bool::weighted(0.85).prop_map(|works| Step::Inbox { works }),
        4 => (prop::bool::weighted(0.6), any::<bool>())
            .prop_map(|(takes, refuses)| Step::Desktop { takes, refuses }),
        1 => Just(Step::Come),
        1 => (0..90_u64).prop_map(Step::Wait),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..200)
}

/// The world around a flow: a disk that survives crashes, and what was seen of it.
#[derive(Default)]
struct World {
    rows: BTreeMap<Mid, MessageId>,
    notified: BTreeSet<MessageId>,
    raised: BTreeMap<MessageId, u32>,
    refused: BTreeMap<MessageId, u32>,
    confirmed: Vec<Mid>,
    told: Vec<MessageId>,
    crashes_while_marking: u32,
}

/// What dies with the process.
struct Process {
    flow: Flow,
    asked_inbox: VecDeque<Output>,
    asked_desktop: Option<Unnotified>,
}

impl Process {
    fn start(world: &mut World, now: Instant) -> Self {
        let mut process = Self {
            flow: Flow::default(),
            asked_inbox: VecDeque::new(),
            asked_desktop: None,
        };
        process.give(world, Input::Start, now);
        process
    }

    fn give(&mut self, world: &mut World, input: Input, now: Instant) {
        self.flow.handle(input, now);
        while let Some(output) = self.flow.poll_output() {
            match output {
                Output::Confirm(mid) => {
                    assert!(world.rows.contains_key(&mid), "confirmed but not stored");
                    world.confirmed.push(mid);
                }
                Output::Tell(row) => world.told.push(row.id),
                Output::Raise(row) => {
                    assert!(self.asked_desktop.is_none(), "two notifications at once");
                    assert!(!world.notified.contains(&row.id), "raised though marked");
                    self.asked_desktop = Some(row);
                }
                asked => self.asked_inbox.push_back(asked),
            }
        }
    }

    fn inbox(&mut self, world: &mut World, works: bool, now: Instant) {
        let input = match self.asked_inbox.pop_front() {
            None => return,
            Some(Output::Store(delivery)) if !works => Input::NotStored(delivery.mid),
            Some(Output::Store(delivery)) => {
                let next = world.rows.len() as MessageId + 1;
                let id = *world.rows.entry(delivery.mid.clone()).or_insert(next);
                let stored = if id == next {
                    Stored::New(row(id))
                } else {
                    Stored::Repeat
                };
                Input::Stored(delivery.mid, stored)
            }
            Some(_) if !works => Input::InboxFailed,
            Some(Output::Look) => Input::Due(
                world
                    .rows
                    .values()
                    .copied()
                    .filter(|id| !world.notified.contains(id))
                    .min()
                    .map(due),
            ),
            Some(Output::Mark(id)) => {
                world.notified.insert(id);
                Input::Marked(id)
            }
            Some(other) => panic!("{other:?} is not for the inbox"),
        };
        self.give(world, input, now);
    }

    fn desktop(&mut self, world: &mut World, takes: bool, refuses: bool, now: Instant) {
        let Some(row) = self.asked_desktop.take() else {
            return;
        };
        let input = if takes {
            *world.raised.entry(row.id).or_default() += 1;
            Input::Raised(row.id)
        } else if refuses {
            *world.refused.entry(row.id).or_default() += 1;
            Input::NotRaised(row.id, Why::Refused)
        } else {
            Input::NotRaised(row.id, Why::NobodyThere)
        };
        self.give(world, input, now);
    }

    fn owes_a_mark(&self) -> bool {
        matches!(
            self.flow.raising,
            Raising::Marking(_) | Raising::Resting { mark: Some(_), .. }
        )
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_confirmed_early_or_raised_twice(steps in steps()) {
        let mut world = World::default();
        let mut now = Instant::now();
        let mut process = Process::start(&mut world, now);
        for step in steps {
            match step {
                Step::Arrive(number) => {
                    process.give(&mut world, Input::Arrived(delivery(number)), now);
                }
                Step::Inbox { works } => process.inbox(&mut world, works, now),
                Step::Desktop { takes, refuses } => {
                    process.desktop(&mut world, takes, refuses, now);
                }
                Step::Come => process.give(&mut world, Input::CameBack, now),
                Step::Wait(seconds) => {
                    now += Duration::from_secs(seconds);
                    process.give(&mut world, Input::Timeout, now);
                }
                Step::Crash => {
                    if process.owes_a_mark() {
                        world.crashes_while_marking += 1;
                    }
                    process = Process::start(&mut world, now);
                }
            }
        }
        // From here on everything works: what is due comes to its end, within a bound.
        for _ in 0..10_000 {
            while !process.asked_inbox.is_empty() {
                process.inbox(&mut world, true, now);
            }
            process.desktop(&mut world, true, false, now);
            if process.asked_inbox.is_empty() {
                let Some(at) = process.flow.poll_timeout() else { break };
                now = at;
                process.give(&mut world, Input::Timeout, now);
            }
        }
        prop_assert_eq!(process.flow.raising, Raising::Idle);
        let told: BTreeSet<_> = world.told.iter().copied().collect();
        prop_assert_eq!(told.len(), world.told.len(), "told twice");
        for id in world.rows.values() {
            prop_assert!(world.notified.contains(id));
            let given_up = world.refused.get(id).is_some_and(|times| *times >= REFUSALS);
            prop_assert!(world.raised.contains_key(id) || given_up, "{} never raised", id);
        }
        let repeats: u32 = world.raised.values().map(|times| times - 1).sum();
        prop_assert!(repeats <= world.crashes_while_marking, "raised again without a crash");
    }
}
