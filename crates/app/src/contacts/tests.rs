//! Lists of relays that come, change and go, and what is found in them.

use tidings_protocol::{Group, Known, Name};

use super::*;

fn here() -> RelayId {
    RelayId::new("here")
}

fn known(name: &str, group: &str, online: bool) -> Known {
    Known {
        name: Name::new(name).unwrap(),
        group: Group::new(group).unwrap(),
        online,
        last_seen: Some(5),
    }
}

fn list(reset: bool, more: bool, clients: Vec<Known>) -> Directory {
    Directory {
        reset,
        more,
        clients,
    }
}

fn office() -> Contacts {
    let mut contacts = Contacts::default();
    let clients = vec![
        known("ann", "office", false),
        known("Bob-laptop", "office", true),
        known("lab.printer", "", true),
        known("小明", "实验室", false),
    ];
    assert!(contacts.heard(&here(), list(true, false, clients)));
    contacts
}

fn names(contacts: &[Contact]) -> Vec<String> {
    let name = |contact: &Contact| match &contact.to {
        Recipient::Person(name) => name.clone(),
        Recipient::Group(name) => format!("@{name}"),
    };
    contacts.iter().map(name).collect()
}

fn found(contacts: &Contacts, search: &str) -> Vec<String> {
    names(&contacts.matching(search, &[here()], &[], 100))
}

#[test]
fn who_is_connected_comes_first_then_names_and_groups_are_what_members_say() {
    let contacts = office();
    let all = contacts.matching("", &[here()], &[], 100);
    let order = [
        "Bob-laptop",
        "lab.printer",
        "@office",
        "ann",
        "@实验室",
        "小明",
    ];
    assert_eq!(names(&all), order);
    assert_eq!((all[2].members, all[2].online), (2, Some(true)));
    assert_eq!((all[4].members, all[4].online), (1, Some(false)));
    assert_eq!(
        (all[3].group.as_str(), all[3].last_seen),
        ("office", Some(5))
    );
    let first = contacts.matching("", &[here()], &[], 2);
    assert_eq!(names(&first), ["Bob-laptop", "lab.printer"]);
    assert!(
        contacts
            .matching("", &[RelayId::new("b")], &[], 9)
            .is_empty()
    );
}

#[test]
fn a_part_of_the_name_begins_as_was_typed() {
    let contacts = office();
    for (search, expected) in [
        ("BOB", vec!["Bob-laptop"]),
        ("lap", vec!["Bob-laptop"]),
        ("apt", vec![]),
        ("pri lab", vec!["lab.printer"]),
        ("lab.p", vec!["lab.printer"]),
        ("明", vec!["小明"]),
        ("@", vec!["@office", "@实验室"]),
        ("@o", vec!["@office"]),
        ("o", vec!["@office"]),
    ] {
        assert_eq!(found(&contacts, search), expected, "{search}");
    }
}

#[test]
fn whom_one_wrote_to_last_comes_first_also_where_nobody_else_knows_them() {
    let contacts = office();
    let recent = |relay: &str, to, at| Recent {
        relay: RelayId::new(relay),
        to,
        at,
    };
    let person = |name: &str| Recipient::Person(name.to_owned());
    let recents = [
        recent("here", person("ann"), 10),
        recent("here", person("gone"), 20),
        recent("left", person("cy"), 30),
    ];
    let all = contacts.matching("", &[here()], &recents, 3);
    assert_eq!(names(&all), ["gone", "ann", "Bob-laptop"]);
    assert_eq!((all[0].online, all[0].written_at), (None, Some(20)));
    assert_eq!(all[1].online, Some(false));
    let some = contacts.matching("g", &[here()], &recents, 3);
    assert_eq!(names(&some), ["gone"]);
}

#[test]
fn a_list_in_pieces_takes_the_place_of_the_last_one_when_it_is_whole() {
    let mut contacts = office();
    let piece = |reset, more, name| list(reset, more, vec![known(name, "", true)]);
    assert!(!contacts.heard(&here(), piece(true, true, "di")));
    assert_eq!(found(&contacts, "").len(), 6);
    assert!(contacts.heard(&here(), piece(false, false, "ed")));
    assert_eq!(found(&contacts, ""), ["di", "ed"]);
    // The same once more is no news; another state is.
    assert!(!contacts.heard(&here(), piece(false, false, "ed")));
    let gone = list(false, false, vec![known("ed", "", false)]);
    assert!(contacts.heard(&here(), gone));
}

#[test]
fn without_a_line_names_stay_and_nobody_is_said_to_be_connected() {
    let mut contacts = office();
    assert!(!contacts.heard(&here(), list(true, true, Vec::new())));
    assert!(contacts.offline(&here()));
    assert!(!contacts.offline(&here()));
    let all = contacts.matching("", &[here()], &[], 100);
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|contact| contact.online.is_none()));
    // The same list again tells who is connected.
    let again = list(true, false, vec![known("ann", "office", true)]);
    assert!(contacts.heard(&here(), again));
    assert!(contacts.forget(&here()));
    assert!(found(&contacts, "").is_empty());
}

#[test]
fn a_relay_with_very_many_clients_fills_no_memory() {
    let mut contacts = Contacts::default();
    let clients = (0..KNOWN + 5).map(|number| known(&format!("c{number}"), "", true));
    contacts.heard(&here(), list(true, false, clients.collect()));
    assert_eq!(found(&contacts, "").len(), 100);
    assert_eq!(
        contacts.matching("", &[here()], &[], usize::MAX).len(),
        KNOWN
    );
}
