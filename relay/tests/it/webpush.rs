//! Web Push for real: the relay against a push service over TLS, its pushes opened and their
//! signatures verified by others' code; services that misbehave; endpoints that lead inwards.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tidings_relay::{
    Config, MemoryStore, Push as _, Store, Timing, Token, WebPush, WebPushOptions,
    push::{Letter, Outcome, Urgency},
};

use crate::{
    process::{Process, command},
    push_service::{Answer, Browser, PushService},
    support::{Client, Relay, TOKEN, config, http, impatient, within},
};

/// A relay, a push service, and `ann`, whose browser has subscribed and gone.
struct Scene {
    relay: Relay,
    service: PushService,
    ann: Browser,
    key: Value,
    ticket: Value,
}

impl Scene {
    async fn set(config: Config) -> Self {
        let service = PushService::start().await;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let push = service.way(&*store).await;
        let relay = Relay::pushing(config, store, push).await;
        let ann = Browser::new();
        let mut client = Client::connect(relay.address).await;
        let welcome = client.auth("ann", "").await;
        let subscription = ann.subscribed(&service.endpoint("ann"));
        register(&mut client, "REGISTER_FCM", subscription).await;
        client.close().await;
        gone(&relay).await;
        Self {
            relay,
            service,
            ann,
            key: welcome["fcmServerKey"].clone(),
            ticket: welcome["auth"].clone(),
        }
    }

    async fn sender(&self) -> Client {
        let mut sender = Client::connect(self.relay.address).await;
        sender.auth("sender", "").await;
        sender
    }

    async fn back(&self) -> Client {
        let mut client = Client::connect(self.relay.address).await;
        client.auth("ann", "").await;
        client
    }
}

/// Waits until nobody is connected.
async fn gone(relay: &Relay) {
    let mut connected = relay.hub.connected();
    within(connected.wait_for(|count| *count == 0))
        .await
        .unwrap();
}

/// Registers, and waits until that was done.
async fn register(client: &mut Client, cmd: &str, subscription: Value) {
    client.send(json!({"cmd": cmd, "data": subscription})).await;
    // The answer to the message comes after what was asked for before it.
    client.message_to("nobody", "").await;
    client.expect_reply(json!({"nobody": "no"})).await;
}

fn with_extra(to: &str, extra: Value) -> Value {
    json!({"cmd": "MESSAGE", "data": {"sendType": "personal", "target": to,
        "message": {"text": "t", "desp": "d", "extra": extra}}})
}

#[tokio::test]
async fn line_09_a_push_is_opened_and_its_signature_verified_by_others() {
    let mut scene = Scene::set(impatient()).await;
    let mut sender = scene.sender().await;
    sender
        .send(with_extra(
            "ann",
            json!({"key": "build", "ttl": 600, "priority": 3}),
        ))
        .await;
    let came = scene.service.next().await;
    assert_eq!(came.path, "/ann");
    for (name, value) in [
        ("content-encoding", "aes128gcm"),
        ("content-type", "application/octet-stream"),
        ("urgency", "normal"),
        (
            "host",
            &format!("localhost:{}", scene.service.address.port()),
        ),
    ] {
        assert_eq!(came.header(name), value, "{name}");
    }
    let ttl: u64 = came.header("ttl").parse().unwrap();
    assert!((590..=600).contains(&ttl), "{ttl}");
    assert_eq!(came.header("topic").len(), 32);
    // One record, whose size is told to be larger than it is (RFC 8291, section 4).
    assert_eq!(came.body[16..20], 4096_u32.to_be_bytes());

    let opened = scene.ann.open(&came);
    assert_eq!(opened["verified"], true, "{opened}");
    assert_eq!(opened["head"], json!({"typ": "JWT", "alg": "ES256"}));
    assert_eq!(opened["key"], scene.key);
    let claims = &opened["claims"];
    let origin = format!("https://localhost:{}", scene.service.address.port());
    assert_eq!(claims["aud"], origin);
    assert_eq!(claims["sub"], "mailto:test@example.org");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let holds = claims["exp"].as_u64().unwrap() - now;
    assert!((11 * 3600..=12 * 3600).contains(&holds), "{holds}");

    // What the browser reads is what the socket gets, and that comes too.
    sender.expect_reply(json!({"ann": "fcm-ok"})).await;
    let mut ann = scene.back().await;
    assert_eq!(opened["plaintext"], ann.recv_text().await);
    scene.service.nothing_came();
}

#[tokio::test]
async fn line_09_nothing_is_pushed_while_a_socket_confirms() {
    let mut scene = Scene::set(config()).await;
    let (mut ann, mut sender) = (scene.back().await, scene.sender().await);
    for text in ["1", "2"] {
        sender.message_to("ann", text).await;
        ann.take(text).await;
        sender.expect_reply(json!({"ann": "ok"})).await;
    }
    assert_eq!(scene.service.connections(), 0);
    // What it leaves unconfirmed is pushed when it goes.
    sender.message_to("ann", "3").await;
    ann.expect("3").await;
    drop(ann);
    let opened = scene.ann.open(&scene.service.next().await);
    assert!(
        opened["plaintext"]
            .as_str()
            .unwrap()
            .contains(r#""text":"3""#)
    );
}

#[tokio::test]
async fn line_09_a_socket_that_does_not_confirm_is_none() {
    let quick = Config {
        timing: Timing {
            retry: Duration::from_millis(50),
            ..impatient().timing
        },
        ..impatient()
    };
    let mut scene = Scene::set(quick).await;
    let (mut ann, mut sender) = (scene.back().await, scene.sender().await);
    sender.message_to("ann", "1").await;
    let mid = ann.expect("1").await;
    assert_eq!(scene.service.next().await.path, "/ann");
    sender.expect_reply(json!({"ann": "fcm-ok"})).await;
    ann.confirm(&mid).await;
    scene.service.nothing_came();
}

#[tokio::test]
async fn a_browser_confirms_a_push_over_its_socket_or_by_http() {
    let scene = Scene::set(config()).await;
    let mut sender = scene.sender().await;
    sender.message_to("ann", "1").await;
    let confirm = |mid: &Value, ticket: &Value| json!({"cmd": "MESSAGE_FCM_CALLBACK", "auth": ticket, "data": {"mid": mid}});
    let mut service = scene.service;
    let mut mid = async || {
        let opened = scene.ann.open(&service.next().await);
        let packet: Value = serde_json::from_str(opened["plaintext"].as_str().unwrap()).unwrap();
        packet["data"]["mid"].clone()
    };
    let first = mid().await;
    let mut other = Client::connect(scene.relay.address).await;
    let other_ticket = other.auth("other", "").await["auth"].clone();
    // Another client's word is not hers.
    let answer = scene.relay.post("/", &confirm(&first, &other_ticket)).await;
    answer.expect_info(200, "ok");
    let none = json!({"cmd": "MESSAGE_FCM_CALLBACK", "data": {"mid": first}});
    scene
        .relay
        .post("/", &none)
        .await
        .expect_info(401, "ticket");
    let answer = scene.relay.post("/", &confirm(&first, &scene.ticket)).await;
    answer.expect_info(200, "ok");
    sender.expect_reply(json!({"ann": "fcm-ok-comfirm"})).await;

    sender.message_to("ann", "2").await;
    let second = mid().await;
    let mut ann = Client::connect(scene.relay.address).await;
    ann.auth("ann", "").await;
    // The first was confirmed, so it does not come.
    ann.expect("2").await;
    ann.send(json!({"cmd": "MESSAGE_FCM_CALLBACK", "data": {"mid": second}}))
        .await;
    sender.expect_reply(json!({"ann": "fcm-ok-comfirm"})).await;
    ann.expect_nothing().await;
}

#[tokio::test]
async fn a_push_is_no_way_around_a_revoked_token() {
    let mut scene = Scene::set(impatient()).await;
    let other = Token::new("other").unwrap();
    scene.relay.hub.replace_tokens(Some(&other), &[]);
    let mut sender = Client::connect(scene.relay.address).await;
    let auth = json!({"token": "other", "name": "sender", "group": ""});
    sender.auth_with(auth).await;
    sender.message_to("ann", "1").await;
    sender.expect_reply(json!({"ann": "wait"})).await;
    assert_eq!(scene.service.connections(), 0);
    // The token is back, and so are the pushes of what comes from then on.
    let first = Token::new(TOKEN).unwrap();
    scene.relay.hub.replace_tokens(Some(&first), &[]);
    let mut sender = scene.sender().await;
    sender.message_to("ann", "2").await;
    let opened = scene.ann.open(&scene.service.next().await);
    let packet = opened["plaintext"].as_str().unwrap();
    assert!(packet.contains(r#""text":"2""#), "{packet}");
}

#[tokio::test]
async fn a_subscription_is_registered_by_either_name_or_told_what_is_wrong() {
    let service = PushService::start().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let push = service.way(&*store).await;
    let relay = Relay::pushing(config(), Arc::clone(&store), push).await;
    let browser = Browser::new();
    let mut client = Client::connect(relay.address).await;
    let welcome = client.auth("ann", "").await;
    assert_eq!(welcome["fcmServerKey"].as_str().unwrap().len(), 87);
    assert_eq!(welcome["webpushPublicKey"], welcome["fcmServerKey"]);
    let good = browser.subscribed(&service.endpoint("x"));
    let changed = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let bad = [
        (json!({"token": "f-c-m"}), "Firebase"),
        (json!({}), "endpoint property is required"),
        (json!({"endpoint": "x"}), "keys property is required"),
        (changed("/endpoint", json!("http://push.example/")), "https"),
        (changed("/endpoint", json!("not a url")), "https"),
        (changed("/endpoint", json!(5)), "https"),
        (changed("/keys/auth", json!("x")), "keys.auth"),
        (changed("/keys/p256dh", json!("x")), "keys.p256dh"),
        (changed("/keys", json!({})), "keys.p256dh"),
    ];
    for (data, words) in &bad {
        client
            .send(json!({"cmd": "REGISTER_FCM", "data": data}))
            .await;
        client.expect_info(words).await;
        let packet = json!({"cmd": "REGISTER_WEBPUSH", "auth": welcome["auth"], "data": data});
        relay.post("/", &packet).await.expect_info(400, words);
    }
    assert_eq!(store.subscribers().await.unwrap(), []);
    let packet = json!({"cmd": "REGISTER_FCM", "data": good});
    relay.post("/", &packet).await.expect_info(401, "ticket");
    register(&mut client, "REGISTER_WEBPUSH", good.clone()).await;
    assert_eq!(store.subscribers().await.unwrap().len(), 1);
    let mut other = Client::connect(relay.address).await;
    let ticket = other.auth("other", "").await["auth"].clone();
    let packet = json!({"cmd": "REGISTER_FCM", "auth": ticket, "data": good});
    relay.post("/", &packet).await.expect_info(200, "ok");
    assert_eq!(store.subscribers().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_relay_without_push_says_so() {
    let relay = Relay::start().await;
    let mut client = Client::connect(relay.address).await;
    let welcome = client.auth("ann", "").await;
    assert_eq!(welcome.get("fcmServerKey"), None);
    let good = Browser::new().subscribed("https://push.example/x");
    client
        .send(json!({"cmd": "REGISTER_FCM", "data": good}))
        .await;
    client.expect_info("offers no push").await;
    let packet = json!({"cmd": "REGISTER_FCM", "auth": welcome["auth"], "data": good});
    relay
        .post("/", &packet)
        .await
        .expect_info(400, "offers no push");
}

#[tokio::test]
async fn line_09_a_subscription_that_is_gone_is_dropped() {
    for status in [404, 410] {
        let mut scene = Scene::set(impatient()).await;
        scene.service.answer(&[Answer::Status(status)]);
        let mut sender = scene.sender().await;
        sender.message_to("ann", "1").await;
        scene.service.next().await;
        sender.message_to("ann", "2").await;
        sender.expect_reply(json!({"ann": "wait"})).await;
        sender.expect_reply(json!({"ann": "wait"})).await;
        scene.service.nothing_came();
        // Both wait for her socket, and she may subscribe again.
        let mut ann = scene.back().await;
        ann.take("1").await;
        ann.take("2").await;
        let again = scene.ann.subscribed(&scene.service.endpoint("again"));
        register(&mut ann, "REGISTER_FCM", again).await;
        drop(ann);
        gone_but_one(&scene.relay).await;
        sender.message_to("ann", "3").await;
        assert_eq!(scene.service.next().await.path, "/again");
    }
}

async fn gone_but_one(relay: &Relay) {
    let mut connected = relay.hub.connected();
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
}

#[tokio::test]
async fn line_09_a_push_that_is_too_large_is_shortened_once() {
    let mut scene = Scene::set(impatient()).await;
    scene
        .service
        .answer(&[Answer::Status(413), Answer::Status(413)]);
    let mut sender = scene.sender().await;
    let long = json!({"cmd": "MESSAGE", "data": {"sendType": "personal", "target": "ann",
        "message": {"text": "t", "desp": "long ".repeat(10_000), "extra": {}}}});
    sender.send(long).await;
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let came = scene.service.next().await;
        let opened = scene.ann.open(&came);
        let plaintext = opened["plaintext"].as_str().unwrap();
        assert!(plaintext.contains("shortened"), "{plaintext}");
        sizes.push(plaintext.len());
    }
    assert!(sizes[0] > 2500 && sizes[0] <= 2560, "{sizes:?}");
    assert!(sizes[1] > 1000 && sizes[1] <= 1024, "{sizes:?}");
    // Given up for push, but nothing is lost.
    sender.expect_reply(json!({"ann": "wait"})).await;
    scene.service.nothing_came();
    let mut ann = scene.back().await;
    let packet = ann.recv().await;
    assert_eq!(
        packet["data"]["message"]["desp"].as_str().unwrap().len(),
        50_000
    );
}

#[tokio::test]
async fn line_09_what_a_service_answers_decides_what_happens_next() {
    let mut service = PushService::start().await;
    let store = MemoryStore::new();
    let browser = Browser::new();
    let letter = |endpoint: &str| Letter {
        subscription: browser.subscription(endpoint),
        body: "{}".to_owned(),
        ttl: Duration::from_secs(60),
        urgency: Urgency::High,
        topic: None,
    };
    let push = service.way(&store).await;
    let to = service.endpoint("x");
    let asked = |secs| Outcome::Later(Some(Duration::from_secs(secs)));
    for (answer, expected) in [
        (Answer::Status(200), Outcome::Taken),
        (Answer::Status(201), Outcome::Taken),
        (Answer::Status(202), Outcome::Taken),
        (Answer::Status(404), Outcome::Gone),
        (Answer::Status(410), Outcome::Gone),
        (Answer::Status(413), Outcome::TooLarge),
        (Answer::With(429, "retry-after", "7"), asked(7)),
        (Answer::With(503, "retry-after", "120"), asked(120)),
        (
            Answer::With(429, "retry-after", "soon"),
            Outcome::Later(None),
        ),
        (Answer::Status(500), Outcome::Later(None)),
        (Answer::Reset, Outcome::Later(None)),
    ] {
        service.answer(&[answer]);
        assert_eq!(push.send(letter(&to)).await, expected, "{answer:?}");
        service.next().await;
    }
    for answer in [
        Answer::Status(400),
        Answer::Status(401),
        Answer::Status(403),
        Answer::With(301, "location", "/elsewhere"),
        Answer::With(307, "location", "/elsewhere"),
        Answer::Endless,
    ] {
        service.answer(&[answer]);
        let outcome = within(push.send(letter(&to))).await;
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{answer:?}: {outcome:?}"
        );
        service.next().await;
        service.nothing_came();
    }
    // One that never answers costs a bounded time.
    let hasty = WebPushOptions {
        timeout: Duration::from_millis(500),
        ..service.options()
    };
    let hasty = WebPush::open(&store, hasty).await.unwrap();
    service.answer(&[Answer::Never]);
    assert_eq!(within(hasty.send(letter(&to))).await, Outcome::Later(None));
    // Nobody there, and somebody whom nobody trusts.
    let closed = letter("https://localhost:1/x");
    assert_eq!(within(push.send(closed)).await, Outcome::Later(None));
    let distrustful = WebPushOptions {
        ca: None,
        ..service.options()
    };
    let before = service.connections();
    match WebPush::open(&store, distrustful).await {
        Ok(push) => {
            assert_eq!(within(push.send(letter(&to))).await, Outcome::Later(None));
            assert_eq!(service.connections(), before + 1);
        }
        // A system without any authority says so.
        Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
    }
}

#[tokio::test]
async fn line_09_no_endpoint_leads_into_the_relays_own_network() {
    let mut service = PushService::start().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let outwards = WebPushOptions {
        private: false,
        ..service.options()
    };
    let push = Arc::new(WebPush::open(&*store, outwards).await.unwrap());
    let relay = Relay::pushing(impatient(), Arc::clone(&store), push).await;
    let browser = Browser::new();
    let mut ann = Client::connect(relay.address).await;
    ann.auth("ann", "").await;
    let port = service.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fd00::1]",
    ] {
        let subscription = browser.subscribed(&format!("https://{host}:{port}/x"));
        ann.send(json!({"cmd": "REGISTER_FCM", "data": subscription}))
            .await;
        ann.expect_info("private network").await;
    }
    assert_eq!(store.subscribers().await.unwrap(), []);
    // A name is looked up only when there is something to push.
    let subscription = browser.subscribed(&service.endpoint("x"));
    register(&mut ann, "REGISTER_FCM", subscription).await;
    drop(ann);
    gone(&relay).await;
    let mut sender = Client::connect(relay.address).await;
    sender.auth("sender", "").await;
    sender.message_to("ann", "1").await;
    sender.expect_reply(json!({"ann": "wait"})).await;
    assert_eq!(service.connections(), 0);
    service.nothing_came();
    let metrics = relay.get("/metrics").await.body;
    let refused = r#"tidings_pushes_total{outcome="refused"} 1"#;
    assert!(metrics.contains(refused), "{metrics}");
}

#[tokio::test]
async fn line_01_subscriptions_and_the_key_survive_sigkill() {
    let mut service = PushService::start().await;
    let data = tempfile::tempdir().unwrap();
    let ca = service.ca();
    let start = || {
        let mut command = command(data.path());
        command.args(["--push-private", "--push-contact", "mailto:a@example.org"]);
        command.arg("--push-ca").arg(&ca);
        command.args(["--wait", "2"]);
        Process::of(command)
    };
    let ann = Browser::new();
    let relay = start();
    let mut client = Client::connect(relay.address).await;
    let key = client.auth("ann", "").await["fcmServerKey"].clone();
    let subscription = ann.subscribed(&service.endpoint("ann"));
    register(&mut client, "REGISTER_FCM", subscription).await;
    relay.kill();

    let relay = start();
    let mut sender = Client::connect(relay.address).await;
    assert_eq!(sender.auth("sender", "").await["fcmServerKey"], key);
    sender.message_to("ann", "1").await;
    let opened = ann.open(&service.next().await);
    assert_eq!((&opened["key"], &opened["verified"]), (&key, &json!(true)));
    sender.expect_reply(json!({"ann": "fcm-ok"})).await;
    relay.kill();

    // What was pushed is not pushed again, but waits for her.
    let relay = start();
    let mut client = relay.client("ann", "").await;
    client.take("1").await;
    let answer = http(
        relay.address,
        "GET",
        "/metrics",
        &[("Authorization", TOKEN)],
        "",
    )
    .await;
    assert!(
        !answer.body.contains("tidings_pushes_total{"),
        "{}",
        answer.body
    );
    service.nothing_came();
}

#[tokio::test]
async fn the_relay_can_be_told_to_offer_no_push() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path());
    command.arg("--push=false");
    let relay = Process::of(command);
    let mut client = Client::connect(relay.address).await;
    assert_eq!(client.auth("ann", "").await.get("fcmServerKey"), None);
}
