//! No push at all: what a relay has that was told of none, for example the one inside the desktop
//! agent. Browsers subscribe on pages of https only, which a relay on a home network has no
//! certificate for, and a desktop does not speak to push services of its own accord.

use futures_util::future::{BoxFuture, FutureExt as _, ready};

use super::{Letter, Outcome, Push};
use crate::store::Subscription;

/// What clients are told.
pub(crate) const OFFERS_NONE: &str = "this server offers no push";

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPush;

impl Push for NoPush {
    fn public_key(&self) -> Option<&str> {
        None
    }

    fn check(&self, _: &Subscription) -> Result<(), String> {
        Err(OFFERS_NONE.to_owned())
    }

    fn send(&self, _: Letter) -> BoxFuture<'static, Outcome> {
        ready(Outcome::Refused(OFFERS_NONE.to_owned())).boxed()
    }
}
