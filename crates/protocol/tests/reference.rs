//! Every frame that was recorded between the reference server and its clients decodes as it should.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidings_protocol::{client, server};

/// One recorded line between a client and the server.
struct Frame {
    case: String,
    peer: String,
    from_server: bool,
    text: String,
}

/// The text frames, in order. Frames that the recording cut short are left out: they end in a note
/// of their length, or are a note themselves.
fn frames() -> Vec<Frame> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/reference-traces.jsonl"
    );
    let recorded = std::fs::read_to_string(path).expect("the recorded frames");
    recorded
        .lines()
        .filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = line["frame"].as_str()?.to_owned();
            let dir = line["dir"].as_str().unwrap();
            let (peer, from_server) = match dir.split_once("<S") {
                Some((peer, "")) => (peer, true),
                _ => (dir.strip_suffix(">S")?, false),
            };
            let cut = text.ends_with(" chars)")
                || text.starts_with(char::is_numeric) && text.contains("frames with");
            (!cut && !text.starts_with("<binary")).then(|| Frame {
                case: line["case"].as_str().unwrap().to_owned(),
                peer: peer.to_owned(),
                from_server,
                text,
            })
        })
        .collect()
}

#[test]
fn every_server_frame_is_read_and_written_back_the_same() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for frame in frames().iter().filter(|frame| frame.from_server) {
        let packet = server::Packet::decode(&frame.text)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", frame.case, frame.text));
        *kinds.entry(kind(&packet)).or_default() += 1;
        let mut written: Value = serde_json::from_str(&packet.encode()).unwrap();
        if let Some(data) = written["data"].as_object_mut() {
            // The later version's second name for the key.
            data.remove("webpushPublicKey");
        }
        let recorded: Value = serde_json::from_str(&frame.text).unwrap();
        assert_eq!(written, recorded, "{}", frame.case);
    }
    // All of them, none by way of `Unknown`.
    insta::assert_debug_snapshot!(kinds);
}

fn kind(packet: &server::Packet) -> &'static str {
    match packet {
        server::Packet::Auth(server::AuthReply::Accepted(_)) => "AUTH 200",
        server::Packet::Auth(server::AuthReply::NeedAuth(_)) => "AUTH 401",
        server::Packet::Auth(server::AuthReply::Refused(_)) => "AUTH 403",
        server::Packet::Message(_) => "MESSAGE",
        server::Packet::Reply(_) => "MESSAGE_REPLY",
        server::Packet::Info(_) => "INFO",
        server::Packet::Pong => "PONG",
        // The reference knows none of our extensions.
        _ => "unknown",
    }
}

/// A key order that peers compare byte for byte, and our own writing of it.
#[test]
fn messages_are_written_byte_for_byte_as_the_reference_does() {
    let mut compared = 0;
    for frame in frames().iter().filter(|frame| frame.from_server) {
        if let Ok(packet @ (server::Packet::Message(_) | server::Packet::Reply(_))) =
            server::Packet::decode(&frame.text)
        {
            assert_eq!(packet.encode(), frame.text, "{}", frame.case);
            compared += 1;
        }
    }
    assert!(compared > 300, "only {compared} were compared");
}

/// Where we refuse what the reference took: a subscription that no push could ever reach.
const STRICTER: &[&str] = &["fcm-bad-subscriptions"];

/// What a client sent is read, or refused with the reason that the reference gave. The snapshot
/// holds every distinct refusal beside the reference's answer.
#[test]
fn every_client_frame_is_read_or_refused_as_the_reference_did() {
    let frames = frames();
    let mut refusals: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (at, frame) in frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| !frame.from_server)
    {
        let Err(error) = client::Packet::decode(&frame.text) else {
            continue;
        };
        let answer = frames[at + 1..]
            .iter()
            .take_while(|later| later.case == frame.case)
            .find(|later| later.from_server && later.peer == frame.peer)
            .map_or(String::new(), |answer| answer.text.clone());
        let answered = match server::Packet::decode(&answer) {
            Ok(server::Packet::Info(text)) => text,
            Ok(server::Packet::Auth(server::AuthReply::NeedAuth(text))) => text,
            _ if STRICTER.contains(&frame.case.as_str()) => "no answer".to_owned(),
            _ => panic!(
                "{}: we refuse what the reference took: {error}: {} => {answer}",
                frame.case, frame.text
            ),
        };
        refusals
            .entry(frame.text.clone())
            .or_default()
            .insert(format!("ours: {error}\n    its:  {answered}"));
    }
    let table: Vec<String> = refusals
        .into_iter()
        .map(|(frame, answers)| {
            let answers: Vec<String> = answers.into_iter().collect();
            format!("{frame}\n    {}", answers.join("\n    "))
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

/// And the other way round: what the reference called malformed, we refuse too.
#[test]
fn what_the_reference_called_malformed_is_refused() {
    let frames = frames();
    let mut seen = 0;
    for pair in frames.windows(2) {
        let [sent, answer] = pair else {
            unreachable!("windows of two")
        };
        let answers = !sent.from_server && answer.from_server && sent.peer == answer.peer;
        if !answers {
            continue;
        }
        let Ok(server::Packet::Info(reason)) = server::Packet::decode(&answer.text) else {
            continue;
        };
        let malformed = reason.contains("property") && !reason.contains("Cannot read")
            || reason.starts_with("Unknow cmd");
        // The later version's command, and HTTP's test command, which we know.
        if !malformed || reason.contains("REGISTER_WEBPUSH") {
            continue;
        }
        seen += 1;
        assert!(
            client::Packet::decode(&sent.text).is_err(),
            "{}: {} was answered {reason}",
            sent.case,
            sent.text
        );
    }
    assert!(seen > 15, "only {seen} were seen");
}
