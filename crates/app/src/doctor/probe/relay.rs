//! A look at a relay from outside: whether it answers, and what its clock says.
//!
//! A connection of its own, with an ordinary request by HTTP that needs no token: every server of the
//! protocol answers it somehow, and names its time in doing so.

use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, DATE, HOST, USER_AGENT};
use tidings_session::{Address, Fingerprint};
use tokio::time::Instant;

use super::super::Seen;
use crate::{clock, http};

/// How long it may take: a name look-up, a connection and TLS across the world take two seconds.
const DEADLINE: Duration = Duration::from_secs(6);

/// A relay that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Reached {
    /// How long the connection took.
    pub(in super::super) connected_in: Duration,
    /// Its clock against ours, if it named its time.
    pub(in super::super) clock: Option<Skew>,
}

/// A clock against ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Skew {
    /// So many milliseconds ahead of ours; negative behind.
    pub(in super::super) ahead: i64,
    /// More or less.
    pub(in super::super) give_or_take: u64,
}

/// Connects, asks, and goes.
pub(in super::super) async fn reach(address: Address, pin: Option<Fingerprint>) -> Seen<Reached> {
    match tokio::time::timeout(DEADLINE, asked(address, pin)).await {
        Ok(Ok(reached)) => Seen::Found(reached),
        Ok(Err(reason)) => Seen::Failed(reason),
        Err(_) => Seen::Silent,
    }
}

async fn asked(address: Address, pin: Option<Fingerprint>) -> Result<Reached, String> {
    let began = Instant::now();
    let host = address.authority();
    let stream = tidings_session::connect(address, pin)
        .await
        .map_err(|error| crate::words::sentence(&error.to_string()))?;
    let connected_in = began.elapsed();
    let request = Request::get("/health")
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header(USER_AGENT, concat!("Tidings/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::new()))
        .map_err(|error| error.to_string())?;
    let before = clock::now();
    let (answer, _running) = http::ask(stream, request).await?;
    let after = clock::now();
    let date = answer.headers().get(DATE).and_then(|d| d.to_str().ok());
    Ok(Reached {
        connected_in,
        clock: date.and_then(|date| skew(date, before, after)),
    })
}

/// What a header says of a clock that was read between these two times of ours.
fn skew(date: &str, before: u64, after: u64) -> Option<Skew> {
    let said = jiff::fmt::rfc2822::parse(date).ok()?;
    // It counts whole seconds: half a one later is as likely as earlier.
    let theirs = said.timestamp().as_millisecond().checked_add(500)?;
    let span = after.saturating_sub(before);
    let ours = i64::try_from(before + span / 2).ok()?;
    Some(Skew {
        ahead: theirs.checked_sub(ours)?,
        give_or_take: span / 2 + 500,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn a_clock_is_read_to_the_second() {
        let now = 1_763_985_600_000; // Mon, 24 Nov 2025 12:00:00 GMT
        let at = |date: &str| skew(date, now - 100, now + 100).map(|skew| skew.ahead);
        assert_eq!(at("Mon, 24 Nov 2025 12:00:00 GMT"), Some(500));
        assert_eq!(at("Mon, 24 Nov 2025 11:59:00 GMT"), Some(-59_500));
        assert_eq!(at("yesterday"), None);
    }

    #[tokio::test]
    async fn a_relay_is_reached_or_it_is_said_why_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = || format!("ws://127.0.0.1:{port}/").parse().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let read = stream.read(&mut asked).await.unwrap();
            assert!(asked[..read].starts_with(b"GET /health HTTP/1.1\r\n"));
            let answer = "HTTP/1.1 401 Unauthorized\r\nDate: Mon, 24 Nov 2025 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (seen, ()) = tokio::join!(reach(address(), None), serve);
        let Seen::Found(reached) = seen else {
            panic!("{seen:?}")
        };
        assert!(reached.clock.is_some_and(|clock| clock.ahead < 0));
        drop(listener);
        let gone = reach(address(), None).await;
        assert!(matches!(gone, Seen::Failed(_)), "{gone:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_relay_that_takes_connections_and_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = format!("ws://127.0.0.1:{port}/").parse().unwrap();
        assert_eq!(reach(address, None).await, Seen::Silent);
    }
}
