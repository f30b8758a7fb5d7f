//! A second client: a few lines over a WebSocket that keep what comes and confirm it.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use tidings_protocol::client::{Auth, Packet};
use tidings_protocol::server::{AuthReply, Delivery, Packet as FromServer};
use tidings_protocol::{Group, Name};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::wait;

/// A connected client that confirms at once. It disconnects when dropped.
#[derive(Debug)]
pub struct Peer {
    received: watch::Receiver<Vec<Delivery>>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Connects to the relay on a port of this computer.
    ///
    /// # Errors
    /// When the relay cannot be reached or refuses.
    pub async fn connect(port: u16, token: &str, name: &str) -> anyhow::Result<Self> {
        Self::connect_in(port, token, name, "").await
    }

    /// As [`Self::connect`], as a member of a group.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_in(
        port: u16,
        token: &str,
        name: &str,
        group: &str,
    ) -> anyhow::Result<Self> {
        let url = format!("ws://127.0.0.1:{port}/");
        let connecting = tokio_tungstenite::connect_async(url);
        let (mut socket, _) = wait::at_most("the relay", wait::SOON, connecting).await?;
        let auth = Packet::Auth(Auth {
            token: token.to_owned(),
            name: Name::new(name)?,
            group: Group::new(group)?,
            features: Vec::new(),
        });
        socket.send(Message::text(auth.encode())).await?;
        let (keep, received) = watch::channel(Vec::new());
        let (say_joined, joined) = tokio::sync::oneshot::channel();
        let mut say_joined = Some(say_joined);
        let task = tokio::spawn(async move {
            while let Some(Ok(frame)) = socket.next().await {
                let Ok(text) = frame.to_text() else { continue };
                match FromServer::decode(text) {
                    Ok(FromServer::Auth(reply)) => {
                        if let Some(say_joined) = say_joined.take() {
                            let _ = say_joined.send(reply);
                        }
                    }
                    Ok(FromServer::Message(delivery)) => {
                        let confirm = Packet::Confirm(delivery.mid.clone()).encode();
                        keep.send_modify(|kept| kept.push(delivery));
                        if socket.send(Message::text(confirm)).await.is_err() {
                            return;
                        }
                    }
                    _ => {}
                }
            }
        });
        let peer = Self { received, task };
        match wait::at_most("the relay's AUTH", wait::SOON, joined).await? {
            AuthReply::Accepted(_) => Ok(peer),
            refused => anyhow::bail!("the relay refused the second client: {refused:?}"),
        }
    }

    /// Waits until a message with this title has come.
    ///
    /// # Errors
    /// When it has not come in time.
    pub async fn message(&self, title: &str) -> anyhow::Result<Delivery> {
        let mut received = self.received.clone();
        let titled = |d: &&Delivery| d.message.text == title;
        let came = received.wait_for(|kept| kept.iter().any(|d| titled(&d)));
        let what = format!("the message {title:?} at the second client");
        let kept = wait::at_most(&what, wait::SOON, came).await?;
        kept.iter().find(titled).cloned().context("it came")
    }

    /// Waits until its connection has ended, as when its name is taken.
    ///
    /// # Errors
    /// When it has not in time.
    pub async fn ended(&self) -> anyhow::Result<()> {
        let mut received = self.received.clone();
        let ended = async {
            while received.changed().await.is_ok() {}
            anyhow::Ok(())
        };
        wait::at_most("the second client's end", wait::SOON, ended).await
    }

    /// The titles that came, in order, repeats included.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        let kept = self.received.borrow();
        kept.iter().map(|d| d.message.text.clone()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
