//! The app as a whole, over real sockets and files, with a desktop and a keyring of the tests'.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod common;

use common::{
    Desk, Elsewhere, Home, Manners, Ring, TOKEN, connected, http_send, only, secret, status, stop,
    within,
};
use tidings_app::notifier::Fate;
use tidings_app::types::{
    Connection, Filter, Join, Language, Part, Priority, Reach, SecretPlace, Settings, Status, Theme,
};
use tidings_app::vault::{Label, Secret, VaultError};
use tidings_app::{App, Event, Failure, StartError};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

fn join(address: &str, token: Option<&str>) -> Join {
    Join {
        id: None,
        address: address.into(),
        name: "desk".into(),
        group: "home".into(),
        token: token.map(str::to_owned),
    }
}

fn problem(status: &Status, part: Part) -> Option<&str> {
    let problem = status.problems.iter().find(|p| p.part == part)?;
    Some(&problem.message.en)
}

async fn hosting(home: &Home) -> (App, u16, String) {
    let app = home.start().await;
    let host = app.host(Reach::Computer, Some("desk".into()));
    within("hosting", host).await.unwrap();
    let port = connected(&app).await.hosted.unwrap().port;
    let token = app.token().await.unwrap();
    (app, port, token)
}

async fn next<T>(
    events: &mut broadcast::Receiver<Event>,
    mut pick: impl FnMut(Event) -> Option<T>,
) -> T {
    within("an event", async {
        loop {
            if let Some(found) = pick(events.recv().await.unwrap()) {
                return found;
            }
        }
    })
    .await
}

fn unread() -> Filter {
    Filter {
        unread: true,
        ..Filter::default()
    }
}

#[tokio::test]
async fn a_message_sent_by_http_is_kept_confirmed_and_raised() {
    let home = Home::new();
    let (app, port, token) = hosting(&home).await;
    let status_now = status(&app, "the client's count", |status| {
        status
            .hosted
            .as_ref()
            .is_some_and(|hosted| hosted.clients == 1)
    })
    .await;
    let hosted = status_now.hosted.unwrap();
    assert_eq!(hosted.addresses, Vec::<String>::new());
    assert!(hosted.curl.contains(&format!("127.0.0.1:{port}/desk.send")));
    assert!(!hosted.curl.contains(&token));
    let mut events = app.events();

    let query = "text=Disk%20full&desp=**db1**%20at%2099%25&priority=5&click=https://e.example/";
    let answer = http_send(port, &token, "desk", query).await;
    assert!(answer.contains("\"status\":{\"desk\":\"ok\"}"), "{answer}");

    let row = next(&mut events, |event| match event {
        Event::Received(row) => Some(row),
        _ => None,
    })
    .await;
    assert_eq!(
        (row.title.as_str(), row.preview.as_str()),
        ("Disk full", "db1 at 99%")
    );
    assert_eq!(
        (row.priority, row.link, row.read),
        (Priority::Urgent, true, false)
    );
    assert_eq!(app.inbox(&unread(), None, 10).await.unwrap()[0], row);
    let message = app.message(row.id).await.unwrap();
    assert_eq!(message.body, "**db1** at 99%");
    assert_eq!(message.link.as_deref(), Some("https://e.example/"));
    assert!(message.sent_at.is_some());
    status(&app, "one unread", |status| status.unread == 1).await;

    home.desk.wait_for(1).await;
    let notice = home.desk.raised.borrow()[0].clone();
    assert_eq!(
        (notice.message, notice.title.as_str()),
        (Some(row.id), "Disk full")
    );
    assert_eq!(
        (notice.body.as_str(), notice.priority),
        ("db1 at 99%", Priority::Urgent)
    );

    home.desk.fate(Some(row.id), Fate::Clicked).await;
    next(&mut events, |event| {
        (event
            == Event::Opened {
                message: Some(row.id),
            })
        .then_some(())
    })
    .await;
    stop(app).await;
}

#[tokio::test]
async fn a_desktop_that_hangs_delays_no_confirmation() {
    let home = Home::with(Desk::new(Manners::Hangs), Ring::works());
    let (app, port, token) = hosting(&home).await;
    for number in 0..20 {
        let answer = http_send(port, &token, "desk", &format!("text={number}")).await;
        assert!(answer.contains("\"desk\":\"ok\""), "{answer}");
    }
    assert_eq!(app.inbox(&unread(), None, 100).await.unwrap().len(), 20);
    assert_eq!(home.desk.titles().len(), 0);
    home.desk.mend();
    // The one that hung, if there was one already, and the others in one digest.
    home.desk.wait_until_told(20).await;
    assert!(home.desk.titles().len() <= 2);
    stop(app).await;
}

#[tokio::test]
async fn what_was_missed_without_a_daemon_is_raised_when_one_comes() {
    let home = Home::with(Desk::new(Manners::Absent), Ring::works());
    let (app, port, token) = hosting(&home).await;
    http_send(port, &token, "desk", "text=one").await;
    http_send(port, &token, "desk", "text=two").await;
    let told = status(&app, "the problem", |status| {
        problem(status, Part::Notifications).is_some()
    })
    .await;
    let words = problem(&told, Part::Notifications).unwrap();
    assert!(words.contains("Start one"), "{words}");
    home.desk.mend();
    home.desk.wait_for(2).await;
    assert_eq!(home.desk.titles(), ["one", "two"]);
    status(&app, "no problem", |status| {
        problem(status, Part::Notifications).is_none()
    })
    .await;
    stop(app).await;
}

#[tokio::test]
async fn a_start_raises_what_was_not_notified_once() {
    let home = Home::with(Desk::new(Manners::Hangs), Ring::works());
    let (app, port, token) = hosting(&home).await;
    for title in ["read", "deleted", "due"] {
        http_send(port, &token, "desk", &format!("text={title}")).await;
    }
    app.mark(vec![1], true).await.unwrap();
    app.delete(vec![2]).await.unwrap();
    // Dropped, not stopped: as good as killed.
    drop(app);

    for expected in [&["due", "last"][..], &["last"]] {
        let desk = Desk::new(Manners::Works);
        let home = Home {
            desk: desk.clone(),
            ring: home.ring.clone(),
            folder: home.folder.clone(),
        };
        let app = home.start().await;
        let port = connected(&app).await.hosted.unwrap().port;
        // Whatever is due comes before this one.
        http_send(port, &token, "desk", "text=last").await;
        desk.wait_for(expected.len()).await;
        assert_eq!(desk.titles(), expected);
        stop(app).await;
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_words_and_the_right_one_helps() {
    let home = Home::new();
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    app.join(join(&relay.address(), Some("wrong")))
        .await
        .unwrap();
    let refused = status(&app, "a refusal", |status| {
        matches!(status.connection(), Connection::Refused { .. })
    })
    .await;
    let Connection::Refused { reason } = refused.connection() else {
        panic!("refused")
    };
    assert!(reason.contains("check the token"), "{reason}");
    app.join(join(&relay.address(), Some(TOKEN))).await.unwrap();
    let status = connected(&app).await;
    let member = only(&status);
    assert_eq!(
        (member.name.as_str(), member.group.as_str()),
        ("desk", "home")
    );
    assert_eq!(secret(&status), SecretPlace::Keyring);
    // Under a second name beside the first, the same token.
    let mut renamed = join(&relay.address(), None);
    renamed.name = "other".into();
    app.join(renamed).await.unwrap();
    connected(&app).await;
    assert_eq!(app.token().await.unwrap(), TOKEN);
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn without_a_keyring_the_token_is_in_memory_until_the_person_agrees_to_a_file() {
    let home = Home::with(Desk::new(Manners::Works), Ring::faulty(VaultError::Absent));
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    app.join(join(&relay.address(), Some(TOKEN))).await.unwrap();
    let told = connected(&app).await;
    assert_eq!(secret(&told), SecretPlace::Memory);
    let words = problem(&told, Part::Secrets).unwrap();
    assert!(words.contains("Allow a file"), "{words}");

    app.allow_plain_secret(true).await.unwrap();
    let told = status(&app, "the file", |s| secret(s) == SecretPlace::File).await;
    assert_eq!(problem(&told, Part::Secrets), None);
    stop(app).await;

    let app = home.start().await;
    assert_eq!(secret(&connected(&app).await), SecretPlace::File);
    app.allow_plain_secret(false).await.unwrap();
    status(&app, "memory", |s| secret(s) == SecretPlace::Memory).await;
    assert!(!home.folders().config.join("secrets.toml").exists());
    stop(app).await;
    let settings = std::fs::read_to_string(home.settings_file()).unwrap();
    assert!(!settings.contains(TOKEN));

    // Kept nowhere, as the person wished: asked for again, and nothing is sent without it.
    let app = home.start().await;
    let told = status(&app, "a refusal", |status| {
        matches!(status.connection(), Connection::Refused { .. })
    })
    .await;
    let Connection::Refused { reason } = told.connection() else {
        panic!("refused")
    };
    assert!(reason.contains("enter the token again"), "{reason}");
    app.join(join(&relay.address(), Some(TOKEN))).await.unwrap();
    assert_eq!(secret(&connected(&app).await), SecretPlace::Memory);
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_keyring_that_comes_later_takes_the_token() {
    let home = Home::with(Desk::new(Manners::Works), Ring::faulty(VaultError::Absent));
    let app = home.start().await;
    app.join(join("relay.invalid", Some(TOKEN))).await.unwrap();
    status(&app, "memory", |s| secret(s) == SecretPlace::Memory).await;
    home.ring.mend();
    let told = status(&app, "the keyring", |s| secret(s) == SecretPlace::Keyring).await;
    assert_eq!(problem(&told, Part::Secrets), None);
    let label = Label::Relay("relay.invalid".into());
    assert!(home.ring.secrets.lock().unwrap().contains_key(&label));
    stop(app).await;
}

#[tokio::test]
async fn a_hosted_relay_goes_back_to_the_token_the_keyring_had_all_along() {
    let home = Home::new();
    let (app, port, token) = hosting(&home).await;
    stop(app).await;
    *home.ring.fault.lock().unwrap() = Some(VaultError::Absent);
    let app = home.start().await;
    connected(&app).await;
    let made = app.token().await.unwrap();
    assert_ne!(made, token);
    home.ring.mend();
    status(&app, "the keyring", |s| secret(s) == SecretPlace::Keyring).await;
    assert_eq!(app.token().await.unwrap(), token);
    connected(&app).await;
    let answer = http_send(port, &token, "desk", "text=hello").await;
    assert!(answer.contains("\"ok\""), "{answer}");
    let answer = http_send(port, &made, "desk", "text=hello").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    stop(app).await;
}

#[tokio::test]
async fn a_hosted_relay_whose_token_is_locked_away_waits_and_makes_no_other() {
    let home = Home::new();
    let (app, _, token) = hosting(&home).await;
    stop(app).await;
    *home.ring.fault.lock().unwrap() = Some(VaultError::Locked);
    let app = home.start().await;
    let told = status(&app, "the problem", |status| {
        problem(status, Part::Hosting).is_some()
            && matches!(status.connection(), Connection::Refused { .. })
    })
    .await;
    assert!(problem(&told, Part::Hosting).unwrap().contains("Unlock it"));
    home.ring.mend();
    app.reconnect(None).await.unwrap();
    let told = connected(&app).await;
    assert_eq!(told.problems, []);
    assert_eq!(app.token().await.unwrap(), token);
    stop(app).await;
}

#[tokio::test]
async fn a_locked_keyring_is_told_and_tried_again_when_the_person_says_so() {
    let home = Home::new();
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    app.join(join(&relay.address(), Some(TOKEN))).await.unwrap();
    connected(&app).await;
    stop(app).await;

    *home.ring.fault.lock().unwrap() = Some(VaultError::Locked);
    let app = home.start().await;
    let told = status(&app, "a refusal", |status| {
        matches!(status.connection(), Connection::Refused { .. })
    })
    .await;
    let words = problem(&told, Part::Secrets).unwrap();
    assert!(words.contains("Unlock it"), "{words}");
    home.ring.mend();
    app.reconnect(None).await.unwrap();
    let told = connected(&app).await;
    assert_eq!(problem(&told, Part::Secrets), None);
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn hosting_is_kept_over_restarts_with_port_and_token() {
    let home = Home::new();
    let (app, port, token) = hosting(&home).await;
    http_send(port, &token, "desk", "text=before").await;
    stop(app).await;

    let app = home.start().await;
    let hosted = connected(&app).await.hosted.unwrap();
    assert_eq!((hosted.port, hosted.reach), (port, Reach::Computer));
    assert_eq!(app.token().await.unwrap(), token);

    within("reach", app.reach(Reach::Network)).await.unwrap();
    let told = connected(&app).await;
    let hosted = told.hosted.as_ref().unwrap();
    assert_eq!((hosted.port, hosted.reach), (port, Reach::Network));
    status(&app, "the line again", |status| {
        status
            .hosted
            .as_ref()
            .is_some_and(|hosted| hosted.clients == 1)
    })
    .await;
    let answer = http_send(port, &token, "desk", "text=after").await;
    assert!(answer.contains("\"ok\""), "{answer}");

    // Renamed in the settings, by the address that they show: still hosted, with its token.
    let mut renamed = join(&only(&told).address, None);
    renamed.name = "renamed".into();
    app.join(renamed).await.unwrap();
    let told = connected(&app).await;
    assert_eq!(only(&told).name, "renamed");
    assert!(told.hosted.unwrap().curl.contains("/renamed.send"));

    within("the end of hosting", app.stop_hosting())
        .await
        .unwrap();
    let now = status(&app, "nothing set up", |status| {
        status.connection() == Connection::NotConfigured
    })
    .await;
    assert_eq!((now.hosted, now.relays), (None, Vec::new()));
    assert!(matches!(
        app.stop_hosting().await,
        Err(Failure::NotFound(_))
    ));
    assert!(matches!(
        app.reach(Reach::Network).await,
        Err(Failure::NotFound(_))
    ));
    assert_eq!(app.reconnect(None).await, Err(Failure::NotConfigured));
    assert_eq!(app.token().await, Err(Failure::NotConfigured));
    // Its data stayed: hosted again, it has the same token and knows the same clients.
    within("hosting", app.host(Reach::Computer, None))
        .await
        .unwrap();
    connected(&app).await;
    assert_eq!(app.token().await.unwrap(), token);
    stop(app).await;
}

#[tokio::test]
async fn a_port_that_was_taken_meanwhile_is_told_and_never_given_the_token() {
    let home = Home::new();
    let (app, port, _) = hosting(&home).await;
    stop(app).await;
    let stranger = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let app = home.start().await;
    let told = status(&app, "the problem", |status| {
        problem(status, Part::Hosting).is_some()
            && matches!(status.connection(), Connection::Offline { .. })
    })
    .await;
    let words = problem(&told, Part::Hosting).unwrap();
    assert!(words.contains(&port.to_string()), "{words}");
    // Hosting again takes another port; up to then nobody called the stranger.
    within("hosting", app.host(Reach::Computer, None))
        .await
        .unwrap();
    let told = connected(&app).await;
    assert_ne!(told.hosted.as_ref().unwrap().port, port);
    assert_eq!(problem(&told, Part::Hosting), None);
    let call = tokio::time::timeout(std::time::Duration::ZERO, stranger.accept()).await;
    assert!(call.is_err(), "the stranger was called");
    stop(app).await;
}

#[tokio::test]
async fn a_network_that_cannot_be_listened_on_is_told_and_hosting_goes_on_when_it_can() {
    let home = Home::new();
    let (app, port, _) = hosting(&home).await;
    // On another address of this computer, so that only listening on all of them fails.
    let stranger = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let refused = within("reach", app.reach(Reach::Network)).await;
    let Err(Failure::System(words)) = refused else {
        panic!("{refused:?}")
    };
    assert!(words.contains("used by another program"), "{words}");
    status(&app, "the problem", |status| {
        problem(status, Part::Hosting).is_some()
            && matches!(status.connection(), Connection::Offline { .. })
    })
    .await;
    drop(stranger);
    app.reconnect(None).await.unwrap();
    let told = connected(&app).await;
    assert_eq!(told.problems, []);
    let hosted = told.hosted.as_ref().unwrap();
    assert_eq!((hosted.port, hosted.reach), (port, Reach::Network));
    stop(app).await;
}

#[tokio::test]
async fn settings_are_kept_told_and_apply_at_once() {
    let home = Home::new();
    let app = home.start().await;
    let mut events = app.events();
    let settings = Settings {
        language: Language::Chinese,
        theme: Theme::Dark,
        ..Settings::default()
    };
    assert_eq!(
        app.set_settings(settings.clone()).await,
        Ok(settings.clone())
    );
    assert_eq!(app.settings(), settings);
    next(&mut events, |event| {
        (event == Event::Settings(settings.clone())).then_some(())
    })
    .await;
    within("hosting", app.host(Reach::Computer, Some("desk".into())))
        .await
        .unwrap();
    let port = connected(&app).await.hosted.unwrap().port;
    let token = app.token().await.unwrap();
    http_send(port, &token, "desk", "").await;
    home.desk.wait_for(1).await;
    let notice = home.desk.raised.borrow()[0].clone();
    assert_eq!((notice.title.as_str(), notice.open), ("新消息", "打开"));
    stop(app).await;
    let app = home.start().await;
    assert_eq!(app.settings(), settings);
    stop(app).await;
}

#[tokio::test]
async fn rows_are_marked_deleted_and_restored_with_the_count_and_the_events_right() {
    let home = Home::new();
    let (app, port, token) = hosting(&home).await;
    http_send(port, &token, "desk", "text=one").await;
    http_send(port, &token, "desk", "text=two").await;
    status(&app, "two unread", |s| s.unread == 2).await;
    let mut events = app.events();
    app.mark(vec![1], true).await.unwrap();
    assert_eq!(app.status().borrow().unread, 1);
    app.delete(vec![2, 99]).await.unwrap();
    assert_eq!(app.status().borrow().unread, 0);
    app.restore(vec![2]).await.unwrap();
    assert_eq!(app.status().borrow().unread, 1);
    for expected in [vec![1], vec![2], vec![2]] {
        let ids = next(&mut events, |event| match event {
            Event::Changed(ids) => Some(ids),
            _ => None,
        })
        .await;
        assert_eq!(ids, expected);
    }
    assert!(matches!(app.message(99).await, Err(Failure::NotFound(_))));
    stop(app).await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let home = Home::new();
    let app = home.start().await;
    let with = |change: fn(&mut Join)| {
        let mut join = join("relay.lan", Some(TOKEN));
        change(&mut join);
        join
    };
    for (request, words) in [
        (with(|j| j.address = "ftp://x".into()), "use ws://"),
        (with(|j| j.address = "  ".into()), "write it like"),
        (with(|j| j.name = " ".into()), "needs a name"),
        (with(|j| j.name = "x".repeat(300)), "longer than 256 bytes"),
        (with(|j| j.group = "a\u{7}b".into()), "control character"),
        (with(|j| j.token = Some("x".repeat(5000))), "no token"),
        (with(|j| j.token = Some("two\nlines".into())), "no token"),
    ] {
        match app.join(request).await {
            Err(Failure::Invalid(text)) => assert!(text.contains(words), "{text}"),
            other => panic!("{other:?} instead of {words}"),
        }
    }
    let hosted = app.host(Reach::Computer, Some(String::new())).await;
    assert!(matches!(hosted, Err(Failure::Invalid(_))));
    assert_eq!(
        app.status().borrow().connection(),
        Connection::NotConfigured
    );
    stop(app).await;
}

#[tokio::test]
async fn broken_settings_are_set_aside_and_told() {
    let home = Home::new();
    std::fs::create_dir_all(home.folders().config).unwrap();
    std::fs::write(home.settings_file(), "theme = 5").unwrap();
    let app = home.start().await;
    let told = app.status().borrow().clone();
    let words = problem(&told, Part::Disk).unwrap();
    assert!(words.contains("settings.toml.broken-1"), "{words}");
    stop(app).await;
}

#[tokio::test]
async fn a_damaged_inbox_is_no_start_and_says_what_to_do() {
    let home = Home::new();
    let data = home.folders().data;
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("inbox.sqlite"), vec![b'x'; 4096]).unwrap();
    let error = App::start(home.parts()).await.err().unwrap();
    assert!(matches!(error, StartError::Inbox(_)), "{error:?}");
    assert!(error.to_string().contains("Move it away"), "{error}");
}

#[tokio::test]
async fn an_inbox_that_cannot_be_written_confirms_nothing_until_it_can() {
    let home = Home::new();
    let (app, port, token) = hosting(&home).await;
    let file = home.folders().data.join("inbox.sqlite");
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = http_send(port, &token, "desk", "text=kept&wait=0").await;
    assert!(!answer.contains("\"ok\""), "{answer}");
    let told = status(&app, "the problem", |s| problem(s, Part::Disk).is_some()).await;
    let words = problem(&told, Part::Disk).unwrap();
    assert!(words.contains("messages wait at the relay"), "{words}");
    assert_eq!(
        app.inbox(&Filter::default(), None, 10).await,
        Ok(Vec::new())
    );
    // The relay sends it again, and it is as if nothing had been.
    other.execute_batch("ROLLBACK").unwrap();
    home.desk.wait_for(1).await;
    assert_eq!(home.desk.titles(), ["kept"]);
    status(&app, "no problem", |s| s.problems.is_empty()).await;
    stop(app).await;
}

#[tokio::test]
async fn settings_that_cannot_be_saved_are_told_and_hold_meanwhile() {
    let home = Home::new();
    let app = home.start().await;
    // A folder in the file's place refuses root too.
    std::fs::create_dir(home.settings_file()).unwrap();
    let settings = Settings {
        language: Language::English,
        theme: Theme::Light,
        ..Settings::default()
    };
    assert_eq!(
        app.set_settings(settings.clone()).await,
        Ok(settings.clone())
    );
    let told = status(&app, "the problem", |s| problem(s, Part::Disk).is_some()).await;
    let words = problem(&told, Part::Disk).unwrap();
    assert!(words.contains("could not be saved"), "{words}");
    std::fs::remove_dir(home.settings_file()).unwrap();
    app.set_settings(settings).await.unwrap();
    status(&app, "no problem", |s| problem(s, Part::Disk).is_none()).await;
    stop(app).await;
}

#[tokio::test]
async fn a_request_shows_no_token() {
    let shown = format!(
        "{:?} {:?}",
        join("h", Some("s3cret")),
        Secret::new("s3cret")
    );
    assert!(!shown.contains("s3cret"));
}
