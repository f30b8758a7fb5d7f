//! `ack`: reminders until somebody acknowledges, and the first who does so for a group.
//! `docs/protocol-extensions.md`.

use std::sync::Arc;

use serde_json::{Value, json};
use tidings_relay::MemoryStore;

use crate::{
    paused::{Paused, Piped, pass, paused_config, with_extra},
    process::Process,
    support::{Client, TOKEN, message},
};

const ALL: &[&str] = &["ref", "receipts", "ack"];

async fn expect_reminder(client: &mut Piped, text: &str, number: u64) {
    let reminder = client.recv().await;
    assert_eq!(reminder["cmd"], "REMINDER", "{reminder}");
    assert_eq!(reminder["data"]["message"]["text"], text, "{reminder}");
    assert_eq!(reminder["data"]["reminder"], number, "{reminder}");
}

async fn acknowledge<S>(client: &mut Client<S>, mid: &str, name: &str)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let data = json!({"mid": mid, "state": "acknowledged", "note": "on it"});
    client.send(json!({"cmd": "RECEIPT", "data": data})).await;
    let data = json!({"mid": mid, "name": name, "state": "acknowledged"});
    let answer = json!({"cmd": "RECEIPT_CALLBACK", "data": data});
    assert_eq!(client.recv().await, answer);
}

fn pressing(mut message: Value, ack: Value) -> Value {
    message = with_extra(message, json!({"ack": ack, "repeat": 40}));
    message["data"]["ref"] = json!("r1");
    message
}

#[tokio::test(start_paused = true)]
async fn a_client_is_reminded_until_it_acknowledges() {
    let store = Arc::new(MemoryStore::new());
    let config = paused_config();
    let relay = Paused::on(config.clone(), Arc::clone(&store)).await;
    let mut ann = relay.client("ann", "", ALL).await;
    let mut base = relay.client("base", "", &[]).await;
    let mut sender = relay.client("s", "", ALL).await;
    for to in ["ann", "base"] {
        let mut packet = pressing(message("personal", to, "look"), json!(true));
        packet["data"]["ref"] = json!(to);
        sender.send(packet).await;
    }
    base.take("look").await;
    // They begin with the confirmation.
    let mid = ann.take("look").await;
    sender.expect_reply(json!({"base": "ok"})).await;
    sender.expect_reply(json!({"ann": "ok"})).await;
    pass(39).await;
    ann.expect_nothing().await;
    pass(2).await;
    expect_reminder(&mut ann, "look", 1).await;
    ann.expect_nothing().await;
    pass(40).await;
    expect_reminder(&mut ann, "look", 2).await;
    // What is due while it is away is left out, and another relay goes on with the count.
    ann.close().await;
    drop(relay);
    pass(70).await;
    let relay = Paused::on(config, store).await;
    let mut ann = relay.client("ann", "", ALL).await;
    ann.expect_nothing().await;
    pass(10).await;
    expect_reminder(&mut ann, "look", 4).await;
    // Without the extension there are none.
    let mut plain = relay.client("ann", "", &["receipts"]).await;
    let mut base = relay.client("base", "", &[]).await;
    pass(45).await;
    plain.expect_nothing().await;
    base.expect_nothing().await;
    let mut ann = relay.client("ann", "", ALL).await;
    acknowledge(&mut ann, &mid, "ann").await;
    for _ in 0..2 {
        pass(45).await;
        ann.expect_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_acknowledgement_silences_the_group_and_is_told_to_the_others() {
    let relay = Paused::on(paused_config(), Arc::default()).await;
    let mut ann = relay.client("ann", "all", ALL).await;
    let mut bob = relay.client("bob", "all", ALL).await;
    let mut base = relay.client("base", "all", &[]).await;
    relay.client("away", "all", ALL).await.close().await;
    let mut sender = relay.client("s", "", ALL).await;
    let packet = pressing(message("group", "all", "who?"), json!("first"));
    sender.send(packet).await;
    for client in [&mut ann, &mut bob, &mut base] {
        client.take("who?").await;
    }
    pass(6).await;
    let all = json!({"ann": "ok", "away": "wait", "base": "ok", "bob": "ok"});
    let mid = sender.expect_reply(all).await;
    pass(36).await;
    expect_reminder(&mut ann, "who?", 1).await;
    expect_reminder(&mut bob, "who?", 1).await;
    acknowledge(&mut bob, &mid, "bob").await;
    let told = ann.recv().await;
    assert_eq!(told["cmd"], "RECEIPT", "{told}");
    let data = &told["data"];
    assert_eq!(
        (&data["mid"], &data["name"], &data["state"], &data["note"]),
        (
            &json!(mid),
            &json!("bob"),
            &json!("acknowledged"),
            &json!("on it")
        )
    );
    assert_eq!(data.get("ref"), None);
    let told = sender.recv().await;
    assert_eq!(told["data"]["name"], "bob", "{told}");
    assert_eq!(told["data"]["ref"], "r1", "{told}");
    // Who was away gets it all the same, hears who took it, and is not reminded.
    let mut away = relay.client("away", "all", ALL).await;
    let mut came = [away.recv().await, away.recv().await];
    came.sort_by_key(|packet| packet["cmd"].to_string());
    assert_eq!(came[0]["cmd"], "MESSAGE", "{came:?}");
    assert_eq!(came[1]["data"]["name"], "bob", "{came:?}");
    away.confirm(&mid).await;
    assert_eq!(sender.recv().await["data"]["name"], "away");
    for _ in 0..2 {
        pass(45).await;
        for client in [&mut ann, &mut bob, &mut base, &mut away] {
            client.expect_nothing().await;
        }
    }
}

/// Waits for the next packet of this command.
async fn next(client: &mut Client, cmd: &str) -> Value {
    loop {
        let packet = client.recv().await;
        if packet["cmd"] == cmd {
            return packet["data"].clone();
        }
    }
}

#[tokio::test]
async fn a_killed_relay_still_reminds_and_knows_who_was_first() {
    let data = tempfile::tempdir().unwrap();
    let join = async |relay: &Process, name: &str| {
        let mut client = Client::connect(relay.address).await;
        let auth = json!({"token": TOKEN, "name": name, "group": "all", "features": ALL});
        client.auth_with(auth).await;
        client
    };
    let relay = Process::start(data.path());
    let mut ann = join(&relay, "ann").await;
    let mut bob = join(&relay, "bob").await;
    // The shortest there is.
    let mut packet = pressing(message("group", "all", "who?"), json!("first"));
    packet["data"]["message"]["extra"]["repeat"] = json!(1);
    let mut sender = relay.client("s", "").await;
    sender.send(packet).await;
    ann.take("who?").await;
    let mid = bob.take("who?").await;
    sender.expect_reply(json!({"ann": "ok", "bob": "ok"})).await;
    relay.kill();
    let relay = Process::start(data.path());
    let mut ann = join(&relay, "ann").await;
    let mut bob = join(&relay, "bob").await;
    let reminder = next(&mut ann, "REMINDER").await;
    assert_eq!(
        (&reminder["mid"], &reminder["reminder"]),
        (&json!(mid), &json!(1))
    );
    next(&mut bob, "REMINDER").await;
    acknowledge(&mut bob, &mid, "bob").await;
    relay.kill();
    let relay = Process::start(data.path());
    let mut ann = join(&relay, "ann").await;
    let told = next(&mut ann, "RECEIPT").await;
    assert_eq!(
        (&told["name"], &told["state"]),
        (&json!("bob"), &json!("acknowledged"))
    );
}
