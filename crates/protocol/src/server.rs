//! Packets from server to client.

mod frequent;

use serde_json::{Map, Value, json};

use crate::client::mid_of;
pub(crate) use frequent::message_data;

use crate::decode::{self, DecodeError, text_field};
use crate::{
    Cancelled, Change, Directory, Group, Message, Mid, Name, Receipt, Ref, Reminder, Scheduled,
    Status, Statuses, Target, limits,
};

/// One packet of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// `AUTH`: the outcome of the client's AUTH, or 401 to anything sent before it.
    Auth(AuthReply),
    /// `MESSAGE`: a message for this client, to be confirmed at once.
    Message(Delivery),
    /// `MESSAGE_REPLY`: the outcome of a MESSAGE this client sent.
    Reply(Reply),
    /// `INFO`: a notice for people.
    Info(String),
    /// `PONG`.
    Pong,
    /// `RECEIPT`: a later change of a message (`receipts`).
    Receipt(Receipt),
    /// `RECEIPT_CALLBACK`: this client's report is durable (`receipts`).
    ReportTaken(Change),
    /// `DIRECTORY`: some who are known (`directory`).
    Directory(Directory),
    /// `SCHEDULED`: some messages that are held (`delay`).
    Scheduled(Scheduled),
    /// `CANCEL`: what came of it (`delay`).
    Cancelled(Cancelled),
    /// `REMINDER`: a message is not acknowledged yet (`ack`).
    Reminder(Box<Reminder>),
    /// A command of another version, to be passed over.
    Unknown(String),
}

/// The server's AUTH.
#[derive(Clone, PartialEq, Eq)]
pub enum AuthReply {
    /// 200.
    Accepted(Welcome),
    /// 401: not yet authenticated.
    NeedAuth(String),
    /// 403, and any code this version does not know: refused, with the reason.
    Refused(String),
}

/// What comes with AUTH 200.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Welcome {
    /// The message for people.
    pub msg: String,
    /// A ticket for packets sent by HTTP POST.
    pub ticket: Option<String>,
    /// The VAPID public key: base64url, 87 characters.
    pub push_key: Option<String>,
    /// The extensions of section 4 that the server speaks.
    pub features: Vec<String>,
    /// `tidings-relay/VERSION`, from a relay of ours.
    pub server: Option<String>,
    /// The relay's stable id, from a relay of ours.
    pub relay: Option<String>,
}

impl std::fmt::Debug for Welcome {
    /// Leaves the ticket out: packets are logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Welcome")
            .field("msg", &self.msg)
            .field("features", &self.features)
            .field("server", &self.server)
            .field("relay", &self.relay)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AuthReply {
    /// Leaves the ticket out, as [`Welcome`] does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accepted(welcome) => f.debug_tuple("Accepted").field(welcome).finish(),
            Self::NeedAuth(msg) => write!(f, "NeedAuth({msg:?})"),
            Self::Refused(msg) => write!(f, "Refused({msg:?})"),
        }
    }
}

/// By which way a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// By an HTTP request.
    Http,
    /// Over a WebSocket.
    WebSocket,
}

impl Method {
    /// The protocol's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::WebSocket => "websocket",
        }
    }
}

/// Who sent a message; HTTP senders without a ticket have no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// By which way.
    pub method: Method,
    /// The sender's name.
    pub name: Option<Name>,
}

/// A message on its way to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// To whom it was sent.
    pub target: Target,
    /// By whom.
    pub from: From,
    /// What.
    pub message: Message,
    /// Its id, to be confirmed.
    pub mid: Mid,
    /// The sender's own id for it (section 4).
    pub reference: Option<Ref>,
}

/// The outcome of a MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The id that the server gave it.
    pub mid: Mid,
    /// Per recipient.
    pub status: Statuses,
    /// The sender's own id for it, echoed (section 4).
    pub reference: Option<Ref>,
}

impl Packet {
    /// Reads one text frame.
    ///
    /// # Errors
    /// [`DecodeError`]; an unknown command is not one, see [`Packet::Unknown`].
    pub fn decode(frame: &str) -> Result<Self, DecodeError> {
        let decode::Envelope { cmd, data, .. } =
            decode::envelope(frame, limits::SERVER_FRAME_BYTES)?;
        Ok(match cmd.as_str() {
            "AUTH" => Self::Auth(auth_reply_of(&data)),
            "MESSAGE" => Self::Message(delivery_of(&data)?),
            "MESSAGE_REPLY" => Self::Reply(reply_of(&data)?),
            "INFO" => Self::Info(decode::lenient_text(&data)),
            "PONG" => Self::Pong,
            "RECEIPT" => Self::Receipt(Receipt::read(&data)?),
            "RECEIPT_CALLBACK" => Self::ReportTaken(Change::read(&data)?),
            "DIRECTORY" => Self::Directory(Directory::read(&data)),
            "SCHEDULED" => Self::Scheduled(Scheduled::read(&data)),
            "CANCEL" => Self::Cancelled(Cancelled::read(&data)),
            "REMINDER" => Self::Reminder(Box::new(Reminder::read(&data)?)),
            _ => Self::Unknown(cmd),
        })
    }

    /// Writes one text frame, keys in the reference's order.
    #[must_use]
    pub fn encode(&self) -> String {
        let value = match self {
            Self::Message(delivery) => return frequent::message(delivery),
            Self::Reply(reply) => return frequent::reply(reply),
            Self::Auth(reply) => json!({"cmd": "AUTH", "data": auth_reply_value(reply)}),
            Self::Info(text) => json!({"cmd": "INFO", "data": text}),
            Self::Pong => json!({"cmd": "PONG", "data": ""}),
            Self::Receipt(receipt) => json!({"cmd": "RECEIPT", "data": receipt.to_value()}),
            Self::ReportTaken(change) => {
                json!({"cmd": "RECEIPT_CALLBACK", "data": change.to_value()})
            }
            Self::Directory(some) => json!({"cmd": "DIRECTORY", "data": some.to_value()}),
            Self::Scheduled(some) => json!({"cmd": "SCHEDULED", "data": some.to_value()}),
            Self::Cancelled(done) => json!({"cmd": "CANCEL", "data": done.to_value()}),
            Self::Reminder(reminder) => json!({"cmd": "REMINDER", "data": reminder.to_value()}),
            Self::Unknown(cmd) => json!({"cmd": cmd}),
        };
        value.to_string()
    }
}

impl Delivery {
    /// Writes it as a MESSAGE, one text frame.
    #[must_use]
    pub fn encode(&self) -> String {
        frequent::message(self)
    }
}

fn auth_reply_value(reply: &AuthReply) -> Value {
    match reply {
        AuthReply::NeedAuth(msg) => json!({"code": 401, "msg": msg}),
        AuthReply::Refused(msg) => json!({"code": 403, "msg": msg}),
        AuthReply::Accepted(welcome) => {
            let mut data = Map::new();
            data.insert("code".into(), json!(200));
            if let Some(ticket) = &welcome.ticket {
                data.insert("auth".into(), json!(ticket));
            }
            data.insert("msg".into(), json!(welcome.msg));
            if let Some(key) = &welcome.push_key {
                // The later version reads the second name.
                data.insert("fcmServerKey".into(), json!(key));
                data.insert("webpushPublicKey".into(), json!(key));
            }
            if !welcome.features.is_empty() {
                data.insert("features".into(), json!(welcome.features));
            }
            if let Some(server) = &welcome.server {
                data.insert("server".into(), json!(server));
            }
            if let Some(relay) = &welcome.relay {
                data.insert("relay".into(), json!(relay));
            }
            Value::Object(data)
        }
    }
}

fn auth_reply_of(data: &Value) -> AuthReply {
    let msg = text_field(data, "msg");
    let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
    match data.get("code").and_then(Value::as_i64) {
        Some(200) => AuthReply::Accepted(Welcome {
            msg,
            ticket: text("auth"),
            push_key: text("fcmServerKey").or_else(|| text("webpushPublicKey")),
            features: data
                .get("features")
                .and_then(Value::as_array)
                .map(|list| {
                    list.iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default(),
            server: text("server"),
            relay: text("relay"),
        }),
        Some(401) => AuthReply::NeedAuth(msg),
        _ => AuthReply::Refused(msg),
    }
}

pub(crate) fn delivery_of(data: &Value) -> Result<Delivery, DecodeError> {
    let target = text_field(data, "target");
    let target = match data.get("sendType").and_then(Value::as_str) {
        Some("personal") => Target::Personal(Name::new(target)?),
        Some("group") => Target::Group(Group::new(target)?),
        _ => return Err(DecodeError::SendType),
    };
    let from = data.get("from").unwrap_or(&Value::Null);
    let method = match from.get("method").and_then(Value::as_str) {
        Some("websocket") => Method::WebSocket,
        _ => Method::Http,
    };
    Ok(Delivery {
        target,
        // A name this version would not take is no reason to lose the message.
        from: From {
            method,
            name: Name::new(text_field(from, "name")).ok(),
        },
        message: decode::message_field(data),
        mid: mid_of(data)?,
        reference: reference_of(data),
    })
}

fn reply_of(data: &Value) -> Result<Reply, DecodeError> {
    let status = data
        .get("status")
        .and_then(Value::as_object)
        .map(|map| {
            map.iter()
                .filter_map(|(name, status)| {
                    let status = Status::from_word(&decode::lenient_text(status));
                    Some((Name::new(name).ok()?, status))
                })
                .collect()
        })
        .unwrap_or_default();
    Ok(Reply {
        mid: mid_of(data)?,
        status,
        reference: reference_of(data),
    })
}

pub(crate) fn reference_of(data: &Value) -> Option<Ref> {
    Ref::new(data.get("ref")?.as_str()?).ok()
}
