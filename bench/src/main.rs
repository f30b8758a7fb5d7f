//! A load generator over the public protocol: one sender, one recipient that confirms, and how
//! many messages a second become `ok`.
//!
//! It knows no relay's internals, so that any server of the protocol can be measured beside ours in
//! the same run. What it prints is one JSON object.

#![expect(clippy::print_stdout, reason = "its figures")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tidings_protocol::client::{Auth, Packet, Send};
use tidings_protocol::server::{AuthReply, Packet as Said};
use tidings_protocol::{Group, Message, Name, Status, Target};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One to one, confirmed: messages a second, and how long one takes.
#[derive(Debug, Parser)]
struct Cli {
    /// The server, a ws:// URL
    #[arg(long, default_value = "ws://127.0.0.1:9093")]
    url: String,
    /// Its token
    #[arg(
        long,
        env = "TIDINGS_TOKEN",
        default_value = "",
        hide_env_values = true
    )]
    token: String,
    /// Messages under way at a time
    #[arg(long, default_value_t = 256)]
    window: usize,
    /// Messages in all
    #[arg(long, default_value_t = 50_000)]
    messages: usize,
    /// Bytes of each message's body
    #[arg(long, default_value_t = 300)]
    bytes: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut recipient = connect(&cli, "bench-recipient").await?;
    let sender = connect(&cli, "bench-sender").await?;
    let confirming = tokio::spawn(async move {
        while let Some(Ok(frame)) = recipient.next().await {
            if let Frame::Text(text) = &frame
                && let Ok(Said::Message(message)) = Said::decode(text)
            {
                recipient
                    .send(Frame::text(Packet::Confirm(message.mid).encode()))
                    .await?;
            }
        }
        anyhow::Ok(())
    });
    let (spent, mut took) = send(&cli, sender).await?;
    confirming.abort();
    took.sort_unstable();
    let at = |part: f64| {
        let last = took.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index of a list, rounded"
        )]
        let index = (last as f64 * part).round() as usize;
        took.get(index).map(|took| took.as_secs_f64() * 1000.0)
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of messages are far below 2^52"
    )]
    let rate = cli.messages as f64 / spent.as_secs_f64();
    println!(
        "{}",
        json!({
            "workload": "one to one, confirmed",
            "window": cli.window,
            "messages": cli.messages,
            "per_second": rate.round(),
            "reply_ms": {"p50": at(0.5), "p99": at(0.99), "max": at(1.0)},
        })
    );
    Ok(())
}

async fn connect(cli: &Cli, name: &str) -> Result<Socket> {
    let (mut socket, _) = connect_async(&cli.url).await.context("cannot connect")?;
    let auth = Auth {
        token: cli.token.clone(),
        name: Name::new(name)?,
        group: Group::none(),
        features: Vec::new(),
    };
    socket
        .send(Frame::text(Packet::Auth(auth).encode()))
        .await?;
    while let Some(frame) = socket.next().await {
        if let Frame::Text(text) = frame?
            && let Said::Auth(reply) = Said::decode(&text)?
        {
            return match reply {
                AuthReply::Accepted(_) => Ok(socket),
                other => bail!("the server does not let us in: {other:?}"),
            };
        }
    }
    bail!("the server closed before it let us in")
}

/// Sends all messages, `window` at a time; gives the time it took, and that of each.
async fn send(cli: &Cli, socket: Socket) -> Result<(Duration, Vec<Duration>)> {
    let to = Name::new("bench-recipient")?;
    let body = "x".repeat(cli.bytes);
    let frame = Packet::Message(Send {
        target: Target::Personal(to),
        message: Message::new("bench", body),
        reference: None,
    })
    .encode();
    let (mut write, mut read) = socket.split();
    let began = Instant::now();
    let mut sent_at = std::collections::VecDeque::new();
    let mut took = Vec::with_capacity(cli.messages);
    let mut sent = 0;
    while took.len() < cli.messages {
        while sent < cli.messages && sent_at.len() < cli.window {
            write.feed(Frame::text(frame.clone())).await?;
            sent_at.push_back(Instant::now());
            sent += 1;
        }
        write.flush().await?;
        let frame = read
            .next()
            .await
            .context("the server closed in the middle")??;
        let Frame::Text(text) = frame else { continue };
        if let Said::Reply(reply) = Said::decode(&text)? {
            if reply.status.iter().any(|(_, status)| *status != Status::Ok) {
                bail!("not every message was confirmed: {:?}", reply.status);
            }
            // One recipient in order: replies come in the order of the messages.
            let since = sent_at.pop_front().context("a reply to nothing")?;
            took.push(since.elapsed());
        }
    }
    Ok((began.elapsed(), took))
}
