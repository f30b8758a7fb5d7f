//! Many connections at once: clients that do nothing, strangers that say nothing, or never finish saying it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::relay::Relay;
use crate::{Cli, Figures, client};

/// Connections made at a time: the system's queue of new ones holds some more.
const AT_A_TIME: usize = 64;

const CLIENTS: usize = 5000;
/// Bytes that an idle client may cost: a task of 3 KiB, the state of its connection, small buffers, its name in a
/// few tables, and what the allocator loses. With this, 10,000 of them fit in a machine of 128 MiB.
const PER_CLIENT: u64 = 9 * 1024;

const STRANGERS: usize = 1000;
/// The same for one who never comes in: all of the above but the client.
const PER_STRANGER: u64 = 20 * 1024;
/// The relay's deadline for AUTH.
const AUTH: Duration = Duration::from_secs(30);

/// Unfinished heads, bodies and frames, of each so many.
const SLOW: usize = 500;
/// Of a body that never ends this much is sent: nearly all that the relay would take.
const BODY: usize = 1_000_000;
/// Connections that ask and take no answer. They are few, as the system's buffers take millions of answers
/// first, and those of one computer are made as fast as it can.
const READING_NOTHING: usize = 50;
/// Pipelined requests of one connection that takes no answers: far more than fit into the system's buffers.
const PIPELINED: usize = 50_000;
/// Large bodies of strangers that are read at once, by the relay's own bound (32 MiB); and for each connection
/// what came of it and what goes out to it, 64 KiB each.
const SLOW_PEAK: u64 = 32 * 1024 * 1024 + (3 * SLOW + READING_NOTHING) as u64 * 128 * 1024;
/// The relay's deadlines for a head and a body are 10 s each, that for taking an answer is 60 s.
const SLOW_GONE: Duration = Duration::from_secs(80);

/// How late the relay may be with a deadline on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// Clients that are let in and then only listen.
pub(crate) async fn idle(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let to = relay.address;
    let before = relay.forget_peak()?;
    let clients: Vec<_> = stream::iter(0..CLIENTS)
        .map(|n| async move { client::client(to, &format!("idle{n}")).await })
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    let mut figures = Figures::of(&relay, before)?;
    let each = figures.grown_at_peak() / CLIENTS as u64;
    figures.tell(format!("{each} bytes a client"));
    figures.hold("bytes a client", each, PER_CLIENT);
    let connected = relay.gauge("clients").await?;
    figures.require("all are connected", connected == CLIENTS as u64);
    drop(clients);
    // The one that asks is a connection itself.
    relay.until("connections", 1, LATE).await?;
    figures.after = relay.memory()?;
    Ok(figures)
}

/// Connections that become WebSockets and say nothing.
pub(crate) async fn strangers(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let to = relay.address;
    let before = relay.forget_peak()?;
    let strangers: Vec<_> = stream::iter(0..STRANGERS)
        .map(|_| async move { client::open(TcpStream::connect(to).await?).await })
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    let gone = relay.until("connections", 1, AUTH + LATE).await?;
    let mut figures = Figures::of(&relay, before)?;
    let each = figures.grown_at_peak() / STRANGERS as u64;
    figures.tell(format!("{each} bytes each"));
    figures.tell(format!("all gone after {:.0} s", gone.as_secs_f64()));
    figures.hold("bytes each", each, PER_STRANGER);
    drop(strangers);
    Ok(figures)
}

/// Heads that come a byte at a time, bodies that stop before their end, frames likewise before AUTH, and answers
/// that are not taken.
pub(crate) async fn slow_requests(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let to = relay.address;
    let before = relay.forget_peak()?;
    let (mut heads, mut others) = (Vec::new(), Vec::new());
    for n in 0..SLOW {
        heads.push(send(to, b"GET /ann.send?text=").await?);
        others.push(send(to, &unfinished_body(n)).await?);
        others.push(unfinished_frame(to).await?);
    }
    let answers = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(PIPELINED);
    for _ in 0..READING_NOTHING {
        others.push(send(to, &answers).await?);
    }
    let trickle = async {
        loop {
            for head in &mut heads {
                // The relay has closed those whose time is over.
                let _ = head.write_all(b"x").await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let gone = tokio::select! {
        gone = relay.until("connections", 1, SLOW_GONE) => gone,
        () = trickle => unreachable!("it goes on for ever"),
    };
    let mut figures = Figures::of(&relay, before)?;
    match gone {
        Ok(gone) => figures.tell(format!("all gone after {:.0} s", gone.as_secs_f64())),
        Err(error) => figures.require(&format!("all are gone: {error}"), false),
    }
    let grown = figures.grown_at_peak();
    figures.hold("the peak's growth", grown, SLOW_PEAK);
    drop(others);
    Ok(figures)
}

/// A connection on which these bytes were sent, as far as the relay took them.
async fn send(to: SocketAddr, bytes: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(to).await?;
    let _ = timeout(Duration::from_millis(100), stream.write_all(bytes)).await;
    Ok(stream)
}

/// A packet that lacks its end; every other one does not say how long it will be.
fn unfinished_body(n: usize) -> Vec<u8> {
    let (length, chunk) = if n.is_multiple_of(2) {
        (format!("Content-Length: {}", BODY + 1), String::new())
    } else {
        (
            "Transfer-Encoding: chunked".to_owned(),
            format!("{:x}\r\n", BODY + 1),
        )
    };
    let mut bytes = format!("POST / HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n{chunk}").into_bytes();
    bytes.resize(bytes.len() + BODY, b' ');
    bytes
}

/// A WebSocket frame that lacks its end, from somebody who was not let in.
async fn unfinished_frame(to: SocketAddr) -> Result<TcpStream> {
    let mut stream = client::open(TcpStream::connect(to).await?)
        .await?
        .into_inner();
    let mut frame = vec![0x81, 0xFF];
    frame.extend((BODY as u64 + 1).to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + BODY, b' ');
    let _ = timeout(Duration::from_millis(100), stream.write_all(&frame)).await;
    Ok(stream)
}
