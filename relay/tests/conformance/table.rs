//! What the relay does differently from the recorded server over WebSockets and across restarts,
//! and why. HTTP has a table of its own.

use crate::differences::{
    Change::{After, AuthFirst, First, Http, Instead, Never, Then, Until, Words},
    Difference,
    Why::{Contract, Line},
};

pub(crate) const AUTH_200: &str = r#"{"cmd":"AUTH","data":{"code":200,"auth":"","msg":"Successful authentication","fcmServerKey":""}}"#;
const INFO: &str = r#"{"cmd":"INFO","data":"*"}"#;

pub(crate) const fn row(
    cases: &'static [&'static str],
    change: crate::differences::Change,
    why: crate::differences::Why,
    text: &'static str,
) -> Difference {
    Difference {
        cases,
        change,
        why,
        text,
    }
}

const NOT_JSON: &str = "the reason in our words: the recorded ones are a JavaScript parser's";
const NULL: &[&str] = &["authed-json-null", "unauth-json-null"];
const EMPTY: &[&str] = &["authed-empty-string", "unauth-empty-string"];
const BAD_JSON: &[&str] = &["authed-invalid-json", "unauth-invalid-json"];
const TEXT: &str = "what is no text stands for the same text everywhere, as a name and as a target";
const RESTART: &str = "the relay is killed here; the recording does not say it as a step";
const ENDS: &str = "a frame above the limit is answered by an INFO, and ends the connection";
const STALE: &str =
    "tickets expire: a stale one beside a packet costs an authenticated client nothing";

pub(crate) const SOCKETS: &[Difference] = &[
    // Authentication.
    row(
        &[
            "personal-offline-known",
            "group-3-members-one-offline-known",
            "reconnect-with-3-unacked",
            "takeover-with-unacked",
            "pwa*offline, message queued, reload delivers",
        ],
        AuthFirst,
        Line(12),
        "AUTH 200 leaves before any queued message",
    ),
    row(
        &["second-auth-same-socket-same-name"],
        Instead("A:closed", AUTH_200),
        Line(11),
        "a client may AUTH again: the recorded server takes it over from itself and closes it",
    ),
    row(
        &["second-auth-same-socket-other-name"],
        Never("to-n1"),
        Contract("AUTH registers the identity"),
        "a socket is one client: the last it said it is",
    ),
    row(
        &["same-name-two-sockets"],
        Then(
            r#"C>{"cmd":"MESSAGE","data":{"sendType":"group","target":"gB""#,
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"group","target":"gB","from":{"method":"websocket","name":"snd2"},"message":{"text":"regrouped?","desp":"","extra":{}},"mid":"1795414057271"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414057271"}}"#,
            ],
        ),
        Contract("AUTH registers the identity"),
        "the group is the one of the newest AUTH",
    ),
    row(
        &["same-name-two-sockets"],
        Instead(
            r#""mid":"1795414057271","status":{}"#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414057271","status":{"twin":"ok"}}}"#,
        ),
        Contract("AUTH registers the identity"),
        "the group is the one of the newest AUTH",
    ),
    row(
        &["same-name-two-sockets"],
        Never("B<{\"cmd\":\"MESSAGE\",\"data\":{\"sendType\":\"group\",\"target\":\"gA\""),
        Contract("AUTH registers the identity"),
        "the old group is left",
    ),
    row(
        &["same-name-two-sockets"],
        Instead(
            r#""mid":"1795414057332","status""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414057332","status":{}}}"#,
        ),
        Contract("AUTH registers the identity"),
        "the old group is left",
    ),
    row(
        &["auth-name-proto"],
        Instead(
            "MESSAGE_REPLY",
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414058005","status":{"__proto__":"ok"}}}"#,
        ),
        Contract("status per target name"),
        "any name is a name",
    ),
    row(
        &["auth-extra-invalid-jwt"],
        Instead("jwt malformed", AUTH_200),
        Line(8),
        STALE,
    ),
    row(
        &["ws-auth-field-on-packets"],
        First(
            "A<{\"cmd\":\"INFO\"",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"websocket","name":"s1"},"message":{"text":"bad-jwt","desp":"","extra":{}},"mid":"1795414097000"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414097000"}}"#,
            ],
        ),
        Line(8),
        STALE,
    ),
    row(
        &["ws-auth-field-on-packets"],
        Instead(
            "A<{\"cmd\":\"INFO\"",
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414097000","status":{"r1":"ok"}}}"#,
        ),
        Line(8),
        STALE,
    ),
    row(
        &["empty-config-token"],
        Instead("A<{\"cmd\":\"INFO\"", AUTH_200),
        Contract("AUTH"),
        "without a token anybody may come in; tickets need none",
    ),
    row(
        &["empty-config-token"],
        Never("A:closed"),
        Contract("AUTH"),
        "who is in, stays in",
    ),
    row(
        &["ws-verifyToken-off"],
        Http(1, 200, AUTH_200),
        Line(7),
        "both sides check alike: where any token will do, it does by HTTP too",
    ),
    // What cannot be read.
    row(
        BAD_JSON,
        Words("Expected property name"),
        Contract("INFO with the reason"),
        NOT_JSON,
    ),
    row(
        EMPTY,
        Words("Unexpected end of JSON"),
        Contract("INFO with the reason"),
        NOT_JSON,
    ),
    row(
        NULL,
        Words("Cannot read properties"),
        Contract("INFO with the reason"),
        NOT_JSON,
    ),
    row(
        &["message-field-variants"],
        Words("Cannot read properties"),
        Contract("INFO with the reason"),
        NOT_JSON,
    ),
    row(
        &["huge-text-10MiB-unauth"],
        Instead("A<", INFO),
        Line(5),
        ENDS,
    ),
    row(
        &["huge-text-10MiB-unauth"],
        Then(r#"A<{"cmd":"INFO"#, &["A:closed"]),
        Line(5),
        ENDS,
    ),
    row(
        &["huge-text-10MiB-message-self"],
        Instead("cut", INFO),
        Line(5),
        ENDS,
    ),
    row(
        &["huge-text-10MiB-message-self"],
        Then(r#"A<{"cmd":"INFO"#, &["A:closed"]),
        Line(5),
        ENDS,
    ),
    row(
        &["huge-text-10MiB-message-self"],
        Until("A>{\"cmd\":\"MESSAGE_CALLBACK"),
        Line(5),
        ENDS,
    ),
    row(
        &["huge-text-101MiB-authed"],
        First("A:closed", &[r#"A<{"cmd":"INFO","data":"*"}"#]),
        Line(5),
        "an INFO says why the connection ends",
    ),
    row(
        &["half-open*"],
        Instead("A<{\"cmd\":\"MESSAGE_REPLY\"", INFO),
        Line(5),
        ENDS,
    ),
    row(
        &["half-open*"],
        Then(r#"A<{"cmd":"INFO"#, &["A:closed"]),
        Line(5),
        ENDS,
    ),
    row(
        &["protocol-violation: invalid UTF-8 text"],
        Never("RAW<{\"cmd\":\"INFO\""),
        Line(11),
        "text that is no UTF-8 ends the connection, as RFC 6455 has it",
    ),
    row(
        &["protocol-violation: invalid UTF-8 text"],
        Then("RAW>Raw", &["RAW:closed"]),
        Line(11),
        "text that is no UTF-8 ends the connection, as RFC 6455 has it",
    ),
    row(
        &["CRASH: takeover*"],
        Never("B:closed"),
        Line(11),
        "the process lives, and so does the other connection",
    ),
    row(
        &["CRASH?: same-socket*"],
        Never("ONE:closed"),
        Line(11),
        "a client may AUTH again",
    ),
    row(
        &["CRASH?: same-socket*"],
        Then(
            r#"ONE<{"cmd":"AUTH"#,
            &[
                r#"ONE>{"cmd":"AUTH","data":{"token":"test","name":"ONE","group":""}}"#,
                r#"ONE<{"cmd":"AUTH","data":{"code":200,"auth":"","msg":"Successful authentication","fcmServerKey":""}}"#,
            ],
        ),
        Line(11),
        "a client may AUTH again",
    ),
    // Delivery.
    row(
        &["message-field-variants"],
        Never(r#""[object Object]":"no""#),
        Contract("target is a client's name"),
        TEXT,
    ),
    row(
        &["message-field-variants"],
        First(
            "A>Vanish",
            &[
                r#"A<{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414079167","status":{"[object Object]":"wait"}}}"#,
            ],
        ),
        Contract("target is a client's name"),
        TEXT,
    ),
    row(
        &["message-field-variants"],
        Then(
            r#""target":["r1"]"#,
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"websocket","name":"s1"},"message":{"text":"x","desp":"","extra":{}},"mid":"1795414079207"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414079207"}}"#,
            ],
        ),
        Contract("target is a client's name"),
        TEXT,
    ),
    row(
        &["message-field-variants"],
        Instead(
            r#""mid":"1795414079207","status""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414079207","status":{"r1":"ok"}}}"#,
        ),
        Contract("target is a client's name"),
        TEXT,
    ),
    row(
        &["ack-of-queued-not-yet-sent-mid"],
        After(
            r#""mid":"1795414084347","status":{"r1":"ok"}"#,
            r#"MESSAGE_CALLBACK","data":{"mid":"1795414084347"#,
        ),
        Contract("MESSAGE_CALLBACK: wrong mids are ignored"),
        "what was not sent cannot be confirmed by a guess",
    ),
    row(
        &["same-millisecond-mids*"],
        Never("MESSAGE_REPLY"),
        Line(2),
        "every message has a mid and a reply of its own; which reply is whose was lost in the recording",
    ),
    row(
        &["same-millisecond-mids*"],
        First(r#"A>{"cmd":"MESSAGE""#, &["A:spare 20"]),
        Line(2),
        "20 replies come",
    ),
    row(
        &["mid-collision: reply names the wrong target*"],
        Never(r#""status":{}"#),
        Line(2),
        "no reply without its recipient",
    ),
    row(
        &["mid-collision: reply names the wrong target*"],
        Never(r#":"wait""#),
        Line(2),
        "no reply names another message's recipient",
    ),
    row(
        &["order: 5 messages*"],
        Never(r#"A<{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414387068""#),
        Line(2),
        "two messages shared a mid, and the reply went to the wrong sender",
    ),
    row(
        &["order: 5 messages*"],
        Then(
            r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414387068""#,
            &[r#"C<{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414387068","status":{"ord":"ok"}}}"#],
        ),
        Line(2),
        "each sender gets its reply",
    ),
    row(
        &["order: 5 messages*"],
        First(
            r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"ord","from":{"method":"websocket","name":"o2"},"message":{"text":"c2""#,
            &[r#"A<{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414387068","status":{"ord":"ok"}}}"#],
        ),
        Line(2),
        "each sender gets its reply",
    ),
    row(
        &["register-fcm-without-serverKey"],
        Words("fcm.serverKey"),
        Contract("INFO when the server offers no push"),
        "the same in English",
    ),
    // Restarts.
    row(
        &["restart-with-unacked(SIGTERM)"],
        First("A2>Open", &["S:restart"]),
        Line(1),
        RESTART,
    ),
    row(
        &["restart-with-unacked(SIGKILL)"],
        First("B2>Open", &["S:restart"]),
        Line(1),
        RESTART,
    ),
    row(
        &["jwt-valid-after-restart"],
        First("H>Request", &["S:restart"]),
        Line(1),
        RESTART,
    ),
    row(
        &["pwa*server restart -> reconnect"],
        Then("PWA:closed", &["S:restart"]),
        Line(1),
        RESTART,
    ),
    row(
        &["restart-with-unacked(SIGTERM)"],
        Never(r#""status":{"r1":"no"}"#),
        Line(1),
        "names are known after a restart",
    ),
    row(
        &["restart-with-unacked(SIGTERM)"],
        Then(
            r#"B2<{"cmd":"AUTH"#,
            &[
                r#"B2<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"websocket","name":"s1"},"message":{"text":"lost-1","desp":"","extra":{}},"mid":"1795414172170"}}"#,
                r#"B2>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414172170"}}"#,
                r#"B2<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"websocket","name":"s1"},"message":{"text":"lost-2","desp":"","extra":{}},"mid":"1795414172231"}}"#,
                r#"B2>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414172231"}}"#,
                r#"B2<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"websocket","name":"s1"},"message":{"text":"after-restart-before-r1-reconnects","desp":"","extra":{}},"mid":"1795414172497"}}"#,
                r#"B2>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414172497"}}"#,
                r#"A2<{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414172497","status":{"r1":"ok"}}}"#,
            ],
        ),
        Line(1),
        "messages survive a restart",
    ),
    row(
        &["restart-with-unacked(SIGKILL)"],
        Then(
            r#"B2<{"cmd":"AUTH"#,
            &[
                r#"B2<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"websocket","name":"s1"},"message":{"text":"lost-1","desp":"","extra":{}},"mid":"1795414173706"}}"#,
            ],
        ),
        Line(1),
        "messages survive a restart",
    ),
    row(
        &["pwa*offline, message queued, reload delivers"],
        First("A2>Open", &["PWA:gone"]),
        Contract("personal, known but offline"),
        "the page goes offline here; the recording does not say it as a step",
    ),
];
