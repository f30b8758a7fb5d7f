//! What both directions of decoding share: the envelope, the errors in the reference's words, and
//! its leniency about types.

use serde_json::{Map, Value};

use crate::{InvalidId, Message};

/// Why a frame is no packet. Its text is fit for the INFO that answers it; the words of known
/// faults are the reference's, spelling included, as clients show them.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`FRAME_BYTES`](crate::limits::FRAME_BYTES), or from a server [`SERVER_FRAME_BYTES`](crate::limits::SERVER_FRAME_BYTES).
    #[error("packet of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not JSON.
    #[error("packet is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// `null`. Any other JSON that is no object counts as a packet without a command, as the
    /// reference has it.
    #[error("packet is null, not a JSON object")]
    NotAnObject,
    /// A command this version does not know (or none at all: `undefined`).
    #[error("Unknow cmd: {0}")]
    UnknownCommand(String),
    /// A field that the command needs is missing, or of no use.
    #[error("{0} property is required")]
    Missing(&'static str),
    /// `sendType` is neither of the two.
    #[error("sendType property must 'personal' or 'group'")]
    SendType,
    /// A recipient may not report that state.
    #[error("state property must be 'read', 'acknowledged' or 'dismissed'")]
    Report,
    /// The note of an acknowledgement is too long.
    #[error(
        "the note is longer than {} bytes: shorten it",
        crate::limits::NOTE_BYTES
    )]
    Note,
    /// An identifier breaks its limits.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// REGISTER_FCM with a token of Firebase's instead of a Web Push subscription.
    #[error("this server offers Web Push, not Firebase tokens: register with endpoint and keys")]
    FirebaseToken,
}

/// A frame taken apart as far as every packet is alike.
pub(crate) struct Envelope {
    pub(crate) cmd: String,
    pub(crate) data: Value,
    pub(crate) auth: Option<String>,
}

pub(crate) fn envelope(frame: &str, limit: usize) -> Result<Envelope, DecodeError> {
    if frame.len() > limit {
        return Err(DecodeError::TooLarge {
            bytes: frame.len(),
            limit,
        });
    }
    envelope_of(serde_json::from_str(frame)?)
}

pub(crate) fn envelope_of(value: Value) -> Result<Envelope, DecodeError> {
    let mut object = match value {
        Value::Object(object) => object,
        Value::Null => return Err(DecodeError::NotAnObject),
        _ => Map::new(),
    };
    let cmd = match object.get("cmd") {
        Some(Value::String(cmd)) => cmd.clone(),
        Some(other) => return Err(DecodeError::UnknownCommand(lenient_text(other))),
        None => return Err(DecodeError::UnknownCommand("undefined".to_owned())),
    };
    let auth = object
        .get("auth")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let data = object.remove("data").unwrap_or(Value::Null);
    Ok(Envelope { cmd, data, auth })
}

/// A text field as the reference reads it: what is not a string becomes one by its language's
/// rules, and what is false-like becomes empty.
pub(crate) fn lenient_text(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "true".to_owned(),
        Value::Number(n) if n.as_f64() == Some(0.0) => String::new(),
        Value::Number(n) => n.to_string(),
        Value::Array(items) => items.iter().map(lenient_text).collect::<Vec<_>>().join(","),
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// Adds a field that only some peers know to an object under construction.
pub(crate) fn insert(data: &mut Value, key: &str, value: impl serde::Serialize) {
    if let (Value::Object(map), Ok(value)) = (data, serde_json::to_value(value)) {
        map.insert(key.to_owned(), value);
    }
}

pub(crate) fn text_field(data: &Value, key: &str) -> String {
    data.get(key).map(lenient_text).unwrap_or_default()
}

pub(crate) fn message_field(data: &Value) -> Message {
    let Some(message) = data.get("message") else {
        return Message::default();
    };
    let extra = match message.get("extra") {
        // Passed on as they came: clients were seen to depend on it.
        Some(extra @ (Value::Object(_) | Value::Array(_) | Value::Null)) => extra.clone(),
        _ => Value::Object(Map::new()),
    };
    Message {
        text: text_field(message, "text"),
        desp: text_field(message, "desp"),
        extra,
    }
}
