//! The relay's end of a connection, listened in on: every packet that it reads or writes is told to
//! the watch, with the name that the connection has by then.
//!
//! What is written may have been queued for a while behind a client that does not read. It is called
//! busy from the first write that did not have to wait for another one; whatever is written was
//! queued after that.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tidings_protocol::server::AuthReply;
use tidings_protocol::{Name, client, server};
use tidings_relay::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::{TcpListener, TcpStream};

use crate::frames::Frames;
use crate::line::segment;
use crate::watch::{Connection, SharedWatch};

/// The relay's port.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) watch: SharedWatch,
}

impl Listener for Port {
    type Io = Tap;

    fn accept(&mut self) -> impl Future<Output = io::Result<(Tap, SocketAddr)>> + Send {
        let watch = Arc::clone(&self.watch);
        let accepted = self.listener.accept();
        async move {
            let (stream, peer) = accepted.await?;
            let connection = watch.lock().unwrap().opened();
            let tap = Tap {
                stream,
                watch,
                connection,
                read: Frames::default(),
                written: Frames::default(),
                asks: None,
                name: None,
                busy_since: Duration::ZERO,
                written_at: Duration::ZERO,
                blocked: false,
            };
            Ok((tap, peer))
        }
    }
}

/// See the module.
pub(crate) struct Tap {
    stream: TcpStream,
    watch: SharedWatch,
    connection: Connection,
    read: Frames,
    written: Frames,
    /// Who the client says it is.
    asks: Option<Name>,
    /// Who it is.
    name: Option<Name>,
    busy_since: Duration,
    written_at: Duration,
    blocked: bool,
}

impl Tap {
    fn was_read(&mut self, bytes: &[u8]) {
        let mut watch = self.watch.lock().unwrap();
        for text in self.read.feed(bytes) {
            match (client::Packet::decode(&text), &self.name) {
                (Ok(client::Packet::Auth(auth)), _) => self.asks = Some(auth.name),
                (Ok(client::Packet::Message(send)), Some(name)) => {
                    watch.asked(self.connection, name, &send);
                }
                (Ok(client::Packet::Confirm(mid)), Some(name)) => watch.confirms(name, &mid),
                (Ok(client::Packet::Scheduled { .. }), Some(_)) => watch.lists(self.connection),
                _ => {}
            }
        }
    }

    fn was_written(&mut self, bytes: &[u8]) {
        let now = turmoil::sim_elapsed().unwrap_or_default();
        if !self.blocked && now > self.written_at {
            self.busy_since = now;
        }
        self.written_at = now;
        let mut watch = self.watch.lock().unwrap();
        for text in self.written.feed(bytes) {
            match (server::Packet::decode(&text), &self.name) {
                (Ok(server::Packet::Auth(AuthReply::Accepted(_))), _) => {
                    self.name = self.asks.clone();
                }
                (Ok(server::Packet::Message(delivery)), Some(name)) => {
                    watch.sent(name, &delivery, self.busy_since);
                }
                (Ok(server::Packet::Receipt(receipt)), Some(name)) => {
                    watch.receipt(self.connection, name, &receipt);
                }
                (Ok(server::Packet::Reminder(reminder)), Some(name)) => {
                    watch.reminded(name, &reminder.delivery.mid, self.busy_since);
                }
                (Ok(server::Packet::Scheduled(shown)), Some(name)) => {
                    watch.shown(self.connection, name, &shown, self.busy_since);
                }
                (Ok(server::Packet::Cancelled(answer)), Some(name)) => {
                    watch.cancelled(name, &answer);
                }
                (Ok(server::Packet::Reply(reply)), Some(name)) => {
                    watch.replied(self.connection, name, &reply, self.busy_since);
                }
                _ => {}
            }
        }
    }

    fn is_blocked(&mut self, blocked: bool) {
        if self.blocked != blocked {
            self.blocked = blocked;
            let mut watch = self.watch.lock().unwrap();
            watch.blocked(self.connection, blocked);
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Some(bytes) = buffer.filled().get(before..)
            && !bytes.is_empty()
        {
            self.was_read(bytes);
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, segment(bytes));
        match &polled {
            Poll::Ready(Ok(count)) => {
                self.was_written(bytes.get(..*count).unwrap());
                self.is_blocked(false);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.is_blocked(true),
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // After a panic the watch is of no use any more, and neither is this run.
        if let Ok(mut watch) = self.watch.lock() {
            watch.closed(self.connection);
        }
    }
}
