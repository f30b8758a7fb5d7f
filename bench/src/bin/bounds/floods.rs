//! Floods: bodies that are far too large, wrong tokens, names that nobody has and names that are new.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, bail};
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use tidings_protocol::client::{Packet, Send};
use tidings_protocol::server::{AuthReply, Packet as Said};
use tidings_protocol::{Message, Name, Status, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::client::{Reader, Writer};
use crate::relay::{Relay, TOKEN};
use crate::{Cli, Figures, client, mib};

const BODY: usize = 64 * 1024 * 1024;
/// Of each kind, at once.
const BODIES: usize = 8;
/// Each may be read up to the limit of a body, 1 MiB, and as much again while its buffer grows.
const BODIES_PEAK: u64 = 2 * BODIES as u64 * 2 * 1024 * 1024 + 4 * 1024 * 1024;

/// Wrong tokens from one address.
const GUESSES: usize = 20_000;
/// Addresses that give one wrong token each, many times what the relay remembers.
const ADDRESSES: u32 = 20_000;
/// 4,096 addresses of some 64 bytes are remembered, whatever comes; the rest is connections that come and go.
const GUESSES_PEAK: u64 = 8 * 1024 * 1024;

/// Messages to names that nobody has.
const NOBODIES: usize = 200_000;
/// Messages of one sender under way.
const WINDOW: usize = 256;
/// A message for nobody is not kept, in memory least of all: the database's cache and what is being stored.
const NOBODIES_PEAK: u64 = 48 * 1024 * 1024;
/// Bytes of the file for one: its mid and its status are kept for a day.
const NOBODIES_ON_DISK: u64 = 256;
/// Names the relay knows at most, and some more that want to be known.
const NAMES: usize = 100_000;
const TOO_MANY_NAMES: usize = NAMES + 1000;
/// Sockets that become one name after the other.
const SHAPESHIFTERS: usize = 16;
/// What 100,000 names may take: 512 bytes each, in the tables of those who are known and in the caches.
const NAMES_PEAK: u64 = NAMES as u64 * 512;

/// How large a body is said beforehand, or not at all.
pub(crate) async fn bodies(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let to = relay.address;
    let before = relay.forget_peak()?;
    let sending = (0..BODIES).flat_map(|_| [body(to, true), body(to, false)]);
    let outcomes = try_join_all(sending).await?;
    let mut figures = Figures::of(&relay, before)?;
    let most = outcomes
        .iter()
        .map(|(taken, _)| *taken)
        .max()
        .unwrap_or_default();
    figures.tell(format!("at most {} of each were taken", mib(most as u64)));
    figures.require("none is read whole", most < BODY);
    let refused = outcomes
        .iter()
        .all(|(_, answer)| answer.starts_with("HTTP/1.1 413"));
    figures.require("each is answered 413", refused);
    let grown = figures.grown_at_peak();
    figures.hold("the peak's growth", grown, BODIES_PEAK);
    Ok(figures)
}

/// Sends one body as far as the relay takes it; how far that was, and what it answered.
async fn body(to: SocketAddr, says_length: bool) -> Result<(usize, String)> {
    let (mut read, mut write) = TcpStream::connect(to).await?.into_split();
    let length = if says_length {
        format!("Content-Length: {BODY}")
    } else {
        "Transfer-Encoding: chunked".to_owned()
    };
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n{length}\r\n\r\n");
    write.write_all(head.as_bytes()).await?;
    let chunk = vec![b' '; 64 * 1024];
    let writing = async {
        let mut taken = 0;
        while taken < BODY {
            if !says_length && write.write_all(b"10000\r\n").await.is_err() {
                break;
            }
            if write.write_all(&chunk).await.is_err() {
                break;
            }
            if !says_length && write.write_all(b"\r\n").await.is_err() {
                break;
            }
            taken += chunk.len();
        }
        taken
    };
    let reading = async {
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        // The connection may be reset behind the answer, as some of the body was not read.
        while let Ok(count @ 1..) = read.read(&mut buffer).await {
            answer.extend(buffer.iter().take(count));
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    Ok(tokio::join!(writing, reading))
}

/// Wrong tokens from one address, and one each from very many.
pub(crate) async fn guesses(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let to = relay.address;
    let before = relay.forget_peak()?;
    let one = client::connect_from(to, client::address(1)).await?;
    let mut one = client::open(one).await?;
    let mut slowed = 0;
    for n in 0..GUESSES {
        match client::auth(&mut one, &format!("guess {n}"), "guesser").await? {
            AuthReply::Refused(words) if words.contains("Too many") => slowed += 1,
            AuthReply::Refused(_) => {}
            other => bail!("a guess is answered {other:?}"),
        }
    }
    stream::iter(2..ADDRESSES + 2)
        .map(|n| async move {
            let stream = client::connect_from(to, client::address(n)).await?;
            guess(stream).await
        })
        .buffer_unordered(64)
        .try_collect::<()>()
        .await?;
    let mut figures = Figures::of(&relay, before)?;
    figures.tell(format!(
        "{slowed} of {GUESSES} from one address not even compared"
    ));
    figures.tell(format!("{ADDRESSES} addresses"));
    figures.require("guessing is slowed", slowed > GUESSES * 9 / 10);
    let grown = figures.grown_at_peak();
    figures.hold("the peak's growth", grown, GUESSES_PEAK);
    // Somebody with the token, from elsewhere, notices nothing.
    let elsewhere = client::connect_from(to, client::address(ADDRESSES + 2)).await?;
    let reply = client::auth(&mut client::open(elsewhere).await?, TOKEN, "owner").await?;
    figures.require(
        "the owner is let in",
        matches!(reply, AuthReply::Accepted(_)),
    );
    Ok(figures)
}

async fn guess(mut stream: TcpStream) -> Result<()> {
    let head =
        "GET /ann.send HTTP/1.1\r\nHost: x\r\nAuthorization: guess\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if !answer.starts_with("HTTP/1.1 401") {
        bail!("a guess is answered {answer}");
    }
    Ok(())
}

/// Messages to names that nobody has, then more new names than the relay will know.
pub(crate) async fn names(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let to = relay.address;
    let before = relay.forget_peak()?;
    let empty = relay.on_disk()?;
    let began = Instant::now();
    nobodies(to).await?;
    let took = began.elapsed();
    let nobodies = Figures::of(&relay, before)?;
    let on_disk = relay.on_disk()?.saturating_sub(empty);
    let known = relay.forget_peak()?;
    let shifting = (0..SHAPESHIFTERS).map(|n| shift(to, n));
    let refused: usize = try_join_all(shifting).await?.into_iter().sum();
    let mut figures = Figures::of(&relay, before)?;
    figures.hold(
        "the growth by new names",
        figures.peak.saturating_sub(known),
        NAMES_PEAK,
    );
    figures.hold(
        "the growth by messages to nobody",
        nobodies.grown_at_peak(),
        NOBODIES_PEAK,
    );
    figures.hold(
        "bytes on disk a message",
        on_disk / NOBODIES as u64,
        NOBODIES_ON_DISK,
    );
    figures.peak = figures.peak.max(nobodies.peak);
    figures.tell(format!(
        "{NOBODIES} messages to nobody in {:.0} s (peak {}, {} on disk)",
        took.as_secs_f64(),
        mib(nobodies.peak),
        mib(on_disk)
    ));
    figures.tell(format!("{refused} of {TOO_MANY_NAMES} new names refused"));
    // The sender of the messages is known as well.
    figures.require("names are bounded", refused >= TOO_MANY_NAMES - NAMES);
    Ok(figures)
}

async fn nobodies(to: SocketAddr) -> Result<()> {
    let (mut write, mut read): (Writer, Reader) = client::client(to, "sender").await?.split();
    let body = "x".repeat(300);
    let (mut sent, mut replied) = (0, 0);
    while replied < NOBODIES {
        while sent < NOBODIES && sent - replied < WINDOW {
            let message = Packet::Message(Send {
                target: Target::Personal(Name::new(format!("nobody{sent}"))?),
                message: Message::new("alert", &body),
                reference: None,
            });
            write.feed(Frame::text(message.encode())).await?;
            sent += 1;
        }
        write.flush().await?;
        match client::receive(&mut read).await? {
            Said::Reply(reply) if reply.status.iter().all(|(_, s)| *s == Status::No) => {
                replied += 1;
            }
            other => bail!("a message to nobody is answered {other:?}"),
        }
    }
    Ok(())
}

/// Becomes its share of the names, one after the other; how many were refused.
async fn shift(to: SocketAddr, n: usize) -> Result<usize> {
    let mut socket = client::open(TcpStream::connect(to).await?).await?;
    let mut refused = 0;
    for name in (n..TOO_MANY_NAMES).step_by(SHAPESHIFTERS) {
        let reply = client::auth(&mut socket, TOKEN, &format!("a-name-that-is-new-{name}")).await?;
        refused += usize::from(!matches!(reply, AuthReply::Accepted(_)));
    }
    Ok(refused)
}
