//! One client's socket, from the upgrade to the end: answers its packets, sends it its messages,
//! and gives its place back however it ends.
//!
//! One task does all of it. The conversation is the protocol's: nothing but AUTH is answered before
//! AUTH 200, and AUTH 200 leaves before any message. Invariants: the socket is read only while
//! fewer than [`STORING`] of its messages wait for the store and there is room for the answers, so a
//! client that is too fast is slowed down and not refused; after a batch of its packets all others
//! have their turn; whatever waits for the client is bounded, and a client that does not take it is
//! dropped, its messages staying in the store.

mod end;
mod following;
mod packets;
mod recipient;
mod socket;

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tidings_protocol::server;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use self::{
    end::End,
    following::{Following, news},
    recipient::Recipient,
    socket::{Overflown, Socket},
};
use crate::{
    auth::{Access, Refusal},
    router::{Notice, Router},
};

/// Messages (and the like) of one sender that wait for the store at once: the window that senders use, so that
/// one commit can take all of it.
const STORING: usize = 256;

/// How long the end of a connection may take: the store answers in milliseconds, and a peer that
/// does not answer a close frame is not waited for.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why a client is not let in.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    For(String),
    /// Until it has waited, whatever it says.
    #[error(transparent)]
    Meanwhile(Refusal),
}

pub(crate) struct Connection<S> {
    router: Arc<Router>,
    socket: Socket<S>,
    peer: IpAddr,
    client: Option<Recipient>,
    /// As what the client was let in; there is one while there is a client.
    access: Option<Access>,
    tokens: watch::Receiver<()>,
    /// While it follows the directory.
    following: Option<Following>,
    storing: FuturesUnordered<BoxFuture<'static, Notice>>,
    opened: Instant,
    heard: Instant,
    pinged: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over a stream whose HTTP upgrade is done; `read` came after it already.
    pub(crate) async fn new(router: Arc<Router>, stream: S, read: Vec<u8>, peer: IpAddr) -> Self {
        let socket = Socket::new(stream, read, router.config.bounds.outgoing_bytes).await;
        let now = Instant::now();
        Self {
            tokens: router.gate.replaced(),
            access: None,
            following: None,
            router,
            socket,
            peer,
            client: None,
            storing: FuturesUnordered::new(),
            opened: now,
            heard: now,
            pinged: false,
        }
    }

    /// Runs to the connection's end, which `shutdown` brings about in order.
    pub(crate) async fn run(mut self: Box<Self>, shutdown: CancellationToken) {
        let end = self.serve(&shutdown).await;
        Box::pin(self.leave(end)).await;
    }

    async fn leave(self: Box<Self>, end: End) {
        tracing::debug!(
            peer = %self.peer,
            client = self.client.as_ref().map(|c| c.name.as_str()),
            ?end,
            "connection ended"
        );
        // What the client confirmed and sent last still counts; it goes to the store together
        // with the goodbye, so that neither waits for the other.
        let Self {
            client,
            mut storing,
            socket,
            ..
        } = *self;
        let storing = async {
            if let Some(client) = client {
                client.detach().await;
            }
            while storing.next().await.is_some() {}
        };
        let goodbye = socket.close(end.frame());
        let goodbye = timeout(GOODBYE, goodbye);
        if end == End::Gone {
            let _ = timeout(GOODBYE, storing).await;
        } else {
            let _ = tokio::join!(timeout(GOODBYE, storing), goodbye);
        }
    }

    async fn serve(&mut self, shutdown: &CancellationToken) -> End {
        let timer = sleep_until(self.deadline());
        tokio::pin!(timer);
        // What the last batch of packets was followed by: nothing, or more of them.
        let mut batch = None;
        loop {
            // A client that floods its socket must not keep its own messages, replies and takeover
            // waiting: they have their turn after every batch of its packets.
            if let Some(more) = batch.take() {
                if let Err(end) = self.others() {
                    return end;
                }
                if more {
                    // Nor all other connections.
                    tokio::task::yield_now().await;
                }
            }
            if self.send_messages().is_err() || self.tell_directory().is_err() {
                return End::Overflown;
            }
            let deadline = self.deadline();
            if deadline < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(deadline);
            }
            let read = self.storing.len() < STORING;
            // In a fixed order, so that a simulated run can be repeated.
            let outcome = tokio::select! {
                biased;
                () = shutdown.cancelled() => return End::ShuttingDown,
                () = &mut timer => self.timeout(read).await,
                Ok(()) = self.tokens.changed() => self.tokens_replaced(),
                event = self.socket.next(read) => {
                    if let socket::Event::Idle { more } = event {
                        batch = Some(more);
                    }
                    self.came(event).await
                }
                Some(notice) = self.storing.next(), if !self.storing.is_empty() => {
                    self.stored(notice)
                }
                event = of_client(&mut self.client) => self.happened(event),
                () = news(&mut self.following) => Ok(()),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    /// Takes all that is there without waiting, except from the socket.
    fn others(&mut self) -> Result<(), End> {
        while let Some(Some(notice)) = self.storing.next().now_or_never() {
            self.stored(notice)?;
        }
        match of_client(&mut self.client).now_or_never() {
            Some(event) => self.happened(event),
            None => Ok(()),
        }
    }

    async fn came(&mut self, event: socket::Event) -> Result<(), End> {
        if matches!(event, socket::Event::Idle { .. }) {
            if let Some(client) = &mut self.client {
                client.confirm_gathered();
            }
            return Ok(());
        }
        self.heard = Instant::now();
        self.pinged = false;
        match event {
            socket::Event::Text(text) => match self.packet(&text)? {
                Some(later) => Box::pin(self.later(later)).await,
                None => Ok(()),
            },
            socket::Event::Binary if self.client.is_some() => self.info("Unknow cmd: undefined"),
            socket::Event::Binary => self.need_auth(),
            socket::Event::Alive | socket::Event::Idle { .. } => Ok(()),
            socket::Event::TooLarge => {
                let limit = self.socket.limit();
                self.info(format!(
                    "packet is larger than the limit of {limit} bytes: shorten it"
                ))?;
                Err(End::TooLarge)
            }
            socket::Event::Gone => Err(End::Gone),
        }
    }

    fn stored(&mut self, notice: Notice) -> Result<(), End> {
        if let Some(answer) = notice.answer {
            self.send(&answer)?;
        }
        match notice.info {
            Some(info) => self.info(info),
            None => Ok(()),
        }
    }

    fn happened(&mut self, event: recipient::Event) -> Result<(), End> {
        match event {
            recipient::Event::Progress => Ok(()),
            recipient::Event::TakenOver => Err(End::TakenOver),
            recipient::Event::Overflown => Err(End::Overflown),
        }
    }

    fn send_messages(&mut self) -> Result<(), Overflown> {
        if let Some(client) = &mut self.client {
            while let Some(frame) = client.poll_frame() {
                self.socket.push(frame)?;
            }
        }
        Ok(())
    }

    /// When to look at the clock again.
    fn deadline(&self) -> Instant {
        let timing = &self.router.config.timing;
        let silence = if self.pinged {
            timing.dead_after
        } else {
            timing.ping_after.min(timing.dead_after)
        };
        let auth = self.client.is_none().then(|| self.opened + timing.auth);
        let stalled = self
            .socket
            .stalled_since()
            .map(|since| since + timing.stalled_after);
        let again = self.client.as_ref().and_then(Recipient::poll_timeout);
        let news = self.following.as_ref().and_then(Following::again);
        [auth, stalled, again, news]
            .into_iter()
            .flatten()
            .fold(self.heard + silence, Instant::min)
    }

    async fn timeout(&mut self, read: bool) -> Result<(), End> {
        // The peer may have been faster than this task: what it did comes before any judgement.
        if let Some(event) = self.socket.next(read).now_or_never() {
            return self.came(event).await;
        }
        let now = Instant::now();
        if !read || !self.socket.has_room() {
            // It may be talking: it is this end that does not listen.
            self.heard = now;
        }
        let timing = &self.router.config.timing;
        if self.client.is_none() && now >= self.opened + timing.auth {
            return Err(End::NoAuth);
        }
        if let Some(since) = self.socket.stalled_since()
            && now >= since + timing.stalled_after
        {
            return Err(End::Stalled);
        }
        if now >= self.heard + timing.dead_after {
            return Err(End::Dead);
        }
        if !self.pinged && now >= self.heard + timing.ping_after {
            self.pinged = true;
            self.socket.ping().map_err(overflown)?;
        }
        if let Some(client) = &mut self.client
            && client.poll_timeout().is_some_and(|due| due <= now)
        {
            client.timeout(self.socket.is_blocked());
        }
        Ok(())
    }

    fn need_auth(&mut self) -> Result<(), End> {
        let need_auth = server::AuthReply::NeedAuth("Need Auth".to_owned());
        self.send(&server::Packet::Auth(need_auth))
    }

    fn info(&mut self, text: impl Into<String>) -> Result<(), End> {
        self.send(&server::Packet::Info(text.into()))
    }

    fn send(&mut self, packet: &server::Packet) -> Result<(), End> {
        let frame = Utf8Bytes::from(packet.encode());
        self.socket.push(frame).map_err(overflown)
    }
}

fn overflown(_: Overflown) -> End {
    End::Overflown
}

async fn of_client(client: &mut Option<Recipient>) -> recipient::Event {
    match client {
        Some(client) => client.next().await,
        None => std::future::pending().await,
    }
}
