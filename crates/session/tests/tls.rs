//! wss against a server whose certificate nobody vouches for: it is told apart from a server that
//! speaks no TLS, since a person does different things about the two.

use std::sync::Arc;

use tidings_session::{DialError, connect};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// For `localhost`, until 2126; made with `openssl req -x509`, its key guards nothing.
const CERTIFICATE: &[u8] = include_bytes!("self-signed/cert.der");
const KEY: &[u8] = include_bytes!("self-signed/key.der");

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_as_such() {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        // The client breaks it off.
        let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
    };
    let address = format!("wss://localhost:{port}").parse().unwrap();
    let (dialed, ()) = tokio::join!(connect(address), server);
    let error = dialed.err();
    assert!(
        matches!(&error, Some(DialError::Certificate { host, .. }) if host == "localhost"),
        "{error:?} is not about the certificate"
    );
}
