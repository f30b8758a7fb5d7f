//! A relay on a free port, clients and HTTP requests for the tests. Everything waits for its
//! condition, and fails after [`DEADLINE`].

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tidings_relay::{Config, Hub, MemoryStore, NoPush, Push, Store, Timing, Token, serve};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, protocol::CloseFrame},
};
use tokio_util::sync::CancellationToken;

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const TOKEN: &str = "test";

/// The defaults, with a token, and so patient that a busy machine changes no outcome: nothing is
/// answered by `wait` but what nobody confirms within half a minute.
pub(crate) fn config() -> Config {
    waiting(DEADLINE / 2)
}

/// Answers by `wait` after two seconds.
pub(crate) fn impatient() -> Config {
    waiting(Duration::from_secs(2))
}

fn waiting(wait: Duration) -> Config {
    Config {
        token: Some(Token::new(TOKEN).unwrap()),
        timing: Timing {
            wait,
            http_wait: wait,
            ..Timing::default()
        },
        ..Config::default()
    }
}

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    shutdown: CancellationToken,
    server: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::on(config, Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn on(config: Config, store: Arc<dyn Store>) -> Self {
        Self::pushing(config, store, Arc::new(NoPush)).await
    }

    pub(crate) async fn pushing(
        config: Config,
        store: Arc<dyn Store>,
        push: Arc<dyn Push>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hub = Hub::open_with_push(config, store, push).await.unwrap();
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(hub.clone(), listener, shutdown.clone()));
        Self {
            address,
            hub,
            shutdown,
            server,
        }
    }

    /// Ends it in order.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        within(self.server).await.unwrap();
    }

    /// Asks it to end, without waiting.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    pub(crate) async fn client(&self, name: &str, group: &str) -> Client {
        let mut client = Client::connect(self.address).await;
        client.auth(name, group).await;
        client
    }

    /// A client that was connected once, and is gone.
    pub(crate) async fn known(&self, name: &str, group: &str) {
        let mut connected = self.hub.connected();
        let before = *connected.borrow_and_update();
        self.client(name, group).await.close().await;
        within(connected.wait_for(|count| *count == before))
            .await
            .unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        http(self.address, "GET", path, &[("Authorization", TOKEN)], "").await
    }

    pub(crate) async fn post(&self, path: &str, packet: &Value) -> Answer {
        let headers = [
            ("Authorization", TOKEN),
            ("Content-Type", "application/json"),
        ];
        http(self.address, "POST", path, &headers, &packet.to_string()).await
    }
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(DEADLINE, future).await.expect("it took too long")
}

pub(crate) struct Client<S = MaybeTlsStream<TcpStream>> {
    pub(crate) socket: WebSocketStream<S>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_to(&format!("ws://{address}/any/path")).await
    }

    pub(crate) async fn connect_to(url: &str) -> Self {
        let (socket, _) = within(connect_async(url)).await.unwrap();
        Self { socket }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn auth(&mut self, name: &str, group: &str) -> Value {
        self.auth_with(json!({"token": TOKEN, "name": name, "group": group}))
            .await
    }

    /// Sends an AUTH and expects it to be accepted.
    pub(crate) async fn auth_with(&mut self, data: Value) -> Value {
        self.send(json!({"cmd": "AUTH", "data": data})).await;
        let reply = self.recv().await;
        assert_eq!(reply["cmd"], "AUTH", "{reply}");
        assert_eq!(reply["data"]["code"], 200, "{reply}");
        reply["data"].clone()
    }

    pub(crate) async fn send(&mut self, packet: Value) {
        self.send_text(&packet.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        let frame = tungstenite::Message::text(text);
        within(self.socket.send(frame)).await.unwrap();
    }

    /// The next packet as text.
    pub(crate) async fn recv_text(&mut self) -> String {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(tungstenite::Message::Text(text))) => return text.to_string(),
                Some(Ok(tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_))) => {}
                other => panic!("no packet: {other:?}"),
            }
        }
    }

    pub(crate) async fn recv(&mut self) -> Value {
        serde_json::from_str(&self.recv_text().await).unwrap()
    }

    pub(crate) async fn message_to(&mut self, name: &str, text: &str) {
        self.send(message("personal", name, text)).await;
    }

    pub(crate) async fn message_to_group(&mut self, group: &str, text: &str) {
        self.send(message("group", group, text)).await;
    }

    /// Expects a MESSAGE of this text; its mid.
    pub(crate) async fn expect(&mut self, text: &str) -> String {
        let packet = self.recv().await;
        assert_eq!(packet["cmd"], "MESSAGE", "{packet}");
        assert_eq!(packet["data"]["message"]["text"], text, "{packet}");
        packet["data"]["mid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn confirm(&mut self, mid: &str) {
        self.send(json!({"cmd": "MESSAGE_CALLBACK", "data": {"mid": mid}}))
            .await;
    }

    /// Expects a MESSAGE of this text and confirms it.
    pub(crate) async fn take(&mut self, text: &str) -> String {
        let mid = self.expect(text).await;
        self.confirm(&mid).await;
        mid
    }

    /// Expects a MESSAGE_REPLY with these statuses; its mid.
    pub(crate) async fn expect_reply(&mut self, status: Value) -> String {
        let reply = self.recv().await;
        assert_eq!(reply["cmd"], "MESSAGE_REPLY", "{reply}");
        assert_eq!(reply["data"]["status"], status, "{reply}");
        reply["data"]["mid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn expect_info(&mut self, text: &str) {
        let info = self.recv().await;
        assert_eq!(info["cmd"], "INFO", "{info}");
        assert!(info["data"].as_str().unwrap().contains(text), "{info}");
    }

    /// Expects that nothing waits to be received: a PONG is the next packet.
    pub(crate) async fn expect_nothing(&mut self) {
        self.send(json!({"cmd": "PING"})).await;
        assert_eq!(self.recv_text().await, r#"{"cmd":"PONG","data":""}"#);
    }

    /// Expects the relay to close the connection, with or without a word.
    pub(crate) async fn expect_close(&mut self) -> Option<CloseFrame> {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(tungstenite::Message::Close(frame))) => return frame,
                Some(Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn expect_close_code(&mut self, code: u16) {
        let frame = self.expect_close().await.expect("no close frame");
        assert_eq!(u16::from(frame.code), code, "{frame}");
    }

    pub(crate) async fn close(mut self) {
        let _ = within(self.socket.close(None)).await;
    }
}

pub(crate) fn message(send_type: &str, target: &str, text: &str) -> Value {
    let message = json!({"text": text, "desp": "", "extra": {}});
    json!({"cmd": "MESSAGE", "data": {
        "sendType": send_type, "target": target, "message": message,
    }})
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Expects this status and an INFO that holds this text.
    pub(crate) fn expect_info(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let info = self.json();
        assert_eq!(info["cmd"], "INFO", "{self:?}");
        assert!(info["data"].as_str().unwrap().contains(text), "{self:?}");
    }

    /// Expects a MESSAGE_REPLY with these statuses.
    pub(crate) fn expect_status(&self, status: Value) {
        assert_eq!(self.status, 200, "{self:?}");
        let reply = self.json();
        assert_eq!(reply["cmd"], "MESSAGE_REPLY", "{self:?}");
        assert_eq!(reply["data"]["status"], status, "{self:?}");
    }
}

/// One request on a connection of its own, with a body whose length is told.
pub(crate) async fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    raw(address, format!("{head}\r\n{body}").as_bytes()).await
}

/// Bytes sent as they are, and the answer.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    // The relay may answer and close before it has taken all.
    let _ = within(stream.write_all(bytes)).await;
    let mut answer = Vec::new();
    let _ = within(stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
