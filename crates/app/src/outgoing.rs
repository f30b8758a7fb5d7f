//! From a draft to a packet: checked, given its `ref`, and put in the wire's words. Pure but for the
//! randomness of the `ref`.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use tidings_control::RECIPIENTS;
use tidings_protocol::{Group, Message, Name, Ref, Target, client, limits};

use crate::inbox::Outgoing;
use crate::types::{Ask, Draft, Failure, Recipient};
use crate::words::Wrong;
use crate::{extra, text};

/// Random bytes of a `ref`: never the same twice, also between computers of one name.
const REFERENCE_BYTES: usize = 16;

/// Characters of a title in a quote: enough to know the message by.
const QUOTE_CHARS: usize = 200;

/// Characters of a name in the words about it.
const NAME_CHARS: usize = 60;

/// How far ahead a message may be due: what a relay holds one for.
const DUE_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// How long ago a message may have been due and is sent now: the clock ran on while it was written.
/// Longer ago, another day or hour was meant.
const PAST_MS: u64 = 10 * 60 * 1000;

/// Seconds between reminders: what relays keep to.
const REPEAT: RangeInclusive<u32> = 30..=86_400;

/// A draft that can be sent, trimmed where blanks mean nothing. `now` is in milliseconds since 1970.
pub(crate) fn checked(mut draft: Draft, now: u64) -> Result<Draft, Failure> {
    draft.to = draft
        .to
        .into_iter()
        .map(|to| match to {
            Recipient::Person(name) => Recipient::Person(trimmed(&name)),
            Recipient::Group(name) => Recipient::Group(trimmed(&name)),
        })
        .collect();
    checked_recipients(&draft.to)?;
    draft.link = trimmed(&draft.link);
    if !draft.link.is_empty() && url::Url::parse(&draft.link).is_err() {
        return Err(invalid(Wrong::Link));
    }
    if draft.title.trim().is_empty() && draft.body.trim().is_empty() {
        return Err(invalid(Wrong::Empty));
    }
    draft.tags = extra::own_tags(&draft.tags)?;
    draft.key = trimmed(&draft.key);
    if !extra::is_key(&draft.key) {
        return Err(invalid(Wrong::Key(extra::KEY_CHARS)));
    }
    if draft
        .ttl
        .is_some_and(|ttl| !(1..=extra::TTL_SECONDS).contains(&ttl))
    {
        return Err(invalid(Wrong::Ttl));
    }
    draft.due = match draft.due {
        Some(due) if due.saturating_add(PAST_MS) < now => return Err(invalid(Wrong::DuePast)),
        Some(due) if due > now.saturating_add(DUE_MS) => return Err(invalid(Wrong::DueFar)),
        due => due.filter(|due| *due > now),
    };
    let person = |to: &Recipient| matches!(to, Recipient::Person(_));
    if draft.ask == Ask::First && draft.to.iter().any(person) {
        return Err(invalid(Wrong::FirstOfGroup));
    }
    if draft.ask == Ask::Nobody {
        draft.repeat = None;
    }
    if draft.repeat.is_some_and(|repeat| !REPEAT.contains(&repeat)) {
        return Err(invalid(Wrong::Repeat(*REPEAT.start(), *REPEAT.end())));
    }
    bounded(&draft)?;
    Ok(draft)
}

/// Whether a draft, complete or not, is short enough to be kept.
pub(crate) fn bounded(draft: &Draft) -> Result<(), Failure> {
    let (bytes, limit) = (bytes(draft), limits::FRAME_BYTES);
    if bytes > limit {
        return Err(invalid(Wrong::TooLong { bytes, limit }));
    }
    Ok(())
}

fn checked_recipients(to: &[Recipient]) -> Result<(), Failure> {
    if to.is_empty() {
        return Err(invalid(Wrong::NobodyNamed));
    }
    if to.len() > RECIPIENTS {
        return Err(invalid(Wrong::TooManyRecipients(RECIPIENTS)));
    }
    let mut named = HashSet::new();
    for recipient in to {
        target(recipient)?;
        if !named.insert(recipient) {
            let (Recipient::Person(name) | Recipient::Group(name)) = recipient;
            return Err(invalid(Wrong::Twice(text::short(name, NAME_CHARS))));
        }
    }
    Ok(())
}

fn invalid(wrong: Wrong) -> Failure {
    Failure::Invalid(wrong.into())
}

/// What stands of a message before the answer to it: a short Markdown quote, which every client shows. What
/// that message quotes itself is left out.
pub(crate) fn quote(title: &str, body: &str) -> String {
    let lines = [
        text::short(title, QUOTE_CHARS),
        text::preview(text::answer(body)),
    ];
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines.map(|line| format!("> {line}\n")).collect()
}

/// Bytes of a draft's text. Its frame is longer, as the session finds out; this bounds what is
/// stored and told to the faces.
pub(crate) fn bytes(draft: &Draft) -> usize {
    let to = draft.to.iter().map(|to| match to {
        Recipient::Person(name) | Recipient::Group(name) => name,
    });
    let texts = [&draft.title, &draft.body, &draft.link, &draft.key];
    let texts = texts.into_iter().chain(&draft.tags).chain(to);
    texts.map(String::len).sum()
}

/// A new `ref`.
pub(crate) fn reference() -> Result<String, Failure> {
    random_hex(REFERENCE_BYTES)
}

/// Random bytes from the system, in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> Result<String, Failure> {
    use std::fmt::Write;
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::System(Wrong::NoRandom(error.to_string()).into()))?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// The packet of a kept message.
pub(crate) fn packet(outgoing: &Outgoing) -> Result<client::Send, Failure> {
    let draft = &outgoing.draft;
    let mut extra = Map::new();
    if let Some(word) = extra::word(draft.priority) {
        extra.insert("priority".to_owned(), word.into());
    }
    let mut put = |name: &str, value: Value| extra.insert(name.to_owned(), value);
    if !draft.link.is_empty() {
        put("click", draft.link.clone().into());
        // Clients in use know the link by this name only.
        put("scheme", draft.link.clone().into());
    }
    if !draft.tags.is_empty() {
        put("tags", draft.tags.clone().into());
    }
    if let Some(ttl) = draft.ttl {
        put("ttl", ttl.into());
    }
    // Said also where this computer kept it until then: a time that is past is no delay, and the packet of
    // one `ref` is always the same.
    if let Some(due) = draft.due.and_then(rfc3339) {
        put("delay", due.into());
    }
    if !draft.key.is_empty() {
        put("key", draft.key.clone().into());
    }
    match draft.ask {
        Ask::Nobody => None,
        Ask::Each => put("ack", true.into()),
        Ask::First => put("ack", "first".into()),
    };
    if let Some(repeat) = draft.repeat {
        put("repeat", repeat.into());
    }
    let mut body = draft.body.clone();
    if let Some(reply) = &outgoing.reply {
        if let Some(mid) = &reply.mid {
            put("reply", mid.clone().into());
        }
        if !reply.quote.is_empty() {
            body.insert_str(0, &format!("{}\n", reply.quote));
        }
    }
    let reference = Ref::new(&outgoing.reference);
    Ok(client::Send {
        target: target(&outgoing.to)?,
        message: Message {
            text: draft.title.clone(),
            desp: body,
            extra: Value::Object(extra),
        },
        reference: Some(
            reference.map_err(|error| Failure::Invalid(Wrong::Reference(error).into()))?,
        ),
    })
}

fn target(to: &Recipient) -> Result<Target, Failure> {
    match to {
        Recipient::Person(name) if name.is_empty() => {
            Err(Failure::Invalid(Wrong::NobodyNamed.into()))
        }
        Recipient::Group(name) if name.is_empty() => {
            Err(Failure::Invalid(Wrong::NoGroupNamed.into()))
        }
        Recipient::Person(name) => Name::new(name)
            .map(Target::Personal)
            .map_err(|error| Failure::Invalid(Wrong::Recipient(error).into())),
        Recipient::Group(name) => Group::new(name)
            .map(Target::Group)
            .map_err(|error| Failure::Invalid(Wrong::Group(error).into())),
    }
}

fn rfc3339(millis: u64) -> Option<String> {
    let millis = i64::try_from(millis).ok()?;
    let time = jiff::Timestamp::from_millisecond(millis).ok()?;
    Some(time.to_string())
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

#[cfg(test)]
mod tests;
