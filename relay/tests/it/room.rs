//! Memory that is shared by all, and what those do with it who take more than their part: senders faster than the
//! store, strangers with large packets, peers that ask and never read.

use std::time::Duration;

use serde_json::json;
use tidings_relay::{Bounds, Config, Timing};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{Client, Relay, config, impatient, message, within};

/// Several times the room for messages that are being stored.
#[tokio::test]
async fn line_05_a_sender_faster_than_the_store_is_slowed_and_stops_nobody() {
    const COUNT: usize = 20;
    let relay = Relay::with(Config {
        bounds: Bounds {
            storing_bytes: 64 * 1024,
            ..Bounds::default()
        },
        ..impatient()
    })
    .await;
    relay.known("away", "").await;
    let mut senders = Vec::new();
    for name in ["one", "two"] {
        senders.push(relay.client(name, "").await);
    }
    // All of a sender's messages are there before the first is stored.
    let large = message("personal", "away", &"x".repeat(30_000)).to_string();
    for sender in &mut senders {
        for _ in 0..COUNT {
            sender.send_text(&large).await;
        }
    }
    for sender in &mut senders {
        for _ in 0..COUNT {
            sender.expect_reply(json!({"away": "wait"})).await;
        }
    }
}

#[tokio::test]
async fn line_05_a_stranger_may_send_what_an_auth_takes_and_no_more() {
    let relay = Relay::start().await;
    let mut stranger = Client::connect(relay.address).await;
    let large = message("personal", "ann", &"x".repeat(100_000));
    stranger.send(large.clone()).await;
    stranger
        .expect_info("larger than the limit of 65536 bytes")
        .await;
    stranger.expect_close_code(1009).await;
    // Once it is let in, it may.
    let mut client = relay.client("ann", "").await;
    client.send(large).await;
    client.take(&"x".repeat(100_000)).await;
}

#[tokio::test]
async fn line_06_whoever_asks_and_never_reads_is_dropped() {
    let relay = Relay::with(Config {
        timing: Timing {
            stalled_after: Duration::from_secs(1),
            ..config().timing
        },
        ..config()
    })
    .await;
    let mut stream = within(TcpStream::connect(relay.address)).await.unwrap();
    let requests = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    // The relay stops reading when its answers are not taken; then it has had enough.
    within(async { while stream.write_all(&requests).await.is_ok() {} }).await;
}
