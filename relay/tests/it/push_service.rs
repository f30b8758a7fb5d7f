//! A push service of the tests' own, over TLS with an authority of its own, that misbehaves when told
//! to; and a browser, whose letters are opened by code that is not ours.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tidings_relay::{WebPush, WebPushOptions, store::Subscription};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::support::within;

/// What the service does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Status(u16),
    /// With a header.
    With(u16, &'static str, &'static str),
    /// It never answers.
    Never,
    /// 400, and a body without an end.
    Endless,
    /// The connection breaks.
    Reset,
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

pub(crate) struct PushService {
    pub(crate) address: SocketAddr,
    folder: tempfile::TempDir,
    came: mpsc::UnboundedReceiver<Came>,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    connections: AtomicUsize,
}

impl PushService {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let acceptor = acceptor(&folder.path().join("ca.pem"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (heard, came) = mpsc::unbounded_channel();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, acceptor, Arc::clone(&shared), heard));
        Self {
            address,
            folder,
            came,
            shared,
            _server: server,
        }
    }

    /// Its authority's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn options(&self) -> WebPushOptions {
        WebPushOptions {
            contact: "mailto:test@example.org".to_owned(),
            private: true,
            ca: Some(self.ca()),
            ..WebPushOptions::default()
        }
    }

    /// A way to it, with the key of this store.
    pub(crate) async fn way(&self, store: &dyn tidings_relay::Store) -> Arc<WebPush> {
        Arc::new(WebPush::open(store, self.options()).await.unwrap())
    }

    /// An endpoint at the name that its certificate has.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.address.port())
    }

    /// What is answered next; after that, 201.
    pub(crate) fn answer(&self, answers: &[Answer]) {
        self.shared.answers.lock().unwrap().extend(answers);
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Came {
        within(self.came.recv()).await.unwrap()
    }

    pub(crate) fn nothing_came(&mut self) {
        assert!(self.came.try_recv().is_err());
    }

    /// How many have connected.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

/// Makes an authority, and a certificate of its for `localhost`.
fn acceptor(ca: &Path) -> TlsAcceptor {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(ca, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    heard: mpsc::UnboundedSender<Came>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, shared, heard) = (acceptor.clone(), Arc::clone(&shared), heard.clone());
        connections.spawn(async move {
            // Who does not trust the certificate, or is reset, ends early.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(|request| answer(&shared, &heard, request));
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    shared: &Shared,
    heard: &mpsc::UnboundedSender<Came>,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?;
    let came = Came {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    let _ = heard.send(came);
    let answer = shared.answers.lock().unwrap().pop_front();
    let mut response = Response::new(Full::default().boxed_unsync());
    match answer.unwrap_or(Answer::Status(201)) {
        Answer::Status(status) => *response.status_mut() = status.try_into().unwrap(),
        Answer::With(status, name, value) => {
            *response.status_mut() = status.try_into().unwrap();
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        Answer::Never => std::future::pending().await,
        Answer::Endless => {
            *response.status_mut() = 400.try_into().unwrap();
            let frames = futures_util::stream::repeat_with(|| {
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 64])))
            });
            *response.body_mut() = StreamBody::new(frames).boxed_unsync();
        }
        Answer::Reset => return Err(std::io::ErrorKind::ConnectionReset.into()),
    }
    Ok(response)
}

/// A browser's key pair.
pub(crate) struct Browser {
    secret: SecretKey,
    auth: [u8; 16],
}

impl Browser {
    pub(crate) fn new() -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        // Below the order of the curve, whatever came.
        seed[0] = 1;
        let mut auth = [0; 16];
        getrandom::fill(&mut auth).unwrap();
        Self {
            secret: SecretKey::from_slice(&seed).unwrap(),
            auth,
        }
    }

    /// As the store keeps it.
    pub(crate) fn subscription(&self, endpoint: &str) -> Subscription {
        let point = self.secret.public_key().to_encoded_point(false);
        Subscription {
            endpoint: endpoint.to_owned(),
            p256dh: point.as_bytes().try_into().unwrap(),
            auth: self.auth,
            by: String::new(),
        }
    }

    /// As `pushManager.subscribe` returns it.
    pub(crate) fn subscribed(&self, endpoint: &str) -> Value {
        let Subscription { p256dh, auth, .. } = self.subscription(endpoint);
        json!({"endpoint": endpoint, "expirationTime": null, "keys": {
            "auth": URL_SAFE_NO_PAD.encode(auth), "p256dh": URL_SAFE_NO_PAD.encode(p256dh),
        }})
    }

    /// Opens a push and verifies its signature with `tests/push/open.mjs`.
    pub(crate) fn open(&self, came: &Came) -> Value {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/push");
        let missing = "Node.js and the packages of relay/tests/push open the pushes of this test: \
                       run `cargo xtask setup --tests`";
        let mut child = Command::new("node")
            .arg("open.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect(missing);
        let question = json!({
            "body": URL_SAFE_NO_PAD.encode(&came.body),
            "secret": URL_SAFE_NO_PAD.encode(self.secret.to_bytes()),
            "auth": URL_SAFE_NO_PAD.encode(self.auth),
            "authorization": came.header("authorization"),
        });
        // Closed again at once, so that it is read to its end.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all(question.to_string().as_bytes());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !error.contains("ERR_MODULE_NOT_FOUND"),
            "{missing}: {error}"
        );
        assert!(output.status.success(), "it cannot be opened: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
