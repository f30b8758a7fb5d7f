//! `directory` over the wire: who is known, then what changes, and only what one may see.

use serde_json::{Value, json};
use tidings_relay::{NamedToken, Rights, Scope};

use crate::{
    receipts::client,
    support::{Client, Relay, config},
};

async fn directory(client: &mut Client) -> Value {
    let packet = client.recv().await;
    assert_eq!(packet["cmd"], "DIRECTORY", "{packet}");
    packet["data"].clone()
}

/// Packets until one holds this client; its entry there.
async fn until(client: &mut Client, name: &str, online: bool) -> Value {
    loop {
        let packet = directory(client).await;
        let mut clients = packet["clients"].as_array().unwrap().iter();
        if let Some(found) = clients.find(|c| c["name"] == name && c["online"] == online) {
            return found.clone();
        }
    }
}

fn names(packet: &Value) -> Vec<&str> {
    let clients = packet["clients"].as_array().unwrap().iter();
    clients.map(|c| c["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_client_is_told_who_is_known_and_what_changes() {
    let relay = Relay::start().await;
    relay.known("bob", "family").await;
    let mut ann = client(&relay, "ann", &["directory"]).await;
    ann.send(json!({"cmd": "DIRECTORY"})).await;
    let first = directory(&mut ann).await;
    assert_eq!(
        (&first["reset"], &first["more"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(names(&first), ["bob", "ann"]);
    let bob = &first["clients"][0];
    assert_eq!(
        (&bob["group"], &bob["online"]),
        (&json!("family"), &json!(false))
    );
    assert!(bob["lastSeen"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(first["clients"][1]["online"], true);
    let connected = relay.client("bob", "friends").await;
    let bob = until(&mut ann, "bob", true).await;
    assert_eq!(bob["group"], "friends");
    connected.close().await;
    until(&mut ann, "bob", false).await;
    ann.expect_nothing().await;
    // Asked again, all of it is told again.
    ann.send(json!({"cmd": "DIRECTORY"})).await;
    assert_eq!(directory(&mut ann).await["reset"], true);
    relay.stop().await;
}

#[tokio::test]
async fn a_long_list_comes_in_packets_that_follow_each_other() {
    let relay = Relay::start().await;
    // One socket for all of them: each AUTH leaves the name before.
    let mut many = Client::connect(relay.address).await;
    for number in 0..600 {
        many.auth(&format!("c{number}"), "").await;
    }
    let mut ann = client(&relay, "ann", &["directory"]).await;
    ann.send(json!({"cmd": "DIRECTORY"})).await;
    let first = directory(&mut ann).await;
    assert_eq!(
        (&first["reset"], &first["more"]),
        (&json!(true), &json!(true))
    );
    let second = directory(&mut ann).await;
    assert_eq!(
        (&second["reset"], &second["more"]),
        (&json!(null), &json!(null))
    );
    let all = names(&first).len() + names(&second).len();
    assert_eq!(all, 601);
    relay.stop().await;
}

#[tokio::test]
async fn whom_a_token_may_not_send_to_its_holder_does_not_see() {
    let rights = |send: &[&str]| Rights {
        send: Scope::parse(send.iter().copied()).unwrap(),
        receive: Scope::everybody(),
    };
    let (token, secret) = NamedToken::generate("t", rights(&["bob"]), 1).unwrap();
    let mut config = config();
    config.named_tokens = vec![token.clone()];
    let relay = Relay::with(config).await;
    relay.known("bob", "").await;
    relay.known("eve", "").await;
    let mut ann = Client::connect(relay.address).await;
    let features = ["directory"];
    let auth = json!({"token": secret.expose(), "name": "ann", "features": features});
    ann.auth_with(auth).await;
    ann.send(json!({"cmd": "DIRECTORY"})).await;
    assert_eq!(names(&directory(&mut ann).await), ["bob"]);
    let eve = relay.client("eve", "").await;
    let bob = relay.client("bob", "").await;
    until(&mut ann, "bob", true).await;
    // Her rights change: the list is another one.
    let mut wider = token;
    wider.rights = rights(&["eve"]);
    relay.hub.replace_tokens(None, &[wider]);
    let anew = directory(&mut ann).await;
    assert_eq!(anew["reset"], true);
    assert_eq!(names(&anew), ["eve"]);
    drop((eve, bob));
    relay.stop().await;
}
