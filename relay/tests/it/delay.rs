//! `delay`: held until it is due, in its order, through restarts; listed and cancelled by its sender.
//! `docs/protocol-extensions.md`.

use std::sync::Arc;

use serde_json::{Value, json};
use tidings_relay::MemoryStore;

use crate::{
    paused::{Paused, Piped, pass, paused_config, with_extra},
    process::Process,
    store::DAY,
    support::{Client, Relay, TOKEN, http, message, within},
};

const ALL: &[&str] = &["ref", "receipts", "delay", "key"];

fn delayed(to: &str, text: &str, delay: Value) -> Value {
    with_extra(message("personal", to, text), json!({ "delay": delay }))
}

/// The texts of what is held, and when each is due.
async fn scheduled(sender: &mut Piped) -> Vec<(String, u64)> {
    sender.send(json!({"cmd": "SCHEDULED"})).await;
    let answer = sender.recv().await;
    assert_eq!(answer["cmd"], "SCHEDULED", "{answer}");
    let messages = answer["data"]["messages"].as_array().unwrap().iter();
    messages
        .map(|m| {
            let text = m["text"].as_str().unwrap().to_owned();
            (text, m["due"].as_u64().unwrap() - DAY)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_is_held_until_it_is_due_and_takes_its_place_then() {
    let store = Arc::new(MemoryStore::new());
    let config = paused_config();
    let relay = Paused::on(config.clone(), Arc::clone(&store)).await;
    let mut ann = relay.client("ann", "", &[]).await;
    let mut sender = relay.client("s", "", ALL).await;
    let mut late = delayed("ann", "late", json!(60));
    late["data"]["ref"] = json!("r1");
    sender.send(late.clone()).await;
    let mid = sender.expect_reply(json!({"ann": "held"})).await;
    sender.send(delayed("ann", "early", json!("30"))).await;
    sender.expect_reply(json!({"ann": "held"})).await;
    let at = json!("2026-11-23T06:07:34Z");
    sender.send(delayed("ann", "at", at)).await;
    sender.expect_reply(json!({"ann": "held"})).await;
    let held = scheduled(&mut sender).await;
    let texts: Vec<_> = held.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["late", "early", "at"]);
    // A repeat is told the same, and adds nothing.
    sender.send(late).await;
    assert_eq!(sender.expect_reply(json!({"ann": "held"})).await, mid);
    ann.expect_nothing().await;
    ann.close().await;
    pass(20).await;
    sender.message_to("ann", "now").await;
    pass(6).await;
    sender.expect_reply(json!({"ann": "wait"})).await;
    pass(10).await;
    // The relay ends, and what becomes due meanwhile is released by the next.
    sender.close().await;
    drop(relay);
    pass(20).await;
    let relay = Paused::on(config, store).await;
    let mut sender = relay.client("s", "", ALL).await;
    assert_eq!(scheduled(&mut sender).await.len(), 1);
    pass(5).await;
    sender.message_to("ann", "last").await;
    let mut ann = relay.client("ann", "", &[]).await;
    for text in ["now", "early", "at"] {
        ann.take(text).await;
    }
    assert_eq!(ann.take("late").await, mid);
    ann.take("last").await;
    ann.expect_nothing().await;
    sender.expect_reply(json!({"ann": "ok"})).await;
    for _ in 0..4 {
        assert_eq!(sender.recv().await["data"]["state"], "ok");
    }
    assert_eq!(scheduled(&mut sender).await, []);
}

async fn cancel(sender: &mut Piped, what: Value) -> Value {
    sender.send(json!({"cmd": "CANCEL", "data": what})).await;
    let answer = sender.recv().await;
    assert_eq!(answer["cmd"], "CANCEL", "{answer}");
    answer["data"].clone()
}

#[tokio::test(start_paused = true)]
async fn its_sender_alone_cancels_what_is_held() {
    let relay = Paused::on(paused_config(), Arc::default()).await;
    let mut ann = relay.client("ann", "", ALL).await;
    let mut sender = relay.client("s", "", ALL).await;
    let mut packet = delayed("ann", "one", json!(10));
    packet["data"]["ref"] = json!("r1");
    sender.send(packet.clone()).await;
    let one = sender.expect_reply(json!({"ann": "held"})).await;
    sender.send(delayed("ann", "two", json!(10))).await;
    let two = sender.expect_reply(json!({"ann": "held"})).await;
    let refused = cancel(&mut ann, json!({"mid": one})).await;
    assert_eq!(refused, json!({"mid": one, "cancelled": false}));
    assert_eq!(scheduled(&mut ann).await, []);
    let done = json!({"mid": one, "ref": "r1", "cancelled": true});
    assert_eq!(cancel(&mut sender, json!({"ref": "r1"})).await, done);
    assert_eq!(cancel(&mut sender, json!({"mid": one})).await, done);
    let unknown = cancel(&mut sender, json!({"ref": "r9"})).await;
    assert_eq!(unknown, json!({"ref": "r9", "cancelled": false}));
    sender.send(packet.clone()).await;
    sender.expect_reply(json!({"ann": "cancelled"})).await;
    let mut base = relay.client("s", "", &["ref"]).await;
    base.send(packet).await;
    base.expect_reply(json!({"ann": "no"})).await;
    pass(10).await;
    ann.take("two").await;
    ann.expect_nothing().await;
    let mut sender = relay.client("s", "", ALL).await;
    assert_eq!(sender.recv().await["data"]["state"], "ok");
    let too_late = cancel(&mut sender, json!({"mid": two})).await;
    assert_eq!(too_late, json!({"mid": two, "cancelled": false}));
}

#[tokio::test(start_paused = true)]
async fn a_base_sender_hears_ready_and_its_time_to_live_begins_with_the_delivery() {
    let relay = Paused::on(paused_config(), Arc::default()).await;
    relay.client("ann", "", &[]).await.close().await;
    let mut sender = relay.client("s", "", &[]).await;
    let short = json!({"delay": 20, "ttl": 5});
    sender
        .send(with_extra(message("personal", "ann", "short"), short))
        .await;
    sender.expect_reply(json!({"ann": "ready"})).await;
    pass(23).await;
    let mut ann = relay.client("ann", "", &[]).await;
    ann.expect("short").await;
    pass(10).await;
    // Given up unconfirmed, so it is not sent again.
    ann.expect_nothing().await;
    sender.send(json!({"cmd": "SCHEDULED"})).await;
    sender.expect_info("Unknow cmd: SCHEDULED").await;
}

#[tokio::test]
async fn by_http_it_is_listed_and_cancelled_with_the_token_or_the_ticket() {
    let relay = Relay::start().await;
    relay.known("ann", "").await;
    let answer = relay.get("/ann.send?text=later&delay=3600").await;
    answer.expect_status(json!({"ann": "ready"}));
    let mid = answer.json()["data"]["mid"].clone();
    let mut sender = Client::connect(relay.address).await;
    let ticket = sender.auth("s", "").await["auth"].clone();
    // With a ticket only what is its client's.
    let listed = async |auth: Option<&Value>| {
        let mut packet = json!({"cmd": "SCHEDULED"});
        if let Some(ticket) = auth {
            packet["auth"] = ticket.clone();
        }
        relay.post("/", &packet).await.json()["data"].clone()
    };
    assert_eq!(listed(Some(&ticket)).await["messages"], json!([]));
    let all = listed(None).await;
    assert_eq!(all["messages"][0]["text"], "later", "{all}");
    let cancel = |auth: Option<&Value>| {
        let mut packet = json!({"cmd": "CANCEL", "data": {"mid": mid}});
        if let Some(ticket) = auth {
            packet["auth"] = ticket.clone();
        }
        packet
    };
    let answer = relay.post("/", &cancel(Some(&ticket))).await.json();
    assert_eq!(answer["data"]["cancelled"], false, "{answer}");
    let answer = relay.post("/", &cancel(None)).await.json();
    assert_eq!(answer["data"]["cancelled"], true, "{answer}");
    assert_eq!(listed(None).await["messages"], json!([]));
    relay.stop().await;
}

#[tokio::test]
async fn a_killed_relay_still_delivers_once_what_it_held_and_nothing_that_was_cancelled() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    relay.client("ann", "").await.close().await;
    let held = |path: &str| format!("/ann.send?text={path}&token={TOKEN}");
    let get =
        async |relay: &Process, path: &str| http(relay.address, "GET", &held(path), &[], "").await;
    let answer = get(&relay, "kept&delay=2").await;
    answer.expect_status(json!({"ann": "ready"}));
    let mid = answer.json()["data"]["mid"].clone();
    let answer = get(&relay, "cancelled&delay=2").await;
    let cancelled = answer.json()["data"]["mid"].clone();
    relay.kill();
    let relay = Process::start(data.path());
    let mut ann = relay.client("ann", "").await;
    ann.expect_nothing().await;
    let packet = |cmd: &str| json!({"cmd": cmd, "data": {"mid": cancelled}}).to_string();
    let post = async |relay: &Process, body: String| {
        let headers = [
            ("authorization", TOKEN),
            ("content-type", "application/json"),
        ];
        let answer = http(relay.address, "POST", "/", &headers, &body).await;
        answer.json()["data"].clone()
    };
    let listed = post(&relay, packet("SCHEDULED")).await;
    assert_eq!(listed["messages"].as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(post(&relay, packet("CANCEL")).await["cancelled"], true);
    relay.kill();
    let relay = Process::start(data.path());
    let mut ann = relay.client("ann", "").await;
    assert_eq!(json!(within(ann.take("kept")).await), mid);
    ann.expect_nothing().await;
    let listed = post(&relay, packet("SCHEDULED")).await;
    assert_eq!(listed["messages"], json!([]));
    relay.kill();
    let relay = Process::start(data.path());
    relay.client("ann", "").await.expect_nothing().await;
}
