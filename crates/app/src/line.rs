//! The session as the app sees it: its state in people's terms, and what it brought in the inbox's.
//! Pure translations.

use tidings_protocol::server::{Delivery, Welcome};
use tidings_protocol::{Feature, Features, Name, Target};
use tidings_session::{DialError, Distrust, Rejected, State, Trouble};
use tokio::sync::mpsc;

use crate::inbox::Incoming;
use crate::types::{Certificate, CertificateFault, Connection, Extension, RelayId};
use crate::words::sentences;
use crate::{clock, extra, text};

/// A session handed to the reception, with the address it is for.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) handle: tidings_session::Handle,
    pub(crate) events: mpsc::Receiver<tidings_session::Event>,
    pub(crate) address: String,
    /// The computer slept, and the line was not found well since.
    pub(crate) slept: bool,
}

/// The state in people's terms; none where it is not for them. `since` is when the connection was
/// lost, in milliseconds since 1970.
pub(crate) fn connection(state: &State, since: u64) -> Option<Connection> {
    Some(match state {
        State::Waiting {
            trouble: trouble @ Trouble::Dial(DialError::Certificate(rejected)),
            ..
        } => Connection::Untrusted {
            since,
            reason: sentences(trouble),
            certificate: certificate(rejected),
        },
        State::Waiting { retry_at, trouble } => Connection::Offline {
            since,
            reason: sentences(trouble),
            retry_at: clock::at(*retry_at),
        },
        State::Dialing | State::Authenticating => Connection::Connecting,
        State::Online(_) => Connection::Connected {
            since: clock::now(),
        },
        State::Refused(refusal) => Connection::Refused {
            reason: sentences(refusal),
        },
        State::TakenOver { .. } => taken_over(state, since, false),
        State::Stopped => return None,
    })
}

/// A certificate that is not accepted, in people's terms.
fn certificate(rejected: &Rejected) -> Certificate {
    let mut trusted = None;
    let fault = match &rejected.why {
        Distrust::UnknownIssuer => CertificateFault::Unknown,
        Distrust::Changed { pinned, vouched } => {
            trusted = Some(pinned.to_string());
            if *vouched {
                CertificateFault::Vouched
            } else {
                CertificateFault::Changed
            }
        }
        Distrust::Expired { .. } | Distrust::NotYetValid { .. } => CertificateFault::Dates,
        Distrust::WrongName { .. } => CertificateFault::Name,
        Distrust::Other(_) => CertificateFault::Other,
    };
    Certificate {
        fault,
        shown: rejected.shown.to_string(),
        trusted,
    }
}

/// The same where another device uses the name, since then; `again` if the name was just taken back.
pub(crate) fn taken_over(state: &State, since: u64, again: bool) -> Connection {
    let retry_at = match state {
        State::TakenOver { retry_at } => retry_at.map(clock::at),
        _ => None,
    };
    Connection::TakenOver {
        since,
        again,
        retry_at,
    }
}

/// Which relay this is: by its own id, which outlives an address, else by the address.
pub(crate) fn relay_key(welcome: &Welcome, address: &str) -> String {
    welcome
        .relay
        .clone()
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| address.to_owned())
}

/// The extensions that the app's sessions speak: what comes of each is stored before it is confirmed.
const FEATURES: [Feature; 6] = [
    Feature::Ref,
    Feature::Receipts,
    Feature::Directory,
    Feature::Delay,
    Feature::Key,
    Feature::Ack,
];

/// The same as AUTH lists them.
pub(crate) fn features() -> Vec<String> {
    FEATURES.map(|feature| feature.as_str().to_owned()).to_vec()
}

/// What both the relay and the app's session speak.
pub(crate) fn common(welcome: &Welcome) -> Features {
    Features::of(&welcome.features) & Features::of(&features())
}

/// What a relay says that it speaks, for people.
pub(crate) fn extensions(welcome: &Welcome) -> Vec<Extension> {
    let listed = Features::of(&welcome.features);
    let known = Feature::ALL
        .into_iter()
        .filter(|feature| listed.has(*feature));
    known
        .map(|feature| match feature {
            Feature::Ref => Extension::Ref,
            Feature::Receipts => Extension::Receipts,
            Feature::Directory => Extension::Directory,
            Feature::Delay => Extension::Delay,
            Feature::Key => Extension::Key,
            Feature::Ack => Extension::Ack,
        })
        .collect()
}

/// A delivery as the inbox stores it.
pub(crate) fn incoming(
    delivery: &Delivery,
    relay: &str,
    joined: RelayId,
    address: &str,
) -> Incoming {
    let message = &delivery.message;
    let received_at = clock::now();
    let reply_to = extra::reply(&message.extra).map(|mid| mid.to_string());
    let said = match &reply_to {
        Some(_) => text::answer(&message.desp),
        None => &message.desp,
    };
    Incoming {
        relay: relay.to_owned(),
        joined,
        address: address.to_owned(),
        mid: delivery.mid.to_string(),
        reference: delivery.reference.as_ref().map(ToString::to_string),
        method: delivery.from.method.as_str(),
        sender: delivery
            .from
            .name
            .as_ref()
            .map_or("", Name::as_str)
            .to_owned(),
        group: match &delivery.target {
            Target::Personal(_) => None,
            Target::Group(group) => Some(group.to_string()),
        },
        title: message.text.clone(),
        body: message.desp.clone(),
        preview: if extra::markdown(&message.extra) {
            text::preview(said)
        } else {
            text::short(said, text::PREVIEW_CHARS)
        },
        extra: message.extra.to_string(),
        priority: extra::priority(message),
        link: extra::link(message),
        tags: extra::tags(&message.extra),
        key: extra::key(&message.extra),
        ask: extra::ask(&message.extra, matches!(delivery.target, Target::Group(_))),
        reply_to,
        // From now on: the relay's clock may be another, and it drops what has expired itself.
        expires_at: extra::ttl(&message.extra).map(|ttl| received_at.saturating_add(ttl)),
        received_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_relay_are_cleaned_and_cut() {
        let words = format!("\u{1b}]52;c;eA==\u{7}go\n{}", "x".repeat(100_000));
        let refusal = tidings_session::Refusal::Relay(words);
        let Some(Connection::Refused { reason }) = connection(&State::Refused(refusal), 0) else {
            panic!("refused")
        };
        let reason = reason.en;
        assert!(reason.chars().count() <= text::LINE_CHARS, "{reason}");
        assert!(!reason.chars().any(char::is_control), "{reason}");
    }
}
