//! Messages whose sender asks for an acknowledgement: it is given by a button, somebody else gave it, or
//! the relay reminds of it.
//!
//! Owns what each of these means for the notification. Invariant: what was acknowledged, by whomever,
//! leaves the screen and is reminded of no more; a reminder is raised as a new message is (quiet hours,
//! mutes and bursts included), in the place of the notification that may still stand.

use tidings_protocol::{Receipt, Reminder, State};

use super::{Reception, now};
use crate::clock;
use crate::flow::Input;
use crate::inbox::{Given, Reminded, Taken};
use crate::types::{Event, MessageId, RelayId};

impl Reception {
    /// The button was pressed.
    pub(super) async fn acknowledge(&mut self, id: MessageId) {
        let given = self
            .parts
            .inbox
            .acknowledge(id, String::new(), clock::now())
            .await;
        if self.disk(given) == Some(Given::Now) {
            self.members.queued();
            self.tell(Event::Changed(vec![id]));
            self.settled(vec![id]).await;
        }
    }

    /// A receipt that tells of a message received here: who acknowledged it. Others say nothing. False where
    /// it is not durable.
    pub(super) async fn taken(&mut self, relay: &RelayId, receipt: &Receipt) -> bool {
        if receipt.state != State::Acknowledged {
            return true;
        }
        let own = self.parts.board.status();
        let own = own.relay(relay).map(|relay| relay.name.clone());
        let Some(member) = self.members.get(relay) else {
            return false;
        };
        let taken = Taken {
            relay: member.key.clone(),
            mid: receipt.mid.to_string(),
            by: Some(receipt.name.to_string()).filter(|name| Some(name) != own.as_ref()),
            at: receipt.at,
            note: receipt.note.clone(),
        };
        let taken = self.parts.inbox.taken(taken).await;
        let Some(taken) = self.disk(taken) else {
            return false;
        };
        if let Some(id) = taken {
            self.tell(Event::Changed(vec![id]));
            self.settled(vec![id]).await;
        }
        true
    }

    /// The relay reminds of a message. One that is not here came to another device of this name: it comes
    /// here now, so that it can be answered here.
    pub(super) async fn reminder(&mut self, relay: &RelayId, reminder: Reminder) {
        let Some(member) = self.members.get(relay) else {
            return;
        };
        let (key, mid) = (member.key.clone(), reminder.delivery.mid.to_string());
        let found = self.parts.inbox.reminded(key, mid, reminder.number).await;
        let input = match self.disk(found) {
            Some(Reminded::Due) => {
                self.look_at_the_clock().await;
                Input::Reminded
            }
            Some(Reminded::Unknown) => Input::Arrived(relay.clone(), reminder.delivery),
            Some(Reminded::Settled) | None => return,
        };
        self.flow.handle(input, now());
        self.perform().await;
    }
}
