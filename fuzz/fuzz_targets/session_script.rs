//! Whatever a relay, a network, a clock and a user do to a session's machine: nothing but AUTH leaves before AUTH
//! 200, messages are handed up and never confirmed unasked, every send leaves in order and ends in one outcome,
//! and from wherever a script leaves it, a good relay gets it going again.
#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tidings_protocol::client::{Packet, Send};
use tidings_protocol::server::{self, AuthReply, Delivery};
use tidings_protocol::{Group, Message, Mid, Name, Ref, Target};
use tidings_session::machine::{Input, Machine, Output, TRUCE};
use tidings_session::{Config, DialError, Event, Outcome, SendId, State};

/// Confirmations kept while there is no line.
const CONFIRMS: usize = 1024;
/// Messages outstanding at once, with `ref`.
const WINDOW: usize = 16;
/// Timeouts in a row until a machine whose peer is silent has dialed again: all that is outstanding may
/// expire twice each before.
const TIMEOUTS: usize = 8 * WINDOW;

const WELCOME: &str = r#"{"cmd":"AUTH","data":{"code":200,"auth":"t","msg":"ok"}}"#;
const WELCOME_REF: &str = r#"{"cmd":"AUTH","data":{"code":200,"msg":"ok","features":["ref"]}}"#;

#[derive(Arbitrary, Debug)]
struct Script {
    seed: u64,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Opened,
    DialFailed(u16),
    Frame(Frame),
    Heard,
    Closed(Option<u16>),
    Lost,
    Timeout,
    Wait(u32),
    Confirm(u8),
    Send { reference: Option<u8>, group: bool },
    Probe,
    Reconnect,
}

#[derive(Arbitrary, Debug)]
enum Frame {
    Welcome,
    WelcomeRef,
    Refused,
    NeedAuth,
    Message(u8),
    Reply {
        mid: u8,
        group: bool,
        reference: Option<u8>,
    },
    Info,
    Pong,
    Raw(String),
}

impl Frame {
    fn text(self) -> String {
        match self {
            Self::Welcome => WELCOME.into(),
            Self::WelcomeRef => WELCOME_REF.into(),
            Self::Refused => r#"{"cmd":"AUTH","data":{"code":403,"msg":"no"}}"#.into(),
            Self::NeedAuth => r#"{"cmd":"AUTH","data":{"code":401,"msg":"Need Auth"}}"#.into(),
            Self::Message(n) => format!(
                r#"{{"cmd":"MESSAGE","data":{{"sendType":"personal","target":"desk","from":{{"method":"http","name":""}},"message":{{"text":"t"}},"mid":"{n}"}}}}"#
            ),
            Self::Reply {
                mid,
                group,
                reference,
            } => reply(
                &mid.to_string(),
                if group { "bob" } else { "ann" },
                reference.map(|n| format!("r{n}")).as_deref(),
            ),
            Self::Info => r#"{"cmd":"INFO","data":"words"}"#.into(),
            Self::Pong => r#"{"cmd":"PONG","data":""}"#.into(),
            Self::Raw(text) => text,
        }
    }
}

fn reply(mid: &str, name: &str, reference: Option<&str>) -> String {
    let reference = reference.map_or(String::new(), |text| format!(r#","ref":"{text}""#));
    format!(
        r#"{{"cmd":"MESSAGE_REPLY","data":{{"mid":"{mid}","status":{{"{name}":"ok"}}{reference}}}}}"#
    )
}

/// The socket, as its driver has it.
#[derive(Default, PartialEq)]
enum Line {
    #[default]
    Down,
    Dialing,
    Open,
    /// AUTH is sent.
    Asked,
    /// AUTH 200 has come.
    Up {
        by_ref: bool,
    },
}

/// Something sent, until and after its end.
#[derive(Default)]
struct Sent {
    reference: Option<String>,
    /// Under a `ref` on the wire, each time it left.
    left: Vec<bool>,
    ended: bool,
}

struct World {
    machine: Machine,
    now: Instant,
    line: Line,
    state: Option<State>,
    sends: BTreeMap<i64, Sent>,
    /// Those on this connection without an outcome, in the order they left.
    outstanding: VecDeque<i64>,
    last_left: i64,
    /// Confirmations given and not sent.
    owed: VecDeque<Mid>,
    /// Messages that came and were not handed up yet.
    came: Option<Delivery>,
    pings: u32,
    dials: u32,
    stopping: bool,
}

fuzz_target!(|script: Script| {
    let now = Instant::now();
    let name = Name::new("desk").unwrap();
    let config = Config::new("h:1".parse().unwrap(), "secret", name, Group::none());
    let mut world = World {
        machine: Machine::new(config, fastrand::Rng::with_seed(script.seed), now),
        now,
        line: Line::Down,
        state: None,
        sends: BTreeMap::new(),
        outstanding: VecDeque::new(),
        last_left: -1,
        owed: VecDeque::new(),
        came: None,
        pings: 0,
        dials: 0,
        stopping: false,
    };
    world.drain();
    for step in script.steps {
        world.step(step);
    }
    world.recover();
    world.stop();
});

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Opened => self.opened(),
            Step::DialFailed(0) => self.feed(Input::DialFailed(DialError::TimedOut)),
            Step::DialFailed(status) => self.feed(Input::DialFailed(DialError::Http { status })),
            Step::Frame(frame) => self.frame(&frame.text()),
            Step::Heard => self.feed(Input::Heard),
            Step::Closed(code) => self.feed(Input::Closed {
                code,
                reason: String::new(),
            }),
            Step::Lost => self.feed(Input::Lost("reset".into())),
            Step::Timeout => self.timeout(),
            Step::Wait(millis) => {
                self.now += Duration::from_millis(u64::from(millis % 1_000_000));
                self.feed(Input::Timeout);
            }
            Step::Confirm(n) => {
                let mid = Mid::new(n.to_string()).unwrap();
                if self.owed.len() == CONFIRMS {
                    self.owed.pop_front();
                }
                self.owed.push_back(mid.clone());
                self.feed(Input::Confirm(mid));
            }
            Step::Send { reference, group } => self.send(reference, group),
            Step::Probe => self.feed(Input::Probe),
            Step::Reconnect => self.feed(Input::Reconnect),
        }
    }

    fn opened(&mut self) {
        if self.line == Line::Dialing {
            self.line = Line::Open;
        }
        self.feed(Input::Opened);
        assert!(self.line != Line::Open, "opened, and no AUTH");
    }

    fn frame(&mut self, text: &str) {
        if matches!(self.line, Line::Asked | Line::Up { .. }) {
            match server::Packet::decode(text) {
                Ok(server::Packet::Message(delivery)) => self.came = Some(delivery),
                Ok(server::Packet::Auth(AuthReply::Accepted(welcome)))
                    if self.line == Line::Asked =>
                {
                    let by_ref = welcome.features.iter().any(|f| f == "ref");
                    self.line = Line::Up { by_ref };
                }
                _ => {}
            }
        }
        self.feed(Input::Frame(text));
        assert!(self.came.is_none(), "a message was not handed up");
    }

    fn send(&mut self, reference: Option<u8>, group: bool) {
        let id = self.sends.len() as i64;
        let reference = reference.map(|n| format!("r{n}"));
        let target = if group {
            Target::Group(Group::new("g").unwrap())
        } else {
            Target::Personal(Name::new("ann").unwrap())
        };
        let send = Send {
            target,
            message: Message::new(id.to_string(), ""),
            reference: reference.as_deref().map(|text| Ref::new(text).unwrap()),
        };
        self.sends.insert(
            id,
            Sent {
                reference,
                ..Sent::default()
            },
        );
        let room = self.machine.takes_sends();
        self.feed(Input::Send(SendId(id), send));
        assert!(room || self.sends[&id].ended, "taken without room");
    }

    fn timeout(&mut self) {
        if let Some(at) = self.machine.poll_timeout() {
            self.now = self.now.max(at);
        }
        // A wait may be drawn as none at all, and be over at once; what follows it may not.
        for _ in 0..2 {
            self.feed(Input::Timeout);
            let next = self.machine.poll_timeout();
            if next.is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("due again and again at once");
    }

    fn feed(&mut self, input: Input<'_>) {
        self.machine.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Dial => {
                    assert!(self.line == Line::Down, "two lines at once");
                    self.line = Line::Dialing;
                    self.dials += 1;
                }
                Output::HangUp => {
                    assert!(self.line != Line::Down, "no line to hang up");
                    self.line = Line::Down;
                    self.outstanding.clear();
                    self.last_left = -1;
                    self.pings = 0;
                }
                Output::Transmit(frame) => self.transmitted(Packet::decode(&frame).unwrap()),
                Output::Event(Event::State(state)) => self.state = Some(state),
                Output::Event(Event::Message(delivery)) => {
                    assert_eq!(self.came.take(), Some(delivery), "a message from nowhere");
                }
                Output::Event(Event::Outcome { id, outcome }) => self.ended(id.0, outcome),
                Output::Event(Event::Info(_)) => {}
            }
        }
        let state = self.state.as_ref().expect("no state was told");
        let up = matches!(self.line, Line::Up { .. });
        assert_eq!(up, state.is_online());
        assert!(!up || self.owed.is_empty(), "a confirmation was not sent");
        let due = self.machine.poll_timeout();
        assert_eq!(
            due.is_none(),
            state.is_terminal(),
            "{state:?} waits for nothing"
        );
        assert!(due.is_none_or(|at| at <= self.now + TRUCE));
        match state {
            State::Waiting { retry_at, .. } => assert_eq!(due, Some(*retry_at)),
            State::TakenOver { retry_at } => assert_eq!(due, *retry_at),
            _ => {}
        }
    }

    fn transmitted(&mut self, packet: Packet) {
        if let Packet::Auth(auth) = packet {
            assert!(self.line == Line::Open, "AUTH on a line that wants none");
            assert_eq!(
                (auth.token.as_str(), auth.name.as_str()),
                ("secret", "desk")
            );
            self.line = Line::Asked;
            return;
        }
        let Line::Up { by_ref } = self.line else {
            panic!("something else than AUTH before AUTH 200");
        };
        match packet {
            Packet::Confirm(mid) => {
                assert_eq!(self.owed.pop_front(), Some(mid), "confirmed by itself")
            }
            Packet::Ping => self.pings += 1,
            Packet::Message(send) => {
                let id: i64 = send.message.text.parse().unwrap();
                let sent = self.sends.get_mut(&id).unwrap();
                let under = send.reference.as_ref().map(Ref::as_str);
                assert!(!sent.ended, "{id} left after its end");
                assert!(under.is_none() || by_ref && under == sent.reference.as_deref());
                assert!(
                    sent.left.iter().all(|by_ref| *by_ref)
                        && (sent.left.is_empty() || under.is_some()),
                    "twice"
                );
                assert!(id > self.last_left, "out of order");
                self.last_left = id;
                sent.left.push(under.is_some());
                self.outstanding.push_back(id);
                let plain = |id: &i64| self.sends[id].left.last() == Some(&false);
                assert!(self.outstanding.len() == 1 || !self.outstanding.iter().any(plain));
                assert!(self.outstanding.len() <= WINDOW);
            }
            other => panic!("{other:?}"),
        }
    }

    fn ended(&mut self, id: i64, outcome: Outcome) {
        let sent = self.sends.get_mut(&id).expect("an outcome of nothing");
        assert!(
            !std::mem::replace(&mut sent.ended, true),
            "two outcomes of {id}"
        );
        self.outstanding.retain(|other| *other != id);
        match outcome {
            Outcome::Replied(reply) => {
                assert!(!sent.left.is_empty());
                let named = reply.reference.as_ref().map(Ref::as_str);
                assert!(
                    named.is_none() || named == sent.reference.as_deref(),
                    "another's reply"
                );
            }
            Outcome::Unknown => assert!(!sent.left.is_empty()),
            Outcome::Pending => assert!(self.stopping && sent.left.last() == Some(&true)),
            Outcome::NotSent => assert!(sent.left.is_empty()),
            Outcome::TooLarge { .. } => panic!("it is small"),
        }
    }

    /// A relay that is well, and a person who wants a connection: everything ends well.
    fn recover(&mut self) {
        if self.state.as_ref().is_some_and(State::is_terminal) {
            self.feed(Input::Reconnect);
        }
        // Nobody answers at first: the machine finds out by itself.
        let dials = self.dials;
        let turns = (0..TIMEOUTS).take_while(|_| {
            self.timeout();
            self.dials == dials
        });
        assert!(turns.count() < TIMEOUTS, "it never dials again");
        self.opened();
        self.frame(WELCOME_REF);
        assert!(self.line == Line::Up { by_ref: true });
        let mut turns = 0;
        while self.sends.values().any(|sent| !sent.ended) {
            turns += 1;
            assert!(turns < 1000, "a send never ends");
            if let Some(id) = self.outstanding.front().copied() {
                let sent = &self.sends[&id];
                let reference = sent
                    .reference
                    .clone()
                    .filter(|_| sent.left.last() == Some(&true));
                self.frame(&reply("1", "ann", reference.as_deref()));
            }
            if std::mem::take(&mut self.pings) > 0 {
                self.frame(r#"{"cmd":"PONG"}"#);
            }
            if !self.outstanding.is_empty() {
                self.timeout();
            }
            assert!(
                self.state.as_ref().is_some_and(State::is_online),
                "{:?}",
                self.state
            );
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.send(Some(0), false);
        self.send(None, false);
        self.feed(Input::Stop);
        assert!(self.state == Some(State::Stopped) && self.line == Line::Down);
        assert!(
            self.sends.values().all(|sent| sent.ended),
            "a send without an outcome"
        );
        for input in [
            Input::Reconnect,
            Input::Opened,
            Input::Timeout,
            Input::Frame(WELCOME),
            Input::Stop,
        ] {
            self.machine.handle(input, self.now);
            assert!(self.machine.poll_output().is_none(), "not stopped");
        }
    }
}
