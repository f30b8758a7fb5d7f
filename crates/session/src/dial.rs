//! The real way to a relay: name look-up, TCP, TLS. Owns the socket's options and the words for what
//! goes wrong; the WebSocket handshake is the driver's, the deadline over all of it the machine's.
//!
//! Addresses of both families are tried, the next one a little after the last (RFC 8305), so that a
//! broken IPv6 costs a moment and not the connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, pki_types::ServerName};

use crate::certificate::{Fingerprint, Trust};
use crate::config::Address;
use crate::event::DialError;

/// Pause before the next address is tried beside the last: RFC 8305's recommendation.
const STAGGER: Duration = Duration::from_millis(250);

/// A stream a WebSocket can run over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection of the operating system's, with TLS where the address asks for it.
pub type BoxStream = Box<dyn Stream>;

/// Connects to a relay; with a pin only to one that shows this very certificate.
///
/// # Errors
/// [`DialError`], without [`DialError::TimedOut`]: the caller drops what takes too long. Where the
/// certificate is not accepted ([`DialError::Certificate`]) nothing was sent to who showed it.
pub async fn connect(address: Address, pin: Option<Fingerprint>) -> Result<BoxStream, DialError> {
    let tcp = tcp(&address).await?;
    // Frames are small and answered one by one; waiting to fill a segment only delays them.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    if address.is_tls() {
        Ok(Box::new(tls(&address, pin, tcp).await?))
    } else {
        Ok(Box::new(tcp))
    }
}

async fn tcp(address: &Address) -> Result<TcpStream, DialError> {
    let host = address.host();
    let addresses = tokio::net::lookup_host((host.as_str(), address.port()))
        .await
        .map(interleaved)
        .unwrap_or_else(|error| {
            tracing::debug!(%error, "name look-up failed");
            Vec::new()
        });
    // The attempts left behind end with the set.
    let mut attempts = JoinSet::new();
    let mut remaining = addresses.into_iter();
    let mut last = DialError::NameNotFound { host };
    loop {
        let next = remaining.next();
        let more = next.is_some();
        if let Some(peer) = next {
            attempts.spawn(TcpStream::connect(peer));
        } else if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(attempt) = attempts.join_next() => match attempt {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = tcp_words(&error, address.authority()),
                Err(error) => last = DialError::Io(error.to_string()),
            },
            () = tokio::time::sleep(STAGGER), if more => {}
        }
    }
}

/// The families in turn, each in the resolver's order, beginning with its first.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<SocketAddr> = addresses.collect();
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut mixed = Vec::new();
    for address in first {
        mixed.push(address);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed
}

fn tcp_words(error: &io::Error, authority: String) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialError::Refused { authority },
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => DialError::Unreachable { authority },
        io::ErrorKind::TimedOut => DialError::TimedOut,
        _ => DialError::Io(error.to_string()),
    }
}

async fn tls(
    address: &Address,
    pin: Option<Fingerprint>,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, DialError> {
    let host = address.host();
    let fault = |reason: String| DialError::Tls {
        host: host.clone(),
        reason,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = Trust::new(host.clone(), pin, Arc::clone(&provider));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    let name = ServerName::try_from(host.clone()).map_err(|error| fault(error.to_string()))?;
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| match Trust::rejected(&error) {
            Some(rejected) => DialError::Certificate(rejected),
            None => fault(error.to_string()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let mixed =
            interleaved(addresses(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"]).into_iter());
        assert_eq!(
            mixed,
            addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
    }

    async fn dial(url: &str) -> Result<BoxStream, DialError> {
        connect(url.parse().unwrap(), None).await
    }

    #[tokio::test]
    async fn faults_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plain = tokio::spawn(async move {
            for _ in 0..2 {
                let (mut socket, _) = listener.accept().await.unwrap();
                // The first has gone away by now, perhaps.
                let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            }
        });
        assert!(dial(&format!("ws://127.0.0.1:{port}")).await.is_ok());
        let error = dial(&format!("wss://127.0.0.1:{port}")).await.err();
        assert!(
            matches!(error, Some(DialError::Tls { .. })),
            "{error:?} is not about TLS"
        );
        plain.await.unwrap();

        let error = dial(&format!("ws://127.0.0.1:{port}")).await.err();
        assert!(
            matches!(error, Some(DialError::Refused { .. })),
            "{error:?} is not a refusal"
        );
        let error = dial("ws://no-such-host.invalid:1").await.err();
        assert!(
            matches!(error, Some(DialError::NameNotFound { .. })),
            "{error:?} is not about the name"
        );
    }
}
