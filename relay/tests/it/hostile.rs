//! What the relay should not get: garbage, floods, silence. Each time it goes on for everybody else.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tidings_protocol::limits::FRAME_BYTES;
use tidings_relay::{Bounds, Config, Durability, SqliteStore, Timing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Client, DEADLINE, Relay, TOKEN, config, impatient, message, raw, within};

/// A WebSocket without a library: what is written is written as it is.
struct RawSocket(TcpStream);

impl RawSocket {
    async fn open(relay: &Relay) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // So that little fits between the two when this end does not read.
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = within(socket.connect(relay.address)).await.unwrap();
        let head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within(stream.read_u8()).await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        Self(stream)
    }

    async fn write(&mut self, bytes: &[u8]) {
        // The relay may have closed already: that is what it should do.
        let _ = within(self.0.write_all(bytes)).await;
    }

    /// A masked frame with the first byte given.
    async fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | len as u8),
            len @ 126..=65535 => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            len => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        // A mask of zeros leaves the payload as it is.
        bytes.extend([0; 4]);
        bytes.extend(payload);
        self.write(&bytes).await;
    }

    async fn auth(&mut self, name: &str) {
        let auth = json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": name}});
        self.frame(0x81, auth.to_string().as_bytes()).await;
        self.read_until("Successful authentication").await;
    }

    async fn read_until(&mut self, text: &str) {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut buffer = [0; 4096];
            let count = within(self.0.read(&mut buffer)).await.unwrap();
            assert!(count > 0, "closed before {text}");
            seen.extend_from_slice(&buffer[..count]);
        }
    }

    /// Waits until the relay has closed.
    async fn closed(mut self) {
        let mut rest = Vec::new();
        let _ = within(self.0.read_to_end(&mut rest)).await;
    }
}

/// The relay serves somebody else as if nothing had happened.
async fn assert_works(relay: &Relay) {
    let mut client = relay.client("witness", "").await;
    client.message_to("witness", "still here").await;
    client.take("still here").await;
    client.expect_reply(json!({"witness": "ok"})).await;
}

#[tokio::test]
async fn section_3_line_11_no_frame_ends_the_process() {
    let relay = Relay::start().await;
    let violations: [(&str, &[u8]); 8] = [
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
    ];
    for (what, bytes) in violations {
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
async fn section_3_line_11_a_replaced_socket_that_misbehaves_harms_nobody() {
    let relay = Relay::start().await;
    let mut old = RawSocket::open(&relay).await;
    old.auth("twin").await;
    let mut new = relay.client("twin", "").await;
    old.write(&[0x83, 0x80, 0, 0, 0, 0]).await;
    old.closed().await;
    new.message_to("twin", "x").await;
    new.take("x").await;
    new.expect_reply(json!({"twin": "ok"})).await;
}

#[tokio::test]
async fn section_3_line_5_an_oversized_frame_is_told_and_closed() {
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
async fn section_3_line_6_a_client_that_stops_reading_is_dropped_and_its_messages_are_kept() {
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
async fn a_flood_of_replies_to_a_client_that_does_not_read_is_bounded() {
    let config = Config {
        bounds: Bounds {
            outgoing_bytes: 64 * 1024,
            ..Bounds::default()
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
async fn section_3_line_5_a_request_that_does_not_come_is_given_up() {
    let config = Config {
        timing: Timing {
            request: Duration::from_secs(1),
            ..config().timing
        },
        ..config()
    };
    let relay = Relay::with(config).await;
    // A head that is never finished, and one that is never begun.
    for begun in ["GET /ann.send HTTP/1.1\r\nHost:", ""] {
        let mut stream = within(TcpStream::connect(relay.address)).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
    }
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Length: 100\r\n\r\n{{"
    );
    raw(relay.address, head.as_bytes())
        .await
        .expect_info(408, "did not come in time");
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

#[tokio::test]
async fn section_3_line_1_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteStore::open(folder.path(), Durability::Os).unwrap());
    let relay = Relay::on(impatient(), open()).await;
    let id = relay.hub.id().to_owned();
    let mut first = relay.client("m1", "G").await;
    relay.known("m2", "G").await;
    let mut sender = Client::connect(relay.address).await;
    let ticket = sender.auth("s1", "").await["auth"].clone();
    sender.message_to_group("G", "kept").await;
    let mid = first.take("kept").await;
    sender.expect_reply(json!({"m1": "ok", "m2": "wait"})).await;
    relay.stop().await;

    let relay = Relay::on(impatient(), open()).await;
    assert_eq!(relay.hub.id(), id);
    let mut first = relay.client("m1", "G").await;
    first.expect_nothing().await;
    let mut second = relay.client("m2", "G").await;
    assert_eq!(second.take("kept").await, mid);
    // Names, groups and tickets hold.
    let mut packet = message("group", "G", "again");
    packet["auth"] = ticket;
    let post = relay.post("/", &packet);
    let (answer, later, _) = tokio::join!(post, first.take("again"), second.take("again"));
    answer.expect_status(json!({"m1": "ok", "m2": "ok"}));
    assert!(later > mid);
}
