//! The real binary: what it says when it cannot start, what it takes of the system, and how it
//! ends. What a SIGKILL costs is in `section3`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::mpsc,
};

use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpStream};

use crate::support::{Client, DEADLINE, TOKEN, http, within};

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
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn client(&self, name: &str, group: &str) -> Client {
        let mut client = Client::connect(self.address).await;
        client.auth(name, group).await;
        client
    }

    /// A client that knows `ref`.
    pub(crate) async fn speaker(&self, name: &str) -> Client {
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

/// A relay whose shell says how many files it may open.
#[cfg(unix)]
fn within_files(ulimit: &str, data: &Path) -> Process {
    let relay = command(data);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("ulimit {ulimit} && exec \"$0\" \"$@\""))
        .arg(relay.get_program())
        .args(relay.get_args())
        .env("TIDINGS_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Process::of(shell)
}

#[cfg(unix)]
#[tokio::test]
async fn it_takes_as_many_connections_as_the_system_grants_files() {
    const CONNECTIONS: usize = 150;
    let data = tempfile::tempdir().unwrap();
    let hold = async |relay: &Process| {
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(TcpStream::connect(relay.address).await.unwrap());
        }
        held
    };
    // What a shell gives at first is raised.
    let relay = within_files("-S -n 100", data.path());
    let held = hold(&relay).await;
    let answer = http(relay.address, "GET", "/health", &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    drop(held);
    relay.kill();
    // What nobody may raise leaves room for refusing, and for the store.
    let relay = within_files("-n 100", data.path());
    let mut held = hold(&relay).await;
    let mut last = held.pop().unwrap();
    let closed = async { matches!(last.read(&mut [0; 16]).await, Ok(0) | Err(_)) };
    assert!(within(closed).await);
    drop(held);
    let served = async {
        let url = format!("ws://{}/", relay.address);
        while tokio_tungstenite::connect_async(&url).await.is_err() {}
    };
    within(served).await;
    relay.client("ann", "").await.expect_nothing().await;
}
