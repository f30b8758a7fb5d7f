//! What faces of the app see.
//!
//! The shapes are those of the control API, used as they are: an own set of the same forty types
//! and a translation between the two would say everything twice (decided for the whole project,
//! see ARCHITECTURE.md). Here stand only the events, which the agent turns into its faces', and
//! the failures. Times are milliseconds since 1970 (UTC).

use tidings_control::Words;
pub use tidings_control::{
    Acknowledgement, Ask, Certificate, CertificateFault, Color, Connection, Consent, Contact, Deed,
    Delivery, Draft, Extension, Held, Hosted, Join, Kept, Language, Message, MessageId, Mute,
    Notifications, Offer, Outcome, Parcel, Part, Pause, Permission, Priority, Problem, Progress,
    Quiet, QuietHours, Reach, Recipient, Related, RelayId, RelayState, Row, SecretPlace, Sent,
    Settings, Status, Step, Theme,
};
pub use tidings_control::{Exported, Filter, Keep, RelaySource, Source, Sources};

/// What the app tells its faces beside the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message came.
    Received(Row),
    /// Messages changed (read, deleted, restored): read them again.
    Changed(Vec<MessageId>),
    /// A sent message's status changed.
    Sent(Sent),
    /// Kept drafts changed: ask again.
    Drafts,
    /// Whom a message can go to changed: ask again.
    Contacts,
    /// A notice of the relay for people.
    Notice(Words),
    /// A notification was clicked: show this message; where it stood for many, what is unread.
    Opened {
        /// Which.
        message: Option<MessageId>,
    },
    /// A notification's button to reply was pressed: let the person write an answer to this message.
    Reply(MessageId),
    /// A button of a notification was pressed: open this link, or fill the clipboard.
    Do(Deed),
    /// The settings changed.
    Settings(Settings),
}

/// Why a request was not done; its text is for people and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A value of the request is wrong.
    #[error("{0}")]
    Invalid(Words),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(Words),
    /// The person has to agree first.
    #[error("{0}")]
    Ask(Words),
    /// No relay is set up.
    #[error("No relay is set up yet. Host one on this computer or join one first.")]
    NotConfigured,
    /// The port, the disk, the keyring or another part of the computer refused.
    #[error("{0}")]
    System(Words),
}

impl Failure {
    /// Its text in both languages.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Invalid(words)
            | Self::NotFound(words)
            | Self::Ask(words)
            | Self::System(words) => words.clone(),
            Self::NotConfigured => Words::new(
                self.to_string(),
                "尚未设置中继。请先在此计算机上架设一个，或加入一个。",
            ),
        }
    }
}
