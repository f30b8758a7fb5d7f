//! Whether messages were acknowledged by whom their sender asks to, and what their relay reminds of.
//! Statements only.
//!
//! Invariants: an acknowledgement is given once, and is in one transaction with the report that tells
//! the relay of it; what somebody else took counts also where the message comes after the news of it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row as Record, params};
use tidings_protocol::Reported;

use super::received::unread;
use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError, report};
use crate::types::{Acknowledgement, Ask, MessageId};

/// Messages that were taken before they came, at most: a relay tells of those that wait for this
/// computer. The oldest are forgotten.
const FORETOLD: u32 = 1000;

/// The columns that [`of`] reads.
pub(super) const COLUMNS: &str = "ask, acknowledged_at, acknowledged_by, note";

/// An acknowledgement that was not given here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The relay's key here; see [`Inbox::attach`].
    pub(crate) relay: String,
    pub(crate) mid: String,
    /// By whom; none for another device of this computer's name.
    pub(crate) by: Option<String>,
    /// Milliseconds since 1970, by the relay's clock.
    pub(crate) at: u64,
    pub(crate) note: Option<String>,
}

/// What came of acknowledging a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// It is acknowledged from now on.
    Now,
    /// It was before, here or by somebody else.
    Before,
    /// Nobody asks for it.
    NotAsked,
    /// There is no such message.
    Gone,
}

/// What a reminder finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reminded {
    /// It is due a notification again.
    Due,
    /// There is nothing to remind of: it was answered or deleted, or is due anyway.
    Settled,
    /// It is not here.
    Unknown,
}

impl Inbox {
    /// Acknowledges a message, which reads it; the report of it waits for its relay.
    pub(crate) async fn acknowledge(
        &self,
        id: MessageId,
        note: String,
        now: u64,
    ) -> Result<Given, InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let found: Option<(Option<String>, Option<i64>)> = transaction
                .prepare_cached(
                    "SELECT ask, acknowledged_at FROM received
                     WHERE id = ?1 AND deleted_at IS NULL",
                )?
                .query_one([integer(id)], |record| Ok((record.get(0)?, record.get(1)?)))
                .optional()?;
            match found {
                None => return Ok(Given::Gone),
                Some((None, _)) => return Ok(Given::NotAsked),
                Some((_, Some(_))) => return Ok(Given::Before),
                Some((Some(_), None)) => {}
            }
            let said = (!note.is_empty()).then_some(note);
            transaction
                .prepare_cached(
                    "UPDATE received SET acknowledged_at = ?1, note = ?2, reminders = 0,
                         read_at = coalesce(read_at, ?1)
                     WHERE id = ?3",
                )?
                .execute(params![integer(now), said, integer(id)])?;
            report::add(&transaction, id, Reported::Acknowledged, now)?;
            report::bound(&transaction)?;
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(Given::Now)
        })
        .await
    }

    /// A message was acknowledged by somebody else of a group where that is enough, or by another device
    /// of this computer's name; gives the message, where that is news. Where it has not come yet, it
    /// counts once it does.
    pub(crate) async fn taken(&self, taken: Taken) -> Result<Option<MessageId>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let relay: Option<i64> = transaction
                .prepare_cached("SELECT id FROM relay WHERE key = ?1")?
                .query_one([&taken.relay], |record| record.get(0))
                .optional()?;
            let Some(relay) = relay else { return Ok(None) };
            let known: bool = transaction
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM received WHERE relay = ?1 AND mid = ?2)",
                )?
                .query_one(params![relay, taken.mid], |record| record.get(0))?;
            let changed = if known {
                take(&transaction, relay, &taken)?
            } else {
                foretell(&transaction, relay, &taken)?;
                None
            };
            transaction.commit()?;
            Ok(changed)
        })
        .await
    }

    /// The relay of that key reminds of a message for the so manieth time: one that was raised before is due
    /// a notification again.
    pub(crate) async fn reminded(
        &self,
        relay: String,
        mid: String,
        times: u64,
    ) -> Result<Reminded, InboxError> {
        self.call(move |connection| {
            // One that was never raised is so anyway.
            let due = connection
                .prepare_cached(
                    "UPDATE received SET reminders = ?3, notified_at = NULL, held = NULL
                     WHERE relay = (SELECT id FROM relay WHERE key = ?1) AND mid = ?2
                         AND ask IS NOT NULL AND acknowledged_at IS NULL AND deleted_at IS NULL
                         AND superseded_by IS NULL AND notified_at IS NOT NULL",
                )?
                .execute(params![relay, mid, integer(times.max(1))])?;
            if due > 0 {
                return Ok(Reminded::Due);
            }
            let here: bool = connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM received
                     WHERE relay = (SELECT id FROM relay WHERE key = ?1) AND mid = ?2)",
                )?
                .query_one(params![relay, mid], |record| record.get(0))?;
            Ok(if here {
                Reminded::Settled
            } else {
                Reminded::Unknown
            })
        })
        .await
    }
}

fn take(connection: &Connection, relay: i64, taken: &Taken) -> rusqlite::Result<Option<MessageId>> {
    connection
        .prepare_cached(
            "UPDATE received SET acknowledged_at = ?3, acknowledged_by = ?4, note = ?5, reminders = 0
             WHERE relay = ?1 AND mid = ?2 AND (ask = 'first' OR ?4 IS NULL) AND ask IS NOT NULL
                 AND acknowledged_at IS NULL
             RETURNING id",
        )?
        .query_one(
            params![relay, taken.mid, integer(taken.at), taken.by, taken.note],
            |record| number(record, 0),
        )
        .optional()
}

fn foretell(connection: &Connection, relay: i64, taken: &Taken) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO taken (relay, mid, name, at, note) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            relay,
            taken.mid,
            taken.by,
            integer(taken.at),
            taken.note
        ])?;
    connection
        .prepare_cached("DELETE FROM taken WHERE rowid <= (SELECT max(rowid) FROM taken) - ?1")?
        .execute([FORETOLD])?;
    Ok(())
}

/// What was heard of a message before it came; it has come now.
pub(super) fn foretold(
    connection: &Connection,
    relay: i64,
    mid: &str,
) -> rusqlite::Result<Option<Acknowledgement>> {
    let known: Option<(Option<String>, i64, Option<String>)> = connection
        .prepare_cached("DELETE FROM taken WHERE relay = ?1 AND mid = ?2 RETURNING name, at, note")?
        .query_one(params![relay, mid], |record| {
            Ok((record.get(0)?, record.get(1)?, record.get(2)?))
        })
        .optional()?;
    let Some((by, at, note)) = known else {
        return Ok(None);
    };
    let taken = Taken {
        relay: String::new(),
        mid: mid.to_owned(),
        by: by.clone(),
        at: unsigned(at),
        note: note.clone(),
    };
    if take(connection, relay, &taken)?.is_none() {
        return Ok(None);
    }
    let (at, note) = (unsigned(at), note.unwrap_or_default());
    Ok(Some(match by {
        None => Acknowledgement::Given { at, note },
        Some(by) => Acknowledgement::Taken { by, at, note },
    }))
}

/// Reads those of [`COLUMNS`], from that place on.
pub(super) fn of(record: &Record<'_>, at: usize) -> rusqlite::Result<Option<Acknowledgement>> {
    if record.get::<_, Option<String>>(at)?.is_none() {
        return Ok(None);
    }
    let when: Option<i64> = record.get(at + 1)?;
    let by: Option<String> = record.get(at + 2)?;
    let note = record.get::<_, Option<String>>(at + 3)?.unwrap_or_default();
    Ok(Some(match (when.map(unsigned), by) {
        (None, _) => Acknowledgement::Wanted,
        (Some(at), None) => Acknowledgement::Given { at, note },
        (Some(at), Some(by)) => Acknowledgement::Taken { by, at, note },
    }))
}

/// The word in the column.
pub(super) fn word(ask: Ask) -> Option<&'static str> {
    match ask {
        Ask::Nobody => None,
        Ask::Each => Some("each"),
        Ask::First => Some("first"),
    }
}

#[cfg(test)]
mod tests;
