//! The packets that a busy server writes most, written without a tree of values in between: a MESSAGE takes a
//! fifth of the time so. The keys stand in the reference's order. A REMINDER's data are made from the same.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Delivery, Reply};
use crate::{Mid, Name, Ref, Status};

#[derive(Serialize)]
struct Packet<T> {
    cmd: &'static str,
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageData<'a> {
    send_type: &'static str,
    target: &'a str,
    from: Sender<'a>,
    message: Body<'a>,
    mid: &'a Mid,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Ref>,
}

#[derive(Serialize)]
struct Sender<'a> {
    method: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
    desp: &'a str,
    extra: &'a Value,
}

#[derive(Serialize)]
struct ReplyData<'a> {
    mid: &'a Mid,
    #[serde(serialize_with = "as_object")]
    status: &'a [(Name, Status)],
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Ref>,
}

fn as_object<S: Serializer>(status: &[(Name, Status)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(status.iter().map(|(name, status)| (name, status)))
}

fn text<T: Serialize>(cmd: &'static str, data: T) -> String {
    // Texts, and values that are JSON: writing them cannot fail.
    serde_json::to_string(&Packet { cmd, data }).unwrap_or_default()
}

impl<'a> MessageData<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        let message = &delivery.message;
        Self {
            send_type: delivery.target.send_type(),
            target: delivery.target.as_str(),
            from: Sender {
                method: delivery.from.method.as_str(),
                name: delivery.from.name.as_ref().map_or("", Name::as_str),
            },
            message: Body {
                text: &message.text,
                desp: &message.desp,
                extra: &message.extra,
            },
            mid: &delivery.mid,
            reference: delivery.reference.as_ref(),
        }
    }
}

pub(super) fn message(delivery: &Delivery) -> String {
    text("MESSAGE", MessageData::of(delivery))
}

/// The data of a MESSAGE, for a packet that has more of them.
pub(crate) fn message_data(delivery: &Delivery) -> Value {
    // As in `text`: it cannot fail.
    serde_json::to_value(MessageData::of(delivery)).unwrap_or_default()
}

pub(super) fn reply(reply: &Reply) -> String {
    text(
        "MESSAGE_REPLY",
        ReplyData {
            mid: &reply.mid,
            status: &reply.status,
            reference: reply.reference.as_ref(),
        },
    )
}
