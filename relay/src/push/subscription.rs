//! What a client says about where its messages are pushed to, read and checked as far as it can be
//! without the network.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use p256::PublicKey;
use tidings_protocol::client;
use url::{Host, Url};

use crate::store::Subscription;

/// Bytes of an endpoint: those of the push services in use stay under 1 KiB.
const ENDPOINT_BYTES: usize = 2048;

/// base64url, padded or not: clients differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why nothing can be pushed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("the endpoint is longer than {ENDPOINT_BYTES} bytes")]
    TooLong,
    #[error("the endpoint is no https address: give what pushManager.subscribe returned")]
    Address,
    #[error("keys.p256dh is no P-256 public key of 65 bytes in base64url")]
    PublicKey,
    #[error("keys.auth is no secret of 16 bytes in base64url")]
    Auth,
}

/// Reads what a client registers that came by a token.
pub(crate) fn parse(said: &client::Subscription, by: String) -> Result<Subscription, Unfit> {
    if said.endpoint.len() > ENDPOINT_BYTES {
        return Err(Unfit::TooLong);
    }
    endpoint(&said.endpoint).ok_or(Unfit::Address)?;
    let p256dh: [u8; 65] = decoded(&said.p256dh).ok_or(Unfit::PublicKey)?;
    // A point off the curve would tell about our key.
    PublicKey::from_sec1_bytes(&p256dh).map_err(|_| Unfit::PublicKey)?;
    Ok(Subscription {
        endpoint: said.endpoint.clone(),
        p256dh,
        auth: decoded(&said.auth).ok_or(Unfit::Auth)?,
        by,
    })
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// An endpoint's address, if it is one of https, without a user in it.
pub(crate) fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let named = match url.host()? {
        Host::Domain(domain) => !domain.is_empty(),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    (url.scheme() == "https" && plain && named).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256DH: &str =
        "BKxbQDwmEMCWLIxES58ILFCRV4PmoSFvQOJ8uOkkK2GRYEkPGmk5bO117D14tbYtJxZ04Pi-wmzzOGjcdAsrsHE";
    const AUTH: &str = "wGtgzksIjNj6hMXBPo3dbg";

    fn said(endpoint: &str, p256dh: &str, auth: &str) -> Result<Subscription, Unfit> {
        let said = client::Subscription {
            endpoint: endpoint.to_owned(),
            p256dh: p256dh.to_owned(),
            auth: auth.to_owned(),
        };
        parse(&said, String::new())
    }

    #[test]
    fn line_09_only_what_could_be_pushed_to_is_taken() {
        let good = said("https://push.example/x?y=z", P256DH, AUTH).unwrap();
        assert_eq!(good.endpoint, "https://push.example/x?y=z");
        assert!(!format!("{good:?}").contains("push.example"));
        // Padding is no matter.
        let padded = said("https://push.example/x", &format!("{P256DH}="), AUTH);
        assert_eq!(padded.unwrap().p256dh, good.p256dh);
        for bad in [
            "http://push.example/x",
            "not a url",
            "",
            "https://",
            "https://user@push.example/",
            "ftp://push.example/",
            "file:///etc/passwd",
        ] {
            assert_eq!(said(bad, P256DH, AUTH), Err(Unfit::Address), "{bad}");
        }
        let long = format!("https://push.example/{}", "x".repeat(ENDPOINT_BYTES));
        assert_eq!(said(&long, P256DH, AUTH), Err(Unfit::TooLong));
        let off_the_curve = format!("{}AA", &P256DH[..85]);
        for bad in ["", "y", AUTH, &off_the_curve] {
            let key = said("https://push.example/", bad, AUTH);
            assert_eq!(key, Err(Unfit::PublicKey), "{bad}");
        }
        for bad in ["", "x", P256DH] {
            let auth = said("https://push.example/", P256DH, bad);
            assert_eq!(auth, Err(Unfit::Auth), "{bad}");
        }
    }
}
