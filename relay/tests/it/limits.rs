//! Limits per address. As this computer's own programs are not counted, the tests come as a
//! forwarder, or from a listener that says so.

use std::{io, net::SocketAddr, sync::Arc};

use tidings_relay::{Bounds, Config, Hub, Listener, MemoryStore, serve};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::support::{Answer, Relay, TOKEN, config, http, raw, within};

pub(crate) fn behind_a_proxy(bounds: Bounds) -> Config {
    Config {
        trusted_forwarders: vec!["127.0.0.1/32".parse().unwrap()],
        bounds,
        ..config()
    }
}

pub(crate) async fn get(relay: &Relay, path: &str, token: &str, from: &str) -> Answer {
    let headers = [("authorization", token), ("x-forwarded-for", from)];
    http(relay.address, "GET", path, &headers, "").await
}

#[tokio::test]
async fn requests_are_slowed_per_address() {
    let relay = Relay::with(behind_a_proxy(Bounds {
        requests_at_once: 2,
        requests_per_second: 1,
        ..Bounds::default()
    }))
    .await;
    // Faster than one a second, sooner or later one too many.
    let slowed = async {
        loop {
            let answer = get(&relay, "/x.send", TOKEN, "192.0.2.1").await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let slowed = within(slowed).await;
    slowed.expect_info(429, "too many requests from your address");
    assert_eq!(slowed.header("retry-after"), Some("1"));
    let other = get(&relay, "/x.send", TOKEN, "192.0.2.2").await;
    assert_eq!(other.status, 200, "{other:?}");
}

#[tokio::test]
async fn websockets_through_a_proxy_have_a_limit_per_address() {
    let relay = Relay::with(behind_a_proxy(Bounds {
        connections_per_address: 1,
        ..Bounds::default()
    }))
    .await;
    let upgrade = |from: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             X-Forwarded-For: {from}\r\n\r\n"
        )
    };
    let open = async |from: &str| {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = within(TcpStream::connect(relay.address)).await.unwrap();
        stream.write_all(upgrade(from).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        within(stream.read_exact(&mut first)).await.unwrap();
        (stream, String::from_utf8_lossy(&first).into_owned())
    };
    let (held, first) = open("192.0.2.1").await;
    assert_eq!(first, "HTTP/1.1 101");
    let second = within(open("192.0.2.1")).await.1;
    assert_eq!(second, "HTTP/1.1 429");
    assert_eq!(open("192.0.2.2").await.1, "HTTP/1.1 101");
    drop(held);
    within(async { while open("192.0.2.1").await.1 != "HTTP/1.1 101" {} }).await;
}

/// Everybody comes from the same place on the network.
struct FromAfar(TcpListener);

impl Listener for FromAfar {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, _) = self.0.accept().await?;
        Ok((stream, ([192, 0, 2, 1], 1).into()))
    }
}

#[tokio::test]
async fn connections_from_one_address_have_a_limit() {
    let config = Config {
        bounds: Bounds {
            connections_per_address: 1,
            ..Bounds::default()
        },
        ..config()
    };
    let hub = Hub::open(config, Arc::new(MemoryStore::new()))
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve(hub, FromAfar(listener), shutdown.clone()));
    let first = within(TcpStream::connect(address)).await.unwrap();
    let mut second = within(TcpStream::connect(address)).await.unwrap();
    // Closed as it came; a reset says the same.
    assert!(!matches!(within(second.read(&mut [0; 16])).await, Ok(1..)));
    drop(first);
    let served = async {
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            let mut answer = Vec::new();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, request).await;
            let _ = stream.read_to_end(&mut answer).await;
            if answer.starts_with(b"HTTP/1.1 200") {
                return;
            }
        }
    };
    within(served).await;
    shutdown.cancel();
    within(server).await.unwrap();
}

#[tokio::test]
async fn a_garbled_forwarded_address_is_no_way_in() {
    let relay = Relay::with(behind_a_proxy(Bounds::default())).await;
    for value in ["", ",,,", "unknown", "192.0.2.1, \u{ff}", "[::1"] {
        let request = format!(
            "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: {value}\r\n\r\n"
        );
        let answer = raw(relay.address, request.as_bytes()).await;
        assert_eq!(answer.status, 200, "{value}: {answer:?}");
    }
}
