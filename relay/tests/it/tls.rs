//! TLS on the relay's port: by its own certificate, by files that change, and against peers that
//! never shake hands.

use std::{io::BufRead as _, net::SocketAddr, path::Path, process::Command, sync::Arc};

use tidings_relay::{Hub, MemoryStore, Timing, Tls, TlsFiles, serve_tls};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    process::{Process, command, refused, run},
    support::{config, within},
};

/// What `/health` answers to somebody who trusts this certificate alone.
async fn health(address: SocketAddr, certificate: &Path) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = within(TcpStream::connect(address)).await?;
    let connector = TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = within(connector.connect(name, stream)).await?;
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    within(stream.write_all(request)).await?;
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await?;
    Ok(answer)
}

#[tokio::test]
async fn its_own_certificate_is_made_once_and_its_fingerprint_printed() {
    let data = tempfile::tempdir().unwrap();
    let mut fingerprints = Vec::new();
    for _ in 0..2 {
        let mut command = command(data.path());
        command.arg("--tls-self-signed");
        let mut relay = Process::of(command);
        let answer = health(relay.address, &data.path().join("tls-cert.pem"))
            .await
            .unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut line = String::new();
        relay.stdout.read_line(&mut line).unwrap();
        fingerprints.push(line);
    }
    assert!(fingerprints[0].starts_with("certificate SHA-256 "));
    assert_eq!(fingerprints[0], fingerprints[1]);
}

#[cfg(unix)]
#[tokio::test]
async fn certificate_files_are_read_again_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    let made = |folder: &Path| {
        std::fs::create_dir(folder).unwrap();
        TlsFiles::self_signed(folder, [127, 0, 0, 1].into()).unwrap()
    };
    let (files, new) = (made(&first), made(&second));
    let data = folder.path().join("data");
    let with = |key: &Path| {
        let mut command = command(&data);
        command.arg("--tls-cert").arg(&files.certificate);
        command.arg("--tls-key").arg(key);
        command
    };
    let output = run(&mut with(&new.key));
    refused(&output, &["belong together"]);
    let relay = Process::of(with(&files.key));
    health(relay.address, &files.certificate).await.unwrap();
    let before = folder.path().join("before.pem");
    std::fs::copy(&files.certificate, &before).unwrap();
    std::fs::copy(&new.key, &files.key).unwrap();
    std::fs::copy(&new.certificate, &files.certificate).unwrap();
    let pid = relay.child.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert!(sent.success());
    within(async { while health(relay.address, &new.certificate).await.is_err() {} }).await;
    assert!(health(relay.address, &before).await.is_err());
}

#[tokio::test]
async fn who_never_shakes_hands_is_dropped_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles::self_signed(folder.path(), [127, 0, 0, 1].into()).unwrap();
    let tls = Arc::new(Tls::read(&files).unwrap());
    let mut config = config();
    config.timing = Timing {
        request: std::time::Duration::from_millis(200),
        ..config.timing
    };
    let hub = Hub::open(config, Arc::new(MemoryStore::new()))
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve_tls(hub, listener, tls, shutdown.clone()));
    let mut silent = within(TcpStream::connect(address)).await.unwrap();
    assert_eq!(within(silent.read(&mut [0; 16])).await.unwrap(), 0);
    // Neither does plain HTTP get in.
    let mut plain = within(TcpStream::connect(address)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = within(plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"));
    shutdown.cancel();
    within(server).await.unwrap();
}
