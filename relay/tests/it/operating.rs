//! The binary as its operator meets it: the layers of its configuration, its commands, its signals.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::json;

use crate::{
    process::{Process, command, command_on, refused, run},
    support::{Client, TOKEN, http, message, within},
};

/// A command of the relay beside running, on a data folder.
fn tool(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings-relay"));
    command.args(words).arg("--data").arg(data);
    run(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn worked(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

fn signal(relay: &Process, name: &str) {
    let pid = relay.child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

/// The line of `check` that begins with this word.
fn line<'a>(checked: &'a str, name: &str) -> &'a str {
    checked
        .lines()
        .find(|line| line.split_whitespace().next() == Some(name))
        .unwrap_or_else(|| panic!("no {name}: {checked}"))
}

pub(crate) async fn status(relay: &Process, path: &str, token: &str) -> u16 {
    let headers = [("authorization", token)];
    http(relay.address, "GET", path, &headers, "").await.status
}

#[test]
fn flags_count_more_than_the_environment_and_that_more_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(
        &file,
        "queue_messages = 1\nwindow = 2\nclients = 3\nallow_origin = ['https://a.example']\n",
    )
    .unwrap();
    let mut command = command(&folder.path().join("data"));
    command
        .args(["check", "--clients", "30", "--config"])
        .arg(&file)
        .env("TIDINGS_WINDOW", "20")
        .env("TIDINGS_CLIENTS", "21");
    // The flags before a command are those of running.
    let output = run(&mut command);
    let checked = worked(&output);
    let said = |name| line(&checked, name).split_whitespace().collect::<Vec<_>>();
    assert_eq!(said("queue_messages")[1..3], ["1", "file"]);
    assert_eq!(said("window")[1..], ["20", "environment", "TIDINGS_WINDOW"]);
    assert_eq!(said("clients")[1..], ["30", "flag", "--clients"]);
    assert_eq!(said("retry")[1..], ["3", "default"]);
    assert!(line(&checked, "allow_origin").contains("https://a.example"));
    assert!(checked.contains("ok:"), "{checked}");
    assert!(line(&checked, "token").contains("not shown"), "{checked}");
    assert!(!line(&checked, "token").contains(&format!(" {TOKEN} ")));
}

#[test]
fn check_names_all_that_is_wrong_and_the_relay_does_not_start_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let wrong = ["--retry", "x", "--bind", "here", "--durability", "best"];
    let words = ["retry (flag --retry)", "bind (", "durability (", "write os"];
    let output = run(command(&data).arg("check").args(wrong));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for word in words {
        assert!(text(&output.stdout).contains(word), "{output:?}");
    }
    let mut serving = Command::new(env!("CARGO_BIN_EXE_tidings-relay"));
    serving.args(wrong).arg("--data").arg(&data);
    let output = run(serving.stdout(Stdio::piped()).stderr(Stdio::piped()));
    refused(&output, &words);
    assert!(!data.exists(), "a check makes nothing");

    let file = folder.path().join("relay.toml");
    for (content, word) in [
        ("quue = 1", "there is no setting quue"),
        ("queue_messages = [1]", "wrong type"),
        ("queue_messages", "no TOML"),
    ] {
        std::fs::write(&file, content).unwrap();
        let output = run(command(&data).arg("--config").arg(&file));
        refused(&output, &["relay.toml", word]);
    }
}

#[tokio::test]
async fn a_named_token_does_what_it_may_and_no_more_until_it_is_revoked() {
    let data = tempfile::tempdir().unwrap();
    let add = |words: &[&str]| {
        let secret = worked(&tool(data.path(), &[&["tokens", "add"], words].concat()));
        secret.trim().to_owned()
    };
    let ci = add(&["ci", "--send", "ann", "--send", "@g"]);
    let laptop = add(&[
        "laptop",
        "--receive",
        "ann",
        "--receive",
        "@g",
        "--send",
        "bob",
    ]);
    let again = tool(data.path(), &["tokens", "add", "ci", "--send", "*"]);
    refused(&again, &["there is a token ci already"]);
    let relay = Process::start(data.path());

    // The laptop is ann, and nobody else.
    let mut client = Client::connect(relay.address).await;
    for (name, group) in [("bob", ""), ("ann", "h")] {
        let auth = json!({"token": laptop, "name": name, "group": group});
        client.send(json!({"cmd": "AUTH", "data": auth})).await;
        let reply = client.recv().await;
        assert_eq!(reply["data"]["code"], 403, "{reply}");
        assert!(reply["data"]["msg"].as_str().unwrap().contains("laptop"));
    }
    let auth = json!({"token": laptop, "name": "ann", "group": "g"});
    let ticket = client.auth_with(auth).await["auth"].clone();
    client.message_to("ann", "not to her").await;
    client.expect_info("laptop may not send to ann").await;
    client.message_to("bob", "nobody there").await;
    client.expect_reply(json!({"bob": "no"})).await;

    // By HTTP it is the same AUTH.
    let auth = json!({"cmd": "AUTH", "data": {"token": ci, "name": "ann"}});
    let answer = http(relay.address, "POST", "/", &[], &auth.to_string()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.json()["data"]["code"], 403, "{answer:?}");

    // The build server sends, and to no others.
    for (path, expected) in [
        ("/ann.send?wait=0", 200),
        ("/g.group?wait=0", 200),
        ("/bob.send", 403),
    ] {
        assert_eq!(status(&relay, path, &ci).await, expected, "{path}");
    }
    client.take("").await;
    client.take("").await;
    let mut packet = message("personal", "ann", "by ticket");
    packet["auth"] = ticket;
    let answer = http(relay.address, "POST", "/", &[], &packet.to_string()).await;
    assert_eq!(answer.status, 403, "{answer:?}");

    // The shared token goes on to allow everything; revoked ones are told when SIGHUP comes.
    worked(&tool(data.path(), &["tokens", "revoke", "laptop"]));
    let listed = worked(&tool(data.path(), &["tokens", "list"]));
    assert!(
        listed.contains("ci  sends to: ann, @g  receives as: nobody"),
        "{listed}"
    );
    assert!(
        !listed.contains("laptop") && !listed.contains(&ci),
        "{listed}"
    );
    signal(&relay, "-HUP");
    client.expect_close_code(1008).await;
    let answer = http(relay.address, "POST", "/", &[], &packet.to_string()).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(status(&relay, "/ann.send?wait=0", &laptop).await, 401);
    assert_eq!(status(&relay, "/ann.send?wait=0", &ci).await, 200);
    assert_eq!(status(&relay, "/ann.send?wait=0", TOKEN).await, 200);
}

#[tokio::test]
async fn the_last_token_gone_locks_the_relay_and_does_not_open_it() {
    let data = tempfile::tempdir().unwrap();
    let secret = worked(&tool(
        data.path(),
        &["tokens", "add", "a", "--send", "*", "--receive", "*"],
    ));
    let secret = secret.trim();
    let mut command = command_on("0.0.0.0:0", data.path());
    command.env_remove("TIDINGS_TOKEN");
    let mut relay = Process::of(command);
    relay.address.set_ip([127, 0, 0, 1].into());
    let mut client = Client::connect(relay.address).await;
    client
        .auth_with(json!({"token": secret, "name": "ann"}))
        .await;
    worked(&tool(data.path(), &["tokens", "revoke", "a"]));
    signal(&relay, "-HUP");
    client.expect_close_code(1008).await;
    assert_eq!(status(&relay, "/ann.send", "anything").await, 401);
    assert_eq!(status(&relay, "/ann.send", secret).await, 401);
}

/// A request that the relay has begun to answer, whose body never comes to its end.
async fn stuck(relay: &Process) -> tokio::net::TcpStream {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(relay.address).await.unwrap();
    let head = format!(
        "POST /ann.send HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 12];
    within(stream.read_exact(&mut told)).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100");
    stream
}

#[tokio::test]
async fn an_end_waits_for_what_is_under_way_within_a_bound() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path());
    command.args(["--shutdown-timeout", "0.3", "--request-timeout", "600"]);
    let mut relay = Process::of(command);
    let _stuck = stuck(&relay).await;
    signal(&relay, "-TERM");
    let ended = tokio::task::spawn_blocking(move || relay.child.wait().unwrap());
    assert_eq!(within(ended).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn whoever_asks_twice_does_not_wait() {
    use std::io::BufRead as _;
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path());
    command.args(["--shutdown-timeout", "600", "--request-timeout", "600"]);
    command.args(["--log", "info"]);
    let mut relay = Process::of(command);
    let _stuck = stuck(&relay).await;
    signal(&relay, "-TERM");
    let mut log = std::io::BufReader::new(relay.child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("closing")));
    signal(&relay, "-TERM");
    let ended = tokio::task::spawn_blocking(move || relay.child.wait().unwrap());
    assert_eq!(within(ended).await.unwrap().code(), Some(1));
}

#[tokio::test]
async fn clients_and_queues_are_seen_beside_a_relay_and_without_content() {
    let data = tempfile::tempdir().unwrap();
    let missing = tool(data.path(), &["clients", "list"]);
    refused(&missing, &["relay.db"]);
    let mut relay = Process::start(data.path());
    relay.client("ann", "family").await.close().await;
    let mut bob = Client::connect(relay.address).await;
    bob.auth_with(json!({"token": TOKEN, "name": "bob", "features": ["ref"]}))
        .await;
    let mut with_ref = message("personal", "ann", "the secret title");
    with_ref["data"]["ref"] = json!("r");
    bob.send(with_ref.clone()).await;
    assert_eq!(
        status(&relay, "/family.group?text=x&wait=0", TOKEN).await,
        200
    );
    bob.expect_reply(json!({"ann": "wait"})).await;

    let listed = worked(&tool(data.path(), &["clients", "list"]));
    assert!(
        listed.contains("ann  group: family  waiting: 2 ("),
        "{listed}"
    );
    assert!(listed.contains("bob  group: -  waiting: 0 ("), "{listed}");
    let queue = worked(&tool(data.path(), &["queue", "ann"]));
    let mut senders: Vec<_> = queue.lines().map(|l| l.split(' ').next_back()).collect();
    // Two senders at once, in whatever order.
    senders.sort_unstable();
    assert_eq!(senders, [Some("bob"), Some("http")], "{queue}");
    assert!(!queue.contains("secret"), "{queue}");
    assert_eq!(
        worked(&tool(data.path(), &["queue", "ann", "--limit", "1"]))
            .lines()
            .count(),
        1
    );
    refused(
        &tool(data.path(), &["queue", "eve"]),
        &["no client is called eve"],
    );

    // Forgetting needs the folder for itself.
    let forget = tool(data.path(), &["clients", "forget", "ann"]);
    refused(&forget, &["another relay uses the data folder"]);
    relay.child.kill().unwrap();
    relay.child.wait().unwrap();
    let forgotten = worked(&tool(data.path(), &["clients", "forget", "ann"]));
    assert!(forgotten.contains("2 messages"), "{forgotten}");
    refused(
        &tool(data.path(), &["clients", "forget", "ann"]),
        &["no client is called ann"],
    );
    let relay = Process::start(data.path());
    let headers = [("authorization", TOKEN)];
    let answer = http(relay.address, "GET", "/ann.send?wait=0", &headers, "").await;
    answer.expect_status(json!({"ann": "no"}));
    relay.client("ann", "family").await.expect_nothing().await;
    // Whoever asks what became of it by its ref is not told that it was confirmed.
    let mut bob = Client::connect(relay.address).await;
    bob.auth_with(json!({"token": TOKEN, "name": "bob", "features": ["ref"]}))
        .await;
    bob.send(with_ref).await;
    bob.expect_reply(json!({"ann": "no"})).await;
}

#[tokio::test]
async fn a_backup_of_a_running_relay_starts_as_a_relay() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    relay.client("ann", "").await.close().await;
    assert_eq!(
        status(&relay, "/ann.send?text=kept&wait=0", TOKEN).await,
        200
    );
    let restored = tempfile::tempdir().unwrap();
    let copy = restored.path().join("relay.db");
    let copy = copy.to_str().unwrap();
    worked(&tool(data.path(), &["backup", copy]));
    refused(&tool(data.path(), &["backup", copy]), &["exists already"]);
    refused(
        &tool(data.path(), &["backup", "/dev/null/x"]),
        &["cannot write the backup"],
    );
    assert_eq!(
        status(&relay, "/ann.send?text=later&wait=0", TOKEN).await,
        200
    );
    drop(relay);
    let relay = Process::start(restored.path());
    let mut ann = relay.client("ann", "").await;
    ann.take("kept").await;
    ann.expect_nothing().await;
}

#[tokio::test]
async fn health_and_metrics_are_what_monitors_ask_for() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut ann = relay.client("ann", "").await;
    let get = async |path: &str, token: &str| {
        let headers = [("authorization", token)];
        http(relay.address, "GET", path, &headers, "").await
    };
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(get(path, "").await.status, 200, "{path}");
    }
    let sent = tokio::spawn({
        let address = relay.address;
        async move {
            let headers = [("authorization", TOKEN)];
            http(address, "GET", "/ann.send?text=x&wait=30", &headers, "").await
        }
    });
    ann.take("x").await;
    assert_eq!(sent.await.unwrap().status, 200);
    assert_eq!(get("/ann.send", "wrong").await.status, 401);
    assert_eq!(get("/metrics", "wrong").await.status, 401);
    assert_eq!(get("/ann.send?text=y&wait=0", TOKEN).await.status, 200);
    let metrics = get("/metrics", TOKEN).await;
    assert_eq!(metrics.status, 200);
    for line in [
        "tidings_clients 1",
        "tidings_messages_accepted_total{by=\"http\"} 2",
        "tidings_messages_confirmed_total 1",
        "tidings_messages_queued 1",
        "tidings_refused_total{why=\"token\"} 2",
        "tidings_storing_seconds_count 2",
        "tidings_confirming_seconds_count 1",
    ] {
        let found = metrics.body.lines().any(|l| l == line);
        assert!(found, "no {line}: {}", metrics.body);
    }
    assert!(!metrics.body.contains("ann"), "{}", metrics.body);
}

#[tokio::test]
async fn the_log_is_json_when_asked_and_holds_no_content_and_no_secret() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path());
    command.args(["--log-format", "json", "--log", "trace"]);
    let mut relay = Process::of(command);
    let mut ann = relay.client("ann", "").await;
    assert_eq!(
        status(&relay, "/ann.send?text=the-title&wait=0", TOKEN).await,
        200
    );
    ann.take("the-title").await;
    assert_eq!(status(&relay, "/ann.send", "a-wrong-token").await, 401);
    signal(&relay, "-TERM");
    ann.expect_close_code(1001).await;
    let mut log = String::new();
    let mut stderr = relay.child.stderr.take().unwrap();
    let log = tokio::task::spawn_blocking(move || {
        std::io::Read::read_to_string(&mut stderr, &mut log).unwrap();
        log
    });
    let log = within(log).await.unwrap();
    assert!(log.lines().count() > 1, "{log}");
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            entry["level"].is_string() && entry["message"].is_string(),
            "{line}"
        );
    }
    for secret in ["the-title", "a-wrong-token", &format!("token={TOKEN}")] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn systemd_is_told_how_things_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
    let mut command = command(&folder.path().join("data"));
    command.env("NOTIFY_SOCKET", &path);
    let relay = Process::of(command);
    let told = async || {
        let mut buffer = [0; 4096];
        let count = within(socket.recv(&mut buffer)).await.unwrap();
        text(&buffer[..count])
    };
    let first = told().await;
    assert!(
        first.contains("READY=1") && first.contains("STATUS=listening on"),
        "{first}"
    );
    signal(&relay, "-HUP");
    assert!(told().await.contains("RELOADING=1"));
    assert!(told().await.contains("READY=1"));
    signal(&relay, "-TERM");
    assert!(told().await.contains("STOPPING=1"));
}

#[test]
fn each_command_has_a_help_of_its_own() {
    for words in [
        &["tokens", "add"][..],
        &["clients", "forget"],
        &["queue"],
        &["backup"],
        &["check"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings-relay"));
        command.args(words).arg("--help").stdout(Stdio::piped());
        let help = worked(&run(&mut command));
        assert!(
            help.contains("--data") && help.contains("--config"),
            "{help}"
        );
    }
}
