//! Messages that are held, in memory.

use tidings_protocol::Status;

use super::{Client, State, Stored};
use crate::{
    mint::MidNumber,
    store::{HeldMessage, Owner, Position, Released, Scheduled, Which, Withdrawn},
};

impl Client {
    /// What of this key waits, or is held, and was accepted before `mid`: where, which, how many bytes.
    pub(super) fn before(&self, key: &str, mid: MidNumber) -> Vec<(Position, MidNumber, u64)> {
        let of_key = self.queue.iter().filter(|(_, waiting)| {
            waiting.key.as_deref() == Some(key) && waiting.message.mid < mid
        });
        of_key
            .map(|(position, waiting)| {
                let message = &waiting.message;
                (*position, message.mid, message.frame.len() as u64)
            })
            .collect()
    }
}

impl Stored {
    fn owner(&self) -> Owner {
        match &self.sender {
            Some(name) => Owner::Client(name.clone()),
            None => Owner::Token(self.by.clone()),
        }
    }
}

impl State {
    /// A message is held no more, if it was.
    pub(super) fn not_held(&mut self, mid: MidNumber) {
        if let Some(message) = self.messages.get_mut(&mid)
            && let Some(due_ms) = message.due_ms.take()
        {
            message.position = Position::new(mid.number());
            self.held.remove(&(due_ms, mid));
        }
    }

    pub(super) fn release(&mut self, now_ms: u64, places: &[MidNumber]) -> Released {
        let mut released = Released::default();
        for place in places {
            let Some(&(due_ms, mid)) = self.held.first().filter(|(due, _)| *due <= now_ms) else {
                break;
            };
            self.held.remove(&(due_ms, mid));
            // Their numbers are no mid's, but no mid may become theirs.
            if let Some(identity) = &mut self.identity {
                identity.highest_mid = identity.highest_mid.max(Some(*place));
            }
            let position = Position::new(place.number());
            let Some(message) = self.messages.get_mut(&mid) else {
                continue;
            };
            message.due_ms = None;
            message.at_ms = now_ms;
            message.position = position;
            let waiting = message.statuses.iter_mut();
            let waiting = waiting.filter(|(_, status)| *status == Status::Held);
            let names: Vec<_> = waiting
                .map(|(name, status)| {
                    *status = Status::Wait;
                    name.clone()
                })
                .collect();
            for name in &names {
                let Some(client) = self.client(name) else {
                    continue;
                };
                let Some(mut waiting) = client.queue.remove(&Position::held(mid)) else {
                    continue;
                };
                let key = waiting.key.clone();
                waiting.message.position = position;
                client.queue.insert(position, waiting);
                let before = key.map_or_else(Vec::new, |key| client.before(&key, mid));
                if let Some(old) = self.make_way(name, before, now_ms) {
                    released.superseded.push((old, name.clone()));
                }
                self.news.released(name);
            }
            released.messages.push((mid, names));
        }
        released
    }

    pub(super) fn scheduled(
        &self,
        of: &Owner,
        after: Option<MidNumber>,
        limit: usize,
    ) -> Scheduled {
        let rest = self.messages.iter().filter(|(mid, message)| {
            message.due_ms.is_some()
                && after.is_none_or(|after| after < **mid)
                && of.reaches(&message.owner())
        });
        let mut rest = rest.filter_map(|(mid, message)| {
            let mut names = message.statuses.iter().map(|(name, _)| name);
            let waiting = names.find_map(|name| {
                let client = self.clients.get(*self.names.get(name)?)?;
                client.queue.get(&message.position)
            })?;
            Some(HeldMessage {
                mid: *mid,
                reference: message.reference.clone(),
                frame: waiting.message.frame.clone(),
                due_ms: message.due_ms?,
            })
        });
        Scheduled {
            messages: rest.by_ref().take(limit).collect(),
            more: rest.next().is_some(),
        }
    }

    pub(super) fn cancel(&mut self, of: &Owner, which: &Which) -> Withdrawn {
        let mid = match which {
            Which::Mid(mid) => Some(*mid),
            Which::Ref(reference) => {
                let sender = match of {
                    Owner::Client(name) => Some(name.clone()),
                    Owner::Token(_) | Owner::All => None,
                };
                let found = self.references.get(&(sender, reference.clone()));
                found.map(|(_, mid)| *mid)
            }
        };
        let found = mid.and_then(|mid| Some((mid, self.messages.get(&mid)?)));
        let Some((mid, stored)) = found.filter(|(_, stored)| of.reaches(&stored.owner())) else {
            return Withdrawn::default();
        };
        let message = Some((mid, stored.reference.clone()));
        if stored.due_ms.is_none() {
            let mut statuses = stored.statuses.iter();
            let cancelled = statuses.any(|(_, status)| *status == Status::Cancelled);
            return Withdrawn { message, cancelled };
        }
        let held = stored.statuses.iter().filter(|(_, s)| *s == Status::Held);
        let names: Vec<_> = held.map(|(name, _)| name.clone()).collect();
        for name in &names {
            self.unqueue(name, Position::held(mid));
            self.withdrawn(mid, name, Status::Cancelled);
        }
        let cancelled = true;
        Withdrawn { message, cancelled }
    }
}
