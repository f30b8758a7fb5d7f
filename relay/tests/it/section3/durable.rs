//! Lines 1 and 2: what a restart and a SIGKILL leave, and mids.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::json;
use tidings_relay::{Clock, Config, Durability, SqliteStore};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};

use crate::{
    process::{Process, command},
    support::{Client, Relay, TOKEN, config, http, impatient, message, within},
};

#[tokio::test]
async fn line_01_messages_names_groups_and_statuses_survive_sigkill() {
    let data = tempfile::tempdir().unwrap();
    let start = |data: &Path| {
        let mut command = command(data);
        command.args(["--wait", "1"]);
        Process::of(command)
    };
    let relay = start(data.path());
    let mut confirmed = relay.client("m1", "G").await;
    relay.client("m2", "G").await.close().await;
    let mut sender = relay.speaker("s1").await;
    let mut packet = message("group", "G", "kept");
    packet["data"]["ref"] = json!("1");
    sender.send(packet.clone()).await;
    let mid = confirmed.take("kept").await;
    let outcome = json!({"m1": "ok", "m2": "wait"});
    assert_eq!(sender.expect_reply(outcome.clone()).await, mid);
    relay.kill();

    let relay = start(data.path());
    // The status of each, and nothing new, for the same `ref`.
    let mut sender = relay.speaker("s1").await;
    sender.send(packet).await;
    assert_eq!(sender.expect_reply(outcome).await, mid);
    // The name: it is waited for.
    let path = format!("/m2.send?text=later&wait=0&token={TOKEN}");
    let answer = http(relay.address, "GET", &path, &[], "").await;
    answer.expect_status(json!({"m2": "wait"}));
    // Who confirmed is left in peace, who did not gets the message, both once.
    let mut confirmed = relay.client("m1", "G").await;
    confirmed.expect_nothing().await;
    let mut away = relay.client("m2", "G").await;
    assert_eq!(away.take("kept").await, mid);
    away.take("later").await;
    away.expect_nothing().await;
    // The group.
    sender.message_to_group("G", "all").await;
    confirmed.take("all").await;
    away.take("all").await;
    sender.expect_reply(json!({"m1": "ok", "m2": "ok"})).await;
}

#[tokio::test]
async fn line_01_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteStore::open(folder.path(), Durability::Os).unwrap());
    let relay = Relay::on(impatient(), open()).await;
    let id = relay.hub.id().to_owned();
    let mut first = relay.client("m1", "G").await;
    relay.known("m2", "G").await;
    let mut sender = Client::connect(relay.address).await;
    let ticket = sender.auth("s1", "").await["auth"].clone();
    sender.message_to_group("G", "kept").await;
    let mid = first.take("kept").await;
    sender.expect_reply(json!({"m1": "ok", "m2": "wait"})).await;
    relay.stop().await;

    let relay = Relay::on(impatient(), open()).await;
    assert_eq!(relay.hub.id(), id);
    let mut first = relay.client("m1", "G").await;
    first.expect_nothing().await;
    let mut second = relay.client("m2", "G").await;
    assert_eq!(second.take("kept").await, mid);
    // Names, groups and tickets hold.
    let mut packet = message("group", "G", "again");
    packet["auth"] = ticket;
    let post = relay.post("/", &packet);
    let (answer, later, _) = tokio::join!(post, first.take("again"), second.take("again"));
    answer.expect_status(json!({"m1": "ok", "m2": "ok"}));
    assert!(later > mid);
}

#[tokio::test]
async fn line_01_a_relay_killed_before_delivery_delivers_once_and_knows_the_status() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    relay.client("r1", "G").await.close().await;
    let mut sender = relay.speaker("s1").await;
    let mut packet = message("group", "G", "kept");
    packet["data"]["ref"] = json!("ref-1");
    sender.send(packet.clone()).await;
    let mid = sender.expect_reply(json!({"r1": "wait"})).await;
    relay.kill();

    let relay = Process::start(data.path());
    let mut recipient = relay.client("r1", "G").await;
    assert_eq!(recipient.take("kept").await, mid);
    recipient.expect_nothing().await;
    // Asked again by its ref: the same message, and what became of it.
    let mut sender = relay.speaker("s1").await;
    sender.send(packet.clone()).await;
    assert_eq!(sender.expect_reply(json!({"r1": "ok"})).await, mid);
    recipient.expect_nothing().await;
    relay.kill();

    // The reply said `ok`: the confirmation survives too.
    let relay = Process::start(data.path());
    let mut recipient = relay.client("r1", "G").await;
    recipient.expect_nothing().await;
    let mut sender = relay.speaker("s1").await;
    sender.send(packet).await;
    assert_eq!(sender.expect_reply(json!({"r1": "ok"})).await, mid);
    // New ones are newer.
    sender.message_to("r1", "next").await;
    assert!(recipient.take("next").await > mid);
}

/// Sends `first..` by HTTP, one after the other on one connection, until `count` or the connection
/// breaks. Returns the numbers that were accepted and the first one that was not tried.
async fn send_many(
    address: SocketAddr,
    first: usize,
    count: usize,
    progress: &watch::Sender<usize>,
) -> (Vec<usize>, usize) {
    let mut accepted = Vec::new();
    let Ok(mut stream) = within(TcpStream::connect(address)).await else {
        return (accepted, first);
    };
    for n in first..count {
        let request =
            format!("GET /r1.send?text={n}&wait=0&token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut answer = Vec::new();
        let whole = async {
            stream.write_all(request.as_bytes()).await?;
            while !answer.ends_with(b"}}}") {
                if stream.read_buf(&mut answer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok::<_, std::io::Error>(())
        };
        if within(whole).await.is_err() {
            // Accepted or not: nobody was told.
            return (accepted, n + 1);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with(r#""status":{"r1":"wait"}}}"#), "{answer}");
        accepted.push(n);
        progress.send_replace(n + 1);
    }
    (accepted, count)
}

#[tokio::test]
async fn line_01_of_10_000_messages_through_two_kills_all_accepted_ones_arrive_once_in_order() {
    const COUNT: usize = 10_000;
    let data = tempfile::tempdir().unwrap();
    let mut relay = Process::start(data.path());
    relay.client("r1", "").await.close().await;
    let progress = Arc::new(watch::Sender::new(0));
    let mut accepted = Vec::new();
    let mut next = 0;
    for kill_at in [Some(COUNT / 3), Some(COUNT * 2 / 3), None] {
        let sending = tokio::spawn({
            let (address, progress) = (relay.address, Arc::clone(&progress));
            async move { send_many(address, next, COUNT, &progress).await }
        });
        if let Some(at) = kill_at {
            // In the middle of the traffic.
            let mut sent = progress.subscribe();
            within(sent.wait_for(|sent| *sent >= at)).await.unwrap();
            relay.kill();
            relay = Process::start(data.path());
        }
        let (some, untried) = sending.await.unwrap();
        accepted.extend(some);
        next = untried;
    }
    assert_eq!(next, COUNT);
    assert!(accepted.len() >= COUNT - 2);

    let mut recipient = relay.client("r1", "").await;
    let mut received: Vec<usize> = Vec::new();
    while received.last() != Some(&(COUNT - 1)) {
        let packet = recipient.recv().await;
        let data = &packet["data"];
        received.push(data["message"]["text"].as_str().unwrap().parse().unwrap());
        recipient.confirm(data["mid"].as_str().unwrap()).await;
    }
    recipient.expect_nothing().await;
    assert!(received.is_sorted_by(|a, b| a < b), "out of order or twice");
    let missing: Vec<_> = accepted
        .iter()
        .filter(|n| received.binary_search(n).is_err())
        .collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    // Nobody hears of them again, once the confirmations are kept.
    let mut sender = relay.client("s1", "").await;
    sender.message_to("r1", "last").await;
    recipient.take("last").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
    relay.kill();
    let relay = Process::start(data.path());
    relay.client("r1", "").await.expect_nothing().await;
}

#[tokio::test]
async fn line_02_mids_never_collide_and_read_as_milliseconds() {
    let relay = Relay::start().await;
    let mut sender = relay.client("s1", "").await;
    let mut recipient = relay.client("r1", "").await;
    for n in 0..50 {
        sender.message_to("r1", &n.to_string()).await;
    }
    let mut mids = Vec::new();
    for n in 0..50 {
        mids.push(recipient.take(&n.to_string()).await);
    }
    assert!(mids.is_sorted_by(|a, b| a < b), "{mids:?}");
    assert!(mids.iter().all(|mid| mid.len() == 13), "{mids:?}");
}

#[tokio::test]
async fn line_02_mids_grow_across_restarts_and_clock_steps_whoever_sends() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    const START_MS: u64 = 1_795_414_000_000;
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(0));
    let mut mids = Vec::new();
    for at in [START_MS, START_MS - DAY_MS, 0, START_MS + DAY_MS, START_MS] {
        now.store(at, Ordering::Relaxed);
        let clock = {
            let now = Arc::clone(&now);
            Clock::new(move || now.load(Ordering::Relaxed))
        };
        let store = Arc::new(SqliteStore::open(folder.path(), Durability::Os).unwrap());
        let config = Config { clock, ..config() };
        let relay = Relay::on(config, store).await;
        let mut recipient = relay.client("r1", "").await;
        let (mut one, mut other) = (relay.client("s1", "").await, relay.client("s2", "").await);
        let http = async {
            for _ in 0..10 {
                assert_eq!(relay.get("/r1.send?text=x&wait=0").await.status, 200);
            }
        };
        let sockets = async {
            for _ in 0..10 {
                one.message_to("r1", "x").await;
                other.message_to("r1", "x").await;
            }
        };
        let taking = async {
            for _ in 0..30 {
                mids.push(recipient.take("x").await);
            }
        };
        tokio::join!(http, sockets, taking);
        // What it confirmed has been read, too.
        recipient.expect_nothing().await;
        drop((recipient, one, other));
        relay.stop().await;
    }
    assert!(mids.is_sorted_by(|a, b| a < b), "{mids:?}");
    assert!(mids.iter().all(|mid| mid.len() == 13), "{mids:?}");
}
