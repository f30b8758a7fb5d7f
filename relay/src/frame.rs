//! A MESSAGE packet as text, written once and shared by all its recipients.
//!
//! The mid is the last key of the frame, so that the frame can be written before its mid is known
//! and completed by pushing a few bytes. Invariant: a [`Frame`] is a whole MESSAGE packet without
//! `ref`; the variant with `ref`, for the peers that listed it, is made from it.

use std::sync::LazyLock;

use tidings_protocol::{Mid, Ref, limits, server};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::mint::MidNumber;

/// Bytes of a MESSAGE packet as recipients get it. It is longer than the packet it came from, by
/// names, mid and escapes; twice the limit of what comes in leaves room for them and stays far
/// below what a client takes ([`limits::SERVER_FRAME_BYTES`]).
const BYTES: usize = 2 * limits::FRAME_BYTES;

/// What stands before the data.
const HEAD: &str = "{\"cmd\":\"MESSAGE\",";
/// What stands after the mid.
const TAIL: &str = "\"}}";

/// A MESSAGE packet without `ref`; cloning shares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame(Utf8Bytes);

impl Frame {
    /// A frame read back from where it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text.into())
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true; a frame has at least its braces.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text for a peer that did not list `ref`.
    pub(crate) fn plain(&self) -> Utf8Bytes {
        self.0.clone()
    }

    /// The text for a peer that listed `ref`.
    pub(crate) fn with_ref(&self, reference: &Ref) -> Utf8Bytes {
        let Some(head) = self.0.as_str().strip_suffix("}}") else {
            return self.0.clone();
        };
        let quoted = serde_json::Value::from(reference.as_str());
        format!("{head},\"ref\":{quoted}}}}}").into()
    }

    /// The same as a REMINDER, the how manieth it is.
    pub(crate) fn reminder(&self, reference: Option<&Ref>, number: u64) -> Option<Utf8Bytes> {
        let text = match reference {
            Some(reference) => self.with_ref(reference),
            None => self.0.clone(),
        };
        let data = text.as_str().strip_prefix(HEAD)?.strip_suffix("}}")?;
        Some(format!("{{\"cmd\":\"REMINDER\",{data},\"reminder\":{number}}}}}").into())
    }
}

/// A frame that lacks its mid.
pub(crate) struct Unminted {
    head: String,
}

/// The packet would not fit in a frame once it is written for the recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is {0} bytes long as a packet, the limit is {BYTES}: shorten it")]
pub struct TooLarge(pub usize);

impl Unminted {
    /// Writes all of a delivery that has [`NO_MID`] for its mid and no `ref`; this is the one it will have.
    pub(crate) fn new(
        delivery: &server::Delivery,
        reference: Option<&Ref>,
    ) -> Result<Self, TooLarge> {
        // Six bytes for each character of the `ref`, as JSON may escape it, and the mid's own.
        let reserve = reference.map_or(0, |r| r.as_str().len() * 6 + 16) + 32;
        let mut head = delivery.encode();
        head.truncate(head.len().saturating_sub(TAIL.len() + 1));
        if head.len() + reserve > BYTES {
            return Err(TooLarge(head.len() + reserve));
        }
        head.reserve_exact(13 + TAIL.len());
        Ok(Self { head })
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + 13 + TAIL.len()
    }

    /// Completes it.
    pub(crate) fn mint(mut self, mid: MidNumber) -> Frame {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(self.head, "{mid}{TAIL}");
        Frame(self.head.into())
    }
}

/// Stands in a delivery whose mid is not minted yet: one digit, cut off again together with [`TAIL`].
#[expect(
    clippy::expect_used,
    reason = "one digit: within the limit, no control character"
)]
pub(crate) static NO_MID: LazyLock<Mid> =
    LazyLock::new(|| Mid::new("0").expect("a digit is a mid"));

#[cfg(test)]
mod tests {
    use tidings_protocol::{Message, Name, Reminder, Target};

    use super::*;

    fn delivery() -> server::Delivery {
        server::Delivery {
            target: Target::Personal(Name::new("r1").unwrap()),
            from: server::From {
                method: server::Method::WebSocket,
                name: Some(Name::new("s1").unwrap()),
            },
            message: Message::new("a \"title\"", "b"),
            mid: NO_MID.clone(),
            reference: None,
        }
    }

    #[test]
    fn a_minted_frame_is_what_the_codec_writes() {
        let mid = MidNumber::new(1_795_414_055_651).unwrap();
        let frame = Unminted::new(&delivery(), None).unwrap().mint(mid);
        let mut whole = delivery();
        whole.mid = mid.to_mid();
        assert_eq!(
            frame.as_str(),
            server::Packet::Message(whole.clone()).encode()
        );
        let reference = Ref::new("a\"b").unwrap();
        let reminder = |delivery, number| {
            let reminder = Reminder { delivery, number };
            server::Packet::Reminder(Box::new(reminder)).encode()
        };
        let text = frame.reminder(None, 1).unwrap();
        assert_eq!(text.as_str(), reminder(whole.clone(), 1));
        whole.reference = Some(reference.clone());
        let text = frame.reminder(Some(&reference), 20).unwrap();
        assert_eq!(text.as_str(), reminder(whole.clone(), 20));
        assert_eq!(
            frame.with_ref(&reference).as_str(),
            server::Packet::Message(whole).encode()
        );
    }

    #[test]
    fn a_message_that_would_not_fit_is_refused() {
        let mut large = delivery();
        large.message.desp = "\n".repeat(BYTES / 2);
        assert!(Unminted::new(&large, None).is_err());
    }
}
