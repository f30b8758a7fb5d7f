//! Stories, and a model of everything around the flow that fails at random.

mod absent;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidings_protocol::server::{From, Method};
use tidings_protocol::{Message, Name, Target};

use super::*;
use crate::types::Priority;

fn relay() -> RelayId {
    RelayId::new("relay.lan")
}

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
        tags: Vec::new(),
        held: None,
        superseded: false,
        acknowledgement: None,
        relay: relay(),
    }
}

fn due(id: MessageId) -> Due {
    Due {
        id,
        sender: String::new(),
        group: None,
        title: format!("title {id}"),
        priority: Priority::Default,
        tags: Vec::new(),
        held: None,
        expires_at: None,
    }
}

fn found(ids: &[MessageId]) -> Input {
    Input::Due(ids.iter().copied().map(due).collect(), 0)
}

const LOOK: Output = Output::Look { with_held: true };

fn raise(id: MessageId) -> Output {
    Output::Raise(Announcement::One { id, urgent: false })
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

    /// Started, and past the moment in which more is waited for.
    fn started() -> Self {
        let mut story = Self::new();
        assert_eq!(story.after(Input::Start), [LOOK]);
        story.now += announce::CATCH_UP;
        story
    }

    fn seconds_to_timeout(&self) -> Option<u64> {
        Some((self.flow.poll_timeout()? - self.now).as_secs())
    }
}

#[test]
fn a_message_is_stored_confirmed_told_raised_and_marked() {
    let mut story = Story::started();
    assert_eq!(story.after(found(&[])), []);
    assert_eq!(
        story.after(Input::Arrived(relay(), delivery(1))),
        [Output::Store(relay(), delivery(1))]
    );
    assert_eq!(
        story.after(Input::Stored(relay(), mid(1), Stored::New(row(1)))),
        [Output::Confirm(relay(), mid(1)), Output::Tell(row(1)), LOOK]
    );
    assert_eq!(story.after(found(&[1])), [raise(1)]);
    assert_eq!(story.after(Input::Raised), [Output::Mark(vec![1])]);
    assert_eq!(story.after(Input::Marked), [LOOK]);
    assert_eq!(story.after(found(&[])), []);
    assert_eq!(story.seconds_to_timeout(), None);
}

#[test]
fn a_repeat_is_confirmed_and_nothing_else() {
    let mut story = Story::new();
    story.after(Input::Arrived(relay(), delivery(1)));
    assert_eq!(
        story.after(Input::Stored(relay(), mid(1), Stored::Repeat)),
        [Output::Confirm(relay(), mid(1))]
    );
}

#[test]
fn what_is_not_stored_is_not_confirmed() {
    let mut story = Story::new();
    story.after(Input::Arrived(relay(), delivery(1)));
    assert_eq!(story.after(Input::NotStored(relay(), mid(1))), []);
}

#[test]
fn a_desktop_that_does_not_answer_delays_no_confirmation() {
    let mut story = Story::started();
    assert_eq!(story.after(found(&[1])), [raise(1)]);
    for number in 2..100 {
        story.after(Input::Arrived(relay(), delivery(number)));
        assert_eq!(
            story.after(Input::Stored(
                relay(),
                mid(number),
                Stored::New(row(number))
            )),
            [
                Output::Confirm(relay(), mid(number)),
                Output::Tell(row(number))
            ]
        );
    }
    // It answers at last: the others follow.
    assert_eq!(story.after(Input::Raised), [Output::Mark(vec![1])]);
    assert_eq!(story.after(Input::Marked), [LOOK]);
}

#[test]
fn what_a_silent_desktop_may_show_yet_is_not_told_again_with_others() {
    let mut story = Story::started();
    assert_eq!(story.after(found(&[1])), [raise(1)]);
    assert_eq!(story.after(Input::NotRaised(Why::NoAnswer)), []);
    for number in 2..100 {
        story.after(Input::Stored(
            relay(),
            mid(number),
            Stored::New(row(number)),
        ));
    }
    assert_eq!(story.after(Input::CameBack), [raise(1)]);
    // Unless it was read meanwhile.
    assert_eq!(story.after(Input::Gone), [LOOK]);
}

#[test]
fn a_desktop_without_notifications_is_tried_again_ever_more_rarely_and_at_once_when_one_comes() {
    let mut story = Story::started();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        story.after(found(&[1]));
        assert_eq!(story.after(Input::NotRaised(Why::NobodyThere)), []);
        let pause = story.seconds_to_timeout().unwrap();
        assert!(story.flow.hopes());
        pauses.push(pause);
        // Too early is no time.
        assert_eq!(story.after(Input::Timeout), []);
        story.now += Duration::from_secs(pause);
        assert_eq!(story.after(Input::Timeout), [LOOK]);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    story.after(found(&[1]));
    story.after(Input::NotRaised(Why::NobodyThere));
    assert_eq!(story.after(Input::CameBack), [LOOK]);
    story.after(found(&[1]));
    story.after(Input::NotRaised(Why::NobodyThere));
    assert_eq!(story.seconds_to_timeout(), Some(5));
}

#[test]
fn a_mark_that_failed_is_made_before_anything_is_raised() {
    let mut story = Story::started();
    story.after(found(&[1]));
    story.after(Input::Raised);
    assert_eq!(story.after(Input::InboxFailed), []);
    assert_eq!(story.after(Input::CameBack), [Output::Mark(vec![1])]);
    assert_eq!(story.after(Input::Marked), [LOOK]);
}

#[test]
fn a_notification_that_is_refused_again_and_again_is_given_up_for_the_next() {
    let mut story = Story::started();
    for _ in 0..REFUSALS - 1 {
        story.after(found(&[1]));
        assert_eq!(story.after(Input::NotRaised(Why::Refused)), []);
        assert_eq!(story.after(Input::CameBack), [LOOK]);
    }
    story.after(found(&[1]));
    assert_eq!(
        story.after(Input::NotRaised(Why::Refused)),
        [Output::Mark(vec![1])]
    );
    story.after(Input::Marked);
    assert_eq!(story.after(found(&[2])), [raise(2)]);
}

#[test]
fn while_more_is_waited_for_an_urgent_one_passes() {
    let mut story = Story::new();
    story.after(Input::Start);
    assert_eq!(story.after(found(&[1])), []);
    assert!(story.flow.poll_timeout().is_some() && !story.flow.hopes());
    assert_eq!(
        story
            .after(Input::Stored(relay(), mid(2), Stored::New(row(2))))
            .last(),
        Some(&LOOK)
    );
    let urgent = Due {
        priority: Priority::Urgent,
        ..due(2)
    };
    assert_eq!(
        story.after(Input::Due(vec![due(1), urgent], 0)),
        [Output::Raise(Announcement::One {
            id: 2,
            urgent: true
        })]
    );
}

#[test]
fn in_quiet_times_rows_are_held_and_looked_for_when_they_are_over() {
    let mut story = Story::started();
    story.after(found(&[]));
    let quiet = Output::Look { with_held: false };
    let looks = story.after(Input::Quiet(Some(Held::Paused)));
    assert_eq!(looks, std::slice::from_ref(&quiet));
    assert_eq!(
        story.after(found(&[1])),
        [Output::Hold(vec![(1, Held::Paused)])]
    );
    assert_eq!(story.after(Input::Marked), [quiet]);
    assert_eq!(story.after(found(&[])), []);
    assert_eq!(story.after(Input::Quiet(None)), [LOOK]);
    let held = Due {
        held: Some(Held::Paused),
        ..due(1)
    };
    let raised = story.after(Input::Due(vec![held], 0));
    assert!(
        matches!(&raised[..], [Output::Raise(Announcement::Digest(digest))] if digest.count == 1),
        "{raised:?}"
    );
    assert_eq!(story.after(Input::Raised), [Output::Mark(vec![1])]);
    assert_eq!(story.after(Input::Read(vec![1])), [Output::CloseDigest]);
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
    /// The person pauses, or not any longer.
    Pause(bool),
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
        1 => any::<bool>().prop_map(Step::Pause),
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
    held: BTreeSet<MessageId>,
    paused: bool,
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
    asked_desktop: Option<Announcement>,
}

fn quiet(paused: bool) -> Input {
    Input::Quiet(paused.then_some(Held::Paused))
}

impl Process {
    fn start(world: &mut World, now: Instant) -> Self {
        let mut process = Self {
            flow: Flow::default(),
            asked_inbox: VecDeque::new(),
            asked_desktop: None,
        };
        process.give(world, quiet(world.paused), now);
        process.give(world, Input::Start, now);
        process
    }

    fn give(&mut self, world: &mut World, input: Input, now: Instant) {
        self.flow.handle(input, now);
        while let Some(output) = self.flow.poll_output() {
            match output {
                Output::Confirm(_, mid) => {
                    assert!(world.rows.contains_key(&mid), "confirmed but not stored");
                    world.confirmed.push(mid);
                }
                Output::Tell(row) => world.told.push(row.id),
                Output::Raise(what) => {
                    assert!(self.asked_desktop.is_none(), "two notifications at once");
                    for id in what.ids() {
                        assert!(!world.notified.contains(&id), "raised though marked");
                        let alone = matches!(what, Announcement::One { .. });
                        assert!(
                            !(alone && world.held.contains(&id)),
                            "a popup of what was held"
                        );
                    }
                    self.asked_desktop = Some(what);
                }
                Output::CloseDigest => {}
                asked => self.asked_inbox.push_back(asked),
            }
        }
    }

    fn inbox(&mut self, world: &mut World, works: bool, now: Instant) {
        let input = match self.asked_inbox.pop_front() {
            None => return,
            Some(Output::Store(_, delivery)) if !works => Input::NotStored(relay(), delivery.mid),
            Some(Output::Store(_, delivery)) => {
                let next = world.rows.len() as MessageId + 1;
                let id = *world.rows.entry(delivery.mid.clone()).or_insert(next);
                let stored = if id == next {
                    Stored::New(row(id))
                } else {
                    Stored::Repeat
                };
                Input::Stored(relay(), delivery.mid, stored)
            }
            Some(_) if !works => Input::InboxFailed,
            Some(Output::Look { with_held }) => {
                let due = world
                    .rows
                    .values()
                    .copied()
                    .filter(|id| !world.notified.contains(id))
                    .filter(|id| with_held || !world.held.contains(id))
                    .map(|id| Due {
                        held: world.held.contains(&id).then_some(Held::Paused),
                        ..due(id)
                    });
                let mut due: Vec<Due> = due.collect();
                due.sort_by_key(|row| row.id);
                Input::Due(due, 0)
            }
            Some(Output::Mark(ids)) => {
                world.notified.extend(ids);
                Input::Marked
            }
            Some(Output::Hold(rows)) => {
                world.held.extend(rows.iter().map(|(id, _)| *id));
                Input::Marked
            }
            Some(other) => panic!("{other:?} is not for the inbox"),
        };
        self.give(world, input, now);
    }

    fn desktop(&mut self, world: &mut World, takes: bool, refuses: bool, now: Instant) {
        let Some(what) = self.asked_desktop.take() else {
            return;
        };
        let counted = if takes {
            Some(&mut world.raised)
        } else {
            refuses.then_some(&mut world.refused)
        };
        if let Some(counted) = counted {
            for id in what.ids() {
                *counted.entry(id).or_default() += 1;
            }
        }
        let input = match (takes, refuses) {
            (true, _) => Input::Raised,
            (false, true) => Input::NotRaised(Why::Refused),
            (false, false) => Input::NotRaised(Why::NobodyThere),
        };
        self.give(world, input, now);
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
                    process.give(&mut world, Input::Arrived(relay(), delivery(number)), now);
                }
                Step::Inbox { works } => process.inbox(&mut world, works, now),
                Step::Desktop { takes, refuses } => {
                    process.desktop(&mut world, takes, refuses, now);
                }
                Step::Pause(paused) => {
                    world.paused = paused;
                    process.give(&mut world, quiet(paused), now);
                }
                Step::Come => process.give(&mut world, Input::CameBack, now),
                Step::Wait(seconds) => {
                    now += Duration::from_secs(seconds);
                    process.give(&mut world, Input::Timeout, now);
                }
                Step::Crash => {
                    if let Raising::Marking(ids)
                    | Raising::Resting {
                        then: Then::Mark(ids),
                        ..
                    } = &process.flow.raising
                    {
                        world.crashes_while_marking += ids.len() as u32;
                    }
                    process = Process::start(&mut world, now);
                }
            }
        }
        // From here on everything works: what is due comes to its end, within a bound.
        world.paused = false;
        process.give(&mut world, quiet(false), now);
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
            // Given up with others, where one of these was refused often enough.
            let given_up = world.refused.contains_key(id);
            prop_assert!(world.raised.contains_key(id) || given_up, "{} never raised", id);
        }
        let repeats: u32 = world.raised.values().map(|times| times - 1).sum();
        prop_assert!(repeats <= world.crashes_while_marking, "raised again without a crash");
    }
}
