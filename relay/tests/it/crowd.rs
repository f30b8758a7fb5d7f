//! Many at once: two AUTHs of one name, and clients that flood while others want to be served. All
//! of it runs on one thread, so that whoever keeps it is seen.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use tidings_protocol::Group;
use tidings_relay::Store as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    slow_store::SlowStore,
    support::{Client, Relay, TOKEN, config, message, within},
};

/// Messages of one client that the relay takes before the store has answered (`STORING`).
const TAKEN_AT_ONCE: usize = 256;

/// A write that takes longer waits for the other end to read.
const STUCK: Duration = Duration::from_millis(500);

#[tokio::test]
async fn of_two_auths_of_one_name_the_stores_last_is_the_one_that_counts() {
    let store = Arc::new(SlowStore::new());
    let relay = Relay::on(config(), Arc::clone(&store) as _).await;
    let mut sender = relay.client("s", "").await;
    let auth =
        |group: &str| json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "m", "group": group}});
    store.registering.close();
    let mut first = Client::connect(relay.address).await;
    first.send(auth("first")).await;
    store.registering.until(1).await;
    let mut second = Client::connect(relay.address).await;
    second.send(auth("second")).await;
    store.registering.until(2).await;
    // The answer to the second comes before that to the first.
    store.registering.let_newest_go();
    assert_eq!(second.recv().await["data"]["code"], 200);
    store.registering.open();
    assert_eq!(first.recv().await["data"]["code"], 200);
    let kept = store.registrations().await.unwrap();
    let m = kept
        .iter()
        .find(|known| known.name.as_str() == "m")
        .unwrap();
    assert_eq!(m.group, Group::new("second").unwrap());
    sender.message_to_group("first", "x").await;
    sender.expect_reply(json!({})).await;
    sender.message_to_group("second", "y").await;
    first.take("y").await;
    sender.expect_reply(json!({"m": "ok"})).await;
}

#[tokio::test]
async fn what_was_confirmed_before_a_takeover_is_kept_although_the_store_was_busy() {
    let store = Arc::new(SlowStore::new());
    let relay = Relay::on(config(), Arc::clone(&store) as _).await;
    let mut old = relay.client("r", "").await;
    let mut sender = relay.client("s", "").await;
    store.confirming.close();
    for text in ["first", "second"] {
        sender.message_to("r", text).await;
        old.take(text).await;
        // The first one's confirmation is on its way to the store, the second one's waits for that.
        store.confirming.until(1).await;
    }
    old.send(json!({"cmd": "PING"})).await;
    assert_eq!(old.recv().await["cmd"], "PONG");
    let mut new = Client::connect(relay.address).await;
    new.send(json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "r"}}))
        .await;
    assert_eq!(new.recv().await["data"]["code"], 200);
    store.confirming.open();
    // It may have been sent on already, but nobody has to confirm it again.
    sender.expect_reply(json!({"r": "ok"})).await;
    sender.expect_reply(json!({"r": "ok"})).await;
    let mut last = relay.client("r", "").await;
    last.expect_nothing().await;
}

/// The client sends all of these over and over, and drops what it gets.
pub(crate) fn flood(client: Client, packets: &[Value]) -> tokio::task::JoinHandle<()> {
    let packets: Vec<_> = packets
        .iter()
        .map(|p| Message::text(p.to_string()))
        .collect();
    let (mut sink, mut answers) = client.socket.split();
    tokio::spawn(async move {
        let sending = async {
            let mut all = stream::iter(packets.into_iter().cycle().map(Ok));
            let _ = sink.send_all(&mut all).await;
        };
        let reading = async { while let Some(Ok(_)) = answers.next().await {} };
        tokio::join!(sending, reading);
    })
}

#[tokio::test]
async fn a_client_that_floods_leaves_the_others_their_turn() {
    let relay = Relay::start().await;
    let floods = [
        ("pings", vec![json!({"cmd": "PING"})]),
        ("garbage", vec![json!({"cmd": "NOPE"}), json!(5), json!({})]),
        (
            "auths",
            vec![json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "auths"}})],
        ),
        (
            "guesses",
            vec![json!({"cmd": "AUTH", "data": {"token": "no", "name": "x"}})],
        ),
        (
            "confirms",
            vec![json!({"cmd": "MESSAGE_CALLBACK", "data": {"mid": "1"}})],
        ),
        ("ghosts", vec![message("personal", "ghost", "x")]),
    ];
    // First: the guesses cost this address its patience.
    let mut client = relay.client("calm", "").await;
    let mut clients = Vec::new();
    for (name, _) in &floods {
        clients.push(relay.client(name, "").await);
    }
    let mut flooding = Vec::new();
    for (from, (_, packets)) in clients.into_iter().zip(&floods) {
        flooding.push(flood(from, packets));
    }
    for n in 0..5 {
        let text = n.to_string();
        client.message_to("calm", &text).await;
        client.take(&text).await;
        client.expect_reply(json!({"calm": "ok"})).await;
    }
    for flood in flooding {
        assert!(!flood.is_finished(), "a flood was ended instead of slowed");
        flood.abort();
    }
}

#[tokio::test]
async fn a_sender_faster_than_the_store_is_read_no_further() {
    let store = Arc::new(SlowStore::new());
    let relay = Relay::on(config(), Arc::clone(&store) as _).await;
    let sender = relay.client("fast", "").await;
    let mut other = relay.client("calm", "").await;
    store.accepting.close();
    let flood = flood(sender, &[message("personal", "ghost", &"x".repeat(1000))]);
    store.accepting.until(TAKEN_AT_ONCE).await;
    // It goes on writing, as long as the system takes it; others are served, and nothing more of it.
    for _ in 0..100 {
        other.expect_nothing().await;
    }
    assert_eq!(store.accepting.count(), TAKEN_AT_ONCE);
    // Another's message has its own room.
    other.message_to("calm", "mine").await;
    store.accepting.until(TAKEN_AT_ONCE + 1).await;
    assert_eq!(store.accepting.count(), TAKEN_AT_ONCE + 1);
    store.accepting.open();
    within(async {
        loop {
            let packet = other.recv().await;
            if packet["cmd"] == "MESSAGE" {
                other.confirm(packet["data"]["mid"].as_str().unwrap()).await;
            }
            if packet["cmd"] == "MESSAGE_REPLY" {
                break;
            }
        }
    })
    .await;
    flood.abort();
}

#[tokio::test]
async fn a_client_that_reads_its_answers_late_gets_all_of_them() {
    let mut config = config();
    config.bounds.outgoing_bytes = 64 * 1024;
    let relay = Relay::with(config).await;
    let client = relay.client("late", "").await;
    let (mut sink, mut answers) = client.socket.split();
    let ping = Message::text(json!({"cmd": "PING"}).to_string());
    // Until the relay does not read on. (Were it only slow, the test would show less, not fail.)
    let mut sent = 0;
    while let Ok(Some(())) = timeout(STUCK, sink.feed(ping.clone()))
        .await
        .map(Result::ok)
    {
        sent += 1;
    }
    let rest = tokio::spawn(async move { sink.flush().await });
    for _ in 0..sent {
        let pong = within(answers.next()).await.unwrap().unwrap();
        let pong = pong.into_text().unwrap();
        assert_eq!(pong.as_str(), r#"{"cmd":"PONG","data":""}"#);
    }
    within(rest).await.unwrap().unwrap();
}
