//! Named tokens: secrets of which each says what its holder may do, and can be taken back alone.
//!
//! Owns rights and the secrets' form; `file` keeps them. Invariants: a secret is shown once, when it
//! is made, and only its SHA-256 is kept. A plain hash is enough: the secret has 256 random bits,
//! which no guessing goes through, so there is nothing for a slow hash to protect.

mod file;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidings_protocol::{Group, InvalidId, Name, Target};

pub(crate) use self::file::replace;
pub use self::file::{TOKENS_AT_MOST, TokensError, TokensFile};
use crate::config::Token;

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A token with a name: what it allows, and the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedToken {
    /// What people call it.
    pub name: String,
    /// What its holder may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// When it was made: milliseconds since 1970.
    pub created_ms: u64,
    /// Where a request goes that names no recipient, as with gotify's dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Destination>,
    #[serde(rename = "sha256")]
    hash: Hash,
}

/// SHA-256 of a secret. Not printed: the hash of a weak secret of somebody's own gives it away.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Hash([u8; 32]);

/// What the holder of a token may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Whom it may send to.
    pub send: Scope,
    /// Which names it may be and which groups it may be in; to connect as a client at all, it needs
    /// one.
    pub receive: Scope,
}

/// Names and groups: each as `NAME` or `@GROUP`, or `*` for all there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Scope(Vec<Who>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Everybody,
    Exactly(Target),
}

impl NamedToken {
    /// Makes a new secret. It is not kept: whoever asked has to show it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate(
        name: &str,
        rights: Rights,
        created_ms: u64,
    ) -> Result<(Self, Token), getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        // Letters and digits only: some senders put it in a path, or take nothing else.
        let secret = Token::made(secret.iter().map(|byte| format!("{byte:02x}")).collect());
        let token = Self {
            name: name.to_owned(),
            rights,
            created_ms,
            to: None,
            hash: Hash::of(secret.expose()),
        };
        Ok((token, secret))
    }

    /// The same with a destination, which it may then send to.
    #[must_use]
    pub fn towards(mut self, to: Destination) -> Self {
        if !self.rights.send.allows(&to.0) {
            self.rights.send.0.push(Who::Exactly(to.0.clone()));
        }
        self.to = Some(to);
        self
    }

    pub(crate) fn hash(&self) -> &Hash {
        &self.hash
    }
}

/// One name or group, as `NAME` or `@GROUP`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination(Target);

impl Destination {
    /// Whom it stands for.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0
    }
}

impl std::str::FromStr for Destination {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.strip_prefix('@') {
            Some("") => Err(InvalidId::Empty { what: "group" }),
            Some(group) => Ok(Self(Target::Group(Group::new(group)?))),
            None => Ok(Self(Target::Personal(Name::new(text)?))),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Personal(name) => write!(f, "{name}"),
            Target::Group(group) => write!(f, "@{group}"),
        }
    }
}

impl From<Destination> for String {
    fn from(to: Destination) -> Self {
        to.to_string()
    }
}

impl Hash {
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| Some(Self(bytes.try_into().ok()?)))
            .ok_or("no SHA-256 in base64url")
    }
}

impl Scope {
    /// All names and groups.
    #[must_use]
    pub fn everybody() -> Self {
        Self(vec![Who::Everybody])
    }

    /// Nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Reads `NAME`, `@GROUP` and `*`.
    ///
    /// # Errors
    /// What is wrong with a name.
    pub fn parse<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidId> {
        list.into_iter()
            .map(|who| {
                Ok(match (who, who.strip_prefix('@')) {
                    ("*", _) => Who::Everybody,
                    (_, Some(group)) => Who::Exactly(Target::Group(Group::new(group)?)),
                    (name, None) => Who::Exactly(Target::Personal(Name::new(name)?)),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the target is among them.
    #[must_use]
    pub fn allows(&self, target: &Target) -> bool {
        self.0.iter().any(|who| match who {
            Who::Everybody => true,
            Who::Exactly(one) => one == target,
        })
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nobody");
        }
        f.write_str(&Vec::from(self.clone()).join(", "))
    }
}

impl From<Scope> for Vec<String> {
    fn from(scope: Scope) -> Self {
        scope
            .0
            .into_iter()
            .map(|who| match who {
                Who::Everybody => "*".to_owned(),
                Who::Exactly(Target::Personal(name)) => name.to_string(),
                Who::Exactly(Target::Group(group)) => format!("@{group}"),
            })
            .collect()
    }
}

impl TryFrom<Vec<String>> for Scope {
    type Error = InvalidId;

    fn try_from(list: Vec<String>) -> Result<Self, InvalidId> {
        Self::parse(list.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_names_and_groups_apart() {
        let scope = Scope::parse(["ann", "@family"]).unwrap();
        let personal = |name: &str| Target::Personal(Name::new(name).unwrap());
        let group = |name: &str| Target::Group(Group::new(name).unwrap());
        assert!(scope.allows(&personal("ann")) && scope.allows(&group("family")));
        assert!(!scope.allows(&group("ann")) && !scope.allows(&personal("family")));
        assert!(Scope::everybody().allows(&group("x")));
        assert!(!Scope::nobody().allows(&personal("x")));
        assert_eq!(scope.to_string(), "ann, @family");
        assert!(Scope::parse([""]).is_err());
    }

    #[test]
    fn only_the_hash_of_a_secret_is_kept() {
        let rights = Rights {
            send: Scope::everybody(),
            receive: Scope::nobody(),
        };
        let (token, secret) = NamedToken::generate("ci", rights, 1).unwrap();
        let text = serde_json::to_string(&token).unwrap();
        assert!(!text.contains(secret.expose()), "{text}");
        assert!(!format!("{token:?}").contains(&String::from(token.hash)));
        let read: NamedToken = serde_json::from_str(&text).unwrap();
        assert_eq!(read, token);
        assert_eq!(*read.hash(), Hash::of(secret.expose()));
        assert!(secret.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_destination_is_kept_and_may_be_sent_to() {
        let nothing = Rights {
            send: Scope::nobody(),
            receive: Scope::nobody(),
        };
        let (token, _) = NamedToken::generate("nas", nothing, 1).unwrap();
        let before = serde_json::to_string(&token).unwrap();
        assert!(!before.contains("\"to\""), "{before}");
        let token = token.towards("@family".parse().unwrap());
        let text = serde_json::to_string(&token).unwrap();
        assert!(text.contains(r#""to":"@family""#), "{text}");
        assert_eq!(token.rights.send.to_string(), "@family");
        let read: NamedToken = serde_json::from_str(&text).unwrap();
        assert_eq!(read, token);
        let again = token.clone().towards("@family".parse().unwrap());
        assert_eq!(again, token);
        for wrong in ["", "@", "a\nb"] {
            assert!(wrong.parse::<Destination>().is_err(), "{wrong:?}");
        }
    }
}
