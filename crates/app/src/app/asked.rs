//! The app as its faces hold it, where they acknowledge messages, and where reading is told of.

use tidings_control::NOTE_BYTES;
use tidings_protocol::Reported;

use super::App;
use crate::clock;
use crate::inbox::Given;
use crate::types::{Failure, MessageId};
use crate::words::Wrong;

impl App {
    /// Acknowledges a message whose sender asks for it, which reads it; its relay is told once it can
    /// be. Again, without a note, it does nothing.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where nobody asks, the note is too long, or one comes too late;
    /// [`Failure::NotFound`].
    pub async fn acknowledge(&self, id: MessageId, note: &str) -> Result<(), Failure> {
        let note = note.trim();
        let (bytes, limit) = (note.len(), NOTE_BYTES);
        if bytes > limit {
            return Err(Failure::Invalid(Wrong::Note { bytes, limit }.into()));
        }
        let now = clock::now();
        match self.inbox.acknowledge(id, note.to_owned(), now).await? {
            Given::Now => {
                self.settle(&[id]);
                self.written.notify_one();
                self.changed(vec![id]);
                Ok(())
            }
            Given::Before if note.is_empty() => Ok(()),
            Given::Before => Err(Failure::Invalid(Wrong::Acknowledged.into())),
            Given::NotAsked => Err(Failure::Invalid(Wrong::NotAsked.into())),
            Given::Gone => Err(Failure::NotFound(Wrong::Gone.into())),
        }
    }

    /// Has senders told that these were read, where the person allows that.
    pub(super) async fn tell_of_reading(&self, ids: &[MessageId]) -> Result<(), Failure> {
        if !ids.is_empty() && self.settings.borrow().read_receipts {
            let ids = ids.to_vec();
            self.inbox.report(ids, Reported::Read, clock::now()).await?;
            self.written.notify_one();
        }
        Ok(())
    }
}
