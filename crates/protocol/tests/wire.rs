//! The wire form of every packet, as it stands in the protocol's document. A change of a snapshot
//! here is a change of the contract with deployed peers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use tidings_protocol::client::{self, Auth, Send, Subscription};
use tidings_protocol::server::{self, AuthReply, Delivery, From, Method, Reply, Welcome};
use tidings_protocol::{
    Cancel, Cancelled, Change, Directory, Feature, Features, Group, Held, Known, Message, Mid,
    Name, Receipt, Ref, Reminder, Report, Reported, Scheduled, State, Status, Target,
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn mid() -> Mid {
    Mid::new("1795414087127").unwrap()
}

fn reference() -> Option<Ref> {
    Some(Ref::new("r-1").unwrap())
}

fn message() -> Message {
    Message {
        text: "title".into(),
        desp: "**body**".into(),
        extra: json!({"scheme": "https://example.org", "priority": 4}),
    }
}

#[test]
fn client_packets() {
    let auth = |features: &[&str]| {
        client::Packet::Auth(Auth {
            token: "test".into(),
            name: name("alice"),
            group: Group::new("g1").unwrap(),
            features: features.iter().map(|&f| f.to_owned()).collect(),
        })
    };
    let send = |target, reference| {
        client::Packet::Message(Send {
            target,
            message: message(),
            reference,
        })
    };
    let packets = [
        auth(&[]),
        auth(&["ref"]),
        send(Target::Personal(name("bob")), None),
        send(Target::Group(Group::new("g1").unwrap()), reference()),
        client::Packet::Confirm(mid()),
        client::Packet::ConfirmPush(mid()),
        client::Packet::RegisterPush(Subscription {
            endpoint: "https://push.example.org/x".into(),
            auth: "YXV0aA".into(),
            p256dh: "cDI1NmRo".into(),
        }),
        client::Packet::Ping,
    ];
    insta::assert_snapshot!(lines(packets.iter().map(client::Packet::encode)));
}

#[test]
fn server_packets() {
    let plain = Welcome {
        msg: "Successful authentication".into(),
        ticket: Some("ticket".into()),
        ..Welcome::default()
    };
    let full = Welcome {
        push_key: Some("BCUUB6W4".into()),
        features: vec!["ref".into()],
        server: Some("tidings-relay/0.1.0".into()),
        relay: Some("id".into()),
        ..plain.clone()
    };
    let delivery = |target, from, reference| {
        server::Packet::Message(Delivery {
            target,
            from,
            message: message(),
            mid: mid(),
            reference,
        })
    };
    let statuses = [
        Status::Ready,
        Status::Wait,
        Status::Ok,
        Status::No,
        Status::PushWait,
        Status::PushOk,
        Status::PushConfirmed,
        Status::Other("new-word".into()),
    ];
    let status = statuses
        .into_iter()
        .enumerate()
        .map(|(n, status)| (name(&format!("n{n}")), status));
    let packets = [
        server::Packet::Auth(AuthReply::Accepted(plain)),
        server::Packet::Auth(AuthReply::Accepted(full)),
        server::Packet::Auth(AuthReply::NeedAuth("Need Auth".into())),
        server::Packet::Auth(AuthReply::Refused("Token invalid".into())),
        delivery(
            Target::Personal(name("bob")),
            From {
                method: Method::WebSocket,
                name: Some(name("alice")),
            },
            None,
        ),
        delivery(
            Target::Group(Group::new("g1").unwrap()),
            From {
                method: Method::Http,
                name: None,
            },
            reference(),
        ),
        server::Packet::Reply(Reply {
            mid: mid(),
            status: status.collect(),
            reference: None,
        }),
        server::Packet::Reply(Reply {
            mid: mid(),
            status: vec![],
            reference: reference(),
        }),
        server::Packet::Info("a notice".into()),
        server::Packet::Pong,
    ];
    insta::assert_snapshot!(lines(packets.iter().map(server::Packet::encode)));
}

#[test]
fn extensions() {
    let change = Change {
        mid: mid(),
        name: name("ann"),
        state: State::Ok,
    };
    let client = [
        client::Packet::Report(Report {
            mid: mid(),
            state: Reported::Acknowledged,
            note: Some("on it".into()),
        }),
        client::Packet::TakeReceipt(change.clone()),
        client::Packet::Directory,
        client::Packet::Scheduled { after: None },
        client::Packet::Scheduled { after: Some(mid()) },
        client::Packet::Cancel(Cancel::Mid(mid())),
        client::Packet::Cancel(Cancel::Ref(reference().unwrap())),
    ];
    let known = |last_seen: Option<u64>| Known {
        name: name("ann"),
        group: Group::new("family").unwrap(),
        online: last_seen.is_some(),
        last_seen,
    };
    let server = [
        server::Packet::Receipt(Receipt {
            mid: mid(),
            reference: reference(),
            name: name("ann"),
            state: State::Acknowledged,
            at: 1_795_414_000_000,
            note: Some("on it".into()),
        }),
        server::Packet::ReportTaken(change),
        server::Packet::Directory(Directory {
            reset: true,
            more: true,
            clients: vec![known(Some(1_795_414_000_000)), known(None)],
        }),
        server::Packet::Directory(Directory::default()),
        server::Packet::Scheduled(Scheduled {
            messages: vec![Held {
                mid: mid(),
                reference: reference(),
                target: Target::Personal(name("ann")),
                text: "title".into(),
                due: 1_795_417_600_000,
            }],
            more: true,
        }),
        server::Packet::Cancelled(Cancelled {
            mid: Some(mid()),
            reference: None,
            cancelled: true,
        }),
        server::Packet::Reminder(Box::new(Reminder {
            delivery: Delivery {
                target: Target::Personal(name("ann")),
                from: From {
                    method: Method::Http,
                    name: None,
                },
                message: message(),
                mid: mid(),
                reference: reference(),
            },
            number: 2,
        })),
    ];
    let client = client.iter().map(client::Packet::encode);
    let server = server.iter().map(server::Packet::encode);
    insta::assert_snapshot!(lines(client.chain(server)));
}

#[test]
fn a_report_says_what_is_wrong_with_it() {
    let refused = |data: &str| {
        let packet = format!(r#"{{"cmd":"RECEIPT","data":{data}}}"#);
        client::Packet::decode(&packet).unwrap_err().to_string()
    };
    assert!(refused(r#"{"mid":"1"}"#).contains("state"));
    assert!(refused(r#"{"mid":"1","state":"ok"}"#).contains("'read'"));
    let long = "x".repeat(1025);
    let long = format!(r#"{{"mid":"1","state":"acknowledged","note":"{long}"}}"#);
    assert!(refused(&long).contains("shorten"));
}

#[test]
fn statuses_are_put_in_words_that_the_peer_knows() {
    let all = Features::of(&Feature::ALL.map(Feature::as_str));
    for (status, base) in [
        (Status::Held, Status::Ready),
        (Status::Cancelled, Status::No),
        (Status::Superseded, Status::No),
        (Status::Expired, Status::No),
        (Status::Wait, Status::Wait),
    ] {
        assert_eq!(status.clone().for_peer(Features::NONE), base);
        assert_eq!(status.clone().for_peer(all), status);
        assert_eq!(
            status.clone().for_peer(Features::from_bits(all.bits())),
            status
        );
    }
}

fn lines(frames: impl Iterator<Item = String>) -> String {
    frames.collect::<Vec<_>>().join("\n")
}

/// Renamed forms of the later version, and what peers were seen to send beside the contract.
#[test]
fn other_spellings_are_read() {
    let packet = client::Packet::decode(
        r#"{"cmd":"REGISTER_WEBPUSH","data":{"endpoint":"https://p/x","keys":{"auth":"a","p256dh":"p"}}}"#,
    );
    assert!(matches!(packet, Ok(client::Packet::RegisterPush(_))));
    let error =
        client::Packet::decode(r#"{"cmd":"REGISTER_FCM","data":{"token":"t"}}"#).unwrap_err();
    assert!(error.to_string().contains("Firebase"), "{error}");
    let numeric =
        client::Packet::decode(r#"{"cmd":"MESSAGE_CALLBACK","data":{"mid":1795414087127}}"#);
    assert_eq!(numeric.unwrap(), client::Packet::Confirm(mid()));
    let later = r#"{"cmd":"AUTH","data":{"code":200,"msg":"","webpushPublicKey":"k"}}"#;
    let Ok(server::Packet::Auth(AuthReply::Accepted(welcome))) = server::Packet::decode(later)
    else {
        unreachable!("an AUTH 200")
    };
    assert_eq!(welcome.push_key.as_deref(), Some("k"));
    let words = [
        ("webpush-wait", Status::PushWait),
        ("webpush-send", Status::PushOk),
        ("webpush-ok", Status::PushConfirmed),
    ];
    for (word, status) in words {
        assert_eq!(Status::from_word(word), status);
    }
}

/// Tickets and tokens stay out of logs.
#[test]
fn debug_shows_no_secret() {
    let auth = client::Packet::decode(r#"{"cmd":"AUTH","data":{"token":"s3cret","name":"n"}}"#);
    assert!(!format!("{auth:?}").contains("s3cret"));
    let reply =
        server::Packet::decode(r#"{"cmd":"AUTH","data":{"code":200,"auth":"s3cret","msg":""}}"#);
    assert!(!format!("{reply:?}").contains("s3cret"));
}
