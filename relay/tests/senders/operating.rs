//! The binary: tokens with a destination, dialects as a setting, the figures and the log, and `mail`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::json;

use crate::support::{Answer, Client, TOKEN, http, within};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings-relay"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in ["TIDINGS_RELAY", "TIDINGS_TOKEN", "TIDINGS_TOKEN_FILE"] {
        command.env_remove(variable);
    }
    command
}

fn tool(data: &Path, words: &[&str]) -> Output {
    program()
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

/// A relay that runs; killed when it is dropped.
struct Running {
    child: Child,
    address: SocketAddr,
    url: String,
}

impl Running {
    fn start(data: &Path, words: &[&str]) -> Self {
        let mut command = program();
        command
            .args(["--bind", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(words)
            .env("TIDINGS_TOKEN", TOKEN);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        let address = url.split_once("://").unwrap().1.parse().unwrap();
        Self {
            child,
            address,
            url,
        }
    }

    async fn ann(&self) -> Client {
        let mut ann = Client::connect(self.address).await;
        ann.auth("ann", "home").await;
        ann
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        http(self.address, method, path, headers, body).await
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_token_with_a_destination_is_listed_and_taken_into_use_by_sighup() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Running::start(data.path(), &["--log", "info"]);
    let mut ann = relay.ann().await;
    let secret = printed(&tool(data.path(), &["tokens", "add", "nas", "--to", "ann"]));
    let listed = printed(&tool(data.path(), &["tokens", "list"]));
    assert!(
        listed.contains("nas  sends to: ann  receives as: nobody  goes to: ann"),
        "{listed}"
    );
    assert!(!listed.contains(&secret), "{listed}");
    for wrong in [&["x", "--to", "@"][..], &["x", "--to", ""], &["x"]] {
        let refused = tool(data.path(), &[&["tokens", "add"], wrong].concat());
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    }
    let address = relay.address;
    let ask = async || {
        let headers = [
            ("x-gotify-key", secret.as_str()),
            ("content-type", "application/json"),
        ];
        http(address, "POST", "/message", &headers, r#"{"message":"m"}"#).await
    };
    assert_eq!(ask().await.status, 401);
    relay.signal("-HUP");
    let stderr = relay.child.stderr.take().unwrap();
    let read_again = tokio::task::spawn_blocking(move || {
        let mut lines = BufReader::new(stderr).lines();
        lines.any(|line| line.unwrap().contains("the tokens were read again"))
    });
    assert!(within(read_again).await.unwrap());
    assert_eq!(ask().await.status, 200);
    let message = ann.recv().await;
    assert_eq!(message["data"]["message"]["desp"], "m");
    // What it does not name is still refused.
    let other = relay
        .ask("GET", "/home.group", &[("x-gotify-key", &secret)], "")
        .await;
    other.expect_info(403, "nas may not send to");
}

#[test]
fn dialects_are_a_setting_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let checked = |words: &[&str], variable: Option<&str>| {
        let mut command = program();
        command
            .args(["check", "--data"])
            .arg(folder.path())
            .args(words);
        if let Some(variable) = variable {
            command.env("TIDINGS_DIALECTS", variable);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("dialects "))
            .unwrap()
            .to_owned();
        (output.status.success(), line, text)
    };
    let (ok, line, _) = checked(&[], None);
    assert!(ok && line.contains("gotify,ntfy,pushdeer,serverchan,alertmanager,uptime-kuma"));
    let (ok, line, _) = checked(&[], Some("gotify, ntfy"));
    assert!(
        ok && line.contains("gotify, ntfy ") && line.contains("TIDINGS_DIALECTS"),
        "{line}"
    );
    let (ok, line, _) = checked(&["--dialects", "none"], Some("gotify"));
    assert!(
        ok && line.contains("none ") && line.contains("flag --dialects"),
        "{line}"
    );
    let (ok, _, text) = checked(&["--dialects", "gotify,pigeon"], None);
    assert!(!ok && text.contains("write some of gotify, ntfy"), "{text}");
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "dialects = ['ntfy', 'pushdeer']\n").unwrap();
    let (ok, line, _) = checked(&["--config", file.to_str().unwrap()], None);
    assert!(
        ok && line.contains("ntfy, pushdeer") && line.contains("relay.toml"),
        "{line}"
    );
}

#[tokio::test]
async fn requests_are_counted_by_dialect_and_no_token_is_logged() {
    use base64::{
        Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD,
    };
    let data = tempfile::tempdir().unwrap();
    let secret = printed(&tool(data.path(), &["tokens", "add", "nas", "--to", "ann"]));
    let mut relay = Running::start(data.path(), &["--log", "trace"]);
    let _ann = relay.ann().await;
    let wrong = "a-token-that-is-wrong";
    let basic = format!("Basic {}", STANDARD.encode(format!("any:{secret}")));
    let auth = URL_SAFE_NO_PAD.encode(&basic);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (method, path, body, status) in [
        (
            "POST",
            format!("/message?token={secret}"),
            "message=the-content",
            200,
        ),
        (
            "POST",
            format!("/message?token={wrong}"),
            "message=the-content",
            401,
        ),
        ("POST", format!("/ann?auth={auth}"), "the-content", 200),
        (
            "GET",
            format!("/message/push?pushkey={secret}&text=the-content"),
            "",
            200,
        ),
        ("POST", format!("/{secret}.send"), "title=the-content", 200),
        (
            "POST",
            format!("/ann.send?token={secret}&wait=0"),
            "text=the-content",
            200,
        ),
        ("POST", format!("/ghost?token={secret}"), "the-content", 404),
    ] {
        let answer = relay.ask(method, &path, &form, body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(
            !answer.body.contains(&secret) && !answer.body.contains(wrong),
            "{answer:?}"
        );
    }
    let metrics = relay
        .ask("GET", "/metrics", &[("authorization", &basic)], "")
        .await;
    for line in [
        r#"tidings_requests_total{dialect="gotify",outcome="taken"} 1"#,
        r#"tidings_requests_total{dialect="gotify",outcome="refused"} 1"#,
        r#"tidings_requests_total{dialect="ntfy",outcome="taken"} 1"#,
        r#"tidings_requests_total{dialect="ntfy",outcome="refused"} 1"#,
        r#"tidings_requests_total{dialect="pushdeer",outcome="taken"} 1"#,
        r#"tidings_requests_total{dialect="serverchan",outcome="taken"} 1"#,
        r#"tidings_requests_total{dialect="flat",outcome="taken"} 1"#,
    ] {
        assert!(
            metrics.body.lines().any(|l| l == line),
            "no {line}: {}",
            metrics.body
        );
    }
    relay.signal("-TERM");
    let mut stderr = relay.child.stderr.take().unwrap();
    let log = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let log = within(log).await.unwrap();
    assert!(log.contains("closing"), "{log}");
    let pair = basic.strip_prefix("Basic ").unwrap();
    for hidden in [secret.as_str(), wrong, pair, &auth, "the-content"] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

/// `mail`, with this on its standard input.
async fn mail(words: &[&str], environment: &[(&str, &str)], input: &'static [u8]) -> Output {
    let mut command = program();
    command
        .arg("mail")
        .args(words)
        .envs(environment.iter().copied());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ended = tokio::task::spawn_blocking(move || {
        // A wrong command line is refused before anything is read.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().unwrap()
    });
    within(ended).await.unwrap()
}

#[tokio::test]
async fn mail_says_with_its_exit_code_whether_to_try_again() {
    let data = tempfile::tempdir().unwrap();
    let relay = Running::start(data.path(), &["--log", "warn"]);
    let mut ann = relay.ann().await;
    let letter = b"From: Root <root@nas.example>\nSubject: =?utf-8?q?=C3=9Cbung?=\n\nline\n";
    let to_relay = [
        ("TIDINGS_RELAY", relay.url.as_str()),
        ("TIDINGS_TOKEN", TOKEN),
    ];
    for to in ["ann", "@home"] {
        let output = mail(&[to], &to_relay, letter).await;
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{output:?}"
        );
        let message = ann.recv().await["data"]["message"].clone();
        let extra = json!({"from": "Root <root@nas.example>"});
        assert_eq!(
            message,
            json!({"text": "Übung", "desp": "line", "extra": extra})
        );
    }
    for (words, environment, code, said) in [
        (&["ghost"][..], &to_relay[..], 1, "404"),
        (&["@"], &to_relay, 1, "nobody could be called that"),
        (&["ann"], &to_relay[..1], 1, "wants its token"),
        (
            &["ann", "--token-file", "/nonexistent"],
            &to_relay,
            1,
            "cannot read the token file",
        ),
        (
            &["ann", "--relay", "http://127.0.0.1:1"],
            &to_relay,
            75,
            "was not reached",
        ),
    ] {
        let output = mail(words, environment, letter).await;
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.contains(said) && output.stdout.is_empty(),
            "{output:?}"
        );
        assert!(!error.contains(TOKEN) || TOKEN == "test", "{error}");
    }
}

#[tokio::test]
async fn mail_trusts_a_relays_own_certificate_if_it_is_told_to() {
    let data = tempfile::tempdir().unwrap();
    let relay = Running::start(data.path(), &["--tls-self-signed", "--log", "warn"]);
    assert!(relay.url.starts_with("https://"));
    let environment = [
        ("TIDINGS_RELAY", relay.url.as_str()),
        ("TIDINGS_TOKEN", TOKEN),
    ];
    let stranger = mail(&["ghost"], &environment, b"x").await;
    assert_eq!(stranger.status.code(), Some(75), "{stranger:?}");
    let certificate = data.path().join("tls-cert.pem");
    let trusted = ["ghost", "--ca", certificate.to_str().unwrap()];
    // The relay was reached: it knows nobody of that name.
    let output = mail(&trusted, &environment, b"x").await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("404"), "{error}");
}
