//! What faces ask about relays: hosting one, joining and leaving, connecting now, their tokens.

use super::App;
use crate::setup::Order;
use crate::types::{Color, Failure, Join, Reach, RelayId};

impl App {
    /// Hosts a relay and joins it, under that name or the computer's.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for the name; [`Failure::System`] where the port or the disk refuses.
    pub async fn host(&self, reach: Reach, name: Option<String>) -> Result<(), Failure> {
        self.order(|reply| Order::Host { reach, name, reply }).await
    }

    /// Changes who can reach the hosted relay.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if none is hosted.
    pub async fn reach(&self, reach: Reach) -> Result<(), Failure> {
        self.order(|reply| Order::Reach { reach, reply }).await
    }

    /// Stops hosting, and leaves the hosted relay. Its data stays.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if none is hosted.
    pub async fn stop_hosting(&self) -> Result<(), Failure> {
        self.order(|reply| Order::StopHosting { reply }).await
    }

    /// Joins a relay elsewhere beside the others, or changes how. Does not wait for the connection: the status tells.
    /// Where no keyring takes the token it is kept in memory, and the status says so.
    ///
    /// # Errors
    /// [`Failure::Invalid`].
    pub async fn join(&self, relay: Join) -> Result<(), Failure> {
        self.order(|reply| Order::Join { relay, reply }).await
    }

    /// Leaves a relay: ends its session, forgets its token, gives up what is queued for it. What came
    /// by it stays.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn leave(&self, id: RelayId) -> Result<(), Failure> {
        self.order(|reply| Order::Leave { id, reply }).await
    }

    /// Trusts the certificate that a relay showed last, and from then on no other; only if it is the
    /// one with that fingerprint.
    ///
    /// # Errors
    /// [`Failure::Invalid`], [`Failure::NotFound`].
    pub async fn trust(&self, id: RelayId, fingerprint: String) -> Result<(), Failure> {
        self.order(|reply| Order::Trust {
            id,
            fingerprint,
            reply,
        })
        .await
    }

    /// Changes what a relay is called and its colour; an empty label is what it is called by itself.
    ///
    /// # Errors
    /// [`Failure::Invalid`], [`Failure::NotFound`].
    pub async fn describe(&self, id: RelayId, label: String, color: Color) -> Result<(), Failure> {
        self.order(|reply| Order::Describe {
            id,
            label,
            color,
            reply,
        })
        .await
    }

    /// Connects now, not at the next try. With that relay: then it also takes the name back from
    /// another device; or with all but those where another device has it.
    ///
    /// # Errors
    /// [`Failure::NotConfigured`], [`Failure::NotFound`].
    pub async fn reconnect(&self, id: Option<RelayId>) -> Result<(), Failure> {
        self.order(|reply| Order::Reconnect { id, reply }).await
    }

    /// The token of the hosted relay, else of the first one this computer is a client of. For the
    /// clipboard and the command line.
    ///
    /// # Errors
    /// [`Failure::NotConfigured`]; [`Failure::NotFound`] where no token is known.
    pub async fn token(&self) -> Result<String, Failure> {
        self.order(|reply| Order::Token { reply }).await
    }
}
