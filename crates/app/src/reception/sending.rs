//! What the reception does as `post` says: hands queued messages to the sessions, and records what
//! became of them.

use std::time::Duration;

use tidings_protocol::server::Reply;
use tidings_session::{self as session, SendError, SendId};
use tokio::time::Instant;

use super::Reception;
use crate::inbox::{Answer, Came, Outgoing};
use crate::types::{Event, MessageId, Progress, RelayId, Sent};
use crate::words::Wrong;
use crate::{clock, outgoing};

/// How often what is kept here until it is due is looked at, at the least.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Reception {
    /// Hands queued messages to the sessions, to each as many as may be in hand.
    pub(super) async fn send_waiting(&mut self) {
        for relay in self.members.ids() {
            self.send_by(&relay).await;
        }
    }

    async fn send_by(&mut self, relay: &RelayId) {
        while let Some(wanted) = self.members.get(relay).and_then(|m| m.post.wanted()) {
            let holds = self.members.get(relay).is_some_and(|m| m.post.holds());
            let now = clock::now();
            let over = Wrong::Outlived.into();
            let inbox = &self.parts.inbox;
            let waiting = inbox.waiting(relay.clone(), holds, wanted, over, now);
            let waiting = waiting.await;
            let waiting = self.disk(waiting);
            let Some(member) = self.members.get(relay) else {
                return;
            };
            let Some(waiting) = waiting else {
                return member.post.not_taken();
            };
            member
                .post
                .given(wanted, waiting.parcels.len(), waiting.next_due);
            for sent in waiting.outlived {
                self.tell(Event::Sent(sent));
            }
            for outgoing in waiting.parcels {
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
                self.record(outgoing.id, only(Progress::Failed { reason }))
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
        if sent.is_none() {
            // The person took it back meanwhile.
            return true;
        }
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
                self.record(outgoing.id, only(Progress::Queued)).await;
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
        let gone = matches!(outcome, session::Outcome::Pending);
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
        let answer = reply.map(answer_of);
        let came = Came {
            progress,
            gone,
            answer,
        };
        self.record(id, came).await;
    }

    async fn record(&mut self, id: MessageId, came: Came) {
        let recorded = self.parts.inbox.progressed(id, came, clock::now()).await;
        if let Some(sent) = self.disk(recorded) {
            self.tell_sent(sent);
        }
    }

    fn tell_sent(&self, sent: Option<Sent>) {
        if let Some(sent) = sent {
            self.tell(Event::Sent(sent));
        }
    }

    /// When something of what is sent is to be looked at again.
    pub(super) fn sending_due(&self) -> Option<Instant> {
        let due = self.members.next_due().map(|due| {
            // The wall clock may be set, and stands still for this one while the computer sleeps.
            let left = Duration::from_millis(due.saturating_sub(clock::now()));
            Instant::now() + left.min(LOOK_AGAIN)
        });
        let dues = [due, self.cancel_due(), self.contacts_due()];
        dues.into_iter().flatten().min()
    }

    /// That time has come.
    pub(super) fn look_at_sending(&mut self) {
        if self.members.next_due().is_some() {
            self.members.queued();
        }
        self.answer_cancels();
        self.tell_contacts();
    }
}

fn answer_of(reply: Reply) -> Answer {
    let statuses = reply.status.into_iter();
    let statuses = statuses.map(|(name, status)| (name.to_string(), status.to_string()));
    Answer {
        mid: reply.mid.to_string(),
        statuses: statuses.collect(),
    }
}

/// How far a parcel came that was not answered.
fn only(progress: Progress) -> Came {
    Came {
        progress,
        gone: false,
        answer: None,
    }
}
