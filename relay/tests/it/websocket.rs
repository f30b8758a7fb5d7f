//! The relay as its WebSocket clients see it: PROTOCOL.md, sections 1 and 2.

use std::time::Duration;

use serde_json::{Value, json};
use tidings_protocol::close;
use tidings_relay::{Bounds, Config, Timing};

use crate::support::{Client, DEADLINE, Relay, TOKEN, config, impatient, message, within};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn auth_200_tells_a_base_client_exactly_what_the_reference_does() {
    let relay = Relay::start().await;
    let mut client = Client::connect(relay.address).await;
    let welcome = client.auth("ann", "g").await;
    assert_eq!(keys(&welcome), ["code", "auth", "msg"]);
    assert_eq!(welcome["msg"], "Successful authentication");
    let ticket = welcome["auth"].as_str().unwrap();
    assert_eq!(ticket.split('.').count(), 3);
}

#[tokio::test]
async fn auth_200_lists_extensions_to_those_who_list_theirs() {
    let relay = Relay::start().await;
    let mut client = Client::connect(relay.address).await;
    let auth = json!({"token": TOKEN, "name": "ann", "features": ["something"]});
    let welcome = client.auth_with(auth).await;
    assert_eq!(
        keys(&welcome),
        ["code", "auth", "msg", "features", "server", "relay"]
    );
    let spoken = ["ref", "receipts", "directory", "delay", "key", "ack"];
    assert_eq!(welcome["features"], json!(spoken));
    assert_eq!(welcome["relay"], relay.hub.id());
    assert!(
        welcome["server"]
            .as_str()
            .unwrap()
            .starts_with("tidings-relay/")
    );
}

#[tokio::test]
async fn a_wrong_token_is_403_and_the_socket_stays_open() {
    let relay = Relay::start().await;
    let mut client = Client::connect(relay.address).await;
    for token in ["nope", "", "test2"] {
        let auth = json!({"token": token, "name": "ann", "group": ""});
        client.send(json!({"cmd": "AUTH", "data": auth})).await;
        let refused = r#"{"cmd":"AUTH","data":{"code":403,"msg":"Token invalid"}}"#;
        assert_eq!(client.recv_text().await, refused);
    }
    client.auth("ann", "").await;
}

#[tokio::test]
async fn before_auth_everything_is_401() {
    let relay = Relay::start().await;
    let mut client = Client::connect(relay.address).await;
    let need_auth = r#"{"cmd":"AUTH","data":{"code":401,"msg":"Need Auth"}}"#;
    for packet in [
        message("personal", "ann", "x"),
        json!({"cmd": "PING"}),
        json!({"cmd": "MESSAGE_CALLBACK", "data": {"mid": "1"}}),
        json!({"cmd": "MESSAGE"}),
        json!({"cmd": "NOPE"}),
        json!({"cmd": "auth", "data": {"token": TOKEN, "name": "x"}}),
        json!(5),
    ] {
        client.send(packet.clone()).await;
        assert_eq!(client.recv_text().await, need_auth, "{packet}");
    }
    let auth = json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "ann"}}).to_string();
    let binary = tokio_tungstenite::tungstenite::Message::binary(auth.into_bytes());
    futures_util::SinkExt::send(&mut client.socket, binary)
        .await
        .unwrap();
    assert_eq!(client.recv_text().await, need_auth);
    for (broken, words) in [("{not json", "JSON"), ("", "JSON"), ("null", "object")] {
        client.send_text(broken).await;
        client.expect_info(words).await;
    }
}

#[tokio::test]
async fn auth_wants_a_name_that_can_be_one() {
    let relay = Relay::start().await;
    let mut client = Client::connect(relay.address).await;
    for data in [
        json!({}),
        json!({"name": ""}),
        json!({"token": TOKEN, "name": null}),
    ] {
        client.send(json!({"cmd": "AUTH", "data": data})).await;
        let info = r#"{"cmd":"INFO","data":"name property is required"}"#;
        assert_eq!(client.recv_text().await, info);
    }
    for name in ["a\u{7}", &"x".repeat(300)] {
        client
            .send(json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": name}}))
            .await;
        client.expect_info("name").await;
    }
}

#[tokio::test]
async fn a_socket_without_auth_is_closed_in_time() {
    let mut config = config();
    config.timing.auth = Duration::from_secs(2);
    let relay = Relay::with(config).await;
    let mut idle = Client::connect(relay.address).await;
    let mut wrong = Client::connect(relay.address).await;
    let mut right = relay.client("ann", "").await;
    // A wrong one gains no time.
    wrong
        .send(json!({"cmd": "AUTH", "data": {"token": "x", "name": "b"}}))
        .await;
    idle.expect_close_code(1008).await;
    wrong.expect_close_code(1008).await;
    right.expect_nothing().await;
}

#[tokio::test]
async fn malformed_packets_are_told_and_the_socket_stays_open() {
    let relay = Relay::start().await;
    let mut client = relay.client("ann", "").await;
    for (packet, words) in [
        ("{not json", "JSON"),
        ("", "JSON"),
        ("null", "object"),
        (r#"{"cmd":"WHATEVER","data":1}"#, "Unknow cmd: WHATEVER"),
        (r#"{"data":1}"#, "Unknow cmd: undefined"),
        (r#"{"cmd":5}"#, "Unknow cmd: 5"),
        (
            r#"{"cmd":"MESSAGE_CALLBACK","data":{}}"#,
            "mid property is required",
        ),
        (
            r#"{"cmd":"MESSAGE","data":{"target":"x"}}"#,
            "sendType property",
        ),
        (
            r#"{"cmd":"MESSAGE","data":{"sendType":"group","target":""}}"#,
            "target property is required",
        ),
        (
            r#"{"cmd":"REGISTER_FCM","data":{}}"#,
            "endpoint property is required",
        ),
        (
            r#"{"cmd":"REGISTER_FCM","data":{"endpoint":"https://x/","keys":{"auth":"a","p256dh":"b"}}}"#,
            "this server offers no push",
        ),
    ] {
        client.send_text(packet).await;
        client.expect_info(words).await;
    }
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_personal_message_is_ok_once_it_is_confirmed() {
    let relay = Relay::start().await;
    let mut sender = relay.client("s1", "").await;
    let mut recipient = relay.client("r1", "").await;
    let extra = json!({"z": 1, "a": [true, null]});
    sender
        .send(
            json!({"cmd": "MESSAGE", "data": {"sendType": "personal", "target": "r1",
            "message": {"text": "t", "desp": "d", "extra": extra}}}),
        )
        .await;
    let frame = recipient.recv_text().await;
    let packet: Value = serde_json::from_str(&frame).unwrap();
    let mid = packet["data"]["mid"].as_str().unwrap();
    let expected = format!(
        r#"{{"cmd":"MESSAGE","data":{{"sendType":"personal","target":"r1","from":{{"method":"websocket","name":"s1"}},"message":{{"text":"t","desp":"d","extra":{{"z":1,"a":[true,null]}}}},"mid":"{mid}"}}}}"#
    );
    assert_eq!(frame, expected);
    sender.expect_nothing().await;
    // As a number, as some clients write it.
    let number: u64 = mid.parse().unwrap();
    recipient
        .send(json!({"cmd": "MESSAGE_CALLBACK", "data": {"mid": number}}))
        .await;
    let reply =
        format!(r#"{{"cmd":"MESSAGE_REPLY","data":{{"mid":"{mid}","status":{{"r1":"ok"}}}}}}"#);
    assert_eq!(sender.recv_text().await, reply);
}

#[tokio::test]
async fn missing_parts_of_a_message_are_empty() {
    let relay = Relay::start().await;
    let mut client = relay.client("me", "").await;
    client
        .send(json!({"cmd": "MESSAGE", "data": {"sendType": "personal", "target": "me"}}))
        .await;
    let packet = client.recv().await;
    let empty = json!({"text": "", "desp": "", "extra": {}});
    assert_eq!(packet["data"]["message"], empty);
}

#[tokio::test]
async fn strangers_and_empty_groups_are_answered_at_once() {
    let mut config = config();
    config.timing.wait = DEADLINE * 2;
    let relay = Relay::with(config).await;
    let mut sender = relay.client("s1", "").await;
    sender.message_to("ghost", "x").await;
    sender.expect_reply(json!({"ghost": "no"})).await;
    sender.message_to_group("nogroup", "x").await;
    sender.expect_reply(json!({})).await;
    // It was dropped.
    let mut ghost = relay.client("ghost", "").await;
    ghost.expect_nothing().await;
}

#[tokio::test]
async fn a_group_message_has_one_mid_and_includes_its_sender() {
    let relay = Relay::start().await;
    let mut members = Vec::new();
    for name in ["m2", "m1", "m3"] {
        members.push(relay.client(name, "G").await);
    }
    members[0].message_to_group("G", "all").await;
    let mut mids = Vec::new();
    for member in &mut members {
        mids.push(member.take("all").await);
    }
    let status = json!({"m2": "ok", "m1": "ok", "m3": "ok"});
    let mid = members[0].expect_reply(status).await;
    assert!(mids.iter().all(|m| *m == mid));
}

#[tokio::test]
async fn a_group_is_its_members_at_the_time_of_sending_with_the_absent() {
    let relay = Relay::with(impatient()).await;
    relay.known("away", "G").await;
    let mut here = relay.client("here", "G").await;
    let mut sender = relay.client("s1", "").await;
    sender.message_to_group("G", "w").await;
    here.take("w").await;
    let status = json!({"away": "wait", "here": "ok"});
    sender.expect_reply(status).await;
    let mut late = relay.client("late", "G").await;
    late.expect_nothing().await;
    let mut away = relay.client("away", "G").await;
    away.take("w").await;
    // Exactly one reply.
    away.expect_nothing().await;
    sender.expect_nothing().await;
}

#[tokio::test]
async fn a_client_moves_between_groups() {
    let relay = Relay::start().await;
    let mut member = relay.client("m", "old").await;
    member.auth("m", "new").await;
    let mut sender = relay.client("s", "").await;
    sender.message_to_group("old", "x").await;
    sender.expect_reply(json!({})).await;
    sender.message_to_group("new", "y").await;
    member.take("y").await;
    sender.expect_reply(json!({"m": "ok"})).await;
}

#[tokio::test]
async fn unconfirmed_messages_come_again_unchanged_until_they_are_confirmed() {
    let mut config = impatient();
    config.timing.retry = Duration::from_millis(50);
    let relay = Relay::with(config).await;
    let mut sender = relay.client("s1", "").await;
    let mut recipient = relay.client("r1", "").await;
    let mut other = relay.client("other", "").await;
    sender.message_to("r1", "again").await;
    let first = recipient.recv_text().await;
    assert_eq!(recipient.recv_text().await, first);
    // Another's confirmation, or one of something else, is none.
    let packet: Value = serde_json::from_str(&first).unwrap();
    let mid = packet["data"]["mid"].as_str().unwrap();
    other.confirm(mid).await;
    other.expect_nothing().await;
    for wrong in ["999", "1795414055651", "x"] {
        recipient.confirm(wrong).await;
    }
    assert_eq!(recipient.recv_text().await, first);
    sender.expect_reply(json!({"r1": "wait"})).await;
    recipient.confirm(mid).await;
    recipient.confirm(mid).await;
    // Those that crossed the confirmation may still be on their way.
    recipient.send(json!({"cmd": "PING"})).await;
    while recipient.recv().await["cmd"] != "PONG" {}
    sender.message_to("r1", "next").await;
    recipient.take("next").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
}

#[tokio::test]
async fn the_newest_connection_of_a_name_wins() {
    let relay = Relay::start().await;
    let mut sender = relay.client("s1", "").await;
    let mut old = relay.client("r1", "").await;
    sender.message_to("r1", "t1").await;
    old.expect("t1").await;
    let mut new = relay.client("r1", "").await;
    old.expect_close_code(close::TAKEN_OVER).await;
    new.take("t1").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
    sender.message_to("r1", "t2").await;
    new.take("t2").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
}

#[tokio::test]
async fn many_takeovers_leave_one_connection() {
    let relay = Relay::start().await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(relay.client("r1", "").await);
    }
    let mut connected = relay.hub.connected();
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
    let mut last = connections.pop().unwrap();
    for mut old in connections {
        old.expect_close_code(close::TAKEN_OVER).await;
    }
    last.message_to("r1", "self").await;
    last.take("self").await;
    last.expect_reply(json!({"r1": "ok"})).await;
}

#[tokio::test]
async fn a_second_auth_of_the_same_name_changes_nothing_under_way() {
    let relay = Relay::start().await;
    let mut client = relay.client("r1", "").await;
    let mut sender = relay.client("s1", "").await;
    sender.message_to("r1", "x").await;
    let mid = client.expect("x").await;
    client.auth("r1", "g").await;
    client.expect_nothing().await;
    client.confirm(&mid).await;
    sender.expect_reply(json!({"r1": "ok"})).await;
    // A wrong one changes nothing either.
    client
        .send(json!({"cmd": "AUTH", "data": {"token": "no", "name": "r2"}}))
        .await;
    assert_eq!(client.recv().await["data"]["code"], 403);
    sender.message_to("r1", "y").await;
    client.take("y").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
}

#[tokio::test]
async fn a_second_auth_of_another_name_leaves_the_first() {
    let relay = Relay::with(impatient()).await;
    let mut client = relay.client("n1", "").await;
    client.auth("n2", "").await;
    let mut sender = relay.client("s1", "").await;
    sender.message_to("n1", "x").await;
    sender.message_to("n2", "y").await;
    client.take("y").await;
    sender.expect_reply(json!({"n2": "ok"})).await;
    sender.expect_reply(json!({"n1": "wait"})).await;
    client.auth("n1", "").await;
    client.take("x").await;
}

#[tokio::test]
async fn a_reply_finds_the_sender_on_its_next_connection() {
    let relay = Relay::start().await;
    let mut recipient = relay.client("r1", "").await;
    let mut sender = relay.client("s1", "").await;
    sender.message_to("r1", "x").await;
    let mid = recipient.expect("x").await;
    let mut again = relay.client("s1", "").await;
    again.expect_nothing().await;
    recipient.confirm(&mid).await;
    assert_eq!(again.expect_reply(json!({"r1": "ok"})).await, mid);
}

#[tokio::test]
async fn a_ref_is_echoed_forwarded_to_its_speakers_and_accepted_once() {
    let relay = Relay::start().await;
    let auth = |name: &str| json!({"token": TOKEN, "name": name, "features": ["ref"]});
    let mut sender = Client::connect(relay.address).await;
    sender.auth_with(auth("s1")).await;
    let mut speaker = Client::connect(relay.address).await;
    speaker.auth_with(auth("r1")).await;
    let mut base = relay.client("r2", "").await;
    let with_ref = |target: &str, text: &str| {
        let mut packet = message("personal", target, text);
        packet["data"]["ref"] = json!("my-1");
        packet
    };
    sender.send(with_ref("r1", "x")).await;
    let packet = speaker.recv().await;
    assert_eq!(keys(&packet["data"]).last(), Some(&"ref"));
    assert_eq!(packet["data"]["ref"], "my-1");
    let mid = packet["data"]["mid"].as_str().unwrap();
    speaker.confirm(mid).await;
    let reply = sender.recv().await;
    assert_eq!(reply["data"]["ref"], "my-1");
    // Again: the first outcome, and nothing for the recipient.
    sender.send(with_ref("r1", "x")).await;
    assert_eq!(sender.recv().await, reply);
    speaker.expect_nothing().await;
    // The same ref for something else.
    sender.send(with_ref("r2", "y")).await;
    let (mut infos, mut replies) = (0, 0);
    for _ in 0..2 {
        match sender.recv().await["cmd"].as_str() {
            Some("INFO") => infos += 1,
            Some("MESSAGE_REPLY") => replies += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((infos, replies), (1, 1));
    base.expect_nothing().await;
    // A peer that did not list it never sees it, nor is its own taken for one.
    let mut packet = with_ref("r2", "z");
    packet["data"]["ref"] = json!("my-2");
    sender.send(packet).await;
    let packet = base.recv().await;
    assert_eq!(keys(&packet["data"]).last(), Some(&"mid"));
    let mut own = with_ref("r2", "w");
    own["data"]["ref"] = json!("my-3");
    for _ in 0..2 {
        base.send(own.clone()).await;
        base.take("w").await;
        let reply = base.recv().await;
        assert_eq!(keys(&reply["data"]), ["mid", "status"]);
    }
}

#[tokio::test]
async fn a_shutdown_says_goodbye() {
    let relay = Relay::start().await;
    let mut client = relay.client("ann", "").await;
    let mut stranger = Client::connect(relay.address).await;
    relay.begin_stop();
    client.expect_close_code(1001).await;
    stranger.expect_close_code(1001).await;
    relay.stop().await;
}

#[tokio::test]
async fn the_number_of_connected_clients_can_be_watched() {
    let relay = Relay::start().await;
    let mut connected = relay.hub.connected();
    assert_eq!(*connected.borrow(), 0);
    let ann = relay.client("ann", "").await;
    let _bob = relay.client("bob", "").await;
    // A stranger is no client.
    let _stranger = Client::connect(relay.address).await;
    within(connected.wait_for(|count| *count == 2))
        .await
        .unwrap();
    ann.close().await;
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_dead_socket_is_noticed() {
    let config = Config {
        timing: Timing {
            ping_after: Duration::from_millis(200),
            dead_after: Duration::from_secs(2),
            ..config().timing
        },
        ..config()
    };
    let relay = Relay::with(config).await;
    let mut connected = relay.hub.connected();
    // This one is read, so its library answers pings; the other is never polled again.
    let mut alive = relay.client("alive", "").await;
    let _dead = relay.client("dead", "").await;
    within(connected.wait_for(|count| *count == 2))
        .await
        .unwrap();
    let reader = tokio::spawn(async move {
        let _ = alive.expect_close().await;
    });
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
    assert!(!reader.is_finished());
    reader.abort();
}

#[tokio::test]
async fn connections_are_bounded() {
    let config = Config {
        bounds: Bounds {
            connections: 2,
            ..Bounds::default()
        },
        ..config()
    };
    let relay = Relay::with(config).await;
    let first = relay.client("a", "").await;
    let _second = relay.client("b", "").await;
    let url = format!("ws://{}/", relay.address);
    assert!(
        within(tokio_tungstenite::connect_async(&url))
            .await
            .is_err()
    );
    first.close().await;
    // The place is free once the relay has seen the end of it.
    within(async {
        while tokio_tungstenite::connect_async(&url).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_names_known_are_bounded() {
    let mut config = config();
    config.bounds.clients = 1;
    let relay = Relay::with(config).await;
    relay.known("ann", "").await;
    let mut client = Client::connect(relay.address).await;
    client
        .send(json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "bob"}}))
        .await;
    client.expect_info("use one of those").await;
    client.auth("ann", "other group").await;
}
