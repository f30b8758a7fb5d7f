//! A client of the base protocol, among clients that speak every extension: what it is sent is the same,
//! byte for byte, as among its own kind.

use serde_json::{Value, json};

use crate::{
    paused::with_extra,
    receipts::client,
    support::{Client, Relay, TOKEN, config, message},
};

const ALL: &[&str] = &["ref", "receipts", "directory", "delay", "key", "ack"];

/// What a client got, with what differs from run to run named by its place.
#[derive(Default)]
struct Transcript {
    frames: Vec<String>,
    mids: Vec<String>,
}

impl Transcript {
    async fn next(&mut self, client: &mut Client) -> Value {
        let text = client.recv_text().await;
        let packet: Value = serde_json::from_str(&text).unwrap();
        let mut frame = text;
        if let Some(ticket) = packet["data"]["auth"].as_str() {
            frame = frame.replace(ticket, "TICKET");
        }
        if let Some(mid) = packet["data"]["mid"].as_str() {
            if !self.mids.iter().any(|known| known == mid) {
                self.mids.push(mid.to_owned());
            }
            let place = self.mids.iter().position(|known| known == mid).unwrap();
            frame = frame.replace(mid, &format!("MID{place}"));
        }
        self.frames.push(frame);
        packet
    }
}

/// The same conversation of a base client with a neighbour that speaks these extensions.
async fn conversation(features: &[&str]) -> Vec<String> {
    let mut config = config();
    config.timing.wait = std::time::Duration::from_secs(1);
    let relay = Relay::with(config).await;
    relay.known("gone", "all").await;
    let mut neighbour = client(&relay, "neighbour", features).await;
    let extended = !features.is_empty();
    let mut helper = Client::connect(relay.address).await;
    let auth = json!({"token": TOKEN, "name": "helper", "group": "all", "features": features});
    helper.auth_with(auth).await;
    let (mut base, mut seen) = (Client::connect(relay.address).await, Transcript::default());
    let auth = json!({"token": TOKEN, "name": "base", "group": "all"});
    base.send(json!({"cmd": "AUTH", "data": auth})).await;
    seen.next(&mut base).await;
    // As a recipient.
    for number in 0..3 {
        let mut packet = message("personal", "base", &format!("to base {number}"));
        packet["data"]["message"]["extra"] = json!({
            "ack": "first", "repeat": 30, "key": number.to_string(), "delay": f64::from(number) / 10.0,
        });
        if extended {
            packet["data"]["ref"] = json!(format!("r{number}"));
            neighbour.send(json!({"cmd": "DIRECTORY"})).await;
        }
        neighbour.send(packet).await;
        let came = seen.next(&mut base).await;
        let mid = came["data"]["mid"].as_str().unwrap();
        base.confirm(mid).await;
        while neighbour.recv().await["cmd"] != "MESSAGE_REPLY" {}
    }
    // One that others may take, and one that a later one took the place of before it came.
    let mut to_all = with_extra(message("group", "all", "who?"), json!({"ack": "first"}));
    if extended {
        to_all["data"]["ref"] = json!("first");
    }
    neighbour.send(to_all).await;
    let came = seen.next(&mut base).await;
    base.confirm(came["data"]["mid"].as_str().unwrap()).await;
    let own = helper.take("who?").await;
    while neighbour.recv().await["cmd"] != "MESSAGE_REPLY" {}
    if extended {
        let data = json!({"mid": own, "state": "acknowledged", "note": "mine"});
        helper.send(json!({"cmd": "RECEIPT", "data": data})).await;
        while helper.recv().await["cmd"] != "RECEIPT_CALLBACK" {}
    }
    helper.close().await;
    // As a sender: to somebody who reports, to somebody who is away, to a group, to nobody.
    base.send(message("personal", "neighbour", "from base"))
        .await;
    let mid = loop {
        let came = neighbour.recv().await;
        if came["cmd"] == "MESSAGE" {
            break came["data"]["mid"].as_str().unwrap().to_owned();
        }
    };
    neighbour.confirm(&mid).await;
    seen.next(&mut base).await;
    if extended {
        for state in ["read", "acknowledged"] {
            let data = json!({"mid": mid, "state": state});
            neighbour
                .send(json!({"cmd": "RECEIPT", "data": data}))
                .await;
            while neighbour.recv().await["cmd"] != "RECEIPT_CALLBACK" {}
        }
    }
    for packet in [
        message("personal", "gone", "later"),
        message("personal", "ghost", "never"),
    ] {
        base.send(packet).await;
        seen.next(&mut base).await;
    }
    // What it says in `extra` counts, and it hears of it in the base protocol's words.
    let later = json!({"delay": 3600, "key": "k"});
    base.send(with_extra(message("personal", "gone", "later"), later))
        .await;
    seen.next(&mut base).await;
    for text in ["1", "2"] {
        let key = json!({"key": "k"});
        base.send(with_extra(message("personal", "gone", text), key))
            .await;
    }
    seen.next(&mut base).await;
    seen.next(&mut base).await;
    base.send(message("group", "all", "to all")).await;
    let own = seen.next(&mut base).await;
    base.confirm(own["data"]["mid"].as_str().unwrap()).await;
    seen.next(&mut base).await;
    // What it does not know is said in the same words, and nothing else follows.
    for packet in [
        json!({"cmd": "RECEIPT"}),
        json!({"cmd": "DIRECTORY"}),
        json!({"cmd": "SCHEDULED"}),
        json!({"cmd": "CANCEL", "data": {"mid": "1795414000000"}}),
        json!({"cmd": "PING"}),
    ] {
        base.send(packet).await;
        seen.next(&mut base).await;
    }
    relay.stop().await;
    seen.frames
}

#[tokio::test]
async fn a_base_client_gets_the_same_bytes_whatever_its_neighbours_speak() {
    let (plain, extended) = tokio::join!(conversation(&[]), conversation(ALL));
    assert_eq!(plain, extended);
    assert_eq!(plain.len(), 1 + 3 + 1 + 1 + 2 + 3 + 2 + 5, "{plain:#?}");
    let last = plain.last().unwrap();
    assert_eq!(last, r#"{"cmd":"PONG","data":""}"#);
}
