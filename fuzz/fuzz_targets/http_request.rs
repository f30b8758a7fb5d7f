//! Whatever one connection sends a whole relay, in whatever pieces: no panic, well-formed answers or a close, never
//! a 5xx for what a caller did, nothing but AUTH answered on a WebSocket before AUTH 200, and an end in bounded
//! time, also for a peer that stays and reads nothing.
//!
//! An input is a byte of flags, a count of cuts, two bytes each (how many bytes go first, seconds of pause behind
//! them), and then what is sent. Time is tokio's paused clock, so minutes pass in no time.
#![no_main]

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tidings_protocol::server::{AuthReply, Packet};
use tidings_protocol::{Group, Name};
use tidings_relay::store::Registration;
use tidings_relay::{Clock, Config, Hub, Listener, MemoryStore, Store, Token, serve};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

const NOW_MS: u64 = 1_795_414_000_000;
const TOKEN: &str = "secret";

const OPEN: u8 = 1;
const NARROW: u8 = 2;
const HALF_CLOSE: u8 = 4;
const READS_NOTHING: u8 = 8;
const FROM_AFAR: u8 = 16;

/// A request may take so long: its head, room for a large body and the body 10 s each, the longest `?wait=`
/// 60 s, and the pause until the next one begins 10 s.
const REQUEST: Duration = Duration::from_secs(110);
/// A socket without a sign of life is dead after 100 s, one whose peer takes nothing after 60 s; both have a
/// goodbye of 2 s.
const SOCKET: Duration = Duration::from_secs(200);

/// The relay's end of a connection, which tells when it is gone.
struct Io(
    DuplexStream,
    #[expect(dead_code, reason = "dropped with it")] DropGuard,
);

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// One connection, then none.
struct Once(Option<(Io, SocketAddr)>);

impl Listener for Once {
    type Io = Io;

    async fn accept(&mut self) -> io::Result<(Io, SocketAddr)> {
        match self.0.take() {
            Some(connection) => Ok(connection),
            None => pending().await,
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [flags, cuts, rest @ ..] = input else {
        return;
    };
    let (cuts, bytes) = rest.split_at(rest.len().min(usize::from(cuts % 8) * 2));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(conversation(*flags, cuts, bytes));
});

async fn conversation(flags: u8, cuts: &[u8], bytes: &[u8]) {
    let began = Instant::now();
    let config = Config {
        token: (flags & OPEN == 0).then(|| Token::new(TOKEN).unwrap()),
        clock: Clock::new(move || NOW_MS + began.elapsed().as_millis() as u64),
        ..Config::default()
    };
    let store = MemoryStore::new();
    for (name, group) in [("ann", "g"), ("bob", "g")] {
        let (name, group) = (Name::new(name).unwrap(), Group::new(group).unwrap());
        store.register(Registration { name, group }).await.unwrap();
    }
    let hub = Hub::open(config, Arc::new(store)).await.unwrap();
    let (ours, theirs) = tokio::io::duplex(if flags & NARROW == 0 { 64 * 1024 } else { 64 });
    let gone = CancellationToken::new();
    let from = if flags & FROM_AFAR == 0 {
        [127, 0, 0, 1]
    } else {
        [192, 0, 2, 1]
    };
    let connection = (Io(theirs, gone.clone().drop_guard()), (from, 1).into());
    let serving = tokio::spawn(serve(hub, Once(Some(connection)), CancellationToken::new()));

    let (mut read, mut write) = tokio::io::split(ours);
    let writing = async {
        let mut rest = bytes;
        for cut in cuts.chunks_exact(2) {
            let (first, then) = rest.split_at(rest.len().min(usize::from(cut[0])));
            rest = then;
            // The relay may have closed before it has taken all.
            let _ = write.write_all(first).await;
            sleep(pause(cut[1])).await;
        }
        let _ = write.write_all(rest).await;
        if flags & HALF_CLOSE != 0 {
            let _ = write.shutdown().await;
        }
        gone.cancelled().await;
    };
    let mut answer = Vec::new();
    let reading = async {
        if flags & READS_NOTHING != 0 {
            gone.cancelled().await;
        }
        read.read_to_end(&mut answer).await.unwrap();
    };
    let pauses: Duration = cuts.chunks_exact(2).map(|cut| pause(cut[1])).sum();
    let requests = bytes.windows(5).filter(|word| *word == b"HTTP/").count() as u32;
    let bound = pauses + SOCKET + REQUEST * (requests + 1);
    let ended = timeout(bound, async { tokio::join!(writing, reading) }).await;
    assert!(ended.is_ok(), "no end within {bound:?}");
    // HTTP's last answer before a close is written once: into a narrow pipe, not all of it.
    let whole = flags & (READS_NOTHING | HALF_CLOSE | NARROW) == 0;
    answers(&answer, bytes, whole);
    serving.abort();
}

fn pause(byte: u8) -> Duration {
    Duration::from_secs(u64::from(byte % 64))
}

/// Checks all answers on a connection; only a peer that stays to read them gets all of the last one.
fn answers(mut said: &[u8], asked: &[u8], whole: bool) {
    // The answer to HEAD tells the length of a body that it lacks.
    let bodiless = asked.windows(4).any(|word| word == b"HEAD");
    while !said.is_empty() {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let Ok(httparse::Status::Complete(head)) = answer.parse(said) else {
            assert!(!whole, "no answer: {}", String::from_utf8_lossy(said));
            return;
        };
        let status = answer.code.unwrap();
        assert!(status < 500, "{}", String::from_utf8_lossy(said));
        let body = &said[head..];
        let header = |name: &str| {
            let found = answer
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| std::str::from_utf8(header.value).unwrap())
        };
        if status == 101 {
            assert!(header("sec-websocket-accept").is_some());
            return frames(body);
        }
        let length: usize = match header("content-length") {
            Some(length) => length.parse().unwrap(),
            None => {
                assert!(
                    matches!(status, 100 | 204),
                    "no length: {}",
                    String::from_utf8_lossy(said)
                );
                0
            }
        };
        if bodiless && (body.is_empty() || body.starts_with(b"HTTP/")) {
            said = body;
            continue;
        }
        let Some((text, next)) = body.split_at_checked(length) else {
            assert!(!whole, "half an answer: {}", String::from_utf8_lossy(said));
            return;
        };
        let json = header("content-type").is_some_and(|kind| kind.contains("json"));
        if json && !text.is_empty() {
            // Operators and the senders of other programs are answered in words of their own.
            let value: serde_json::Value = serde_json::from_slice(text).unwrap();
            if value.get("cmd").is_some() {
                packet(text);
            }
        }
        said = next;
    }
}

/// The last frame may be cut off: somebody who breaks the rules of frames is dropped at once.
fn frames(mut said: &[u8]) {
    let mut authenticated = false;
    while !said.is_empty() {
        let [first, length, rest @ ..] = said else {
            return;
        };
        let (length, rest) = match (length, rest) {
            (0..126, rest) => (usize::from(*length), rest),
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => (
                u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize,
                rest,
            ),
            (128.., _) => panic!("a masked frame"),
            _ => return,
        };
        let Some((payload, next)) = rest.split_at_checked(length) else {
            return;
        };
        match first {
            0x81 => match packet(payload) {
                Packet::Auth(AuthReply::Accepted(_)) => authenticated = true,
                Packet::Auth(_) | Packet::Info(_) => {}
                other => assert!(authenticated, "{other:?} before AUTH 200"),
            },
            0x88..=0x8A => {}
            _ => panic!("a frame of the kind {first:#x}"),
        }
        said = next;
    }
}

fn packet(text: &[u8]) -> Packet {
    let packet = Packet::decode(std::str::from_utf8(text).unwrap()).unwrap();
    assert!(!matches!(packet, Packet::Unknown(_)), "{packet:?}");
    packet
}
