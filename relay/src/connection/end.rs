//! Why connections end, and what the peer is told (RFC 6455, section 7.4).

use tidings_protocol::close;
use tokio_tungstenite::tungstenite::{
    Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The peer closed, or the connection broke.
    Gone,
    /// No valid AUTH came in time.
    NoAuth,
    /// A newer connection has the client's name.
    TakenOver,
    /// The token it came by is gone, or does not let it be who it is any more.
    Revoked,
    /// The peer sent more than a frame may hold.
    TooLarge,
    /// The peer takes nothing.
    Stalled,
    /// More waits for the peer than is held.
    Overflown,
    /// No sign of life came.
    Dead,
    /// The relay ends.
    ShuttingDown,
}

impl End {
    /// The close frame that says so.
    pub(super) fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::NoAuth => (CloseCode::Policy, "no AUTH in time"),
            Self::TakenOver => (
                CloseCode::Library(close::TAKEN_OVER),
                "taken over by a newer connection of this name",
            ),
            Self::Revoked => (CloseCode::Policy, "the token was revoked"),
            Self::TooLarge => (CloseCode::Size, "packet too large"),
            Self::Stalled | Self::Overflown => (CloseCode::Policy, "packets are not taken"),
            Self::Dead => (CloseCode::Policy, "no sign of life"),
            Self::ShuttingDown => (CloseCode::Away, "the relay is closing"),
        };
        let reason = Utf8Bytes::from_static(reason);
        Some(CloseFrame { code, reason })
    }
}
