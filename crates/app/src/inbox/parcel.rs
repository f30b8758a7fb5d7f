//! Parcels: what goes to one person or group, from queued to its end. Statements only.
//!
//! Invariants: a parcel goes to the relay it was written for and to no other, however long that one is
//! away, and fails when it is left. It leaves `queued` and `sending` only by an outcome, or because the
//! person took it back (see [`recall`](super::recall)). One that was on its way when the process died is queued again where the relay
//! drops a repeat by its `ref`; elsewhere its fate is unknown, and the person decides. What may have
//! reached the relay is never said to have been taken back or given up.

use rusqlite::{Connection, OptionalExtension, Row as Record, Transaction, params};

use tidings_control::Words;

use super::outcome::{self, Answer};
use super::sent::{Reply, draft_of, recipient, sent_row, sent_rows};
use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError};
use crate::types::{Draft, MessageId, Parcel, Progress, Recipient, RelayId, Sent};

/// A parcel that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// The parcel's number.
    pub(crate) id: MessageId,
    /// The same whenever it is sent.
    pub(crate) reference: String,
    pub(crate) to: Recipient,
    /// The message, but for whom it is for.
    pub(crate) draft: Draft,
    pub(crate) reply: Option<Reply>,
}

/// What a relay has to send now, and what it will.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Queued {
    /// In the order they were written.
    pub(crate) parcels: Vec<Outgoing>,
    /// When the next one is due that is kept here until then; milliseconds since 1970.
    pub(crate) next_due: Option<u64>,
    /// The messages of those that waited here for longer than their writer wanted, and go no more.
    pub(crate) outlived: Vec<Sent>,
}

/// How far a parcel came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) progress: Progress,
    /// It is queued again, and may have reached the relay.
    pub(crate) gone: bool,
    /// What the relay said.
    pub(crate) answer: Option<Answer>,
}

/// Keeps a parcel of a message.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    sent: MessageId,
    relay: &RelayId,
    to: &Recipient,
    reference: &str,
    now: u64,
) -> rusqlite::Result<()> {
    let (kind, target) = match to {
        Recipient::Person(name) => ("person", name),
        Recipient::Group(name) => ("group", name),
    };
    transaction
        .prepare_cached(
            "INSERT INTO parcel (sent, relay, ref, kind, target, queued_at, progress)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued')",
        )?
        .execute(params![
            integer(sent),
            relay.as_str(),
            reference,
            kind,
            target,
            integer(now)
        ])?;
    Ok(())
}

/// The parcels of a message in their order, each with its number; who got them is in [`outcome`].
pub(super) fn of(
    connection: &Connection,
    sent: MessageId,
) -> rusqlite::Result<Vec<(MessageId, Parcel)>> {
    connection
        .prepare_cached(
            "SELECT id, kind, target, progress, reason FROM parcel WHERE sent = ?1 ORDER BY id",
        )?
        .query_map([integer(sent)], |record| {
            let kind: String = record.get(1)?;
            let parcel = Parcel {
                to: recipient(&kind, record.get(2)?),
                progress: progress(&record.get::<_, String>(3)?, record.get(4)?),
                recipients: Vec::new(),
            };
            Ok((number(record, 0)?, parcel))
        })?
        .collect()
}

/// What is queued for a relay and may go now, in order, and of each whether its time is over. It is read
/// row by row for as long as rows are wanted: with a queue of thousands it costs what is taken.
const WAITING: &str =
    "SELECT sent.id, title, body, priority, link, written_at, tags, ttl, due, ask, repeat, key, reply_to,
         relay, parcel.id, ref, kind, target, reply, quote,
         NOT gone AND coalesce(max(coalesce(due, 0), queued_at) + ttl * 1000 <= ?3, FALSE)
     FROM parcel INDEXED BY parcel_queued CROSS JOIN sent ON sent.id = parcel.sent
     WHERE progress = 'queued' AND relay = ?1 AND (?2 OR coalesce(due, 0) <= ?3)
     ORDER BY parcel.id";

/// The column of [`WAITING`] with the parcel's number, and the one that says whether its time is over.
const PARCEL: usize = 14;
const OUTLIVED: usize = 20;

/// When the first is due that is queued for a relay and not due yet.
const NEXT_DUE: &str = "SELECT due FROM sent INDEXED BY sent_due
     CROSS JOIN parcel INDEXED BY parcel_sent ON parcel.sent = sent.id
     WHERE due > ?2 AND progress = 'queued' AND relay = ?1
     ORDER BY due LIMIT 1";

impl Inbox {
    /// What is queued for that relay in the order it was written, at most so many. What is not due yet
    /// is left out, unless the relay holds it until then. What has never left and outlived its time is
    /// given up on the way, for that reason.
    pub(crate) async fn waiting(
        &self,
        relay: RelayId,
        holds: bool,
        limit: usize,
        outlived: Words,
        now: u64,
    ) -> Result<Queued, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let (mut parcels, mut over) = (Vec::new(), Vec::new());
            {
                let mut statement = transaction.prepare_cached(WAITING)?;
                let mut records = statement.query(params![relay.as_str(), holds, integer(now)])?;
                while parcels.len() < limit
                    && let Some(record) = records.next()?
                {
                    match record.get(OUTLIVED)? {
                        true => over.push(number(record, PARCEL)?),
                        false => parcels.push(outgoing_of(record)?),
                    }
                }
            }
            let next_due: Option<i64> = match holds {
                true => None,
                false => transaction
                    .prepare_cached(NEXT_DUE)?
                    .query_one(params![relay.as_str(), integer(now)], |record| {
                        record.get(0)
                    })
                    .optional()?,
            };
            let outlived = give_up(&transaction, &over, &outlived)?;
            transaction.commit()?;
            Ok(Queued {
                parcels,
                next_due: next_due.map(unsigned),
                outlived,
            })
        })
        .await
    }

    /// Records how far a parcel came, and with an answer what became of it for each recipient. Gives the
    /// message's row; none if there is none.
    pub(crate) async fn progressed(
        &self,
        parcel: MessageId,
        came: Came,
        now: u64,
    ) -> Result<Option<Sent>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            record(&transaction, parcel, &came)?;
            if let Some(answer) = &came.answer {
                outcome::answered(&transaction, parcel, answer, now)?;
            }
            let sent = row_with(&transaction, parcel)?;
            transaction.commit()?;
            Ok(sent)
        })
        .await
    }

    /// Records that a parcel is on its way to its relay; `by_ref` if that would recognise a repeat.
    /// None where it is not queued any more: the person took it back.
    pub(crate) async fn leaving(
        &self,
        parcel: MessageId,
        by_ref: bool,
    ) -> Result<Option<Sent>, InboxError> {
        self.call(move |connection| {
            let word = if by_ref { "sending-ref" } else { "sending" };
            let left = connection
                .prepare_cached(
                    "UPDATE parcel SET progress = ?1 WHERE id = ?2 AND progress = 'queued'",
                )?
                .execute(params![word, integer(parcel)])?;
            match left {
                0 => Ok(None),
                _ => row_with(connection, parcel),
            }
        })
        .await
    }

    /// Settles what is on its way when nobody can say any more what became of it: after a crash, or
    /// a session that ended without a word (then only what was for that relay). Gives the rows.
    pub(crate) async fn resume(&self, relay: Option<RelayId>) -> Result<Vec<Sent>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let ids: Vec<MessageId> = transaction
                .prepare_cached(
                    "UPDATE parcel
                     SET progress = CASE progress WHEN 'sending' THEN 'unknown' ELSE 'queued' END,
                         gone = (gone OR progress = 'sending-ref')
                     WHERE progress IN ('sending', 'sending-ref') AND (?1 IS NULL OR relay = ?1)
                     RETURNING sent",
                )?
                .query_map([relay.as_ref().map(RelayId::as_str)], |record| {
                    number(record, 0)
                })?
                .collect::<rusqlite::Result<_>>()?;
            let rows = sent_rows(&transaction, ids)?;
            transaction.commit()?;
            Ok(rows)
        })
        .await
    }
}

/// Gives up parcels that are queued, for that reason; gives their messages.
fn give_up(
    transaction: &Transaction<'_>,
    parcels: &[MessageId],
    reason: &Words,
) -> rusqlite::Result<Vec<Sent>> {
    let mut statement = transaction.prepare_cached(
        "UPDATE parcel SET progress = 'failed', reason = ?1 WHERE id = ?2 RETURNING sent",
    )?;
    let mut messages = Vec::with_capacity(parcels.len());
    for &parcel in parcels {
        let message = params![kept(reason), integer(parcel)];
        messages.push(statement.query_one(message, |record| number(record, 0))?);
    }
    sent_rows(transaction, messages)
}

fn outgoing_of(record: &Record<'_>) -> rusqlite::Result<Outgoing> {
    let kind: String = record.get(16)?;
    let mid: Option<String> = record.get(18)?;
    let quote: String = record.get(19)?;
    let replies = mid.is_some() || !quote.is_empty();
    Ok(Outgoing {
        id: number(record, PARCEL)?,
        reference: record.get(15)?,
        to: recipient(&kind, record.get(17)?),
        draft: draft_of(record, 0)?,
        reply: replies.then_some(Reply { mid, quote }),
    })
}

fn record(connection: &Connection, parcel: MessageId, came: &Came) -> rusqlite::Result<()> {
    let (word, reason) = match &came.progress {
        Progress::Queued => ("queued", None),
        Progress::Sending => ("sending", None),
        Progress::Answered => ("answered", None),
        Progress::Unknown => ("unknown", None),
        Progress::Failed { reason } => ("failed", Some(kept(reason))),
        Progress::Cancelled => ("cancelled", None),
    };
    connection
        .prepare_cached(
            "UPDATE parcel SET progress = ?1, reason = ?2, gone = (gone OR ?3) WHERE id = ?4",
        )?
        .execute(params![word, reason, came.gone, integer(parcel)])?;
    Ok(())
}

fn progress(word: &str, reason: Option<String>) -> Progress {
    match word {
        "queued" => Progress::Queued,
        "sending" | "sending-ref" => Progress::Sending,
        "answered" => Progress::Answered,
        "cancelled" => Progress::Cancelled,
        "failed" => Progress::Failed {
            reason: words(reason.unwrap_or_default()),
        },
        _ => Progress::Unknown,
    }
}

/// A reason as it is kept.
pub(super) fn kept(reason: &Words) -> String {
    serde_json::to_string(reason).unwrap_or_default()
}

/// A reason as it was kept; those of earlier versions are bare English.
fn words(kept: String) -> Words {
    serde_json::from_str(&kept).unwrap_or_else(|_| Words::foreign(kept))
}

/// The row of the message that a parcel belongs to.
pub(super) fn row_with(
    connection: &Connection,
    parcel: MessageId,
) -> rusqlite::Result<Option<Sent>> {
    let sent: Option<u64> = connection
        .prepare_cached("SELECT sent FROM parcel WHERE id = ?1")?
        .query_one([integer(parcel)], |record| number(record, 0))
        .optional()?;
    sent.map_or(Ok(None), |sent| sent_row(connection, sent))
}

#[cfg(test)]
pub(super) mod tests;
