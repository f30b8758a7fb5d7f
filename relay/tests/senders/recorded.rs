//! What well-known programs send, as it stands in fixtures, each ending as a message that people can
//! read.

use serde_json::{Value, json};

use crate::{
    house::{House, fixture},
    support::TOKEN,
};

/// Sends a fixture's requests; the messages that ann got.
async fn replay(house: &mut House, name: &str) -> Vec<Value> {
    let recorded: Value = serde_json::from_str(&fixture(name)).unwrap();
    assert!(recorded["source"].as_str().unwrap().len() > 40);
    let mut messages = Vec::new();
    for request in recorded["requests"].as_array().unwrap() {
        let filled = |text: &str| {
            text.replace("$TOKEN", TOKEN)
                .replace("$HOLDER", &house.anns)
        };
        let text = |value: &Value| filled(value.as_str().unwrap());
        let headers: Vec<_> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let (method, path, body) = (
            text(&request["method"]),
            text(&request["path"]),
            text(&request["body"]),
        );
        let ann = &mut house.ann;
        let asked = crate::support::http(house.relay.address, &method, &path, &headers, &body);
        let (answer, packet) = tokio::join!(asked, async {
            let packet = ann.recv().await;
            ann.confirm(packet["data"]["mid"].as_str().unwrap()).await;
            packet
        });
        assert_eq!(answer.status, 200, "{answer:?}");
        messages.push(packet["data"]["message"].clone());
    }
    messages
}

#[tokio::test]
async fn home_assistants_rest_notifications_in_their_four_shapes() {
    let mut house = House::open().await;
    let messages = replay(&mut house, "home-assistant.json").await;
    assert_eq!(messages.len(), 4);
    for message in &messages {
        assert_eq!(message["text"], "Home Assistant");
        assert_eq!(message["desp"], "The front door is open");
    }
    for plain in [0, 1, 3] {
        assert_eq!(messages[plain]["extra"], json!({}));
    }
    let extra = json!({"priority": "high", "click": "https://ha.example/lovelace"});
    assert_eq!(messages[2]["extra"], extra);
}

#[tokio::test]
async fn grafanas_alerts() {
    let mut house = House::open().await;
    for message in replay(&mut house, "grafana.json").await {
        assert_eq!(
            message["text"],
            "[FIRING:1] High memory usage Servers (web1)"
        );
        let body = message["desp"].as_str().unwrap();
        assert!(body.contains("summary = web1 is short of memory"), "{body}");
        let panel = "https://grafana.example/d/abc?orgId=1&viewPanel=7";
        assert_eq!(message["extra"]["click"], panel);
        // The rest stays for those who want more, as JSON.
        assert_eq!(message["extra"]["alerts"][0]["labels"]["instance"], "web1");
    }
}

#[tokio::test]
async fn alertmanagers_groups() {
    let mut house = House::open().await;
    let messages = replay(&mut house, "alertmanager.json").await;
    let read = |message: &Value| {
        let text = |key: &str| message[key].as_str().unwrap().to_owned();
        (text("text"), text("desp"))
    };
    let (title, body) = read(&messages[0]);
    assert_eq!(title, "Firing: DiskFull");
    let alert =
        "**The disk of db1:9100 is almost full**\n\n/srv has 2 % left, for more than 10 minutes.";
    assert_eq!(body, alert);
    assert_eq!(messages[0]["extra"]["priority"], 5);
    assert!(
        messages[0]["extra"]["click"]
            .as_str()
            .unwrap()
            .starts_with("http://prometheus")
    );
    let (title, body) = read(&messages[1]);
    assert_eq!(title, "Firing: DiskFull (2)");
    assert!(
        body.contains("db1:9100") && body.contains("db2:9100"),
        "{body}"
    );
    let (title, body) = read(&messages[2]);
    assert_eq!(title, "Resolved: DiskFull (2)");
    assert!(body.contains("(resolved)"), "{body}");
    assert_eq!(messages[2]["extra"].get("priority"), None);
}

#[tokio::test]
async fn uptime_kumas_heartbeats() {
    let mut house = House::open().await;
    let messages = replay(&mut house, "uptime-kuma.json").await;
    let titles: Vec<_> = messages
        .iter()
        .map(|m| m["text"].as_str().unwrap())
        .collect();
    let down = "Shop is down";
    let expected = [down, "Shop is up", down, down, "Uptime Kuma", "Uptime-Kuma"];
    assert_eq!(titles, expected);
    for message in [&messages[0], &messages[2], &messages[3]] {
        assert_eq!(
            message["desp"],
            "[Shop] [🔴 Down] timeout of 48000ms exceeded"
        );
        assert_eq!(message["extra"]["click"], "https://shop.example/");
        assert_eq!(message["extra"]["priority"], 4);
    }
    assert_eq!(messages[5]["extra"], json!({"priority": 4}));
}

#[tokio::test]
async fn proxmoxs_notifications_by_gotify() {
    let mut house = House::open().await;
    let messages = replay(&mut house, "proxmox.json").await;
    let title = "vzdump backup status (pve.example): backup failed";
    assert_eq!(messages[0]["text"], title);
    assert!(
        messages[0]["desp"]
            .as_str()
            .unwrap()
            .contains("100     db      err")
    );
    assert_eq!(
        messages[0]["extra"],
        json!({"priority": 4, "markdown": true})
    );
}
