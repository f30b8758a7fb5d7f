//! The names of the foreign dialects that the HTTP side understands beside the base protocol, and
//! which of them are on. What each of them means is in `http::dialects`.

use std::{fmt, str::FromStr};

/// A way in which programs that know nothing of this relay send their messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `POST /message` of a gotify server.
    Gotify,
    /// `POST /TOPIC` of an ntfy server.
    Ntfy,
    /// `/message/push` of a PushDeer server.
    Pushdeer,
    /// `/SENDKEY.send` of ServerChan.
    Serverchan,
    /// The webhook bodies of Prometheus Alertmanager and of Grafana, on any flat path.
    Alertmanager,
    /// The webhook bodies of Uptime Kuma, on any flat path.
    UptimeKuma,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Gotify,
        Self::Ntfy,
        Self::Pushdeer,
        Self::Serverchan,
        Self::Alertmanager,
        Self::UptimeKuma,
    ];

    /// As settings and figures call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gotify => "gotify",
            Self::Ntfy => "ntfy",
            Self::Pushdeer => "pushdeer",
            Self::Serverchan => "serverchan",
            Self::Alertmanager => "alertmanager",
            Self::UptimeKuma => "uptime-kuma",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No dialect is called this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialect {0:?}")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == text)
            .ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}

/// Which dialects are on; all of them by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialects(Vec<Dialect>);

impl Default for Dialects {
    fn default() -> Self {
        Self(Dialect::ALL.to_vec())
    }
}

impl Dialects {
    /// Those of them that are in the list, and no others.
    #[must_use]
    pub fn only(list: &[Dialect]) -> Self {
        let named = |dialect: &Dialect| list.contains(dialect);
        Self(Dialect::ALL.into_iter().filter(named).collect())
    }

    /// Whether it is on.
    #[must_use]
    pub fn has(&self, dialect: Dialect) -> bool {
        self.0.contains(&dialect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_a_name_that_reads_back() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
        }
        assert!("pigeon".parse::<Dialect>().is_err());
        let some = Dialects::only(&[Dialect::Ntfy, Dialect::Gotify]);
        assert!(some.has(Dialect::Ntfy) && !some.has(Dialect::Pushdeer));
        assert_eq!(Dialects::only(&Dialect::ALL), Dialects::default());
    }
}
