//! Messages that were confirmed and are to be acknowledged, in memory.

use tidings_protocol::{Name, State as Became};

use super::State;
use crate::{
    mint::MidNumber,
    store::{KeptReceipt, Nagging, Position, Queued, REMINDERS_EACH, Said, ToRemind},
};

/// A message that a client is reminded of.
#[derive(Debug)]
pub(super) struct Reminded {
    message: Queued,
    since_ms: u64,
    repeat_ms: u64,
}

impl State {
    /// A client that has confirmed a message is reminded of it from now on, if its sender wants that.
    pub(super) fn remind(&mut self, recipient: &Name, message: Queued, at_ms: u64) {
        let stored = self.messages.get(&message.mid);
        let repeat_ms = stored
            .filter(|stored| !stored.taken)
            .and_then(|stored| stored.wants.ack?.repeat_ms);
        let Some(repeat_ms) = repeat_ms else {
            return;
        };
        let bytes = message.frame.len() as u64;
        let Some(client) = self.client(recipient) else {
            return;
        };
        let mut gone = 0;
        if client.reminders.len() >= REMINDERS_EACH
            && let Some((_, oldest)) = client.reminders.pop_first()
        {
            gone = oldest.message.frame.len() as u64;
        }
        let reminded = Reminded {
            since_ms: at_ms,
            repeat_ms,
            message,
        };
        client.reminders.insert(reminded.message.mid, reminded);
        self.bytes = (self.bytes + bytes).saturating_sub(gone);
        self.news.reminders(recipient);
    }

    /// Ends the reminders of a message, for all.
    pub(super) fn remind_no_more(&mut self, mid: MidNumber) {
        let Some(message) = self.messages.get(&mid) else {
            return;
        };
        if message.wants.ack.is_none_or(|ack| ack.repeat_ms.is_none()) {
            return;
        }
        let names: Vec<_> = message.statuses.iter().map(|(n, _)| n.clone()).collect();
        for name in &names {
            self.stop_reminding(name, mid);
        }
    }

    fn stop_reminding(&mut self, name: &Name, mid: MidNumber) {
        let ended = self.client(name).and_then(|c| c.reminders.remove(&mid));
        let bytes = ended.map_or(0, |ended| ended.message.frame.len() as u64);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// A client has acknowledged a message.
    pub(super) fn acknowledged(&mut self, recipient: &Name, mid: MidNumber, said: &Said) {
        let Some(message) = self.messages.get_mut(&mid) else {
            return;
        };
        if !message.wants.ack.is_some_and(|ack| ack.first) {
            return self.stop_reminding(recipient, mid);
        }
        let is_first = !std::mem::replace(&mut message.taken, true);
        // As their sender it hears of it already.
        let hears = message.sender.clone().filter(|_| message.wants.receipts);
        let names = message.statuses.iter().filter(|(name, status)| {
            name != recipient && hears.as_ref() != Some(name) && is_for(status)
        });
        let names: Vec<_> = names.map(|(name, _)| name.clone()).collect();
        self.remind_no_more(mid);
        for other in names.iter().filter(|_| is_first) {
            let receipt = KeptReceipt {
                position: Position::START,
                mid,
                reference: None,
                name: recipient.clone(),
                state: Became::Acknowledged,
                at_ms: said.at_ms,
                note: said.note.clone(),
            };
            if self.mail.keep(other, receipt) {
                self.news.receipts(other);
            }
        }
    }

    pub(super) fn reminders(&mut self, of: &Name) -> Vec<Nagging> {
        let Some(client) = self.client(of) else {
            return Vec::new();
        };
        let all = client.reminders.iter().map(|(mid, reminded)| Nagging {
            mid: *mid,
            since_ms: reminded.since_ms,
            repeat_ms: reminded.repeat_ms,
        });
        all.collect()
    }

    pub(super) fn reminder(&mut self, of: &Name, mid: MidNumber) -> Option<ToRemind> {
        let Reminded { message, .. } = self.client(of)?.reminders.get(&mid)?;
        Some(ToRemind {
            frame: message.frame.clone(),
            reference: message.reference.clone(),
        })
    }
}

/// Whether the message is for somebody of this status, or was.
fn is_for(status: &tidings_protocol::Status) -> bool {
    use tidings_protocol::Status::{Cancelled, Expired, No, Superseded};
    !matches!(status, No | Expired | Superseded | Cancelled)
}
