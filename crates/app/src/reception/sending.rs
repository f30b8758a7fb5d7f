//! What the reception does as `post` says: hands queued messages to the sessions, and records what
//! became of them.

use tidings_protocol::server::Reply;
use tidings_session::{self as session, SendError, SendId};

use super::Reception;
use crate::inbox::Outgoing;
use crate::outgoing;
use crate::types::{Event, MessageId, Progress, RelayId, Sent};

impl Reception {
    /// Hands queued messages to the sessions, to each as many as may be in hand.
    pub(super) async fn send_waiting(&mut self) {
        for relay in self.members.ids() {
            self.send_by(&relay).await;
        }
    }

    async fn send_by(&mut self, relay: &RelayId) {
        while let Some(wanted) = self.members.get(relay).and_then(|m| m.post.wanted()) {
            let waiting = self.parts.inbox.waiting(relay.clone(), wanted).await;
            let waiting = self.disk(waiting);
            let Some(member) = self.members.get(relay) else {
                return;
            };
            let Some(waiting) = waiting else {
                return member.post.not_taken();
            };
            member.post.given(wanted, waiting.len());
            for outgoing in waiting {
                if !self.send(relay, &outgoing).await {
                    if let Some(member) = self.members.get(relay) {
                        member.post.not_taken();
                    }
                    return;
                }
            }
        }
    }

    /// False if it stays queued.
    async fn send(&mut self, relay: &RelayId, outgoing: &Outgoing) -> bool {
        let Some(member) = self.members.get(relay) else {
            return false;
        };
        let Some(line) = &member.line else {
            return false;
        };
        let (handle, by_ref) = (line.handle.clone(), member.post.by_ref());
        let packet = match outgoing::packet(outgoing) {
            Ok(packet) => packet,
            Err(failure) => {
                let reason = failure.words();
                self.record(outgoing.id, Progress::Failed { reason }, None)
                    .await;
                return true;
            }
        };
        let id = SendId(i64::try_from(outgoing.id).unwrap_or(i64::MAX));
        // Recorded first: a crash between the two must not send it a second time unnoticed.
        let leaving = self.parts.inbox.leaving(outgoing.id, by_ref).await;
        let Some(sent) = self.disk(leaving) else {
            return false;
        };
        self.tell_sent(sent);
        match handle.send(id, packet) {
            Ok(()) => {
                self.parts.chart.sent(outgoing.id, &outgoing.draft.body);
                if let Some(member) = self.members.get(relay) {
                    member.post.handed(outgoing.id);
                }
                true
            }
            Err(SendError::Full | SendError::Stopped) => {
                self.record(outgoing.id, Progress::Queued, None).await;
                false
            }
        }
    }

    pub(super) async fn outcome(&mut self, relay: &RelayId, id: SendId, outcome: session::Outcome) {
        let id = MessageId::try_from(id.0).unwrap_or(0);
        let Some(member) = self.members.get(relay) else {
            return;
        };
        let progress = member.post.ended(id, &outcome);
        let reply = match outcome {
            session::Outcome::Replied(reply) => Some(reply),
            _ => None,
        };
        let arrived = reply.as_ref().is_some_and(|reply| {
            reply
                .status
                .iter()
                .all(|(_, status)| status.as_str() == "ok")
        });
        self.parts.chart.answered(id, arrived);
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
