//! Scripts that send by HTTP and wait for the confirmation, each with one request at a time, to a recipient on
//! a WebSocket. On connections that stay, and on a new one for each request.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::flood::{Seen, measure};
use crate::scale::Scale;
use crate::server::Server;
use crate::system::{BODY, Recipient as _, System as _};
use crate::ws::{TOKEN, Ws};

/// Senders at a time.
const SENDERS: usize = 16;

/// Floods a relay by HTTP.
pub(crate) async fn http(
    system: &Ws,
    server: &Server,
    keep_alive: bool,
    scale: &Scale,
) -> Result<Seen> {
    let mut recipient = system.back("http").await?;
    let confirmed = Rc::new(Cell::new(0));
    let mut clients = JoinSet::new();
    clients.spawn_local(async move {
        loop {
            recipient.receive().await?;
        }
    });
    let body = "x".repeat(BODY);
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let request = format!(
        "GET /to.http.send?text=bench&desp={body} HTTP/1.1\r\nHost: bench\r\n\
         Authorization: {TOKEN}\r\nConnection: {connection}\r\n\r\n"
    );
    for _ in 0..SENDERS {
        let (request, confirmed) = (request.clone(), Rc::clone(&confirmed));
        let address = system.address;
        clients.spawn_local(async move {
            let mut kept = None;
            loop {
                let mut stream = match kept.take() {
                    Some(stream) => stream,
                    None => connect(address).await?,
                };
                stream.write_all(request.as_bytes()).await?;
                answer(&mut stream).await?;
                confirmed.set(confirmed.get() + 1);
                kept = keep_alive.then_some(stream);
            }
        });
    }
    measure(&mut clients, &confirmed, server, scale).await
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one answer, which must say that the message was confirmed.
async fn answer(stream: &mut TcpStream) -> Result<()> {
    let mut bytes = Vec::with_capacity(1024);
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("closed without an answer");
        }
        if let Some(end) = memmem::find(&bytes, b"\r\n\r\n") {
            break (end + 4, length(bytes.get(..end).unwrap_or_default())?);
        }
    };
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("closed within an answer");
        }
    }
    if !bytes.ends_with(br#":"ok"}}}"#) {
        bail!("not confirmed: {}", String::from_utf8_lossy(&bytes));
    }
    Ok(())
}

fn length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    Ok(length
        .context("an answer without a length")?
        .trim()
        .parse()?)
}
