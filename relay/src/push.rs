//! Web Push: bringing messages to browsers that hold no connection.
//!
//! [`Push`] is the seam: [`WebPush`] speaks to push services, [`NoPush`] offers none. When a message
//! is pushed is decided by the pure [`plan`]; what of it is pushed, by `letter`; where to, was said
//! by the client, which `subscription` reads. The store keeps all that has to outlast a restart.

pub(crate) mod address;
pub(crate) mod letter;
mod none;
pub mod plan;
pub(crate) mod subscription;
pub(crate) mod vapid;
mod webpush;

use std::time::Duration;

use futures_util::future::BoxFuture;

pub use self::address::is_public;
pub(crate) use self::none::OFFERS_NONE;
pub use self::{
    letter::{Letter, Urgency},
    none::NoPush,
    webpush::{WebPush, WebPushError, WebPushOptions},
};
use crate::store::Subscription;

/// A way to push services.
pub trait Push: Send + Sync + 'static {
    /// The key that browsers subscribe with, 87 characters; `None`: no push is offered.
    fn public_key(&self) -> Option<&str>;

    /// Whether messages may be pushed there at all.
    ///
    /// # Errors
    /// Why not, in words for the client.
    fn check(&self, subscription: &Subscription) -> Result<(), String>;

    /// Hands a letter to its push service, in bounded time.
    fn send(&self, letter: Letter) -> BoxFuture<'static, Outcome>;
}

/// What a push service made of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken. Whether it reached the browser, only the browser can say.
    Taken,
    /// The subscription does not exist any more.
    Gone,
    /// The letter is too large.
    TooLarge,
    /// Not now: the service is overloaded, broken or out of reach. It may have said for how long.
    Later(Option<Duration>),
    /// Never: a retry would be answered alike. Why, for the log.
    Refused(String),
}

impl Outcome {
    /// As metrics name it.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::Later(_) => "later",
            Self::Refused(_) => "refused",
        }
    }
}
