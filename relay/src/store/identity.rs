//! What a relay is, across restarts: its id and its keys.

use std::fmt;

use crate::{mint::MidNumber, push::vapid};

/// What a relay is, across restarts.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its stable id, listed to clients that speak extensions.
    pub relay: String,
    /// The key that signs its tickets.
    pub ticket_key: [u8; 32],
    /// The private key that signs its pushes (VAPID). A change of it breaks every subscription.
    pub push_key: [u8; 32],
    /// The highest mid that was ever accepted.
    pub highest_mid: Option<MidNumber>,
}

impl fmt::Debug for Identity {
    /// Leaves the keys out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("relay", &self.relay)
            .field("highest_mid", &self.highest_mid)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// A new relay's.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let (mut id, mut ticket_key) = ([0; 12], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut ticket_key)?;
        Ok(Self {
            relay: URL_SAFE_NO_PAD.encode(id),
            ticket_key,
            push_key: vapid::new_key()?,
            highest_mid: None,
        })
    }
}
