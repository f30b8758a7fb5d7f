//! From a draft to a packet: checked, given its `ref`, and put in the wire's words. Pure but for the
//! randomness of the `ref`.

use serde_json::{Map, Value};
use tidings_protocol::{Group, Message, Name, Ref, Target, client, limits};

use crate::extra;
use crate::inbox::Outgoing;
use crate::types::{Draft, Failure, Recipient};
use crate::words::Wrong;

/// Random bytes of a `ref`: never the same twice, also between computers of one name.
const REFERENCE_BYTES: usize = 16;

/// A draft that can be sent, trimmed where blanks mean nothing.
pub(crate) fn checked(mut draft: Draft) -> Result<Draft, Failure> {
    draft.to = draft
        .to
        .into_iter()
        .map(|to| match to {
            Recipient::Person(name) => Recipient::Person(trimmed(name)),
            Recipient::Group(name) => Recipient::Group(trimmed(name)),
        })
        .collect();
    let [to] = draft.to.as_slice() else {
        return Err(Failure::Invalid(Wrong::NobodyNamed.into()));
    };
    target(to)?;
    draft.link = trimmed(draft.link);
    if !draft.link.is_empty() && url::Url::parse(&draft.link).is_err() {
        return Err(Failure::Invalid(Wrong::Link.into()));
    }
    if draft.title.trim().is_empty() && draft.body.trim().is_empty() {
        return Err(Failure::Invalid(Wrong::Empty.into()));
    }
    let (bytes, limit) = (bytes(&draft), limits::FRAME_BYTES);
    if bytes > limit {
        return Err(Failure::Invalid(Wrong::TooLong { bytes, limit }.into()));
    }
    Ok(draft)
}

/// Bytes of a draft's text. Its frame is longer, as the session finds out; this bounds what is
/// stored and told to the faces.
pub(crate) fn bytes(draft: &Draft) -> usize {
    draft.title.len() + draft.body.len() + draft.link.len()
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
    if !draft.link.is_empty() {
        extra.insert("click".to_owned(), draft.link.clone().into());
        // Clients in use know the link by this name only.
        extra.insert("scheme".to_owned(), draft.link.clone().into());
    }
    let reference = Ref::new(&outgoing.reference);
    Ok(client::Send {
        target: target(&outgoing.to)?,
        message: Message {
            text: draft.title.clone(),
            desp: draft.body.clone(),
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

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Priority;

    fn draft(to: Recipient) -> Draft {
        Draft {
            to: vec![to],
            title: "t".into(),
            body: "b".into(),
            priority: Priority::Default,
            link: String::new(),
            relay: None,
            ..Draft::default()
        }
    }

    #[test]
    fn a_draft_that_cannot_be_sent_is_told_why() {
        let person = |name: &str| draft(Recipient::Person(name.into()));
        let refused = |draft| checked(draft).unwrap_err().to_string();
        assert!(refused(person("  ")).starts_with("Nobody is named."));
        assert!(refused(draft(Recipient::Group(String::new()))).starts_with("No group is named."));
        assert!(refused(person(&"x".repeat(300))).contains("name is longer than 256 bytes"));
        let mut empty = person("ann");
        (empty.title, empty.body) = (" ".into(), "\n".into());
        assert!(refused(empty).starts_with("The message is empty."));
        let mut linked = person("ann");
        linked.link = "example.org".into();
        assert!(refused(linked).starts_with("The link is not complete."));
        let mut long = person("ann");
        long.body = "x".repeat(limits::FRAME_BYTES);
        assert!(refused(long).starts_with("The message is too long"));
        assert_eq!(
            checked(person(" ann ")).unwrap().to,
            [Recipient::Person("ann".into())]
        );
    }

    #[test]
    fn the_packet_says_no_more_than_the_draft() {
        let outgoing = |draft: Draft| Outgoing {
            to: draft.to[0].clone(),
            id: 1,
            reference: reference().unwrap(),
            draft,
        };
        let plain = packet(&outgoing(draft(Recipient::Group("ops".into())))).unwrap();
        assert_eq!(plain.message.extra, serde_json::json!({}));
        assert_eq!(plain.target.as_str(), "ops");
        assert_eq!(plain.reference.unwrap().as_str().len(), 2 * REFERENCE_BYTES);
        let mut full = draft(Recipient::Person("ann".into()));
        full.priority = Priority::Urgent;
        full.link = "https://e.example/".into();
        assert_eq!(
            packet(&outgoing(full)).unwrap().message.extra,
            serde_json::json!({
                "priority": "urgent", "click": "https://e.example/", "scheme": "https://e.example/"
            })
        );
    }
}
