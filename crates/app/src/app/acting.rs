//! The app as its faces hold it, where they act on notifications and on what messages offer.

use super::{App, Order};
use crate::types::{Consent, Deed, Failure, MessageId, Mute, Pause, Permission, Settings};
use crate::words::{Chinese as _, Wrong};
use crate::{call, clock, extra, picture};

impl App {
    /// Never raises messages of a sender, a group or a tag, or raises them again; gives the settings
    /// as they are now.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where there are too many.
    pub async fn mute(&self, mute: Mute, on: bool) -> Result<Settings, Failure> {
        self.order(|reply| Order::Mute { mute, on, reply }).await
    }

    /// Holds notifications back for a time, or not any longer.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a time that cannot be meant.
    pub async fn pause(&self, pause: Pause) -> Result<(), Failure> {
        self.order(|reply| Order::Pause { pause, reply }).await
    }

    /// Does what a message offers, as far as that is the app's; gives what is left to do on the
    /// desktop: a link to open, a text for the clipboard.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Ask`] where the person has to agree first, and `allow` does
    /// not say that they did; [`Failure::System`] where a request was refused.
    pub async fn act(
        &self,
        id: MessageId,
        offer: u32,
        allow: bool,
    ) -> Result<Option<Deed>, Failure> {
        let message = self.message(id).await?;
        let place = usize::try_from(offer).unwrap_or(usize::MAX);
        let offer = message
            .offers
            .get(place)
            .cloned()
            .ok_or_else(|| Failure::NotFound(Wrong::NotOffered.into()))?;
        if let Some(asks) = offer.asks {
            if !allow {
                return Err(Failure::Ask(match asks {
                    Permission::Scheme(scheme) => Wrong::AskLink(scheme).into(),
                    Permission::Call(host) => Wrong::AskCall(host).into(),
                }));
            }
            self.inbox.allow(id, asks, clock::now()).await?;
        }
        if let Deed::Call { .. } = &offer.does {
            let said = extra::said(&message.extra, &offer.does);
            call::make(&offer.does, said)
                .await
                .map_err(|wrong| Failure::System(wrong.into()))?;
            return Ok(None);
        }
        Ok(Some(offer.does))
    }

    /// A picture that a message names, fetched because a person asked to see it; its media type, and
    /// its bytes in base64.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an address that the message does not name; [`Failure::System`] where
    /// there is no picture to be had, or none that is shown.
    pub async fn picture(&self, id: MessageId, address: &str) -> Result<(String, String), Failure> {
        let message = self.message(id).await?;
        if !picture::named(&message.body).any(|named| named == address) {
            return Err(Failure::NotFound(Wrong::NoSuchPicture.into()));
        }
        let picture = picture::fetch(address.to_owned()).await;
        let picture = picture.map_err(|error| Failure::System(error.words()))?;
        Ok((picture.kind.to_owned(), picture.in_base64()))
    }

    /// Whether the person was told before that the desktop shows no tray; `told` says that they were
    /// now, and is kept.
    ///
    /// # Errors
    /// [`Failure::System`] while the app ends.
    pub async fn lack_of_tray_told(&self, told: bool) -> Result<bool, Failure> {
        self.order(|reply| Order::TrayLack { told, reply }).await
    }

    /// What the person allowed senders.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn consents(&self) -> Result<Vec<Consent>, Failure> {
        Ok(self.inbox.consents().await?)
    }

    /// Takes one of these back.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn revoke(&self, id: u64) -> Result<(), Failure> {
        Ok(self.inbox.revoke(id).await?)
    }
}
