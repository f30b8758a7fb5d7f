//! Moving between relays, and beginning with one: what the faces see, which relay gets which token
//! and which message. Over real sockets and files, with a keyring of the tests'.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod common;

use common::{Elsewhere, Home, TOKEN, connected, stop, within};
use tidings_app::Failure;
use tidings_app::types::{Connection, Join, Part, Reach, Status};

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
