//! The relays that this computer is a client of, and the one hosted inside. Times are milliseconds
//! since 1970 (UTC).

use serde::{Deserialize, Serialize};

use crate::Words;

/// The state of the session with a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(
    tag = "state",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Connection {
    /// No relay is set up: only as what [`crate::Status::connection`] sums up.
    NotConfigured,
    /// Connecting for the first time, or again.
    Connecting,
    /// Connected.
    Connected {
        /// Since when.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        since: u64,
    },
    /// Not connected; will try again.
    Offline {
        /// Since when.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        since: u64,
        /// Why, for people.
        reason: Words,
        /// When the next try is.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        retry_at: u64,
    },
    /// The relay's certificate is not accepted, and nothing was sent to who showed it. Looked at again
    /// by itself, as it may be somebody in between who goes away.
    Untrusted {
        /// Since when.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        since: u64,
        /// Why, for people.
        reason: Words,
        /// The certificate.
        certificate: Certificate,
    },
    /// The relay refused; nothing is tried until something changes.
    Refused {
        /// Why, for people.
        reason: Words,
    },
    /// Another device uses the name, and gets the messages. Nothing is tried until the person says
    /// so, as each try would throw the other out.
    TakenOver {
        /// Since when.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        since: u64,
        /// Whether the person had just taken the name back here: the other device fights for it.
        again: bool,
        /// When it is looked again by itself, where the other device is only supposed.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        retry_at: Option<u64>,
    },
}

impl Connection {
    /// How much it needs the person.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::NotConfigured => 0,
            Self::Connected { .. } => 1,
            Self::Connecting => 2,
            Self::Offline { .. } => 3,
            Self::TakenOver { .. } => 4,
            Self::Refused { .. } => 5,
            Self::Untrusted { .. } => 6,
        }
    }
}

/// A certificate that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Certificate {
    /// What is wrong with it.
    pub fault: CertificateFault,
    /// Its SHA-256 fingerprint, as the relay prints it: `AB:CD:..`.
    pub shown: String,
    /// The fingerprint that was trusted before, if one was.
    pub trusted: Option<String>,
}

/// What is wrong with a certificate, told apart by what a person can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFault {
    /// Nobody whom the system trusts signed it. May be trusted with
    /// [`crate::Request::TrustCertificate`].
    Unknown,
    /// It is not the one that was trusted, and nobody vouches for it. May be trusted likewise.
    Changed,
    /// It is not the one that was trusted, and the system trusts it by itself. Trusting it leaves
    /// the next one to the system, too.
    Vouched,
    /// Its time is over, or has not come: by this computer's clock.
    Dates,
    /// It is for another name.
    Name,
    /// Anything else.
    Other,
}

impl CertificateFault {
    /// Whether a person can trust the certificate all the same.
    #[must_use]
    pub fn may_be_trusted(self) -> bool {
        matches!(self, Self::Unknown | Self::Changed | Self::Vouched)
    }
}

/// A relay's id among those of this computer: stable, short, and fit to be read. That of the relay
/// hosted inside is [`RelayId::HOSTED`]; others have their host's name, with a number behind it where
/// that is taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct RelayId(String);

impl RelayId {
    /// The id of the relay hosted inside.
    pub const HOSTED: &str = "hosted";

    /// Wraps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// That of the relay hosted inside.
    #[must_use]
    pub fn hosted() -> Self {
        Self::new(Self::HOSTED)
    }

    /// Whether it is that of the relay hosted inside.
    #[must_use]
    pub fn is_hosted(&self) -> bool {
        self.0 == Self::HOSTED
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RelayId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl std::fmt::Display for RelayId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A relay's colour in the windows. Red is left out: it is for what failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    /// Blue.
    #[default]
    Blue,
    /// Orange.
    Orange,
    /// Green.
    Green,
    /// Purple.
    Purple,
    /// Teal.
    Teal,
    /// Pink.
    Pink,
    /// Yellow.
    Yellow,
    /// Grey.
    Grey,
}

impl Color {
    /// All of them, in the order in which relays are given them.
    pub const ALL: [Self; 8] = [
        Self::Blue,
        Self::Orange,
        Self::Green,
        Self::Purple,
        Self::Teal,
        Self::Pink,
        Self::Yellow,
        Self::Grey,
    ];
}

/// A relay that this computer is a client of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RelayState {
    /// Its id, which requests name it by.
    pub id: RelayId,
    /// What the person calls it; until they do, its host, or "This computer" in their language.
    pub label: String,
    /// Its colour.
    pub color: Color,
    /// Its address, a ws or wss URL.
    pub address: String,
    /// Whether it is the one hosted inside.
    pub hosted: bool,
    /// This computer's name on it.
    pub name: String,
    /// This computer's group; may be empty.
    pub group: String,
    /// The session with it.
    pub connection: Connection,
    /// Where its token is kept.
    pub secret: SecretPlace,
    /// The fingerprint of its certificate, where the person agreed to trust that one.
    pub pinned: Option<String>,
    /// What it speaks beyond the base protocol, as it said last; empty before it was connected to.
    pub extensions: Vec<Extension>,
}

/// An extension of the protocol, by what the person gains (`docs/protocol-extensions.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Extension {
    /// A message that is sent again arrives once.
    Ref,
    /// Senders hear of what becomes of a message later.
    Receipts,
    /// It tells who is known and connected.
    Directory,
    /// It holds messages until they are due, and takes them back.
    Delay,
    /// A message takes the place of an earlier one that still waits.
    Key,
    /// It reminds of messages until they are acknowledged.
    Ack,
}

/// A relay to join, or what is to change about one that is joined.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// Which one is changed; none joins another, unless this computer has that name at that address
    /// already: then that one is changed.
    #[serde(default)]
    pub id: Option<RelayId>,
    /// `ws://`, `wss://`, `http://`, `https://` or bare `host[:port]`.
    pub address: String,
    /// This computer's name on it.
    pub name: String,
    /// Its group; may be empty.
    pub group: String,
    /// The token; none keeps the stored one, unless the relay is on another host now.
    pub token: Option<String>,
}

impl std::fmt::Debug for Join {
    /// Leaves the token out: requests are logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
            .field("id", &self.id)
            .field("address", &self.address)
            .field("name", &self.name)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Who can reach the hosted relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Programs of this computer.
    Computer,
    /// Computers of the network.
    Network,
}

/// The relay hosted inside the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Hosted {
    /// Who can reach it.
    pub reach: Reach,
    /// Its port.
    pub port: u16,
    /// Addresses to give to others, most likely first; empty unless the network reaches it.
    pub addresses: Vec<String>,
    /// Clients connected now, this computer included.
    pub clients: u32,
    /// A line for a shell that sends a message to this computer. It holds a call of
    /// `tidings token`, not the token.
    pub curl: String,
}

/// Where the token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum SecretPlace {
    /// There is none yet.
    Nowhere,
    /// In memory only: it is asked for again at the next start.
    Memory,
    /// In the Secret Service or its like.
    Keyring,
    /// In a file only its owner can read.
    File,
}
