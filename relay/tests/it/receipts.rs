//! `receipts` over the wire: what a sender is told after its MESSAGE_REPLY, also after it was away and
//! after the relay was another process; what recipients report. `docs/protocol-extensions.md`.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tidings_relay::{Config, Durability, MemoryStore, SqliteStore};

use crate::support::{Client, Relay, TOKEN, config};

/// Answers at once, with `wait` for whoever has not confirmed.
fn hasty() -> Config {
    let mut config = config();
    config.timing.wait = Duration::from_millis(1);
    config
}

pub(crate) async fn client(relay: &Relay, name: &str, features: &[&str]) -> Client {
    let mut client = Client::connect(relay.address).await;
    let auth = json!({"token": TOKEN, "name": name, "group": "", "features": features});
    client.auth_with(auth).await;
    client
}

/// Expects a RECEIPT of this message; what it says, and confirms it.
async fn take(sender: &mut Client, mid: &str, state: &str) -> Value {
    let receipt = expect(sender, mid, state).await;
    let data = json!({"mid": mid, "name": receipt["name"], "state": state});
    sender
        .send(json!({"cmd": "RECEIPT_CALLBACK", "data": data}))
        .await;
    receipt
}

async fn expect(sender: &mut Client, mid: &str, state: &str) -> Value {
    let receipt = sender.recv().await;
    assert_eq!(receipt["cmd"], "RECEIPT", "{receipt}");
    assert_eq!(receipt["data"]["mid"], mid, "{receipt}");
    assert_eq!(receipt["data"]["state"], state, "{receipt}");
    receipt["data"].clone()
}

async fn report(recipient: &mut Client, mid: &str, state: &str, note: Option<&str>) {
    let mut data = json!({"mid": mid, "state": state});
    if let Some(note) = note {
        data["note"] = json!(note);
    }
    recipient
        .send(json!({"cmd": "RECEIPT", "data": data}))
        .await;
}

async fn reported(recipient: &mut Client, mid: &str, name: &str, state: &str) {
    let data = json!({"mid": mid, "name": name, "state": state});
    let answer = json!({"cmd": "RECEIPT_CALLBACK", "data": data});
    assert_eq!(recipient.recv().await, answer);
}

#[tokio::test]
async fn a_sender_hears_of_later_changes_in_their_order() {
    let relay = Relay::with(hasty()).await;
    let mut ann = client(&relay, "ann", &["receipts"]).await;
    let mut sender = client(&relay, "s", &["ref", "receipts"]).await;
    let mut message = crate::support::message("personal", "ann", "hello");
    message["data"]["ref"] = json!("r1");
    sender.send(message).await;
    let mid = sender.expect_reply(json!({"ann": "wait"})).await;
    ann.take("hello").await;
    let receipt = take(&mut sender, &mid, "ok").await;
    assert_eq!(
        (&receipt["name"], &receipt["ref"]),
        (&json!("ann"), &json!("r1"))
    );
    assert!(receipt["at"].as_u64().unwrap() > 1_700_000_000_000);
    report(&mut ann, &mid, "read", None).await;
    reported(&mut ann, &mid, "ann", "read").await;
    take(&mut sender, &mid, "read").await;
    report(&mut ann, &mid, "acknowledged", Some("on it")).await;
    reported(&mut ann, &mid, "ann", "acknowledged").await;
    assert_eq!(
        take(&mut sender, &mid, "acknowledged").await["note"],
        "on it"
    );
    // A repeat is answered, and changes nothing; nor does what says less.
    for state in ["acknowledged", "dismissed"] {
        report(&mut ann, &mid, state, None).await;
        reported(&mut ann, &mid, "ann", state).await;
    }
    sender.expect_nothing().await;
    relay.stop().await;
}

#[tokio::test]
async fn what_the_reply_said_is_not_said_again() {
    let relay = Relay::start().await;
    let mut ann = relay.client("ann", "").await;
    let mut sender = client(&relay, "s", &["receipts"]).await;
    for text in ["1", "2", "3"] {
        sender.message_to("ann", text).await;
        ann.take(text).await;
        sender.expect_reply(json!({"ann": "ok"})).await;
    }
    sender.expect_nothing().await;
    // The relay has nothing left to say either.
    drop(sender);
    let mut sender = client(&relay, "s", &["receipts"]).await;
    sender.expect_nothing().await;
    relay.stop().await;
}

#[tokio::test]
async fn receipts_wait_for_their_sender_and_outlive_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteStore::open(folder.path(), Durability::Os).unwrap());
    let relay = Relay::on(hasty(), open()).await;
    let mut ann = client(&relay, "ann", &["receipts"]).await;
    let mut sender = client(&relay, "s", &["receipts"]).await;
    sender.message_to("ann", "hello").await;
    let mid = sender.expect_reply(json!({"ann": "wait"})).await;
    sender.close().await;
    ann.take("hello").await;
    report(&mut ann, &mid, "acknowledged", Some("later")).await;
    reported(&mut ann, &mid, "ann", "acknowledged").await;
    ann.close().await;
    let Relay { hub, .. } = {
        relay.begin_stop();
        relay
    };
    drop(hub);
    // The store is let go when the last task has ended.
    let relay = loop {
        match SqliteStore::open(folder.path(), Durability::Os) {
            Ok(store) => break Relay::on(hasty(), Arc::new(store)).await,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    // Somebody with the same name who knows no receipts is not bothered.
    let mut plain = relay.client("s", "").await;
    plain.expect_nothing().await;
    plain.close().await;
    let mut sender = client(&relay, "s", &["receipts"]).await;
    expect(&mut sender, &mid, "ok").await;
    expect(&mut sender, &mid, "acknowledged").await;
    // Not confirmed: they come again on the next connection, and not on this one.
    sender.expect_nothing().await;
    sender.close().await;
    let mut sender = client(&relay, "s", &["receipts"]).await;
    take(&mut sender, &mid, "ok").await;
    assert_eq!(
        take(&mut sender, &mid, "acknowledged").await["note"],
        "later"
    );
    // A PONG follows what was read before it.
    sender.expect_nothing().await;
    sender.close().await;
    let mut sender = client(&relay, "s", &["receipts"]).await;
    sender.expect_nothing().await;
    relay.stop().await;
}

#[tokio::test]
async fn only_a_recipient_may_report_and_says_what_is_wrong() {
    let relay = Relay::with(hasty()).await;
    let mut ann = client(&relay, "ann", &["receipts"]).await;
    let mut eve = client(&relay, "eve", &["receipts"]).await;
    let mut sender = client(&relay, "s", &["receipts"]).await;
    sender.message_to("ann", "hello").await;
    let mid = sender.expect_reply(json!({"ann": "wait"})).await;
    report(&mut eve, &mid, "acknowledged", None).await;
    reported(&mut eve, &mid, "eve", "acknowledged").await;
    sender.expect_nothing().await;
    ann.take("hello").await;
    take(&mut sender, &mid, "ok").await;
    report(&mut ann, &mid, "ok", None).await;
    ann.expect_info("'read'").await;
    report(&mut ann, &mid, "acknowledged", Some(&"x".repeat(1025))).await;
    ann.expect_info("shorten").await;
    sender.expect_nothing().await;
    relay.stop().await;
}

#[tokio::test]
async fn to_whoever_did_not_list_them_these_commands_are_unknown() {
    let relay = Relay::on(config(), Arc::new(MemoryStore::new())).await;
    let mut plain = relay.client("p", "").await;
    for cmd in [
        "RECEIPT",
        "RECEIPT_CALLBACK",
        "DIRECTORY",
        "SCHEDULED",
        "CANCEL",
    ] {
        for data in [
            json!({"mid": "1795414000000", "state": "read"}),
            json!(null),
        ] {
            plain.send(json!({"cmd": cmd, "data": data})).await;
            let unknown = json!({"cmd": "INFO", "data": format!("Unknow cmd: {cmd}")});
            assert_eq!(plain.recv().await, unknown);
        }
    }
    relay.stop().await;
}
