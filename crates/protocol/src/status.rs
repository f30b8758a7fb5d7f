//! What became of a message for one recipient.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Feature, Features, Name};

/// A recipient's status in a MESSAGE_REPLY. Statuses of other versions are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Status {
    /// `ready`: queued behind another message.
    Ready,
    /// `wait`: sent or queued, not confirmed yet.
    Wait,
    /// `ok`: confirmed by the recipient. Final.
    Ok,
    /// `no`: no such client, or refused for it. Final.
    No,
    /// `fcm-wait`: being handed to the push service.
    PushWait,
    /// `fcm-ok`: the push service accepted it.
    PushOk,
    /// `fcm-ok-comfirm`: the browser confirmed it (the spelling is the protocol's). Final.
    PushConfirmed,
    /// `held`: kept until its time has come (`delay`).
    Held,
    /// `expired`: given up before it was confirmed (`receipts`). Final.
    Expired,
    /// `superseded`: a later message of its `key` took its place. Final.
    Superseded,
    /// `cancelled`: by its sender, while it was held (`delay`). Final.
    Cancelled,
    /// A status this version does not know.
    Other(String),
}

impl Status {
    /// The protocol's word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ready => "ready",
            Self::Wait => "wait",
            Self::Ok => "ok",
            Self::No => "no",
            Self::PushWait => "fcm-wait",
            Self::PushOk => "fcm-ok",
            Self::PushConfirmed => "fcm-ok-comfirm",
            Self::Held => "held",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Other(s) => s,
        }
    }

    /// Reads the protocol's word, the renamed ones of the later version included.
    #[must_use]
    pub fn from_word(s: &str) -> Self {
        match s {
            "ready" => Self::Ready,
            "wait" => Self::Wait,
            "ok" => Self::Ok,
            "no" => Self::No,
            "fcm-wait" | "webpush-wait" => Self::PushWait,
            "fcm-ok" | "webpush-send" => Self::PushOk,
            "fcm-ok-comfirm" | "webpush-ok" => Self::PushConfirmed,
            "held" => Self::Held,
            "expired" => Self::Expired,
            "superseded" => Self::Superseded,
            "cancelled" => Self::Cancelled,
            other => Self::Other(other.to_owned()),
        }
    }

    /// True where no later status can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Ok | Self::No | Self::PushConfirmed => true,
            Self::Expired | Self::Superseded | Self::Cancelled => true,
            Self::Ready | Self::Wait | Self::PushWait | Self::PushOk => false,
            Self::Held | Self::Other(_) => false,
        }
    }

    /// The same in words that a peer of these extensions knows.
    #[must_use]
    pub fn for_peer(self, listed: Features) -> Self {
        match self {
            Self::Held if !listed.has(Feature::Delay) => Self::Ready,
            Self::Cancelled if !listed.has(Feature::Delay) => Self::No,
            Self::Superseded if !listed.has(Feature::Key) => Self::No,
            Self::Expired if !listed.has(Feature::Receipts) => Self::No,
            known => known,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_word(&String::deserialize(deserializer)?))
    }
}

/// Recipients and their statuses, in the order of the wire. A list, not a map: the order is the
/// relay's, and there are few.
pub type Statuses = Vec<(Name, Status)>;
