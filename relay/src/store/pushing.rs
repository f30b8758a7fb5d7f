//! What a store keeps for Web Push: where a client's messages are pushed to, and how far each of
//! them came. When a message is pushed is not its business.

use std::fmt;

use tidings_protocol::Status;

use super::Position;
use crate::{frame::Frame, mint::MidNumber};

/// Where a client's messages are pushed to, and the keys that only its browser can read them with.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The push service's address for it: a secret, as whoever knows it can push there.
    pub endpoint: String,
    /// The browser's public key: an uncompressed P-256 point.
    pub p256dh: [u8; 65],
    /// The secret that goes with it.
    pub auth: [u8; 16],
    /// What stands for the token that the client came by; empty where it needed none.
    pub by: String,
}

impl fmt::Debug for Subscription {
    /// Leaves all of it out: it would let others push.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// A message to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToPush {
    /// Where to.
    pub subscription: Subscription,
    /// Its place in the recipient's queue.
    pub position: Position,
    /// Its mid.
    pub mid: MidNumber,
    /// The message.
    pub frame: Frame,
    /// When it is given up: milliseconds since 1970.
    pub expires_ms: u64,
}

/// How far the push of a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It was not pushed, or given up: it waits for the recipient's socket alone.
    No,
    /// It is being handed to the push service.
    Handing,
    /// The push service has taken it.
    Taken,
}

impl Pushed {
    /// The status of a message that waits for its recipient.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::No => Status::Wait,
            Self::Handing => Status::PushWait,
            Self::Taken => Status::PushOk,
        }
    }
}
