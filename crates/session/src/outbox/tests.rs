//! The outbox against a naive relay: order, pairing and outcomes, with and without `ref`.

use super::*;
use proptest::prelude::*;
use tidings_protocol::server;
use tidings_protocol::{Message, Mid, Name, Ref, Status};

fn send(name: &str, reference: Option<i64>) -> Send {
    Send {
        target: Target::Personal(Name::new(name).unwrap()),
        message: Message::new("t", ""),
        reference: reference.map(|n| Ref::new(n.to_string()).unwrap()),
    }
}

fn reply(mid: i64, name: &str) -> Reply {
    Reply {
        mid: Mid::new(mid.to_string()).unwrap(),
        status: vec![(Name::new(name).unwrap(), Status::Ok)],
        reference: None,
    }
}

fn replied(ended: Option<Ended>) -> Option<(i64, String)> {
    match ended {
        Some((id, Outcome::Replied(reply))) => Some((id.0, reply.mid.to_string())),
        _ => None,
    }
}

#[test]
fn the_reply_to_one_given_up_is_not_the_next_ones() {
    let mut now = Instant::now();
    let mut outbox = Outbox::default();
    outbox.online(false);
    outbox.push(SendId(1), send("ann", None));
    outbox.push(SendId(2), send("ann", None));
    outbox.next(now).unwrap();
    now += REPLY;
    assert_eq!(
        outbox.expire(now),
        (true, vec![]),
        "the line is tested first"
    );
    assert_eq!(outbox.timeout(), None);
    assert_eq!(outbox.line_is_well(now), []);
    now += REPLY;
    assert_eq!(outbox.expire(now), (true, vec![]), "and once more");
    assert_eq!(outbox.line_is_well(now), [(SendId(1), Outcome::Unknown)]);
    outbox.next(now).unwrap();
    // The first's reply at last: it could be either's, so nothing is said yet.
    assert_eq!(outbox.reply(reply(1, "ann"), now), None);
    assert_eq!(
        replied(outbox.reply(reply(2, "ann"), now)),
        Some((2, "2".into()))
    );
}

#[test]
fn a_candidate_is_the_reply_when_no_other_comes() {
    let mut now = Instant::now();
    let mut outbox = Outbox::default();
    outbox.online(false);
    outbox.push(SendId(1), send("ann", None));
    outbox.next(now).unwrap();
    // The first never reached the relay.
    outbox.offline(now);
    outbox.online(false);
    outbox.push(SendId(2), send("ann", None));
    outbox.next(now).unwrap();
    assert_eq!(outbox.reply(reply(2, "ann"), now), None);
    now += REPLY;
    let (_, mut ended) = outbox.expire(now);
    assert_eq!(replied(ended.pop()), Some((2, "2".into())));
    // And it leaves no stray behind: the third's reply is taken at once.
    outbox.push(SendId(3), send("ann", None));
    outbox.next(now).unwrap();
    assert_eq!(
        replied(outbox.reply(reply(3, "ann"), now)),
        Some((3, "3".into()))
    );
}

#[test]
fn what_left_under_a_ref_is_unknown_to_a_relay_without_it() {
    let now = Instant::now();
    let mut outbox = Outbox::default();
    outbox.online(true);
    outbox.push(SendId(1), send("ann", Some(1)));
    outbox.next(now).unwrap();
    outbox.push(SendId(2), send("ann", Some(2)));
    outbox.offline(now);
    assert_eq!(outbox.online(false), [(SendId(1), Outcome::Unknown)]);
    assert!(outbox.next(now).unwrap().contains("ann"));
}

#[test]
fn a_full_outbox_ends_what_comes_as_not_sent() {
    let mut outbox = Outbox::default();
    for n in 0..CAPACITY {
        assert_eq!(
            outbox.push(SendId(i64::try_from(n).unwrap()), send("ann", None)),
            None
        );
    }
    assert!(!outbox.has_room());
    assert_eq!(
        outbox.push(SendId(999), send("ann", None)),
        Some((SendId(999), Outcome::NotSent))
    );
}

#[derive(Debug, Clone)]
enum Step {
    Push,
    Drop,
    Up,
    /// The relay replies to its oldest unanswered message, or to the one after.
    Reply(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Push),
        1 => Just(Step::Drop),
        2 => Just(Step::Up),
        5 => (0usize..3).prop_map(Step::Reply),
        2 => (0u64..8_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// With `ref` every reply finds its message, the first copies leave in order, and at most a
    /// window is outstanding.
    #[test]
    fn with_ref_nothing_is_confused(steps in prop::collection::vec(step(), 0..150)) {
        let mut now = Instant::now();
        let mut outbox = Outbox::default();
        let mut up = false;
        let (mut pushed, mut newest) = (0i64, 0i64);
        let mut unanswered: Vec<Ref> = Vec::new();
        let mut open: Vec<i64> = Vec::new();
        for step in steps {
            match step {
                Step::Push if outbox.has_room() => {
                    pushed += 1;
                    open.push(pushed);
                    prop_assert_eq!(outbox.push(SendId(pushed), send("ann", Some(pushed))), None);
                }
                Step::Push => {}
                Step::Drop => {
                    up = false;
                    unanswered.clear();
                    prop_assert!(outbox.offline(now).is_empty());
                }
                Step::Up if !up => {
                    up = true;
                    prop_assert!(outbox.online(true).is_empty());
                }
                Step::Up => {}
                Step::Reply(at) if at < unanswered.len() => {
                    let reference = unanswered.remove(at);
                    let n: i64 = reference.as_str().parse().unwrap();
                    let mut reply = reply(n + 1000, "ann");
                    reply.reference = Some(reference);
                    if let Some(answered) = replied(outbox.reply(reply, now)) {
                        prop_assert_eq!(answered, (n, (n + 1000).to_string()));
                        open.retain(|m| *m != n);
                    } else {
                        prop_assert!(!open.contains(&n), "a reply was lost");
                    }
                }
                Step::Reply(_) => {}
                Step::Wait(millis) => {
                    now += Duration::from_millis(millis);
                    let (doubt, mut ended) = outbox.expire(now);
                    if doubt {
                        ended.extend(outbox.line_is_well(now));
                    }
                    open.retain(|m| !ended.contains(&(SendId(*m), Outcome::Unknown)));
                }
            }
            while let Some(frame) = outbox.next(now) {
                prop_assert!(up);
                let Ok(Packet::Message(sent)) = Packet::decode(&frame) else { unreachable!() };
                let reference = sent.reference.unwrap();
                let n: i64 = reference.as_str().parse().unwrap();
                prop_assert!(n > newest || open.contains(&n));
                prop_assert!(n <= newest + 1, "one was passed over");
                prop_assert!(unanswered.iter().all(|before| before.as_str().parse::<i64>().unwrap() < n),
                    "one was overtaken, or sent twice on one connection");
                newest = newest.max(n);
                unanswered.push(reference);
            }
            prop_assert!(outbox.outstanding.len() <= WINDOW);
            prop_assert_eq!(outbox.timeout().is_some(), !outbox.outstanding.is_empty());
        }
    }

    /// Without `ref` one is outstanding, and a reply is never given to another message than its own
    /// when the relay answers in order.
    #[test]
    fn without_ref_no_reply_is_given_to_another(steps in prop::collection::vec(step(), 0..150)) {
        let mut now = Instant::now();
        let mut outbox = Outbox::default();
        let mut up = false;
        let mut pushed = 0i64;
        // What the relay accepted and has not answered; its answers survive a lost connection.
        let mut relay: VecDeque<i64> = VecDeque::new();
        for step in steps {
            let mut ended = Vec::new();
            match step {
                Step::Push if outbox.has_room() => {
                    pushed += 1;
                    outbox.push(SendId(pushed), send("ann", None));
                }
                Step::Drop => {
                    up = false;
                    ended = outbox.offline(now);
                }
                Step::Up if !up => {
                    up = true;
                    ended = outbox.online(false);
                }
                Step::Reply(_) if up => {
                    if let Some(n) = relay.pop_front() {
                        ended.extend(outbox.reply(reply(n, "ann"), now));
                    }
                }
                // The relay answers before a reply is given up, and in sum before a stray is.
                Step::Wait(millis) => {
                    if up && outbox.timeout().is_some_and(|at| at <= now + Duration::from_millis(millis / 20)) {
                        for n in relay.drain(..) {
                            ended.extend(outbox.reply(reply(n, "ann"), now));
                        }
                    }
                    now += Duration::from_millis(millis / 20);
                    ended.extend(outbox.expire(now).1);
                }
                _ => {}
            }
            for (id, outcome) in ended {
                if let Outcome::Replied(reply) = outcome {
                    prop_assert_eq!(reply.mid.to_string(), id.0.to_string());
                }
            }
            while let Some(frame) = outbox.next(now) {
                let decoded = Packet::decode(&frame);
                prop_assert!(matches!(decoded, Ok(Packet::Message(_))));
                prop_assert_eq!(outbox.outstanding.len(), 1);
                relay.push_back(outbox.outstanding[0].entry.id.0);
            }
        }
    }
}

/// The two halves agree on the wire.
#[test]
fn a_reply_of_the_wire_pairs() {
    let now = Instant::now();
    let mut outbox = Outbox::default();
    outbox.online(false);
    outbox.push(SendId(5), send("ann", None));
    outbox.next(now).unwrap();
    let frame = r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414087127","status":{"ann":"wait"}}}"#;
    let Ok(server::Packet::Reply(reply)) = server::Packet::decode(frame) else {
        unreachable!()
    };
    assert_eq!(
        replied(outbox.reply(reply, now)),
        Some((5, "1795414087127".into()))
    );
}
