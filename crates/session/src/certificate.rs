//! Whose certificate is accepted. Owns the verifier that TLS asks, the fingerprint by which a
//! certificate is pinned, and the words for what is not accepted. Shows nothing to anybody and
//! remembers nothing: the pin comes with the configuration.
//!
//! Invariants:
//! - without a pin the system decides, so a certificate authority that an office installed works;
//! - with a pin exactly that certificate is accepted, whoever else vouches for another one, and it
//!   alone is looked at: not its name, not its dates, since whoever pinned it meant this very one;
//! - either way the server proves in the handshake that it holds the certificate's key;
//! - a certificate that is not accepted ends the handshake: nothing of the session leaves.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};

/// rustls's words for a certificate that signed itself and says that it may sign others.
const USED_AS_OWN: &str = "CaUsedAsEndEntity";

const DAY: u64 = 24 * 60 * 60;

/// Names of a certificate that are told: enough to see whose it is.
const NAMES: usize = 3;

/// SHA-256 of a certificate, written as the relay prints it: `AB:CD:..`, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no SHA-256 fingerprint: one has 64 digits from 0 to F")]
pub struct NoFingerprint;

/// A certificate that was not accepted. Nothing was sent to the server that showed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the certificate of {host} {why}")]
pub struct Rejected {
    /// The host that was called.
    pub host: String,
    /// The certificate that was shown.
    pub shown: Fingerprint,
    /// What is wrong with it.
    pub why: Distrust,
}

/// What is wrong with a certificate, told apart by what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Nobody whom the system trusts signed it: it was made by the relay itself, or by somebody who
    /// poses as it. The one case in which a person can decide, by its fingerprint.
    #[error(
        "is signed by nobody whom this computer trusts: compare its fingerprint with the one that \
         the relay prints, and trust it only if they are the same"
    )]
    UnknownIssuer,
    /// It is not the pinned one.
    #[error(
        "is not the one that was trusted: the relay has a new one, or somebody poses as it; ask \
         whoever runs it before you trust the new one"
    )]
    Changed {
        /// The one that was trusted.
        pinned: Fingerprint,
        /// Whether the system trusts the new one by itself.
        vouched: bool,
    },
    /// Its time is over.
    #[error(
        "expired{} by this computer's clock: check the clock; if it is right, whoever runs the relay \
         has to renew the certificate", in_days(" ", *.days, " ago")
    )]
    Expired {
        /// Since how many days, where that is known.
        days: Option<u64>,
    },
    /// Its time has not come.
    #[error(
        "is not valid yet by this computer's clock{}: check the clock",
        in_days(" (it will be in ", *.days, ")")
    )]
    NotYetValid {
        /// In how many days it has, where that is known.
        days: Option<u64>,
    },
    /// It is for other names.
    #[error("is for {}: check the address, or a login page of the network answers in the relay's \
         place", some_of(.names))]
    WrongName {
        /// For which.
        names: Vec<String>,
    },
    /// Anything else.
    #[error("cannot be accepted ({0}): tell whoever runs the relay")]
    Other(String),
}

impl Fingerprint {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// Also as other programs write it: in small letters, with blanks or nothing between the bytes.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let mut digits = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
        let mut next = || digits.next().flatten().ok_or(NoFingerprint);
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = next()? << 4 | next()?;
        }
        match digits.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(NoFingerprint),
        }
    }
}

fn in_days(before: &str, days: Option<u64>, after: &str) -> String {
    match days {
        None => String::new(),
        Some(1) => format!("{before}1 day{after}"),
        Some(days) => format!("{before}{days} days{after}"),
    }
}

fn some_of(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    match first.join(", ") {
        none if none.is_empty() => "no name at all".to_owned(),
        some if names.len() > NAMES => format!("{some} and others"),
        all => all,
    }
}

/// A name as people write it, of `DnsName("relay.example")` and the like.
fn name(presented: &str) -> String {
    let inside = presented
        .split_once('(')
        .map_or(presented, |(_, inside)| inside.trim_end_matches(')'));
    inside.trim_matches('"').to_owned()
}

/// What TLS asks about certificates; see the file's head.
#[derive(Debug)]
pub(crate) struct Trust {
    host: String,
    pin: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    pub(crate) fn new(
        host: String,
        pin: Option<Fingerprint>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self {
            host,
            pin,
            provider,
        }
    }

    /// What was not accepted, where that ended the handshake.
    pub(crate) fn rejected(error: &io::Error) -> Option<Rejected> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else {
            return None;
        };
        inner.downcast_ref::<Rejected>().cloned()
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(end_entity);
        if self.pin == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let provider = Arc::clone(&self.provider);
        let by_system = Verifier::new(provider).map_or_else(
            |error| {
                // Without a single authority nobody is vouched for.
                tracing::warn!(%error, "the system's certificate authorities cannot be read");
                Err(CertificateError::UnknownIssuer.into())
            },
            |system| {
                system.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                )
            },
        );
        let why = match (self.pin, by_system) {
            (Some(pinned), by_system) => Distrust::Changed {
                pinned,
                vouched: by_system.is_ok(),
            },
            (None, Ok(verified)) => return Ok(verified),
            (None, Err(error)) => distrust(error),
        };
        let host = self.host.clone();
        let rejected = Rejected { host, shown, why };
        Err(CertificateError::Other(OtherError(Arc::new(rejected))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn distrust(error: Error) -> Distrust {
    let Error::InvalidCertificate(reason) = error else {
        return Distrust::Other(error.to_string());
    };
    let apart = |one: UnixTime, other: UnixTime| one.as_secs().abs_diff(other.as_secs()) / DAY;
    match reason {
        // Who has the name of an authority and not its signature is none.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            Distrust::UnknownIssuer
        }
        // What `openssl req -x509` makes says of itself that it is an authority's.
        CertificateError::Other(OtherError(inner)) if inner.to_string() == USED_AS_OWN => {
            Distrust::UnknownIssuer
        }
        CertificateError::Expired => Distrust::Expired { days: None },
        CertificateError::ExpiredContext { time, not_after } => Distrust::Expired {
            days: Some(apart(time, not_after)),
        },
        CertificateError::NotValidYet => Distrust::NotYetValid { days: None },
        CertificateError::NotValidYetContext { time, not_before } => Distrust::NotYetValid {
            days: Some(apart(time, not_before)),
        },
        CertificateError::NotValidForName => Distrust::WrongName { names: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.iter().map(|presented| name(presented)).collect();
            Distrust::WrongName { names }
        }
        other => Distrust::Other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: &str = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:\
                         A4:95:99:1B:78:52:B8:55";

    #[test]
    fn a_fingerprint_is_read_as_people_and_programs_write_it() {
        let of_nothing = Fingerprint::of(b"");
        assert_eq!(of_nothing.to_string(), NOTHING);
        let small = NOTHING.to_lowercase();
        for written in [
            NOTHING,
            &small,
            &small.replace(':', ""),
            &NOTHING.replace(':', " "),
        ] {
            assert_eq!(written.parse(), Ok(of_nothing), "{written}");
        }
        for written in [
            "",
            "E3:B0",
            &format!("{NOTHING}:00"),
            &NOTHING.replace('E', "G"),
        ] {
            assert_eq!(
                written.parse::<Fingerprint>(),
                Err(NoFingerprint),
                "{written}"
            );
        }
    }

    fn time(days: u64) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(days * DAY))
    }

    #[test]
    fn each_fault_says_what_to_do() {
        let said = |error: CertificateError| {
            let rejected = Rejected {
                host: "relay.example".into(),
                shown: Fingerprint::of(b""),
                why: distrust(error.into()),
            };
            rejected.to_string()
        };
        let (early, late) = (time(100), time(112));
        for (error, words) in [
            (
                CertificateError::ExpiredContext {
                    time: late,
                    not_after: early,
                },
                "expired 12 days ago by this computer's clock: check the clock",
            ),
            (
                CertificateError::NotValidYetContext {
                    time: time(99),
                    not_before: early,
                },
                "not valid yet by this computer's clock (it will be in 1 day): check the clock",
            ),
            (CertificateError::UnknownIssuer, "compare its fingerprint"),
            (
                CertificateError::NotValidForNameContext {
                    expected: ServerName::try_from("relay.example").unwrap(),
                    presented: vec![
                        r#"DnsName("login.example")"#.into(),
                        "IpAddress(10.0.0.1)".into(),
                    ],
                },
                "is for login.example, 10.0.0.1: check the address",
            ),
            (CertificateError::Revoked, "tell whoever runs the relay"),
        ] {
            let said = said(error);
            assert!(said.contains(words), "{said}");
        }
        let many: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert_eq!(some_of(&many), "0, 1, 2 and others");
    }
}
