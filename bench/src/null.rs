//! The null hub: the ceiling that any relay of the protocol could reach with this generator on this machine.
//!
//! It accepts WebSockets and forwards frames without looking into them, but for the first of each connection,
//! an AUTH, which says who is there: `from.ROOM` is a room's sender, `to.ROOM` and `to.ROOM.N` are its
//! recipients. What a sender says goes to all recipients of its room, what a recipient says to the sender.
//! Nothing is kept, checked or confirmed here.
//!
//! It runs on one thread, drains what is ready, and flushes each socket once per turn. Its reader stops while
//! [`FULL`] frames wait for one of its destinations.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tidings_protocol::client::Packet;
use tidings_protocol::server::{AuthReply, Packet as Said, Welcome};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// Frames that may wait for one socket: many windows of 256 messages.
const FULL: usize = 8192;

/// Bytes read at a time, some forty messages. The library clears as much before each read: with its 128 KiB, and
/// a thousand sockets, that was most of what a delivery cost.
const READ: usize = 16 * 1024;

type Read = SplitStream<WebSocketStream<TcpStream>>;
type Write = SplitSink<WebSocketStream<TcpStream>, Message>;

/// One connection, as others write to it.
#[derive(Default)]
struct Seat {
    out: RefCell<Vec<Message>>,
    written: Notify,
    drained: Notify,
}

#[derive(Default)]
struct Room {
    sender: RefCell<Option<Rc<Seat>>>,
    recipients: RefCell<Vec<Rc<Seat>>>,
}

type Rooms = Rc<RefCell<HashMap<String, Rc<Room>>>>;

/// Serves on a port of loopback until it is killed.
pub(crate) async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let rooms = Rooms::default();
    let local = LocalSet::new();
    let accepting = async {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    connections.spawn_local(connection(stream, Rc::clone(&rooms)));
                }
                // A client that goes away is no error of the hub.
                Some(_) = connections.join_next() => {}
            }
        }
    };
    local.run_until(accepting).await
}

async fn connection(stream: TcpStream, rooms: Rooms) -> Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ);
    let socket = accept_async_with_config(stream, Some(config)).await?;
    let (write, mut read) = socket.split();
    let name = first(&mut read).await?;
    let seat = Rc::new(Seat::default());
    let (room, sends) = take_seat(&name, &rooms, &seat)?;
    let welcome = Said::Auth(AuthReply::Accepted(Welcome::default())).encode();
    seat.out.borrow_mut().push(Message::text(welcome));
    seat.written.notify_one();
    let outcome = tokio::select! {
        outcome = forward(&mut read, &room, sends) => outcome,
        outcome = flush(write, &seat) => outcome,
    };
    if sends {
        room.sender.borrow_mut().take();
    } else {
        room.recipients
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, &seat));
    }
    outcome
}

/// The name in the first frame.
async fn first(read: &mut Read) -> Result<String> {
    let frame = read.next().await.context("gone before AUTH")??;
    match Packet::decode(frame.to_text()?)? {
        Packet::Auth(auth) => Ok(auth.name.to_string()),
        _ => bail!("the first packet is no AUTH"),
    }
}

/// Enters a connection into its room; whether it is the sender.
fn take_seat(name: &str, rooms: &Rooms, seat: &Rc<Seat>) -> Result<(Rc<Room>, bool)> {
    let (role, rest) = name.split_once('.').context("a name without a room")?;
    let name = rest.split('.').next().unwrap_or(rest);
    let room = Rc::clone(rooms.borrow_mut().entry(name.to_owned()).or_default());
    let sends = role == "from";
    if sends {
        room.sender.replace(Some(Rc::clone(seat)));
    } else {
        room.recipients.borrow_mut().push(Rc::clone(seat));
    }
    Ok((room, sends))
}

async fn forward(read: &mut Read, room: &Room, sends: bool) -> Result<()> {
    let mut frames = Vec::new();
    while let Some(frame) = read.next().await {
        frames.push(frame?);
        while frames.len() < FULL
            && let Some(Some(frame)) = read.next().now_or_never()
        {
            frames.push(frame?);
        }
        frames.retain(Message::is_text);
        let to: Vec<_> = if sends {
            room.recipients.borrow().clone()
        } else {
            room.sender.borrow().iter().cloned().collect()
        };
        for seat in &to {
            seat.out.borrow_mut().extend_from_slice(&frames);
            seat.written.notify_one();
        }
        frames.clear();
        for seat in to {
            while seat.out.borrow().len() > FULL {
                seat.drained.notified().await;
            }
        }
    }
    Ok(())
}

async fn flush(mut write: Write, seat: &Seat) -> Result<()> {
    let mut taken = Vec::new();
    loop {
        seat.written.notified().await;
        loop {
            std::mem::swap(&mut taken, &mut seat.out.borrow_mut());
            if taken.is_empty() {
                break;
            }
            for frame in taken.drain(..) {
                write.feed(frame).await?;
            }
            write.flush().await?;
            seat.drained.notify_waiters();
        }
    }
}
