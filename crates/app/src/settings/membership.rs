//! The relays in the settings file: which they are, and who this computer is on them.
//!
//! Also reads the shape of earlier versions, which knew one relay only.

use serde::{Deserialize, Serialize};
use tidings_session::Address;

use crate::types::{Color, RelayId};

/// A relay, and who this computer is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Membership {
    pub(crate) id: RelayId,
    pub(crate) at: At,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) group: String,
    /// What the person calls it; empty until they do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) color: Color,
    /// The fingerprint of the certificate that the person agreed to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pinned: Option<String>,
}

/// Which relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum At {
    /// The one hosted inside, wherever its port is.
    Hosted,
    /// A ws or wss URL.
    Address(String),
}

impl At {
    /// The host's name; none for the one hosted inside, and where the address is none.
    pub(crate) fn host(&self) -> Option<String> {
        match self {
            Self::Hosted => None,
            Self::Address(address) => {
                let address: Address = address.parse().ok()?;
                Some(address.host())
            }
        }
    }
}

/// The one relay of earlier versions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Former {
    at: At,
    name: String,
    #[serde(default)]
    group: String,
}

impl Former {
    /// As it is kept today.
    pub(super) fn adopted(self, beside: &[Membership]) -> Membership {
        Membership::new(self.at, self.name, self.group, beside)
    }
}

impl Membership {
    /// A relay joined beside others: with an id and a colour that none of them has.
    pub(crate) fn new(at: At, name: String, group: String, beside: &[Self]) -> Self {
        let id = free_id(&at, beside);
        let free = |color: &Color| beside.iter().all(|other| other.color != *color);
        Self {
            id,
            at,
            name,
            group,
            label: String::new(),
            color: Color::ALL.into_iter().find(free).unwrap_or_default(),
            pinned: None,
        }
    }
}

/// Made of the host's name, so that a relay that was left has its id again when it is joined again,
/// and what came by it is its own.
fn free_id(at: &At, beside: &[Membership]) -> RelayId {
    let host = match at {
        At::Hosted => return RelayId::hosted(),
        At::Address(address) => at.host().unwrap_or_else(|| address.clone()),
    };
    let free = |id: &RelayId| !id.is_hosted() && beside.iter().all(|other| other.id != *id);
    let numbered = (2_usize..).map(|number| RelayId::new(format!("{host}-{number}")));
    std::iter::once(RelayId::new(host.clone()))
        .chain(numbered)
        .find(free)
        .unwrap_or_else(|| RelayId::new(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_relay_has_an_id_and_a_colour_of_its_own() {
        let mut relays = Vec::new();
        for at in [
            At::Hosted,
            At::Address("wss://push.example.org/".into()),
            At::Address("ws://push.example.org:9093/".into()),
            At::Address("ws://hosted:9093/".into()),
        ] {
            let joined = Membership::new(at, "desk".into(), String::new(), &relays);
            relays.push(joined);
        }
        let ids: Vec<_> = relays.iter().map(|relay| relay.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "hosted",
                "push.example.org",
                "push.example.org-2",
                "hosted-2"
            ]
        );
        let colors: Vec<_> = relays.iter().map(|relay| relay.color).collect();
        assert_eq!(colors, Color::ALL[..4]);
    }
}
