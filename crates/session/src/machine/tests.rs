//! Transcripts of the machine, one per story; `invariants` has what holds under random inputs.

mod extensions;
mod invariants;
mod news;

use super::*;
use crate::event::{Outcome, SendId};
use crate::rival::QUICK;
use crate::{backoff, keepalive, outbox};
use tidings_protocol::{Group, Message, Name, Ref, Target, close};

const WELCOME: &str = r#"{"cmd":"AUTH","data":{"code":200,"auth":"t","msg":"ok"}}"#;
const WELCOME_REF: &str = r#"{"cmd":"AUTH","data":{"code":200,"msg":"ok","features":["ref"]}}"#;
const PONG: &str = r#"{"cmd":"PONG","data":""}"#;
const DENIED: &str = r#"{"cmd":"AUTH","data":{"code":403,"msg":"Token invalid"}}"#;

fn config() -> Config {
    let name = Name::new("desk").unwrap();
    Config::new("h:1".parse().unwrap(), "secret", name, Group::none())
}

fn mid(text: &str) -> Mid {
    Mid::new(text).unwrap()
}

fn to(name: &str, reference: Option<&str>) -> client::Send {
    client::Send {
        target: Target::Personal(Name::new(name).unwrap()),
        message: Message::new("t", ""),
        reference: reference.map(|text| Ref::new(text).unwrap()),
    }
}

fn message(mid: &str) -> String {
    format!(
        r#"{{"cmd":"MESSAGE","data":{{"sendType":"personal","target":"desk","from":{{"method":"http","name":""}},"message":{{"text":"t","desp":"","extra":{{}}}},"mid":"{mid}"}}}}"#
    )
}

fn reply(mid: &str, name: &str, reference: Option<&str>) -> String {
    let reference = reference.map_or(String::new(), |text| format!(r#","ref":"{text}""#));
    format!(
        r#"{{"cmd":"MESSAGE_REPLY","data":{{"mid":"{mid}","status":{{"{name}":"ok"}}{reference}}}}}"#
    )
}

/// A machine and its clock; what it says in short words.
struct Story {
    machine: Machine,
    now: Instant,
}

impl Story {
    fn begin() -> Self {
        Self::with_seed(1)
    }

    fn with_seed(seed: u64) -> Self {
        let now = Instant::now();
        let machine = Machine::new(config(), fastrand::Rng::with_seed(seed), now);
        let mut story = Self { machine, now };
        assert_eq!(story.outputs(), ["state dialing", "dial"]);
        story
    }

    /// The story up to AUTH 200.
    fn online(welcome: &str) -> Self {
        let mut story = Self::begin();
        story.go_online(welcome);
        story
    }

    fn go_online(&mut self, welcome: &str) {
        assert_eq!(
            self.feed(Input::Opened),
            ["state authenticating", "> AUTH desk"]
        );
        assert_eq!(
            self.feed(Input::Frame(welcome)).first().unwrap(),
            "state online"
        );
    }

    fn feed(&mut self, input: Input<'_>) -> Vec<String> {
        self.machine.handle(input, self.now);
        self.outputs()
    }

    fn after(&mut self, duration: Duration) -> &mut Self {
        self.now += duration;
        self
    }

    /// The clock goes to the next timeout.
    fn timeout(&mut self) -> Vec<String> {
        self.now = self.machine.poll_timeout().expect("a timeout");
        self.feed(Input::Timeout)
    }

    fn outputs(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            words.push(say(output));
        }
        words
    }

    fn until_timeout(&self) -> Duration {
        self.machine.poll_timeout().expect("a timeout") - self.now
    }
}

fn say(output: Output) -> String {
    match output {
        Output::Dial => "dial".into(),
        Output::HangUp => "hang up".into(),
        Output::Transmit(frame) => match Packet::decode(&frame).unwrap() {
            Packet::Auth(auth) => format!("> AUTH {}", auth.name),
            Packet::Message(send) => match send.reference {
                Some(reference) => format!("> MESSAGE {} {reference}", send.target.as_str()),
                None => format!("> MESSAGE {}", send.target.as_str()),
            },
            Packet::Confirm(mid) => format!("> CONFIRM {mid}"),
            Packet::Ping => "> PING".into(),
            other => format!("> {other:?}"),
        },
        Output::Event(Event::State(state)) => match state {
            State::Waiting { trouble, .. } => format!("state waiting: {trouble}"),
            State::Dialing => "state dialing".into(),
            State::Authenticating => "state authenticating".into(),
            State::Online(_) => "state online".into(),
            State::Refused(refusal) => format!("state refused: {refusal}"),
            State::TakenOver { retry_at: None } => "state taken over".into(),
            State::TakenOver { .. } => "state taken over for a while".into(),
            State::Stopped => "state stopped".into(),
        },
        Output::Event(Event::Message(delivery)) => format!("message {}", delivery.mid),
        Output::Event(Event::Outcome { id, outcome }) => match outcome {
            Outcome::Replied(reply) => format!("outcome {} replied {}", id.0, reply.mid),
            Outcome::Unknown => format!("outcome {} unknown", id.0),
            Outcome::Pending => format!("outcome {} pending", id.0),
            Outcome::NotSent => format!("outcome {} not sent", id.0),
            Outcome::TooLarge { .. } => format!("outcome {} too large", id.0),
        },
        Output::Event(Event::Info(text)) => format!("info {text}"),
        Output::Event(Event::Answered) => "answered".into(),
        Output::Event(Event::Extension(packet)) => packet.encode(),
    }
}

#[test]
fn a_message_is_handed_up_until_the_user_confirms_it() {
    let mut story = Story::online(WELCOME);
    assert_eq!(story.feed(Input::Frame(&message("1"))), ["message 1"]);
    assert_eq!(story.feed(Input::Frame(&message("1"))), ["message 1"]);
    assert_eq!(story.feed(Input::Confirm(mid("1"))), ["> CONFIRM 1"]);
    // Its confirmation may have been lost: the user drops the repeat and confirms again.
    assert_eq!(story.feed(Input::Frame(&message("1"))), ["message 1"]);
}

#[test]
fn a_message_before_auth_is_confirmed_after_it() {
    let mut story = Story::begin();
    story.feed(Input::Opened);
    assert_eq!(story.feed(Input::Frame(&message("7"))), ["message 7"]);
    assert!(story.feed(Input::Confirm(mid("7"))).is_empty());
    assert_eq!(
        story.feed(Input::Frame(WELCOME)),
        ["state online", "> CONFIRM 7"]
    );
}

#[test]
fn what_is_stored_while_the_line_is_down_is_confirmed_on_the_next() {
    let mut story = Story::online(WELCOME);
    story.feed(Input::Frame(&message("3")));
    story.feed(Input::Lost("reset".into()));
    assert!(story.feed(Input::Confirm(mid("3"))).is_empty());
    assert_eq!(story.timeout(), ["state dialing", "dial"]);
    story.feed(Input::Opened);
    assert_eq!(
        story.feed(Input::Frame(WELCOME)),
        ["state online", "> CONFIRM 3"]
    );
}

#[test]
fn a_relay_that_does_not_answer_is_dialed_again() {
    let mut story = Story::begin();
    assert_eq!(story.until_timeout(), DIAL);
    assert_eq!(
        story.timeout(),
        [
            "hang up",
            "state waiting: the relay did not answer in time: check the address, the network and \
             any firewall"
        ]
    );
    assert!(story.until_timeout() <= backoff::BASE);
    assert_eq!(story.timeout(), ["state dialing", "dial"]);
}

#[test]
fn a_peer_that_is_no_push_relay_is_told_by_its_silence_and_its_words() {
    let mut story = Story::begin();
    story.feed(Input::Opened);
    assert_eq!(
        story.feed(Input::Frame(r#"{"cmd":"INFO","data":"hello"}"#)),
        ["info hello"]
    );
    assert_eq!(story.until_timeout(), AUTH);
    assert_eq!(
        story.timeout(),
        [
            "hang up",
            "state waiting: the relay did not answer AUTH in time (it said: hello): check that this \
             address is a push relay"
        ]
    );
}

#[test]
fn a_refusal_rests_until_the_person_asks() {
    let mut story = Story::begin();
    story.feed(Input::Opened);
    assert_eq!(
        story.feed(Input::Frame(DENIED)),
        [
            "hang up",
            "state refused: the relay refused this client (Token invalid): check the token in the \
             settings"
        ]
    );
    assert_eq!(story.machine.poll_timeout(), None);
    assert!(story.feed(Input::Probe).is_empty());
    assert_eq!(story.feed(Input::Reconnect), ["state dialing", "dial"]);
}

#[test]
fn a_handshake_refused_by_http_rests_and_any_other_status_waits() {
    let mut story = Story::begin();
    let said = story.feed(Input::DialFailed(DialError::Http { status: 401 }));
    assert!(said.iter().any(|word| word.starts_with("state refused")));
    story.feed(Input::Reconnect);
    let said = story.feed(Input::DialFailed(DialError::Http { status: 502 }));
    assert!(said.iter().any(|word| word.starts_with("state waiting")));
}

#[test]
fn our_relays_takeover_waits_for_the_person() {
    let mut story = Story::online(WELCOME);
    let closed = Input::Closed {
        code: Some(close::TAKEN_OVER),
        reason: "taken over".into(),
    };
    assert_eq!(story.feed(closed), ["hang up", "state taken over"]);
    assert_eq!(story.machine.poll_timeout(), None);
    assert_eq!(story.feed(Input::Reconnect), ["state dialing", "dial"]);
}

#[test]
fn an_auth_of_ones_own_that_arrives_late_is_no_rival() {
    let taken_over = || Input::Closed {
        code: Some(close::TAKEN_OVER),
        reason: String::new(),
    };
    let mut story = Story::begin();
    story.feed(Input::Opened);
    // Its AUTH is still under way when it is given up, and arrives after the next one's.
    story.timeout();
    story.timeout();
    story.go_online(WELCOME);
    assert_eq!(
        story.feed(taken_over()),
        [
            "hang up",
            "state waiting: the relay closed the connection (code 4001)"
        ]
    );
    story.timeout();
    story.go_online(WELCOME);
    assert_eq!(story.feed(taken_over()), ["hang up", "state taken over"]);
}

fn bare_close() -> Input<'static> {
    Input::Closed {
        code: None,
        reason: String::new(),
    }
}

#[test]
fn two_quick_closes_of_the_reference_make_a_truce() {
    let mut story = Story::online(WELCOME);
    let said = story.after(Duration::from_secs(3)).feed(bare_close());
    assert_eq!(
        said,
        ["hang up", "state waiting: the relay closed the connection"]
    );
    story.timeout();
    story.go_online(WELCOME);
    let said = story.after(Duration::from_secs(3)).feed(bare_close());
    assert_eq!(said, ["hang up", "state taken over for a while"]);
    assert_eq!(story.until_timeout(), TRUCE);
    assert!(story.feed(Input::Probe).is_empty());

    // The rival is still there afterwards: once is enough now.
    story.timeout();
    story.go_online(WELCOME);
    let said = story.after(Duration::from_secs(3)).feed(bare_close());
    assert_eq!(said, ["hang up", "state taken over for a while"]);

    // It is gone: a connection that lasts ends the suspicion.
    story.timeout();
    story.go_online(WELCOME);
    let said = story.after(QUICK).feed(bare_close());
    assert_eq!(
        said,
        ["hang up", "state waiting: the relay closed the connection"]
    );
}

#[test]
fn a_relay_that_restarts_is_no_rival() {
    let mut story = Story::online(WELCOME);
    for _ in 0..5 {
        let closed = Input::Closed {
            code: Some(1001),
            reason: "restart".into(),
        };
        let said = story.after(Duration::from_secs(1)).feed(closed);
        assert_eq!(
            said,
            [
                "hang up",
                "state waiting: the relay closed the connection (code 1001: restart)"
            ]
        );
        story.timeout();
        story.go_online(WELCOME);
    }
}

#[test]
fn the_back_off_falls_back_only_after_a_connection_that_lasted() {
    let longest = |stay: Duration| {
        let mut longest = Duration::ZERO;
        for seed in 0..20 {
            let mut story = Story::with_seed(seed);
            for _ in 0..12 {
                story.go_online(WELCOME);
                story.after(stay).feed(Input::Lost("reset".into()));
                longest = longest.max(story.until_timeout());
                story.timeout();
            }
        }
        longest
    };
    // A relay that accepts and drops at once is dialed less and less often.
    assert!(longest(Duration::from_millis(10)) > backoff::CAP / 2);
    assert!(longest(STEADY) <= backoff::BASE);
}

#[test]
fn a_silent_peer_is_pinged_and_then_dropped() {
    let mut story = Story::online(WELCOME);
    assert!((keepalive::IDLE_MIN..=keepalive::IDLE_MAX).contains(&story.until_timeout()));
    assert_eq!(story.timeout(), ["> PING"]);
    assert!(story.feed(Input::Frame(PONG)).is_empty());
    assert_eq!(story.timeout(), ["> PING"]);
    // What it says unasked proves one direction only.
    story
        .after(Duration::from_secs(9))
        .feed(Input::Frame(&message("1")));
    story.after(Duration::from_secs(9)).feed(Input::Heard);
    assert_eq!(
        story.timeout(),
        [
            "hang up",
            "state waiting: the relay stopped answering: the network may have changed"
        ]
    );
}

#[test]
fn without_ref_one_message_is_outstanding() {
    let mut story = Story::online(WELCOME);
    // `ref` is not sent to a relay that did not list it.
    assert_eq!(
        story.feed(Input::Send(SendId(1), to("ann", Some("r1")))),
        ["> MESSAGE ann"]
    );
    assert!(
        story
            .feed(Input::Send(SendId(2), to("bob", None)))
            .is_empty()
    );
    assert_eq!(
        story.feed(Input::Frame(&reply("m1", "ann", None))),
        ["outcome 1 replied m1", "> MESSAGE bob"]
    );
    assert_eq!(
        story.feed(Input::Frame(&reply("m2", "bob", None))),
        ["outcome 2 replied m2"]
    );
}

#[test]
fn with_ref_several_are_and_replies_come_in_any_order() {
    let mut story = Story::online(WELCOME_REF);
    assert_eq!(
        story.feed(Input::Send(SendId(1), to("ann", Some("r1")))),
        ["> MESSAGE ann r1"]
    );
    assert_eq!(
        story.feed(Input::Send(SendId(2), to("bob", Some("r2")))),
        ["> MESSAGE bob r2"]
    );
    assert_eq!(
        story.feed(Input::Frame(&reply("m2", "bob", Some("r2")))),
        ["outcome 2 replied m2"]
    );
    // The connection breaks: under its `ref` it goes again.
    let said = story.feed(Input::Lost("reset".into()));
    assert!(said.iter().all(|word| !word.starts_with("outcome")));
    story.timeout();
    story.feed(Input::Opened);
    assert_eq!(
        story.feed(Input::Frame(WELCOME_REF)),
        ["state online", "> MESSAGE ann r1"]
    );
    assert_eq!(
        story.feed(Input::Frame(&reply("m1", "ann", Some("r1")))),
        ["outcome 1 replied m1"]
    );
}

#[test]
fn without_ref_a_lost_connection_leaves_the_outcome_unknown() {
    let mut story = Story::online(WELCOME);
    story.feed(Input::Send(SendId(1), to("ann", None)));
    story.feed(Input::Send(SendId(2), to("bob", None)));
    assert_eq!(
        story.feed(Input::Lost("reset".into())),
        [
            "hang up",
            "outcome 1 unknown",
            "state waiting: the connection to the relay broke (reset)"
        ]
    );
    story.timeout();
    story.feed(Input::Opened);
    assert_eq!(
        story.feed(Input::Frame(WELCOME)),
        ["state online", "> MESSAGE bob"]
    );
    // The reference sends the first one's reply to the new connection: it is not bob's.
    assert!(
        story
            .feed(Input::Frame(&reply("m1", "ann", None)))
            .is_empty()
    );
    assert_eq!(
        story.feed(Input::Frame(&reply("m2", "bob", None))),
        ["outcome 2 replied m2"]
    );
}

#[test]
fn a_reply_that_does_not_come_puts_the_line_in_doubt_first() {
    for (welcome, reference) in [(WELCOME, None), (WELCOME_REF, Some("r1"))] {
        let mut story = Story::online(welcome);
        story.feed(Input::Send(SendId(1), to("ann", reference)));
        assert_eq!(story.until_timeout(), outbox::REPLY);
        assert_eq!(story.timeout(), ["> PING"]);
        // The relay has the message by now, and gets as long again to reply.
        assert!(story.feed(Input::Frame(PONG)).is_empty());
        assert_eq!(story.until_timeout(), outbox::REPLY);
        assert_eq!(story.timeout(), ["> PING"]);
        // No reply was lost on the way either.
        assert_eq!(story.feed(Input::Frame(PONG)), ["outcome 1 unknown"]);
    }
}

#[test]
fn a_line_that_is_dead_is_found_by_the_reply_that_does_not_come() {
    let mut story = Story::online(WELCOME_REF);
    story.feed(Input::Send(SendId(1), to("ann", Some("r1"))));
    story.feed(Input::Send(SendId(2), to("ann", Some("r2"))));
    assert_eq!(story.timeout(), ["> PING"]);
    assert_eq!(story.until_timeout(), PROBE_ANSWER);
    story.timeout();
    story.timeout();
    story.feed(Input::Opened);
    assert_eq!(
        story.feed(Input::Frame(WELCOME_REF)),
        ["state online", "> MESSAGE ann r1", "> MESSAGE ann r2"]
    );
}

#[test]
fn stopping_ends_every_send_and_nothing_follows() {
    let mut story = Story::online(WELCOME);
    story.feed(Input::Send(SendId(1), to("ann", None)));
    story.feed(Input::Send(SendId(2), to("bob", None)));
    assert_eq!(
        story.feed(Input::Stop),
        [
            "hang up",
            "outcome 1 unknown",
            "outcome 2 not sent",
            "state stopped"
        ]
    );
    for input in [Input::Reconnect, Input::Timeout, Input::Opened, Input::Stop] {
        assert!(story.feed(input).is_empty());
    }
    assert_eq!(story.machine.poll_timeout(), None);
}

#[test]
fn stopping_leaves_what_went_under_a_ref_to_be_sent_again() {
    let mut story = Story::online(WELCOME_REF);
    story.feed(Input::Send(SendId(1), to("ann", Some("r1"))));
    assert_eq!(
        story.feed(Input::Stop),
        ["hang up", "outcome 1 pending", "state stopped"]
    );
}

#[test]
fn what_is_longer_than_a_frame_is_said_at_once() {
    let mut story = Story::online(WELCOME);
    let mut send = to("ann", None);
    send.message.desp = "x".repeat(tidings_protocol::limits::FRAME_BYTES);
    assert_eq!(
        story.feed(Input::Send(SendId(1), send)),
        ["outcome 1 too large"]
    );
}
