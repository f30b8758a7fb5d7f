//! One request by HTTP/1 over a connection of its own, which ends with the answer.
//!
//! Owns the connection; what is asked, how long it may take and what the answer means are its users'.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tidings_session::{Address, BoxStream, Fingerprint};
use tokio::task::JoinSet;

/// Asks over a connection. The answer's body comes for as long as the tasks beside it are kept.
///
/// # Errors
/// In words for people, without a full stop.
pub(crate) async fn ask(
    stream: BoxStream,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, Running), String> {
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let answer = sender.send_request(request).await.map_err(words)?;
    Ok((answer, tasks))
}

/// A connection at work; dropped, it ends.
pub(crate) type Running = JoinSet<hyper::Result<()>>;

/// Connects and asks; gives the status and the answer's body, which may have `limit` bytes. With a
/// limit of 0 the body is not read at all.
///
/// # Errors
/// In words for people, without a full stop.
pub(crate) async fn exchange(
    address: Address,
    pin: Option<Fingerprint>,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<(StatusCode, Bytes), String> {
    let stream = tidings_session::connect(address, pin)
        .await
        .map_err(|error| error.to_string())?;
    let (answer, _running) = ask(stream, request).await?;
    let status = answer.status();
    if limit == 0 {
        return Ok((status, Bytes::new()));
    }
    let body = Limited::new(answer.into_body(), limit).collect().await;
    let body = body.map_err(|error| format!("the answer could not be read ({error})"))?;
    Ok((status, body.to_bytes()))
}
