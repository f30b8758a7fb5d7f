//! Who takes part: names, groups, and the ids that messages carry as their title and `ref`.

use std::fmt;

/// Those who receive. A set of them is the bits of a `u64`.
pub(crate) const RECIPIENTS: u8 = 32;
/// Their groups; every recipient is in one.
pub(crate) const GROUPS: u8 = 4;

/// Senders over a WebSocket that know `ref`: several messages under way, tried again until answered.
pub(crate) const REF_SENDERS: u16 = 16;
/// Senders over a WebSocket without it: one message under way, never tried again.
pub(crate) const PLAIN_SENDERS: u16 = 8;
/// Senders by HTTP without a name: `.send`, `.group` and packets; never tried again.
pub(crate) const HTTP_SENDERS: u16 = 8;
/// Senders by HTTP with a ticket and `ref`: tried again until answered.
pub(crate) const TICKET_SENDERS: u16 = 8;
/// Keys of a sender's messages: few, so that they meet.
pub(crate) const KEYS: u8 = 3;
/// Sends the farewell of the end.
pub(crate) const FAREWELL_SENDER: u16 = REF_SENDERS + PLAIN_SENDERS + HTTP_SENDERS + TICKET_SENDERS;

/// Some recipients: one bit for each.
pub(crate) type Set = u64;

/// The set of one recipient.
pub(crate) fn only(recipient: u8) -> Set {
    1 << recipient
}

/// Those in a set.
pub(crate) fn members(set: Set) -> impl Iterator<Item = u8> {
    (0..RECIPIENTS).filter(move |recipient| set & only(*recipient) != 0)
}

/// A recipient's name.
pub(crate) fn recipient_name(recipient: u8) -> String {
    format!("r{recipient}")
}

/// The recipient of a name.
pub(crate) fn recipient(name: &str) -> Option<u8> {
    let number = name.strip_prefix('r')?.parse().ok()?;
    (number < RECIPIENTS).then_some(number)
}

/// The group that a recipient is in.
pub(crate) fn group_of(recipient: u8) -> String {
    format!("g{}", recipient % GROUPS)
}

/// A sender's name.
pub(crate) fn sender_name(sender: u16) -> String {
    format!("s{sender}")
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// A recipient.
    One(u8),
    /// A group.
    Group(u8),
}

impl To {
    /// Anybody, groups less often.
    pub(crate) fn any(rng: &mut fastrand::Rng) -> Self {
        if rng.u8(0..5) == 0 {
            Self::Group(rng.u8(0..GROUPS))
        } else {
            Self::One(rng.u8(0..RECIPIENTS))
        }
    }

    /// Who should get it.
    pub(crate) fn recipients(self) -> Set {
        match self {
            Self::One(recipient) => only(recipient),
            Self::Group(group) => (0..RECIPIENTS)
                .filter(|recipient| recipient % GROUPS == group)
                .fold(0, |set, recipient| set | only(recipient)),
        }
    }

    /// `sendType` and `target`.
    pub(crate) fn target(self) -> (&'static str, String) {
        match self {
            Self::One(recipient) => ("personal", recipient_name(recipient)),
            Self::Group(group) => ("group", format!("g{group}")),
        }
    }
}

/// A message's own name, whatever mid the relay gives it: its title, and its `ref` where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    /// Whose it is.
    pub(crate) sender: u16,
    /// Its place among the sender's.
    pub(crate) number: u32,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}-{}", self.sender, self.number)
    }
}

impl Id {
    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sender, number) = text.strip_prefix('s')?.split_once('-')?;
        Some(Self {
            sender: sender.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}
