//! The relay as scripts see it: PROTOCOL.md, section 2's table of HTTP requests, and what section 3
//! changes about them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidings_relay::{Config, Timing};

use crate::support::{Client, DEADLINE, Relay, TOKEN, config, http, message, raw, within};

#[tokio::test]
async fn a_get_sends_and_answers_with_the_outcome() {
    let relay = Relay::start().await;
    let mut ann = relay.client("ann", "G").await;
    let request = relay.get("/ann.send?text=Hello&desp=a+b%20c&x=y&b=%7B%22h%22:1%7D");
    let (answer, packet) = tokio::join!(request, async {
        let packet = ann.recv().await;
        ann.confirm(packet["data"]["mid"].as_str().unwrap()).await;
        packet
    });
    answer.expect_status(json!({"ann": "ok"}));
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let expected = json!({
        "sendType": "personal", "target": "ann", "from": {"method": "http", "name": ""},
        "message": {"text": "Hello", "desp": "a b c", "extra": {"x": "y", "b": "{\"h\":1}"}},
        "mid": packet["data"]["mid"],
    });
    assert_eq!(packet["data"], expected);
    assert_eq!(answer.json()["data"]["mid"], packet["data"]["mid"]);

    let request = relay.get("/G.group?text=all");
    let (answer, _) = tokio::join!(request, ann.take("all"));
    answer.expect_status(json!({"ann": "ok"}));
}

#[tokio::test]
async fn strangers_empty_groups_and_the_absent() {
    let relay = Relay::start().await;
    relay
        .get("/ghost.send")
        .await
        .expect_status(json!({"ghost": "no"}));
    relay.get("/nobody.group").await.expect_status(json!({}));
    relay.known("ann", "").await;
    relay
        .get("/ann.send?text=later&wait=0.1")
        .await
        .expect_status(json!({"ann": "wait"}));
    relay.client("ann", "").await.take("later").await;
}

#[tokio::test]
async fn section_3_line_10_names_are_percent_decoded_and_the_suffix_decides() {
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
}

#[tokio::test]
async fn section_3_line_13_the_default_wait_ends_before_common_clients_give_up() {
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
async fn section_3_line_7_the_token_is_required_and_never_part_of_a_message() {
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
        (200, json!({"status": "ok"}))
    );
}

#[tokio::test]
async fn section_3_line_8_guessing_is_answered_by_429() {
    let relay = Relay::start().await;
    let guess = || async {
        let headers = [("authorization", "guess")];
        http(relay.address, "GET", "/ann.send", &headers, "").await
    };
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(guess().await);
    }
    let last = answers.pop().unwrap();
    assert_eq!(answers[0].status, 401);
    last.expect_info(429, "Too many wrong tokens");
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    // The same patience for all doors.
    let mut client = Client::connect(relay.address).await;
    client
        .send(json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "ann"}}))
        .await;
    let refused = client.recv().await;
    assert_eq!(refused["data"]["code"], 403);
    assert!(
        refused["data"]["msg"]
            .as_str()
            .unwrap()
            .contains("try again in")
    );
    let auth = json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "ann"}});
    assert_eq!(relay.post("/", &auth).await.status, 429);
}

#[tokio::test]
async fn section_3_line_7_a_callers_mistake_is_4xx_and_says_what_to_do() {
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
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = http(relay.address, method, "/ann.send", &auth, "").await;
        answer.expect_info(405, "GET, POST");
        assert_eq!(answer.header("allow"), Some("GET, POST"));
    }
    let answer = http(relay.address, "HEAD", "/ann.send", &auth, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (405, ""));
    let mut headers = auth.to_vec();
    headers.push(("content-type", "text/plain"));
    let answer = http(relay.address, "POST", "/ann.send", &headers, "x").await;
    answer.expect_info(400, "Unsupported Content Type: text/plain");
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
async fn section_3_line_5_bodies_and_heads_have_limits() {
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
async fn section_3_line_7_foreign_pages_are_kept_out_unless_they_are_configured() {
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
async fn without_a_token_pages_cannot_open_a_socket_either() {
    let open = Relay::with(Config {
        token: None,
        ..config()
    })
    .await;
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("origin", "http://evil.example"),
    ];
    let answer = http(open.address, "GET", "/", &upgrade, "").await;
    answer.expect_info(403, "origin");
    open.client("ann", "").await.expect_nothing().await;
    // Without one, any will do.
    let mut client = Client::connect(open.address).await;
    client
        .auth_with(json!({"token": "anything", "name": "bob"}))
        .await;
    let answer = http(open.address, "GET", "/ghost.send", &[], "").await;
    answer.expect_status(json!({"ghost": "no"}));
}

#[tokio::test]
async fn forms_and_flat_json_are_sent_by_post() {
    let relay = Relay::start().await;
    let mut ann = relay.client("ann", "").await;
    let form = "application/x-www-form-urlencoded";
    for (content_type, body) in [
        (form, "text=t&desp=d&x=1&token=secret"),
        (
            "application/json; charset=utf-8",
            r#"{"text":"t","desp":"d","x":"1","token":"secret"}"#,
        ),
        // As `curl -d` has it.
        (form, r#"{"text":"t","desp":"d","extra":{"x":"1"}}"#),
    ] {
        let headers = [("authorization", TOKEN), ("content-type", content_type)];
        let request = http(relay.address, "POST", "/ann.send?wait=0", &headers, body);
        request.await.expect_status(json!({"ann": "wait"}));
        let packet = ann.recv().await;
        let expected = json!({"text": "t", "desp": "d", "extra": {"x": "1"}});
        assert_eq!(packet["data"]["message"], expected);
        ann.confirm(packet["data"]["mid"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn packets_are_posted_on_any_path() {
    let relay = Relay::start().await;
    let mut ann = relay.client("ann", "G").await;
    for (path, packet) in [
        ("/", message("personal", "ann", "p")),
        ("/any/path", message("group", "G", "g")),
    ] {
        let text = packet["data"]["message"]["text"].as_str().unwrap();
        let (answer, _) = tokio::join!(relay.post(path, &packet), ann.take(text));
        answer.expect_status(json!({"ann": "ok"}));
    }
    let ghost = message("personal", "ghost", "");
    relay
        .post("/", &ghost)
        .await
        .expect_status(json!({"ghost": "no"}));
    let probe = relay.post("/", &json!({"cmd": "TEST_HTTP"})).await;
    assert_eq!((probe.status, probe.body.as_str()), (200, ""));
}

#[tokio::test]
async fn an_auth_by_post_gives_a_ticket_and_registers_nobody() {
    let relay = Relay::start().await;
    let post = async |packet: &Value| {
        let headers = [("content-type", "application/json")];
        http(relay.address, "POST", "/", &headers, &packet.to_string()).await
    };
    let auth = |token: &str| json!({"cmd": "AUTH", "data": {"token": token, "name": "bob"}});
    let refused = post(&auth("nope")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.body,
        r#"{"cmd":"AUTH","data":{"code":403,"msg":"Token invalid"}}"#
    );
    let welcome = post(&auth(TOKEN)).await;
    assert_eq!(welcome.status, 200);
    let ticket = welcome.json()["data"]["auth"].as_str().unwrap().to_owned();
    relay
        .get("/bob.send")
        .await
        .expect_status(json!({"bob": "no"}));

    // The ticket stands in for the token and gives the sender's name.
    let mut ann = relay.client("ann", "").await;
    let mut packet = message("personal", "ann", "signed");
    packet["auth"] = json!(ticket);
    let (answer, received) = tokio::join!(post(&packet), async {
        let packet = ann.recv().await;
        ann.confirm(packet["data"]["mid"].as_str().unwrap()).await;
        packet
    });
    answer.expect_status(json!({"ann": "ok"}));
    let from = json!({"method": "http", "name": "bob"});
    assert_eq!(received["data"]["from"], from);

    for forged in ["", "bad.jwt.x", &ticket[..ticket.len() - 1]] {
        packet["auth"] = json!(forged);
        post(&packet).await.expect_info(401, "ticket");
    }
    packet.as_object_mut().unwrap().remove("auth");
    post(&packet).await.expect_info(401, "token");
    let callback = json!({"cmd": "MESSAGE_CALLBACK", "data": {"mid": "1"}});
    post(&callback).await.expect_info(401, "ticket");
}

#[tokio::test]
async fn section_3_line_4_a_full_queue_is_429_by_http() {
    let mut config = config();
    config.bounds.queue_messages = 1;
    let relay = Relay::with(config).await;
    relay.known("ann", "").await;
    relay
        .get("/ann.send?wait=0")
        .await
        .expect_status(json!({"ann": "wait"}));
    let answer = relay.get("/ann.send?wait=0").await;
    answer.expect_info(429, "refused for ann");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let relay = Relay::start().await;
    let stream = within(tokio::net::TcpStream::connect(relay.address)).await;
    let mut stream = stream.unwrap();
    for _ in 0..3 {
        let request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(br#"{"status":"ok"}"#) {
            let mut buffer = [0; 1024];
            let count = within(stream.read(&mut buffer)).await.unwrap();
            assert!(count > 0, "closed after {answer:?}");
            answer.extend_from_slice(&buffer[..count]);
        }
    }
}

#[tokio::test]
async fn a_ticket_confirms_by_http_and_the_message_is_sent_no_more() {
    let mut config = config();
    // Sent again at once, if it were.
    config.timing.retry = Duration::from_millis(10);
    config.timing.retry_max = Duration::from_millis(10);
    let relay = Relay::with(config).await;
    let mut sender = relay.client("s1", "").await;
    let mut recipient = Client::connect(relay.address).await;
    let data = json!({"token": TOKEN, "name": "r1", "group": ""});
    let ticket = recipient.auth_with(data).await["auth"].clone();
    sender.message_to("r1", "hello").await;
    let mid = recipient.expect("hello").await;
    let confirmation =
        |ticket: &Value| json!({"cmd": "MESSAGE_CALLBACK", "auth": ticket, "data": {"mid": mid}});
    let nobodys = relay.post("/", &confirmation(&Value::Null)).await;
    nobodys.expect_info(401, "auth");
    let mut other = Client::connect(relay.address).await;
    let data = json!({"token": TOKEN, "name": "r2", "group": ""});
    let others = other.auth_with(data).await["auth"].clone();
    relay
        .post("/", &confirmation(&others))
        .await
        .expect_info(200, "ok");
    relay
        .post("/", &confirmation(&ticket))
        .await
        .expect_info(200, "ok");
    sender.expect_reply(json!({"r1": "ok"})).await;
    // What was sent again before that is there already; after it nothing comes.
    sender.message_to("r1", "last").await;
    loop {
        let packet = recipient.recv().await;
        if packet["data"]["message"]["text"] == "last" {
            break;
        }
        assert_eq!(packet["data"]["mid"], mid.as_str(), "{packet}");
    }
    let last = recipient.expect("last").await;
    recipient.confirm(&last).await;
    sender.expect_reply(json!({"r1": "ok"})).await;
    relay.stop().await;
}
