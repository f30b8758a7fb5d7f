//! Drafts that can be sent and those that cannot, and what a packet says of one.

use super::*;
use crate::types::Priority;

const NOW: u64 = 1_700_000_000_000;

fn draft(to: Recipient) -> Draft {
    Draft {
        to: vec![to],
        title: "t".into(),
        body: "b".into(),
        ..Draft::default()
    }
}

#[test]
fn a_draft_that_cannot_be_sent_is_told_why() {
    let person = |name: &str| draft(Recipient::Person(name.into()));
    let refused = |draft| checked(draft, NOW).unwrap_err().to_string();
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
        checked(person(" ann "), NOW).unwrap().to,
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
        reply: None,
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

#[test]
fn a_draft_keeps_within_its_bounds() {
    let person = || draft(Recipient::Person("ann".into()));
    let group = || draft(Recipient::Group("ops".into()));
    let refused = |draft| checked(draft, NOW).unwrap_err().to_string();
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = person();
        change(&mut draft);
        draft
    };
    let many = (0..=RECIPIENTS).map(|number| Recipient::Person(number.to_string()));
    let many: Vec<_> = many.collect();
    for (wrong, words) in [
        (with(&|d| d.to.clear()), "Nobody is named."),
        (
            with(&|d| d.to.clone_from(&many)),
            "A message has at most 50",
        ),
        (
            with(&|d| d.to.push(Recipient::Person(" ann".into()))),
            "ann is named twice",
        ),
        (with(&|d| d.tags = vec!["a,b".into()]), "A tag has at most"),
        (
            with(&|d| d.tags = (0..11).map(|n| n.to_string()).collect()),
            "A message has at most 10 tags",
        ),
        (with(&|d| d.key = "k".repeat(300)), "A key has at most"),
        (with(&|d| d.ttl = Some(0)), "A message lives"),
        (
            with(&|d| d.due = Some(NOW - 2 * PAST_MS)),
            "The time to deliver it at is past",
        ),
        (
            with(&|d| d.due = Some(NOW + DUE_MS + 1)),
            "A message can be held for a year",
        ),
        (with(&|d| d.ask = Ask::First), "Only a group's messages"),
        (
            with(&|d| (d.ask, d.repeat) = (Ask::Each, Some(29))),
            "Reminders come every 30 to 86400",
        ),
    ] {
        let said = refused(wrong);
        assert!(said.starts_with(words), "{said}");
    }
    let mut good = group();
    good.ask = Ask::First;
    good.repeat = Some(30);
    good.due = Some(NOW + 1);
    assert_eq!(checked(good.clone(), NOW).unwrap(), good);
    // A name and a group that are called alike are two.
    let two = with(&|d| d.to.push(Recipient::Group("ann".into())));
    assert_eq!(checked(two, NOW).unwrap().to.len(), 2);
    let tidied = with(&|d| {
        d.due = Some(NOW - 1000);
        d.repeat = Some(1);
        d.tags = vec![" a ".into(), "a".into(), "".into()];
    });
    let tidied = checked(tidied, NOW).unwrap();
    assert_eq!((tidied.due, tidied.repeat), (None, None));
    assert_eq!(tidied.tags, ["a"]);
}

#[test]
fn all_that_a_draft_says_is_in_its_packet_and_always_the_same() {
    let mut full = draft(Recipient::Group("ops".into()));
    full.tags = vec!["disk".into()];
    full.ttl = Some(60);
    full.due = Some(NOW);
    full.key = "k".into();
    full.ask = Ask::First;
    full.repeat = Some(30);
    let outgoing = Outgoing {
        to: full.to[0].clone(),
        id: 1,
        reference: "r".into(),
        draft: full,
        reply: Some(crate::inbox::Reply {
            mid: Some("70".into()),
            quote: "> What?\n".into(),
        }),
    };
    let sent = packet(&outgoing).unwrap();
    assert_eq!(sent, packet(&outgoing).unwrap());
    assert_eq!(sent.message.desp, "> What?\n\nb");
    assert_eq!(
        sent.message.extra,
        serde_json::json!({
            "tags": ["disk"], "ttl": 60, "delay": "2023-11-14T22:13:20Z", "key": "k", "ack": "first",
            "repeat": 30, "reply": "70"
        })
    );
}

#[test]
fn a_quote_is_short_and_leaves_out_what_was_quoted() {
    assert_eq!(
        quote("Lunch", "**At** one\nor two"),
        "> Lunch\n> At one or two\n"
    );
    assert_eq!(quote("", "> Lunch\n> At one\n\nYes"), "> Yes\n");
    assert_eq!(quote("", "> all of it"), "> all of it\n");
    assert!(quote(&"x".repeat(9999), &"y\n".repeat(9999)).len() < 1000);
}
