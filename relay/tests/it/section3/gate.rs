//! Line 8: tokens are compared in constant time (beside their code: every comparison of `auth` is
//! `subtle`'s, of hashes), tickets are signed with a key of the relay's own, and guessing is slow.

use serde_json::json;
use tidings_relay::Bounds;

use crate::{
    limits::{behind_a_proxy, get},
    support::{Client, Relay, TOKEN, http, within},
};

#[tokio::test]
async fn line_08_guessing_is_answered_by_429() {
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
async fn line_08_guesses_count_for_the_address_behind_the_proxy() {
    let relay = Relay::with(behind_a_proxy(Bounds::default())).await;
    let guess = async {
        while get(&relay, "/x.send", "guess", "192.0.2.1").await.status == 401 {}
        get(&relay, "/x.send", TOKEN, "192.0.2.1").await.status
    };
    assert_eq!(within(guess).await, 429);
    assert_eq!(get(&relay, "/x.send", TOKEN, "192.0.2.2").await.status, 200);
    // Without a configured forwarder its word is not taken: all of these are one address.
    let relay = Relay::start().await;
    let guess = async {
        let mut n = 0;
        while get(&relay, "/x.send", "guess", &format!("192.0.2.{n}"))
            .await
            .status
            == 401
        {
            n += 1;
        }
    };
    within(guess).await;
    assert_eq!(
        get(&relay, "/x.send", TOKEN, "192.0.2.99").await.status,
        429
    );
}
