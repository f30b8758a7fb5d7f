//! What the agent answers to a request.

use serde::{Deserialize, Serialize};

use crate::{
    Check, Computer, Consent, Contact, Exported, Kept, Message, MessageId, Report, Row, Sent,
    Settings, Sources, Status, Words,
};

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
pub enum Answer {
    /// It is done.
    Done,
    /// How things stand.
    Status(Status),
    /// A page of received messages.
    Inbox(Vec<Row>),
    /// Whom the messages come from.
    Sources(Sources),
    /// Messages were deleted.
    Deleted {
        /// What to restore them by.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        stamp: u64,
        /// How many they were.
        count: u32,
    },
    /// Messages to be exported.
    Exported(Vec<Exported>),
    /// A file was written.
    File {
        /// Where it is.
        path: String,
        /// Messages in it.
        count: u32,
    },
    /// One message.
    Message(Box<Message>),
    /// A picture.
    Picture {
        /// Its media type: `image/png`, `image/jpeg`, `image/gif` or `image/webp`, by its first bytes.
        kind: String,
        /// Its bytes, in base64.
        data: String,
    },
    /// The number under which a message to be sent is kept.
    Queued(#[cfg_attr(feature = "bindings", ts(type = "number"))] MessageId),
    /// Sent messages.
    Sent(Vec<Sent>),
    /// What is being written.
    Drafts(Vec<Kept>),
    /// Whom a message can go to.
    Contacts(Vec<Contact>),
    /// The settings.
    Settings(Settings),
    /// The token.
    Token(String),
    /// What senders may do.
    Consents(Vec<Consent>),
    /// Folders, and what happens at login.
    Computer(Computer),
    /// What the doctor found.
    Doctor(Report),
    /// How a test message went.
    Checked(Check),
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[error("{message}")]
pub struct Failure {
    /// What the faces tell apart.
    pub code: Code,
    /// What happened and what to do, for people.
    pub message: Words,
}

/// Failures that faces tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A value of the request is wrong: the message says which and why.
    Invalid,
    /// What was asked for is not there.
    NotFound,
    /// No relay is set up.
    NotConfigured,
    /// The person has to agree first.
    Ask,
    /// The port, the disk, the keyring or another part of the computer refused.
    System,
}
