//! The real binary: what it says when it cannot start, how it ends, and what a SIGKILL costs
//! (nothing that was promised).

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Arc, mpsc},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};

use crate::support::{Client, DEADLINE, TOKEN, http, message, within};

pub(crate) fn command(data: &Path) -> Command {
    command_on("127.0.0.1:0", data)
}

pub(crate) fn command_on(bind: &str, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings-relay"));
    command
        .args(["--bind", bind, "--data"])
        .arg(data)
        .env("TIDINGS_TOKEN", TOKEN)
        .env("TIDINGS_LOG", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A relay that runs; killed when it is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) stdout: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(data: &Path) -> Self {
        Self::of(command(data))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ");
        let address = address.and_then(|url| Some(url.split_once("://")?.1));
        let Some(address) = address else {
            let mut error = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut error)
                .unwrap();
            panic!("it did not start: {error}");
        };
        let address = address.parse().unwrap();
        Self {
            child,
            address,
            stdout,
        }
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn client(&self, name: &str, group: &str) -> Client {
        let mut client = Client::connect(self.address).await;
        client.auth(name, group).await;
        client
    }

    /// A client that knows `ref`.
    async fn speaker(&self, name: &str) -> Client {
        let mut client = Client::connect(self.address).await;
        let auth = json!({"token": TOKEN, "name": name, "features": ["ref"]});
        client.auth_with(auth).await;
        client
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command that should end by itself, and kills it if it does not.
pub(crate) fn run(command: &mut Command) -> Output {
    let child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    match end.recv_timeout(DEADLINE) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("it did not end: {command:?}")
        }
    }
}

pub(crate) fn refused(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    for word in words {
        assert!(error.contains(word), "{word:?} is missing: {error}");
    }
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[tokio::test]
async fn a_relay_killed_before_delivery_delivers_once_and_knows_the_status() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    relay.client("r1", "G").await.close().await;
    let mut sender = relay.speaker("s1").await;
    let mut packet = message("group", "G", "kept");
    packet["data"]["ref"] = json!("ref-1");
    sender.send(packet.clone()).await;
    let mid = sender.expect_reply(json!({"r1": "wait"})).await;
    relay.kill();

    let relay = Process::start(data.path());
    let mut recipient = relay.client("r1", "G").await;
    assert_eq!(recipient.take("kept").await, mid);
    recipient.expect_nothing().await;
    // Asked again by its ref: the same message, and what became of it.
    let mut sender = relay.speaker("s1").await;
    sender.send(packet.clone()).await;
    assert_eq!(sender.expect_reply(json!({"r1": "ok"})).await, mid);
    recipient.expect_nothing().await;
    relay.kill();

    // The reply said `ok`: the confirmation survives too.
    let relay = Process::start(data.path());
    let mut recipient = relay.client("r1", "G").await;
    recipient.expect_nothing().await;
    let mut sender = relay.speaker("s1").await;
    sender.send(packet).await;
    assert_eq!(sender.expect_reply(json!({"r1": "ok"})).await, mid);
    // New ones are newer.
    sender.message_to("r1", "next").await;
    assert!(recipient.take("next").await > mid);
}

/// Sends `first..` by HTTP, one after the other on one connection, until `count` or the connection
/// breaks. Returns the numbers that were accepted and the first one that was not tried.
async fn send_many(
    address: SocketAddr,
    first: usize,
    count: usize,
    progress: &watch::Sender<usize>,
) -> (Vec<usize>, usize) {
    let mut accepted = Vec::new();
    let Ok(mut stream) = within(TcpStream::connect(address)).await else {
        return (accepted, first);
    };
    for n in first..count {
        let request =
            format!("GET /r1.send?text={n}&wait=0&token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut answer = Vec::new();
        let whole = async {
            stream.write_all(request.as_bytes()).await?;
            while !answer.ends_with(b"}}}") {
                if stream.read_buf(&mut answer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok::<_, std::io::Error>(())
        };
        if within(whole).await.is_err() {
            // Accepted or not: nobody was told.
            return (accepted, n + 1);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with(r#""status":{"r1":"wait"}}}"#), "{answer}");
        accepted.push(n);
        progress.send_replace(n + 1);
    }
    (accepted, count)
}

#[tokio::test]
async fn of_10_000_messages_through_two_kills_all_accepted_ones_arrive_once_in_order() {
    const COUNT: usize = 10_000;
    let data = tempfile::tempdir().unwrap();
    let mut relay = Process::start(data.path());
    relay.client("r1", "").await.close().await;
    let progress = Arc::new(watch::Sender::new(0));
    let mut accepted = Vec::new();
    let mut next = 0;
    for kill_at in [Some(COUNT / 3), Some(COUNT * 2 / 3), None] {
        let sending = tokio::spawn({
            let (address, progress) = (relay.address, Arc::clone(&progress));
            async move { send_many(address, next, COUNT, &progress).await }
        });
        if let Some(at) = kill_at {
            // In the middle of the traffic.
            let mut sent = progress.subscribe();
            within(sent.wait_for(|sent| *sent >= at)).await.unwrap();
            relay.kill();
            relay = Process::start(data.path());
        }
        let (some, untried) = sending.await.unwrap();
        accepted.extend(some);
        next = untried;
    }
    assert_eq!(next, COUNT);
    assert!(accepted.len() >= COUNT - 2);

    let mut recipient = relay.client("r1", "").await;
    let mut received: Vec<usize> = Vec::new();
    while received.last() != Some(&(COUNT - 1)) {
        let packet = recipient.recv().await;
        let data = &packet["data"];
        received.push(data["message"]["text"].as_str().unwrap().parse().unwrap());
        recipient.confirm(data["mid"].as_str().unwrap()).await;
    }
    recipient.expect_nothing().await;
    assert!(received.is_sorted_by(|a, b| a < b), "out of order or twice");
    let missing: Vec<_> = accepted
        .iter()
        .filter(|n| received.binary_search(n).is_err())
        .collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    // Nobody hears of them again, once the confirmations are kept.
    let mut sender = relay.client("s1", "").await;
    sender.message_to("r1", "last").await;
    recipient.take("last").await;
    sender.expect_reply(json!({"r1": "ok"})).await;
    relay.kill();
    let relay = Process::start(data.path());
    relay.client("r1", "").await.expect_nothing().await;
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_it_in_order() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Process::start(data.path());
    let mut client = relay.client("ann", "").await;
    let pid = relay.child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(sent.success());
    client.expect_close_code(1001).await;
    drop(client);
    let ended = tokio::task::spawn_blocking(move || relay.child.wait().unwrap());
    assert_eq!(within(ended).await.unwrap().code(), Some(0));
    // Its port and its folder are free.
    Process::start(data.path())
        .client("ann", "")
        .await
        .expect_nothing()
        .await;
}

#[tokio::test]
async fn the_token_comes_from_a_file_or_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("token");
    std::fs::write(&file, "from-file\n").unwrap();
    let mut command = command(&data);
    command.arg("--token-file").arg(&file);
    let relay = Process::of(command);
    for (token, status) in [("from-file", 200), (TOKEN, 401)] {
        let headers = [("authorization", token)];
        let answer = http(relay.address, "GET", "/x.send", &headers, "").await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    drop(relay);
    std::fs::write(&file, " \n").unwrap();
    let mut command = self::command(&data);
    let output = run(command.arg("--token-file").arg(&file));
    refused(&output, &["token file", "the token is empty"]);
    let mut command = self::command(&data);
    let output = run(command.args(["--token-file", "/does/not/exist"]));
    refused(&output, &["cannot read the token file /does/not/exist"]);
}

#[test]
fn beyond_loopback_it_wants_a_token() {
    let data = tempfile::tempdir().unwrap();
    for bind in ["0.0.0.0:0", "[::]:0"] {
        let mut command = command_on(bind, data.path());
        let output = run(command.env_remove("TIDINGS_TOKEN"));
        refused(&output, &["needs a token", "--token-file", "127.0.0.1"]);
    }
    let relay = Process::of(command_on("0.0.0.0:0", data.path()));
    assert!(relay.address.ip().is_unspecified());
}

#[test]
fn what_keeps_it_from_starting_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Process::start(&data);
    let output = run(&mut command(&data));
    refused(&output, &["another relay uses the data folder", "--data"]);

    let taken = relay.address.to_string();
    let other = folder.path().join("other");
    let output = run(&mut command_on(&taken, &other));
    refused(&output, &["cannot listen on", "--bind", "in use"]);
    relay.kill();

    // Without its WAL, from which SQLite would have mended it.
    let _ = std::fs::remove_file(data.join("relay.db-wal"));
    std::fs::write(data.join("relay.db"), "not a database".repeat(100)).unwrap();
    let output = run(&mut command(&data));
    refused(&output, &["relay.db is damaged", "Move it away"]);

    let output = run(&mut command(Path::new("/dev/null/data")));
    refused(&output, &["cannot use the data folder", "--data"]);

    let output = run(command(&data).arg("--nonsense"));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn its_help_is_a_page_one_can_learn_from() {
    let output = run(command(Path::new("unused")).arg("--help"));
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "curl",
        "ann.send",
        "family.group",
        "--bind",
        "--token-file",
        "TIDINGS_TOKEN",
        "--data",
        "--durability",
        "Exit codes",
        "wait=0",
        "/health",
    ] {
        assert!(help.contains(part), "{part} is missing: {help}");
    }
}
