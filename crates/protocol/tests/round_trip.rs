//! What is written is read back equal, and nothing a peer sends makes decoding panic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};
use tidings_protocol::client::{self, Auth, Send, Subscription};
use tidings_protocol::server::{self, AuthReply, Delivery, From, Method, Reply, Welcome};
use tidings_protocol::{
    Cancel, Cancelled, Change, Directory, Group, Held, Known, Message, Mid, Name, Receipt, Ref,
    Reminder, Report, Reported, Scheduled, State, Status, Target, limits,
};

/// Text of every script, without the control characters that identifiers refuse.
fn id_text(least: usize) -> impl Strategy<Value = String> {
    vec(
        any::<char>().prop_filter("control", |c| !c.is_control()),
        least..20,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn name() -> impl Strategy<Value = Name> {
    id_text(1).prop_map(|text| Name::new(text).unwrap())
}

fn group() -> impl Strategy<Value = Group> {
    id_text(0).prop_map(|text| Group::new(text).unwrap())
}

fn mid() -> impl Strategy<Value = Mid> {
    prop_oneof!["[0-9]{13}", r"[0-9]{13}\.[0-9]{1,3}", "[a-z]{1,64}"]
        .prop_map(|text| Mid::new(text).unwrap())
}

fn reference() -> impl Strategy<Value = Option<Ref>> {
    option::of(id_text(1).prop_map(|text| Ref::new(text).unwrap()))
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..40).prop_map(|chars| chars.into_iter().collect())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Quarters are exact in decimal too; other doubles may differ in the last digit.
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn message() -> impl Strategy<Value = Message> {
    let extra = prop_oneof![
        4 => vec((text(), json()), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        1 => vec(json(), 0..3).prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    (text(), text(), extra).prop_map(|(text, desp, extra)| Message { text, desp, extra })
}

/// A client refuses a MESSAGE to the empty group; a server's may name it.
fn target(least: usize) -> impl Strategy<Value = Target> {
    prop_oneof![
        name().prop_map(Target::Personal),
        id_text(least).prop_map(|text| Target::Group(Group::new(text).unwrap())),
    ]
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Ok),
        Just(State::Dismissed),
        Just(State::Read),
        Just(State::Acknowledged),
        Just(State::Expired),
        Just(State::Superseded),
        "[a-z]{13,14}".prop_map(State::Other),
    ]
}

fn note() -> impl Strategy<Value = Option<String>> {
    option::of(text().prop_filter("empty", |note| !note.is_empty()))
}

fn change() -> impl Strategy<Value = Change> {
    (mid(), name(), state()).prop_map(|(mid, name, state)| Change { mid, name, state })
}

/// What a recipient or sender says beyond the base protocol.
fn extension_of_client() -> impl Strategy<Value = client::Packet> {
    let state = prop_oneof![
        Just(Reported::Dismissed),
        Just(Reported::Read),
        Just(Reported::Acknowledged),
    ];
    let report = (mid(), state, note()).prop_map(|(mid, state, note)| {
        let note = note.filter(|_| state == Reported::Acknowledged);
        client::Packet::Report(Report { mid, state, note })
    });
    prop_oneof![
        report,
        change().prop_map(client::Packet::TakeReceipt),
        Just(client::Packet::Directory),
        option::of(mid()).prop_map(|after| client::Packet::Scheduled { after }),
        mid().prop_map(|mid| client::Packet::Cancel(Cancel::Mid(mid))),
        id_text(1).prop_map(|r| client::Packet::Cancel(Cancel::Ref(Ref::new(r).unwrap()))),
    ]
}

fn extension_of_server() -> impl Strategy<Value = server::Packet> {
    let receipt = (mid(), reference(), name(), state(), any::<u64>(), note()).prop_map(
        |(mid, reference, name, state, at, note)| {
            server::Packet::Receipt(Receipt {
                mid,
                reference,
                name,
                state,
                at,
                note,
            })
        },
    );
    let held = (mid(), reference(), target(0), text(), any::<u64>()).prop_map(
        |(mid, reference, target, text, due)| Held {
            mid,
            reference,
            target,
            text,
            due,
        },
    );
    let known = (name(), group(), any::<bool>(), option::of(any::<u64>())).prop_map(
        |(name, group, online, last_seen)| Known {
            name,
            group,
            online,
            last_seen,
        },
    );
    let flags = || (any::<bool>(), any::<bool>());
    prop_oneof![
        receipt,
        change().prop_map(server::Packet::ReportTaken),
        (flags(), vec(known, 0..4)).prop_map(|((reset, more), clients)| {
            server::Packet::Directory(Directory {
                reset,
                more,
                clients,
            })
        }),
        (any::<bool>(), vec(held, 0..4)).prop_map(|(more, messages)| {
            server::Packet::Scheduled(Scheduled { messages, more })
        }),
        (option::of(mid()), reference(), any::<bool>()).prop_map(|(mid, reference, cancelled)| {
            server::Packet::Cancelled(Cancelled {
                mid,
                reference,
                cancelled,
            })
        }),
        (target(0), message(), mid(), reference(), any::<u64>()).prop_map(
            |(target, message, mid, reference, number)| {
                let from = From {
                    method: Method::Http,
                    name: None,
                };
                let delivery = Delivery {
                    target,
                    from,
                    message,
                    mid,
                    reference,
                };
                server::Packet::Reminder(Box::new(Reminder { delivery, number }))
            }
        ),
    ]
}

fn client_packet() -> impl Strategy<Value = client::Packet> {
    prop_oneof![
        (text(), name(), group(), vec(text(), 0..3)).prop_map(|(token, name, group, features)| {
            client::Packet::Auth(Auth {
                token,
                name,
                group,
                features,
            })
        }),
        (target(1), message(), reference()).prop_map(|(target, message, reference)| {
            client::Packet::Message(Send {
                target,
                message,
                reference,
            })
        }),
        mid().prop_map(client::Packet::Confirm),
        mid().prop_map(client::Packet::ConfirmPush),
        ("https://[a-z]{1,9}/[a-z0-9]{1,9}", text(), text()).prop_map(
            |(endpoint, auth, p256dh)| {
                client::Packet::RegisterPush(Subscription {
                    endpoint,
                    auth,
                    p256dh,
                })
            }
        ),
        Just(client::Packet::Ping),
        extension_of_client(),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Ready),
        Just(Status::Wait),
        Just(Status::Ok),
        Just(Status::No),
        Just(Status::PushWait),
        Just(Status::PushOk),
        Just(Status::PushConfirmed),
        Just(Status::Held),
        Just(Status::Expired),
        Just(Status::Superseded),
        Just(Status::Cancelled),
        "[a-z]{11,12}".prop_map(Status::Other),
    ]
}

fn server_packet() -> impl Strategy<Value = server::Packet> {
    let from = prop_oneof![
        option::of(name()).prop_map(|name| From {
            method: Method::Http,
            name
        }),
        name().prop_map(|name| From {
            method: Method::WebSocket,
            name: Some(name)
        }),
    ];
    let statuses = vec((name(), status()), 0..5).prop_map(|mut statuses| {
        // A JSON object names nobody twice.
        let mut seen = std::collections::HashSet::new();
        statuses.retain(|(name, _)| seen.insert(name.clone()));
        statuses
    });
    let welcome = (
        text(),
        option::of(text()),
        option::of(text()),
        vec(text(), 0..3),
        option::of(text()),
        option::of(text()),
    );
    prop_oneof![
        welcome.prop_map(|(msg, ticket, push_key, features, server, relay)| {
            let welcome = Welcome {
                msg,
                ticket,
                push_key,
                features,
                server,
                relay,
            };
            server::Packet::Auth(AuthReply::Accepted(welcome))
        }),
        text().prop_map(|msg| server::Packet::Auth(AuthReply::NeedAuth(msg))),
        text().prop_map(|msg| server::Packet::Auth(AuthReply::Refused(msg))),
        (target(0), from, message(), mid(), reference()).prop_map(
            |(target, from, message, mid, reference)| {
                server::Packet::Message(Delivery {
                    target,
                    from,
                    message,
                    mid,
                    reference,
                })
            }
        ),
        (mid(), statuses, reference()).prop_map(|(mid, status, reference)| {
            server::Packet::Reply(Reply {
                mid,
                status,
                reference,
            })
        }),
        text().prop_map(server::Packet::Info),
        Just(server::Packet::Pong),
        extension_of_server(),
        "X[A-Z]{1,9}".prop_map(server::Packet::Unknown),
    ]
}

proptest! {
    #[test]
    fn client_packets_come_back_equal(packet in client_packet()) {
        prop_assert_eq!(client::Packet::decode(&packet.encode()).unwrap(), packet);
    }

    #[test]
    fn server_packets_come_back_equal(packet in server_packet()) {
        prop_assert_eq!(server::Packet::decode(&packet.encode()).unwrap(), packet);
    }

    #[test]
    fn any_text_is_decoded_or_refused(frame in text()) {
        let _ = client::Packet::decode(&frame);
        let _ = server::Packet::decode(&frame);
    }

    /// Right commands with data of any shape: where typed decoders trip.
    #[test]
    fn any_data_is_decoded_or_refused(
        cmd in prop_oneof![
            Just("AUTH"), Just("MESSAGE"), Just("MESSAGE_CALLBACK"), Just("MESSAGE_REPLY"),
            Just("REGISTER_FCM"), Just("INFO"), Just("PONG"), Just("PING"), Just("RECEIPT"),
            Just("RECEIPT_CALLBACK"), Just("DIRECTORY"), Just("SCHEDULED"), Just("CANCEL"),
            Just("REMINDER"),
        ],
        fields in vec((
            prop_oneof![
                Just("token"), Just("name"), Just("group"), Just("features"), Just("sendType"),
                Just("target"), Just("message"), Just("mid"), Just("ref"), Just("from"),
                Just("status"), Just("code"), Just("endpoint"), Just("keys"),
                Just("state"), Just("note"), Just("clients"), Just("messages"), Just("after"),
            ],
            json(),
        ), 0..6),
        whole in option::of(json()),
    ) {
        let data = whole.unwrap_or_else(|| {
            Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        });
        let frame = serde_json::json!({"cmd": cmd, "data": data}).to_string();
        let _ = client::Posted::decode(&frame);
        let _ = server::Packet::decode(&frame);
    }
}

#[test]
fn frames_over_the_limit_are_refused_before_they_are_parsed() {
    let frame = format!(
        r#"{{"cmd":"INFO","data":"{}"}}"#,
        "x".repeat(limits::FRAME_BYTES)
    );
    let error = client::Packet::decode(&frame).unwrap_err().to_string();
    assert!(error.contains("larger than the limit"), "{error}");
    assert!(server::Packet::decode(&frame).is_ok());
    let frame = "x".repeat(limits::SERVER_FRAME_BYTES + 1);
    let error = server::Packet::decode(&frame).unwrap_err().to_string();
    assert!(error.contains("larger than the limit"), "{error}");
}
