//! The real Apprise, from PyPI: what it says was sent arrives as it should, and what cannot arrive it
//! reports as a failure.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    house::{House, apprise},
    support::{TOKEN, within},
};

/// Has Apprise send these; whether it says that each was sent.
async fn send(notifications: &Value) -> Vec<bool> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/senders/send.py");
    let mut python = tokio::process::Command::new(apprise().join("python"));
    python
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut python = python.spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin
        .write_all(notifications.to_string().as_bytes())
        .await
        .unwrap();
    drop(stdin);
    let output = within(python.wait_with_output()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn what_apprise_sends_arrives_with_title_body_priority_and_link() {
    let mut house = House::open().await;
    let (host, own) = (house.relay.address, house.anns.clone());
    let link = "https://a.example/?x=1";
    let markdown = json!("markdown");
    let sent = [
        (
            format!("json://any:{TOKEN}@{host}/ann.send?:priority=4&:click={link}"),
            Value::Null,
        ),
        (
            format!("json://{host}/home.group?+Authorization={TOKEN}&:priority=4&:click={link}"),
            Value::Null,
        ),
        (
            format!(
                "json://{host}/ann.send?method=put&-token={TOKEN}&:priority=4&:click={link}&:version="
            ),
            Value::Null,
        ),
        (
            format!("form://any:{TOKEN}@{host}/ann.send?:priority=4&:click={link}"),
            Value::Null,
        ),
        (
            format!("form://any:{TOKEN}@{host}/ann.send?method=get&:priority=4&:click={link}"),
            Value::Null,
        ),
        (
            format!("gotify://{host}/{own}?priority=high&format=markdown"),
            markdown.clone(),
        ),
        (
            format!(
                "ntfy://any:{TOKEN}@{host}/ann?priority=high&click={link}&tags=a,b&format=markdown"
            ),
            markdown.clone(),
        ),
        (
            format!(
                "ntfy://{TOKEN}@{host}/ann?auth=token&priority=high&click={link}&tags=a,b&format=markdown"
            ),
            markdown,
        ),
        (format!("pushdeer://{host}/{own}"), Value::Null),
    ];
    let notifications: Value = sent
        .iter()
        .map(|(url, format)| {
            json!({
                "url": url, "title": "Übung", "body": "line\n*line* ü", "type": "warning",
                "format": format,
            })
        })
        .collect();
    let (outcomes, messages) = tokio::join!(send(&notifications), async {
        let mut messages = Vec::new();
        for _ in &sent {
            messages.push(within(house.message()).await);
        }
        messages
    });
    for ((url, _), outcome) in sent.iter().zip(outcomes) {
        assert!(outcome, "{url}");
    }
    for ((url, _), message) in sent.iter().zip(messages) {
        assert_eq!(message["text"], "Übung", "{url}: {message}");
        let body = message["desp"].as_str().unwrap();
        assert_eq!(body.trim(), "line\n*line* ü", "{url}: {message}");
        let scheme = url.split(':').next().unwrap();
        let expected = match scheme {
            "json" | "form" => json!({"type": "warning", "priority": "4", "click": link}),
            "gotify" => json!({"priority": 4, "markdown": true}),
            "ntfy" => json!({
                "priority": 4, "tags": ["a", "b"], "click": link, "markdown": true,
            }),
            _ => json!({}),
        };
        let mut extra = message["extra"].clone();
        if url.contains("method=get") {
            // The base protocol's GET keeps whatever it is given.
            extra.as_object_mut().unwrap().shift_remove("version");
        }
        if scheme == "ntfy" {
            let icon = extra.as_object_mut().unwrap().shift_remove("icon").unwrap();
            assert!(icon.as_str().unwrap().starts_with("https://"), "{icon}");
        }
        assert_eq!(extra, expected, "{url}");
    }
    house.expect_nothing().await;
}

#[tokio::test]
async fn a_text_too_long_for_ntfys_json_arrives_whole() {
    let mut house = House::open().await;
    let host = house.relay.address;
    // Apprise sends it as a file then.
    let body = "A line of a log.\n".repeat(700);
    let notification = json!([{
        "url": format!("ntfy://any:{TOKEN}@{host}/ann"), "title": "Log", "body": body,
    }]);
    let (outcomes, message) = tokio::join!(send(&notification), within(house.message()));
    assert_eq!(outcomes, [true]);
    let text = message["desp"].as_str().unwrap();
    assert!(
        text.contains("Log") && text.contains(body.trim()),
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_target_make_apprise_report_failure() {
    let mut house = House::open().await;
    let (host, own, lost) = (
        house.relay.address,
        house.anns.clone(),
        house.ghosts.clone(),
    );
    let urls = [
        format!("json://any:wrong@{host}/ann.send"),
        format!("json://any:{TOKEN}@{host}/ghost.send"),
        format!("json://any:{TOKEN}@{host}/nobody.group"),
        format!("form://any:wrong@{host}/ann.send"),
        format!("form://any:{TOKEN}@{host}/ghost.send"),
        format!("gotify://{host}/wrong"),
        format!("gotify://{host}/{TOKEN}"),
        format!("gotify://{host}/{lost}"),
        format!("ntfy://any:wrong@{host}/ann"),
        format!("ntfy://any:{own}@{host}/home"),
        format!("ntfy://any:{TOKEN}@{host}/ghost"),
        format!("pushdeer://{host}/wrong"),
        format!("pushdeer://{host}/{lost}"),
    ];
    let notifications = urls
        .iter()
        .map(|url| json!({"url": url, "title": "T", "body": "B"}));
    let outcomes = send(&notifications.collect()).await;
    for (url, outcome) in urls.iter().zip(outcomes) {
        assert!(!outcome, "{url}");
    }
    house.expect_nothing().await;
}
