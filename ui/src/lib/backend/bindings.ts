// The control API's types: made by
//   cargo run -q -p tidings-control --features bindings --example bindings
// from crates/control/src/types.rs. Change them there, then write this file anew.

/**
 * Whether a message was acknowledged by whom its sender asked to.
 */
export type Acknowledgement = { "state": "wanted" } | { "state": "given",
/**
 * When.
 */
at: number,
/**
 * What was said with it; may be empty.
 */
note: string, } | { "state": "taken",
/**
 * By whom.
 */
by: string,
/**
 * When.
 */
at: number,
/**
 * What they said; may be empty.
 */
note: string, };

/**
 * What a request is answered with.
 */
export type Answer = { "is": "done" } | { "is": "status", "value": Status } | { "is": "inbox", "value": Array<Row> } | { "is": "sources", "value": Sources } | { "is": "deleted", "value": {
/**
 * What to restore them by.
 */
stamp: number,
/**
 * How many they were.
 */
count: number, } } | { "is": "exported", "value": Array<Exported> } | { "is": "file", "value": {
/**
 * Where it is.
 */
path: string,
/**
 * Messages in it.
 */
count: number, } } | { "is": "message", "value": Message } | { "is": "picture", "value": {
/**
 * Its media type: `image/png`, `image/jpeg`, `image/gif` or `image/webp`, by its first bytes.
 */
kind: string,
/**
 * Its bytes, in base64.
 */
data: string, } } | { "is": "queued", "value": number } | { "is": "sent", "value": Array<Sent> } | { "is": "drafts", "value": Array<Kept> } | { "is": "contacts", "value": Array<Contact> } | { "is": "settings", "value": Settings } | { "is": "token", "value": string } | { "is": "consents", "value": Array<Consent> } | { "is": "computer", "value": Computer } | { "is": "doctor", "value": Report } | { "is": "checked", "value": Check };

/**
 * Whether a message is to be acknowledged by a person.
 */
export type Ask = "nobody" | "each" | "first";

/**
 * What happens at login.
 */
export type Autostart = {
/**
 * Tidings starts.
 */
on: boolean,
/**
 * Without a window.
 */
hidden: boolean,
/**
 * The program it starts, where that is not the one that runs now.
 */
other: string | null, };

/**
 * A certificate that is not accepted.
 */
export type Certificate = {
/**
 * What is wrong with it.
 */
fault: CertificateFault,
/**
 * Its SHA-256 fingerprint, as the relay prints it: `AB:CD:..`.
 */
shown: string,
/**
 * The fingerprint that was trusted before, if one was.
 */
trusted: string | null, };

/**
 * What is wrong with a certificate, told apart by what a person can do about it.
 */
export type CertificateFault = "unknown" | "changed" | "vouched" | "dates" | "name" | "other";

/**
 * One thing that was looked at.
 */
export type Check = {
/**
 * What was looked at.
 */
subject: Subject,
/**
 * The relay, by its id, where it is about one.
 */
relay: RelayId | null,
/**
 * What was looked at, for people.
 */
title: Words,
/**
 * How it is.
 */
verdict: Verdict,
/**
 * What was found: a sentence or two.
 */
found: Words,
/**
 * What to do about it, where there is something.
 */
advice: Words | null,
/**
 * What else is known, for those who look closer.
 */
details: Array<Detail>,
/**
 * What a button can do about it.
 */
remedy: Remedy | null, };

/**
 * Failures that faces tell apart.
 */
export type Code = "invalid" | "not-found" | "not-configured" | "ask" | "system";

/**
 * A relay's colour in the windows. Red is left out: it is for what failed.
 */
export type Color = "blue" | "orange" | "green" | "purple" | "teal" | "pink" | "yellow" | "grey";

/**
 * This computer as Tidings uses it.
 */
export type Computer = {
/**
 * The folder of the inbox.
 */
data: string,
/**
 * The folder of the settings.
 */
config: string,
/**
 * What happens at login; none where that cannot be set from here.
 */
autostart: Autostart | null, };

/**
 * The state of the session with a relay.
 */
export type Connection = { "state": "not-configured" } | { "state": "connecting" } | { "state": "connected",
/**
 * Since when.
 */
since: number, } | { "state": "offline",
/**
 * Since when.
 */
since: number,
/**
 * Why, for people.
 */
reason: Words,
/**
 * When the next try is.
 */
retryAt: number, } | { "state": "untrusted",
/**
 * Since when.
 */
since: number,
/**
 * Why, for people.
 */
reason: Words,
/**
 * The certificate.
 */
certificate: Certificate, } | { "state": "refused",
/**
 * Why, for people.
 */
reason: Words, } | { "state": "taken-over",
/**
 * Since when.
 */
since: number,
/**
 * Whether the person had just taken the name back here: the other device fights for it.
 */
again: boolean,
/**
 * When it is looked again by itself, where the other device is only supposed.
 */
retryAt: number | null, };

/**
 * Something the person allowed a sender.
 */
export type Consent = {
/**
 * Its number, to take it back.
 */
id: number,
/**
 * The sender's name; empty for HTTP senders without one.
 */
sender: string,
/**
 * The address of the relay they send by.
 */
relay: string,
/**
 * What they may do.
 */
permission: Permission, };

/**
 * Somebody a message can go to.
 */
export type Contact = {
/**
 * Who.
 */
to: Recipient,
/**
 * By which relay.
 */
relay: RelayId,
/**
 * A person's group; empty for none, and for groups.
 */
group: string,
/**
 * How many are in a group, as far as is known; 0 for people.
 */
members: number,
/**
 * Whether a person is connected, or somebody of a group is; none where the relay does not tell.
 */
online: boolean | null,
/**
 * When a person came or left last; none where nobody remembers.
 */
lastSeen: number | null,
/**
 * When this computer wrote to them last; none for never, as far as is kept.
 */
writtenAt: number | null, };

/**
 * What an offer does.
 */
export type Deed = { "kind": "link",
/**
 * The link.
 */
url: string,
/**
 * Where it leads, for people: its host, else its scheme.
 */
place: string, } | { "kind": "copy",
/**
 * The text.
 */
text: string,
/**
 * Whether it is a one-time code that was found in the message.
 */
code: boolean, } | { "kind": "call",
/**
 * The method.
 */
method: string,
/**
 * The address.
 */
url: string,
/**
 * Its host, for people.
 */
place: string, };

/**
 * What became of a message for one recipient, in people's terms.
 */
export type Delivery = "held" | "waiting" | "pushed" | "delivered" | "dismissed" | "read" | "acknowledged" | "refused" | "expired" | "superseded" | "cancelled" | "other";

/**
 * Something known.
 */
export type Detail = {
/**
 * What it is.
 */
name: Words,
/**
 * What is known: numbers and names, in no language.
 */
value: string, };

/**
 * A message to be sent.
 */
export type Draft = {
/**
 * To whom, each once; at most [`RECIPIENTS`].
 */
to: Array<Recipient>,
/**
 * The title.
 */
title: string,
/**
 * The body, Markdown.
 */
body: string,
/**
 * Its priority.
 */
priority: Priority,
/**
 * A link for the recipient to open; empty for none.
 */
link: string,
/**
 * Words to sort it by.
 */
tags: Array<string>,
/**
 * Seconds after which it is given up where it was not delivered, counted from when it is due.
 */
ttl: number | null,
/**
 * When it is to be delivered; none for now. Where the relay cannot hold it, this computer does.
 */
due: number | null,
/**
 * Whether it is to be acknowledged.
 */
ask: Ask,
/**
 * Seconds between reminders until it is; none for no reminders.
 */
repeat: number | null,
/**
 * It takes the place of an earlier one of the same key; empty for none.
 */
key: string,
/**
 * The received message that it answers.
 */
replyTo: number | null,
/**
 * By which relay; none for the one of the message it answers, else the first one.
 */
relay: RelayId | null, };

/**
 * What the agent tells a subscriber.
 */
export type Event = { "event": "status", "value": Status } | { "event": "received", "value": Row } | { "event": "changed", "value": number[] } | { "event": "sent", "value": Sent } | { "event": "drafts" } | { "event": "contacts" } | { "event": "notice", "value": Words } | { "event": "show", "value": View } | { "event": "settings", "value": Settings };

/**
 * A message as it is exported, one a line: what its sender sent and what became of it here.
 */
export type Exported = {
/**
 * Its number in the inbox.
 */
id: number,
/**
 * The address of the relay it came by.
 */
relay: string,
/**
 * The relay's id of it.
 */
mid: string,
/**
 * The sender's name; empty for HTTP senders without one.
 */
sender: string,
/**
 * The group it was sent to; none if it was to this computer.
 */
group: string | null,
/**
 * The title.
 */
title: string,
/**
 * The body.
 */
body: string,
/**
 * `extra`, as JSON in a string; lines of an export hold it as it is.
 */
extra: string,
/**
 * When it was stored here, in milliseconds since 1970 (UTC), as the next one.
 */
receivedAt: number,
/**
 * When it was read; none if it was not.
 */
readAt: number | null, };

/**
 * An extension of the protocol, by what the person gains (`docs/protocol-extensions.md`).
 */
export type Extension = "ref" | "receipts" | "directory" | "delay" | "key" | "ack";

/**
 * Why a request was not done.
 */
export type Failure = {
/**
 * What the faces tell apart.
 */
code: Code,
/**
 * What happened and what to do, for people.
 */
message: Words, };

/**
 * Which received messages: those for which all of it holds.
 */
export type Filter = {
/**
 * Words of title, body or sender, as a person types them: each is the beginning of a word, all
 * must be there, and what stands in quotation marks must be there as it stands. Empty, or
 * without a letter or digit: any message.
 */
search: string,
/**
 * Only unread ones.
 */
unread: boolean,
/**
 * Only from this sender; empty for HTTP senders without a name.
 */
sender: string | null,
/**
 * Only to this group.
 */
group: string | null,
/**
 * Only with this tag.
 */
tag: string | null,
/**
 * Only by this relay.
 */
relay: RelayId | null,
/**
 * Only of this priority or a higher one.
 */
priority: Priority | null, };

/**
 * A folder that a face can have opened.
 */
export type Folder = "data" | "config";

/**
 * Why a message was not raised as a notification of its own. It is in the inbox and in the count
 * all the same.
 */
export type Held = "paused" | "hours" | "desktop" | "muted" | "expired";

/**
 * The relay hosted inside the agent.
 */
export type Hosted = {
/**
 * Who can reach it.
 */
reach: Reach,
/**
 * Its port.
 */
port: number,
/**
 * Addresses to give to others, most likely first; empty unless the network reaches it.
 */
addresses: Array<string>,
/**
 * Clients connected now, this computer included.
 */
clients: number,
/**
 * A line for a shell that sends a message to this computer. It holds a call of
 * `tidings token`, not the token.
 */
curl: string, };

/**
 * A relay to join, or what is to change about one that is joined.
 */
export type Join = {
/**
 * Which one is changed; none joins another, unless this computer has that name at that address
 * already: then that one is changed.
 */
id: RelayId | null,
/**
 * `ws://`, `wss://`, `http://`, `https://` or bare `host[:port]`.
 */
address: string,
/**
 * This computer's name on it.
 */
name: string,
/**
 * Its group; may be empty.
 */
group: string,
/**
 * The token; none keeps the stored one, unless the relay is on another host now.
 */
token: string | null, };

/**
 * How long received and sent messages are kept.
 */
export type Keep = {
/**
 * For so many days; none for ever.
 */
days: number | null,
/**
 * At most so many received ones, the newest; none for all.
 */
count: number | null,
/**
 * Whether unread messages are removed as well.
 */
unreadToo: boolean, };

/**
 * A message that is being written, kept.
 */
export type Kept = {
/**
 * Its number among the kept ones.
 */
id: number,
/**
 * What is written so far; it need not be complete.
 */
draft: Draft,
/**
 * When it was changed last.
 */
changedAt: number, };

/**
 * A language.
 */
export type Language = "system" | "en" | "zh-CN";

/**
 * A received message whole.
 */
export type Message = {
/**
 * What lists show.
 */
row: Row,
/**
 * The body, Markdown by custom.
 */
body: string,
/**
 * The link to open when it is tapped (`click` or `scheme`).
 */
link: string | null,
/**
 * The address of the relay it came by.
 */
relay: string,
/**
 * The relay's id of it.
 */
mid: string,
/**
 * When the relay took it, by its mid; none where the mid does not read as a time.
 */
sentAt: number | null,
/**
 * `extra` as JSON, for the curious.
 */
extra: string,
/**
 * Whether the body is Markdown; plain text otherwise.
 */
markdown: boolean,
/**
 * What can be done with it, most useful first. [`crate::Request::Act`] does one, by its place.
 */
offers: Array<Offer>,
/**
 * The other messages of its conversation, received and sent, oldest first: what it answers, and
 * what answers it. At most [`THREAD`].
 */
thread: Array<Related>, };

/**
 * Whose messages are never raised as notifications.
 */
export type Mute = { "kind": "sender", "name": string } | { "kind": "group", "name": string } | { "kind": "tag", "name": string };

/**
 * How notifications behave.
 */
export type Notifications = {
/**
 * Whether they may sound, where the desktop sounds at all.
 */
sound: boolean,
/**
 * Whether urgent messages are raised also while notifications are held back.
 */
urgentPasses: boolean,
/**
 * Whether they are held back while the desktop's own do-not-disturb is on.
 */
followDesktop: boolean,
/**
 * When they are held back.
 */
hours: Array<QuietHours>,
/**
 * Whose messages are never raised.
 */
mutes: Array<Mute>, };

/**
 * Something that can be done with a message.
 */
export type Offer = {
/**
 * The sender's words for it; empty where the faces have their own.
 */
label: string,
/**
 * What it does.
 */
does: Deed,
/**
 * What the person has to agree to first, once; none where they need not, or have.
 */
asks: Permission | null, };

/**
 * What became of a message for one recipient.
 */
export type Outcome = {
/**
 * The recipient.
 */
name: string,
/**
 * What became of it.
 */
delivery: Delivery,
/**
 * How it came to that, in the order it was heard of; the last one is not always `delivery`, which
 * never falls back (who acknowledged it may read it later).
 */
history: Array<Step>, };

/**
 * What went to one person or group: a message of the protocol.
 */
export type Parcel = {
/**
 * To whom.
 */
to: Recipient,
/**
 * How far it came.
 */
progress: Progress,
/**
 * What became of it for each recipient, once the relay said so.
 */
recipients: Array<Outcome>, };

/**
 * Parts of the desktop that can be missing.
 */
export type Part = "notifications" | "tray" | "secrets" | "disk" | "hosting" | "window";

/**
 * How long to pause notifications.
 */
export type Pause = { "for": "minutes", "value": number } | { "for": "tomorrow" } | { "for": "off" };

/**
 * What a sender may have done here, once the person agreed.
 */
export type Permission = { "kind": "scheme", "what": string } | { "kind": "call", "what": string };

/**
 * Priorities, by the words senders use.
 */
export type Priority = "min" | "low" | "default" | "high" | "urgent";

/**
 * Something that does not work.
 */
export type Problem = {
/**
 * Which part.
 */
part: Part,
/**
 * What happened and what to do, for people.
 */
message: Words, };

/**
 * How far a parcel came.
 */
export type Progress = { "state": "queued" } | { "state": "sending" } | { "state": "answered" } | { "state": "unknown" } | { "state": "failed",
/**
 * Why, for people.
 */
reason: Words, } | { "state": "cancelled" };

/**
 * Whether notifications are held back now.
 */
export type Quiet = {
/**
 * Why; none while they are not.
 */
held: Held | null,
/**
 * Until when the person paused them; none if they did not.
 */
pausedUntil: number | null, };

/**
 * Hours in which notifications are held back, on some days of the week.
 */
export type QuietHours = {
/**
 * The days on which they begin: 1 is Monday, 7 Sunday.
 */
days: Array<number>,
/**
 * When they begin, in minutes after midnight by the computer's clock.
 */
from: number,
/**
 * When they end, on the next day where that is not after `from`.
 */
to: number, };

/**
 * Who can reach the hosted relay.
 */
export type Reach = "computer" | "network";

/**
 * To whom a message goes.
 */
export type Recipient = { "kind": "person", "name": string } | { "kind": "group", "name": string };

/**
 * Another message of the same conversation.
 */
export type Related = {
/**
 * Its number: a [`Row::id`], or a [`crate::Sent::id`].
 */
id: number,
/**
 * Whether it was sent from here; received otherwise.
 */
sent: boolean,
/**
 * Who wrote it, where it was received; to whom it went, where it was sent.
 */
who: string,
/**
 * The title; may be empty.
 */
title: string,
/**
 * The first line of the body as plain text.
 */
preview: string,
/**
 * When it was received, or written.
 */
at: number, };

/**
 * A relay's id among those of this computer: stable, short, and fit to be read. That of the relay
 * hosted inside is [`RelayId::HOSTED`]; others have their host's name, with a number behind it where
 * that is taken.
 */
export type RelayId = string;

/**
 * A relay that messages came by, or wait for.
 */
export type RelaySource = {
/**
 * Its id.
 */
id: RelayId,
/**
 * The address it was last reached at; empty where it never was.
 */
address: string,
/**
 * Its unread messages.
 */
unread: number,
/**
 * Messages that wait to be sent by it.
 */
waiting: number, };

/**
 * A relay that this computer is a client of.
 */
export type RelayState = {
/**
 * Its id, which requests name it by.
 */
id: RelayId,
/**
 * What the person calls it; until they do, its host, or "This computer" in their language.
 */
label: string,
/**
 * Its colour.
 */
color: Color,
/**
 * Its address, a ws or wss URL.
 */
address: string,
/**
 * Whether it is the one hosted inside.
 */
hosted: boolean,
/**
 * This computer's name on it.
 */
name: string,
/**
 * This computer's group; may be empty.
 */
group: string,
/**
 * The session with it.
 */
connection: Connection,
/**
 * Where its token is kept.
 */
secret: SecretPlace,
/**
 * The fingerprint of its certificate, where the person agreed to trust that one.
 */
pinned: string | null,
/**
 * What it speaks beyond the base protocol, as it said last; empty before it was connected to.
 */
extensions: Array<Extension>, };

/**
 * What a button beside a check does.
 */
export type Remedy = "reconnect" | "set-up" | "resume" | "start-at-login" | "plain-secret" | "open-folder";

/**
 * What was found.
 */
export type Report = {
/**
 * When, in milliseconds since 1970 (UTC).
 */
at: number,
/**
 * The version of the program that looked.
 */
version: string,
/**
 * The system and the desktop, as they call themselves.
 */
system: string,
/**
 * One after the other as they are shown.
 */
checks: Array<Check>, };

/**
 * A question or an order of a face.
 */
export type Request = { "do": "status" } | { "do": "subscribe",
/**
 * True for the window process.
 */
windows: boolean, } | { "do": "inbox",
/**
 * Only messages older than this one (a [`Row::id`]); none for the newest.
 */
before: number | null,
/**
 * At most so many, 200 at the most.
 */
limit: number,
/**
 * Which ones.
 */
filter: Filter, } | { "do": "sources" } | { "do": "message",
/**
 * Which.
 */
id: number, } | { "do": "mark",
/**
 * Which.
 */
ids: number[],
/**
 * Read, or unread.
 */
read: boolean, } | { "do": "mark-all",
/**
 * Which.
 */
filter: Filter,
/**
 * Read, or unread.
 */
read: boolean, } | { "do": "picture",
/**
 * The message.
 */
id: number,
/**
 * The picture's address, as the message has it: https only.
 */
address: string, } | { "do": "delete",
/**
 * Which.
 */
ids: number[], } | { "do": "restore",
/**
 * Which.
 */
ids: number[], } | { "do": "delete-all",
/**
 * Which.
 */
filter: Filter, } | { "do": "restore-all",
/**
 * Its stamp.
 */
stamp: number, } | { "do": "export",
/**
 * Which.
 */
filter: Filter,
/**
 * Only messages older than this one; none for the newest.
 */
before: number | null,
/**
 * At most so many, 200 at the most.
 */
limit: number, } | { "do": "export-file",
/**
 * Which.
 */
filter: Filter, } | { "do": "send",
/**
 * The message.
 */
draft: Draft,
/**
 * The kept one that it was written as: it is not kept any longer.
 */
kept: number | null, } | { "do": "sent",
/**
 * Only messages older than this one; none for the newest.
 */
before: number | null,
/**
 * At most so many, 200 at the most.
 */
limit: number,
/**
 * Only those with these words in their text or recipients; empty for all.
 */
search: string, } | { "do": "sent-message",
/**
 * Which.
 */
id: number, } | { "do": "resend",
/**
 * Which sent message.
 */
id: number, } | { "do": "cancel",
/**
 * Which sent message.
 */
id: number, } | { "do": "drafts" } | { "do": "keep-draft",
/**
 * In place of which; none for a new one.
 */
id: number | null,
/**
 * What is written.
 */
draft: Draft, } | { "do": "drop-draft",
/**
 * Which.
 */
id: number, } | { "do": "contacts",
/**
 * Only those with a part of their name that begins so; empty for all.
 */
search: string,
/**
 * Only those of this relay; none for all relays.
 */
relay: RelayId | null,
/**
 * At most so many, 10,000 at the most.
 */
limit: number, } | { "do": "acknowledge",
/**
 * Which.
 */
id: number,
/**
 * What to say with it, [`crate::NOTE_BYTES`] at most; may be empty.
 */
note: string, } | { "do": "host",
/**
 * Who can reach it.
 */
reach: Reach,
/**
 * This computer's name on it; none for the host name.
 */
name: string | null, } | { "do": "reach",
/**
 * Who can reach it.
 */
reach: Reach, } | { "do": "stop-hosting" } | { "do": "join",
/**
 * Where and as whom.
 */
relay: Join, } | { "do": "leave",
/**
 * Which.
 */
id: RelayId, } | { "do": "reconnect",
/**
 * With which relay; none for all that are not connected, but for those where another device
 * uses the name.
 */
id: RelayId | null, } | { "do": "trust-certificate",
/**
 * Which relay.
 */
id: RelayId,
/**
 * The fingerprint that the person compared.
 */
fingerprint: string, } | { "do": "describe-relay",
/**
 * Which.
 */
id: RelayId,
/**
 * What the person calls it; empty for what it is called by itself.
 */
label: string,
/**
 * Its colour.
 */
color: Color, } | { "do": "settings" } | { "do": "set-settings",
/**
 * All of them.
 */
settings: Settings, } | { "do": "allow-plain-secret",
/**
 * The answer of the person.
 */
allow: boolean, } | { "do": "show",
/**
 * Which.
 */
view: View, } | { "do": "copy-token" } | { "do": "token" } | { "do": "open-link",
/**
 * The link.
 */
url: string, } | { "do": "act",
/**
 * The message.
 */
id: number,
/**
 * Which of its offers, from 0.
 */
offer: number,
/**
 * The person agreed to what it asks for: remembered for the sender.
 */
allow: boolean, } | { "do": "consents" } | { "do": "revoke",
/**
 * Which.
 */
id: number, } | { "do": "pause",
/**
 * How long.
 */
pause: Pause, } | { "do": "mute",
/**
 * Whose.
 */
mute: Mute,
/**
 * Whether they are muted from now on.
 */
on: boolean, } | { "do": "computer" } | { "do": "set-autostart",
/**
 * Whether to.
 */
on: boolean,
/**
 * Without a window.
 */
hidden: boolean, } | { "do": "open-folder",
/**
 * Which.
 */
folder: Folder, } | { "do": "doctor" } | { "do": "test-relay",
/**
 * Which.
 */
relay: RelayId, } | { "do": "quit" };

/**
 * A received message as lists show it.
 */
export type Row = {
/**
 * Its number.
 */
id: number,
/**
 * The sender's name; empty for HTTP senders without one.
 */
sender: string,
/**
 * The group it was sent to; none if it was to this computer.
 */
group: string | null,
/**
 * The title; may be empty.
 */
title: string,
/**
 * The first line of the body as plain text.
 */
preview: string,
/**
 * When it was stored here.
 */
receivedAt: number,
/**
 * Whether it was read.
 */
read: boolean,
/**
 * Its priority.
 */
priority: Priority,
/**
 * Whether it carries a link.
 */
link: boolean,
/**
 * Its tags.
 */
tags: Array<string>,
/**
 * Why no notification of its own was raised; none where one was, or is still to be.
 */
held: Held | null,
/**
 * Whether a later message of the same sender and key took its place.
 */
superseded: boolean,
/**
 * The relay it came by. One that was left may be meant, which the status does not name any more.
 */
relay: RelayId,
/**
 * Where its sender wants it acknowledged: whether it was. None where nobody asks.
 */
acknowledgement: Acknowledgement | null, };

/**
 * Where the token is kept.
 */
export type SecretPlace = "nowhere" | "memory" | "keyring" | "file";

/**
 * A sent message and what became of it.
 */
export type Sent = {
/**
 * Its number.
 */
id: number,
/**
 * The message.
 */
draft: Draft,
/**
 * When it was written.
 */
writtenAt: number,
/**
 * What went to each it is for, in the order of [`Draft::to`].
 */
parcels: Array<Parcel>, };

/**
 * The settings that are not the relay's.
 */
export type Settings = {
/**
 * The language of windows, tray and notifications.
 */
language: Language,
/**
 * The windows' theme.
 */
theme: Theme,
/**
 * How notifications behave.
 */
notifications: Notifications,
/**
 * How long messages are kept.
 */
keep: Keep,
/**
 * Whether senders who ask are told that a message was read here, or its notification closed.
 */
readReceipts: boolean, };

/**
 * A sender, group or tag.
 */
export type Source = {
/**
 * Its name.
 */
name: string,
/**
 * Its unread messages.
 */
unread: number, };

/**
 * Whom the messages of the inbox come from, to choose a filter by.
 */
export type Sources = {
/**
 * Senders, the one heard from last first; at most 100, as the next ones.
 */
senders: Array<Source>,
/**
 * Groups.
 */
groups: Array<Source>,
/**
 * Tags.
 */
tags: Array<Source>,
/**
 * Relays, also those that were left, the newest first.
 */
relays: Array<RelaySource>, };

/**
 * How things stand.
 */
export type Status = {
/**
 * The agent's version.
 */
version: string,
/**
 * The relays that this computer is a client of, in the order they were joined. A message goes by
 * the first one where nothing else is said.
 */
relays: Array<RelayState>,
/**
 * The relay hosted inside, if one is.
 */
hosted: Hosted | null,
/**
 * Unread messages.
 */
unread: number,
/**
 * Whether notifications are held back now.
 */
quiet: Quiet,
/**
 * What does not work and what to do about it; empty when all is well.
 */
problems: Array<Problem>, };

/**
 * A change of what became of a message for one recipient.
 */
export type Step = {
/**
 * What it became.
 */
delivery: Delivery,
/**
 * When: by the relay's clock where it said so, else when it was heard of.
 */
at: number,
/**
 * What the person said with an acknowledgement; empty for nothing.
 */
note: string, };

/**
 * What a check is about.
 */
export type Subject = "agent" | "relay" | "clock" | "trip" | "notifications" | "quiet" | "tray" | "secrets" | "window" | "disk" | "autostart";

/**
 * A theme.
 */
export type Theme = "system" | "light" | "dark";

/**
 * How something is, from the best to the worst.
 */
export type Verdict = "good" | "note" | "warning" | "fault";

/**
 * A window and what it opens on.
 */
export type View = { "window": "inbox",
/**
 * Which.
 */
message: number | null, } | { "window": "unread" } | { "window": "compose",
/**
 * The received message to answer, if one is.
 */
reply: number | null,
/**
 * To whom, if it is known.
 */
to: Array<Recipient>, } | { "window": "sent",
/**
 * Which.
 */
message: number | null, } | { "window": "first-run" } | { "window": "relays" } | { "window": "settings" } | { "window": "doctor" };

/**
 * The same in each language.
 */
export type Words = {
/**
 * English.
 */
en: string,
/**
 * Simplified Chinese.
 */
"zh-CN": string, };
