//! What became of a message, per recipient: the list that stands in `messages.recipients`, and taking a
//! message from those who have not confirmed it.
//!
//! Invariant: a message that was taken from somebody is in no queue of theirs any more, and its status is
//! final for them; its text goes with the last who waits for it.

use rusqlite::{OptionalExtension as _, params};
use tidings_protocol::{Name, State, Status, Statuses};

use super::{Tables, count_to_sql, from_sql, pushing, receipts::Told, to_sql, wants};
use crate::{
    mint::MidNumber,
    store::{Accept, Placed, Position},
};

/// What the list says of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Fate {
    /// It was refused.
    Refused,
    /// It was queued. Where it is not any more, it was confirmed.
    Queued,
    /// It was given up.
    GivenUp,
    /// Its sender took it back.
    Cancelled,
    /// Another one took its place.
    Superseded,
}

impl Fate {
    fn number(self) -> u8 {
        match self {
            Self::Refused => 0,
            Self::Queued => 1,
            Self::GivenUp => 2,
            Self::Cancelled => 3,
            Self::Superseded => 4,
        }
    }

    fn of_number(number: u8) -> Self {
        match number {
            1 => Self::Queued,
            2 => Self::GivenUp,
            3 => Self::Cancelled,
            4 => Self::Superseded,
            _ => Self::Refused,
        }
    }
}

/// The list of a message that is accepted now.
pub(super) fn new_list(accept: &Accept, placed: &[Placed]) -> String {
    let known = accept.recipients.iter().zip(placed).map(|(name, placed)| {
        let fate = match placed.position() {
            Some(_) => Fate::Queued,
            None => Fate::Refused,
        };
        (name.as_str(), fate.number())
    });
    let unknown = accept.unknown.iter();
    let unknown = unknown.map(|name| (name.as_str(), Fate::Refused.number()));
    let list: Vec<_> = known.chain(unknown).collect();
    // A list of texts and small numbers: writing it cannot fail.
    serde_json::to_string(&list).unwrap_or_default()
}

/// Reads a list.
pub(super) fn fates(json: &str) -> impl Iterator<Item = (Name, Fate)> + use<> {
    let list: Vec<(String, u8)> = serde_json::from_str(json).unwrap_or_default();
    list.into_iter()
        .filter_map(|(name, number)| Some((Name::new(name).ok()?, Fate::of_number(number))))
}

/// Those of a list that it was queued for, whether they have confirmed it or not.
pub(super) fn queued_for(json: &str) -> impl Iterator<Item = Name> + use<> {
    let queued = fates(json).filter(|(_, fate)| *fate == Fate::Queued);
    queued.map(|(name, _)| name)
}

/// The list, once this became of some.
pub(in crate::store::sqlite) fn with_fate(
    json: &str,
    fate: Fate,
    whom: impl Fn(&str) -> bool,
) -> String {
    let mut list: Vec<(String, u8)> = serde_json::from_str(json).unwrap_or_default();
    for (_, number) in list.iter_mut().filter(|(name, _)| whom(name)) {
        *number = fate.number();
    }
    // A list of texts and small numbers: writing it cannot fail.
    serde_json::to_string(&list).unwrap_or_default()
}

impl Tables {
    pub(in crate::store::sqlite) fn status(
        &self,
        mid: MidNumber,
    ) -> rusqlite::Result<Option<Statuses>> {
        let found: Option<(String, i64)> = self
            .connection
            .prepare_cached("SELECT recipients, position FROM messages WHERE mid = ?1")?
            .query_row([to_sql(mid.number())], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((recipients, position)) = found else {
            return Ok(None);
        };
        let mut statuses = Statuses::new();
        for (name, fate) in fates(&recipients) {
            let status = match (fate, self.clients.get(&name)) {
                (Fate::Refused, _) => Status::No,
                (Fate::GivenUp, _) => Status::Expired,
                (Fate::Cancelled, _) => Status::Cancelled,
                (Fate::Superseded, _) => Status::Superseded,
                (Fate::Queued, Some(client)) => {
                    pushing::status(&self.connection, client.id, mid, position)?
                }
                (Fate::Queued, None) => Status::Ok,
            };
            statuses.push((name, status));
        }
        Ok(Some(statuses))
    }

    /// Notes that a message was taken from these, whose queues it has left; tells its sender, where
    /// that is a change to be told.
    pub(super) fn withdrawn(
        &mut self,
        mid: i64,
        names: &[Name],
        fate: Fate,
        at_ms: u64,
    ) -> rusqlite::Result<()> {
        let recipients: String = self
            .connection
            .prepare_cached("SELECT recipients FROM messages WHERE mid = ?1")?
            .query_row([mid], |row| row.get(0))?;
        // A set where there are many, so that a large group takes no square of its time.
        let gone: std::collections::HashSet<_> = names.iter().map(Name::as_str).collect();
        let recipients = with_fate(&recipients, fate, |name| gone.contains(name));
        let (pending, of, sender, reference): (i64, i64, Option<String>, Option<String>) = self
            .connection
            .prepare_cached(
                "UPDATE messages SET recipients = ?2, pending = pending - ?3,
                     frame = CASE WHEN pending > ?3 THEN frame END
                 WHERE mid = ?1 RETURNING pending, wants, sender, reference",
            )?
            .query_row(params![mid, recipients, count_to_sql(names.len())], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
        if pending <= 0 {
            self.not_held(mid)?;
        }
        let state = match fate {
            Fate::GivenUp => State::Expired,
            Fate::Superseded => State::Superseded,
            Fate::Refused | Fate::Queued | Fate::Cancelled => return Ok(()),
        };
        let (Some(sender), Some(number)) = (sender, MidNumber::new(from_sql(mid))) else {
            return Ok(());
        };
        if of & wants::RECEIPTS == 0 {
            return Ok(());
        }
        for name in names {
            let told = Told {
                mid: number,
                reference: reference.as_deref(),
                name,
                state: state.clone(),
                at_ms,
                note: None,
            };
            self.tell(&sender, &told)?;
        }
        Ok(())
    }

    /// Takes a message from a recipient's queue, if it is there; how many bytes.
    pub(super) fn unqueue(
        &mut self,
        name: &Name,
        position: Position,
    ) -> rusqlite::Result<Option<u64>> {
        let Some(client) = self.clients.change(name) else {
            return Ok(None);
        };
        let bytes: Option<i64> = self
            .connection
            .prepare_cached(
                "DELETE FROM queue WHERE recipient = ?1 AND position = ?2 RETURNING bytes",
            )?
            .query_row([client.id, to_sql(position.number())], |row| row.get(0))
            .optional()?;
        let Some(bytes) = bytes.map(from_sql) else {
            return Ok(None);
        };
        client.load.remove(bytes);
        self.news.gone(name, position);
        Ok(Some(bytes))
    }
}
