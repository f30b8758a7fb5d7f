//! The relay as scripts see it: PROTOCOL.md, section 2's table of HTTP requests, and what section 3
//! changes about them.

use std::time::Duration;

use serde_json::{Value, json};
use tidings_relay::Config;

use crate::support::{Client, Relay, TOKEN, config, http, message, within};

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
async fn a_connection_is_kept_for_the_next_request() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let relay = Relay::start().await;
    let stream = within(tokio::net::TcpStream::connect(relay.address)).await;
    let mut stream = stream.unwrap();
    for _ in 0..3 {
        let request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(br#""status":"ok"}"#) {
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
