//! One WebSocket, read and written from one task without either side blocking the other.
//!
//! Frames to send are queued and written when nothing more can be read, so that what many incoming
//! frames cause leaves in one write. Invariants: the queue is bounded in bytes; a peer that takes
//! nothing while something waits for it is noticed by [`Socket::stalled_since`]; [`Socket::next`] is
//! cancel safe.

use std::{
    collections::VecDeque,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use tidings_protocol::limits;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

/// The decoder's buffer, allocated at once and kept: most clients say little. It grows for a larger frame.
const READ_BUFFER: usize = 256;
/// Bytes read from the system in one call. They are decoded in this turn, so nothing of this size is kept.
const READ_AHEAD: usize = 16 * 1024;
/// Bytes gathered before they are written without a flush.
const WRITE_BUFFER: usize = 64 * 1024;
/// Frames read in a row before what they caused is written.
const READ_IN_A_ROW: u32 = 64;
/// Bytes of a packet of somebody who was not let in yet: a token, a name and a group at their longest, each
/// character escaped, and as much again. Thousands of strangers so hold little.
const STRANGERS_PACKET: usize = 64 * 1024;
/// Bytes that a queued frame costs beside its text.
const FRAME_COST: usize = 64;

/// What came from the peer.
#[derive(Debug)]
pub(super) enum Event {
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame, which no packet is.
    Binary,
    /// A ping or pong: the peer lives.
    Alive,
    /// A batch of frames was handed out: now is the time for what is done once for many.
    Idle {
        /// It was a full one, so there may be more at once.
        more: bool,
    },
    /// The peer sent more than a frame may hold.
    TooLarge,
    /// The peer closed, or the connection broke.
    Gone,
}

/// More waits to be written than the bound allows.
#[derive(Debug)]
pub(super) struct Overflown;

pub(super) struct Socket<S> {
    stream: WebSocketStream<Metered<S>>,
    queue: VecDeque<Message>,
    queued_bytes: usize,
    bound: usize,
    unflushed: bool,
    busy: bool,
    in_a_row: u32,
    /// Whether the peer was let in.
    known: bool,
    /// How much was written when the peer was last seen taking something, and when that was.
    taken: u64,
    stalled_since: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes over a stream whose HTTP upgrade is done; `read` came after it already.
    pub(super) async fn new(stream: S, read: Vec<u8>, bound: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(limits::FRAME_BYTES))
            .max_frame_size(Some(limits::FRAME_BYTES));
        let stream = Metered {
            inner: stream,
            ahead: Bytes::new(),
            read: 0,
            stop_at: Some(STRANGERS_PACKET as u64),
            written: 0,
        };
        let stream =
            WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
        Self {
            stream,
            queue: VecDeque::new(),
            queued_bytes: 0,
            bound,
            unflushed: false,
            busy: false,
            in_a_row: 0,
            known: false,
            taken: 0,
            stalled_since: None,
        }
    }

    /// The peer was let in: its packets may be as large as the protocol allows.
    pub(super) fn let_in(&mut self) {
        self.known = true;
        self.stream.get_mut().stop_at = None;
    }

    /// Bytes of a packet at most.
    pub(super) fn limit(&self) -> usize {
        if self.known {
            limits::FRAME_BYTES
        } else {
            STRANGERS_PACKET
        }
    }

    /// Queues a text frame.
    pub(super) fn push(&mut self, text: Utf8Bytes) -> Result<(), Overflown> {
        self.push_message(Message::Text(text))
    }

    /// Queues a ping.
    pub(super) fn ping(&mut self) -> Result<(), Overflown> {
        self.push_message(Message::Ping(Bytes::new()))
    }

    fn push_message(&mut self, message: Message) -> Result<(), Overflown> {
        let cost = message.len() + FRAME_COST;
        if self.queued_bytes + cost > self.bound {
            return Err(Overflown);
        }
        self.queued_bytes += cost;
        self.queue.push_back(message);
        Ok(())
    }

    /// Since when the peer has taken nothing, although something waits for it.
    pub(super) fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// Whether there is room for the answers to what is read next. A window of messages takes half of
    /// the bound at most, so without room there are answers that the peer does not take.
    pub(super) fn has_room(&self) -> bool {
        self.queued_bytes <= self.bound / 2
    }

    /// True while something waits to be written.
    pub(super) fn is_blocked(&self) -> bool {
        !self.queue.is_empty() || self.unflushed
    }

    /// Waits for what comes next, writing meanwhile. With `read` false, only writes.
    pub(super) async fn next(&mut self, read: bool) -> Event {
        std::future::poll_fn(|cx| self.poll_next(cx, read)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Event> {
        loop {
            let room = self.has_room();
            if read
                && room
                && self.in_a_row < READ_IN_A_ROW
                && let Poll::Ready(came) = self.poll_read(cx)
            {
                return Poll::Ready(came);
            }
            let more = std::mem::take(&mut self.in_a_row) >= READ_IN_A_ROW;
            let written = self.poll_write(cx);
            if let Poll::Ready(Err(_)) = written {
                return Poll::Ready(Event::Gone);
            }
            if std::mem::take(&mut self.busy) {
                return Poll::Ready(Event::Idle { more });
            }
            // Room that was just made is room to read, and nothing else would say so.
            if room || !self.has_room() {
                return Poll::Pending;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let came = Pin::new(&mut self.stream).poll_next(cx);
        let read = self.stream.get_ref().read;
        if came.is_pending() && self.stream.get_ref().is_stopped() {
            return Poll::Ready(Event::TooLarge);
        }
        let came = ready!(came);
        self.in_a_row += 1;
        self.busy = true;
        if let Some(Ok(Message::Text(_) | Message::Binary(_))) = came {
            let stop_at = read + STRANGERS_PACKET as u64;
            self.stream.get_mut().stop_at = (!self.known).then_some(stop_at);
        }
        Poll::Ready(match came {
            Some(Ok(packet)) if packet.len() > self.limit() => Event::TooLarge,
            Some(Ok(Message::Text(text))) => Event::Text(text),
            Some(Ok(Message::Binary(_))) => Event::Binary,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                // A pong may have been queued for it.
                self.unflushed = true;
                Event::Alive
            }
            Some(Err(Error::Capacity(_))) => Event::TooLarge,
            Some(Ok(Message::Close(_)) | Err(_)) | None => Event::Gone,
        })
    }

    /// Writes what is queued; ready when all of it has left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let written = self.poll_write_queue(cx);
        let (now_written, waits) = (self.stream.get_ref().written, written.is_pending());
        if !waits {
            self.stalled_since = None;
        } else if now_written != self.taken || self.stalled_since.is_none() {
            self.stalled_since = Some(Instant::now());
        }
        self.taken = now_written;
        written
    }

    fn poll_write_queue(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.queue.is_empty() {
            ready!(stream.as_mut().poll_ready(cx))?;
            if let Some(message) = self.queue.pop_front() {
                self.queued_bytes -= message.len() + FRAME_COST;
                self.unflushed = true;
                stream.as_mut().start_send(message)?;
            }
        }
        if self.unflushed {
            ready!(stream.as_mut().poll_flush(cx))?;
            self.unflushed = false;
            // A connection is idle mostly.
            self.queue = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what is queued, says goodbye, and waits for the peer's answer to that. Takes what the
    /// peer still sends: the system would answer unread bytes with a reset, which takes from the
    /// peer what it has not read yet. May wait for ever: the caller sets a limit.
    pub(super) async fn close(mut self, frame: Option<CloseFrame>) {
        let written = std::future::poll_fn(|cx| self.poll_write(cx)).await;
        if written.is_err() || self.stream.close(frame).await.is_err() {
            return;
        }
        while !self.stream.get_ref().is_stopped() {
            match std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx)).await {
                Some(Ok(_)) => {}
                None => return,
                Some(Err(_)) => break,
            }
        }
        // No frames any more, in the midst of one that is too large for example.
        let mut stream = self.stream.into_inner().inner;
        let mut scratch = vec![0; READ_AHEAD];
        while let Ok(1..) = stream.read(&mut scratch).await {}
    }
}

/// Counts what came from the peer, and what it has taken. Reads more of it at once than the decoder has room
/// for, and keeps that only until the decoder has taken it.
#[derive(Debug)]
struct Metered<S> {
    inner: S,
    ahead: Bytes,
    read: u64,
    /// Nothing is read beyond this: whoever decodes what was read would gather all that there is.
    stop_at: Option<u64>,
    written: u64,
}

impl<S> Metered<S> {
    fn is_stopped(&self) -> bool {
        self.stop_at.is_some_and(|stop_at| self.read > stop_at)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_stopped() {
            // Nobody is woken: what stopped it is an end, and is looked for after each attempt.
            return Poll::Pending;
        }
        if self.ahead.is_empty() {
            let mut bytes = [MaybeUninit::uninit(); READ_AHEAD];
            let mut came = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut came))?;
            let (now, later) = came
                .filled()
                .split_at(came.filled().len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.read += now.len() as u64;
            if !later.is_empty() {
                self.ahead = Bytes::copy_from_slice(later);
            }
            return Poll::Ready(Ok(()));
        }
        let count = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(count));
        self.read += count as u64;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.written += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
