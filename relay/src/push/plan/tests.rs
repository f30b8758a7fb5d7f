//! Transcripts of the plan, and a run against chance: whatever happens, the invariants hold.

use proptest::prelude::*;

use super::*;
use crate::{frame::Frame, store::Subscription};

fn mid(number: u64) -> MidNumber {
    MidNumber::new(1_795_414_000_000 + number).unwrap()
}

fn message(number: u64) -> ToPush {
    ToPush {
        subscription: Subscription {
            endpoint: "https://push.example/".to_owned(),
            p256dh: [4; 65],
            auth: [0; 16],
            by: String::new(),
        },
        position: Position::new(number),
        mid: mid(number),
        frame: Frame::stored(String::new()),
        expires_ms: u64::MAX,
    }
}

fn name(s: &str) -> Name {
    Name::new(s).unwrap()
}

/// A plan with a clock, whose outputs are told in few words.
struct Script {
    plan: Plan,
    now: Instant,
}

impl Script {
    fn new(policy: Policy) -> Self {
        Self {
            plan: Plan::new(policy),
            now: Instant::now(),
        }
    }

    /// Of a recipient that has subscribed and that nothing waits for.
    fn of_r() -> Self {
        let mut script = Self::new(Policy::default());
        assert_eq!(script.feed(Input::Subscribed(name("r"))), ["next r 0"]);
        assert_eq!(script.next("r", None), [""; 0]);
        script
    }

    fn feed(&mut self, input: Input) -> Vec<String> {
        self.plan.handle(input, self.now);
        let mut outputs = Vec::new();
        while let Some(output) = self.plan.poll_output() {
            outputs.push(match output {
                Output::Next(name, after) => format!("next {name} {}", after.number()),
                Output::Push(name, message, length) => {
                    format!("push {name} {} {length:?}", message.position.number())
                }
                Output::Note(name, mid, pushed) => {
                    format!("note {name} {} {pushed:?}", mid.number() % 1000)
                }
                Output::Forget(name, _) => format!("forget {name}"),
            });
        }
        outputs
    }

    fn queued(&mut self, who: &str) -> Vec<String> {
        self.feed(Input::Queued(name(who)))
    }

    fn next(&mut self, who: &str, number: Option<u64>) -> Vec<String> {
        let message = number.map(|number| Box::new(message(number)));
        self.feed(Input::Next(name(who), message))
    }

    fn pushed(&mut self, who: &str, outcome: Outcome) -> Vec<String> {
        self.feed(Input::Pushed(name(who), outcome))
    }

    /// Lets the time pass until the plan wants to look; how long that was, in seconds.
    fn wait(&mut self) -> (u64, Vec<String>) {
        let at = self.plan.poll_timeout().expect("nothing is awaited");
        let waited = at.saturating_duration_since(self.now).as_secs();
        self.now = self.now.max(at);
        (waited, self.feed(Input::Timeout))
    }

    fn socket(&mut self, what: fn(Name, u64) -> Input, epoch: u64) -> Vec<String> {
        self.feed(what(name("r"), epoch))
    }
}

fn connected(name: Name, epoch: u64) -> Input {
    Input::Connected { name, epoch }
}
fn silent(name: Name, epoch: u64) -> Input {
    Input::Silent { name, epoch }
}
fn confirming(name: Name, epoch: u64) -> Input {
    Input::Confirming { name, epoch }
}
fn left(name: Name, epoch: u64) -> Input {
    Input::Left { name, epoch }
}

#[test]
fn messages_are_pushed_one_after_the_other() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("nobody"), [""; 0]);
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    // One more meanwhile: it is held back, and follows.
    assert_eq!(script.queued("r"), [""; 0]);
    assert!(script.plan.holds_back(&name("r"), mid(2)));
    assert!(!script.plan.holds_back(&name("r"), mid(1)));
    let taken = script.pushed("r", Outcome::Taken);
    assert_eq!(taken, ["note r 1 Taken", "next r 1"]);
    assert_eq!(script.next("r", Some(2)), ["push r 2 Whole"]);
    let taken = script.pushed("r", Outcome::Taken);
    assert_eq!(taken, ["note r 2 Taken", "next r 2"]);
    assert_eq!(script.next("r", None), [""; 0]);
    assert!(!script.plan.holds_back(&name("r"), mid(3)));
    // One that came while the store was asked.
    assert_eq!(script.queued("r"), ["next r 2"]);
    assert_eq!(script.queued("r"), [""; 0]);
    assert_eq!(script.next("r", None), ["next r 2"]);
    assert_eq!(script.next("r", None), [""; 0]);
    assert_eq!(script.plan.poll_timeout(), None);
}

#[test]
fn line_09_nothing_is_pushed_while_a_socket_confirms() {
    let mut script = Script::of_r();
    assert_eq!(script.socket(connected, 1), [""; 0]);
    assert_eq!(script.queued("r"), [""; 0]);
    // Gone: what it has not confirmed is pushed.
    assert_eq!(script.socket(left, 1), ["next r 0"]);
    // Back before the store answered.
    assert_eq!(script.socket(connected, 2), [""; 0]);
    assert_eq!(script.next("r", Some(1)), [""; 0]);
    // A socket that was taken over ends after the new one came.
    assert_eq!(script.socket(connected, 3), [""; 0]);
    assert_eq!(script.socket(left, 2), [""; 0]);
    assert_eq!(script.socket(silent, 2), [""; 0]);
    assert_eq!(script.queued("r"), [""; 0]);
    // Connected, but it lets the time pass.
    assert_eq!(script.socket(silent, 3), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    assert_eq!(script.socket(confirming, 3), [""; 0]);
    let taken = script.pushed("r", Outcome::Taken);
    assert_eq!(taken, ["note r 1 Taken"]);
    assert_eq!(script.queued("r"), [""; 0]);
}

#[test]
fn line_09_failures_are_tried_again_with_growing_pauses_and_given_up() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    let mut pauses = Vec::new();
    loop {
        assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
        let outputs = script.pushed("r", Outcome::Later(None));
        let (waited, next) = script.wait();
        pauses.push(waited);
        if outputs == ["note r 1 No"] {
            // It is passed over; the next one is not tried at once either.
            assert_eq!(next, ["next r 1"]);
            break;
        }
        assert_eq!(outputs, [""; 0]);
        assert!(script.plan.holds_back(&name("r"), mid(2)));
        assert_eq!(next, ["next r 0"]);
    }
    assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 900, 900, 900]);
    assert_eq!(script.next("r", Some(2)), ["push r 2 Whole"]);
    let taken = script.pushed("r", Outcome::Taken);
    assert_eq!(taken, ["note r 2 Taken", "next r 2"]);
    // Once one was taken, pauses are short again.
    assert_eq!(script.next("r", Some(3)), ["push r 3 Whole"]);
    assert_eq!(script.pushed("r", Outcome::Later(None)), [""; 0]);
    assert_eq!(script.wait().0, 15);
}

#[test]
fn line_09_a_service_says_itself_when_to_come_again_within_bounds() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    for (asked, waited) in [(100, 100), (0, 15), (1_000_000, 3600), (u64::MAX, 3600)] {
        assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
        let later = Outcome::Later(Some(Duration::from_secs(asked)));
        assert_eq!(script.pushed("r", later), [""; 0]);
        assert_eq!(script.wait().0, waited);
    }
}

#[test]
fn line_09_too_large_is_shortened_once() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    assert_eq!(script.pushed("r", Outcome::TooLarge), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Short"]);
    let given_up = script.pushed("r", Outcome::TooLarge);
    assert_eq!(given_up, ["note r 1 No", "next r 1"]);
    assert_eq!(script.next("r", Some(2)), ["push r 2 Whole"]);
    let refused = script.pushed("r", Outcome::Refused("400".to_owned()));
    assert_eq!(refused, ["note r 2 No", "next r 2"]);
}

#[test]
fn line_09_a_subscription_that_is_gone_is_forgotten_unless_there_is_a_new_one() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    // The client was faster than the answer about the old one.
    assert_eq!(script.feed(Input::Subscribed(name("r"))), [""; 0]);
    let gone = script.pushed("r", Outcome::Gone);
    assert_eq!(gone, ["forget r", "next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    let gone = script.pushed("r", Outcome::Gone);
    assert_eq!(gone, ["forget r", "note r 1 No"]);
    assert_eq!(script.queued("r"), [""; 0]);
    assert!(!script.plan.holds_back(&name("r"), mid(2)));
    assert_eq!(script.plan.poll_timeout(), None);
}

#[test]
fn a_new_subscription_gives_what_waits_another_chance() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    let refused = script.pushed("r", Outcome::Refused("400".to_owned()));
    assert_eq!(refused, ["note r 1 No", "next r 1"]);
    assert_eq!(script.next("r", Some(2)), ["push r 2 Whole"]);
    assert_eq!(script.pushed("r", Outcome::Later(None)), [""; 0]);
    let again = script.feed(Input::Subscribed(name("r")));
    assert_eq!(again, ["next r 0"]);
    assert_eq!(script.plan.poll_timeout(), None);
}

#[test]
fn what_waits_for_another_try_is_the_sockets_once_there_is_one() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    assert_eq!(script.pushed("r", Outcome::Later(None)), [""; 0]);
    assert_eq!(script.socket(connected, 1), ["note r 1 No"]);
    assert!(!script.plan.holds_back(&name("r"), mid(2)));
    assert_eq!(script.wait(), (15, vec![]));
    // Gone without a confirmation: the tries are counted on.
    assert_eq!(script.socket(left, 1), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    assert_eq!(script.socket(connected, 2), [""; 0]);
    let later = script.pushed("r", Outcome::Later(None));
    assert_eq!(later, ["note r 1 No"]);
}

#[test]
fn what_was_confirmed_meanwhile_is_passed_over() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.next("r", Some(1)), ["push r 1 Whole"]);
    let vanished = script.feed(Input::Vanished(name("r")));
    assert_eq!(vanished, ["next r 0"]);
    assert_eq!(script.next("r", None), [""; 0]);
}

#[test]
fn after_a_start_what_waits_waits_a_little_longer_unless_there_is_more() {
    let mut script = Script::new(Policy::default());
    for who in ["a", "b"] {
        assert_eq!(script.feed(Input::Known(name(who))), [""; 0]);
    }
    assert_eq!(script.queued("b"), ["next b 0"]);
    assert_eq!(script.wait(), (10, vec!["next a 0".to_owned()]));
}

#[test]
fn a_store_that_fails_is_asked_again() {
    let mut script = Script::of_r();
    assert_eq!(script.queued("r"), ["next r 0"]);
    assert_eq!(script.feed(Input::NextFailed(name("r"))), [""; 0]);
    assert_eq!(script.wait(), (5, vec!["next r 0".to_owned()]));
}

#[test]
fn places_are_given_in_the_order_of_coming() {
    let mut script = Script::new(Policy {
        at_once: 2,
        ..Policy::default()
    });
    let subscribe = |script: &mut Script, who| script.feed(Input::Subscribed(name(who)));
    assert_eq!(subscribe(&mut script, "a"), ["next a 0"]);
    assert_eq!(subscribe(&mut script, "b"), ["next b 0"]);
    assert_eq!(subscribe(&mut script, "c"), [""; 0]);
    assert_eq!(subscribe(&mut script, "d"), [""; 0]);
    assert_eq!(script.next("a", Some(1)), ["push a 1 Whole"]);
    assert_eq!(script.next("b", None), ["next c 0"]);
    let taken = script.pushed("a", Outcome::Taken);
    assert_eq!(taken, ["note a 1 Taken", "next d 0"]);
}

#[derive(Debug, Clone)]
enum Step {
    Queue(usize),
    Subscribe(usize),
    Connect(usize),
    Silent(usize, bool),
    Leave(usize),
    Answer(usize),
    Outcome(usize, u8),
    Time,
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0_usize..3;
    prop_oneof![
        4 => who().prop_map(Step::Queue),
        1 => who().prop_map(Step::Subscribe),
        1 => who().prop_map(Step::Connect),
        1 => (who(), any::<bool>()).prop_map(|(n, s)| Step::Silent(n, s)),
        1 => who().prop_map(Step::Leave),
        6 => who().prop_map(Step::Answer),
        6 => (who(), 0_u8..6).prop_map(|(n, o)| Step::Outcome(n, o)),
        2 => Just(Step::Time),
    ]
}

/// What the world outside the plan is like, for one recipient.
#[derive(Default)]
struct World {
    subscribed: bool,
    /// A socket, and whether it is silent.
    socket: Option<(u64, bool)>,
    /// Positions that wait and were not taken.
    waiting: BTreeSet<u64>,
    asked: Option<u64>,
    pushing: Option<u64>,
    attempts: HashMap<u64, u32>,
    /// Registered anew since the store was last asked: what is tried meanwhile does not count.
    anew: bool,
}

proptest! {
    #[test]
    fn whatever_happens_the_invariants_hold(steps in prop::collection::vec(step(), 1..200)) {
        let policy = Policy { at_once: 2, attempts: 3, ..Policy::default() };
        let names = ["a", "b", "c"].map(name);
        let mut plan = Plan::new(policy);
        let mut now = Instant::now();
        let mut worlds: [World; 3] = Default::default();
        let (mut number, mut epoch) = (0, 0);
        for step in steps {
            let input = match step {
                Step::Queue(n) => {
                    number += 1;
                    worlds[n].waiting.insert(number);
                    Input::Queued(names[n].clone())
                }
                Step::Subscribe(n) => {
                    worlds[n].subscribed = true;
                    worlds[n].anew = true;
                    worlds[n].attempts.clear();
                    Input::Subscribed(names[n].clone())
                }
                Step::Connect(n) => {
                    epoch += 1;
                    worlds[n].socket = Some((epoch, false));
                    Input::Connected { name: names[n].clone(), epoch }
                }
                Step::Silent(n, is) => {
                    let Some((epoch, silent)) = &mut worlds[n].socket else { continue };
                    *silent = is;
                    let (name, epoch) = (names[n].clone(), *epoch);
                    if is { Input::Silent { name, epoch } } else { Input::Confirming { name, epoch } }
                }
                Step::Leave(n) => {
                    let Some((epoch, _)) = worlds[n].socket.take() else { continue };
                    Input::Left { name: names[n].clone(), epoch }
                }
                Step::Answer(n) => {
                    let Some(after) = worlds[n].asked.take() else { continue };
                    let next = worlds[n].waiting.range(after + 1..).next().copied();
                    let next = next.filter(|_| worlds[n].subscribed);
                    Input::Next(names[n].clone(), next.map(|number| Box::new(message(number))))
                }
                Step::Outcome(n, outcome) => {
                    let Some(number) = worlds[n].pushing.take() else { continue };
                    if worlds[n].anew {
                        worlds[n].attempts.clear();
                    }
                    let outcome = match outcome {
                        0 => Outcome::Gone,
                        1 => Outcome::TooLarge,
                        2 => Outcome::Later(None),
                        3 => Outcome::Later(Some(Duration::from_secs(20))),
                        4 => Outcome::Refused(String::new()),
                        _ => Outcome::Taken,
                    };
                    if outcome == Outcome::Taken {
                        worlds[n].waiting.remove(&number);
                    }
                    Input::Pushed(names[n].clone(), outcome)
                }
                Step::Time => {
                    let Some(at) = plan.poll_timeout() else { continue };
                    now = now.max(at);
                    Input::Timeout
                }
            };
            plan.handle(input, now);
            while let Some(output) = plan.poll_output() {
                let at = |who: &Name| names.iter().position(|name| name == who).unwrap();
                match output {
                    Output::Next(who, after) => {
                        let world = &mut worlds[at(&who)];
                        prop_assert!(world.asked.is_none() && world.pushing.is_none());
                        world.asked = Some(after.number());
                        world.anew = false;
                    }
                    Output::Push(who, message, _) => {
                        let world = &mut worlds[at(&who)];
                        prop_assert!(world.asked.is_none() && world.pushing.is_none());
                        prop_assert!(world.socket.is_none_or(|(_, silent)| silent));
                        let number = message.position.number();
                        let attempts = world.attempts.entry(number).or_default();
                        *attempts += 1;
                        // Once more, as it may be shortened.
                        prop_assert!(*attempts <= policy.attempts + 1);
                        world.pushing = Some(number);
                    }
                    Output::Note(..) => {}
                    Output::Forget(who, _) => {
                        let world = &mut worlds[at(&who)];
                        // As the store does it: not if there is another one by now.
                        world.subscribed = plan.recipients.contains_key(&who);
                    }
                }
            }
            let busy = worlds.iter().filter(|w| w.asked.is_some() || w.pushing.is_some()).count();
            prop_assert!(busy <= policy.at_once);
        }
        // Left alone, all that can be pushed is.
        for (name, world) in names.iter().zip(&mut worlds) {
            if let Some((epoch, _)) = world.socket.take() {
                plan.handle(Input::Left { name: name.clone(), epoch }, now);
            }
            plan.handle(Input::Subscribed(name.clone()), now);
        }
        for _ in 0..2000 {
            let at = |who: &Name| names.iter().position(|name| name == who).unwrap();
            for n in 0..3 {
                if let Some(number) = worlds[n].pushing.take() {
                    worlds[n].waiting.remove(&number);
                    plan.handle(Input::Pushed(names[n].clone(), Outcome::Taken), now);
                } else if let Some(after) = worlds[n].asked.take() {
                    let next = worlds[n].waiting.range(after + 1..).next().copied();
                    let next = next.map(|number| Box::new(message(number)));
                    plan.handle(Input::Next(names[n].clone(), next), now);
                }
            }
            while let Some(output) = plan.poll_output() {
                match output {
                    Output::Next(who, after) => worlds[at(&who)].asked = Some(after.number()),
                    Output::Push(who, message, _) => {
                        worlds[at(&who)].pushing = Some(message.position.number());
                    }
                    Output::Note(..) | Output::Forget(..) => {}
                }
            }
        }
        for world in &worlds {
            prop_assert!(world.waiting.is_empty() && world.asked.is_none());
        }
    }
}
