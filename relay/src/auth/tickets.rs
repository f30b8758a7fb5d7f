//! Tickets, which stand in for a token: JSON Web Tokens (RFC 7519) with HMAC-SHA256, as the
//! protocol's clients know them.
//!
//! Invariants: a ticket is signed with the relay's own key, which no token gives away, and expires;
//! it says by which token it was given out, so that it goes with that token, and nothing that would
//! help to guess it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tidings_protocol::{Group, Name};

use crate::tokens::Hash;

/// How long a ticket is good for. Clients get a new one at every AUTH; a browser's service worker
/// may sleep for weeks between two.
pub(super) const TICKET_SECS: u64 = 30 * 24 * 60 * 60;

/// `{"alg":"HS256","typ":"JWT"}`
const TICKET_HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Bytes of the mark that tells tokens apart: enough that no two of a relay share one.
const MARK_BYTES: usize = 12;

/// Signs and reads tickets.
pub(super) struct Tickets {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

/// Whose ticket it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) name: Name,
    pub(super) group: Group,
    /// The mark of the token that it stands in for; empty if none was asked for.
    #[serde(default)]
    pub(super) by: String,
    iat: u64,
    exp: u64,
}

/// Why a ticket is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TicketError {
    #[error("the auth ticket is not one of this relay: AUTH again to get one")]
    Foreign,
    #[error("the auth ticket has expired: AUTH again to get a new one")]
    Expired,
}

impl Tickets {
    /// Tickets of the relay that has this key.
    pub(super) fn new(key: &[u8]) -> Self {
        Self { key: hmac(key) }
    }

    /// What stands for a token in its tickets.
    pub(super) fn mark(&self, token: &Hash) -> String {
        let mark = self.key.clone().chain_update(token.bytes()).finalize();
        let mark = mark.into_bytes();
        URL_SAFE_NO_PAD.encode(mark.get(..MARK_BYTES).unwrap_or_default())
    }

    pub(super) fn issue(&self, name: &Name, group: &Group, by: String, now_ms: u64) -> String {
        let iat = now_ms / 1000;
        let claims = Claims {
            name: name.clone(),
            group: group.clone(),
            by,
            iat,
            exp: iat + TICKET_SECS,
        };
        // Texts and numbers: writing them cannot fail.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{TICKET_HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.clone().chain_update(&signed).finalize();
        let signature = URL_SAFE_NO_PAD.encode(signature.into_bytes());
        format!("{signed}.{signature}")
    }

    pub(super) fn verify(&self, ticket: &str, now_ms: u64) -> Result<Claims, TicketError> {
        let foreign = TicketError::Foreign;
        let (signed, signature) = ticket.rsplit_once('.').ok_or(foreign)?;
        // Only what this relay writes: no choice of algorithm to be talked into.
        let claims = signed
            .strip_prefix(TICKET_HEADER)
            .and_then(|rest| rest.strip_prefix('.'))
            .ok_or(foreign)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| foreign)?;
        self.key
            .clone()
            .chain_update(signed)
            .verify_slice(&signature)
            .map_err(|_| foreign)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| foreign)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| foreign)?;
        if claims.exp <= now_ms / 1000 {
            return Err(TicketError::Expired);
        }
        Ok(claims)
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("HMAC takes any key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_08_tickets_are_signed_with_the_relays_own_key_and_expire() {
        let tickets = Tickets::new(&[7; 32]);
        let (name, group) = (Name::new("ann").unwrap(), Group::new("g").unwrap());
        let now = 1_795_414_055_651;
        let ticket = tickets.issue(&name, &group, String::new(), now);
        assert_eq!(tickets.verify(&ticket, now).unwrap().name, name);
        let later = now + (TICKET_SECS + 1) * 1000;
        assert_eq!(tickets.verify(&ticket, later), Err(TicketError::Expired));
        let other = Tickets::new(&[8; 32]);
        assert_eq!(other.verify(&ticket, now), Err(TicketError::Foreign));
        for forged in ["", "a.b.c", ".", &ticket[1..], &ticket[..ticket.len() - 2]] {
            assert_eq!(tickets.verify(forged, now), Err(TicketError::Foreign));
        }
        // The reference signs with the token.
        let forged = Tickets::new(b"test").issue(&name, &group, String::new(), now);
        assert_eq!(tickets.verify(&forged, now), Err(TicketError::Foreign));
        // No signature, as "alg":"none" has it.
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let claims = ticket.split('.').nth(1).unwrap();
        let none = format!("{header}.{claims}.");
        assert_eq!(tickets.verify(&none, now), Err(TicketError::Foreign));
    }
}
