//! Delivery told as scripts, and against a naive world of a store, a client and a clock.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::frame::Frame;

const POLICY: Policy = Policy {
    window: 4,
    retry: Duration::from_secs(3),
    retry_max: Duration::from_secs(10),
};
const FIRST: u64 = 1_795_414_000_000;

fn mid(n: u64) -> MidNumber {
    MidNumber::new(FIRST + n).unwrap()
}

fn sized(n: u64, bytes: usize) -> Queued {
    Queued {
        position: Position::new(FIRST + n),
        mid: mid(n),
        frame: Frame::stored("x".repeat(bytes)),
        reference: None,
    }
}

fn queued(n: u64) -> Queued {
    sized(n, 10)
}

/// A delivery with its outputs written down, one line each: `send 1`, `again 1`, `read 0`,
/// `confirm 1`, `done 1`.
struct Script {
    delivery: Delivery,
    now: Instant,
}

impl Script {
    fn new() -> Self {
        Self {
            delivery: Delivery::new(POLICY),
            now: Instant::now(),
        }
    }

    /// One that has read all there was.
    fn live() -> Self {
        let mut script = Self::new();
        assert_eq!(script.outputs(), ["read 0"]);
        script.feed(Input::Read(batch([], true)));
        script
    }

    fn feed(&mut self, input: Input) -> Vec<String> {
        self.delivery.handle(input, self.now);
        self.outputs()
    }

    fn wait(&mut self, seconds: u64) -> Vec<String> {
        self.now += Duration::from_secs(seconds);
        self.feed(Input::Timeout)
    }

    fn outputs(&mut self) -> Vec<String> {
        let n = |number: u64| number.saturating_sub(FIRST);
        std::iter::from_fn(|| self.delivery.poll_output())
            .map(|output| match output {
                Output::Send { message, again } => {
                    let word = if again { "again" } else { "send" };
                    format!("{word} {}", n(message.mid.number()))
                }
                Output::Read { after, .. } => format!("read {}", n(after.number())),
                Output::Confirm(position) => format!("confirm {}", n(position.number())),
                Output::Confirmed(mid) => format!("done {}", n(mid.number())),
            })
            .collect()
    }
}

fn batch(numbers: impl IntoIterator<Item = u64>, end: bool) -> Batch {
    Batch {
        messages: numbers.into_iter().map(queued).collect(),
        end,
    }
}

fn position(n: u64) -> Position {
    Position::new(FIRST + n)
}

#[test]
fn a_new_delivery_reads_then_lives_on_announcements() {
    let mut script = Script::new();
    assert_eq!(script.outputs(), ["read 0"]);
    // Announced while reading: kept until the read says whether it knew of them.
    assert_eq!(script.feed(Input::Announced(queued(2))), [""; 0]);
    let sent = script.feed(Input::Read(batch([1, 2], true)));
    assert_eq!(sent, ["send 1", "send 2"]);
    assert_eq!(script.feed(Input::Announced(queued(3))), ["send 3"]);
    assert_eq!(script.feed(Input::Announced(queued(3))), [""; 0]);
}

#[test]
fn what_was_announced_during_a_read_follows_it() {
    let mut script = Script::new();
    script.outputs();
    script.feed(Input::Announced(queued(2)));
    assert_eq!(
        script.feed(Input::Read(batch([1], true))),
        ["send 1", "send 2"]
    );
}

#[test]
fn a_lost_announcement_is_read() {
    let mut script = Script::live();
    assert_eq!(script.feed(Input::Announced(queued(1))), ["send 1"]);
    assert_eq!(script.feed(Input::Look), ["read 1"]);
    // Lost during the read too: read once more.
    script.feed(Input::Look);
    assert_eq!(
        script.feed(Input::Read(batch([2], true))),
        ["send 2", "read 2"]
    );
    assert_eq!(script.feed(Input::Read(batch([3], true))), ["send 3"]);
}

#[test]
fn line_09_a_client_is_silent_from_the_first_repeat_to_the_next_confirmation() {
    let mut script = Script::live();
    script.feed(Input::Announced(queued(1)));
    script.feed(Input::Announced(queued(2)));
    assert!(!script.delivery.is_silent());
    assert_eq!(script.wait(3), ["again 1", "again 2"]);
    assert!(script.delivery.is_silent());
    script.feed(Input::Confirm(queued(2).mid));
    assert!(!script.delivery.is_silent());
    // One that takes nothing is as silent.
    script.now += Duration::from_secs(60);
    assert_eq!(script.feed(Input::TimeoutBlocked), [""; 0]);
    assert!(script.delivery.is_silent());
}

#[test]
fn a_read_that_failed_is_tried_again_later() {
    let mut script = Script::new();
    script.outputs();
    assert_eq!(script.feed(Input::ReadFailed), [""; 0]);
    assert_eq!(
        script.delivery.poll_timeout(),
        Some(script.now + READ_AGAIN)
    );
    assert_eq!(script.wait(1), ["read 0"]);
}

#[test]
fn line_03_a_silent_client_blocks_only_beyond_its_window() {
    let mut script = Script::live();
    for n in 1..=6 {
        script.feed(Input::Announced(queued(n)));
    }
    let sent = |s: &Script| s.delivery.sent.len();
    assert_eq!(sent(&script), 4);
    // Any confirmation makes room, not only the first one's, before the store has it.
    let confirmed = script.feed(Input::Confirm(mid(3)));
    assert_eq!(confirmed, ["confirm 3", "send 5"]);
    assert_eq!(script.feed(Input::Confirm(mid(3))), [""; 0]);
    assert_eq!(script.feed(Input::Confirm(mid(99))), [""; 0]);
    // Held back, so not sent, so not confirmable.
    assert_eq!(script.feed(Input::Confirm(mid(6))), [""; 0]);
    assert_eq!(script.feed(Input::Stored(vec![position(3)])), ["done 3"]);
}

#[test]
fn line_03_unconfirmed_messages_are_sent_again_with_growing_pauses() {
    let mut script = Script::live();
    script.feed(Input::Announced(queued(1)));
    assert_eq!(script.wait(2), [""; 0]);
    assert_eq!(script.wait(1), ["again 1"]);
    script.feed(Input::Announced(queued(2)));
    assert_eq!(script.wait(3), ["again 2"]);
    assert_eq!(script.wait(3), ["again 1"]);
    // 12 s, but at most 10.
    assert_eq!(
        script.delivery.poll_timeout(),
        Some(script.now + Duration::from_secs(3))
    );
    assert_eq!(script.wait(3), ["again 2"]);
    assert_eq!(script.wait(6), [""; 0]);
    assert_eq!(script.wait(1), ["again 1"]);
    // A confirmation that the store has not answered stops it; one that it lost does not.
    script.feed(Input::Confirm(mid(1)));
    script.feed(Input::Confirm(mid(2)));
    assert_eq!(script.wait(60), [""; 0]);
    script.feed(Input::Stored(vec![position(1)]));
    assert_eq!(script.feed(Input::StoreFailed(vec![position(2)])), [""; 0]);
    assert_eq!(script.wait(60), ["again 2"]);
}

#[test]
fn what_the_client_has_not_taken_yet_is_not_sent_again() {
    let mut script = Script::live();
    script.feed(Input::Announced(queued(1)));
    script.now += POLICY.retry;
    assert_eq!(script.feed(Input::TimeoutBlocked), [""; 0]);
    assert_eq!(script.wait(2), [""; 0]);
    assert_eq!(script.wait(1), ["again 1"]);
}

#[test]
fn a_long_queue_is_read_as_it_drains() {
    let mut script = Script::new();
    script.outputs();
    let sent = script.feed(Input::Read(batch(1..=256, false)));
    assert_eq!(sent, ["send 1", "send 2", "send 3", "send 4"]);
    let mut outputs = Vec::new();
    for n in 1..=256 {
        outputs.extend(script.feed(Input::Confirm(mid(n))));
        outputs.extend(script.feed(Input::Stored(vec![position(n)])));
        if outputs.iter().any(|output| output.starts_with("read")) {
            break;
        }
    }
    // Before it runs dry, from where it ended.
    assert!(outputs.contains(&"read 256".to_owned()));
    assert_eq!(script.delivery.held.len(), 3);
}

#[test]
fn large_messages_go_one_by_one() {
    let mut script = Script::live();
    for n in 1..=3 {
        script.feed(Input::Announced(sized(n, WINDOW_BYTES - 1)));
    }
    assert_eq!(script.delivery.sent.len(), 1);
    let outputs = script.feed(Input::Confirm(mid(1)));
    assert_eq!(outputs, ["confirm 1", "send 2", "read 2"]);
}

#[test]
fn line_03_what_has_expired_is_not_sent_again_and_makes_room() {
    let mut script = Script::live();
    for n in 1..=6 {
        script.feed(Input::Announced(queued(n)));
    }
    // 1 to 4 are sent, 5 and 6 held.
    let gone = vec![position(1), position(5), position(99)];
    assert_eq!(script.feed(Input::Expired(gone)), ["send 6"]);
    assert_eq!(script.feed(Input::Confirm(mid(1))), [""; 0]);
    assert_eq!(script.wait(3), ["again 2", "again 3", "again 4", "again 6"]);
    assert_eq!(script.delivery.held_bytes, 0);
    // One that the client has confirmed waits for the store all the same.
    script.feed(Input::Confirm(mid(2)));
    script.feed(Input::Expired(vec![position(2)]));
    assert_eq!(script.feed(Input::Stored(vec![position(2)])), ["done 2"]);
}

#[test]
fn a_confirmation_that_came_too_late_is_not_told_to_the_sender() {
    let mut script = Script::live();
    script.feed(Input::Announced(queued(1)));
    assert_eq!(script.feed(Input::Confirm(mid(1))), ["confirm 1"]);
    script.feed(Input::Expired(vec![position(1)]));
    assert!(script.feed(Input::Gone(vec![position(1)])).is_empty());
    assert!(script.wait(60).is_empty());
}

#[test]
fn what_was_given_up_is_not_sent_again_because_its_confirmation_failed() {
    let mut script = Script::live();
    script.feed(Input::Announced(queued(1)));
    script.feed(Input::Confirm(mid(1)));
    script.feed(Input::Expired(vec![position(1)]));
    script.feed(Input::StoreFailed(vec![position(1)]));
    assert_eq!(script.wait(60), [""; 0]);
    assert_eq!(script.delivery.poll_timeout(), None);
}

#[test]
fn what_went_during_a_read_is_not_sent_though_the_read_brings_it() {
    let mut script = Script::new();
    script.outputs();
    script.feed(Input::Announced(queued(3)));
    script.feed(Input::Announced(queued(4)));
    script.feed(Input::Expired(vec![position(1), position(3)]));
    let sent = script.feed(Input::Read(batch([1, 2], true)));
    assert_eq!(sent, ["send 2", "send 4"]);
}

#[test]
fn a_read_during_which_too_much_went_is_done_anew() {
    let mut script = Script::new();
    script.outputs();
    let many = (1..=GONE as u64 + 1).map(position).collect();
    script.feed(Input::Expired(many));
    assert_eq!(script.feed(Input::Read(batch([1, 2], true))), ["read 0"]);
    let last = GONE as u64 + 2;
    let sent = script.feed(Input::Read(batch([last], true)));
    assert_eq!(sent, [format!("send {last}")]);
}

#[test]
fn what_was_held_is_confirmed_by_a_mid_older_than_its_place() {
    let mut script = Script::live();
    for (place, of) in [(5, 5), (6, 1), (7, 7), (8, 2)] {
        let mut message = queued(of);
        message.position = position(place);
        script.feed(Input::Announced(message));
    }
    for (of, place) in [(1, 6), (7, 7), (2, 8), (5, 5)] {
        let confirmed = script.feed(Input::Confirm(mid(of)));
        assert_eq!(confirmed, [format!("confirm {place}")]);
        let done = script.feed(Input::Stored(vec![position(place)]));
        assert_eq!(done, [format!("done {of}")]);
    }
}

/// What a random script may do.
#[derive(Debug, Clone)]
enum Step {
    /// The store accepts a message and announces it, or loses the announcement.
    Accept { announce: bool },
    /// The read under way is answered, or fails.
    AnswerRead { fail: bool },
    /// The client confirms one of what was sent to it, by index.
    Confirm(prop::sample::Index),
    /// The store answers all confirmations under way, or fails.
    AnswerConfirm { fail: bool },
    /// The store gives up one of what waits, by index.
    Expire(prop::sample::Index),
    /// So many seconds pass.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::bool::weighted(0.8).prop_map(|announce| Step::Accept { announce }),
        3 => prop::bool::weighted(0.1).prop_map(|fail| Step::AnswerRead { fail }),
        4 => any::<prop::sample::Index>().prop_map(Step::Confirm),
        3 => prop::bool::weighted(0.1).prop_map(|fail| Step::AnswerConfirm { fail }),
        1 => any::<prop::sample::Index>().prop_map(Step::Expire),
        2 => (1_u64..8).prop_map(Step::Wait),
    ]
}

/// The world around a delivery, as naive as can be: a store that is a map, a client that is a list.
struct World {
    delivery: Delivery,
    now: Instant,
    accepted: u64,
    /// The store's messages that are not confirmed.
    stored: BTreeMap<Position, Queued>,
    reading: Option<Batch>,
    confirming: Vec<Position>,
    /// First sends, in order.
    sent: Vec<u64>,
    /// What the client confirmed and the store did not lose.
    confirmed: BTreeSet<u64>,
    done: Vec<u64>,
    /// What the store gave up.
    expired: BTreeSet<u64>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            delivery: Delivery::new(POLICY),
            now: Instant::now(),
            accepted: 0,
            stored: BTreeMap::new(),
            reading: None,
            confirming: Vec::new(),
            sent: Vec::new(),
            confirmed: BTreeSet::new(),
            done: Vec::new(),
            expired: BTreeSet::new(),
        };
        world.perform();
        world
    }

    fn feed(&mut self, input: Input) {
        self.delivery.handle(input, self.now);
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(output) = self.delivery.poll_output() {
            match output {
                Output::Send { message, again } => {
                    let n = message.mid.number() - FIRST;
                    assert!(
                        !self.confirmed.contains(&n),
                        "{n} sent after its confirmation"
                    );
                    assert!(!self.expired.contains(&n), "{n} sent after it expired");
                    assert_eq!(self.sent.contains(&n), again);
                    if !again {
                        self.sent.push(n);
                        assert!(self.unconfirmed() <= POLICY.window);
                    }
                }
                Output::Read { after, limit } => {
                    assert!(self.reading.is_none());
                    let mut messages: Vec<_> = self
                        .stored
                        .values()
                        .filter(|queued| queued.position > after)
                        .cloned()
                        .collect();
                    let limit = limit.min(5);
                    let end = messages.len() <= limit;
                    messages.truncate(limit);
                    self.reading = Some(Batch { messages, end });
                }
                Output::Confirm(position) => {
                    self.confirming.push(position);
                    self.confirmed.insert(position.number() - FIRST);
                }
                Output::Confirmed(mid) => self.done.push(mid.number() - FIRST),
            }
        }
        if self.unconfirmed() > 0 {
            let due = self.delivery.poll_timeout().expect("nothing wakes it");
            assert!(due <= self.now + POLICY.retry_max);
        }
    }

    fn unconfirmed(&self) -> usize {
        let open = |n: &&u64| !self.confirmed.contains(n) && !self.expired.contains(n);
        self.sent.iter().filter(open).count()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Accept { announce } => {
                self.accepted += 1;
                let message = queued(self.accepted);
                self.stored.insert(message.position, message.clone());
                self.feed(if *announce {
                    Input::Announced(message)
                } else {
                    Input::Look
                });
            }
            Step::AnswerRead { fail } => {
                if let Some(batch) = self.reading.take() {
                    self.feed(if *fail {
                        Input::ReadFailed
                    } else {
                        Input::Read(batch)
                    });
                }
            }
            Step::Confirm(index) => {
                if !self.sent.is_empty() {
                    let n = self.sent[index.index(self.sent.len())];
                    self.feed(Input::Confirm(mid(n)));
                }
            }
            Step::AnswerConfirm { fail } => {
                let positions = std::mem::take(&mut self.confirming);
                if *fail {
                    for position in &positions {
                        self.confirmed.remove(&(position.number() - FIRST));
                    }
                    self.feed(Input::StoreFailed(positions));
                } else {
                    for position in &positions {
                        self.stored.remove(position);
                    }
                    self.feed(Input::Stored(positions));
                }
            }
            Step::Expire(index) => {
                // The store gives up nothing whose confirmation it is about to take.
                let waiting: Vec<_> = self
                    .stored
                    .keys()
                    .filter(|position| !self.confirming.contains(position))
                    .copied()
                    .collect();
                if !waiting.is_empty() {
                    let position = waiting[index.index(waiting.len())];
                    self.stored.remove(&position);
                    self.expired.insert(position.number() - FIRST);
                    self.feed(Input::Expired(vec![position]));
                }
            }
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(*seconds);
                self.feed(Input::Timeout);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_all_is_sent_once_in_order_and_confirmed(
        steps in prop::collection::vec(step(), 1..200)
    ) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        // From here on all goes well.
        for _ in 0..10_000 {
            if world.stored.is_empty() {
                break;
            }
            world.step(&Step::Wait(POLICY.retry_max.as_secs()));
            world.step(&Step::AnswerRead { fail: false });
            for n in world.sent.clone() {
                world.feed(Input::Confirm(mid(n)));
            }
            world.step(&Step::AnswerConfirm { fail: false });
        }
        // All but what expired: of that, some was sent before.
        let expired = &world.expired;
        let kept = |list: &[u64]| -> Vec<u64> {
            list.iter().filter(|n| !expired.contains(n)).copied().collect()
        };
        let all: Vec<_> = (1..=world.accepted).collect();
        prop_assert!(world.sent.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(kept(&world.sent), kept(&all));
        world.done.sort_unstable();
        prop_assert_eq!(kept(&world.done), kept(&all));
    }
}
