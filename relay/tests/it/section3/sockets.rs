//! Lines 5, 6, 11 and 12 on WebSockets: frames too large, readers that do not read, frames that are
//! none, and what comes first.

use std::time::Duration;

use serde_json::json;
use tidings_protocol::limits::FRAME_BYTES;
use tidings_relay::{Config, Timing};
use tokio::io::AsyncWriteExt as _;

use crate::{
    crowd::flood,
    raw_socket::{RawSocket, assert_works},
    support::{DEADLINE, Relay, TOKEN, config, impatient, message, within},
};

/// What no client may send, RFC 6455 says.
const VIOLATIONS: &[(&str, &[u8])] = &[
    ("reserved bit", &[0xC1, 0x80, 0, 0, 0, 0]),
    ("unmasked", &[0x81, 0x01, b'x']),
    ("reserved opcode", &[0x83, 0x80, 0, 0, 0, 0]),
    ("invalid UTF-8", &[0x81, 0x81, 0, 0, 0, 0, 0xFF]),
    ("fragmented ping", &[0x09, 0x80, 0, 0, 0, 0]),
    ("oversized control", &[0x89, 0xFE, 0, 126, 0, 0, 0, 0]),
    ("close code 1", &[0x88, 0x82, 0, 0, 0, 0, 0, 1]),
    (
        "a length of all ones",
        &[0x81, 0xFF, 255, 255, 255, 255, 255, 255, 255, 255],
    ),
    ("the second reserved bit", &[0xA1, 0x80, 0, 0, 0, 0]),
    ("the third reserved bit", &[0x91, 0x80, 0, 0, 0, 0]),
    (
        "an end without a beginning",
        &[0x80, 0x81, 0, 0, 0, 0, b'x'],
    ),
    (
        "a beginning within another",
        &[0x01, 0x81, 0, 0, 0, 0, b'x', 0x81, 0x81, 0, 0, 0, 0, b'x'],
    ),
    (
        "a character cut off by the end",
        &[0x01, 0x81, 0, 0, 0, 0, 0xE4, 0x80, 0x81, 0, 0, 0, 0, b'x'],
    ),
    ("a close frame of one byte", &[0x88, 0x81, 0, 0, 0, 0, 3]),
    (
        "a close reason that is no UTF-8",
        &[0x88, 0x83, 0, 0, 0, 0, 0x03, 0xE8, 0xFF],
    ),
];

#[tokio::test]
async fn line_05_an_oversized_frame_is_told_and_closed() {
    let relay = Relay::start().await;
    let mut client = relay.client("ann", "").await;
    let fits = message("personal", "ann", &"x".repeat(FRAME_BYTES - 200));
    client.send(fits).await;
    client.take(&"x".repeat(FRAME_BYTES - 200)).await;
    client.expect_reply(json!({"ann": "ok"})).await;
    client.send_text(&"x".repeat(FRAME_BYTES + 1)).await;
    client.expect_info("larger than the limit").await;
    client.expect_close_code(1009).await;
    // In pieces that are small each.
    let mut socket = RawSocket::open(&relay).await;
    socket.frame(0x01, &[b'x'; 60_000]).await;
    for _ in 0..20 {
        socket.frame(0x00, &[b'x'; 60_000]).await;
    }
    socket.read_until("larger than the limit").await;
    let _ = socket.0.shutdown().await;
    socket.closed().await;
    assert_works(&relay).await;
}

#[tokio::test]
async fn line_06_a_client_that_stops_reading_is_dropped_and_its_messages_are_kept() {
    const COUNT: usize = 30;
    let config = Config {
        timing: Timing {
            stalled_after: Duration::from_secs(2),
            // Nothing comes twice to the one that reads.
            retry: DEADLINE,
            ..impatient().timing
        },
        ..config()
    };
    let relay = Relay::with(config).await;
    let mut connected = relay.hub.connected();
    let mut silent = RawSocket::open(&relay).await;
    silent.auth("slow").await;
    let mut sender = relay.client("s1", "").await;
    within(connected.wait_for(|count| *count == 2))
        .await
        .unwrap();
    let large = "x".repeat(200_000);
    for n in 0..COUNT {
        sender.message_to("slow", &format!("{n} {large}")).await;
    }
    for _ in 0..COUNT {
        let reply = sender.recv().await;
        assert_eq!(reply["cmd"], "MESSAGE_REPLY", "{reply}");
    }
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
    let mut reading = relay.client("slow", "").await;
    for n in 0..COUNT {
        reading.take(&format!("{n} {large}")).await;
    }
    drop(silent);
}

#[tokio::test]
async fn line_11_no_frame_ends_the_process() {
    let relay = Relay::start().await;
    for (what, bytes) in VIOLATIONS {
        for authenticated in [false, true] {
            let mut socket = RawSocket::open(&relay).await;
            if authenticated {
                socket.auth("bad").await;
            }
            socket.write(bytes).await;
            socket.write(&[0x55; 64]).await;
            let _ = socket.0.shutdown().await;
            socket.closed().await;
            let witness = std::panic::AssertUnwindSafe(assert_works(&relay));
            let survived = futures_util::FutureExt::catch_unwind(witness).await;
            assert!(survived.is_ok(), "after: {what}");
        }
    }
}

#[tokio::test]
async fn line_11_a_replaced_socket_that_misbehaves_harms_nobody() {
    let relay = Relay::start().await;
    for (what, bytes) in VIOLATIONS {
        let mut old = RawSocket::open(&relay).await;
        old.auth("twin").await;
        let mut new = relay.client("twin", "").await;
        old.write(bytes).await;
        let _ = old.0.shutdown().await;
        old.closed().await;
        new.message_to("twin", what).await;
        new.take(what).await;
        new.expect_reply(json!({"twin": "ok"})).await;
    }
}

#[tokio::test]
async fn line_11_a_message_in_endless_pieces_ends_nothing_but_its_connection() {
    let relay = Relay::start().await;
    let mut connected = relay.hub.connected();
    let mut socket = RawSocket::open(&relay).await;
    socket.auth("pieces").await;
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
    // Empty pieces with pings in between, which may interrupt a message.
    socket.frame(0x01, b"{").await;
    let mut pieces = Vec::new();
    for _ in 0..10_000 {
        pieces.extend([0x00, 0x80, 0, 0, 0, 0, 0x89, 0x80, 0, 0, 0, 0]);
    }
    socket.write(&pieces).await;
    assert_works(&relay).await;
    // And it goes on for as long as it is a message.
    socket.frame(0x80, b"}").await;
    socket.read_until("Unknow cmd").await;
    socket.frame(0x01, b"{").await;
    drop(socket);
    within(connected.wait_for(|count| *count == 0))
        .await
        .unwrap();
}

#[tokio::test]
async fn line_12_queued_messages_come_after_auth_200_in_order() {
    let relay = Relay::with(impatient()).await;
    relay.known("r1", "").await;
    let mut sender = relay.client("s1", "").await;
    for n in 0..300 {
        sender.message_to("r1", &n.to_string()).await;
    }
    for _ in 0..300 {
        sender.expect_reply(json!({"r1": "wait"})).await;
    }
    // `client` expects AUTH 200 as the first packet.
    let mut recipient = relay.client("r1", "").await;
    for n in 0..300 {
        recipient.take(&n.to_string()).await;
    }
    recipient.expect_nothing().await;
    recipient.close().await;
    let mut recipient = relay.client("r1", "").await;
    recipient.expect_nothing().await;
}

#[tokio::test]
async fn line_12_auth_200_is_first_under_load_too() {
    let relay = Relay::start().await;
    relay.known("r1", "").await;
    let sender = relay.client("s1", "").await;
    let flood = flood(sender, &[message("personal", "r1", "x")]);
    for _ in 0..20 {
        // `client` expects AUTH 200 as the first packet.
        let mut recipient = relay.client("r1", "").await;
        recipient.take("x").await;
        // A second AUTH on a socket that messages come to is answered among them.
        let again = json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": "r1"}});
        recipient.send(again).await;
        while recipient.recv().await["cmd"] != "AUTH" {}
    }
    assert!(!flood.is_finished());
    flood.abort();
}
