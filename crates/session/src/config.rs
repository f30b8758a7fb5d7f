//! What a session is told: where the relay is and who this client says it is. Parsed here once;
//! whoever holds an [`Address`] need not check it again.

use std::{fmt, str::FromStr};

use tidings_protocol::{Group, Name};
use url::{Host, Url};

use crate::certificate::Fingerprint;

/// The port a relay listens on when nothing else is said.
pub const DEFAULT_PORT: u16 = 9093;

/// The extensions this session speaks: it can match replies by `ref` (section 4 of the protocol).
pub const FEATURES: &[&str] = &["ref"];

/// Settings of one session. New settings mean a new session.
#[derive(Clone)]
pub struct Config {
    /// Where the relay is.
    pub address: Address,
    /// The shared secret.
    pub token: String,
    /// This client's name.
    pub name: Name,
    /// Its group; may be the empty one.
    pub group: Group,
    /// The one certificate that is accepted; none leaves it to the system.
    pub pin: Option<Fingerprint>,
    /// The extensions to offer; [`FEATURES`] unless there is a reason.
    pub features: Vec<String>,
}

impl fmt::Debug for Config {
    /// Leaves the token out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("address", &self.address)
            .field("name", &self.name)
            .field("group", &self.group)
            .field("pin", &self.pin)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A client of that relay, with all the extensions this session speaks.
    #[must_use]
    pub fn new(address: Address, token: impl Into<String>, name: Name, group: Group) -> Self {
        Self {
            address,
            token: token.into(),
            name,
            group,
            pin: None,
            features: FEATURES.iter().map(|&f| f.to_owned()).collect(),
        }
    }
}

/// A relay's address: a `ws` or `wss` URL with a host.
///
/// People may write less: `http` and `https` are read as `ws` and `wss`, and what has no scheme is
/// `ws` on [`DEFAULT_PORT`] unless it names another port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Url);

/// Why a text is no address of a relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("not an address ({0}): write it like ws://192.168.1.5:9093 or wss://push.example.org")]
    NotAUrl(#[from] url::ParseError),
    /// It has another scheme.
    #[error("{0}:// is not a relay's scheme: use ws:// or wss://")]
    Scheme(String),
    /// It names nothing to connect to.
    #[error("the address names no host: write it like ws://192.168.1.5:9093")]
    NoHost,
    /// It carries a user or password, which would end in logs.
    #[error("the address must not hold a user or password: the token has a field of its own")]
    Credentials,
}

impl Address {
    /// The URL to shake hands with.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// True for `wss`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "wss"
    }

    /// Name or address of the host, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match self.0.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => String::new(),
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(DEFAULT_PORT)
    }

    /// Host and port, as people write them.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.0.host_str().unwrap_or_default(), self.port())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let full = match text.split_once("://") {
            Some(("http", rest)) => format!("ws://{rest}"),
            Some(("https", rest)) => format!("wss://{rest}"),
            Some(_) => text.to_owned(),
            None => format!("ws://{text}"),
        };
        let mut url = Url::parse(&full)?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError::NoHost);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let bare = !text.contains("://");
        if bare && url.port().is_none() && !names_port(text) {
            // Cannot fail: the URL has a host.
            let _ = url.set_port(Some(DEFAULT_PORT));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

/// True where the text itself ends its host with a port: `Url` forgets one that is the default.
fn names_port(text: &str) -> bool {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for Address {
    /// Without the query, which may hold a secret of a proxy's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_becomes_a_websocket_url() {
        for (written, read) in [
            ("ws://relay.lan:9093", "ws://relay.lan:9093/"),
            ("wss://push.example.org", "wss://push.example.org/"),
            (
                "https://push.example.org/relay",
                "wss://push.example.org/relay",
            ),
            ("http://10.0.0.2:80", "ws://10.0.0.2/"),
            (" 192.168.1.5 ", "ws://192.168.1.5:9093/"),
            ("192.168.1.5:80", "ws://192.168.1.5/"),
            ("relay.lan:9094/x", "ws://relay.lan:9094/x"),
            ("[::1]", "ws://[::1]:9093/"),
            ("[::1]:9000", "ws://[::1]:9000/"),
            ("ws://h:1/p?q=1#f", "ws://h:1/p?q=1"),
        ] {
            assert_eq!(
                written.parse::<Address>().unwrap().as_str(),
                read,
                "{written}"
            );
        }
        let v6: Address = "wss://[fe80::1]".parse().unwrap();
        assert_eq!(
            (v6.host(), v6.port(), v6.is_tls()),
            ("fe80::1".to_owned(), 443, true)
        );
        assert_eq!(v6.authority(), "[fe80::1]:443");
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        for written in ["", "   ", "ftp://x", "ws://", "ws://u:p@h", "ws://h:99999"] {
            assert!(written.parse::<Address>().is_err(), "{written:?}");
        }
        assert_eq!(
            "ftp://x".parse::<Address>().unwrap_err().to_string(),
            "ftp:// is not a relay's scheme: use ws:// or wss://"
        );
    }

    #[test]
    fn debug_shows_no_token() {
        let config = Config::new(
            "h".parse().unwrap(),
            "s3cret",
            Name::new("n").unwrap(),
            Group::none(),
        );
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
