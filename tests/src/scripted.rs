//! A relay that says what a test wants, to one client at a time: for what a real one says only after
//! minutes, or never.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use tidings_protocol::client::Packet as FromClient;
use tidings_protocol::server::{AuthReply, Packet, Welcome};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::wait;

/// The relay. It takes no further client while one is connected.
#[derive(Debug)]
pub struct Scripted {
    listener: TcpListener,
}

/// A client that was let in.
#[derive(Debug)]
pub struct Guest {
    socket: WebSocketStream<TcpStream>,
}

impl Scripted {
    /// Listens on a free port of this computer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn new() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self { listener })
    }

    /// Its address, as people write it.
    ///
    /// # Errors
    /// Of the socket.
    pub fn address(&self) -> anyhow::Result<String> {
        Ok(self.listener.local_addr()?.to_string())
    }

    /// Waits for a client and lets it in, as a relay that speaks these extensions.
    ///
    /// # Errors
    /// When none comes in time, or it says something else first.
    pub async fn guest(&self, features: &[&str]) -> anyhow::Result<Guest> {
        let (stream, _) = wait::at_most("a client", wait::START, self.listener.accept()).await?;
        let shaking = tokio_tungstenite::accept_async(stream);
        let socket = wait::at_most("a handshake", wait::SOON, shaking).await?;
        let mut guest = Guest { socket };
        guest
            .until("AUTH", |packet| matches!(packet, FromClient::Auth(_)))
            .await?;
        let welcome = Welcome {
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
            relay: Some("scripted".to_owned()),
            ..Welcome::default()
        };
        guest
            .say(&Packet::Auth(AuthReply::Accepted(welcome)))
            .await?;
        Ok(guest)
    }
}

impl Guest {
    /// Sends it a packet.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn say(&mut self, packet: &Packet) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(packet.encode())).await?)
    }

    /// Waits until it says something of this kind; answers its PINGs and passes over everything else.
    ///
    /// # Errors
    /// When it does not in time, or is gone.
    pub async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&FromClient) -> bool,
    ) -> anyhow::Result<FromClient> {
        let heard = async {
            loop {
                let frame = self.socket.next().await.context("the client is gone")??;
                let packet = frame.to_text().ok().map(FromClient::decode);
                if matches!(packet, Some(Ok(FromClient::Ping))) {
                    self.say(&Packet::Pong).await?;
                }
                if let Some(Ok(packet)) = packet
                    && wanted(&packet)
                {
                    return anyhow::Ok(packet);
                }
            }
        };
        wait::at_most(what, wait::SOON, heard).await
    }
}
