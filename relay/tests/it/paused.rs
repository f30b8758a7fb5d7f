//! A relay on a clock that stands, and moves on when all wait: over pipes and a store in memory, so that no
//! real time is in it. Its wall clock goes with it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tidings_relay::{Clock, Config, Hub, Listener, MemoryStore, Token, serve};
use tokio::{io::DuplexStream, sync::mpsc, time::Instant};
use tokio_tungstenite::client_async;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    store::DAY,
    support::{Client, TOKEN},
};

/// Connections that are pipes.
struct Pipes(mpsc::Receiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(pipe) => Ok((pipe, ([127, 0, 0, 1], 1).into())),
            None => std::future::pending().await,
        }
    }
}

/// See the module.
pub(crate) struct Paused {
    connect: mpsc::Sender<DuplexStream>,
    _server: AbortOnDropHandle<()>,
}

pub(crate) type Piped = Client<DuplexStream>;

impl Paused {
    pub(crate) async fn on(config: Config, store: Arc<MemoryStore>) -> Self {
        let hub = Hub::open(config, store).await.unwrap();
        let (connect, pipes) = mpsc::channel(1);
        let server = tokio::spawn(serve(hub, Pipes(pipes), CancellationToken::new()));
        Self {
            connect,
            _server: AbortOnDropHandle::new(server),
        }
    }

    pub(crate) async fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        self.connect.send(theirs).await.unwrap();
        ours
    }

    /// A client of these extensions.
    pub(crate) async fn client(&self, name: &str, group: &str, features: &[&str]) -> Piped {
        let (socket, _) = client_async("ws://relay/", self.connect().await)
            .await
            .unwrap();
        let mut client = Client { socket };
        let auth = json!({"token": TOKEN, "name": name, "group": group, "features": features});
        client.auth_with(auth).await;
        client
    }
}

/// The wall clock and the token that go with it; the clock begins at [`DAY`].
pub(crate) fn paused_config() -> Config {
    let start = Instant::now();
    let clock = move || DAY + u64::try_from(start.elapsed().as_millis()).unwrap();
    Config {
        token: Some(Token::new(TOKEN).unwrap()),
        clock: Clock::new(clock),
        ..Config::default()
    }
}

/// Lets time pass.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A MESSAGE with this `extra`.
pub(crate) fn with_extra(mut message: Value, extra: Value) -> Value {
    message["data"]["message"]["extra"] = extra;
    message
}
