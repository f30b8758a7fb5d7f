//! The whole session over in-memory streams and paused time, against a peer that does as told.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tidings_protocol::{Group, Message as Body, Mid, Name, Target, client};
use tidings_session::{Config, DialError, Event, Outcome, SendId, Session, State, Trouble};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

/// Of paused time: no test waits this long, it only ends one that would hang.
const PATIENCE: Duration = Duration::from_secs(300);

const WELCOME: &str = r#"{"cmd":"AUTH","data":{"code":200,"msg":"ok"}}"#;

fn config() -> Config {
    let name = Name::new("desk").unwrap();
    Config::new("h:1".parse().unwrap(), "secret", name, Group::none())
}

/// A session and the far ends of its dials.
struct Rig {
    session: Session,
    events: mpsc::Receiver<Event>,
    dials: mpsc::Receiver<DuplexStream>,
    up: Arc<AtomicBool>,
}

impl Rig {
    /// Streams hold `buffer` bytes each way.
    fn new(buffer: usize) -> Self {
        let (far_ends, dials) = mpsc::channel(64);
        let up = Arc::new(AtomicBool::new(true));
        let listening = Arc::clone(&up);
        let (session, events) =
            Session::spawn_with(config(), fastrand::Rng::with_seed(7), move || {
                let (near, far) = tokio::io::duplex(buffer);
                let taken = listening.load(Ordering::SeqCst) && far_ends.try_send(far).is_ok();
                async move {
                    let authority = "h:1".to_owned();
                    if taken {
                        Ok(near)
                    } else {
                        Err(DialError::Refused { authority })
                    }
                }
            });
        Self {
            session,
            events,
            dials,
            up,
        }
    }

    async fn peer(&mut self) -> Peer {
        let far = timeout(PATIENCE, self.dials.recv())
            .await
            .expect("a dial")
            .unwrap();
        Peer(accept_async(far).await.expect("a handshake"))
    }

    /// A peer that has let the session in.
    async fn welcome(&mut self) -> Peer {
        let mut peer = self.peer().await;
        let auth = peer.packet().await;
        assert!(matches!(auth, client::Packet::Auth(ref a) if a.token == "secret"));
        peer.say(WELCOME).await;
        self.state(State::is_online).await;
        peer
    }

    /// Waits for a state.
    async fn state(&self, wanted: impl Fn(&State) -> bool) -> State {
        let mut state = self.session.state();
        let seen = timeout(PATIENCE, state.wait_for(|state| wanted(state))).await;
        seen.expect("the state").unwrap().clone()
    }

    /// The next event that is not a change of state.
    async fn event(&mut self) -> Event {
        loop {
            match timeout(PATIENCE, self.events.recv())
                .await
                .expect("an event")
                .unwrap()
            {
                Event::State(_) => {}
                event => return event,
            }
        }
    }
}

struct Peer(WebSocketStream<DuplexStream>);

impl Peer {
    async fn say(&mut self, frame: impl Into<String>) {
        self.0.send(Message::text(frame.into())).await.unwrap();
    }

    async fn frame(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.0.next())
            .await
            .expect("a frame")
            .and_then(Result::ok)
    }

    async fn packet(&mut self) -> client::Packet {
        let frame = self.frame().await.expect("a text frame");
        client::Packet::decode(frame.to_text().unwrap()).unwrap()
    }
}

fn message(mid: u32, desp: &str) -> String {
    format!(
        r#"{{"cmd":"MESSAGE","data":{{"sendType":"personal","target":"desk","from":{{"method":"http","name":""}},"message":{{"text":"t","desp":"{desp}","extra":{{}}}},"mid":"{mid}"}}}}"#
    )
}

fn to(name: &str, desp: String) -> client::Send {
    client::Send {
        target: Target::Personal(Name::new(name).unwrap()),
        message: Body::new("t", desp),
        reference: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_comes_and_is_confirmed_when_the_user_says_so() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    peer.say(message(1, "")).await;
    let Event::Message(delivery) = rig.event().await else {
        panic!("no message")
    };
    rig.session.confirm(delivery.mid.clone());
    assert_eq!(peer.packet().await, client::Packet::Confirm(delivery.mid));
}

#[tokio::test(start_paused = true)]
async fn a_message_of_megabytes_comes_whole() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    let body = "x".repeat(3 * 1024 * 1024);
    let frame = message(1, &body);
    let (_, event) = tokio::join!(peer.say(frame), rig.event());
    assert!(matches!(event, Event::Message(delivery) if delivery.message.desp == body));
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_was_away_is_found_again() {
    let mut rig = Rig::new(4096);
    let peer = rig.welcome().await;
    rig.up.store(false, Ordering::SeqCst);
    drop(peer);
    let refused = |state: &State| {
        matches!(
            state,
            State::Waiting {
                trouble: Trouble::Dial(DialError::Refused { .. }),
                ..
            }
        )
    };
    rig.state(refused).await;
    rig.up.store(true, Ordering::SeqCst);
    let mut peer = rig.welcome().await;
    peer.say(message(2, "")).await;
    assert!(matches!(rig.event().await, Event::Message(_)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_found_dead_in_bounded_time() {
    let mut rig = Rig::new(4096);
    let _silent = rig.welcome().await;
    let start = Instant::now();
    let dead = |state: &State| {
        matches!(
            state,
            State::Waiting {
                trouble: Trouble::Silent,
                ..
            }
        )
    };
    rig.state(dead).await;
    assert!(
        start.elapsed() <= Duration::from_secs(41),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_probe_it_is_found_in_five_seconds() {
    let mut rig = Rig::new(4096);
    let _silent = rig.welcome().await;
    let start = Instant::now();
    rig.session.probe();
    rig.state(|state| !state.is_online()).await;
    assert!(
        start.elapsed() <= Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    // And another one is there a moment later.
    rig.welcome().await;
    assert!(
        start.elapsed() <= Duration::from_secs(7),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_answered_is_told() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    rig.session.probe();
    assert_eq!(peer.packet().await, client::Packet::Ping);
    peer.say(r#"{"cmd":"PONG","data":""}"#).await;
    assert!(matches!(rig.event().await, Event::Answered));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_waits_for_long_dials_a_moment_after_a_probe() {
    let mut rig = Rig::new(4096);
    rig.up.store(false, Ordering::SeqCst);
    let long = |state: &State| match state {
        State::Waiting { retry_at, .. } => {
            *retry_at > Instant::now().into_std() + Duration::from_secs(20)
        }
        _ => false,
    };
    rig.state(long).await;
    rig.up.store(true, Ordering::SeqCst);
    let start = Instant::now();
    rig.session.probe();
    rig.welcome().await;
    assert!(
        start.elapsed() <= Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_is_kept() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    for _ in 0..10 {
        assert_eq!(peer.packet().await, client::Packet::Ping);
        peer.say(r#"{"cmd":"PONG","data":""}"#).await;
    }
    assert!(rig.session.state().borrow().is_online());
    assert!(rig.dials.try_recv().is_err(), "it dialed again");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_stops_neither_the_clock_nor_the_user() {
    // The stream holds 1 KiB: the first message does not fit, and the peer never reads it.
    let mut rig = Rig::new(1024);
    let _silent = rig.welcome().await;
    let start = Instant::now();
    rig.session
        .send(SendId(1), to("ann", "x".repeat(100_000)))
        .unwrap();
    assert!(matches!(
        rig.event().await,
        Event::Outcome {
            id: SendId(1),
            outcome: Outcome::Unknown
        }
    ));
    rig.state(|state| !state.is_online()).await;
    assert!(
        start.elapsed() <= Duration::from_secs(41),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_user_who_takes_no_events_gets_them_all_later_and_keeps_the_line() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    // More than the channel and the stream hold: the peer has to wait too.
    let peer = tokio::spawn(async move {
        for n in 0..1000 {
            peer.say(message(n, "")).await;
        }
        peer
    });
    // Longer than it takes to find a dead peer.
    tokio::time::advance(Duration::from_secs(120)).await;
    assert!(!peer.is_finished());
    for n in 0..1000 {
        let Event::Message(delivery) = rig.event().await else {
            panic!("no message")
        };
        assert_eq!(delivery.mid.as_str(), n.to_string());
    }
    let _peer = peer.await.unwrap();
    assert!(rig.session.state().borrow().is_online());
    assert!(rig.dials.try_recv().is_err(), "it dialed again");
}

#[tokio::test(start_paused = true)]
async fn a_takeover_is_not_fought() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    let frame = CloseFrame {
        code: tidings_protocol::close::TAKEN_OVER.into(),
        reason: "taken over".into(),
    };
    peer.0.close(Some(frame)).await.unwrap();
    rig.state(|state| *state == State::TakenOver { retry_at: None })
        .await;
    tokio::time::advance(Duration::from_secs(86_400)).await;
    assert!(rig.dials.try_recv().is_err(), "it dialed again");
    rig.session.reconnect();
    rig.welcome().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_websocket_is_told_apart() {
    let mut rig = Rig::new(4096);
    for (answer, words) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            "a web page answers in the relay's place (HTTP 200)",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://login.example/?for=me\r\n\r\n",
            "(HTTP 302, it leads to login.example): perhaps the login page of this network",
        ),
        (
            "HTTP/1.1 511 Network Authentication Required\r\n\r\n",
            "perhaps the login page",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", "does not speak WebSocket"),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP 401"),
    ] {
        let mut far = timeout(PATIENCE, rig.dials.recv()).await.unwrap().unwrap();
        let mut request = [0; 16];
        far.read_exact(&mut request).await.unwrap();
        far.write_all(answer.as_bytes()).await.unwrap();
        drop(far);
        let settled = |state: &State| {
            let text = match state {
                State::Waiting { trouble, .. } => trouble.to_string(),
                State::Refused(refusal) => refusal.to_string(),
                _ => return false,
            };
            text.contains(words)
        };
        rig.state(settled).await;
    }
    assert!(
        rig.session.state().borrow().is_terminal(),
        "HTTP 401 needs a person"
    );
}

#[tokio::test(start_paused = true)]
async fn stopping_sends_what_is_queued_and_says_goodbye() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    let mid = Mid::new("9").unwrap();
    rig.session.confirm(mid.clone());
    // The command is taken before the stop, as the channel keeps their order.
    assert_eq!(peer.packet().await, client::Packet::Confirm(mid));
    rig.session
        .send(SendId(1), to("ann", String::new()))
        .unwrap();
    assert!(matches!(peer.packet().await, client::Packet::Message(_)));
    let state = rig.session.state();
    let (_, last) = tokio::join!(rig.session.stop(), peer.frame());
    assert!(matches!(last, Some(Message::Close(_))), "{last:?}");
    assert_eq!(*state.borrow(), State::Stopped);
    let mut ended = Vec::new();
    while let Some(event) = rig.events.recv().await {
        if let Event::Outcome { id, outcome } = event {
            ended.push((id, outcome));
        }
    }
    assert_eq!(ended, [(SendId(1), Outcome::Unknown)]);
}

#[tokio::test(start_paused = true)]
async fn stopping_forgets_nothing_that_was_just_given() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    let mid = Mid::new("9").unwrap();
    // This runs on one thread: the session has no turn before it is told to stop.
    rig.session.confirm(mid.clone());
    for id in [1, 2] {
        rig.session
            .send(SendId(id), to("ann", String::new()))
            .unwrap();
    }
    let (_, last) = tokio::join!(rig.session.stop(), peer.packet());
    assert_eq!(last, client::Packet::Confirm(mid));
    let mut ended = Vec::new();
    while let Some(event) = rig.events.recv().await {
        if let Event::Outcome { id, outcome } = event {
            ended.push((id, outcome));
        }
    }
    let expected = [1, 2].map(|id| (SendId(id), Outcome::NotSent));
    assert_eq!(ended, expected);
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_nobody() {
    let mut rig = Rig::new(1024);
    let mut peer = rig.welcome().await;
    // The user takes no events and the peer does not read.
    let flood = tokio::spawn(async move {
        for n in 0..1000 {
            peer.say(message(n, "")).await;
        }
    });
    tokio::time::advance(Duration::from_secs(1)).await;
    let start = Instant::now();
    rig.session.stop().await;
    assert!(start.elapsed() <= Duration::from_secs(2));
    flood.abort();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_is_gone() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    drop(rig.session);
    assert!(peer.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_nobody_listens_to_ends() {
    let mut rig = Rig::new(4096);
    let mut peer = rig.welcome().await;
    drop(rig.events);
    peer.say(message(1, "")).await;
    rig.session
        .state()
        .wait_for(|state| *state == State::Stopped)
        .await
        .unwrap();
}
