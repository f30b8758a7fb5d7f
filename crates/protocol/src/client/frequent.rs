//! The packets that a busy server reads most, in their usual shape, read without a tree of values in between: in
//! a third of the time. Whatever has another shape (a field more, a number for a text, nothing for an object) is
//! not read here, and goes the general way, which alone knows what is wrong and what is forgiven.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Packet, Send};
use crate::{Group, Message, Mid, Name, Ref, Target};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual<'a> {
    #[serde(borrow)]
    cmd: Cow<'a, str>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow, default)]
    mid: Cow<'a, str>,
    #[serde(borrow, default)]
    send_type: Cow<'a, str>,
    #[serde(borrow, default)]
    target: Cow<'a, str>,
    message: Option<Body>,
    #[serde(borrow, default, rename = "ref")]
    reference: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    text: String,
    #[serde(default)]
    desp: String,
    #[serde(default)]
    extra: Map<String, Value>,
}

/// A MESSAGE or a MESSAGE_CALLBACK that is as it should be.
pub(super) fn read(body: &str) -> Option<Packet> {
    let Usual { cmd, data } = serde_json::from_str(body).ok()?;
    match &*cmd {
        "MESSAGE_CALLBACK" => Some(Packet::Confirm(Mid::new(&*data.mid).ok()?)),
        "MESSAGE" => {
            let target = match &*data.send_type {
                "personal" => Target::Personal(Name::new(&*data.target).ok()?),
                "group" if !data.target.is_empty() => {
                    Target::Group(Group::new(&*data.target).ok()?)
                }
                _ => return None,
            };
            let Body { text, desp, extra } = data.message?;
            let reference = match &*data.reference {
                "" => None,
                reference => Some(Ref::new(reference).ok()?),
            };
            Some(Packet::Message(Send {
                target,
                message: Message {
                    text,
                    desp,
                    extra: Value::Object(extra),
                },
                reference,
            }))
        }
        _ => None,
    }
}
