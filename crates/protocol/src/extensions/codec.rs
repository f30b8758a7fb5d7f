//! How the packets of the extensions are written and read: leniently, as all others are.

use serde_json::{Map, Value, json};

use super::{
    Cancel, Cancelled, Change, Directory, Held, Known, Receipt, Reminder, Report, Reported,
    Scheduled, State,
};
use crate::client::mid_of;
use crate::decode::{self, DecodeError, text_field};
use crate::server::{delivery_of, message_data, reference_of};
use crate::{Group, Name, Ref, Target, limits};

/// Adds what may be missing.
fn with<T: serde::Serialize>(mut data: Value, key: &str, value: Option<T>) -> Value {
    if let Some(value) = value {
        decode::insert(&mut data, key, value);
    }
    data
}

/// Adds what is only said where it is so.
fn with_flag(data: Value, key: &str, flag: bool) -> Value {
    with(data, key, flag.then_some(true))
}

fn flag(data: &Value, key: &str) -> bool {
    data.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn name_of(data: &Value) -> Result<Name, DecodeError> {
    let name = text_field(data, "name");
    if name.is_empty() {
        return Err(DecodeError::Missing("name"));
    }
    Ok(Name::new(name)?)
}

fn state_of(data: &Value) -> Result<State, DecodeError> {
    match data.get("state").and_then(Value::as_str) {
        Some(word) if !word.is_empty() => Ok(State::from_word(word)),
        _ => Err(DecodeError::Missing("state")),
    }
}

fn note_of(data: &Value) -> Option<String> {
    let note = data.get("note").and_then(Value::as_str);
    note.filter(|note| !note.is_empty()).map(str::to_owned)
}

fn list<'a>(data: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    data.get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

impl Report {
    pub(crate) fn to_value(&self) -> Value {
        let data = json!({"mid": self.mid, "state": self.state.state().as_str()});
        with(data, "note", self.note.as_ref())
    }

    pub(crate) fn read(data: &Value) -> Result<Self, DecodeError> {
        let state = match state_of(data)? {
            State::Dismissed => Reported::Dismissed,
            State::Read => Reported::Read,
            State::Acknowledged => Reported::Acknowledged,
            _ => return Err(DecodeError::Report),
        };
        let note = note_of(data).filter(|_| state == Reported::Acknowledged);
        if note.as_ref().is_some_and(|n| n.len() > limits::NOTE_BYTES) {
            return Err(DecodeError::Note);
        }
        Ok(Self {
            mid: mid_of(data)?,
            state,
            note,
        })
    }
}

impl Receipt {
    pub(crate) fn to_value(&self) -> Value {
        let data = json!({"mid": self.mid});
        let mut data = with(data, "ref", self.reference.as_ref());
        decode::insert(&mut data, "name", &self.name);
        decode::insert(&mut data, "state", self.state.as_str());
        decode::insert(&mut data, "at", self.at);
        with(data, "note", self.note.as_ref())
    }

    pub(crate) fn read(data: &Value) -> Result<Self, DecodeError> {
        Ok(Self {
            mid: mid_of(data)?,
            reference: reference_of(data),
            name: name_of(data)?,
            state: state_of(data)?,
            at: data.get("at").and_then(Value::as_u64).unwrap_or(0),
            note: note_of(data),
        })
    }
}

impl Change {
    pub(crate) fn to_value(&self) -> Value {
        json!({"mid": self.mid, "name": self.name, "state": self.state.as_str()})
    }

    pub(crate) fn read(data: &Value) -> Result<Self, DecodeError> {
        Ok(Self {
            mid: mid_of(data)?,
            name: name_of(data)?,
            state: state_of(data)?,
        })
    }
}

impl Cancel {
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Mid(mid) => json!({"mid": mid}),
            Self::Ref(reference) => json!({"ref": reference}),
        }
    }

    pub(crate) fn read(data: &Value) -> Result<Self, DecodeError> {
        if text_field(data, "mid").is_empty()
            && let Some(reference) = data.get("ref").and_then(Value::as_str)
            && !reference.is_empty()
        {
            return Ok(Self::Ref(Ref::new(reference)?));
        }
        Ok(Self::Mid(mid_of(data)?))
    }
}

impl Cancelled {
    pub(crate) fn to_value(&self) -> Value {
        let data = with(json!({}), "mid", self.mid.as_ref());
        let data = with(data, "ref", self.reference.as_ref());
        with(data, "cancelled", Some(self.cancelled))
    }

    pub(crate) fn read(data: &Value) -> Self {
        Self {
            mid: mid_of(data).ok(),
            reference: reference_of(data),
            cancelled: flag(data, "cancelled"),
        }
    }
}

impl Scheduled {
    pub(crate) fn to_value(&self) -> Value {
        let messages = self.messages.iter().map(|held| {
            let data = with(json!({"mid": held.mid}), "ref", held.reference.as_ref());
            let data = with(data, "sendType", Some(held.target.send_type()));
            let data = with(data, "target", Some(held.target.as_str()));
            let data = with(data, "text", Some(&held.text));
            with(data, "due", Some(held.due))
        });
        let messages: Vec<_> = messages.collect();
        with_flag(json!({ "messages": messages }), "more", self.more)
    }

    pub(crate) fn read(data: &Value) -> Self {
        let held = |data: &Value| {
            let target = text_field(data, "target");
            let target = match data.get("sendType").and_then(Value::as_str) {
                Some("group") => Target::Group(Group::new(target).ok()?),
                _ => Target::Personal(Name::new(target).ok()?),
            };
            Some(Held {
                mid: mid_of(data).ok()?,
                reference: reference_of(data),
                target,
                text: text_field(data, "text"),
                due: data.get("due").and_then(Value::as_u64)?,
            })
        };
        Self {
            messages: list(data, "messages").filter_map(held).collect(),
            more: flag(data, "more"),
        }
    }
}

impl Directory {
    pub(crate) fn to_value(&self) -> Value {
        let clients = self.clients.iter().map(|known| {
            let data = json!({"name": known.name, "group": known.group, "online": known.online});
            with(data, "lastSeen", known.last_seen)
        });
        let clients = Value::Array(clients.collect());
        let data = with_flag(Value::Object(Map::new()), "reset", self.reset);
        let data = with_flag(data, "more", self.more);
        with(data, "clients", Some(clients))
    }

    pub(crate) fn read(data: &Value) -> Self {
        let known = |data: &Value| {
            Some(Known {
                name: Name::new(text_field(data, "name")).ok()?,
                group: Group::new(text_field(data, "group")).ok()?,
                online: flag(data, "online"),
                last_seen: data.get("lastSeen").and_then(Value::as_u64),
            })
        };
        Self {
            reset: flag(data, "reset"),
            more: flag(data, "more"),
            clients: list(data, "clients").filter_map(known).collect(),
        }
    }
}

impl Reminder {
    pub(crate) fn to_value(&self) -> Value {
        with(message_data(&self.delivery), "reminder", Some(self.number))
    }

    pub(crate) fn read(data: &Value) -> Result<Self, DecodeError> {
        Ok(Self {
            delivery: delivery_of(data)?,
            number: data.get("reminder").and_then(Value::as_u64).unwrap_or(1),
        })
    }
}
