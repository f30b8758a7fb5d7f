//! Both faces of the protocol from a client's side, as little as the cases need: sockets from any loopback
//! address, and requests as bytes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tidings_protocol::client::{Auth, Packet};
use tidings_protocol::server::{AuthReply, Packet as Said};
use tidings_protocol::{Group, Name};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::relay::TOKEN;

pub(crate) type Socket = WebSocketStream<TcpStream>;
pub(crate) type Writer = SplitSink<Socket, Frame>;
pub(crate) type Reader = SplitStream<Socket>;

/// Nothing here is waited for longer: the relay answers in milliseconds, or not at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every address of 127.0.0.0/8 is this computer's: one for each `n`.
pub(crate) fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + n).into()
}

/// A connection from an address of one's own.
pub(crate) async fn connect_from(to: SocketAddr, from: IpAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    timeout(PATIENCE, socket.connect(to))
        .await?
        .context("cannot connect")
}

/// A WebSocket that has said nothing yet.
pub(crate) async fn open(stream: TcpStream) -> Result<Socket> {
    let upgrade = client_async("ws://relay/", stream);
    Ok(timeout(PATIENCE, upgrade).await??.0)
}

/// A client that is let in.
pub(crate) async fn client(to: SocketAddr, name: &str) -> Result<Socket> {
    let mut socket = open(TcpStream::connect(to).await?).await?;
    let reply = auth(&mut socket, TOKEN, name).await?;
    if !matches!(reply, AuthReply::Accepted(_)) {
        bail!("{name} is not let in: {reply:?}");
    }
    Ok(socket)
}

/// Sends AUTH; what the relay says to it. An INFO counts as a refusal.
pub(crate) async fn auth(socket: &mut Socket, token: &str, name: &str) -> Result<AuthReply> {
    let auth = Auth {
        token: token.to_owned(),
        name: Name::new(name)?,
        group: Group::none(),
        features: Vec::new(),
    };
    send(socket, &Packet::Auth(auth)).await?;
    loop {
        match receive(socket).await? {
            Said::Auth(reply) => return Ok(reply),
            Said::Info(text) => return Ok(AuthReply::Refused(text)),
            _ => {}
        }
    }
}

/// Sends a packet.
pub(crate) async fn send<S>(socket: &mut S, packet: &Packet) -> Result<()>
where
    S: SinkExt<Frame> + Unpin,
    S::Error: std::error::Error + Send + Sync + 'static,
{
    Ok(socket.send(Frame::text(packet.encode())).await?)
}

/// The next packet.
pub(crate) async fn receive<S, E>(socket: &mut S) -> Result<Said>
where
    S: StreamExt<Item = Result<Frame, E>> + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    loop {
        let frame = timeout(PATIENCE, socket.next()).await;
        let frame = frame.context("the relay says nothing")?;
        match frame.context("the relay has closed")?? {
            Frame::Text(text) => return Ok(Said::decode(&text)?),
            Frame::Close(frame) => bail!("the relay has closed: {frame:?}"),
            _ => {}
        }
    }
}

/// One request without a body on a connection of its own; head (without the last empty line) and answer as text.
pub(crate) async fn request(to: SocketAddr, head: &str) -> Result<String> {
    let mut stream = TcpStream::connect(to).await?;
    let whole = format!("{head}Connection: close\r\n\r\n");
    stream.write_all(whole.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    Ok(answer)
}
