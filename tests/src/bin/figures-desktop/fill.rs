//! An inbox like somebody's after years: many messages of common words, sent over the relay's HTTP.

use std::time::Duration;

use anyhow::Context;
use tidings_control::Status;
use tidings_tests::agent::Agent;
use tidings_tests::wait;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Words of messages; the searches are made of them.
pub(crate) const WORDS: &[&str] = &[
    "backup",
    "finished",
    "disk",
    "nearly",
    "full",
    "build",
    "main",
    "green",
    "failed",
    "tests",
    "deploy",
    "server",
    "restart",
    "kernel",
    "update",
    "password",
    "invoice",
    "meeting",
    "printer",
    "coffee",
    "parcel",
    "weather",
    "report",
    "weekly",
    "certificate",
    "expires",
    "login",
    "traffic",
    "memory",
    "queue",
    "window",
    "garden",
    "washing",
    "machine",
    "battery",
    "camera",
    "door",
    "light",
];

/// The tag of the messages that make a short list, and how many they are.
pub(crate) const SHORT: &str = "hundred";
const SHORT_COUNT: u32 = 100;

/// Senders at a time.
const SENDERS: u32 = 4;

/// Longer than the slowest machine takes for one message, and all that wait before it.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Sends so many, and waits until they are stored.
pub(crate) async fn fill(agent: &Agent, port: u16, token: &str, count: u32) -> anyhow::Result<()> {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let token = token.to_owned();
        senders.spawn(async move {
            let mut line = Line::open(port, token).await?;
            for number in (sender..count).step_by(SENDERS as usize) {
                while !line.send(number).await? {
                    // The relay's queue is full: the agent empties it.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    let all = |status: &Status| status.unread >= count;
    let stored = async {
        while !all(&agent.status().await?) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        anyhow::Ok(())
    };
    wait::at_most("all messages in the inbox", PATIENCE, stored).await
}

/// A connection that is kept open.
struct Line {
    stream: BufReader<TcpStream>,
    port: u16,
    token: String,
}

impl Line {
    async fn open(port: u16, token: String) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let stream = BufReader::new(stream);
        Ok(Self {
            stream,
            port,
            token,
        })
    }

    /// Sends one; false if the relay has no room now.
    async fn send(&mut self, number: u32) -> anyhow::Result<bool> {
        let word = |step: u32| {
            let at = number.wrapping_mul(2_654_435_761).rotate_left(step * 5) as usize;
            WORDS.get(at % WORDS.len()).copied().unwrap_or_default()
        };
        let body: Vec<&str> = (2..26).map(word).collect();
        let tags = if number < SHORT_COUNT { SHORT } else { "" };
        let request = format!(
            "GET /desk.send?wait=0&text={}%20{}%20{number}&desp={}&tags={tags} HTTP/1.1\r\n\
             Host: 127.0.0.1:{}\r\nAuthorization: {}\r\n\r\n",
            word(0),
            word(1),
            body.join("%20"),
            self.port,
            self.token,
        );
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut status = String::new();
        self.stream.read_line(&mut status).await?;
        let mut length = 0;
        loop {
            let mut head = String::new();
            self.stream.read_line(&mut head).await?;
            if head.trim().is_empty() {
                break;
            }
            if let Some(value) = head.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        let code = status.split(' ').nth(1).context("an answer")?;
        match code {
            "200" | "202" => Ok(true),
            "429" | "503" => Ok(false),
            _ => anyhow::bail!(
                "the relay answered {status} {}",
                String::from_utf8_lossy(&answer)
            ),
        }
    }
}
