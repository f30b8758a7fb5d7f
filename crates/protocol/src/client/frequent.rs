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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Posted;

    #[test]
    fn what_is_read_here_is_what_the_general_way_reads() {
        let usual = [
            r#"{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414055651"}}"#,
            r#"{"data":{"ref":"a\"b","message":{"extra":{"z":1,"a":{"b":null},"z":2}},"target":"r","sendType":"personal"},"cmd":"MESSAGE"}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"group","target":"\u00e9\ud83d\ude00","message":{"text":"a\nb","desp":"c","extra":{}}}}"#,
            r#" { "cmd" : "MESSAGE" , "data" : { "sendType" : "personal", "target": "r", "ref": "", "message": {} } } "#,
        ];
        for body in usual {
            let read = read(body).unwrap_or_else(|| panic!("{body} is not read"));
            assert_eq!(read, Posted::decode_any(body).unwrap().packet, "{body}");
        }
    }

    #[test]
    fn what_has_another_shape_is_left_to_the_general_way() {
        let unusual = [
            r#"{"cmd":"PING"}"#,
            r#"{"cmd":"MESSAGE_CALLBACK","data":{"mid":1795414055651}}"#,
            r#"{"cmd":"MESSAGE_CALLBACK","data":{}}"#,
            r#"{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1"},"auth":"ticket"}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r","message":{"text":1}}}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r","message":{"extra":null}}}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r","message":{"extra":[]}}}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"","message":{}}}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"group","target":"","message":{}}}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"all","target":"r","message":{}}}"#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r"}}"#,
            r#"{"cmd":"MESSAGE","cmd":"MESSAGE","data":{"sendType":"personal","target":"r","message":{}}}"#,
        ];
        for body in unusual {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
