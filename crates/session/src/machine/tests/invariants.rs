//! What holds of the machine whatever comes: its invariants under random inputs.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// One random step. Frames are of every kind a peer could send, in any state.
#[derive(Debug, Clone)]
enum Step {
    Opened,
    DialFailed(u16),
    Frame(String),
    Heard,
    Closed(Option<u16>),
    Lost,
    Timeout,
    Confirm(u8),
    Send(Option<u8>),
    Probe,
    Reconnect,
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let frame = prop_oneof![
        4 => Just(WELCOME.to_owned()),
        4 => Just(WELCOME_REF.to_owned()),
        1 => Just(DENIED.to_owned()),
        1 => Just(r#"{"cmd":"AUTH","data":{"code":401,"msg":"Need Auth"}}"#.to_owned()),
        4 => (0u8..20).prop_map(|n| message(&n.to_string())),
        2 => (0u8..20).prop_map(|n| reply(&n.to_string(), "ann", None)),
        4 => (0u8..20).prop_map(|n| reply("9", "ann", Some(&n.to_string()))),
        1 => Just(PONG.to_owned()),
        1 => ".{0,20}".prop_map(|text| text),
    ];
    prop_oneof![
        6 => Just(Step::Opened),
        1 => (100u16..600).prop_map(Step::DialFailed),
        12 => frame.prop_map(Step::Frame),
        1 => Just(Step::Heard),
        2 => prop::option::of(prop_oneof![Just(1000u16), Just(1001), Just(4001)])
            .prop_map(Step::Closed),
        1 => Just(Step::Lost),
        6 => Just(Step::Timeout),
        3 => (0u8..20).prop_map(Step::Confirm),
        5 => prop::option::of(0u8..20).prop_map(Step::Send),
        1 => Just(Step::Probe),
        1 => Just(Step::Reconnect),
        4 => (0u32..40_000).prop_map(Step::Wait),
    ]
}

/// What an outside observer knows, checked after every input.
#[derive(Default)]
struct Observer {
    dialing: bool,
    connected: bool,
    auth_sent: bool,
    authenticated: bool,
    state: Option<State>,
    sends: u64,
    outcomes: HashMap<i64, u32>,
}

impl Observer {
    fn sees(&mut self, output: &Output) {
        match output {
            Output::Dial => {
                assert!(!self.dialing && !self.connected, "two lines at once");
                self.dialing = true;
            }
            Output::HangUp => self.hung_up(),
            Output::Transmit(frame) => {
                assert!(self.connected, "nothing is sent without a connection");
                match Packet::decode(frame).unwrap() {
                    Packet::Auth(_) => {
                        assert!(!self.auth_sent, "AUTH is sent once");
                        self.auth_sent = true;
                    }
                    _ => assert!(self.authenticated, "nothing but AUTH before AUTH 200"),
                }
            }
            Output::Event(Event::State(state)) => self.state = Some(state.clone()),
            Output::Event(Event::Outcome { id, .. }) => {
                *self.outcomes.entry(id.0).or_default() += 1;
            }
            Output::Event(_) => {}
        }
    }

    fn hung_up(&mut self) {
        (self.dialing, self.connected) = (false, false);
        (self.auth_sent, self.authenticated) = (false, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_invariants_hold_whatever_happens(seed: u64, steps in prop::collection::vec(step(), 0..120)) {
        let mut now = Instant::now();
        let mut machine = Machine::new(config(), fastrand::Rng::with_seed(seed), now);
        let mut observer = Observer::default();
        let mut confirmed: Vec<String> = Vec::new();
        let drain = |machine: &mut Machine, observer: &mut Observer, confirmed: &[String]| {
            while let Some(output) = machine.poll_output() {
                observer.sees(&output);
                if let Output::Transmit(frame) = &output
                    && let Ok(Packet::Confirm(mid)) = Packet::decode(frame)
                {
                    assert!(confirmed.contains(&mid.to_string()), "confirmed by itself");
                }
            }
        };
        drain(&mut machine, &mut observer, &confirmed);
        for step in steps {
            let input = match &step {
                Step::Opened => {
                    if observer.dialing {
                        (observer.dialing, observer.connected) = (false, true);
                    }
                    Input::Opened
                }
                Step::DialFailed(status) => {
                    observer.dialing = false;
                    Input::DialFailed(DialError::Http { status: *status })
                }
                Step::Frame(frame) => {
                    if frame == WELCOME || frame == WELCOME_REF {
                        observer.authenticated |= observer.auth_sent;
                    }
                    Input::Frame(frame)
                }
                Step::Heard => Input::Heard,
                Step::Closed(code) => Input::Closed { code: *code, reason: String::new() },
                Step::Lost => Input::Lost("reset".into()),
                Step::Timeout => {
                    now = machine.poll_timeout().unwrap_or(now).max(now);
                    Input::Timeout
                }
                Step::Confirm(n) => {
                    confirmed.push(n.to_string());
                    Input::Confirm(mid(&n.to_string()))
                }
                Step::Send(reference) => {
                    observer.sends += 1;
                    let reference = reference.map(|_| format!("r{}", observer.sends));
                    let id = SendId(i64::try_from(observer.sends).unwrap());
                    Input::Send(id, to("ann", reference.as_deref()))
                }
                Step::Probe => Input::Probe,
                Step::Reconnect => Input::Reconnect,
                Step::Wait(millis) => {
                    now += Duration::from_millis(u64::from(*millis));
                    Input::Timeout
                }
            };
            machine.handle(input, now);
            drain(&mut machine, &mut observer, &confirmed);
            let state = observer.state.as_ref().unwrap();
            if !state.is_terminal() {
                prop_assert!(machine.poll_timeout().is_some(), "{state:?} waits for nothing");
            }
            prop_assert_eq!(machine.poll_timeout().is_none(), state.is_terminal());
        }
        machine.handle(Input::Stop, now);
        drain(&mut machine, &mut observer, &confirmed);
        prop_assert_eq!(observer.state, Some(State::Stopped));
        prop_assert_eq!(observer.outcomes.len() as u64, observer.sends);
        prop_assert!(observer.outcomes.values().all(|count| *count == 1));
    }
}
