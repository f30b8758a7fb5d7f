//! Clients of the push protocol over WebSocket, for the relay and the null hub.
//!
//! Confirmed means: the recipient has taken the message and said so, and the sender was told. From the relay
//! that is a MESSAGE_REPLY that says `ok`; the null hub forwards the recipient's MESSAGE_CALLBACK itself.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use memchr::memmem;
use tidings_protocol::client::{Auth, Packet, Send};
use tidings_protocol::server::{AuthReply, Delivery, From, Method, Packet as Said};
use tidings_protocol::{Group, Message, Name, Status, Target};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;

use crate::frame::{self, Incoming, Kind};
use crate::server::Server;
use crate::system::{self, AT_A_TIME, BODY, Recipient, Sender, System, WINDOW};

/// The shared token of the measured relay.
pub(crate) const TOKEN: &str = "the token of the bench";

/// Bytes read at a time: several windows of replies.
const ROOM: usize = 64 * 1024;

/// A server of the protocol that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ws {
    pub(crate) address: SocketAddr,
    /// Whether it is the null hub, to which a sender says what the recipients are to hear.
    pub(crate) null: bool,
}

/// A client's socket.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    incoming: Incoming,
    out: Vec<u8>,
}

/// A client that sends one message again and again.
#[derive(Debug)]
pub(crate) struct WsSender {
    line: Line,
    /// [`WINDOW`] frames of `each` bytes.
    block: Vec<u8>,
    each: usize,
    /// What confirms a message.
    told: Told,
    /// Forwarded confirmations that do not make up a message yet.
    heard: usize,
}

/// How a sender is told of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A reply in which every recipient is `ok`.
    Ok,
    /// A reply at all: the message is kept.
    Kept,
    /// The recipients' own packets, forwarded; so many to a message.
    Forwarded(usize),
}

/// A client that confirms what comes.
#[derive(Debug)]
pub(crate) struct WsRecipient(Line);

impl Ws {
    /// The clients of a server that speaks the protocol.
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            address: server.address,
            null: server.name == system::Name::Null,
        }
    }

    /// Connects a client and waits until it is let in.
    pub(crate) async fn client(&self, name: &str, group: &str) -> Result<Line> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async("ws://bench/", stream).await?;
        let mut line = Line {
            // A server says nothing before AUTH, so the handshake has taken nothing else.
            stream: socket.into_inner(),
            incoming: Incoming::new(ROOM),
            out: Vec::new(),
        };
        let auth = Packet::Auth(Auth {
            token: TOKEN.to_owned(),
            name: Name::new(name)?,
            group: Group::new(group)?,
            features: Vec::new(),
        });
        put(&mut line.out, &auth.encode());
        let mut reply = None;
        line.exchange(|text, _| {
            reply.get_or_insert(Said::decode(std::str::from_utf8(text)?)?);
            Ok(())
        })
        .await?;
        match reply {
            Some(Said::Auth(AuthReply::Accepted(_))) => Ok(line),
            other => bail!("{name} is not let in: {other:?}"),
        }
    }

    async fn sender(&self, room: &str, target: Target, told: Told) -> Result<WsSender> {
        let name = format!("from.{room}");
        let line = self.client(&name, "").await?;
        let message = Message::new("bench", "x".repeat(BODY));
        let packet = if self.null {
            Said::Message(Delivery {
                target,
                from: From {
                    method: Method::WebSocket,
                    name: Some(Name::new(&name)?),
                },
                message,
                mid: "1700000000000".parse()?,
                reference: None,
            })
            .encode()
        } else {
            let reference = None;
            let send = Send {
                target,
                message,
                reference,
            };
            Packet::Message(send).encode()
        };
        let one = frame::whole(&packet);
        Ok(WsSender {
            line,
            block: one.repeat(WINDOW),
            each: one.len(),
            told,
            heard: 0,
        })
    }
}

impl System for Ws {
    type Sender = WsSender;
    type Recipient = WsRecipient;

    async fn pair(&self, room: &str) -> Result<(WsSender, WsRecipient)> {
        let name = format!("to.{room}");
        let recipient = WsRecipient(self.client(&name, "").await?);
        let to = Target::Personal(Name::new(&name)?);
        let told = if self.null {
            Told::Forwarded(1)
        } else {
            Told::Ok
        };
        Ok((self.sender(room, to, told).await?, recipient))
    }

    async fn crowd(&self, room: &str, count: usize) -> Result<(WsSender, Vec<WsRecipient>)> {
        let client = |n| async move { self.client(&format!("to.{room}.{n}"), room).await };
        let recipients = stream::iter(0..count)
            .map(client)
            .buffer_unordered(AT_A_TIME)
            .map_ok(WsRecipient)
            .try_collect()
            .await?;
        let told = if self.null {
            Told::Forwarded(count)
        } else {
            Told::Ok
        };
        let to = Target::Group(Group::new(room)?);
        Ok((self.sender(room, to, told).await?, recipients))
    }

    async fn away(&self, room: &str) -> Result<WsSender> {
        let name = format!("to.{room}");
        drop(self.client(&name, "").await?);
        let to = Target::Personal(Name::new(&name)?);
        self.sender(room, to, Told::Kept).await
    }

    async fn back(&self, room: &str) -> Result<WsRecipient> {
        Ok(WsRecipient(self.client(&format!("to.{room}"), "").await?))
    }

    async fn idle(&self, n: usize) -> Result<TcpStream> {
        Ok(self.client(&format!("to.idle.{n}"), "").await?.stream)
    }
}

impl Sender for WsSender {
    async fn send(&mut self, count: usize) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let now = left.min(WINDOW);
            let block = self.block.get(..now * self.each).unwrap_or_default();
            self.line.stream.write_all(block).await?;
            left -= now;
        }
        Ok(())
    }

    async fn confirmed(&mut self) -> Result<usize> {
        let (told, heard) = (self.told, &mut self.heard);
        let each = if let Told::Forwarded(each) = told {
            each
        } else {
            1
        };
        while *heard < each {
            self.line
                .exchange(|text, _| {
                    match told {
                        Told::Ok => all_ok(text)?,
                        Told::Kept if text.starts_with(REPLY) => {}
                        Told::Forwarded(_) if text.starts_with(CONFIRM.as_bytes()) => {}
                        _ => bail!("unexpected: {}", shown(text)),
                    }
                    *heard += 1;
                    Ok(())
                })
                .await?;
        }
        let whole = *heard / each;
        *heard %= each;
        Ok(whole)
    }
}

impl Recipient for WsRecipient {
    async fn receive(&mut self) -> Result<usize> {
        let mut count = 0;
        while count == 0 {
            self.0
                .exchange(|text, out| {
                    count += 1;
                    confirm(text, out)
                })
                .await?;
        }
        Ok(count)
    }
}

impl Line {
    /// Sends what is to be sent, waits until something came, and hands each text to `each`, with a place
    /// for answers.
    async fn exchange(
        &mut self,
        mut each: impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        self.flush().await?;
        if !self.incoming.fill(&mut self.stream).await? {
            bail!("the server has closed");
        }
        while let Some((kind, payload)) = self.incoming.next()? {
            match kind {
                Kind::Text => each(payload, &mut self.out)?,
                Kind::Ping => frame::put(&mut self.out, Kind::Pong, payload),
                Kind::Pong => {}
                Kind::Close => bail!("the server closes: {}", shown(payload)),
            }
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    frame::put(out, Kind::Text, text.as_bytes());
}

/// The beginning of what a relay answers to a message.
const REPLY: &[u8] = br#"{"cmd":"MESSAGE_REPLY","#;

/// The beginning of a confirmation, up to the mid.
const CONFIRM: &str = r#"{"cmd":"MESSAGE_CALLBACK","data":{"mid":""#;

/// Confirms a message: its mid is copied as it stands. The protocol puts it last, behind all that a sender says.
fn confirm(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    const MID: &[u8] = br#""mid":""#;
    let mid = memmem::rfind(text, MID)
        .filter(|_| text.starts_with(br#"{"cmd":"MESSAGE","#))
        .and_then(|at| text.get(at + MID.len()..))
        .and_then(|rest| rest.split(|byte| *byte == b'"').next())
        .with_context(|| format!("no message: {}", shown(text)))?;
    let mut packet = [0; 128];
    let length = CONFIRM.len() + mid.len() + 3;
    let mut rest = packet.as_mut_slice();
    for part in [CONFIRM.as_bytes(), mid, br#""}}"#] {
        let (place, left) = rest
            .split_at_mut_checked(part.len())
            .context("a mid of unusual length")?;
        place.copy_from_slice(part);
        rest = left;
    }
    let packet = packet.get(..length).unwrap_or_default();
    frame::put(out, Kind::Text, packet);
    Ok(())
}

/// Reads a reply: every recipient has confirmed.
fn all_ok(text: &[u8]) -> Result<()> {
    // With one recipient, one look at the end says it.
    let one = text.len() < 200 && text.ends_with(br#":"ok"}}}"#);
    if !text.starts_with(REPLY) {
        bail!("no reply: {}", shown(text));
    }
    if one {
        return Ok(());
    }
    match Said::decode(std::str::from_utf8(text)?)? {
        Said::Reply(reply) if reply.status.iter().all(|(_, status)| *status == Status::Ok) => {
            Ok(())
        }
        _ => bail!("not confirmed by all: {}", shown(text)),
    }
}

/// The beginning of a text, for errors.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..200).unwrap_or(text)).into_owned()
}
