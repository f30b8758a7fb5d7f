//! What faces ask about messages that are written and sent.

use std::sync::PoisonError;

use tokio::sync::oneshot;

use super::App;
use crate::reception::Cancel;
use crate::types::{Contact, Draft, Event, Failure, Kept, MessageId, RelayId, Sent};
use crate::words::Wrong;
use crate::{clock, outgoing, writing};

/// Contacts of one answer at most, as the control API has it: some megabytes at the worst.
const CONTACTS: u32 = 10_000;

impl App {
    /// Keeps a message to be sent by the relay it names, else by that of the message it answers, else by the
    /// first one; it goes out at once, or when there is a connection to that relay again. The draft it was
    /// kept as is kept no longer. Gives its number; [`Event::Sent`] tells what becomes of it.
    ///
    /// # Errors
    /// [`Failure::Invalid`], [`Failure::NotConfigured`]; [`Failure::NotFound`] where that relay is not
    /// joined.
    pub async fn send(&self, draft: Draft, kept: Option<MessageId>) -> Result<MessageId, Failure> {
        let desk = writing::Desk {
            inbox: &self.inbox,
            board: &self.board,
            events: &self.events,
        };
        let sent = writing::queue(desk, draft, kept).await?;
        self.written.notify_one();
        Ok(sent.id)
    }

    /// A page of sent messages, newest first: those with these words in their text or recipients, older than
    /// `before`, at most `limit` (and 200).
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn sent(
        &self,
        search: &str,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Sent>, Failure> {
        Ok(self.inbox.sent_page(search, before, limit).await?)
    }

    /// One sent message.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn sent_message(&self, id: MessageId) -> Result<Sent, Failure> {
        self.inbox.sent_message(id).await?.ok_or_else(gone)
    }

    /// Sends what of a message did not go out, was taken back, reached nobody, or is of unknown fate, once more.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where the message or its relay is gone; [`Failure::Invalid`] where there is
    /// nothing to send again.
    pub async fn resend(&self, id: MessageId) -> Result<(), Failure> {
        let sent = self.sent_message(id).await?;
        let status = self.board.status();
        let relay = sent.draft.relay.as_ref();
        if relay.is_none_or(|relay| status.relay(relay).is_none()) {
            return Err(writing::not_joined());
        }
        let fresh = sent.parcels.iter().map(|_| outgoing::reference());
        let fresh = fresh.collect::<Result<_, _>>()?;
        let queued = self.inbox.queue_again(id, fresh, clock::now()).await?;
        let (sent, queued) = queued.ok_or_else(gone)?;
        if queued == 0 {
            return Err(Failure::Invalid(Wrong::NothingAgain.into()));
        }
        let _ = self.events.send(Event::Sent(sent));
        self.written.notify_one();
        Ok(())
    }

    /// Takes back what of a message has not gone out, or is held at its relay, which is asked.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Invalid`] where some of it is too late; [`Failure::System`] where the
    /// relay that holds it cannot be asked, or does not answer.
    pub async fn cancel(&self, id: MessageId) -> Result<(), Failure> {
        let ending = || Failure::System(Wrong::Ending.into());
        let (reply, answered) = oneshot::channel();
        let cancel = Cancel { id, reply };
        self.cancels.send(cancel).await.map_err(|_| ending())?;
        answered.await.map_err(|_| ending())?
    }

    /// Whom a message can go to, by these words of their name and by that relay or all of them: those written
    /// to last first, then who is connected, then by name. At most `limit` (and 10,000).
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn contacts(
        &self,
        search: &str,
        relay: Option<&RelayId>,
        limit: u32,
    ) -> Result<Vec<Contact>, Failure> {
        let recents = self.inbox.written_to().await?;
        let joined = self.board.status().relays.into_iter();
        let joined = joined.map(|joined| joined.id);
        let relays: Vec<_> = joined
            .filter(|id| relay.is_none_or(|relay| relay == id))
            .collect();
        let limit = usize::try_from(limit.min(CONTACTS)).unwrap_or(usize::MAX);
        let contacts = self.contacts.lock();
        let contacts = contacts.unwrap_or_else(PoisonError::into_inner);
        Ok(contacts.matching(search, &relays, &recents, limit))
    }

    /// What is being written, the last changed first.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn drafts(&self) -> Result<Vec<Kept>, Failure> {
        Ok(self.inbox.drafts().await?)
    }

    /// Keeps what is written so far, in place of another draft or as a new one; gives its number.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where it is too long; [`Failure::System`].
    pub async fn keep_draft(
        &self,
        id: Option<MessageId>,
        draft: Draft,
    ) -> Result<MessageId, Failure> {
        outgoing::bounded(&draft)?;
        let id = self.inbox.keep_draft(id, draft, clock::now()).await?;
        let _ = self.events.send(Event::Drafts);
        Ok(id)
    }

    /// Does not keep a draft any longer.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn drop_draft(&self, id: MessageId) -> Result<(), Failure> {
        if self.inbox.drop_draft(id).await? {
            let _ = self.events.send(Event::Drafts);
        }
        Ok(())
    }
}

fn gone() -> Failure {
    Failure::NotFound(Wrong::SentGone.into())
}
