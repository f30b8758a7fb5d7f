//! The port: accepts connections, speaks HTTP on each until it asks for a WebSocket, and ends all
//! of them in order.
//!
//! Invariants: one task per connection, all in one set that dies with [`serve`]; a connection too
//! many is closed at once, before it costs anything; a head or a body that does not come ends the
//! connection.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{body::Body, response::Response};
use hyper::{
    Request, body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{
    connection::Connection,
    http::{self, Peer},
    hub::Hub,
    router::Router,
};

/// Bytes of a request's head: a GET carries its message there.
const HEAD_BYTES: usize = 64 * 1024;

/// After this, accepting is tried again when the system has no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

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

/// Serves the hub on the listener until `shutdown` is cancelled; then stops accepting, tells the
/// clients (close code 1001), and returns when all connections have ended or
/// [`Timing::shutdown`](crate::Timing::shutdown) has passed. Dropping the future ends all of it at
/// once.
pub async fn serve<L: Listener>(hub: Hub, mut listener: L, shutdown: CancellationToken) {
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
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            // Once until there is room again: a flood of connections must not be one of lines.
            if !std::mem::replace(&mut full, true) {
                tracing::warn!(%peer, "too many connections: more are closed as they come");
            }
            continue;
        };
        full = false;
        let (router, app, shutdown) = (Arc::clone(&router), app.clone(), shutdown.clone());
        connections.spawn(async move {
            connection(router, app, stream, peer.ip(), shutdown).await;
            drop(place);
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
    let upgrade: Mutex<Option<OnUpgrade>> = Mutex::new(None);
    {
        let service = service_fn(|request| answer(&router, &app, peer, &upgrade, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
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
    let Some(upgrade) = upgrade else {
        return;
    };
    let stream = match upgrade.await {
        Ok(upgraded) => upgraded.downcast::<TokioIo<S>>(),
        Err(error) => {
            tracing::debug!(%peer, %error, "a WebSocket upgrade failed");
            return;
        }
    };
    // It is the very type that was put in.
    if let Ok(parts) = stream {
        let (stream, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
        Connection::new(router, stream, read, peer)
            .await
            .run(shutdown)
            .await;
    }
}

async fn answer(
    router: &Router,
    app: &axum::Router,
    peer: IpAddr,
    upgrade: &Mutex<Option<OnUpgrade>>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if http::asks_for_upgrade(&request) {
        return Ok(match http::accept_upgrade(router, &request) {
            Ok(response) => {
                let on_upgrade = hyper::upgrade::on(&mut request);
                *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(on_upgrade);
                response
            }
            Err(refused) => refused.into_response(),
        });
    }
    request.extensions_mut().insert(Peer(peer));
    app.clone().oneshot(request.map(Body::new)).await
}
