//! Several relays at once: each goes on whatever becomes of the others. Over real sockets and files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod common;

use common::{Elsewhere, Home, TOKEN, connected, free_port, http_send, status, stop, within};
use tidings_app::types::{
    Color, Connection, Draft, Event, Filter, Join, MessageId, Priority, Progress, Reach, Recipient,
    RelayId, RelayState, Row, Status,
};
use tidings_app::vault::{Label, VaultError};
use tidings_app::{App, Failure};
use tidings_session::{Address, Config, Session, State};
use tokio::net::TcpListener;

fn join(address: &str, name: &str) -> Join {
    Join {
        id: None,
        address: address.into(),
        name: name.into(),
        group: String::new(),
        token: Some(TOKEN.into()),
    }
}

/// A relay on another address of this computer, as if on another host.
async fn second() -> (Elsewhere, String) {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = format!("ws://{}/", listener.local_addr().unwrap());
    (Elsewhere::on(listener).await, address)
}

/// An app at a relay that there is none of, and at one that is connected.
async fn beside_one_that_is_gone(home: &Home) -> (App, Elsewhere) {
    let (two, address) = second().await;
    let app = home.start().await;
    app.join(join("gone.invalid", "desk")).await.unwrap();
    app.join(join(&address, "desk")).await.unwrap();
    status(&app, "the second", |s| online(s, "127.0.0.2")).await;
    (app, two)
}

fn relay(status: &Status, id: &str) -> RelayState {
    status.relay(&RelayId::new(id)).cloned().unwrap()
}

fn online(status: &Status, id: &str) -> bool {
    let relay = status.relay(&RelayId::new(id));
    relay.is_some_and(|relay| matches!(relay.connection, Connection::Connected { .. }))
}

async fn send(app: &App, title: &str, by: Option<&str>) -> MessageId {
    let draft = Draft {
        to: vec![Recipient::Person("desk".into())],
        title: title.into(),
        body: String::new(),
        priority: Priority::Default,
        link: String::new(),
        relay: by.map(RelayId::new),
        ..Draft::default()
    };
    app.send(draft, None).await.unwrap()
}

async fn progress(app: &App, id: MessageId) -> Progress {
    let mut page = app.sent("", Some(id + 1), 1).await.unwrap();
    page.remove(0).parcels.remove(0).progress
}

/// Waits until a message came as far as that.
async fn comes_to(app: &App, id: MessageId, what: &str, is: impl Fn(&Progress) -> bool) {
    let mut events = app.events();
    within(what, async {
        while !is(&progress(app, id).await) {
            events.recv().await.unwrap();
        }
    })
    .await;
}

async fn answered(app: &App, id: MessageId) {
    comes_to(app, id, "an answer", |p| *p == Progress::Answered).await;
}

async fn rows(app: &App, by: Option<&str>) -> Vec<Row> {
    let filter = Filter {
        relay: by.map(RelayId::new),
        ..Filter::default()
    };
    app.inbox(&filter, None, 10).await.unwrap()
}

#[tokio::test]
async fn messages_come_and_go_by_each_and_are_told_apart() {
    let home = Home::new();
    let (one, (two, address)) = (Elsewhere::new().await, second().await);
    let app = home.start().await;
    app.join(join(&one.address(), "desk")).await.unwrap();
    app.join(join(&address, "desk")).await.unwrap();
    let told = status(&app, "both", |s| {
        online(s, "127.0.0.1") && online(s, "127.0.0.2")
    })
    .await;
    let (first, other) = (relay(&told, "127.0.0.1"), relay(&told, "127.0.0.2"));
    assert_eq!(
        (first.label.as_str(), first.color),
        ("127.0.0.1", Color::ALL[0])
    );
    assert_eq!(other.color, Color::ALL[1]);

    // Each by its relay, by the first one where nothing is said.
    let sent = [
        send(&app, "by the first", None).await,
        send(&app, "by the second", Some("127.0.0.2")).await,
    ];
    for id in sent {
        answered(&app, id).await;
    }
    let titles = async |by| -> Vec<String> {
        rows(&app, by)
            .await
            .into_iter()
            .map(|row| row.title)
            .collect()
    };
    assert_eq!(titles(Some("127.0.0.1")).await, ["by the first"]);
    assert_eq!(titles(Some("127.0.0.2")).await, ["by the second"]);
    assert_eq!(titles(None).await.len(), 2);

    let id = RelayId::new("127.0.0.2");
    app.describe(id, " Work ".into(), Color::Pink)
        .await
        .unwrap();
    stop(app).await;
    // A restart knows both, and what they are called.
    let app = home.start().await;
    let told = status(&app, "both again", |s| {
        online(s, "127.0.0.1") && online(s, "127.0.0.2")
    })
    .await;
    let other = relay(&told, "127.0.0.2");
    assert_eq!((other.label.as_str(), other.color), ("Work", Color::Pink));
    assert_eq!(rows(&app, Some("127.0.0.2")).await.len(), 1);
    stop(app).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_relay_that_is_gone_holds_up_no_other_and_gets_what_was_written_for_it() {
    let home = Home::new();
    let (two, address) = second().await;
    let free = free_port().await;
    let app = home.start().await;
    app.join(join(&free.to_string(), "desk")).await.unwrap();
    app.join(join(&address, "desk")).await.unwrap();
    let private = send(&app, "private", Some("127.0.0.1")).await;
    let told = status(&app, "one of two", |s| online(s, "127.0.0.2")).await;
    assert!(!matches!(told.connection(), Connection::Connected { .. }));
    // Written later, it goes out at once.
    let later = send(&app, "later", Some("127.0.0.2")).await;
    answered(&app, later).await;
    assert_eq!(progress(&app, private).await, Progress::Queued);
    let unknown = Draft {
        relay: Some(RelayId::new("elsewhere")),
        to: vec![Recipient::Person("desk".into())],
        title: "t".into(),
        body: String::new(),
        priority: Priority::Default,
        link: String::new(),
        ..Draft::default()
    };
    assert!(matches!(
        app.send(unknown, None).await,
        Err(Failure::NotFound(_))
    ));

    let one = Elsewhere::on(TcpListener::bind(free).await.unwrap()).await;
    app.reconnect(None).await.unwrap();
    answered(&app, private).await;
    assert_eq!(rows(&app, Some("127.0.0.1")).await[0].title, "private");
    stop(app).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_relay_that_is_left_fails_with_words_and_its_token_is_forgotten() {
    let home = Home::new();
    let (app, two) = beside_one_that_is_gone(&home).await;
    let waiting = send(&app, "never sent", Some("gone.invalid")).await;
    let sources = app.sources().await.unwrap().relays;
    let of = |id: &str| sources.iter().find(|s| s.id.as_str() == id).cloned();
    assert_eq!(of("gone.invalid").map(|s| s.waiting), Some(1));
    let label = Label::Relay("gone.invalid".into());
    assert!(home.ring.secrets.lock().unwrap().contains_key(&label));

    app.leave(RelayId::new("gone.invalid")).await.unwrap();
    assert!(!home.ring.secrets.lock().unwrap().contains_key(&label));
    comes_to(&app, waiting, "a failure with words", |progress| {
        matches!(progress, Progress::Failed { reason } if reason.contains("left the relay"))
    })
    .await;
    // The other one never noticed.
    let told = app.status().borrow().clone();
    assert!(online(&told, "127.0.0.2") && told.relays.len() == 1);
    let again = app.leave(RelayId::new("gone.invalid")).await;
    assert!(matches!(again, Err(Failure::NotFound(_))));
    let sent = send(&app, "by the one that is left over", None).await;
    answered(&app, sent).await;
    stop(app).await;
    let settings = std::fs::read_to_string(home.settings_file()).unwrap();
    assert!(!settings.contains("gone.invalid"), "{settings}");
    two.stop().await;
}

#[tokio::test]
async fn a_token_that_a_locked_keyring_keeps_is_forgotten_after_a_restart() {
    let home = Home::new();
    let (app, two) = beside_one_that_is_gone(&home).await;
    home.ring.fault.lock().unwrap().replace(VaultError::Locked);
    let mut events = app.events();
    app.leave(RelayId::new("gone.invalid")).await.unwrap();
    let notice = within("a notice", async {
        loop {
            if let Event::Notice(words) = events.recv().await.unwrap() {
                return words;
            }
        }
    });
    assert!(notice.await.en.contains("gone.invalid"));
    stop(app).await;
    let label = Label::Relay("gone.invalid".into());
    let kept = || home.ring.secrets.lock().unwrap().contains_key(&label);
    assert!(kept());

    // Locked still at the start; then unlocked.
    let app = home.start().await;
    status(&app, "the locked keyring", |s| !s.problems.is_empty()).await;
    assert!(kept());
    home.ring.mend();
    status(&app, "the second again", |s| online(s, "127.0.0.2")).await;
    within("the end of the token", async {
        while kept() || owed(&home) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stop(app).await;

    // With the keyring open at the start, nothing else asks for it.
    home.ring.fault.lock().unwrap().replace(VaultError::Locked);
    let app = home.start().await;
    app.leave(RelayId::new("127.0.0.2")).await.unwrap();
    stop(app).await;
    assert!(owed(&home));
    *home.ring.fault.lock().unwrap() = None;
    let app = home.start().await;
    within("the end of the other token", async {
        while !home.ring.secrets.lock().unwrap().is_empty() || owed(&home) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stop(app).await;
    two.stop().await;
}

/// Whether a token that is to be forgotten is written down.
fn owed(home: &Home) -> bool {
    let settings = std::fs::read_to_string(home.settings_file()).unwrap();
    settings.contains("unwanted-tokens")
}

#[tokio::test]
async fn a_relay_hosted_here_comes_beside_the_others_and_goes_without_them() {
    let home = Home::new();
    let (two, address) = second().await;
    let app = home.start().await;
    app.join(join(&address, "desk")).await.unwrap();
    within("hosting", app.host(Reach::Computer, Some("home".into())))
        .await
        .unwrap();
    let told = status(&app, "both", |s| {
        online(s, "hosted") && online(s, "127.0.0.2")
    })
    .await;
    assert!(relay(&told, "hosted").hosted);
    let (port, token) = (told.hosted.unwrap().port, app.token().await.unwrap());
    let answer = http_send(port, &token, "home", "text=here").await;
    assert!(answer.contains("\"ok\""), "{answer}");
    assert_eq!(rows(&app, Some("hosted")).await.len(), 1);

    let since = relay(&told_now(&app), "127.0.0.2").connection;
    within("the end of hosting", app.stop_hosting())
        .await
        .unwrap();
    let told = told_now(&app);
    assert_eq!((told.relays.len(), told.hosted), (1, None));
    assert_eq!(relay(&told_now(&app), "127.0.0.2").connection, since);
    stop(app).await;
    two.stop().await;
}

fn told_now(app: &App) -> Status {
    app.status().borrow().clone()
}

#[tokio::test]
async fn one_relay_under_two_names_is_two_and_never_twice_the_same() {
    let home = Home::new();
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    app.join(join(&relay.address(), "desk")).await.unwrap();
    app.join(join(&relay.address(), "alerts")).await.unwrap();
    // Again under a name it has: that one is changed.
    app.join(join(&relay.address(), "desk")).await.unwrap();
    let told = status(&app, "both", |s| {
        online(s, "127.0.0.1") && online(s, "127.0.0.1-2")
    })
    .await;
    assert_eq!(told.relays.len(), 2);
    let same = Join {
        id: Some(RelayId::new("127.0.0.1-2")),
        ..join(&relay.address(), "desk")
    };
    match app.join(same).await {
        Err(Failure::Invalid(words)) => assert!(words.contains("already"), "{words}"),
        other => panic!("{other:?}"),
    }
    for name in ["desk", "alerts"] {
        let answer = http_send(relay.port, TOKEN, name, "text=x").await;
        assert!(answer.contains("\"ok\""), "{answer}");
    }
    assert_eq!(rows(&app, Some("127.0.0.1")).await.len(), 1);
    assert_eq!(rows(&app, Some("127.0.0.1-2")).await.len(), 1);
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_name_taken_by_another_device_is_explained_and_taken_back_only_by_the_person() {
    let home = Home::new();
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    app.join(join(&relay.address(), "desk")).await.unwrap();
    connected(&app).await;
    let rival = |name: &str| {
        let address: Address = relay.address().parse().unwrap();
        let name = tidings_protocol::Name::new(name).unwrap();
        Session::spawn(Config::new(
            address,
            TOKEN,
            name,
            tidings_protocol::Group::none(),
        ))
    };
    let taken = async |again: bool| {
        let what = "the name taken";
        let told = status(&app, what, |s| {
            let of = s.connection();
            matches!(of, Connection::TakenOver { again: now, .. } if now == again)
        });
        told.await
    };
    let (session, _events) = rival("desk");
    taken(false).await;
    // Connecting with all that are away does not mean this one.
    app.reconnect(None).await.unwrap();
    let mut state = session.state();
    let id = RelayId::new("127.0.0.1");
    app.reconnect(Some(id.clone())).await.unwrap();
    let thrown_out = state.wait_for(|state| matches!(state, State::TakenOver { .. }));
    within("the other device thrown out", thrown_out)
        .await
        .unwrap();
    connected(&app).await;
    // The other device wants it back at once: said so, and not fought.
    session.reconnect();
    taken(true).await;
    assert!(session.state().borrow().is_online());
    // The way out: another name here.
    let renamed = Join {
        id: Some(id),
        token: None,
        ..join(&relay.address(), "desk-2")
    };
    app.join(renamed).await.unwrap();
    connected(&app).await;
    assert!(session.state().borrow().is_online());
    session.stop().await;
    stop(app).await;
    relay.stop().await;
}
