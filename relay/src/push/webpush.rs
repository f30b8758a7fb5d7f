//! Push services as they are: one encrypted request for each letter (RFC 8030, 8188, 8291, 8292).
//!
//! Owns the request, from the name's look-up to the answer's status. A connection serves one request:
//! pushes are rare beside messages, and nothing has to be remembered of services that clients name.
//!
//! Invariants: the address that is connected to is one that was checked, and no name is looked up
//! twice; a redirect is not followed; all of a request takes at most [`WebPushOptions::timeout`], and
//! of an answer no more is read than [`HEAD_BYTES`] and [`ANSWER_BYTES`].

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{self, HeaderMap},
};
use hyper_util::rt::TokioIo;
use p256::PublicKey;
use rustls::{
    ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{Letter, Outcome, Push, address::is_public, subscription::endpoint, vapid::Vapid};
use crate::{
    config::Clock,
    store::{Store, StoreError, Subscription, in_time},
};

/// Bytes of an answer's head: services send a few hundred.
const HEAD_BYTES: usize = 16 * 1024;

/// Bytes of an answer's body that are read, for the log: it says why a request was refused.
const ANSWER_BYTES: usize = 512;

/// Bytes of a record as the head of the ciphertext tells it: what everybody uses, and more than any
/// letter has, as RFC 8291 wants it.
const RECORD_BYTES: u32 = 4096;
/// Where the head of the ciphertext tells it (RFC 8188, section 2.1): behind the salt.
const RECORD_AT: std::ops::Range<usize> = 16..20;

/// What a way to push services is told.
#[derive(Debug, Clone)]
pub struct WebPushOptions {
    /// Whom a push service may write to about this relay: `mailto:` or `https:`.
    pub contact: String,
    /// Whether pushes may go to addresses of private networks.
    pub private: bool,
    /// A file of certificates (PEM) that are trusted beside the system's, for a push service of one's
    /// own.
    pub ca: Option<PathBuf>,
    /// The longest that a push may take.
    pub timeout: Duration,
    /// The wall clock, for signatures.
    pub clock: Clock,
}

impl Default for WebPushOptions {
    fn default() -> Self {
        Self {
            // Where a service finds out what kind of program sends these.
            contact: env!("CARGO_PKG_REPOSITORY").to_owned(),
            private: false,
            ca: None,
            // Services answer within a second, and one of few places is held meanwhile.
            timeout: Duration::from_secs(20),
            clock: Clock::default(),
        }
    }
}

/// Why there is no way to push services.
#[derive(Debug, thiserror::Error)]
pub enum WebPushError {
    /// The store was not read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored key is none.
    #[error("the stored key for Web Push is damaged: restore a backup of the data folder")]
    Key,
    /// The file of certificates cannot be used.
    #[error("cannot read the certificates in {path}: {words}")]
    Ca {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        words: String,
    },
    /// The system trusts nobody, so no push service can be trusted.
    #[error("the system has no certificates of authorities ({0}): install its ca-certificates")]
    Roots(rustls::Error),
}

/// See the module. Clones are the same.
#[derive(Debug, Clone)]
pub struct WebPush(Arc<Service>);

#[derive(Debug)]
struct Service {
    vapid: Vapid,
    private: bool,
    tls: Tls,
    timeout: Duration,
    clock: Clock,
}

struct Tls(TlsConnector);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl WebPush {
    /// With the key that the store keeps, made at the first call.
    ///
    /// # Errors
    /// [`WebPushError`]; its text says what to do.
    pub async fn open(store: &dyn Store, options: WebPushOptions) -> Result<Self, WebPushError> {
        let identity = in_time(store.identity()).await?;
        let vapid = Vapid::new(&identity.push_key, &options.contact).ok_or(WebPushError::Key)?;
        Ok(Self(Arc::new(Service {
            vapid,
            private: options.private,
            tls: Tls(connector(options.ca)?),
            timeout: options.timeout,
            clock: options.clock,
        })))
    }
}

fn connector(ca: Option<PathBuf>) -> Result<TlsConnector, WebPushError> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = Vec::new();
    if let Some(path) = ca {
        let wrong = |words: String| WebPushError::Ca {
            path: path.clone(),
            words,
        };
        let certificates =
            CertificateDer::pem_file_iter(&path).map_err(|error| wrong(error.to_string()))?;
        for certificate in certificates {
            roots.push(certificate.map_err(|error| wrong(error.to_string()))?);
        }
        if roots.is_empty() {
            return Err(wrong("there is none in it".to_owned()));
        }
    }
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
        .map_err(WebPushError::Roots)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(WebPushError::Roots)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Push for WebPush {
    fn public_key(&self) -> Option<&str> {
        Some(self.0.vapid.public())
    }

    fn check(&self, subscription: &Subscription) -> Result<(), String> {
        let url = endpoint(&subscription.endpoint);
        // Names are looked up, and judged, when there is something to push.
        let inner = match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(address)) => !is_public(address.into()),
            Some(Host::Ipv6(address)) => !is_public(address.into()),
            Some(Host::Domain(_)) | None => false,
        };
        if inner && !self.0.private {
            return Err(PRIVATE.to_owned());
        }
        Ok(())
    }

    fn send(&self, letter: Letter) -> BoxFuture<'static, Outcome> {
        let service = Arc::clone(&self.0);
        async move {
            match timeout(service.timeout, service.request(letter)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => {
                    tracing::debug!("a push did not reach its service: {error}");
                    Outcome::Later(None)
                }
                Err(_) => Outcome::Later(None),
            }
        }
        .boxed()
    }
}

const PRIVATE: &str =
    "the endpoint is within a private network, where this server does not push to";

impl Service {
    /// Makes the request. An error is one of the network: another try may succeed.
    async fn request(&self, letter: Letter) -> io::Result<Outcome> {
        let Some(url) = endpoint(&letter.subscription.endpoint) else {
            return Ok(Outcome::Refused("the endpoint is no address".to_owned()));
        };
        let Some(request) = self.encrypted(&url, letter) else {
            return Ok(Outcome::Refused("its keys are of no use".to_owned()));
        };
        let addresses = resolve(&url).await?;
        let inner = addresses.iter().any(|address| !is_public(address.ip()));
        if inner && !self.private {
            return Ok(Outcome::Refused(PRIVATE.to_owned()));
        }
        let name = server_name(&url).ok_or(io::ErrorKind::InvalidInput)?;
        // Each address has its share of the time, so that one that swallows everything leaves some.
        let share = self.timeout / 2 / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let stream = connect(&addresses, share).await?;
        let stream = self.tls.0.connect(name, stream).await?;
        exchange(stream, request).await
    }

    fn encrypted(&self, url: &Url, letter: Letter) -> Option<Request<Full<Bytes>>> {
        let key = PublicKey::from_sec1_bytes(&letter.subscription.p256dh).ok()?;
        let auth = letter.subscription.auth.into();
        let mut body = web_push_native::encrypt(letter.body.into_bytes(), &key, &auth).ok()?;
        body.get_mut(RECORD_AT)?
            .copy_from_slice(&RECORD_BYTES.to_be_bytes());
        let now = self.clock.now_ms() / 1000;
        let origin = url.origin().ascii_serialization();
        let (_, host) = origin.split_once("://")?;
        let mut request = Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery])
            .header(header::HOST, host)
            .header(
                header::AUTHORIZATION,
                self.vapid.authorization(&origin, now),
            )
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header("ttl", letter.ttl.as_secs())
            .header("urgency", letter.urgency.as_str());
        if let Some(topic) = &letter.topic {
            request = request.header("topic", topic);
        }
        request.body(Full::new(body.into())).ok()
    }
}

/// The addresses that the endpoint is at.
async fn resolve(url: &Url) -> io::Result<Vec<SocketAddr>> {
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![(address, port).into()],
        Some(Host::Ipv6(address)) => vec![(address, port).into()],
        Some(Host::Domain(name)) => tokio::net::lookup_host((name, port)).await?.collect(),
        None => Vec::new(),
    };
    if addresses.is_empty() {
        return Err(io::ErrorKind::HostUnreachable.into());
    }
    Ok(addresses)
}

fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::IpAddress(std::net::IpAddr::V4(address).into())),
        Host::Ipv6(address) => Some(ServerName::IpAddress(std::net::IpAddr::V6(address).into())),
    }
}

/// Connects to the first of the addresses that answers.
async fn connect(addresses: &[SocketAddr], share: Duration) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::HostUnreachable.into();
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> io::Result<Outcome>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let answer = async {
        let answer = sender.send_request(request).await;
        match answer {
            Ok(answer) => Ok(outcome(answer).await),
            Err(error) => Err(io::Error::other(error)),
        }
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // It drives the exchange; when it ends first, the answer is there, or never comes.
        ended = connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(io::Error::other(error)),
        },
    }
}

async fn outcome(answer: Response<Incoming>) -> Outcome {
    let status = answer.status();
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
        StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Outcome::Later(retry_after(answer.headers()))
        }
        _ if status.is_success() => Outcome::Taken,
        _ if status.is_server_error() => Outcome::Later(retry_after(answer.headers())),
        _ => Outcome::Refused(format!(
            "the service answered {status}: {:?}",
            beginning(answer.into_body()).await
        )),
    }
}

/// What a service asks to wait, in seconds. The other form, a date, would mean to trust its clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// The beginning of a body.
async fn beginning(mut body: Incoming) -> String {
    let mut read = Vec::new();
    while read.len() < ANSWER_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
    }
    read.truncate(ANSWER_BYTES);
    String::from_utf8_lossy(&read).into_owned()
}
