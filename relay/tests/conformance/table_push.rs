//! What the relay does differently from the recorded server about Web Push, and why.

use crate::{
    differences::{
        Change::{AuthFirst, First, Instead, Never, NotPushed, Once, Shortened, Sooner, Then},
        Difference,
        Why::{Contract, Line},
    },
    table::row,
};

const LIVE: &str = "nothing is pushed while the recipient has a socket that confirms, or may yet";
const AGAIN: &str = "how often a failed push is tried again, is a matter of pauses";
const STATUS: &str =
    "a push that was taken or confirmed stays so: the recorded server forgets it as it re-sends";
const SOONER: &str = "a push that was confirmed is confirmed: its sender need not wait for longer";
const GONE: &str = "a subscription that is gone is dropped, so that the message waits for a socket";
const BAD: &str = "what nothing can be pushed to is refused when it is registered";

pub(crate) const PUSHES: &[Difference] = &[
    row(
        &[
            "fcm-offline-fcm-ok*",
            "fcm-ok-comfirm via http*",
            "fcm-callback-over-ws*",
        ],
        AuthFirst,
        Line(12),
        "AUTH 200 leaves before any queued message",
    ),
    row(
        &["fcm-register-and-deliver-online-acking"],
        NotPushed("PUSH<", 0),
        Line(9),
        LIVE,
    ),
    row(
        &["fcm-callback-over-ws*"],
        NotPushed("/p3", 0),
        Line(9),
        LIVE,
    ),
    row(&["fcm-group"], NotPushed("/g2", 0), Line(9), LIVE),
    row(
        &[
            "pwa*sw: receive and acknowledge",
            "pwa*sw: two messages sharing one mid (sent back-to-back)",
        ],
        NotPushed("PUSH<", 0),
        Line(9),
        LIVE,
    ),
    // Statuses.
    row(
        &["fcm-offline-fcm-ok*"],
        First("A>{\"cmd\":\"MESSAGE\"", &["B:gone"]),
        Contract("personal, known but offline"),
        "the recipient has gone before; the recording does not say it as a step",
    ),
    row(
        &["fcm-offline-fcm-ok*"],
        Instead(
            "MESSAGE_REPLY",
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414104882","status":{"p1":"fcm-ok"}}}"#,
        ),
        Contract("fcm-ok: push service accepted it"),
        STATUS,
    ),
    row(
        &["fcm-status: ws-retry-shorter-than-wait"],
        Instead(
            r#""p1":"wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414113269","status":{"p1":"fcm-ok"}}}"#,
        ),
        Contract("fcm-ok: push service accepted it"),
        STATUS,
    ),
    row(
        &["fcm-ok-comfirm via http: ws-retry-shorter-than-wait"],
        Instead(
            r#""p2":"wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414116741","status":{"p2":"fcm-ok-comfirm"}}}"#,
        ),
        Contract("fcm-ok-comfirm: the browser confirmed it"),
        STATUS,
    ),
    row(
        &["fcm-callback-over-ws: ws-retry-shorter-than-wait"],
        Instead(
            r#""p3":"wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414118897","status":{"p3":"fcm-ok-comfirm"}}}"#,
        ),
        Contract("fcm-ok-comfirm: the browser confirmed it"),
        STATUS,
    ),
    row(
        &["fcm-callback-over-ws: ws-retry-shorter-than-wait"],
        Once(r#"C<{"cmd":"MESSAGE""#),
        Contract("fcm-ok-comfirm: the browser confirmed it"),
        "what was confirmed as a push is not sent again",
    ),
    row(
        &["fcm-ok-comfirm via http: ws-retry-shorter-than-wait"],
        Sooner(r#""p2":"fcm-ok-comfirm""#, r#"H<200 {"cmd":"INFO""#),
        Contract("MESSAGE_REPLY as soon as the target confirms"),
        SOONER,
    ),
    row(
        &["fcm-callback-over-ws: ws-retry-shorter-than-wait"],
        Sooner(
            r#""p3":"fcm-ok-comfirm""#,
            "C>{\"cmd\":\"MESSAGE_FCM_CALLBACK",
        ),
        Contract("MESSAGE_REPLY as soon as the target confirms"),
        SOONER,
    ),
    row(
        &[
            "pwa pwa-dist-0bae548 sw: first load*",
            "pwa pwa-dist-0bae548 sw: reload page",
            "pwa pwa-dist-0bae548 sw: offline*",
        ],
        Never("Unknow cmd: REGISTER_WEBPUSH"),
        Contract("Accept REGISTER_WEBPUSH"),
        "the later version's name for it is known",
    ),
    // Services that fail.
    row(
        &["fcm-push-service-returns-410*"],
        NotPushed("PUSH<", 1),
        Line(9),
        GONE,
    ),
    row(
        &["fcm-push-service-returns-410*"],
        Instead(
            r#""e410":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414129304","status":{"e410":"wait"}}}"#,
        ),
        Line(9),
        GONE,
    ),
    row(
        &["fcm-push-service-returns-410*"],
        Instead(
            r#""e410":"ready""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414129307","status":{"e410":"wait"}}}"#,
        ),
        Line(9),
        GONE,
    ),
    row(
        &["fcm-push-service-returns-404*"],
        Instead(
            r#""e404":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414141007","status":{"e404":"wait"}}}"#,
        ),
        Line(9),
        GONE,
    ),
    row(
        &["fcm-push-service-returns-404*"],
        Instead(
            r#""e404":"ready""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414141010","status":{"e404":"wait"}}}"#,
        ),
        Line(9),
        GONE,
    ),
    row(
        &["fcm-push-service-returns-413*"],
        NotPushed("/e410", 0),
        Line(9),
        GONE,
    ),
    row(
        &["fcm-push-service-returns-413*"],
        Then(
            "PUSH>413",
            &[
                r#"PUSH</e413 {"cmd":"MESSAGE","data":{"sendType":"personal","target":"e413","from":{"method":"websocket","name":"s1"},"message":{"text":"will-fail-2","desp":"","extra":{}},"mid":"1795414144009"}}"#,
                "PUSH>413",
            ],
        ),
        Line(9),
        "413 is not retried: the next message has its turn",
    ),
    row(
        &["fcm-push-service-returns-413*"],
        Instead(
            r#""e413":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414144007","status":{"e413":"wait"}}}"#,
        ),
        Line(9),
        "413 is not retried: the message waits for a socket",
    ),
    row(
        &["fcm-push-service-returns-413*"],
        Instead(
            r#""e413":"ready""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414144009","status":{"e413":"wait"}}}"#,
        ),
        Line(9),
        "413 is not retried: the message waits for a socket",
    ),
    row(
        &["fcm-push-service-returns-socket-reset*"],
        NotPushed("/e404", 0),
        Line(9),
        GONE,
    ),
    row(&["fcm-register-twice*"], NotPushed("/tw", 0), Line(9), LIVE),
    row(
        &[
            "fcm-register-twice*",
            "fcm-bad-subscriptions",
            "fcm-large-message*",
        ],
        NotPushed("PUSH</e", 0),
        Line(9),
        AGAIN,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Then(
            r#"B0>{"cmd":"REGISTER_FCM"#,
            &[r#"B0<{"cmd":"INFO","data":"*"}"#],
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Then(
            r#"B1>{"cmd":"REGISTER_FCM"#,
            &[r#"B1<{"cmd":"INFO","data":"*"}"#],
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Then(
            r#"B2>{"cmd":"REGISTER_FCM"#,
            &[r#"B2<{"cmd":"INFO","data":"*"}"#],
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Then(
            r#"B3>{"cmd":"REGISTER_FCM"#,
            &[r#"B3<{"cmd":"INFO","data":"*"}"#],
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Then(
            r#"B4>{"cmd":"REGISTER_FCM"#,
            &[r#"B4<{"cmd":"INFO","data":"*"}"#],
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Instead(
            r#""bad0":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414153601","status":{"bad0":"wait"}}}"#,
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Instead(
            r#""bad1":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414153776","status":{"bad1":"wait"}}}"#,
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Instead(
            r#""bad2":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414153952","status":{"bad2":"wait"}}}"#,
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Instead(
            r#""bad3":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414154129","status":{"bad3":"wait"}}}"#,
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-bad-subscriptions"],
        Instead(
            r#""bad4":"fcm-wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414154306","status":{"bad4":"wait"}}}"#,
        ),
        Line(9),
        BAD,
    ),
    row(
        &["fcm-large-message*"],
        Shortened("/big"),
        Contract("push request: RFC 8030"),
        "services take 4096 bytes, so a longer packet is shortened",
    ),
    // A restart.
    row(
        &["fcm-registration-lost-on-restart"],
        First("A2>Open", &["S:restart"]),
        Line(1),
        "the relay is killed here; the recording does not say it as a step",
    ),
    row(
        &["fcm-registration-lost-on-restart"],
        Then(
            r#"A2>{"cmd":"MESSAGE""#,
            &[
                r#"PUSH</rst {"cmd":"MESSAGE","data":{"sendType":"personal","target":"rst","from":{"method":"websocket","name":"s1"},"message":{"text":"after-restart","desp":"","extra":{}},"mid":"1795414157437"}}"#,
                "PUSH>201",
            ],
        ),
        Line(1),
        "subscriptions survive a restart",
    ),
    row(
        &["fcm-registration-lost-on-restart"],
        Instead(
            r#""rst":"wait""#,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414157437","status":{"rst":"fcm-ok"}}}"#,
        ),
        Line(1),
        "subscriptions survive a restart",
    ),
];
