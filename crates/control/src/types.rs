//! What faces ask, and what the agent answers and tells. Times are milliseconds since 1970 (UTC).

use serde::{Deserialize, Serialize};

/// A message's number in the inbox of this computer.
pub type MessageId = u64;

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
        /// Only unread ones.
        unread: bool,
    },
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
    /// Host a relay inside the agent and join it. Answer: [`Answer::Status`].
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
    /// Stop hosting; the relay's data stays. Answer: [`Answer::Status`].
    StopHosting,
    /// Join a relay elsewhere (or change how). Answer: [`Answer::Status`].
    Join {
        /// Where and as whom.
        relay: Join,
    },
    /// Connect now, not at the next try; also takes a name back from another device.
    /// Answer: [`Answer::Status`].
    Reconnect,
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
    /// One message.
    Message(Message),
    /// The number under which a message to be sent is kept.
    Queued(#[cfg_attr(feature = "bindings", ts(type = "number"))] MessageId),
    /// A page of sent messages.
    Sent(Vec<Sent>),
    /// The settings.
    Settings(Settings),
    /// The token.
    Token(String),
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[error("{message}")]
pub struct Failure {
    /// What the faces tell apart.
    pub code: Code,
    /// What happened and what to do, for people.
    pub message: String,
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
    /// There is no Secret Service, and the person has not been asked about a file yet.
    NeedsPlainSecret,
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
    Notice(String),
    /// Show a window; only to the window process.
    Show(View),
    /// The settings changed.
    Settings(Settings),
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// The session with the relay.
    pub connection: Connection,
    /// The relay it is with, once one is set up.
    pub relay: Option<Relay>,
    /// The relay hosted inside, if one is.
    pub hosted: Option<Hosted>,
    /// Unread messages.
    pub unread: u32,
    /// Where the token is kept.
    pub secret: SecretPlace,
    /// What does not work and what to do about it; empty when all is well.
    pub problems: Vec<Problem>,
}

/// The state of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(
    tag = "state",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Connection {
    /// No relay is set up.
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
        reason: String,
        /// When the next try is.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        retry_at: u64,
    },
    /// The relay refused; nothing is tried until something changes.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// Another device took the name; nothing is tried until the person says so.
    TakenOver,
}

/// A relay that this computer is a client of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Relay {
    /// Its address, a ws or wss URL.
    pub address: String,
    /// This computer's name on it.
    pub name: String,
    /// This computer's group; may be empty.
    pub group: String,
}

/// A relay to join.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// `ws://`, `wss://`, `http://`, `https://` or bare `host[:port]`.
    pub address: String,
    /// This computer's name on it.
    pub name: String,
    /// Its group; may be empty.
    pub group: String,
    /// The token; none keeps the stored one.
    pub token: Option<String>,
}

impl std::fmt::Debug for Join {
    /// Leaves the token out: requests are logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
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

/// Something that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Problem {
    /// Which part.
    pub part: Part,
    /// What happened and what to do, for people.
    pub message: String,
}

/// Parts of the desktop that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The notification daemon.
    Notifications,
    /// The tray's host.
    Tray,
    /// The Secret Service.
    Secrets,
    /// The disk with the inbox.
    Disk,
    /// The hosted relay.
    Hosting,
    /// The window program.
    Window,
}

/// A received message as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its number.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// The sender's name; empty for HTTP senders without one.
    pub sender: String,
    /// The group it was sent to; none if it was to this computer.
    pub group: Option<String>,
    /// The title; may be empty.
    pub title: String,
    /// The first line of the body as plain text.
    pub preview: String,
    /// When it was stored here.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub received_at: u64,
    /// Whether it was read.
    pub read: bool,
    /// Its priority.
    pub priority: Priority,
    /// Whether it carries a link.
    pub link: bool,
}

/// A received message whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// What lists show.
    pub row: Row,
    /// The body, Markdown by custom.
    pub body: String,
    /// The link to open when it is tapped (`click` or `scheme`).
    pub link: Option<String>,
    /// The address of the relay it came by.
    pub relay: String,
    /// The relay's id of it.
    pub mid: String,
    /// When the relay took it, by its mid; none where the mid does not read as a time.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub sent_at: Option<u64>,
    /// `extra` as JSON, for the curious.
    pub extra: String,
}

/// Priorities, by the words senders use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// 1.
    Min,
    /// 2.
    Low,
    /// 3.
    #[default]
    Default,
    /// 4.
    High,
    /// 5.
    Urgent,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// To whom.
    pub to: Recipient,
    /// The title.
    pub title: String,
    /// The body, Markdown.
    pub body: String,
    /// Its priority.
    pub priority: Priority,
    /// A link for the recipient to open; empty for none.
    pub link: String,
}

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Recipient {
    /// One client, by name.
    Person(String),
    /// A group.
    Group(String),
}

/// A sent message and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Its number.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub id: MessageId,
    /// The message.
    pub draft: Draft,
    /// When it was written.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub written_at: u64,
    /// How far it came as a whole.
    pub progress: Progress,
    /// What became of it for each recipient, once the relay said so.
    pub recipients: Vec<Outcome>,
}

/// How far a sent message came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Progress {
    /// Kept here until the relay can be reached.
    Queued,
    /// On its way: the relay has not answered yet.
    Sending,
    /// The relay answered: see the recipients.
    Answered,
    /// It is unknown whether the relay got it: the connection broke first.
    Unknown,
    /// It cannot be sent.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Outcome {
    /// The recipient.
    pub name: String,
    /// What became of it.
    pub delivery: Delivery,
}

/// What became of a message for one recipient, in people's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// The relay keeps it for the recipient (`ready`, `wait`).
    Waiting,
    /// The recipient confirmed it (`ok`, `fcm-ok-comfirm`).
    Delivered,
    /// Handed to a push service (`fcm-wait`, `fcm-ok`).
    Pushed,
    /// No such client, or refused for it (`no`).
    Refused,
    /// A word of another version.
    Other,
}

/// The settings that are not the relay's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The language of windows, tray and notifications.
    pub language: Language,
    /// The windows' theme.
    pub theme: Theme,
}

/// A language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Language {
    /// As the desktop is set.
    #[default]
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

/// A theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// As the desktop is set.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
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
    /// The compose window.
    Compose,
    /// The first-run page.
    FirstRun,
    /// The settings, in the inbox window.
    Settings,
}
