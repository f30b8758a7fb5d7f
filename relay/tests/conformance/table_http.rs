//! What the relay does differently from the recorded server over HTTP, and why.

use crate::{
    differences::{
        Change::{First, Http, Instead, Never, Once, Then},
        Difference,
        Why::{Contract, Line},
    },
    table::{AUTH_200, row},
};

const PATHS: &str = "a path that names nobody is a caller's mistake: 4xx, with what to do";
const DECODED: &str = "names in paths are percent-decoded, and the last suffix decides";
const POSTED: &str = "a caller's mistake is 4xx, never 500";
const TOKEN: &str = "the token is checked, and can be right";
const ORIGIN: &str = "no foreign page may use the HTTP side unless configured";
const FORGED: &str = "the key of tickets is the relay's own: none can be signed with the token";

pub(crate) const HTTP: &[Difference] = &[
    row(
        &["http-get-on-ws-port"],
        Http(
            1,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414065000","status":{"x":"no"}}}"#,
        ),
        Contract("HTTP and WebSocket share one port"),
        "one port",
    ),
    row(
        &["ws-upgrade-on-http-port"],
        Http(1, 101, ""),
        Contract("HTTP and WebSocket share one port"),
        "one port",
    ),
    row(
        &["http-get-variants"],
        Instead(
            r#""text":"p""#,
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"p","desp":"","extra":{"__proto__":"z"}},"mid":"1795414092856"}}"#,
        ),
        Contract("other parameters in extra"),
        "any parameter is a parameter",
    ),
    row(&["http-get-variants"], Http(6, 404, "*"), Line(7), PATHS),
    row(&["http-get-variants"], Http(7, 404, "*"), Line(7), PATHS),
    row(&["http-get-variants"], Http(8, 404, "*"), Line(7), PATHS),
    row(&["http-get-variants"], Http(9, 404, "*"), Line(7), PATHS),
    row(&["http-get-variants"], Http(10, 404, "*"), Line(7), PATHS),
    row(&["http-get-variants"], Http(11, 404, "*"), Line(7), PATHS),
    row(&["http-get-variants"], Http(14, 400, "*"), Line(7), PATHS),
    row(
        &["http-get-variants"],
        Then(
            "%72%31",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"encodedname","desp":"","extra":{}},"mid":"1795414092874"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414092874"}}"#,
            ],
        ),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-variants"],
        Http(
            16,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414092874","status":{"r1":"ok"}}}"#,
        ),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-name-with-dot-and-unicode"],
        Never("C<{\"cmd\":\"MESSAGE\""),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-name-with-dot-and-unicode"],
        Then(
            "/a.b.send",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"a.b","from":{"method":"http","name":""},"message":{"text":"dot","desp":"","extra":{}},"mid":"1795414094640"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414094640"}}"#,
            ],
        ),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-name-with-dot-and-unicode"],
        Http(
            1,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414094640","status":{"a.b":"ok"}}}"#,
        ),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-name-with-dot-and-unicode"],
        Then(
            "%E4%BD%A0",
            &[
                r#"D<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"你好","from":{"method":"http","name":""},"message":{"text":"uni","desp":"","extra":{}},"mid":"1795414094642"}}"#,
                r#"D>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414094642"}}"#,
            ],
        ),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-name-with-dot-and-unicode"],
        Http(
            2,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414094642","status":{"你好":"ok"}}}"#,
        ),
        Line(10),
        DECODED,
    ),
    row(
        &["http-get-empty-group-broadcast(/.group)"],
        Never("to-all-groupless"),
        Line(7),
        PATHS,
    ),
    row(
        &["http-get-empty-group-broadcast(/.group)"],
        Http(1, 400, "*"),
        Line(7),
        PATHS,
    ),
    row(&["http-options-cors"], Http(1, 403, "*"), Line(7), ORIGIN),
    row(
        &["http-options-cors"],
        Http(2, 204, ""),
        Line(7),
        "OPTIONS allows nothing beyond what it says",
    ),
    row(&["http-options-cors"], Http(3, 403, "*"), Line(7), ORIGIN),
    row(
        &["http-options-cors"],
        Never("B<{\"cmd\":\"MESSAGE\""),
        Line(7),
        ORIGIN,
    ),
    row(&["cors-off"], Http(2, 403, "*"), Line(7), ORIGIN),
    row(&["http-post-errors"], Http(1, 400, "*"), Line(7), POSTED),
    row(&["http-post-errors"], Http(2, 400, "*"), Line(7), POSTED),
    row(&["http-post-errors"], Http(3, 400, "*"), Line(7), POSTED),
    row(
        &["http-post-errors"],
        Http(4, 400, r#"{"cmd":"INFO","data":"Unknow cmd: undefined"}"#),
        Line(7),
        POSTED,
    ),
    row(
        &["http-post-errors"],
        Http(5, 400, r#"{"cmd":"INFO","data":"Unknow cmd: undefined"}"#),
        Line(7),
        POSTED,
    ),
    row(&["http-post-errors"], Http(6, 400, "*"), Line(7), POSTED),
    row(
        &["http-post-errors"],
        Http(
            7,
            400,
            r#"{"cmd":"INFO","data":"target property is required"}"#,
        ),
        Line(7),
        POSTED,
    ),
    row(
        &["http-post-errors"],
        Http(
            8,
            400,
            r#"{"cmd":"INFO","data":"sendType property must 'personal' or 'group'"}"#,
        ),
        Line(7),
        POSTED,
    ),
    row(
        &["http-post-errors"],
        Http(9, 400, r#"{"cmd":"INFO","data":"Unknow cmd: PING"}"#),
        Line(7),
        POSTED,
    ),
    row(
        &["http-post-errors"],
        Http(
            10,
            400,
            r#"{"cmd":"INFO","data":"endpoint property is required"}"#,
        ),
        Contract("POST / with REGISTER_FCM"),
        "known by HTTP too",
    ),
    row(
        &["http-post-errors"],
        Http(11, 200, ""),
        Contract("POST / with a packet as JSON"),
        "JSON is JSON, whatever the header calls it",
    ),
    row(
        &["http-post-errors"],
        Then(
            "text/plain",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"x","desp":"","extra":{}},"mid":"1795414095830"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414095830"}}"#,
            ],
        ),
        Contract("POST / with a packet as JSON"),
        "JSON is JSON, whatever the header calls it",
    ),
    row(
        &["http-post-errors"],
        Http(
            12,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414095830","status":{"r1":"ok"}}}"#,
        ),
        Contract("POST / with a packet as JSON"),
        "JSON is JSON, whatever the header calls it",
    ),
    row(
        &["http-post-errors"],
        Http(14, 400, "*"),
        Contract("POST / with a packet as JSON"),
        "a form is no packet",
    ),
    row(&["http-post-errors"], Http(15, 400, "*"), Line(7), POSTED),
    row(&["http-post-errors"], Http(16, 400, "*"), Line(7), POSTED),
    row(&["http-post-errors"], Http(17, 400, "*"), Line(7), POSTED),
    row(&["http-post-errors"], Http(18, 401, "*"), Line(7), POSTED),
    row(
        &["http-post-auth"],
        Http(
            2,
            401,
            r#"{"cmd":"AUTH","data":{"code":403,"msg":"Token invalid"}}"#,
        ),
        Line(7),
        "a wrong token is 401",
    ),
    row(
        &["http-post-auth"],
        Http(
            3,
            400,
            r#"{"cmd":"INFO","data":"name property is required"}"#,
        ),
        Line(7),
        POSTED,
    ),
    row(
        &["http-post-message-with-forged-jwt*"],
        Never("forged"),
        Line(8),
        FORGED,
    ),
    row(
        &["http-post-message-with-forged-jwt*"],
        Http(1, 401, "*"),
        Line(8),
        FORGED,
    ),
    row(
        &["http-post-message-with-forged-jwt*"],
        Http(2, 401, "*"),
        Line(8),
        FORGED,
    ),
    row(
        &["http-post-split-utf8*"],
        First("B<{\"cmd\":\"MESSAGE\"", &["TCP>"]),
        Contract("text is the title"),
        "the request, which was not recorded as a step",
    ),
    row(
        &["http-post-split-utf8*"],
        Instead(
            "B<{\"cmd\":\"MESSAGE\"",
            r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"你好世界","desp":"","extra":{}},"mid":"1795414097714"}}"#,
        ),
        Contract("text is the title"),
        "a body is decoded whole, so no character is lost between chunks",
    ),
    row(
        &["http-post-64MiB-body"],
        Http(1, 413, "*"),
        Line(5),
        "a body above the limit is refused",
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(1, 401, "*"),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        First(
            "H<500 {\"cmd\":\"INFO\",\"data\":\"Authorization verify error: test",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"1","desp":"","extra":{}},"mid":"1795414099174"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414099174"}}"#,
            ],
        ),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        First(
            "H<500 {\"cmd\":\"INFO\",\"data\":\"Authorization verify error: Bearer",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"1","desp":"","extra":{}},"mid":"1795414099177"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414099177"}}"#,
            ],
        ),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Then(
            "token=test",
            &[
                r#"B<{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","from":{"method":"http","name":""},"message":{"text":"1","desp":"","extra":{}},"mid":"1795414099178"}}"#,
                r#"B>{"cmd":"MESSAGE_CALLBACK","data":{"mid":"1795414099178"}}"#,
            ],
        ),
        Line(7),
        "the token never reaches extra",
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(
            2,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414099174","status":{"r1":"ok"}}}"#,
        ),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(3, 401, "*"),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(
            4,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414099177","status":{"r1":"ok"}}}"#,
        ),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(5, 401, "*"),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(
            6,
            200,
            r#"{"cmd":"MESSAGE_REPLY","data":{"mid":"1795414099178","status":{"r1":"ok"}}}"#,
        ),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(7, 200, ""),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(8, 200, AUTH_200),
        Line(7),
        TOKEN,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(9, 204, ""),
        Line(7),
        "OPTIONS allows nothing beyond what it says",
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(10, 405, "*"),
        Line(7),
        POSTED,
    ),
    row(
        &["verifyToken-on(http.verifyToken=true)"],
        Http(11, 401, "*"),
        Line(7),
        TOKEN,
    ),
    row(
        &["http-message-callback"],
        Http(1, 401, "*"),
        Line(7),
        "a packet without its ticket is 401",
    ),
    row(
        &["http-message-callback"],
        Http(
            3,
            400,
            r#"{"cmd":"INFO","data":"mid property is required"}"#,
        ),
        Line(7),
        POSTED,
    ),
    row(
        &["http-message-callback"],
        Http(4, 401, "*"),
        Line(7),
        "a packet without its ticket is 401",
    ),
    row(
        &["http-message-callback"],
        Once("ack-over-http"),
        Contract("re-sent until confirmed"),
        "what is confirmed is not sent again",
    ),
];
