//! Clients of nats-server: one stream in files, and a durable push consumer with explicit acknowledgements
//! for each recipient, by async-nats.
//!
//! Confirmed means: the stream has acknowledged the message to its sender, and the recipient has taken it and
//! sent its acknowledgement. Neither is the sender told of the latter, nor the recipient whether it arrived,
//! so the server does less than the relay does.

use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use async_nats::connection::State;
use async_nats::jetstream::consumer::push::{Config, Messages};
use async_nats::jetstream::consumer::{AckPolicy, PushConsumer};
use async_nats::jetstream::context::{Context, PublishAckFuture};
use async_nats::jetstream::stream::{self, StorageType, Stream};
use async_nats::{Client, jetstream};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::system::{AT_A_TIME, BODY, Progress, Recipient, Sender, System, WINDOW};

const STREAM: &str = "bench";

/// A server that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jets(pub(crate) SocketAddr);

/// A client that publishes to one subject.
#[derive(Debug)]
pub(crate) struct JetsSender {
    context: Context,
    subject: String,
    body: Bytes,
    progress: Rc<Progress>,
    /// Acknowledgements under way, in order; as many as messages, of which a sender has a window.
    acks: mpsc::Sender<PublishAckFuture>,
    /// Waits for them.
    driver: JoinSet<Result<()>>,
}

/// A client with one consumer.
pub(crate) struct JetsRecipient {
    messages: Messages,
    progress: Rc<Progress>,
}

impl Jets {
    async fn client(self) -> Result<Client> {
        let client = async_nats::connect(self.0.to_string()).await?;
        if client.connection_state() != State::Connected {
            bail!("not let in");
        }
        Ok(client)
    }

    async fn stream(client: &Client) -> Result<Stream> {
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["to.>".to_owned()],
            storage: StorageType::File,
            ..stream::Config::default()
        };
        let context = jetstream::new(client.clone());
        Ok(context.get_or_create_stream(config).await?)
    }

    async fn sender(self, room: &str, progress: Rc<Progress>) -> Result<JetsSender> {
        let client = self.client().await?;
        let (acks, mut under_way) = mpsc::channel::<PublishAckFuture>(WINDOW);
        let mut driver = JoinSet::new();
        let told = Rc::clone(&progress);
        driver.spawn_local(async move {
            while let Some(ack) = under_way.recv().await {
                ack.await?;
                told.count(&told.taken, 1);
            }
            Ok(())
        });
        Ok(JetsSender {
            context: jetstream::new(client),
            subject: format!("to.{room}"),
            body: Bytes::from(vec![b'x'; BODY]),
            progress,
            acks,
            driver,
        })
    }

    async fn consumer(client: Client, name: &str, room: &str) -> Result<PushConsumer> {
        let config = Config {
            durable_name: Some(name.to_owned()),
            deliver_subject: format!("deliver.{name}"),
            filter_subject: format!("to.{room}"),
            ack_policy: AckPolicy::Explicit,
            max_ack_pending: WINDOW as i64,
            ..Config::default()
        };
        let stream = Self::stream(&client).await?;
        Ok(stream.get_or_create_consumer(name, config).await?)
    }

    async fn recipient(
        self,
        name: &str,
        room: &str,
        progress: Rc<Progress>,
    ) -> Result<JetsRecipient> {
        let consumer = Self::consumer(self.client().await?, name, room).await?;
        Ok(JetsRecipient {
            messages: consumer.messages().await?,
            progress,
        })
    }
}

impl System for Jets {
    type Sender = JetsSender;
    type Recipient = JetsRecipient;

    async fn pair(&self, room: &str) -> Result<(JetsSender, JetsRecipient)> {
        let progress = Progress::of(1);
        let name = format!("to-{room}");
        let recipient = self.recipient(&name, room, Rc::clone(&progress)).await?;
        Ok((self.sender(room, progress).await?, recipient))
    }

    async fn crowd(&self, room: &str, count: usize) -> Result<(JetsSender, Vec<JetsRecipient>)> {
        let progress = Progress::of(count);
        // Made first, rather than by all of them at once.
        Self::stream(&self.client().await?).await?;
        let shared = &progress;
        let recipients = futures_util::stream::iter(0..count)
            .map(|n| async move {
                let name = format!("to-{room}-{n}");
                self.recipient(&name, room, Rc::clone(shared)).await
            })
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await?;
        Ok((self.sender(room, progress).await?, recipients))
    }

    async fn away(&self, room: &str) -> Result<JetsSender> {
        Self::consumer(self.client().await?, &format!("to-{room}"), room).await?;
        self.sender(room, Progress::of(0)).await
    }

    async fn back(&self, room: &str) -> Result<JetsRecipient> {
        let name = format!("to-{room}");
        self.recipient(&name, room, Progress::of(1)).await
    }

    /// As lines of text: ten thousand clients of a library would take the generator's memory. A connection
    /// and a subscription, without a consumer of the stream.
    async fn idle(&self, n: usize) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.0).await?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let hello = format!("CONNECT {{\"verbose\":false}}\r\nSUB idle.{n} 1\r\nPING\r\n");
        stream.write_all(hello.as_bytes()).await?;
        while line != "PONG\r\n" {
            line.clear();
            if stream.read_line(&mut line).await? == 0 || line.starts_with("-ERR") {
                bail!("not let in: {line}");
            }
        }
        Ok(stream.into_inner())
    }
}

impl Sender for JetsSender {
    async fn send(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let subject = self.subject.clone();
            let ack = self.context.publish(subject, self.body.clone()).await?;
            self.acks.send(ack).await.context("acknowledgements fail")?;
        }
        Ok(())
    }

    async fn confirmed(&mut self) -> Result<usize> {
        self.progress.confirmed_by(&mut self.driver).await
    }
}

impl Recipient for JetsRecipient {
    async fn receive(&mut self) -> Result<usize> {
        let message = self
            .messages
            .next()
            .await
            .context("the consumer has ended")??;
        message.ack().await.map_err(anyhow::Error::from_boxed)?;
        self.progress.count(&self.progress.received, 1);
        Ok(1)
    }
}
