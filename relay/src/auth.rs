//! Who may come in: the shared token, the tickets that stand in for it, and patience with wrong
//! guesses.
//!
//! Invariants: secrets are compared in constant time and never printed; a ticket is signed with the
//! relay's own key, which the token does not give away, and expires; an address that keeps guessing
//! wrong is not even compared until it has waited.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tidings_protocol::{Group, Name};

use crate::config::Token;

/// Wrong tokens an address may give at once: somebody who mistypes, a few misconfigured scripts.
const FREE_GUESSES: u32 = 10;
/// One more is granted each time this has passed.
const GUESS_EVERY: Duration = Duration::from_secs(5);
/// Addresses remembered; an attacker with more is not slowed by this, the token's length does that.
const ADDRESSES: usize = 4096;

/// How long a ticket is good for. Clients get a new one at every AUTH; a browser's service worker
/// may sleep for weeks between two.
const TICKET_SECS: u64 = 30 * 24 * 60 * 60;

/// `{"alg":"HS256","typ":"JWT"}`
const TICKET_HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The words of the reference.
    #[error("Token invalid")]
    Invalid,
    /// Too many wrong ones.
    #[error("Too many wrong tokens from this address: try again in {} s", .0.as_secs().max(1))]
    Wait(Duration),
}

/// Checks tokens.
#[derive(Debug)]
pub(crate) struct Gate {
    /// SHA-256 of the token, so that a comparison tells nothing of its length either.
    token: Option<[u8; 32]>,
    guesses: Mutex<HashMap<IpAddr, Guesses>>,
}

#[derive(Debug, Clone, Copy)]
struct Guesses {
    /// Wrong ones not forgiven yet.
    wrong: u32,
    since: Instant,
}

impl Gate {
    pub(crate) fn new(token: Option<&Token>) -> Self {
        Self {
            token: token.map(|token| Sha256::digest(token.expose()).into()),
            guesses: Mutex::default(),
        }
    }

    /// True when any token will do.
    pub(crate) fn is_open(&self) -> bool {
        self.token.is_none()
    }

    pub(crate) fn check(&self, token: &str, from: IpAddr, now: Instant) -> Result<(), Refusal> {
        let Some(expected) = &self.token else {
            return Ok(());
        };
        self.patience(from, now)?;
        let given: [u8; 32] = Sha256::digest(token).into();
        if bool::from(given.ct_eq(expected)) {
            return Ok(());
        }
        self.wrong(from, now);
        Err(Refusal::Invalid)
    }

    /// Refuses an address that has guessed wrong too often.
    pub(crate) fn patience(&self, from: IpAddr, now: Instant) -> Result<(), Refusal> {
        let guesses = self.lock();
        let Some(guesses) = guesses.get(&from) else {
            return Ok(());
        };
        let guesses = guesses.forgiven(now);
        if guesses.wrong < FREE_GUESSES {
            return Ok(());
        }
        let passed = now.saturating_duration_since(guesses.since);
        Err(Refusal::Wait(GUESS_EVERY.saturating_sub(passed)))
    }

    /// Counts a wrong token or ticket.
    pub(crate) fn wrong(&self, from: IpAddr, now: Instant) {
        let mut guesses = self.lock();
        if guesses.len() >= ADDRESSES && !guesses.contains_key(&from) {
            guesses.retain(|_, g| g.forgiven(now).wrong > 0);
            if guesses.len() >= ADDRESSES {
                // Forgetting one that is still counted beats growing without bound.
                let any = guesses.keys().next().copied();
                any.map(|address| guesses.remove(&address));
            }
        }
        let counted = guesses.entry(from).or_insert(Guesses {
            wrong: 0,
            since: now,
        });
        *counted = counted.forgiven(now);
        counted.wrong = (counted.wrong + 1).min(FREE_GUESSES);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Guesses>> {
        // A count that was being changed is as good before as after.
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guesses {
    fn forgiven(self, now: Instant) -> Self {
        let passed = now.saturating_duration_since(self.since);
        let forgiven = u32::try_from(passed.as_secs() / GUESS_EVERY.as_secs()).unwrap_or(u32::MAX);
        if forgiven >= self.wrong {
            return Self {
                wrong: 0,
                since: now,
            };
        }
        Self {
            wrong: self.wrong - forgiven,
            since: self.since + GUESS_EVERY * forgiven,
        }
    }
}

/// Signs and reads tickets: JSON Web Tokens (RFC 7519) with HMAC-SHA256, as the protocol's clients
/// know them.
pub(crate) struct Tickets {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

/// Whose ticket it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) name: Name,
    pub(crate) group: Group,
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
    /// Tickets of the relay that has this key; those given out under another token are void.
    pub(crate) fn new(key: &[u8; 32], token: Option<&Token>) -> Self {
        let token = token.map_or("", Token::expose);
        let key = hmac(key).chain_update(token).finalize().into_bytes();
        Self { key: hmac(&key) }
    }

    pub(crate) fn issue(&self, name: &Name, group: &Group, now_ms: u64) -> String {
        let iat = now_ms / 1000;
        let claims = Claims {
            name: name.clone(),
            group: group.clone(),
            iat,
            exp: iat + TICKET_SECS,
        };
        // Two texts and two numbers: writing them cannot fail.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{TICKET_HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.clone().chain_update(&signed).finalize();
        let signature = URL_SAFE_NO_PAD.encode(signature.into_bytes());
        format!("{signed}.{signature}")
    }

    pub(crate) fn verify(&self, ticket: &str, now_ms: u64) -> Result<Claims, TicketError> {
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

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn section_3_line_8_tickets_are_signed_with_the_relays_own_key_and_expire() {
        let tickets = Tickets::new(&[7; 32], None);
        let (name, group) = (Name::new("ann").unwrap(), Group::new("g").unwrap());
        let now = 1_795_414_055_651;
        let ticket = tickets.issue(&name, &group, now);
        assert_eq!(tickets.verify(&ticket, now).unwrap().name, name);
        let later = now + (TICKET_SECS + 1) * 1000;
        assert_eq!(tickets.verify(&ticket, later), Err(TicketError::Expired));
        let secret = Token::new("new").unwrap();
        for other in [
            Tickets::new(&[8; 32], None),
            Tickets::new(&[7; 32], Some(&secret)),
        ] {
            assert_eq!(other.verify(&ticket, now), Err(TicketError::Foreign));
        }
        for forged in ["", "a.b.c", ".", &ticket[1..], &ticket[..ticket.len() - 2]] {
            assert_eq!(tickets.verify(forged, now), Err(TicketError::Foreign));
        }
        // The reference signs with the token.
        let token = Tickets { key: hmac(b"test") };
        let forged = token.issue(&name, &group, now);
        let tickets = Tickets::new(&[7; 32], Some(&Token::new("test").unwrap()));
        assert_eq!(tickets.verify(&forged, now), Err(TicketError::Foreign));
        // No signature, as "alg":"none" has it.
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let claims = ticket.split('.').nth(1).unwrap();
        let none = format!("{header}.{claims}.");
        assert_eq!(tickets.verify(&none, now), Err(TicketError::Foreign));
    }

    #[test]
    fn section_3_line_8_guessing_is_slowed_per_address() {
        let gate = Gate::new(Some(&Token::new("secret").unwrap()));
        let start = Instant::now();
        let other = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        for _ in 0..FREE_GUESSES {
            assert_eq!(gate.check("guess", HERE, start), Err(Refusal::Invalid));
        }
        assert!(matches!(
            gate.check("secret", HERE, start),
            Err(Refusal::Wait(_))
        ));
        assert_eq!(gate.check("secret", other, start), Ok(()));
        let later = start + GUESS_EVERY;
        assert_eq!(gate.check("secret", HERE, later), Ok(()));
        assert_eq!(gate.check("guess", HERE, later), Err(Refusal::Invalid));
        assert!(matches!(
            gate.check("guess", HERE, later),
            Err(Refusal::Wait(_))
        ));
    }

    #[test]
    fn the_addresses_remembered_are_bounded() {
        let gate = Gate::new(Some(&Token::new("secret").unwrap()));
        let now = Instant::now();
        for n in 0..(ADDRESSES as u32 + 100) {
            let address = IpAddr::V4(std::net::Ipv4Addr::from(n));
            assert_eq!(gate.check("guess", address, now), Err(Refusal::Invalid));
        }
        assert!(gate.lock().len() <= ADDRESSES);
    }
}
