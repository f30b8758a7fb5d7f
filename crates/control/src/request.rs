//! What faces ask, and what the agent tells them by itself; the answers are in `answer`.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::{Answer, Code, Message};
use crate::{
    Color, Draft, Filter, Folder, Join, MessageId, Mute, Pause, Reach, Recipient, RelayId, Row,
    Sent, Settings, Status, Words,
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
        /// The kept one that it was written as: it is not kept any longer.
        #[serde(default)]
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        kept: Option<MessageId>,
    },
    /// A page of sent messages, newest first. Answer: [`Answer::Sent`].
    Sent {
        /// Only messages older than this one; none for the newest.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        before: Option<MessageId>,
        /// At most so many, 200 at the most.
        limit: u32,
        /// Only those with these words in their text or recipients; empty for all.
        #[serde(default)]
        search: String,
    },
    /// One sent message. Answer: [`Answer::Sent`], of one.
    SentMessage {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
    },
    /// Send what did not go out, was taken back, reached nobody, or is of unknown fate, once more. Answer:
    /// [`Answer::Done`], then events.
    Resend {
        /// Which sent message.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
    },
    /// Take back what has not gone out: queued here, or held at the relay, which is asked.
    /// Answer: [`Answer::Done`] where nothing of it will be delivered any more; a failure says what was
    /// too late.
    Cancel {
        /// Which sent message.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
    },
    /// What is being written, the last changed first. Answer: [`Answer::Drafts`].
    Drafts,
    /// Keep what is written so far. Answer: [`Answer::Queued`], with its number among the kept ones.
    KeepDraft {
        /// In place of which; none for a new one.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        id: Option<MessageId>,
        /// What is written.
        draft: Draft,
    },
    /// Do not keep it any longer. Answer: [`Answer::Done`].
    DropDraft {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
    },
    /// Whom a message can go to: those written to last first, then who is connected, then by name.
    /// Answer: [`Answer::Contacts`].
    Contacts {
        /// Only those with a part of their name that begins so; empty for all.
        search: String,
        /// Only those of this relay; none for all relays.
        #[serde(default)]
        relay: Option<RelayId>,
        /// At most so many, 10,000 at the most.
        limit: u32,
    },
    /// Acknowledge a received message whose sender asked for it. Answer: [`Answer::Done`]; the relay is
    /// told once it can be.
    Acknowledge {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        id: MessageId,
        /// What to say with it, [`crate::NOTE_BYTES`] at most; may be empty.
        note: String,
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
    /// Kept drafts changed: ask again.
    Drafts,
    /// Whom a message can go to changed, or who is connected: ask again. At most once a second.
    Contacts,
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
    Compose {
        /// The received message to answer, if one is.
        #[serde(default)]
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        reply: Option<MessageId>,
        /// To whom, if it is known.
        #[serde(default)]
        to: Vec<Recipient>,
    },
    /// What was sent, in the inbox window; on a message if one is named.
    Sent {
        /// Which.
        #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
        message: Option<MessageId>,
    },
    /// The first-run page.
    FirstRun,
    /// The relays, in the inbox window.
    Relays,
    /// The settings, in the inbox window.
    Settings,
    /// What the doctor finds, in the inbox window.
    Doctor,
}
