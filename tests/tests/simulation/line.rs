//! A client's end of a connection: writes in segments, so that the network has something to hold back
//! and to lose, and reads only while its gate is open, so that a client can be slow.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

/// Bytes of a segment, as on Ethernet.
pub(crate) const SEGMENT: usize = 1400;

/// Segments of one direction that wait unread before its writer has to wait: 22 KiB, two messages of
/// the larger ones.
pub(crate) const UNREAD: usize = 16;

/// Where the relay listens.
pub(crate) const PORT: u16 = 9093;

/// Whether a client reads.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Shut>);

#[derive(Debug, Default)]
struct Shut {
    shut: bool,
    readers: Vec<Waker>,
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.0.lock().unwrap().shut = true;
    }

    pub(crate) fn open(&self) {
        let mut gate = self.0.lock().unwrap();
        gate.shut = false;
        gate.readers.drain(..).for_each(Waker::wake);
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut gate = self.0.lock().unwrap();
        if !gate.shut {
            return Poll::Ready(());
        }
        if !gate.readers.iter().any(|r| r.will_wake(cx.waker())) {
            gate.readers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    gate: Arc<Gate>,
}

impl Line {
    pub(crate) async fn dial(gate: Arc<Gate>) -> io::Result<Self> {
        let stream = TcpStream::connect((crate::fault::RELAY, PORT)).await?;
        Ok(Self { stream, gate })
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        std::task::ready!(self.gate.poll(cx));
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, segment(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The first segment of what is to be written.
pub(crate) fn segment(bytes: &[u8]) -> &[u8] {
    bytes.get(..SEGMENT).unwrap_or(bytes)
}
