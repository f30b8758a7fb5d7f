//! What a person decides about a sent message later: taken back, or sent once more. Statements only.
//!
//! Invariants: what may have reached the relay is not said to have been taken back here; what is of unknown
//! fate goes again under its own `ref` alone, by which the relay knows it.

use rusqlite::params;

use super::outcome;
use super::parcel::row_with;
use super::sent::sent_row;
use super::value::{integer, number};
use super::{Inbox, InboxError};
use crate::types::{MessageId, Parcel, Progress, RelayId, Sent};

/// A message that is taken back: what of it was queued here and is not any more, and what is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakenBack {
    /// The message as it is now.
    pub(crate) sent: Sent,
    /// What the relays hold: they are to be asked.
    pub(crate) held: Vec<Held>,
    /// Parcels that are on their way, or were delivered.
    pub(crate) late: usize,
}

/// A parcel that a relay holds until it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) parcel: MessageId,
    pub(crate) relay: RelayId,
    /// The relay's id of it.
    pub(crate) mid: String,
}

impl Inbox {
    /// Takes back what of a message has not left. None if there is no such message.
    pub(crate) async fn take_back(&self, id: MessageId) -> Result<Option<TakenBack>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached(
                    "UPDATE parcel SET progress = 'cancelled'
                     WHERE sent = ?1 AND progress = 'queued' AND NOT gone",
                )?
                .execute([integer(id)])?;
            let held: Vec<Held> = transaction
                .prepare_cached(
                    "SELECT id, relay, mid FROM parcel
                     WHERE sent = ?1 AND mid IS NOT NULL AND relay IS NOT NULL
                         AND EXISTS (SELECT 1 FROM outcome
                             WHERE outcome.parcel = parcel.id AND delivery = 'held')
                     ORDER BY id",
                )?
                .query_map([integer(id)], |record| {
                    Ok(Held {
                        parcel: number(record, 0)?,
                        relay: RelayId::new(record.get::<_, String>(1)?),
                        mid: record.get(2)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let sent = sent_row(&transaction, id)?;
            transaction.commit()?;
            Ok(sent.map(|sent| {
                let back = sent.parcels.iter().filter(|parcel| is_back(parcel)).count();
                let late = sent.parcels.len().saturating_sub(back + held.len());
                TakenBack { sent, held, late }
            }))
        })
        .await
    }

    /// The relay took a held parcel back. Gives the message's row.
    pub(crate) async fn taken_back(
        &self,
        parcel: MessageId,
        now: u64,
    ) -> Result<Option<Sent>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            outcome::taken_back(&transaction, parcel, now)?;
            let sent = row_with(&transaction, parcel)?;
            transaction.commit()?;
            Ok(sent)
        })
        .await
    }

    /// Queues what of a message did not go out, was taken back, reached nobody, or is of unknown fate. What is
    /// of unknown fate keeps its `ref`, by which the relay knows it; the others take new ones. Gives the
    /// message's row, and how many parcels were queued; none if there is no such message.
    pub(crate) async fn queue_again(
        &self,
        id: MessageId,
        mut fresh: Vec<String>,
        now: u64,
    ) -> Result<Option<(Sent, usize)>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let unknown = transaction
                .prepare_cached(
                    "UPDATE parcel SET progress = 'queued', gone = 1, queued_at = ?2
                     WHERE sent = ?1 AND progress = 'unknown'",
                )?
                .execute([integer(id), integer(now)])?;
            let lost: Vec<i64> = transaction
                .prepare_cached(
                    "SELECT id FROM parcel
                     WHERE sent = ?1 AND (progress IN ('failed', 'cancelled') OR progress = 'answered'
                         AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.parcel = parcel.id
                             AND delivery NOT IN ('refused', 'expired', 'cancelled')))",
                )?
                .query_map([integer(id)], |record| record.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut queued = unknown;
            for parcel in lost {
                let Some(reference) = fresh.pop() else { break };
                transaction
                    .prepare_cached(
                        "UPDATE parcel SET progress = 'queued', gone = 0, queued_at = ?2, ref = ?3,
                             mid = NULL, reason = NULL
                         WHERE id = ?1",
                    )?
                    .execute(params![parcel, integer(now), reference])?;
                outcome::forget(&transaction, parcel)?;
                queued += 1;
            }
            let sent = sent_row(&transaction, id)?;
            transaction.commit()?;
            Ok(sent.map(|sent| (sent, queued)))
        })
        .await
    }
}

fn is_back(parcel: &Parcel) -> bool {
    use crate::types::Delivery::Cancelled;
    let cancelled = |parcel: &Parcel| {
        let mut each = parcel.recipients.iter();
        !parcel.recipients.is_empty() && each.all(|outcome| outcome.delivery == Cancelled)
    };
    match parcel.progress {
        // What failed is not going to be delivered either.
        Progress::Cancelled | Progress::Failed { .. } => true,
        _ => cancelled(parcel),
    }
}
