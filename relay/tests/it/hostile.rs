//! What the relay should not get: garbage, floods, silence. Each time it goes on for everybody else.

use std::time::Duration;

use serde_json::json;
use tidings_relay::{Bounds, Config, Timing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    raw_socket::{RawSocket, assert_works},
    support::{Relay, config, raw, within},
};

#[tokio::test]
async fn a_flood_of_replies_to_a_client_that_does_not_read_is_bounded() {
    let config = Config {
        bounds: Bounds {
            outgoing_bytes: 64 * 1024,
            ..Bounds::default()
        },
        timing: Timing {
            stalled_after: Duration::from_secs(1),
            ..config().timing
        },
        ..config()
    };
    let relay = Relay::with(config).await;
    let mut socket = RawSocket::open(&relay).await;
    socket.auth("flood").await;
    let mut connected = relay.hub.connected();
    within(connected.wait_for(|count| *count == 1))
        .await
        .unwrap();
    let ping = json!({"cmd": "PING", "data": ""}).to_string();
    // Until the relay has had enough: a write then fails or the client is gone.
    let flood = async {
        loop {
            let mut bytes = Vec::new();
            for _ in 0..1000 {
                bytes.extend([0x81, 0x80 | ping.len() as u8, 0, 0, 0, 0]);
                bytes.extend(ping.as_bytes());
            }
            if socket.0.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    within(async {
        tokio::select! {
            () = flood => {}
            _ = connected.wait_for(|count| *count == 0) => {}
        }
    })
    .await;
    assert_works(&relay).await;
}

#[tokio::test]
async fn garbage_instead_of_http_is_no_matter() {
    let relay = Relay::start().await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        &[0; 1000],
    ] {
        let mut stream = within(TcpStream::connect(relay.address)).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
    }
    assert_works(&relay).await;
}

#[tokio::test]
async fn an_upgrade_that_is_none_is_refused() {
    let relay = Relay::start().await;
    let head = |lines: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n{lines}\r\n"
        )
    };
    let old = raw(
        relay.address,
        head("Sec-WebSocket-Version: 8\r\n").as_bytes(),
    )
    .await;
    old.expect_info(426, "version 13");
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    let keyless = raw(
        relay.address,
        head("Sec-WebSocket-Version: 13\r\n").as_bytes(),
    )
    .await;
    keyless.expect_info(400, "Sec-WebSocket-Key");
    assert_works(&relay).await;
}

#[tokio::test]
async fn what_a_client_confirms_last_counts_though_it_hangs_up_at_once() {
    let relay = Relay::start().await;
    for n in 0..20 {
        let mut sender = relay.client("s1", "").await;
        let mut recipient = relay.client("r1", "").await;
        let text = n.to_string();
        sender.message_to("r1", &text).await;
        recipient.take(&text).await;
        recipient.close().await;
        sender.expect_reply(json!({"r1": "ok"})).await;
    }
}
