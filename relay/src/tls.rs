//! TLS on the relay's port: a certificate and its key from files, read again when they change, or
//! made here for relays that have no name a certificate authority would sign.
//!
//! rustls with ring; TLS 1.2 and 1.3, HTTP/1.1 only, as WebSockets need it. Invariants: a
//! certificate that cannot be used never replaces one that can; a private key is its owner's alone
//! and never printed.

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::tokens::replace;

/// The files of a certificate made here, in the data folder.
const OWN_CERTIFICATE: &str = "tls-cert.pem";
const OWN_KEY: &str = "tls-key.pem";

/// Where a certificate and its key are, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those it is signed by.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file holds no PEM of the kind that is wanted.
    #[error(
        "cannot read a {what} from {path}: {source}. Check the path, its rights, and that it is PEM"
    )]
    File {
        /// What should be in it.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The two do not make a server.
    #[error(
        "cannot use the certificate {path} with its key: {source}. Check that they belong together"
    )]
    Unusable {
        /// The certificate's.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// It could not be kept.
    #[error(
        "cannot write {path}: {source}. Check the data folder's rights and that its disk has room"
    )]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The certificate in use.
#[derive(Debug)]
pub struct Tls {
    inside: RwLock<Inside>,
}

#[derive(Debug, Clone)]
struct Inside {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

impl TlsFiles {
    /// Those of a certificate of the relay's own in its data folder, made if there is none: for
    /// `localhost`, the loopback addresses, and the address it listens on. It does not expire, as
    /// whoever trusts it trusts its fingerprint.
    ///
    /// # Errors
    /// [`TlsError`], with what to do.
    pub fn self_signed(folder: &Path, listening: IpAddr) -> Result<Self, TlsError> {
        let files = Self {
            certificate: folder.join(OWN_CERTIFICATE),
            key: folder.join(OWN_KEY),
        };
        if files.certificate.exists() && files.key.exists() {
            return Ok(files);
        }
        let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        let listening = listening.to_string();
        if !names.contains(&listening) {
            names.push(listening);
        }
        let made = rcgen::generate_simple_self_signed(names)?;
        // The certificate last: with both there, they belong together.
        for (path, text) in [
            (&files.key, made.signing_key.serialize_pem()),
            (&files.certificate, made.cert.pem()),
        ] {
            replace(path, text.as_bytes()).map_err(|source| TlsError::Write {
                path: path.clone(),
                source,
            })?;
        }
        Ok(files)
    }

    fn read(&self) -> Result<Inside, TlsError> {
        let path = &self.certificate;
        let wrong = |what, path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::File { what, path, source }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(wrong("certificate", path))?;
        let Some(first) = chain.first() else {
            return Err(wrong("certificate", path)(pem::Error::NoItemsFound));
        };
        let fingerprint = fingerprint(first);
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(wrong("private key", &self.key))?;
        let unusable = |source| TlsError::Unusable {
            path: path.clone(),
            source,
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Inside {
            config: Arc::new(config),
            fingerprint,
        })
    }
}

impl Tls {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// [`TlsError`], with what to do.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            inside: RwLock::new(files.read()?),
        })
    }

    /// Reads them again, for connections from here on.
    ///
    /// # Errors
    /// [`TlsError`]; the old ones stay in use.
    pub fn reload(&self, files: &TlsFiles) -> Result<(), TlsError> {
        let inside = files.read()?;
        *self.inside.write().unwrap_or_else(PoisonError::into_inner) = inside;
        Ok(())
    }

    fn inside(&self) -> Inside {
        let inside = self.inside.read().unwrap_or_else(PoisonError::into_inner);
        inside.clone()
    }

    /// SHA-256 of the certificate, as browsers show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.inside().fingerprint
    }

    /// The handshake. May wait for ever: the caller sets a limit.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let acceptor = TlsAcceptor::from(self.inside().config);
        acceptor.accept(stream).await
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    let bytes: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_certificate_of_its_own_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles::self_signed(folder.path(), HERE).unwrap();
        let first = Tls::read(&files).unwrap().fingerprint();
        assert_eq!(first.len(), 95);
        let again = TlsFiles::self_signed(folder.path(), HERE).unwrap();
        assert_eq!(Tls::read(&again).unwrap().fingerprint(), first);
    }

    #[test]
    fn what_cannot_be_used_does_not_replace_what_can() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = TlsFiles::self_signed(one.path(), HERE).unwrap();
        let other = TlsFiles::self_signed(two.path(), HERE).unwrap();
        let tls = Tls::read(&files).unwrap();
        let first = tls.fingerprint();
        let mixed = TlsFiles {
            key: other.key.clone(),
            ..files.clone()
        };
        assert!(matches!(tls.reload(&mixed), Err(TlsError::Unusable { .. })));
        std::fs::write(&files.certificate, "no PEM").unwrap();
        assert!(matches!(tls.reload(&files), Err(TlsError::File { .. })));
        assert_eq!(tls.fingerprint(), first);
        tls.reload(&other).unwrap();
        assert_ne!(tls.fingerprint(), first);
    }
}
