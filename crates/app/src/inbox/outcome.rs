//! What became of parcels for their recipients, and how it came to that. Statements only.
//!
//! Invariants: what is known of a recipient never falls back, in whichever order it is heard of; a change
//! that is told again changes nothing.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::sent::sent_rows;
use super::value::{integer, number};
use super::{Inbox, InboxError};
use crate::types::{Delivery, MessageId, Outcome, RelayId, Sent, Step};

/// What a relay answered to a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The relay's id of it.
    pub(crate) mid: String,
    /// Names, and the protocol's words for what became of it.
    pub(crate) statuses: Vec<(String, String)>,
}

/// A later change, as a relay tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// By which relay.
    pub(crate) relay: RelayId,
    /// This computer's group there; may be empty.
    pub(crate) group: String,
    /// The relay's id of the parcel.
    pub(crate) mid: String,
    /// Ours.
    pub(crate) reference: Option<String>,
    /// For which recipient.
    pub(crate) name: String,
    /// What it became.
    pub(crate) delivery: Delivery,
    /// When, by the relay's clock; milliseconds since 1970.
    pub(crate) at: u64,
    /// What the person said; may be empty.
    pub(crate) note: String,
}

/// What came of what was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Heard {
    /// The rows that changed.
    pub(crate) changed: Vec<Sent>,
    /// For each change, whether it may be about a message received here: it is of nothing that was sent, or
    /// of what was sent to this computer's own group, where the first acknowledgement counts for all.
    pub(crate) of_received: Vec<bool>,
}

impl Inbox {
    /// Stores what relays told of parcels, in one transaction.
    pub(crate) async fn told(&self, changes: Vec<Told>) -> Result<Heard, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let (mut changed, mut of_received) = (Vec::new(), Vec::new());
            for told in &changes {
                let Some((parcel, sent)) = parcel_of(&transaction, told)? else {
                    of_received.push(true);
                    continue;
                };
                of_received.push(is_first_of_own(&transaction, parcel, &told.group)?);
                let step = Step {
                    delivery: told.delivery,
                    at: told.at,
                    note: told.note.clone(),
                };
                if came(&transaction, parcel, &told.name, word(told.delivery), &step)? {
                    changed.push(sent);
                }
            }
            let changed = sent_rows(&transaction, changed)?;
            transaction.commit()?;
            Ok(Heard {
                changed,
                of_received,
            })
        })
        .await
    }
}

/// Whether a parcel went to that group, for the first of it to acknowledge.
fn is_first_of_own(
    transaction: &Transaction<'_>,
    parcel: i64,
    group: &str,
) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM parcel JOIN sent ON sent.id = parcel.sent
                 WHERE parcel.id = ?1 AND ask = 'first' AND kind = 'group' AND target = ?2)",
        )?
        .query_one(params![parcel, group], |record| record.get(0))
}

/// The parcel that a relay speaks of, and its message. One that was sent again may be heard of before its
/// answer: its `ref` tells, and it is of unknown fate no longer.
fn parcel_of(
    transaction: &Transaction<'_>,
    told: &Told,
) -> rusqlite::Result<Option<(i64, MessageId)>> {
    let known = transaction
        .prepare_cached("SELECT id, sent FROM parcel WHERE mid = ?1 AND relay = ?2")?
        .query_one([told.mid.as_str(), told.relay.as_str()], |record| {
            Ok((record.get(0)?, number(record, 1)?))
        })
        .optional()?;
    let (None, Some(reference)) = (known, &told.reference) else {
        return Ok(known);
    };
    transaction
        .prepare_cached(
            "UPDATE parcel SET mid = coalesce(mid, ?1),
                 progress = CASE progress WHEN 'unknown' THEN 'answered' ELSE progress END
             WHERE ref = ?2 AND relay = ?3 RETURNING id, sent",
        )?
        .query_one([&told.mid, reference, told.relay.as_str()], |record| {
            Ok((record.get(0)?, number(record, 1)?))
        })
        .optional()
}

/// Records what the relay answered to a parcel.
pub(super) fn answered(
    transaction: &Transaction<'_>,
    parcel: MessageId,
    answer: &Answer,
    now: u64,
) -> rusqlite::Result<()> {
    let parcel = integer(parcel);
    transaction
        .prepare_cached("UPDATE parcel SET mid = ?1 WHERE id = ?2")?
        .execute(params![answer.mid, parcel])?;
    for (name, status) in &answer.statuses {
        let step = Step {
            delivery: delivery(status),
            at: now,
            note: String::new(),
        };
        let word = match step.delivery {
            // Kept for a version that knows it.
            Delivery::Other => status.as_str(),
            known => word(known),
        };
        came(transaction, parcel, name, word, &step)?;
    }
    Ok(())
}

/// What the relay held of a parcel it holds no longer, as the person wanted.
pub(super) fn taken_back(
    transaction: &Transaction<'_>,
    parcel: MessageId,
    now: u64,
) -> rusqlite::Result<()> {
    let parcel = integer(parcel);
    let names: Vec<String> = transaction
        .prepare_cached("SELECT name FROM outcome WHERE parcel = ?1 AND delivery = 'held'")?
        .query_map([parcel], |record| record.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let step = Step {
        delivery: Delivery::Cancelled,
        at: now,
        note: String::new(),
    };
    for name in names {
        came(transaction, parcel, &name, word(step.delivery), &step)?;
    }
    Ok(())
}

/// Forgets what became of a parcel that is sent anew.
pub(super) fn forget(transaction: &Transaction<'_>, parcel: i64) -> rusqlite::Result<()> {
    for table in ["outcome", "step"] {
        transaction
            .prepare_cached(&format!("DELETE FROM {table} WHERE parcel = ?1"))?
            .execute([parcel])?;
    }
    Ok(())
}

/// Records a change; false if it was known.
fn came(
    transaction: &Transaction<'_>,
    parcel: i64,
    name: &str,
    word: &str,
    step: &Step,
) -> rusqlite::Result<bool> {
    let new = transaction
        .prepare_cached(
            "INSERT INTO step (parcel, name, delivery, at, note) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![parcel, name, word, integer(step.at), step.note])?;
    if new == 0 {
        return Ok(false);
    }
    let now: Option<String> = transaction
        .prepare_cached("SELECT delivery FROM outcome WHERE parcel = ?1 AND name = ?2")?
        .query_one(params![parcel, name], |record| record.get(0))
        .optional()?;
    match now {
        None => transaction
            .prepare_cached(
                "INSERT INTO outcome (parcel, position, name, delivery)
                 SELECT ?1, coalesce(max(position) + 1, 0), ?2, ?3 FROM outcome WHERE parcel = ?1",
            )?
            .execute(params![parcel, name, word])?,
        Some(now) if rank(step.delivery) > rank(by_word(&now)) => transaction
            .prepare_cached("UPDATE outcome SET delivery = ?3 WHERE parcel = ?1 AND name = ?2")?
            .execute(params![parcel, name, word])?,
        Some(_) => 0,
    };
    Ok(true)
}

/// What became of a parcel, in the order its recipients were heard of.
pub(super) fn of(connection: &Connection, parcel: MessageId) -> rusqlite::Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = connection
        .prepare_cached("SELECT name, delivery FROM outcome WHERE parcel = ?1 ORDER BY position")?
        .query_map([integer(parcel)], |record| {
            let word: String = record.get(1)?;
            Ok(Outcome {
                name: record.get(0)?,
                delivery: by_word(&word),
                history: Vec::new(),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    // One look for all of them: a group may have thousands.
    let mut histories = HashMap::<String, Vec<Step>>::new();
    let mut statement = connection.prepare_cached(
        "SELECT name, delivery, at, note FROM step WHERE parcel = ?1 ORDER BY id",
    )?;
    let mut steps = statement.query([integer(parcel)])?;
    while let Some(record) = steps.next()? {
        let word: String = record.get(1)?;
        histories.entry(record.get(0)?).or_default().push(Step {
            delivery: by_word(&word),
            at: number(record, 2)?,
            note: record.get(3)?,
        });
    }
    for outcome in &mut outcomes {
        outcome.history = histories.remove(&outcome.name).unwrap_or_default();
    }
    Ok(outcomes)
}

/// The protocol's word in people's terms.
pub(crate) fn delivery(status: &str) -> Delivery {
    use tidings_protocol::Status;
    match Status::from_word(status) {
        Status::Held => Delivery::Held,
        Status::Ready | Status::Wait => Delivery::Waiting,
        Status::Ok | Status::PushConfirmed => Delivery::Delivered,
        Status::PushWait | Status::PushOk => Delivery::Pushed,
        Status::No => Delivery::Refused,
        Status::Expired => Delivery::Expired,
        Status::Superseded => Delivery::Superseded,
        Status::Cancelled => Delivery::Cancelled,
        Status::Other(_) => Delivery::Other,
    }
}

/// All of them with the words they are kept by, from what says least to what says most: of two, the later
/// one stands. What ended undelivered gives way to a delivery, should one be heard of all the same.
const DELIVERIES: [(Delivery, &str); 12] = [
    (Delivery::Other, "other"),
    (Delivery::Held, "held"),
    (Delivery::Waiting, "waiting"),
    (Delivery::Pushed, "pushed"),
    (Delivery::Refused, "refused"),
    (Delivery::Expired, "expired"),
    (Delivery::Superseded, "superseded"),
    (Delivery::Cancelled, "cancelled"),
    (Delivery::Delivered, "delivered"),
    (Delivery::Dismissed, "dismissed"),
    (Delivery::Read, "read"),
    (Delivery::Acknowledged, "acknowledged"),
];

fn rank(delivery: Delivery) -> usize {
    let mut all = DELIVERIES.iter();
    all.position(|(of, _)| *of == delivery).unwrap_or_default()
}

fn word(delivery: Delivery) -> &'static str {
    DELIVERIES
        .get(rank(delivery))
        .map_or("other", |(_, word)| word)
}

fn by_word(word: &str) -> Delivery {
    let known = DELIVERIES.iter().find(|(_, of)| *of == word);
    known.map_or(Delivery::Other, |(delivery, _)| *delivery)
}

#[cfg(test)]
mod tests;
