//! Lines 3 and 4: a recipient's queue moves on, ends, and has bounds.

use serde_json::json;

use crate::{
    operating::status,
    process::{Process, command},
    support::{Relay, TOKEN, config, http, impatient, within},
};

#[tokio::test]
async fn line_03_one_silent_message_blocks_only_its_window() {
    let mut config = impatient();
    config.bounds.window = 3;
    let relay = Relay::with(config).await;
    let mut sender = relay.client("s1", "").await;
    let mut recipient = relay.client("r1", "").await;
    for n in 0..5 {
        sender.message_to("r1", &n.to_string()).await;
    }
    recipient.expect("0").await;
    let second = recipient.expect("1").await;
    recipient.expect("2").await;
    recipient.expect_nothing().await;
    recipient.confirm(&second).await;
    recipient.expect("3").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
    // Sent and silent: wait; behind the window: ready.
    for status in ["wait", "wait", "wait", "ready"] {
        sender.expect_reply(json!({"r1": status})).await;
    }
}

#[tokio::test]
async fn line_03_a_message_whose_ttl_is_over_is_never_delivered() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    relay.client("ann", "").await.close().await;
    for path in [
        "/ann.send?text=short&ttl=0.2&wait=0",
        "/ann.send?text=long&wait=0",
    ] {
        assert_eq!(status(&relay, path, TOKEN).await, 200);
    }
    let expired = async {
        let headers = [("authorization", TOKEN)];
        let line = "tidings_messages_expired_total 1\n";
        while !http(relay.address, "GET", "/metrics", &headers, "")
            .await
            .body
            .contains(line)
        {}
    };
    within(expired).await;
    let mut ann = relay.client("ann", "").await;
    ann.take("long").await;
    ann.expect_nothing().await;
}

#[tokio::test]
async fn line_04_a_full_queue_is_refused_to_the_senders_face() {
    let mut config = impatient();
    config.bounds.queue_messages = 2;
    let relay = Relay::with(config).await;
    relay.known("r1", "G").await;
    let mut other = relay.client("r2", "G").await;
    let mut sender = relay.client("s1", "").await;
    for _ in 0..2 {
        sender.message_to("r1", "x").await;
    }
    for _ in 0..2 {
        sender.expect_reply(json!({"r1": "wait"})).await;
    }
    sender.message_to_group("G", "y").await;
    let info = sender.recv().await;
    assert_eq!(info["cmd"], "INFO", "{info}");
    assert!(
        info["data"]
            .as_str()
            .unwrap()
            .starts_with("refused for r1:"),
        "{info}"
    );
    other.take("y").await;
    sender.expect_reply(json!({"r1": "no", "r2": "ok"})).await;
    let mut recipient = relay.client("r1", "G").await;
    recipient.take("x").await;
    recipient.take("x").await;
    recipient.expect_nothing().await;
}

#[tokio::test]
async fn line_04_a_full_queue_is_429_by_http() {
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
async fn line_04_a_full_store_refuses_to_the_senders_face() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path());
    command.args(["--store-bytes", "200000"]);
    let relay = Process::of(command);
    relay.client("ann", "").await.close().await;
    let path = format!("/ann.send?wait=0&text={}", "x".repeat(20_000));
    let headers = [("authorization", TOKEN)];
    let refused = async {
        loop {
            let answer = http(relay.address, "GET", &path, &headers, "").await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let refused = within(refused).await;
    refused.expect_info(503, "the relay holds as much as it may in all");
    // Over the WebSocket it is an INFO, and a reply that does not lie.
    let mut bob = relay.client("bob", "").await;
    bob.message_to("ann", &"x".repeat(20_000)).await;
    let (first, second) = (bob.recv().await, bob.recv().await);
    let packets = [first["cmd"].clone(), second["cmd"].clone()];
    assert!(packets.contains(&json!("INFO")), "{packets:?}");
    assert!(packets.contains(&json!("MESSAGE_REPLY")), "{packets:?}");
    // Its client comes, and there is room again.
    let mut ann = relay.client("ann", "").await;
    ann.take(&"x".repeat(20_000)).await;
    ann.take(&"x".repeat(20_000)).await;
    let accepted =
        async { while http(relay.address, "GET", &path, &headers, "").await.status != 200 {} };
    within(accepted).await;
}
