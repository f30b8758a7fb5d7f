//! Messages that wait: for a client that takes none of them, and for clients that are away.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::{SinkExt as _, StreamExt as _, future::try_join_all};
use tidings_protocol::client::{Packet, Send};
use tidings_protocol::server::Packet as Said;
use tidings_protocol::{Message, Name, Status, Target};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::client::{Reader, Socket, Writer};
use crate::relay::Relay;
use crate::{Cli, Figures, client, mib};

/// Messages for the one that never reads: 200 MiB, well above [`UNREAD_PEAK`], so that a relay which held
/// all of them in memory would not pass.
const UNREAD: usize = 210;
const UNREAD_BYTES: usize = 1_000_000;
/// Messages being stored (32 MiB at most), each twice while it is parsed and written; the reader's window (4 MiB),
/// what is held for it and announced to it (6 MiB), the database's cache; and what the allocator keeps of each
/// thread's (with one arena for all threads, `MALLOC_ARENA_MAX=1`, it gives nearly all back in the end).
const UNREAD_PEAK: u64 = 112 * 1024 * 1024;
/// A reader that takes nothing is dropped after 60 s; so long, and a moment.
const UNREAD_GONE: Duration = Duration::from_secs(90);

/// Recipients of the million: each queue within its own bound of 200,000.
const RECIPIENTS: usize = 10;
const SENDERS: usize = 4;
/// Messages of one sender under way: as many as the relay stores at once for one.
const WINDOW: usize = 256;
/// A usual alert.
const BYTES: usize = 300;
/// Queued messages are in the file, not in memory: what may grow are the database's cache and the messages that
/// are being stored.
const QUEUED_PEAK: u64 = 64 * 1024 * 1024;
/// Bytes of the file for one such message: the packet of some 450, its row, its indexes.
const ON_DISK: u64 = 1024;
/// A relay starts as fast with a million messages as with none: somebody waits for it to come back.
const START: Duration = Duration::from_secs(5);
/// Connecting, AUTH and the first of a hundred thousand messages.
const FIRST: Duration = Duration::from_secs(1);

/// A client takes nothing while 200 MiB are sent to it.
pub(crate) async fn unread(cli: &Cli) -> Result<Figures> {
    let relay = Relay::start(&cli.relay, &[])?;
    let socket = TcpSocket::new_v4()?;
    // The system takes little in its place.
    socket.set_recv_buffer_size(4096)?;
    let mut silent = client::open(socket.connect(relay.address).await?).await?;
    client::auth(&mut silent, crate::relay::TOKEN, "silent").await?;
    let mut sender = client::client(relay.address, "sender").await?;
    let before = relay.forget_peak()?;
    let body = "x".repeat(UNREAD_BYTES);
    for n in 0..UNREAD {
        client::send(&mut sender, &message("silent", &n.to_string(), &body)?).await?;
    }
    for _ in 0..UNREAD {
        statuses(&client::receive(&mut sender).await?)?;
    }
    let gone = relay.until("clients", 1, UNREAD_GONE).await;
    let mut figures = Figures::of(&relay, before)?;
    match gone {
        Ok(gone) => figures.tell(format!(
            "dropped {:.0} s after the last reply",
            gone.as_secs_f64()
        )),
        Err(error) => figures.require(&format!("it is dropped: {error}"), false),
    }
    let grown = figures.grown_at_peak();
    figures.hold("the peak's growth", grown, UNREAD_PEAK);
    let mut reader = client::client(relay.address, "silent").await?;
    let kept = drain(&mut reader, UNREAD).await?;
    figures.require(
        "its messages are kept, in order",
        kept.into_iter().eq(0..UNREAD),
    );
    figures.tell(format!("then all {UNREAD} were delivered"));
    Ok(figures)
}

/// Clients that are away have very many messages waiting.
pub(crate) async fn million(cli: &Cli) -> Result<Figures> {
    // Replies as soon as a message is durable: the figure is of storing, not of waiting for those away.
    let mut relay = Relay::start(&cli.relay, &["--wait", "0"])?;
    for n in 0..RECIPIENTS {
        drop(client::client(relay.address, &format!("away{n}")).await?);
    }
    relay.until("clients", 0, Duration::from_secs(10)).await?;
    let before = relay.forget_peak()?;
    let began = Instant::now();
    let senders = (0..SENDERS).map(|n| {
        let (to, count) = (relay.address, cli.messages / SENDERS);
        async move {
            let socket = client::client(to, &format!("sender{n}")).await?;
            queue(socket, count).await
        }
    });
    try_join_all(senders).await?;
    let took = began.elapsed();
    let mut figures = Figures::of(&relay, before)?;
    let queued = relay.gauge("messages_queued").await?;
    let count = (cli.messages / SENDERS * SENDERS) as u64;
    figures.require("all are queued", queued == count);
    let per_second = u128::from(count) * 1000 / took.as_millis().max(1);
    figures.tell(format!(
        "{count} in {:.0} s ({per_second} a second)",
        took.as_secs_f64()
    ));
    let on_disk = relay.on_disk()?;
    figures.tell(format!("{} on disk", mib(on_disk)));
    figures.hold("bytes on disk a message", on_disk / count.max(1), ON_DISK);
    let grown = figures.grown_at_peak();
    figures.hold("the peak's growth", grown, QUEUED_PEAK);

    let start = relay.restart()?;
    let restarted = relay.memory()?;
    figures.tell(format!(
        "starts in {} ms with {}",
        start.as_millis(),
        mib(restarted)
    ));
    figures.hold("milliseconds of the start", millis(start), millis(START));
    let connecting = Instant::now();
    let mut reader = client::client(relay.address, "away0").await?;
    drain(&mut reader, 1).await?;
    let first = connecting.elapsed();
    figures.tell(format!("first delivery after {} ms", first.as_millis()));
    figures.hold(
        "milliseconds to the first delivery",
        millis(first),
        millis(FIRST),
    );
    let draining = Instant::now();
    let left = cli.messages / RECIPIENTS - 1;
    drain(&mut reader, left).await?;
    let per_second = left as u128 * 1000 / draining.elapsed().as_millis().max(1);
    figures.tell(format!("then {per_second} a second"));
    figures.hold("memory after the restart", relay.peak()?, QUEUED_PEAK);
    Ok(figures)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn message(to: &str, title: &str, body: &str) -> Result<Packet> {
    Ok(Packet::Message(Send {
        target: Target::Personal(Name::new(to)?),
        message: Message::new(title, body),
        reference: None,
    }))
}

/// Sends so many messages, to all recipients in turn, and waits for all replies.
async fn queue(socket: Socket, count: usize) -> Result<()> {
    let (mut write, mut read): (Writer, Reader) = socket.split();
    let body = "x".repeat(BYTES);
    let frames: Vec<_> = (0..RECIPIENTS)
        .map(|n| Ok(message(&format!("away{n}"), "alert", &body)?.encode()))
        .collect::<Result<_>>()?;
    let (mut sent, mut replied) = (0, 0);
    while replied < count {
        for frame in frames.iter().cycle().skip(sent % RECIPIENTS) {
            if sent == count || sent - replied == WINDOW {
                break;
            }
            write.feed(Frame::text(frame.clone())).await?;
            sent += 1;
        }
        write.flush().await?;
        statuses(&client::receive(&mut read).await?)?;
        replied += 1;
    }
    Ok(())
}

/// Reads a reply: the message is kept for everybody.
fn statuses(said: &Said) -> Result<()> {
    match said {
        Said::Reply(reply)
            if reply
                .status
                .iter()
                .all(|(_, s)| matches!(s, Status::Wait | Status::Ready)) =>
        {
            Ok(())
        }
        other => bail!("not kept: {other:?}"),
    }
}

/// Takes and confirms so many messages; the numbers in their titles, or 0 for a title without one. Repeats count once.
async fn drain(socket: &mut Socket, count: usize) -> Result<Vec<usize>> {
    let mut taken: Vec<usize> = Vec::with_capacity(count);
    let mut last = None;
    while taken.len() < count {
        if let Said::Message(message) = client::receive(socket).await? {
            // Mids have thirteen digits, so their texts compare as numbers do.
            let mid = message.mid.to_string();
            client::send(socket, &Packet::Confirm(message.mid)).await?;
            if last.as_ref().is_none_or(|last| *last < mid) {
                taken.push(message.message.text.parse().unwrap_or_default());
                last = Some(mid);
            }
        }
    }
    Ok(taken)
}
