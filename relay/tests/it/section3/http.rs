//! Lines 5, 7, 10 and 13 over HTTP: limits, the token and foreign pages, callers' mistakes, names in
//! paths, and how long an answer takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tidings_protocol::{Group, Name};
use tidings_relay::{Config, MemoryStore, Store as _, Timing, store::Registration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    paused::Paused,
    raw_socket::assert_works,
    support::{DEADLINE, Relay, TOKEN, config, http, raw, within},
};

#[tokio::test]
async fn line_05_bodies_and_heads_have_limits() {
    let relay = Relay::start().await;
    let body = "x".repeat(1024 * 1024 + 1);
    let headers = [
        ("authorization", TOKEN),
        ("content-type", "application/json"),
    ];
    for path in ["/", "/ann.send"] {
        let answer = http(relay.address, "POST", path, &headers, &body).await;
        answer.expect_info(413, "larger than");
    }
    // Without a length, too.
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let answer = raw(relay.address, format!("{head}{chunk}0\r\n\r\n").as_bytes()).await;
    assert_eq!(answer.status, 413);
    let long = format!("/ann.send?text={}", "x".repeat(200_000));
    let answer = relay.get(&long).await;
    assert!([414, 431].contains(&answer.status), "{answer:?}");
}

#[tokio::test]
async fn line_05_a_request_that_does_not_come_is_given_up() {
    let config = Config {
        timing: Timing {
            request: Duration::from_secs(1),
            ..config().timing
        },
        ..config()
    };
    let relay = Relay::with(config).await;
    // A head that is never finished, and one that is never begun.
    for begun in ["GET /ann.send HTTP/1.1\r\nHost:", ""] {
        let mut stream = within(TcpStream::connect(relay.address)).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
    }
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Length: 100\r\n\r\n{{"
    );
    raw(relay.address, head.as_bytes())
        .await
        .expect_info(408, "did not come in time");
    assert_works(&relay).await;
}

#[tokio::test]
async fn line_07_the_token_is_required_and_never_part_of_a_message() {
    let relay = Relay::start().await;
    let mut ann = relay.client("ann", "").await;
    let get = async |path: &str, authorization: Option<&str>| {
        let headers: Vec<_> = authorization
            .map(|a| ("authorization", a))
            .into_iter()
            .collect();
        http(relay.address, "GET", path, &headers, "").await
    };
    let path = "/ann.send?text=t&wait=0&x=1";
    get(path, None).await.expect_info(401, "wants its token");
    for wrong in ["nope", "Bearer nope", "Basic dGVzdA==", "test2", "Bearer"] {
        get(path, Some(wrong))
            .await
            .expect_info(401, "Token invalid");
    }
    let by_query = format!("{path}&token={TOKEN}");
    for (path, authorization) in [
        (path, Some("test")),
        (path, Some("Bearer test")),
        (path, Some("bearer  test")),
        (by_query.as_str(), None),
    ] {
        let answer = get(path, authorization).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let packet = ann.recv().await;
        assert_eq!(packet["data"]["message"]["extra"], json!({"x": "1"}));
        ann.confirm(packet["data"]["mid"].as_str().unwrap()).await;
    }
    // Health tells nothing and asks for nothing.
    let answer = get("/health", None).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({"health": "green", "database": "green", "status": "ok"})
        )
    );
}

#[tokio::test]
async fn line_07_foreign_pages_are_kept_out_unless_they_are_configured() {
    let config = Config {
        allowed_origins: vec!["https://friend.example".to_owned()],
        ..config()
    };
    let relay = Relay::with(config).await;
    relay.known("ann", "").await;
    let ask = async |method: &str, origin: &str| {
        let headers = [("authorization", TOKEN), ("origin", origin)];
        http(relay.address, method, "/ann.send?wait=0", &headers, "").await
    };
    for method in ["GET", "OPTIONS", "POST"] {
        let answer = ask(method, "http://evil.example").await;
        answer.expect_info(403, "origin");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let own = format!("http://{}", relay.address);
    for origin in ["https://friend.example", &own] {
        let answer = ask("OPTIONS", origin).await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        let answer = ask("GET", origin).await;
        answer.expect_status(json!({"ann": "wait"}));
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
    let answer = http(relay.address, "OPTIONS", "/", &[], "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn line_07_a_callers_mistake_is_4xx_and_says_what_to_do() {
    let relay = Relay::start().await;
    for path in ["/", "/ann", "/ann.SEND", "/ann.send/", "/favicon.ico"] {
        relay.get(path).await.expect_info(404, "/NAME.send");
    }
    for path in ["/.send", "/.group", "/%ff.send", "/a%0ab.send"] {
        relay.get(path).await.expect_info(400, "path");
    }
    let long = format!("/{}.send", "n".repeat(300));
    relay.get(&long).await.expect_info(400, "longer than");
    let auth = [("authorization", TOKEN)];
    let answer = http(relay.address, "PUT", "/ann.send", &auth, "").await;
    answer.expect_info(405, "GET, POST");
    for method in ["DELETE", "PATCH"] {
        let answer = http(relay.address, method, "/ann.send", &auth, "").await;
        answer.expect_info(405, "GET, POST, PUT");
        assert_eq!(answer.header("allow"), Some("GET, POST, PUT"));
    }
    let answer = http(relay.address, "HEAD", "/ann.send", &auth, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (405, ""));
    let mut headers = auth.to_vec();
    headers.push(("content-type", "image/png"));
    let answer = http(relay.address, "POST", "/ann.send", &headers, "x").await;
    answer.expect_info(400, "Unsupported Content Type: image/png");
    for (body, words) in [
        ("{bad", "JSON"),
        ("null", "object"),
        ("5", "Unknow cmd: undefined"),
        ("{}", "Unknow cmd: undefined"),
        (r#"{"cmd":"MESSAGE"}"#, "property"),
        (r#"{"cmd":"PING"}"#, "Unknow cmd: PING"),
        (
            r#"{"cmd":"AUTH","data":{"token":"test"}}"#,
            "name property is required",
        ),
        (
            r#"{"cmd":"REGISTER_FCM","data":{}}"#,
            "endpoint property is required",
        ),
    ] {
        let answer = http(relay.address, "POST", "/", &auth, body).await;
        answer.expect_info(400, words);
    }
}

#[tokio::test]
async fn line_10_names_are_percent_decoded_and_the_suffix_decides() {
    let relay = Relay::start().await;
    for (name, path) in [
        ("a.b", "/a.b.send"),
        ("你好", "/%E4%BD%A0%E5%A5%BD.send"),
        ("r1", "/%72%31.send"),
        ("with space", "/with%20space.send"),
    ] {
        let mut client = relay.client(name, "").await;
        let (answer, _) = tokio::join!(relay.get(path), client.take(""));
        answer.expect_status(json!({name: "ok"}));
    }
    // Not even escaped, as some scripts have it.
    let mut client = relay.client("你好", "").await;
    let request = format!(
        "GET /你好.send?text=世界 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {TOKEN}\r\n\r\n"
    );
    let (answer, _) = tokio::join!(raw(relay.address, request.as_bytes()), client.take("世界"));
    answer.expect_status(json!({"你好": "ok"}));
}

#[tokio::test]
async fn line_13_the_default_wait_ends_before_common_clients_give_up() {
    assert!(Timing::default().http_wait.as_secs_f64() < 4.0);
    let slow = Config {
        timing: Timing {
            http_wait: DEADLINE * 2,
            ..config().timing
        },
        ..config()
    };
    let relay = Relay::with(slow).await;
    let mut silent = relay.client("ann", "").await;
    // At once, but the message is kept.
    let waits = json!({"ann": "wait"});
    relay
        .get("/ann.send?text=a&wait=0")
        .await
        .expect_status(waits.clone());
    let start = Instant::now();
    relay
        .get("/ann.send?text=b&wait=0.2")
        .await
        .expect_status(waits);
    assert!(start.elapsed().as_millis() >= 200);
    // No part of the message.
    silent.expect("a").await;
    let packet = silent.recv().await;
    assert_eq!(packet["data"]["message"]["extra"], json!({}));
    for wait in ["x", "-1", "NaN", "1e999", ""] {
        let answer = relay.get(&format!("/ann.send?wait={wait}")).await;
        answer.expect_info(400, "wait is not a number of seconds");
    }
}

#[tokio::test]
async fn line_07_a_name_that_was_made_to_lead_here_does_not_open_a_relay_without_a_token() {
    let open = Relay::with(Config {
        token: None,
        ..config()
    })
    .await;
    let port = open.address.port();
    let ask = async |host: &str| {
        let request = format!(
            "GET /ghost.send HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n\r\n"
        );
        raw(open.address, request.as_bytes()).await.status
    };
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
    ] {
        assert_eq!(ask(&format!("{host}:{port}")).await, 403, "{host}");
    }
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        assert_ne!(ask(&format!("{host}:{port}")).await, 403, "{host}");
        assert_ne!(ask(host).await, 403, "{host}");
    }
}

#[tokio::test]
async fn line_07_whatever_is_asked_the_answer_is_no_500() {
    let relay = Relay::start().await;
    let paths = [
        "/",
        "/x.send",
        "/x.group",
        "/%",
        "/%zz.send",
        "/x",
        "/a?b=%&c=%ff&&=&wait",
        "//",
        "/./..",
    ];
    let bodies = [
        "",
        "{",
        "[]",
        "\u{0}",
        r#"{"cmd":{}}"#,
        r#"{"cmd":"MESSAGE","data":[]}"#,
        "a=b&c",
    ];
    let kinds = [
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "\u{e9}/;;",
    ];
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        for path in paths {
            for (n, body) in bodies.iter().enumerate() {
                let kind = kinds[n % kinds.len()];
                let headers = [("authorization", TOKEN), ("content-type", kind)];
                let answer = http(relay.address, method, path, &headers, body).await;
                let said = (200..500).contains(&answer.status);
                assert!(said, "{method} {path} {kind} {body}: {answer:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn line_13_http_waits_for_two_and_a_half_seconds_or_as_long_as_it_is_told() {
    let store = Arc::new(MemoryStore::new());
    let absent = Registration {
        name: Name::new("absent").unwrap(),
        group: Group::none(),
    };
    store.register(absent).await.unwrap();
    let relay = Paused::on(Config::default(), store).await;
    for (query, seconds) in [
        ("", 2.5),
        ("?wait=0", 0.0),
        ("?wait=0.25", 0.25),
        ("?wait=7", 7.0),
        // No longer than anybody keeps a request open.
        ("?wait=100000", 60.0),
    ] {
        let mut ours = relay.connect().await;
        let request = format!(
            "GET /absent.send{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        let asked = tokio::time::Instant::now();
        ours.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        let took = asked.elapsed().as_secs_f64();
        assert!(
            answer.ends_with(r#""status":{"absent":"wait"}}}"#),
            "{answer}"
        );
        assert!(
            (seconds..seconds + 0.1).contains(&took),
            "{query}: {took} s"
        );
    }
}
