//! Clients of mosquitto: MQTT 3.1.1 by rumqttc, QoS 1, sessions that outlive their connections.
//!
//! Confirmed means: the broker has acknowledged the message to its sender, and the recipient has taken it and
//! acknowledged it to the broker. The sender is never told of the latter, so the broker does less than the
//! relay does.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, Packet, QoS, SubscribeReasonCode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::system::{AT_A_TIME, BODY, Progress, Recipient, Sender, System, WINDOW};

/// A broker that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mqtt(pub(crate) SocketAddr);

/// A client that publishes to one topic.
#[derive(Debug)]
pub(crate) struct MqttSender {
    client: AsyncClient,
    topic: String,
    progress: Rc<Progress>,
    /// Drives the connection.
    driver: JoinSet<Result<()>>,
}

/// A client with one subscription.
pub(crate) struct MqttRecipient {
    connection: EventLoop,
    progress: Rc<Progress>,
    /// Messages that came before the connection was made.
    early: usize,
    /// It subscribes with it; the connection ends with its last owner.
    _client: AsyncClient,
}

impl Mqtt {
    fn connect(self, name: &str) -> (AsyncClient, EventLoop) {
        let host = self.0.ip().to_string();
        let mut options = MqttOptions::new(name, host, self.0.port());
        options
            .set_clean_session(false)
            .set_inflight(WINDOW as u16)
            .set_keep_alive(Duration::from_secs(60));
        let (client, mut connection) = AsyncClient::new(options, WINDOW);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        connection.set_network_options(network);
        (client, connection)
    }

    async fn sender(self, room: &str, progress: Rc<Progress>) -> Result<MqttSender> {
        let (client, mut connection) = self.connect(&format!("from.{room}"));
        let Event::Incoming(Packet::ConnAck(_)) = connection.poll().await? else {
            bail!("not let in");
        };
        let mut driver = JoinSet::new();
        let told = Rc::clone(&progress);
        driver.spawn_local(async move {
            loop {
                if let Event::Incoming(Packet::PubAck(_)) = connection.poll().await? {
                    told.count(&told.taken, 1);
                }
            }
        });
        Ok(MqttSender {
            client,
            topic: format!("to/{room}"),
            progress,
            driver,
        })
    }

    async fn recipient(
        self,
        name: &str,
        room: &str,
        progress: Rc<Progress>,
    ) -> Result<MqttRecipient> {
        let (client, mut connection) = self.connect(name);
        client
            .subscribe(format!("to/{room}"), QoS::AtLeastOnce)
            .await?;
        let mut early = 0;
        loop {
            match connection.poll().await? {
                Event::Incoming(Packet::SubAck(answer)) => {
                    let granted = SubscribeReasonCode::Success(QoS::AtLeastOnce);
                    if answer.return_codes != [granted] {
                        bail!("no subscription: {answer:?}");
                    }
                    break;
                }
                // What waited for it comes before the answer.
                Event::Incoming(Packet::Publish(_)) => early += 1,
                _ => {}
            }
        }
        Ok(MqttRecipient {
            connection,
            progress,
            early,
            _client: client,
        })
    }
}

impl System for Mqtt {
    type Sender = MqttSender;
    type Recipient = MqttRecipient;

    async fn pair(&self, room: &str) -> Result<(MqttSender, MqttRecipient)> {
        let progress = Progress::of(1);
        let name = format!("to.{room}");
        let recipient = self.recipient(&name, room, Rc::clone(&progress)).await?;
        Ok((self.sender(room, progress).await?, recipient))
    }

    async fn crowd(&self, room: &str, count: usize) -> Result<(MqttSender, Vec<MqttRecipient>)> {
        let progress = Progress::of(count);
        let shared = &progress;
        let recipients = stream::iter(0..count)
            .map(|n| async move {
                let name = format!("to.{room}.{n}");
                self.recipient(&name, room, Rc::clone(shared)).await
            })
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await?;
        Ok((self.sender(room, progress).await?, recipients))
    }

    async fn away(&self, room: &str) -> Result<MqttSender> {
        drop(self.back(room).await?);
        self.sender(room, Progress::of(0)).await
    }

    async fn back(&self, room: &str) -> Result<MqttRecipient> {
        let name = format!("to.{room}");
        self.recipient(&name, room, Progress::of(1)).await
    }

    /// As bytes: ten thousand clients of a library would take the generator's memory.
    async fn idle(&self, n: usize) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(self.0).await?;
        let name = format!("idle-{n:05}");
        // MQTT 3.1.1, 3.1: CONNECT, level 4, session kept, keep-alive 600 s.
        let mut bytes = vec![
            0x10, 22, 0, 4, b'M', b'Q', b'T', b'T', 4, 0, 0x02, 0x58, 0, 10,
        ];
        bytes.extend(name.bytes());
        // 3.8: SUBSCRIBE, packet 1, one topic of the same name, QoS 1.
        bytes.extend([0x82, 15, 0, 1, 0, 10]);
        bytes.extend(name.bytes());
        bytes.push(1);
        stream.write_all(&bytes).await?;
        // CONNACK: accepted; SUBACK: QoS 1.
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).await.context("not let in")?;
        if answer != [0x20, 2, 0, 0, 0x90, 3, 0, 1, 1] {
            bail!("not let in: {answer:?}");
        }
        Ok(stream)
    }
}

impl Sender for MqttSender {
    async fn send(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let body = vec![b'x'; BODY];
            self.client
                .publish(&self.topic, QoS::AtLeastOnce, false, body)
                .await?;
        }
        Ok(())
    }

    async fn confirmed(&mut self) -> Result<usize> {
        self.progress.confirmed_by(&mut self.driver).await
    }
}

impl Recipient for MqttRecipient {
    async fn receive(&mut self) -> Result<usize> {
        while self.early == 0 {
            // The library acknowledges by itself.
            if let Event::Incoming(Packet::Publish(_)) = self.connection.poll().await? {
                self.early = 1;
            }
        }
        self.progress.count(&self.progress.received, self.early);
        Ok(std::mem::take(&mut self.early))
    }
}
