//! wss against servers whose certificate nobody vouches for: asked about, pinned, changed, and with a
//! key that is not the certificate's. What is not accepted hears nothing of the session.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use tidings_session::{Address, DialError, Distrust, Fingerprint, Rejected, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};

/// For `localhost`, until 2126; made with `openssl req -x509`, its key guards nothing.
const CERTIFICATE: &[u8] = include_bytes!("self-signed/cert.der");
const KEY: &[u8] = include_bytes!("self-signed/key.der");

/// What the far side heard from who was let through to it.
const HELLO: &[u8] = b"AUTH";

/// A certificate and whatever key, which a real server would not take together.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Made here, with its key.
fn another() -> (Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.der().to_vec(), made.signing_key.serialize_der())
}

/// Dials a server that shows this; gives what came of it, and what the server heard.
async fn dial(
    certificate: &[u8],
    key: &[u8],
    version: &'static SupportedProtocolVersion,
    pin: Option<Fingerprint>,
) -> (Result<(), DialError>, Vec<u8>) {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let shown = Shown(Arc::new(CertifiedKey::new(
        vec![CertificateDer::from(certificate.to_vec())],
        ring::sign::any_supported_type(&key).unwrap(),
    )));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        // Where the client breaks it off nothing was heard.
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            let _ = stream.read_to_end(&mut heard).await;
        }
        heard
    };
    let address: Address = format!("wss://localhost:{port}").parse().unwrap();
    let client = async {
        let mut stream = connect(address, pin).await?;
        stream.write_all(HELLO).await.unwrap();
        stream.shutdown().await.unwrap();
        Ok(())
    };
    tokio::join!(client, server)
}

fn rejected(dialed: Result<(), DialError>) -> Rejected {
    match dialed {
        Err(DialError::Certificate(rejected)) => rejected,
        other => panic!("{other:?} is not about the certificate"),
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_shown_by_its_fingerprint() {
    let shown = Fingerprint::of(CERTIFICATE);
    let (dialed, heard) = dial(CERTIFICATE, KEY, &version::TLS13, None).await;
    let rejected = rejected(dialed);
    assert_eq!(
        (rejected.host.as_str(), rejected.shown, rejected.why),
        ("localhost", shown, Distrust::UnknownIssuer)
    );
    assert!(heard.is_empty());
}

#[tokio::test]
async fn a_pinned_certificate_is_accepted_and_no_other_one() {
    for version in [&version::TLS12, &version::TLS13] {
        let pinned = Fingerprint::of(CERTIFICATE);
        let (dialed, heard) = dial(CERTIFICATE, KEY, version, Some(pinned)).await;
        assert_eq!(dialed, Ok(()));
        assert_eq!(heard, HELLO);

        let (certificate, key) = another();
        let (dialed, heard) = dial(&certificate, &key, version, Some(pinned)).await;
        let rejected = rejected(dialed);
        assert_eq!(rejected.shown, Fingerprint::of(&certificate));
        let vouched = false;
        assert_eq!(rejected.why, Distrust::Changed { pinned, vouched });
        assert!(heard.is_empty());
    }
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_worth_nothing() {
    for version in [&version::TLS12, &version::TLS13] {
        let pinned = Fingerprint::of(CERTIFICATE);
        let (_, stolen) = another();
        let (dialed, heard) = dial(CERTIFICATE, &stolen, version, Some(pinned)).await;
        assert!(
            matches!(dialed, Err(DialError::Tls { .. })),
            "{:?}: {dialed:?}",
            version.version
        );
        assert!(heard.is_empty());
    }
}

#[tokio::test]
async fn a_certificate_whose_time_is_over_is_told_so_and_may_be_pinned_all_the_same() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut asked = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    asked.not_before = rcgen::date_time_ymd(2001, 1, 1);
    asked.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let made = asked.self_signed(&key).unwrap();
    let (certificate, key) = (made.der().to_vec(), key.serialize_der());
    let (dialed, _) = dial(&certificate, &key, &version::TLS13, None).await;
    let why = rejected(dialed).why;
    assert!(
        matches!(why, Distrust::Expired { days: Some(days) } if days > 8000),
        "{why:?}"
    );

    let pin = Some(Fingerprint::of(&certificate));
    let (dialed, heard) = dial(&certificate, &key, &version::TLS13, pin).await;
    assert_eq!((dialed, heard.as_slice()), (Ok(()), HELLO));
}

#[tokio::test]
async fn what_openssl_makes_without_further_words_is_of_an_unknown_issuer_too() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut asked = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    asked.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let made = asked.self_signed(&key).unwrap();
    let (dialed, _) = dial(made.der(), &key.serialize_der(), &version::TLS13, None).await;
    assert_eq!(rejected(dialed).why, Distrust::UnknownIssuer);
}
