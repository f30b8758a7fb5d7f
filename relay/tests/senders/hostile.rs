//! What nobody should send: each hostile form is refused with 4xx and a reason, nothing is 5xx, and
//! nothing reaches somebody whom the request did not name.

use std::time::Duration;

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config as Cases, TestCaseError, TestRunner},
};
use tidings_relay::Config;

use crate::{
    house::House,
    support::{Answer, Relay, TOKEN, config, raw},
};

/// A request as bytes.
fn request(method: &str, target: &[u8], headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes = [method.as_bytes(), b" ", target, b" HTTP/1.1\r\nHost: x\r\n"].concat();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(
        format!(
            "Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .bytes(),
    );
    bytes.extend(body);
    bytes
}

/// The reason, in whatever form the sender knows.
fn reason(answer: &Answer) -> String {
    let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    ["data", "error", "errorDescription", "message"]
        .iter()
        .filter_map(|key| said[*key].as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

const AUTH: (&str, &[u8]) = ("Authorization", b"test");
const JSON: (&str, &[u8]) = ("Content-Type", b"application/json");
const FORM: (&str, &[u8]) = ("Content-Type", b"application/x-www-form-urlencoded");
const TEXT: (&str, &[u8]) = ("Content-Type", b"text/plain");
const INJECTED: (&str, &[u8]) = ("Title", b"=?utf-8?q?a=0D=0AAuthorization=3A_x?=");
const LATIN: (&str, &[u8]) = ("Title", b"\xe4");

#[tokio::test]
async fn hostile_forms_of_each_request_are_4xx_with_a_reason() {
    assert_eq!(AUTH.1, TOKEN.as_bytes());
    let mut house = House::open().await;
    let mut bob = house.relay.client("bob", "den").await;
    let long = "x".repeat(1024 * 1024 + 1).into_bytes();
    let deep = format!(
        r#"{{"message":"m","topic":"ann","x":{}{}}}"#,
        "[".repeat(90),
        "]".repeat(90)
    );
    // Within a text, too: nobody could read the packet that came of it.
    let deep_extras = format!(
        "message=m&extras={{\"a\":{}{}}}",
        "[".repeat(120),
        "]".repeat(120)
    );
    let deep_actions = format!(
        "[{{\"action\":\"view\",\"label\":\"l\",\"url\":\"https://a.example\",\"x\":{}{}}}]",
        "[".repeat(110),
        "]".repeat(110)
    );
    let many = (0..2000).map(|i| format!("f{i}=1&")).collect::<String>();
    let holder = house.anns.clone().into_bytes();
    let key: (&str, &[u8]) = ("X-Gotify-Key", &holder);
    let pushkey = format!("/message/push?pushkey={}", house.anns);
    let sendkey = format!("/{}.send", house.anns);
    let multipart: (&str, &[u8]) = ("Content-Type", b"multipart/form-data; boundary=B");
    let cut: &[u8] = b"--B\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nm";
    type Hostile<'a> = (&'a str, &'a str, Vec<(&'a str, &'a [u8])>, &'a [u8], u16);
    let hostile: Vec<Hostile<'_>> = vec![
        // Oversized.
        ("POST", "/ann.send", vec![AUTH, TEXT], &long, 413),
        ("PUT", "/home.group", vec![AUTH], &long, 413),
        ("POST", "/send?target=ann", vec![AUTH, TEXT], &long, 413),
        ("POST", "/message", vec![key, JSON], &long, 413),
        ("PUT", "/ann", vec![AUTH], &long, 413),
        ("POST", "/", vec![AUTH, JSON], &long, 413),
        ("POST", &pushkey, vec![FORM], &long, 413),
        ("POST", &sendkey, vec![FORM], &long, 413),
        ("POST", "/ann.send", vec![AUTH, JSON], deep.as_bytes(), 400),
        ("POST", "/message", vec![key, JSON], deep.as_bytes(), 400),
        ("PUT", "/", vec![AUTH, JSON], deep.as_bytes(), 400),
        (
            "POST",
            "/message",
            vec![key, FORM],
            deep_extras.as_bytes(),
            400,
        ),
        (
            "POST",
            "/ann",
            vec![AUTH, ("Actions", deep_actions.as_bytes())],
            b"x",
            400,
        ),
        ("POST", "/ann.send", vec![AUTH, FORM], many.as_bytes(), 400),
        // Wrong types.
        ("POST", "/ann.send", vec![AUTH, JSON], b"[1]", 400),
        (
            "POST",
            "/ann.send",
            vec![AUTH, ("Content-Type", b"image/png")],
            b"x",
            400,
        ),
        (
            "POST",
            "/ann.send?wait=soon",
            vec![AUTH, FORM],
            b"text=x",
            400,
        ),
        (
            "POST",
            "/send",
            vec![AUTH, JSON],
            br#"{"target":"ann","sendType":["group"]}"#,
            400,
        ),
        (
            "POST",
            "/message",
            vec![key, JSON],
            br#"{"message":{"a":1}}"#,
            400,
        ),
        (
            "POST",
            "/message",
            vec![key, JSON],
            br#"{"message":"m","priority":[]}"#,
            400,
        ),
        (
            "POST",
            "/message",
            vec![key, JSON],
            br#"{"message":"m","extras":"no"}"#,
            400,
        ),
        ("POST", "/message", vec![key, TEXT], b"just text", 400),
        ("POST", "/message", vec![key, multipart], cut, 400),
        (
            "POST",
            "/",
            vec![AUTH, JSON],
            br#"{"topic":"ann","tags":[{}]}"#,
            400,
        ),
        ("PUT", "/", vec![AUTH, JSON], br#"{"topic":["ann"]}"#, 400),
        ("POST", "/ann", vec![AUTH, ("Priority", b"11")], b"x", 400),
        (
            "POST",
            "/ann",
            vec![AUTH, ("Actions", b"view, x")],
            b"x",
            400,
        ),
        ("POST", "/ann", vec![AUTH, ("Delay", b"-5")], b"x", 400),
        (
            "POST",
            "/ann",
            vec![AUTH, ("Icon", b"javascript:alert(1)")],
            b"x",
            400,
        ),
        ("POST", &pushkey, vec![JSON], br#"{"text":5}"#, 400),
        // Broken UTF-8.
        ("POST", "/ann.send", vec![AUTH, TEXT], b"\xff\xfe", 400),
        ("POST", "/ann.send", vec![AUTH, FORM], b"text=%ff", 400),
        (
            "POST",
            "/ann.send",
            vec![AUTH, JSON],
            b"{\"text\":\"\xff\"}",
            400,
        ),
        ("POST", "/message", vec![key, FORM], b"message=%c3%28", 400),
        ("PUT", "/ann", vec![AUTH], b"\x89PNG\xff", 400),
        ("POST", "/ann?title=%ff", vec![AUTH], b"x", 400),
        ("POST", &pushkey, vec![FORM], b"text=%ff", 400),
        ("POST", &sendkey, vec![FORM], b"title=%ff", 400),
        ("POST", "/%ff", vec![AUTH], b"x", 400),
        // Header injection.
        ("POST", "/ann.send", vec![AUTH, TEXT, INJECTED], b"x", 400),
        ("POST", "/ann.send", vec![AUTH, TEXT, LATIN], b"x", 400),
        ("POST", "/ann", vec![AUTH, INJECTED], b"x", 400),
        ("POST", "/ann", vec![AUTH, LATIN], b"x", 400),
        // Path tricks.
        ("POST", "/../bob", vec![AUTH], b"x", 400),
        ("POST", "/ann/../bob", vec![AUTH], b"x", 400),
        ("POST", "/%2e%2e%2fbob", vec![AUTH], b"x", 400),
        ("POST", "//bob", vec![AUTH], b"x", 400),
        ("POST", "/bob%2Fpublish%2F", vec![AUTH], b"x", 400),
        ("GET", "/bob/publish/", vec![AUTH], b"", 404),
        ("POST", "/bob%00", vec![AUTH], b"x", 400),
        ("POST", "/ann%0d%0abob.send", vec![AUTH, TEXT], b"x", 400),
        ("POST", "/../bob.send", vec![AUTH, TEXT], b"x", 404),
        ("POST", "/BOB", vec![AUTH], b"x", 404),
        (
            "POST",
            "/message/",
            vec![key, JSON],
            br#"{"message":"m"}"#,
            400,
        ),
        ("DELETE", "/ann", vec![AUTH], b"", 405),
        ("DELETE", "/message", vec![key], b"", 405),
        ("PATCH", "/ann.send", vec![AUTH], b"x", 405),
    ];
    for (method, path, headers, body, status) in hostile {
        let bytes = request(method, path.as_bytes(), &headers, body);
        let answer = raw(house.relay.address, &bytes).await;
        let case = format!(
            "{method} {path} {headers:?} {:.60}",
            String::from_utf8_lossy(body)
        );
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        assert!(
            reason(&answer).len() > 10 || status == 404,
            "{case}: {answer:?}"
        );
    }
    house.expect_nothing().await;
    bob.expect_nothing().await;
}

fn paths() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "/ann.send",
        "/home.group",
        "/send",
        "/",
        "/message",
        "/message/push",
        "/version",
        "/ann",
        "/home",
        "/ann/publish",
        "/ann/trigger",
        "/v1/health",
        "/health",
        "/metrics",
        "/ghost.send",
        "/ghost",
        "/nobody.group",
    ]);
    let trick = select(vec![
        "",
        "",
        "",
        "",
        "/",
        "//",
        "/..",
        "%2f",
        "%00",
        "%ff",
        "%0a",
        ".send",
        ".group",
        "/send",
        "%",
        "%zz",
        "?",
        ";",
        "\\",
        "%F0%9F%94%94",
    ]);
    let free = "[!-~]{0,12}".prop_map(|text| format!("/{text}"));
    prop_oneof![
        4 => (known, trick).prop_map(|(path, trick)| format!("{path}{trick}")),
        1 => free,
    ]
    .prop_map(String::into_bytes)
}

fn value() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "",
        "ann",
        "home",
        "personal",
        "group",
        "0",
        "1e9",
        "-1",
        "5",
        "u=1",
        "yes",
        "30m",
        "%ff",
        "%0d%0a",
        "null",
        "[]",
        "{}",
        "[{\"action\":\"view\"}]",
        "view, a, https://a.example",
        "https://a.example/",
        "file:///x",
        "=?utf-8?q?a=0Ab?=",
        "=?x?b?////?=",
        "markdown",
        "{\"client::display\":5}",
        "tomorrow",
        "99999999999999999999",
    ]);
    prop_oneof![odd.prop_map(str::to_owned), "\\PC{0,16}"]
}

const FIELDS: &[&str] = &[
    "text",
    "title",
    "desp",
    "message",
    "msg",
    "body",
    "target",
    "sendType",
    "topic",
    "priority",
    "tags",
    "click",
    "icon",
    "actions",
    "delay",
    "attach",
    "filename",
    "markdown",
    "extras",
    "extra",
    "type",
    "version",
    "attachments",
    "heartbeat",
    "monitor",
    "data",
    "alerts",
    "status",
    "groupLabels",
    "email",
    "call",
    "template",
    "up",
    "x",
];

/// Fields without one that would make the relay wait.
fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(
        (select(FIELDS.to_vec()).prop_map(str::to_owned), value()),
        0..6,
    )
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let form = fields().prop_map(|fields| {
        let pairs: Vec<_> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.join("&").into_bytes()
    });
    let json = fields().prop_map(|fields| {
        let typed = |text: &String| serde_json::from_str(text).unwrap_or(serde_json::json!(text));
        let object: serde_json::Value = fields.iter().map(|(k, v)| (k.clone(), typed(v))).collect();
        object.to_string().into_bytes()
    });
    let json = json.boxed();
    let multipart = fields().prop_map(|fields| {
        let part = |(k, v): &(String, String)| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{k}\"\r\n\r\n{v}\r\n")
        };
        let parts: String = fields.iter().map(part).collect();
        format!("{parts}--B--\r\n").into_bytes()
    });
    let garbage = vec(any::<u8>(), 0..64);
    let cut = (json.clone(), 0..40_usize).prop_map(|(mut body, at)| {
        body.truncate(at);
        body
    });
    prop_oneof![3 => form, 4 => json, 2 => multipart, 1 => garbage, 1 => cut]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let kind = select(vec![
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "text/markdown",
        "multipart/form-data; boundary=B",
        "multipart/form-data",
        "text/plain; charset=utf-16",
        "application/octet-stream",
        "application/json; charset=\"",
        "",
    ]);
    let kind = kind.prop_map(|kind| ("Content-Type", kind.as_bytes().to_vec()));
    let name = select(vec![
        "Title",
        "X-Title",
        "Priority",
        "X-Priority",
        "Tags",
        "Click",
        "Icon",
        "Actions",
        "Markdown",
        "Delay",
        "Attach",
        "Filename",
        "Email",
        "X-Message",
        "Content-Encoding",
    ]);
    let text = prop_oneof![
        value().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..12)
    ];
    let other = (name, text).prop_map(|(name, mut value)| {
        // More than that would not be this header any more.
        value.retain(|byte| *byte >= 0x20 && *byte != 0x7f);
        (name, value)
    });
    (kind, vec(other, 0..4)).prop_map(|(kind, mut others)| {
        others.push(kind);
        others
    })
}

#[test]
fn whatever_is_sent_is_never_5xx_and_never_reaches_somebody_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let mut config: Config = config();
    config.timing.http_wait = Duration::ZERO;
    let (relay, mut bob) = runtime.block_on(async {
        let relay = Relay::with(config).await;
        relay.known("ann", "home").await;
        let bob = relay.client("bob", "den").await;
        (relay, bob)
    });
    let methods = select(vec![
        "GET", "POST", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS",
    ]);
    let requests = (
        methods,
        paths(),
        fields(),
        headers(),
        bodies(),
        any::<bool>(),
    );
    let cases = Cases {
        cases: 600,
        failure_persistence: None,
        ..Cases::default()
    };
    let address = relay.address;
    let outcome = TestRunner::new(cases).run(&requests, |request_| {
        let (method, mut target, fields, headers, body, known) = request_;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        if !query.is_empty() && !target.contains(&b'?') {
            target.push(b'?');
            target.extend(query.bytes());
        }
        let mut headers: Vec<_> = headers.iter().map(|(k, v)| (*k, v.as_slice())).collect();
        if known {
            headers.push(AUTH);
        }
        let bytes = request(method, &target, &headers, &body);
        let answer = runtime.block_on(raw(address, &bytes));
        if answer.status >= 500 {
            return Err(TestCaseError::fail(format!("{answer:?}")));
        }
        // hyper itself answers what is no HTTP, without a word.
        let says_why = answer.body.is_empty() || !reason(&answer).is_empty();
        if answer.status >= 400 && answer.status != 404 && !says_why {
            return Err(TestCaseError::fail(format!("no reason: {answer:?}")));
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(bob.expect_nothing());
}
