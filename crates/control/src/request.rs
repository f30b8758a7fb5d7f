//! What faces ask, and what the agent answers and tells.

use serde::{Deserialize, Serialize};

use crate::{
    Check, Color, Computer, Consent, Draft, Exported, Filter, Folder, Join, Message, MessageId,
    Mute, Pause, Reach, RelayId, Report, Row, Sent, Settings, Sources, Status, Words,
};

/// A question or an order of a face.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Request {
    /// How things stand. Answer: [`Answer::Status`].
    Status,
    /// From now on send [`Event`]s on this connection, first one [`Event::Status`]. A face that
    /// draws windows says so: it is then the one asked to show one. Answer: [`Answer::Done`].
    Subscribe {
        /// True for the window process.
        windows: bool,
    },
    /// A page of received messages, newest first. Answer: [`Answer::Inbox`].
    Inbox {
        /// Only messages older than this one (a [`Row::id`]); none for the newest.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        before: Option<MessageId>,
        /// At most so many, 200 at the most.
        limit: u32,
        /// Which ones.
        #[serde(default)]
        filter: Filter,
    },
    /// Whom the messages come from, and how many of them are unread. Answer: [`Answer::Sources`].
    Sources,
    /// One message whole. Answer: [`Answer::Message`].
    Message {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
    },
    /// Mark messages read or unread. Answer: [`Answer::Done`].
    Mark {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number[]"))]
        ids: Vec<MessageId>,
        /// Read, or unread.
        read: bool,
    },
    /// Mark all that a filter asks for read or unread. Answer: [`Answer::Done`].
    MarkAll {
        /// Which.
        filter: Filter,
        /// Read, or unread.
        read: bool,
    },
    /// Fetch a picture that a message names, which a person asked to see: its server learns of it.
    /// Answer: [`Answer::Picture`].
    Picture {
        /// The message.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
        /// The picture's address, as the message has it: https only.
        address: String,
    },
    /// Delete messages, to be restored with [`Request::Restore`]. Answer: [`Answer::Done`].
    Delete {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number[]"))]
        ids: Vec<MessageId>,
    },
    /// Take a deletion back. Answer: [`Answer::Done`].
    Restore {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number[]"))]
        ids: Vec<MessageId>,
    },
    /// Delete all that a filter asks for, to be restored with [`Request::RestoreAll`].
    /// Answer: [`Answer::Deleted`].
    DeleteAll {
        /// Which.
        filter: Filter,
    },
    /// Take such a deletion back. Answer: [`Answer::Done`].
    RestoreAll {
        /// Its stamp.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        stamp: u64,
    },
    /// A page of received messages to be exported, newest first; it ends early where they are long,
    /// and is empty only at the end. Answer: [`Answer::Exported`].
    Export {
        /// Which.
        #[serde(default)]
        filter: Filter,
        /// Only messages older than this one; none for the newest.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        before: Option<MessageId>,
        /// At most so many, 200 at the most.
        limit: u32,
    },
    /// Export messages into a new file in the person's folder of downloads, one JSON document a line.
    /// Answer: [`Answer::File`].
    ExportFile {
        /// Which.
        #[serde(default)]
        filter: Filter,
    },
    /// Send a message. Answer: [`Answer::Queued`], then events [`Event::Sent`] as its status changes.
    Send {
        /// The message.
        draft: Draft,
    },
    /// A page of sent messages, newest first. Answer: [`Answer::Sent`].
    Sent {
        /// Only messages older than this one; none for the newest.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        before: Option<MessageId>,
        /// At most so many, 200 at the most.
        limit: u32,
    },
    /// Host a relay inside the agent and join it, beside those that are joined. Answer: [`Answer::Status`].
    Host {
        /// Who can reach it.
        reach: Reach,
        /// This computer's name on it; none for the host name.
        name: Option<String>,
    },
    /// Change who can reach the hosted relay. Answer: [`Answer::Status`].
    Reach {
        /// Who can reach it.
        reach: Reach,
    },
    /// Stop hosting, and leave the hosted relay; its data stays. Answer: [`Answer::Status`].
    StopHosting,
    /// Join a relay elsewhere, or change how. Answer: [`Answer::Status`].
    Join {
        /// Where and as whom.
        relay: Join,
    },
    /// Leave a relay: its token is forgotten, and what is queued for it fails. What came by it stays.
    /// Answer: [`Answer::Status`].
    Leave {
        /// Which.
        id: RelayId,
    },
    /// Connect now, not at the next try; also takes a name back from another device.
    /// Answer: [`Answer::Status`].
    Reconnect {
        /// With which relay; none for all that are not connected, but for those where another device
        /// uses the name.
        #[serde(default)]
        id: Option<RelayId>,
    },
    /// Trust a relay's certificate: the one it showed last, by its fingerprint, and from then on no
    /// other. Answer: [`Answer::Status`].
    TrustCertificate {
        /// Which relay.
        id: RelayId,
        /// The fingerprint that the person compared.
        fingerprint: String,
    },
    /// Change how a relay is shown. Answer: [`Answer::Status`].
    DescribeRelay {
        /// Which.
        id: RelayId,
        /// What the person calls it; empty for what it is called by itself.
        label: String,
        /// Its colour.
        color: Color,
    },
    /// The settings that are not the relay's. Answer: [`Answer::Settings`].
    Settings,
    /// Change them. Answer: [`Answer::Settings`].
    SetSettings {
        /// All of them.
        settings: Settings,
    },
    /// Agree (or not) that the token is kept in a file only its owner can read, where there is no
    /// Secret Service. Answer: [`Answer::Status`].
    AllowPlainSecret {
        /// The answer of the person.
        allow: bool,
    },
    /// Show a window. Answer: [`Answer::Done`].
    Show {
        /// Which.
        view: View,
    },
    /// Put the token of the hosted relay into the clipboard; it does not pass the window.
    /// Answer: [`Answer::Done`].
    CopyToken,
    /// The token, for the command line: never sent by the window process, and refused to it.
    /// Answer: [`Answer::Token`].
    Token,
    /// Open a link in the person's browser: http, https and mailto only. Answer: [`Answer::Done`].
    OpenLink {
        /// The link.
        url: String,
    },
    /// Do what a message offers ([`Message::offers`]). Answer: [`Answer::Done`]; [`Code::Ask`] where
    /// the person must agree first, and did not.
    Act {
        /// The message.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
        /// Which of its offers, from 0.
        offer: u32,
        /// The person agreed to what it asks for: remembered for the sender.
        allow: bool,
    },
    /// What the person allowed senders. Answer: [`Answer::Consents`].
    Consents,
    /// Take one of these back. Answer: [`Answer::Consents`].
    Revoke {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: u64,
    },
    /// Hold notifications back for a time, or not any longer. Answer: [`Answer::Status`].
    Pause {
        /// How long.
        pause: Pause,
    },
    /// Never raise messages of a sender, a group or a tag; or raise them again.
    /// Answer: [`Answer::Settings`].
    Mute {
        /// Whose.
        mute: Mute,
        /// Whether they are muted from now on.
        on: bool,
    },
    /// Where Tidings' files are, and what happens at login. Answer: [`Answer::Computer`].
    Computer,
    /// Start at login from now on, or not any longer. Answer: [`Answer::Computer`].
    SetAutostart {
        /// Whether to.
        on: bool,
        /// Without a window.
        hidden: bool,
    },
    /// Show a folder of Tidings' in the person's file manager. Answer: [`Answer::Done`].
    OpenFolder {
        /// Which.
        folder: Folder,
    },
    /// Look at everything that Tidings depends on. Takes some seconds where something hangs.
    /// Answer: [`Answer::Doctor`].
    Doctor,
    /// Send a test message to oneself by a relay, and follow it there and back: it raises one
    /// notification. Takes some seconds where a hop is missing. Answer: [`Answer::Checked`].
    TestRelay {
        /// Which.
        relay: RelayId,
    },
    /// End the agent in order. Answer: [`Answer::Done`].
    Quit,
}

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
    Message(Message),
    /// A picture.
    Picture {
        /// Its media type: `image/png`, `image/jpeg`, `image/gif` or `image/webp`, by its first bytes.
        kind: String,
        /// Its bytes, in base64.
        data: String,
    },
    /// The number under which a message to be sent is kept.
    Queued(#[cfg_attr(feature = "bindings", ts(type = "number"))] MessageId),
    /// A page of sent messages.
    Sent(Vec<Sent>),
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

/// What the agent tells a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "event", content = "value", rename_all = "kebab-case")]
pub enum Event {
    /// How things stand now.
    Status(Status),
    /// A message came.
    Received(Row),
    /// Messages changed (read, deleted, restored): read them again. Empty: any may have.
    Changed(#[cfg_attr(feature = "bindings", ts(type = "number[]"))] Vec<MessageId>),
    /// A sent message's status changed.
    Sent(Sent),
    /// A notice of the relay for people.
    Notice(Words),
    /// Show a window; only to the window process.
    Show(View),
    /// The settings changed.
    Settings(Settings),
}

/// A window and what it opens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "window", rename_all = "kebab-case")]
pub enum View {
    /// The inbox; on a message if one is named.
    Inbox {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        message: Option<MessageId>,
    },
    /// The inbox, on what is unread.
    Unread,
    /// The compose window.
    Compose,
    /// The first-run page.
    FirstRun,
    /// The relays, in the inbox window.
    Relays,
    /// The settings, in the inbox window.
    Settings,
    /// What the doctor finds, in the inbox window.
    Doctor,
}
