//! What the reception does as `post` says: hands queued messages to the session, and records what
//! became of them.

use tidings_protocol::server::Reply;
use tidings_session::{self as session, SendError, SendId};

use super::Reception;
use crate::inbox::Outgoing;
use crate::outgoing;
use crate::types::{Event, MessageId, Progress, Sent};

impl Reception {
    /// Hands queued messages to the session, as many as may be in hand.
    pub(super) async fn send_waiting(&mut self) {
        while let Some(wanted) = self.post.wanted() {
            let Some(queue) = self.line.as_ref().map(|line| line.queue.clone()) else {
                return self.post.not_taken();
            };
            let waiting = self.parts.inbox.waiting(queue, wanted).await;
            let Some(waiting) = self.disk(waiting) else {
                return self.post.not_taken();
            };
            self.post.given(wanted, waiting.len());
            for outgoing in waiting {
                if !self.send(&outgoing).await {
                    return self.post.not_taken();
                }
            }
        }
    }

    /// False if it stays queued.
    async fn send(&mut self, outgoing: &Outgoing) -> bool {
        let Some(line) = &self.line else { return false };
        let (handle, queue) = (line.handle.clone(), line.queue.clone());
        let packet = match outgoing::packet(outgoing) {
            Ok(packet) => packet,
            Err(failure) => {
                let reason = failure.to_string();
                self.record(outgoing.id, Progress::Failed { reason }, None)
                    .await;
                return true;
            }
        };
        let id = SendId(i64::try_from(outgoing.id).unwrap_or(i64::MAX));
        // Recorded first: a crash between the two must not send it a second time unnoticed.
        let leaving = self
            .parts
            .inbox
            .leaving(outgoing.id, queue, self.post.by_ref())
            .await;
        let Some(sent) = self.disk(leaving) else {
            return false;
        };
        self.tell_sent(sent);
        match handle.send(id, packet) {
            Ok(()) => {
                self.post.handed(outgoing.id);
                true
            }
            Err(SendError::Full | SendError::Stopped) => {
                self.record(outgoing.id, Progress::Queued, None).await;
                false
            }
        }
    }

    pub(super) async fn outcome(&mut self, id: SendId, outcome: session::Outcome) {
        let id = MessageId::try_from(id.0).unwrap_or(0);
        let progress = self.post.ended(id, &outcome);
        let reply = match outcome {
            session::Outcome::Replied(reply) => Some(reply),
            _ => None,
        };
        self.record(id, progress, reply).await;
    }

    pub(super) async fn record(&mut self, id: MessageId, progress: Progress, reply: Option<Reply>) {
        let answer = reply.map(|reply| {
            let statuses = reply
                .status
                .iter()
                .map(|(name, status)| (name.to_string(), status.to_string()))
                .collect();
            (reply.mid.to_string(), statuses)
        });
        let recorded = self.parts.inbox.progressed(id, progress, answer).await;
        if let Some(sent) = self.disk(recorded) {
            self.tell_sent(sent);
        }
    }

    fn tell_sent(&self, sent: Option<Sent>) {
        if let Some(sent) = sent {
            self.tell(Event::Sent(sent));
        }
    }
}
