//! The port: accepts connections, speaks HTTP on each until it asks for a WebSocket, and ends all
//! of them in order.
//!
//! Invariants: one task per connection, all in one set that dies with [`serve`]; a connection too
//! many is closed at once, before it costs anything; a head or a body that does not come, and an answer
//! that is not taken, end the connection. What a connection needs for one phase only (TLS handshake, HTTP, the
//! end) is in a box of its own, as a task is as large as the largest of its phases for all its life.

mod impatient;

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{
    Request, body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::impatient::Impatient;
use crate::{
    connection::Connection,
    http::{self, Peer},
    hub::Hub,
    metrics::Why,
    peers::Place,
    router::Router,
    tls::Tls,
};

/// Bytes of a request's head: a GET carries its message there.
const HEAD_BYTES: usize = 64 * 1024;

/// After this, accepting is tried again when the system has no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What somebody with too many connections is told to wait: until one of them may have ended.
const UPGRADE_AGAIN: Duration = Duration::from_secs(30);

/// A connection that is to become a WebSocket.
struct Upgrade {
    /// Where it really comes from.
    origin: IpAddr,
    place: Option<Place>,
}

/// Where connections come from: TCP, or a simulated network.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection and its peer's address. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // Packets are small and written in batches already; waiting for more only delays them.
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }
}

/// Like [`serve`], with TLS on every connection.
pub async fn serve_tls<L: Listener>(
    hub: Hub,
    listener: L,
    tls: Arc<Tls>,
    shutdown: CancellationToken,
) {
    serve_with(hub, listener, Some(tls), shutdown).await;
}

/// Serves the hub on the listener until `shutdown` is cancelled; then stops accepting, tells the
/// clients (close code 1001), and returns when all connections have ended or
/// [`Timing::shutdown`](crate::Timing::shutdown) has passed. Dropping the future ends all of it at
/// once.
pub async fn serve<L: Listener>(hub: Hub, listener: L, shutdown: CancellationToken) {
    serve_with(hub, listener, None, shutdown).await;
}

async fn serve_with<L: Listener>(
    hub: Hub,
    mut listener: L,
    tls: Option<Arc<Tls>>,
    shutdown: CancellationToken,
) {
    let router = Arc::clone(&hub.router);
    let app = http::routes(Arc::clone(&router));
    let places = Arc::new(Semaphore::new(router.config.bounds.connections));
    let mut connections = JoinSet::new();
    let mut full = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                report(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let place = Arc::clone(&places).try_acquire_owned().ok();
        let Some(place) = place.zip(router.peers.place(peer.ip())) else {
            router.metrics.refused(Why::Connections);
            // Once until there is room again: a flood of connections must not be one of lines.
            if !std::mem::replace(&mut full, true) {
                tracing::warn!(%peer, "too many connections, in all or from there: more are closed as they come");
            }
            continue;
        };
        full = false;
        let (router, app, shutdown) = (Arc::clone(&router), app.clone(), shutdown.clone());
        let (tls, open) = (tls.clone(), router.metrics.connection());
        connections.spawn(async move {
            match tls {
                None => connection(router, app, stream, peer.ip(), shutdown).await,
                Some(tls) => {
                    let handshake = Box::pin(handshake(&router, &tls, stream, peer, &shutdown));
                    if let Some(stream) = handshake.await {
                        Box::pin(connection(router, app, stream, peer.ip(), shutdown)).await;
                    }
                }
            }
            drop((place, open));
        });
    }
    // New connections are refused from here on.
    drop(listener);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if timeout(router.config.timing.shutdown, all_ended)
        .await
        .is_err()
    {
        tracing::warn!(left = connections.len(), "connections did not end in time");
        // Awaited, so that nothing holds the store when this returns.
        connections.shutdown().await;
    }
    // All have left: that is when they were seen last.
    router.keep_seen().await;
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    router: &Router,
    tls: &Tls,
    stream: S,
    peer: SocketAddr,
    shutdown: &CancellationToken,
) -> Option<TlsStream<S>> {
    let done = timeout(router.config.timing.request, tls.accept(stream));
    match shutdown.run_until_cancelled(done).await? {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a TLS handshake did not end in time");
            None
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task ended by a panic; all others go on");
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    router: Arc<Router>,
    app: axum::Router,
    stream: S,
    peer: IpAddr,
    shutdown: CancellationToken,
) {
    let requests = Box::pin(requests(&router, &app, stream, peer, &shutdown)).await;
    drop((app, router));
    if let Some((socket, place)) = requests {
        socket.run(shutdown).await;
        drop(place);
    }
}

/// Answers requests until there are no more; or until one asks for a WebSocket, which is given back.
async fn requests<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    router: &Arc<Router>,
    app: &axum::Router,
    stream: S,
    peer: IpAddr,
    shutdown: &CancellationToken,
) -> Option<(Box<Connection<S>>, Option<Place>)> {
    let upgrade: Mutex<Option<(OnUpgrade, Upgrade)>> = Mutex::new(None);
    {
        let stream = Impatient::new(stream, router.config.timing.stalled_after);
        let service = service_fn(|request| answer(router, app, peer, &upgrade, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // A script may close its side once it has asked; what it waits for is bounded.
            .half_close(true)
            .header_read_timeout(router.config.timing.request)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "an HTTP connection ended early");
        }
    }
    let upgrade = upgrade.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (done, upgrade) = upgrade?;
    match done.await {
        Ok(upgraded) => {
            // It is the very type that was put in.
            let parts = upgraded.downcast::<TokioIo<Impatient<S>>>().ok()?;
            let stream = parts.io.into_inner().into_inner();
            let (router, read) = (Arc::clone(router), parts.read_buf.to_vec());
            let socket = Connection::new(router, stream, read, upgrade.origin).await;
            Some((Box::new(socket), upgrade.place))
        }
        Err(error) => {
            tracing::debug!(%peer, %error, "a WebSocket upgrade failed");
            None
        }
    }
}

async fn answer(
    router: &Router,
    app: &axum::Router,
    peer: IpAddr,
    upgrade: &Mutex<Option<(OnUpgrade, Upgrade)>>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let origin = router.peers.origin(peer, request.headers());
    if router.peers.counts(origin) {
        let now = Instant::now().into_std();
        if let Some(wait) = router.requests.wait(origin, now) {
            router.metrics.refused(Why::Requests);
            return Ok(http::too_many(wait, "requests").into_response());
        }
        router.requests.count(origin, now);
    }
    if http::asks_for_upgrade(&request) {
        // Counted already, unless a forwarder brought it.
        let place = (origin != peer).then(|| router.peers.place(origin));
        if place.as_ref().is_some_and(Option::is_none) {
            router.metrics.refused(Why::Connections);
            return Ok(http::too_many(UPGRADE_AGAIN, "connections").into_response());
        }
        return Ok(match http::accept_upgrade(router, &request) {
            Ok(response) => {
                let done = hyper::upgrade::on(&mut request);
                let place = place.flatten();
                *upgrade.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((done, Upgrade { origin, place }));
                response
            }
            Err(refused) => refused.into_response(),
        });
    }
    request.extensions_mut().insert(Peer(origin));
    // Beside it there may have been a Content-Length that somebody in between went by; what that one
    // took for this request's body, nobody is to take for the next request.
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let Ok(mut response) = app.clone().oneshot(request.map(Body::new)).await;
    if chunked {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(response)
}
