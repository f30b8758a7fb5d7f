//! Packets from client to server.

mod frequent;

use serde_json::{Value, json};

use crate::decode::{self, DecodeError, text_field};
use crate::{Cancel, Change, Feature, Group, Message, Mid, Name, Ref, Report, Target, limits};

/// One packet of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// `AUTH`: first packet on a socket; authenticates and registers the identity.
    Auth(Auth),
    /// `MESSAGE`: send to a client or a group.
    Message(Send),
    /// `MESSAGE_CALLBACK`: confirms a received MESSAGE.
    Confirm(Mid),
    /// `MESSAGE_FCM_CALLBACK`: confirms a message that came by Web Push.
    ConfirmPush(Mid),
    /// `REGISTER_FCM`, or `REGISTER_WEBPUSH` of the later version: a Web Push subscription.
    RegisterPush(Subscription),
    /// `PING`: for clients that cannot send WebSocket pings.
    Ping,
    /// `RECEIPT`: what became of a message that this client received (`receipts`).
    Report(Report),
    /// `RECEIPT_CALLBACK`: confirms a RECEIPT (`receipts`).
    TakeReceipt(Change),
    /// `DIRECTORY`: who is known, from now on (`directory`).
    Directory,
    /// `SCHEDULED`: what is held of this client's messages (`delay`).
    Scheduled {
        /// Only what follows this one.
        after: Option<Mid>,
    },
    /// `CANCEL`: a message that is held is not to be delivered (`delay`).
    Cancel(Cancel),
}

/// Who a client says it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// The shared secret.
    pub token: String,
    /// The client's name.
    pub name: Name,
    /// Its group; may be the empty one.
    pub group: Group,
    /// The extensions of section 4 that it speaks.
    pub features: Vec<String>,
}

impl std::fmt::Debug for Auth {
    /// Leaves the token out: packets are logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("name", &self.name)
            .field("group", &self.group)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

/// What a client wants delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
    /// To whom.
    pub target: Target,
    /// What.
    pub message: Message,
    /// The sender's own id for it, where the relay knows `ref` (section 4).
    pub reference: Option<Ref>,
}

/// A Web Push subscription, as a browser's `pushManager.subscribe` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The push service's address for it.
    pub endpoint: String,
    /// base64url, 16 bytes.
    pub auth: String,
    /// base64url, 65 bytes: an uncompressed P-256 point.
    pub p256dh: String,
}

/// A packet posted by HTTP, with the ticket of an earlier AUTH if it carried one.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The packet.
    pub packet: Packet,
    /// The ticket.
    pub ticket: Option<String>,
}

impl Packet {
    /// The extension that it belongs to; none for packets of the base protocol.
    #[must_use]
    pub fn feature(&self) -> Option<Feature> {
        match self {
            Self::Report(_) | Self::TakeReceipt(_) => Some(Feature::Receipts),
            Self::Directory => Some(Feature::Directory),
            Self::Scheduled { .. } | Self::Cancel(_) => Some(Feature::Delay),
            _ => None,
        }
    }

    /// Reads one text frame.
    ///
    /// # Errors
    /// [`DecodeError`]; its text is fit for an INFO.
    pub fn decode(frame: &str) -> Result<Self, DecodeError> {
        Ok(Posted::decode(frame)?.packet)
    }

    /// Writes one text frame.
    #[must_use]
    pub fn encode(&self) -> String {
        let value = match self {
            Self::Auth(auth) => {
                let mut data = json!({"token": auth.token, "name": auth.name, "group": auth.group});
                if !auth.features.is_empty() {
                    decode::insert(&mut data, "features", &auth.features);
                }
                json!({"cmd": "AUTH", "data": data})
            }
            Self::Message(send) => {
                let mut data = json!({
                    "sendType": send.target.send_type(),
                    "target": send.target.as_str(),
                    "message": send.message.to_value(),
                });
                if let Some(reference) = &send.reference {
                    decode::insert(&mut data, "ref", reference);
                }
                json!({"cmd": "MESSAGE", "data": data})
            }
            Self::Confirm(mid) => json!({"cmd": "MESSAGE_CALLBACK", "data": {"mid": mid}}),
            Self::ConfirmPush(mid) => json!({"cmd": "MESSAGE_FCM_CALLBACK", "data": {"mid": mid}}),
            Self::RegisterPush(s) => json!({"cmd": "REGISTER_FCM", "data": {
                "endpoint": s.endpoint,
                "expirationTime": null,
                "keys": {"auth": s.auth, "p256dh": s.p256dh},
            }}),
            Self::Ping => json!({"cmd": "PING"}),
            Self::Report(report) => json!({"cmd": "RECEIPT", "data": report.to_value()}),
            Self::TakeReceipt(change) => {
                json!({"cmd": "RECEIPT_CALLBACK", "data": change.to_value()})
            }
            Self::Directory => json!({"cmd": "DIRECTORY"}),
            Self::Scheduled { after: None } => json!({"cmd": "SCHEDULED"}),
            Self::Scheduled { after: Some(mid) } => {
                json!({"cmd": "SCHEDULED", "data": {"after": mid}})
            }
            Self::Cancel(cancel) => json!({"cmd": "CANCEL", "data": cancel.to_value()}),
        };
        value.to_string()
    }
}

impl Posted {
    /// Reads a packet and its ticket.
    ///
    /// # Errors
    /// [`DecodeError`]; its text is fit for an INFO.
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        if body.len() <= limits::FRAME_BYTES
            && let Some(packet) = frequent::read(body)
        {
            let ticket = None;
            return Ok(Self { packet, ticket });
        }
        Self::decode_any(body)
    }

    /// The same for packets of every shape.
    fn decode_any(body: &str) -> Result<Self, DecodeError> {
        let decode::Envelope { cmd, data, auth } = decode::envelope(body, limits::FRAME_BYTES)?;
        let packet = match cmd.as_str() {
            "AUTH" => Packet::Auth(auth_of(&data)?),
            "MESSAGE" => Packet::Message(send_of(&data)?),
            "MESSAGE_CALLBACK" => Packet::Confirm(mid_of(&data)?),
            "MESSAGE_FCM_CALLBACK" => Packet::ConfirmPush(mid_of(&data)?),
            "REGISTER_FCM" | "REGISTER_WEBPUSH" => Packet::RegisterPush(subscription_of(&data)?),
            "PING" => Packet::Ping,
            "RECEIPT" => Packet::Report(Report::read(&data)?),
            "RECEIPT_CALLBACK" => Packet::TakeReceipt(Change::read(&data)?),
            "DIRECTORY" => Packet::Directory,
            "SCHEDULED" => Packet::Scheduled {
                after: after_of(&data)?,
            },
            "CANCEL" => Packet::Cancel(Cancel::read(&data)?),
            _ => return Err(DecodeError::UnknownCommand(cmd)),
        };
        Ok(Self {
            packet,
            ticket: auth,
        })
    }
}

fn auth_of(data: &Value) -> Result<Auth, DecodeError> {
    let name = text_field(data, "name");
    if name.is_empty() {
        return Err(DecodeError::Missing("name"));
    }
    let features = data
        .get("features")
        .and_then(Value::as_array)
        .map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    Ok(Auth {
        token: text_field(data, "token"),
        name: Name::new(name)?,
        group: Group::new(text_field(data, "group"))?,
        features,
    })
}

fn send_of(data: &Value) -> Result<Send, DecodeError> {
    let target = text_field(data, "target");
    if target.is_empty() {
        return Err(DecodeError::Missing("target"));
    }
    let target = match data.get("sendType").and_then(Value::as_str) {
        Some("personal") => Target::Personal(Name::new(target)?),
        Some("group") => Target::Group(Group::new(target)?),
        _ => return Err(DecodeError::SendType),
    };
    let reference = match data.get("ref").and_then(Value::as_str) {
        Some(reference) if !reference.is_empty() => Some(Ref::new(reference)?),
        _ => None,
    };
    Ok(Send {
        target,
        message: decode::message_field(data),
        reference,
    })
}

pub(crate) fn mid_of(data: &Value) -> Result<Mid, DecodeError> {
    let mid = text_field(data, "mid");
    if mid.is_empty() {
        return Err(DecodeError::Missing("mid"));
    }
    Ok(Mid::new(mid)?)
}

fn after_of(data: &Value) -> Result<Option<Mid>, DecodeError> {
    let after = text_field(data, "after");
    Ok(if after.is_empty() {
        None
    } else {
        Some(Mid::new(after)?)
    })
}

fn subscription_of(data: &Value) -> Result<Subscription, DecodeError> {
    let endpoint = text_field(data, "endpoint");
    if endpoint.is_empty() {
        return Err(if data.get("token").is_some() {
            DecodeError::FirebaseToken
        } else {
            DecodeError::Missing("endpoint")
        });
    }
    let keys = data.get("keys").filter(|keys| keys.is_object());
    let keys = keys.ok_or(DecodeError::Missing("keys"))?;
    Ok(Subscription {
        endpoint,
        auth: text_field(keys, "auth"),
        p256dh: text_field(keys, "p256dh"),
    })
}
