//! A WebSocket whose every byte is the test's own, and a witness that the relay goes on for others.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Relay, TOKEN, within};

/// A WebSocket without a library: what is written is written as it is.
pub(crate) struct RawSocket(pub(crate) TcpStream);

impl RawSocket {
    pub(crate) async fn open(relay: &Relay) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // So that little fits between the two when this end does not read.
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = within(socket.connect(relay.address)).await.unwrap();
        let head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within(stream.read_u8()).await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        Self(stream)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The relay may have closed already: that is what it should do.
        let _ = within(self.0.write_all(bytes)).await;
    }

    /// A masked frame with the first byte given.
    pub(crate) async fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | len as u8),
            len @ 126..=65535 => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            len => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        // A mask of zeros leaves the payload as it is.
        bytes.extend([0; 4]);
        bytes.extend(payload);
        self.write(&bytes).await;
    }

    pub(crate) async fn auth(&mut self, name: &str) {
        let auth = json!({"cmd": "AUTH", "data": {"token": TOKEN, "name": name}});
        self.frame(0x81, auth.to_string().as_bytes()).await;
        self.read_until("Successful authentication").await;
    }

    pub(crate) async fn read_until(&mut self, text: &str) {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut buffer = [0; 4096];
            let count = within(self.0.read(&mut buffer)).await.unwrap();
            assert!(count > 0, "closed before {text}");
            seen.extend_from_slice(&buffer[..count]);
        }
    }

    /// Waits until the relay has closed.
    pub(crate) async fn closed(mut self) {
        let mut rest = Vec::new();
        let _ = within(self.0.read_to_end(&mut rest)).await;
    }
}

/// The relay serves somebody else as if nothing had happened.
pub(crate) async fn assert_works(relay: &Relay) {
    let mut client = relay.client("witness", "").await;
    client.message_to("witness", "still here").await;
    client.take("still here").await;
    client.expect_reply(json!({"witness": "ok"})).await;
}
