//! `key`: a message takes the place of the one that still waits. `docs/protocol-extensions.md`.

use serde_json::{Value, json};

use crate::{
    paused::{Paused, pass, paused_config, with_extra},
    process::Process,
    support::{TOKEN, http, message},
};

fn keyed(to: &str, text: &str) -> Value {
    with_extra(message("personal", to, text), json!({"key": "build"}))
}

#[tokio::test(start_paused = true)]
async fn what_waits_makes_way_and_its_sender_is_told() {
    let relay = Paused::on(paused_config(), std::sync::Arc::default()).await;
    relay.client("ann", "", &[]).await.close().await;
    let mut sender = relay.client("s", "", &["receipts", "key"]).await;
    let mut other = relay.client("other", "", &[]).await;
    // A reply that is still due says so at once.
    sender.send(keyed("ann", "1")).await;
    sender.send(keyed("ann", "2")).await;
    sender.expect_reply(json!({"ann": "superseded"})).await;
    other.send(keyed("ann", "of another")).await;
    pass(6).await;
    let second = sender.expect_reply(json!({"ann": "wait"})).await;
    other.expect_reply(json!({"ann": "wait"})).await;
    sender.send(keyed("ann", "3")).await;
    let told = sender.recv().await;
    assert_eq!(told["data"]["mid"], json!(second), "{told}");
    assert_eq!(told["data"]["state"], "superseded", "{told}");
    // What was sent and not confirmed makes way, too, and is not sent again.
    let mut ann = relay.client("ann", "", &[]).await;
    ann.expect("of another").await;
    ann.expect("3").await;
    sender.send(keyed("ann", "4")).await;
    let last = ann.expect("4").await;
    ann.confirm(&last).await;
    pass(10).await;
    // Of what was sent before, only the other's comes again.
    ann.expect("of another").await;
    let mid = ann.expect("of another").await;
    ann.confirm(&mid).await;
    ann.expect_nothing().await;
    // What was confirmed is the recipient's to replace.
    sender.send(keyed("ann", "5")).await;
    ann.take("5").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_held_makes_way_too_and_takes_its_place_when_it_is_due() {
    let relay = Paused::on(paused_config(), std::sync::Arc::default()).await;
    relay.client("ann", "", &[]).await.close().await;
    let mut base = relay.client("s", "", &[]).await;
    let held = |text: &str, delay: u64| {
        let extra = json!({"key": "build", "delay": delay});
        with_extra(message("personal", "ann", text), extra)
    };
    base.send(held("gone", 20)).await;
    base.expect_reply(json!({"ann": "ready"})).await;
    base.send(keyed("ann", "waits")).await;
    base.send(held("later", 3)).await;
    base.expect_reply(json!({"ann": "ready"})).await;
    // To the base protocol it is refused, once the later one is due.
    base.expect_reply(json!({"ann": "no"})).await;
    pass(30).await;
    let mut ann = relay.client("ann", "", &[]).await;
    ann.take("later").await;
    ann.expect_nothing().await;
}

#[tokio::test]
async fn by_http_the_token_is_the_sender_also_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    relay.client("ann", "").await.close().await;
    let get = async |relay: &Process, query: &str| {
        let path = format!("/ann.send?wait=0&token={TOKEN}&{query}");
        let answer = http(relay.address, "GET", &path, &[], "").await;
        answer.expect_status(json!({"ann": "wait"}));
    };
    get(&relay, "text=1&key=k").await;
    get(&relay, "text=2&key=other").await;
    relay.kill();
    let relay = Process::start(data.path());
    get(&relay, "text=3&key=k").await;
    relay.kill();
    let relay = Process::start(data.path());
    let mut ann = relay.client("ann", "").await;
    ann.take("2").await;
    ann.take("3").await;
    ann.expect_nothing().await;
}
