//! A WebSocket client of the public protocol: connects, says AUTH, and hands out what comes.

use std::time::Duration;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::cast::{self, Id};
use crate::world::World;

/// A relay that lives answers sooner, however busy it is; one that was killed never does.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the relay said.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A message for this client; `ack` if it is to be acknowledged.
    Message { id: Id, mid: u64, ack: bool },
    /// It is to be acknowledged, still.
    Reminder { id: Id, mid: u64 },
    /// This client's acknowledgement is taken.
    Taken { mid: u64 },
    /// What came of taking back a message of this client.
    Cancelled { id: Id, cancelled: bool },
    /// The outcome of one that it sent; with its own id where it gave one.
    Reply(Reply),
    /// A notice.
    Info(String),
    /// A later change of a message that this client sent.
    Receipt(Receipt),
    /// The answer to a PING.
    Pong,
    /// The connection ended, by either side.
    Gone,
}

/// The outcome of a message.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) reference: Option<Id>,
    pub(crate) mid: u64,
    pub(crate) statuses: Vec<(u8, String)>,
}

/// What became of a message later.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) id: Id,
    pub(crate) mid: u64,
    pub(crate) recipient: u8,
    pub(crate) state: String,
}

impl Receipt {
    /// What confirms it.
    pub(crate) fn callback(&self) -> Value {
        let name = cast::recipient_name(self.recipient);
        let data = json!({"mid": self.mid.to_string(), "name": name, "state": self.state});
        json!({"cmd": "RECEIPT_CALLBACK", "data": data})
    }
}

/// See the module.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The ticket for packets by HTTP.
    pub(crate) ticket: String,
}

impl Socket {
    /// Connects as a client. Fails while no relay runs.
    pub(crate) async fn connect(
        world: &World,
        name: &str,
        group: &str,
        features: &[&str],
    ) -> anyhow::Result<Self> {
        let life = world.life();
        let connecting = async {
            let stream = TcpStream::connect(("127.0.0.1", world.port)).await?;
            stream.set_nodelay(true)?;
            let url = format!("ws://127.0.0.1:{}/", world.port);
            let (stream, _) = client_async(url, stream).await?;
            let ticket = String::new();
            let mut socket = Self { stream, ticket };
            let data = json!({
                "token": world.token, "name": name, "group": group, "features": features,
            });
            socket.send(&json!({"cmd": "AUTH", "data": data})).await?;
            // The first frame is the answer: no message comes before it.
            let text = socket.text().await.context("closed before AUTH")?;
            let answer: Value = serde_json::from_str(&text)?;
            let code = answer.pointer("/data/code").and_then(Value::as_u64);
            anyhow::ensure!(code == Some(200), "AUTH was answered by {text}");
            let ticket = answer.pointer("/data/auth").and_then(Value::as_str);
            socket.ticket = ticket.unwrap_or_default().to_owned();
            Ok(socket)
        };
        let socket = timeout(PATIENCE, connecting).await??;
        anyhow::ensure!(
            world.life() == life,
            "the relay was started again meanwhile"
        );
        Ok(socket)
    }

    pub(crate) async fn send(&mut self, packet: &Value) -> anyhow::Result<()> {
        let text = Message::text(packet.to_string());
        Ok(timeout(PATIENCE, self.stream.send(text)).await??)
    }

    /// Waits for the next frame. Cancel safe.
    pub(crate) async fn next(&mut self, world: &World) -> Frame {
        loop {
            let Some(text) = self.text().await else {
                return Frame::Gone;
            };
            if let Some(frame) = parse(&text) {
                return frame;
            }
            world
                .ledger()
                .odd(format!("a frame of no use: {text:.300}"));
        }
    }

    async fn text(&mut self) -> Option<String> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Says goodbye, without waiting for the answer.
    pub(crate) async fn close(mut self) {
        let _ = timeout(PATIENCE, self.stream.close(None)).await;
    }
}

fn parse(text: &str) -> Option<Frame> {
    let packet: Value = serde_json::from_str(text).ok()?;
    let data = packet.get("data");
    match packet.get("cmd")?.as_str()? {
        kind @ ("MESSAGE" | "REMINDER") => {
            let data = data?;
            let id = Id::parse(data.pointer("/message/text")?.as_str()?)?;
            let reference = data.get("ref").and_then(Value::as_str);
            if reference.is_some_and(|reference| Id::parse(reference) != Some(id)) {
                return None;
            }
            let mid = mid(data)?;
            let ack = data.pointer("/message/extra/ack").is_some();
            Some(match kind {
                "MESSAGE" => Frame::Message { id, mid, ack },
                _ => Frame::Reminder { id, mid },
            })
        }
        "RECEIPT_CALLBACK" => mid(data?).map(|mid| Frame::Taken { mid }),
        "CANCEL" => Some(Frame::Cancelled {
            id: Id::parse(data?.get("ref")?.as_str()?)?,
            cancelled: data?.get("cancelled")?.as_bool()?,
        }),
        "MESSAGE_REPLY" => reply(data?).map(Frame::Reply),
        "RECEIPT" => receipt(data?).map(Frame::Receipt),
        "INFO" => Some(Frame::Info(data?.as_str()?.to_owned())),
        "PONG" => Some(Frame::Pong),
        _ => None,
    }
}

fn receipt(data: &Value) -> Option<Receipt> {
    Some(Receipt {
        id: Id::parse(data.get("ref")?.as_str()?)?,
        mid: mid(data)?,
        recipient: cast::recipient(data.get("name")?.as_str()?)?,
        state: data.get("state")?.as_str()?.to_owned(),
    })
}

/// Reads the data of a MESSAGE_REPLY.
pub(crate) fn reply(data: &Value) -> Option<Reply> {
    let reference = data.get("ref").and_then(Value::as_str);
    let mut statuses = Vec::new();
    for (name, status) in data.get("status")?.as_object()? {
        statuses.push((cast::recipient(name)?, status.as_str()?.to_owned()));
    }
    Some(Reply {
        reference: reference.and_then(Id::parse),
        mid: mid(data)?,
        statuses,
    })
}

/// 13 digits, as the protocol has it.
fn mid(data: &Value) -> Option<u64> {
    let mid = data.get("mid")?.as_str()?;
    (mid.len() == 13).then(|| mid.parse().ok()).flatten()
}
