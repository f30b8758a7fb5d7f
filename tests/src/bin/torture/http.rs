//! An HTTP client that keeps its one connection: requests as text, answers as they come.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ledger::Life;
use crate::world::World;

/// A relay that lives answers sooner: requests here wait for a second at most.
const PATIENCE: Duration = Duration::from_secs(15);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The data of the packet that it holds.
    pub(crate) fn data(&self) -> Option<Value> {
        let mut packet: Value = serde_json::from_str(&self.body).ok()?;
        packet.get_mut("data").map(Value::take)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Http {
    stream: TcpStream,
    read: Vec<u8>,
    /// The relay's life in which it was opened, or the one after.
    pub(crate) life: Life,
}

impl Http {
    /// Connects. Fails while no relay runs.
    pub(crate) async fn connect(world: &World) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", world.port)).await?;
        stream.set_nodelay(true)?;
        let life = world.life();
        let read = Vec::new();
        Ok(Self { stream, read, life })
    }

    /// `GET` of a path and query; the token goes in the header.
    pub(crate) async fn get(&mut self, world: &World, path: &str) -> anyhow::Result<Answer> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n",
            world.token
        );
        self.ask(&request).await
    }

    /// `POST` of a packet, with the token unless the packet carries a ticket.
    pub(crate) async fn post(
        &mut self,
        world: &World,
        path: &str,
        packet: &Value,
    ) -> anyhow::Result<Answer> {
        let body = packet.to_string();
        let token = if packet.get("auth").is_some() {
            String::new()
        } else {
            format!("Authorization: Bearer {}\r\n", world.token)
        };
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\n{token}Content-Length: {length}\r\n\r\n{body}"
        );
        self.ask(&request).await
    }

    async fn ask(&mut self, request: &str) -> anyhow::Result<Answer> {
        let asking = async {
            self.stream.write_all(request.as_bytes()).await?;
            self.answer().await
        };
        timeout(PATIENCE, asking)
            .await
            .context("no answer in time")?
    }

    async fn answer(&mut self) -> anyhow::Result<Answer> {
        const END: &[u8] = b"\r\n\r\n";
        let head = loop {
            let end = self.read.windows(END.len()).position(|bytes| bytes == END);
            if let Some(end) = end {
                let rest = self.read.split_off(end + END.len());
                break String::from_utf8(std::mem::replace(&mut self.read, rest))?;
            }
            self.more().await?;
        };
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let length = head.to_ascii_lowercase();
        let length = length
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|length| length.trim().parse().ok());
        let (status, length) = status.zip(length).context("no HTTP answer")?;
        while self.read.len() < length {
            self.more().await?;
        }
        let rest = self.read.split_off(length);
        let body = String::from_utf8(std::mem::replace(&mut self.read, rest))?;
        Ok(Answer { status, body })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.read).await?;
        anyhow::ensure!(count > 0, "the connection ended");
        Ok(())
    }
}
