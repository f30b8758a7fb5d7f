//! Moving between relays, and beginning with one: what the faces see, which relay gets which token
//! and which message. Over real sockets and files, with a keyring of the tests'.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod common;

use common::{Desk, Elsewhere, Home, Manners, Ring, TOKEN, connected, free_port, stop, within};
use tidings_app::types::{
    Connection, Draft, Join, MessageId, Part, Priority, Progress, Reach, Recipient, Status,
};
use tidings_app::vault::{Label, VaultError};
use tidings_app::{App, Failure};
use tokio::net::TcpListener;

fn join(address: &str, token: Option<&str>) -> Join {
    Join {
        address: address.into(),
        name: "desk".into(),
        group: String::new(),
        token: token.map(str::to_owned),
    }
}

fn hosting_problem(status: &Status) -> Option<&str> {
    let mut problems = status.problems.iter();
    let problem = problems.find(|p| p.part == Part::Hosting)?;
    Some(&problem.message)
}

#[tokio::test]
async fn a_start_shows_the_relay_that_is_set_up_at_once() {
    let home = Home::new();
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    app.join(join(&relay.address(), Some(TOKEN))).await.unwrap();
    stop(app).await;
    // This runs on one thread: between the start and the look no task had a turn.
    let app = home.start().await;
    let first = app.status().borrow().clone();
    assert_eq!(first.connection, Connection::Connecting);
    assert_eq!(first.relay.unwrap().address, relay.address());
    connected(&app).await;
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_on_another_host_does_not_get_the_token_of_the_last_one() {
    let home = Home::new();
    let app = home.start().await;
    app.join(join("ws://a.invalid:9093/", Some(TOKEN)))
        .await
        .unwrap();
    app.join(join("ws://b.invalid:9093/", None)).await.unwrap();
    assert!(matches!(app.token().await, Err(Failure::NotFound(_))));
    // The same host at another port is the relay that moved.
    app.join(join("ws://a.invalid:9093/", None)).await.unwrap();
    app.join(join("ws://a.invalid:9094/", None)).await.unwrap();
    assert_eq!(app.token().await.unwrap(), TOKEN);
    stop(app).await;
}

#[tokio::test]
async fn a_keyring_that_takes_one_token_is_given_those_it_did_not_take_before() {
    let home = Home::with(Desk::new(Manners::Works), Ring::faulty(VaultError::Locked));
    let relay = Elsewhere::new().await;
    let app = home.start().await;
    within("hosting", app.host(Reach::Computer, None))
        .await
        .unwrap();
    let token = app.token().await.unwrap();
    *home.ring.fault.lock().unwrap() = None;
    app.join(join(&relay.address(), Some(TOKEN))).await.unwrap();
    let kept = home
        .ring
        .secrets
        .lock()
        .unwrap()
        .get(&Label::Hosted)
        .cloned();
    assert_eq!(kept.unwrap().reveal(), token);
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn hosting_that_failed_is_told_once_and_no_more_when_it_succeeds() {
    let home = Home::new();
    let app = home.start().await;
    let folder = home.folders().data.join("relay");
    std::fs::write(&folder, "in the way").unwrap();
    for _ in 0..2 {
        let refused = within("hosting", app.host(Reach::Computer, None)).await;
        assert!(matches!(refused, Err(Failure::System(_))), "{refused:?}");
        assert_eq!(app.status().borrow().problems.len(), 1);
    }
    assert!(hosting_problem(&app.status().borrow()).is_some());
    std::fs::remove_file(&folder).unwrap();
    within("hosting", app.host(Reach::Computer, None))
        .await
        .unwrap();
    assert_eq!(hosting_problem(&connected(&app).await), None);
    stop(app).await;
}

/// Sends to this computer itself, through whatever relay it is with.
async fn send(app: &App, title: &str) -> MessageId {
    let draft = Draft {
        to: Recipient::Person("desk".into()),
        title: title.into(),
        body: String::new(),
        priority: Priority::Default,
        link: String::new(),
    };
    app.send(draft).await.unwrap()
}

async fn progress(app: &App, id: MessageId) -> Progress {
    let mut page = app.sent(Some(id + 1), 1).await.unwrap();
    page.remove(0).progress
}

async fn answered(app: &App, id: MessageId) {
    let mut events = app.events();
    within("an answer", async {
        while progress(app, id).await != Progress::Answered {
            events.recv().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_written_for_one_relay_waits_for_it_and_goes_to_no_other() {
    let home = Home::new();
    let app = home.start().await;
    let address = free_port().await;
    app.join(join(&address.to_string(), Some(TOKEN)))
        .await
        .unwrap();
    let first = send(&app, "private").await;

    let other = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let other_address = other.local_addr().unwrap().to_string();
    let other = Elsewhere::on(other).await;
    app.join(join(&other_address, Some(TOKEN))).await.unwrap();
    connected(&app).await;
    // Written later, it would go out later.
    let second = send(&app, "for the other").await;
    answered(&app, second).await;
    assert_eq!(progress(&app, first).await, Progress::Queued);

    let relay = Elsewhere::on(TcpListener::bind(address).await.unwrap()).await;
    app.join(join(&relay.address(), None)).await.unwrap();
    answered(&app, first).await;
    stop(app).await;
    relay.stop().await;
    other.stop().await;
}
