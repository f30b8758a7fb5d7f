//! The relay's key pair towards push services, and the tokens signed with it (RFC 8292).
//!
//! Owns the ES256 signature and the tokens' life. Invariants: a token is for one origin, and never
//! told to another; the private key leaves this file only into the store.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    elliptic_curve::sec1::ToEncodedPoint as _,
};
use serde_json::json;

/// How long a token holds: push services take up to 24 h; half of it leaves room for clocks that
/// are wrong.
const TOKEN_SECS: u64 = 12 * 60 * 60;

/// A token is used as long as it holds for this much longer.
const SPARE_SECS: u64 = 60 * 60;

/// Tokens remembered. There are a handful of push services; more origins are somebody's play, and
/// cost a signature each.
const TOKENS: usize = 64;

/// A new private key.
///
/// # Errors
/// When the system gives no random numbers.
pub(crate) fn new_key() -> Result<[u8; 32], getrandom::Error> {
    let mut key = [0; 32];
    loop {
        getrandom::fill(&mut key)?;
        // All but one in 2^32 of them are.
        if SecretKey::from_slice(&key).is_ok() {
            return Ok(key);
        }
    }
}

/// The key pair, with the tokens that are in use.
pub(crate) struct Vapid {
    key: SigningKey,
    public: String,
    contact: String,
    tokens: Mutex<HashMap<String, Token>>,
}

struct Token {
    text: String,
    expires: u64,
}

impl fmt::Debug for Vapid {
    /// Leaves the key and the tokens out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vapid")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl Vapid {
    /// Of a stored key; `None` if it is none.
    pub(crate) fn new(key: &[u8; 32], contact: &str) -> Option<Self> {
        let key = SecretKey::from_slice(key).ok()?;
        let public = key.public_key().to_encoded_point(false);
        Some(Self {
            public: URL_SAFE_NO_PAD.encode(public.as_bytes()),
            key: key.into(),
            contact: contact.to_owned(),
            tokens: Mutex::default(),
        })
    }

    /// The public key as browsers subscribe with it: 87 characters.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }

    /// The `Authorization` header of a request to `origin`, at `now` in seconds since 1970.
    pub(crate) fn authorization(&self, origin: &str, now: u64) -> String {
        // A token lost to a panic is signed anew.
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = tokens
            .get(origin)
            .filter(|token| now + SPARE_SECS < token.expires && token.expires <= now + TOKEN_SECS)
            .map(|token| token.text.clone());
        let text = fresh.unwrap_or_else(|| {
            let expires = now + TOKEN_SECS;
            let text = self.sign(origin, expires);
            if tokens.len() >= TOKENS {
                tokens.clear();
            }
            let token = text.clone();
            tokens.insert(
                origin.to_owned(),
                Token {
                    text: token,
                    expires,
                },
            );
            text
        });
        format!("vapid t={text}, k={}", self.public)
    }

    fn sign(&self, origin: &str, expires: u64) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({"typ": "JWT", "alg": "ES256"}));
        let claims = part(json!({"aud": origin, "exp": expires, "sub": self.contact}));
        let signed = format!("{head}.{claims}");
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_once_for_an_origin_and_renewed_before_it_ends() {
        let vapid = Vapid::new(&new_key().unwrap(), "mailto:a@example.org").unwrap();
        assert_eq!(vapid.public().len(), 87);
        let now = 1_795_414_055;
        let at = |origin: &str, now| vapid.authorization(origin, now);
        let first = at("https://a", now);
        assert!(first.ends_with(&format!(", k={}", vapid.public())));
        assert_eq!(at("https://a", now + 10 * 3600), first);
        assert_ne!(at("https://b", now), first);
        assert_ne!(at("https://a", now + TOKEN_SECS - SPARE_SECS), first);
        // A clock that was set back: the old token would hold for longer than services take.
        let second = at("https://a", now + TOKEN_SECS);
        assert_ne!(at("https://a", now), second);
        assert!(!format!("{vapid:?}").contains("key"));
    }

    #[test]
    fn origins_that_are_made_up_do_not_pile_up() {
        let vapid = Vapid::new(&new_key().unwrap(), "mailto:a@example.org").unwrap();
        for n in 0..3 * TOKENS {
            vapid.authorization(&format!("https://{n}"), 1);
        }
        assert!(vapid.tokens.lock().unwrap().len() <= TOKENS);
    }
}
