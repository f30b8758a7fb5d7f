//! Moving between relays, and beginning with one: what the faces see, which relay gets which token
//! and which message. Over real sockets and files, with a keyring of the tests'.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod common;

use common::{Desk, Elsewhere, Home, Manners, Ring, TOKEN, connected, only, stop, within};
use tidings_app::Failure;
use tidings_app::types::{Connection, Join, Part, Reach, Status};
use tidings_app::vault::{Label, VaultError};

fn join(address: &str, token: Option<&str>) -> Join {
    Join {
        id: None,
        address: address.into(),
        name: "desk".into(),
        group: String::new(),
        token: token.map(str::to_owned),
    }
}

fn hosting_problem(status: &Status) -> Option<&str> {
    let mut problems = status.problems.iter();
    let problem = problems.find(|p| p.part == Part::Hosting)?;
    Some(&problem.message.en)
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
    assert_eq!(first.connection(), Connection::Connecting);
    assert_eq!(only(&first).address, relay.address());
    connected(&app).await;
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_moves_keeps_its_token_on_its_host_only() {
    let home = Home::new();
    let app = home.start().await;
    app.join(join("ws://a.invalid:9093/", Some(TOKEN)))
        .await
        .unwrap();
    let id = only(&app.status().borrow()).id;
    let moved = |address| Join {
        id: Some(id.clone()),
        ..join(address, None)
    };
    // The same host at another port is the relay that moved.
    app.join(moved("ws://a.invalid:9094/")).await.unwrap();
    assert_eq!(app.token().await.unwrap(), TOKEN);
    app.join(moved("ws://b.invalid:9094/")).await.unwrap();
    assert!(matches!(app.token().await, Err(Failure::NotFound(_))));
    assert!(home.ring.secrets.lock().unwrap().is_empty());
    assert_eq!(only(&app.status().borrow()).id, id);
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
