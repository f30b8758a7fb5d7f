//! An answer that was written on the notification itself: queued like any other message. Where it cannot
//! be, it is kept as a draft, and the person is told why: their words are not lost.

use super::Reception;
use crate::types::{Draft, Event, MessageId, Recipient};
use crate::{clock, writing};

impl Reception {
    /// Answers a message with that text, to its sender.
    pub(super) async fn answer(&mut self, id: MessageId, text: String) {
        if text.trim().is_empty() {
            return self.tell(Event::Reply(id));
        }
        let message = self.parts.inbox.message(id).await;
        let Some(message) = self.disk(message).flatten() else {
            return;
        };
        let draft = Draft {
            to: vec![Recipient::Person(message.row.sender)],
            body: text,
            reply_to: Some(id),
            ..Draft::default()
        };
        let desk = writing::Desk {
            inbox: &self.parts.inbox,
            board: &self.parts.board,
            events: &self.parts.events,
        };
        match writing::queue(desk, draft.clone(), None).await {
            Ok(_) => {
                self.members.queued();
                self.read(id).await;
            }
            Err(failure) => {
                let kept = self.parts.inbox.keep_draft(None, draft, clock::now()).await;
                if self.disk(kept).is_some() {
                    self.tell(Event::Drafts);
                }
                self.tell(Event::Notice(failure.words()));
                self.tell(Event::Reply(id));
            }
        }
    }
}
