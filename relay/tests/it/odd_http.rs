//! HTTP as nobody should speak it, or few do: each is answered as the RFC has it or ends its own
//! connection, and costs nobody else anything.

use std::time::Duration;

use serde_json::json;
use tidings_relay::{Config, Timing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::interval,
};

use crate::support::{Relay, TOKEN, config, http, raw, within};

/// Requests have a second to come.
fn hurried() -> Config {
    Config {
        timing: Timing {
            request: Duration::from_secs(1),
            stalled_after: Duration::from_secs(1),
            ..config().timing
        },
        ..config()
    }
}

async fn connect(relay: &Relay) -> TcpStream {
    within(TcpStream::connect(relay.address)).await.unwrap()
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    // A reset after the answer is an end like any other.
    let _ = within(stream.read_to_end(&mut rest)).await;
    String::from_utf8_lossy(&rest).into_owned()
}

async fn until(stream: &mut TcpStream, text: &str) {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        seen.push(within(stream.read_u8()).await.unwrap());
    }
}

/// The statuses of all answers in a text, in their order.
fn statuses(answers: &str) -> Vec<&str> {
    let heads = answers.split("HTTP/1.1 ").skip(1);
    heads.map(|head| head.split(' ').next().unwrap()).collect()
}

#[tokio::test]
async fn who_closes_its_side_after_asking_is_answered() {
    let relay = Relay::start().await;
    relay.known("ann", "").await;
    let mut stream = connect(&relay).await;
    let request =
        format!("GET /ann.send?wait=0.2 HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains(r#"{"ann":"wait"}"#), "{answer}");
}

#[tokio::test]
async fn requests_in_one_go_are_answered_one_after_the_other() {
    let relay = Relay::start().await;
    let mut stream = connect(&relay).await;
    let mut all = String::new();
    for n in 0..3 {
        all += &format!("GET /g{n}.send HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n");
    }
    all += "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(all.as_bytes()).await.unwrap();
    let answers = rest(&mut stream).await;
    let at = ["g0", "g1", "g2", r#""ok""#].map(|text| answers.find(text));
    assert!(
        at.iter().all(Option::is_some) && at.is_sorted(),
        "{answers}"
    );
}

#[tokio::test]
async fn a_body_is_asked_for_only_from_who_may_send_it() {
    let relay = Relay::start().await;
    relay.known("ann", "").await;
    let head = |token: &str| {
        format!(
            "POST /ann.send?wait=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    let mut stream = connect(&relay).await;
    stream.write_all(head(TOKEN).as_bytes()).await.unwrap();
    until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(br#"{"text":"t"}"#).await.unwrap();
    assert_eq!(statuses(&rest(&mut stream).await), ["200"]);
    let mut stream = connect(&relay).await;
    stream.write_all(head("nope").as_bytes()).await.unwrap();
    assert_eq!(statuses(&rest(&mut stream).await), ["401"]);
}

#[tokio::test]
async fn odd_heads_are_answered_in_order() {
    let relay = Relay::start().await;
    let line = |line: &str, more: &str| {
        format!("{line}\r\nHost: x\r\nConnection: close\r\nAuthorization: {TOKEN}\r\n{more}\r\n")
    };
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let with_body = format!("{upgrade}Content-Length: 5\r\n");
    let long = format!("GET /{}.send HTTP/1.1", "n".repeat(60_000));
    for (status, request) in [
        // The target as a proxy has it.
        (
            200,
            line(
                &format!("GET http://{}/ghost.send HTTP/1.1", relay.address),
                "",
            ),
        ),
        (200, line("HEAD /health HTTP/1.1", "")),
        (405, line("TRACE / HTTP/1.1", "")),
        (405, line("CONNECT example.org:443 HTTP/1.1", "")),
        (204, line("OPTIONS * HTTP/1.1", "")),
        (
            400,
            line(
                "POST / HTTP/1.1",
                "Content-Length: 1\r\nContent-Length: 2\r\n",
            ),
        ),
        (400, line("POST / HTTP/1.1", "Content-Length: -1\r\n")),
        (
            400,
            line(
                "POST / HTTP/1.1",
                "Content-Length: 99999999999999999999\r\n",
            ),
        ),
        (400, line("POST / HTTP/1.1", "Transfer-Encoding: gzip\r\n")),
        (400, line("GET /ghost.send HTTP/1.1", "no colon\r\n")),
        (400, line("GET /a%00b.send HTTP/1.1", "")),
        (400, line(&long, "")),
        (400, line("GET / HTTP/1.1", &with_body)),
        (400, line("GET / HTTP/1.0", upgrade)),
        (431, line("GET /health HTTP/1.1", &"X: y\r\n".repeat(200))),
    ] {
        let answer = raw(relay.address, format!("{request}hello").as_bytes()).await;
        assert_eq!(answer.status, status, "{request:.100} {answer:?}");
    }
    // A slash is a part of a name, whichever way it is written.
    let mut client = relay.client("a/b", "").await;
    for path in ["/a%2Fb.send", "/a/b.send"] {
        let (answer, _) = tokio::join!(relay.get(path), client.take(""));
        answer.expect_status(json!({"a/b": "ok"}));
    }
}

#[tokio::test]
async fn of_two_lengths_of_a_body_none_hides_a_request() {
    let relay = Relay::start().await;
    let hidden = format!("GET /hidden.send HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n");
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let request = format!(
            "POST /ghost.send HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n{lengths}\r\n0\r\n\r\n{hidden}"
        );
        let mut stream = connect(&relay).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answers = rest(&mut stream).await;
        assert_eq!(statuses(&answers).len(), 1, "{answers}");
        assert!(!answers.contains("hidden"), "{answers}");
    }
}

#[tokio::test]
async fn line_05_what_comes_drop_by_drop_has_no_more_time() {
    let relay = Relay::with(hurried()).await;
    let drip = async |begun: String, drop: &[u8]| {
        let mut stream = connect(&relay).await;
        let (mut reading, mut writing) = stream.split();
        writing.write_all(begun.as_bytes()).await.unwrap();
        let mut drops = interval(Duration::from_millis(100));
        let dripping = async {
            loop {
                drops.tick().await;
                if writing.write_all(drop).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let mut answer = Vec::new();
        within(async {
            tokio::select! {
                () = dripping => {}
                _ = reading.read_to_end(&mut answer) => {}
            }
        })
        .await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    drip("GET /health HTTP/1.1\r\n".to_owned(), b"X: y\r\n").await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Length: 9999\r\n\r\n"
    );
    let answer = drip(head, b"x").await;
    assert_eq!(statuses(&answer), ["408"]);
    // Neither has a connection that asks no more.
    let mut idle = connect(&relay).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(statuses(&rest(&mut idle).await), ["200"]);
}

#[tokio::test]
async fn line_05_large_bodies_that_do_not_end_leave_room_for_small_ones() {
    // As many as the relay reads at once, and some more.
    const STUCK: usize = 70;
    let mut config = hurried();
    config.timing.request = Duration::from_secs(3);
    let relay = Relay::with(config).await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n";
    let begun = [head.as_bytes(), &[b' '; 100_000]].concat();
    let mut stuck = Vec::new();
    for _ in 0..STUCK {
        let mut stream = connect(&relay).await;
        let mut begun = &begun[..];
        // The system takes some of it; the relay the more, the less is stuck already.
        let _ =
            tokio::time::timeout(Duration::from_millis(20), stream.write_all_buf(&mut begun)).await;
        stuck.push(stream);
    }
    let auth = json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "ann"}}).to_string();
    let answer = http(relay.address, "POST", "/", &[], &auth).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // What does not end is given up, and the next large ones have their turn.
    for stream in &mut stuck {
        let answer = rest(stream).await;
        assert!(
            ["408", ""].contains(&statuses(&answer).first().copied().unwrap_or("")),
            "{answer}"
        );
    }
    let large = format!("{auth}{}", " ".repeat(200_000));
    let answer = http(relay.address, "POST", "/", &[], &large).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
