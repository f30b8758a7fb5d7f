//! What goes beyond the base protocol is handed up, and said only where both sides list it.

use tidings_protocol::{Change, State as Became};

use super::*;

const RECEIPT: &str = r#"{"cmd":"RECEIPT","data":{"mid":"1","name":"ann","state":"ok","at":5}}"#;

fn machine(listed: &[&str], welcome: &[&str]) -> (Machine, Instant) {
    let now = Instant::now();
    let mut config = config();
    config.features = listed.iter().map(|&word| word.to_owned()).collect();
    let mut machine = Machine::new(config, fastrand::Rng::with_seed(1), now);
    machine.handle(Input::Opened, now);
    let features = welcome.iter().map(|&word| word.to_owned()).collect();
    let welcome = Welcome {
        features,
        ..Welcome::default()
    };
    let welcome = server::Packet::Auth(AuthReply::Accepted(welcome)).encode();
    machine.handle(Input::Frame(&welcome), now);
    while machine.poll_output().is_some() {}
    (machine, now)
}

#[test]
fn a_receipt_is_handed_up_and_confirmed_by_the_user() {
    let (mut machine, now) = machine(&["receipts"], &["ref", "receipts"]);
    machine.handle(Input::Frame(RECEIPT), now);
    let Some(Output::Event(Event::Extension(packet))) = machine.poll_output() else {
        panic!("no event");
    };
    let server::Packet::Receipt(receipt) = *packet else {
        panic!("{packet:?}");
    };
    assert_eq!(receipt.state, Became::Ok);
    machine.handle(Input::Say(Packet::TakeReceipt(receipt.change())), now);
    let confirmed = Packet::TakeReceipt(receipt.change()).encode();
    assert_eq!(machine.poll_output(), Some(Output::Transmit(confirmed)));
}

#[test]
fn nothing_is_said_that_one_side_does_not_list() {
    let change = Change {
        mid: mid("1"),
        name: Name::new("ann").unwrap(),
        state: Became::Ok,
    };
    for (ours, theirs) in [(&["receipts"][..], &[][..]), (&[], &["receipts"])] {
        let (mut machine, now) = machine(ours, theirs);
        machine.handle(Input::Say(Packet::TakeReceipt(change.clone())), now);
        assert_eq!(machine.poll_output(), None);
        // Nor what is no extension's.
        machine.handle(Input::Say(Packet::Ping), now);
        assert_eq!(machine.poll_output(), None);
    }
}
