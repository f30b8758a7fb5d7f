//! What is removed: for good what was deleted a while ago or is beyond what is kept, and, to be
//! taken back, all that a filter asks for.
//!
//! Owns the statements; when they run is the caller's. Invariants: each call is a small piece, so
//! that what arrives is not kept waiting; unread messages are never removed for their age or number
//! unless the person said so.

use std::sync::Arc;

use rusqlite::{Connection, params, params_from_iter};

use super::list::Chosen;
use super::received::unread;
use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError};
use crate::types::{Filter, Keep, MessageId};

/// How long deleted messages can be restored.
const KEPT_DELETED_MS: u64 = DAY_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Messages of one piece: some ten milliseconds.
const PIECE: u32 = 200;

/// A piece of a deletion that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The last one that was deleted, to go on from; none when there are no more.
    pub(crate) last: Option<MessageId>,
    /// How many were.
    pub(crate) count: u32,
}

impl Inbox {
    /// Removes a piece of what is not kept any more; gives how many messages, none when all is done.
    pub(crate) async fn sweep(&self, keep: Keep, now: u64) -> Result<u32, InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut gone = deleted(&transaction, now, PIECE)?;
            if gone < PIECE
                && let Some(days) = keep.days
            {
                gone += old(&transaction, now, days, keep.unread_too)?;
            }
            if gone < PIECE
                && let Some(count) = keep.count
            {
                gone += many(&transaction, count, keep.unread_too)?;
            }
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(gone)
        })
        .await
    }

    /// Deletes a piece of what a filter asks for, from the newest, older than `before`, so that
    /// [`Inbox::restore_piece`] of the same stamp takes it back.
    pub(crate) async fn delete_piece(
        &self,
        filter: &Filter,
        before: Option<MessageId>,
        stamp: u64,
    ) -> Result<Piece, InboxError> {
        let filter = filter.clone();
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let (sql, values) = Chosen::by(&transaction, &filter)?
                .before(before)
                .newest("received.id", PIECE);
            let ids: Vec<MessageId> = transaction
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), |record| number(record, 0))?
                .collect::<rusqlite::Result<_>>()?;
            for id in &ids {
                transaction
                    .prepare_cached("UPDATE received SET deleted_at = ?1 WHERE id = ?2")?
                    .execute(params![integer(stamp), integer(*id)])?;
            }
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(Piece {
                last: ids.last().copied(),
                count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            })
        })
        .await
    }

    /// A stamp for a deletion that no other has: the time, or a little later.
    pub(crate) async fn stamp(&self, now: u64) -> Result<u64, InboxError> {
        self.call(move |connection| {
            let last: Option<i64> = connection
                .prepare_cached(
                    "SELECT max(deleted_at) FROM received WHERE deleted_at IS NOT NULL",
                )?
                .query_one([], |record| record.get(0))?;
            Ok(last.map_or(now, |last| now.max(unsigned(last) + 1)))
        })
        .await
    }

    /// Takes back a piece of the deletion of that stamp; gives how many messages came back, none
    /// when all are there.
    pub(crate) async fn restore_piece(&self, stamp: u64) -> Result<u32, InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let back = transaction
                .prepare_cached(
                    "UPDATE received SET deleted_at = NULL WHERE id IN
                     (SELECT id FROM received WHERE deleted_at = ?1 LIMIT ?2)",
                )?
                .execute(params![integer(stamp), PIECE])?;
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(u32::try_from(back).unwrap_or(u32::MAX))
        })
        .await
    }
}

/// Removes what was deleted so long ago that nobody takes it back.
pub(super) fn deleted(connection: &Connection, now: u64, limit: u32) -> rusqlite::Result<u32> {
    let before = integer(now.saturating_sub(KEPT_DELETED_MS));
    let gone = connection
        .prepare_cached(
            "DELETE FROM received WHERE id IN
             (SELECT id FROM received WHERE deleted_at < ?1 LIMIT ?2)",
        )?
        .execute(params![before, limit])?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

/// Removes what is older than so many days, received and sent.
fn old(connection: &Connection, now: u64, days: u32, unread_too: bool) -> rusqlite::Result<u32> {
    let before = integer(now.saturating_sub(u64::from(days) * DAY_MS));
    let received = connection
        .prepare_cached(
            "DELETE FROM received WHERE id IN (
                 SELECT id FROM received INDEXED BY received_at
                 WHERE deleted_at IS NULL AND received_at < ?1 AND (?2 OR read_at IS NOT NULL)
                 LIMIT ?3)",
        )?
        .execute(params![before, unread_too, PIECE])?;
    // The oldest have the lowest numbers, so the walk ends soon. What still waits is kept.
    let sent = connection
        .prepare_cached(
            "DELETE FROM sent WHERE id IN (
                 SELECT id FROM (SELECT id, written_at, due FROM sent ORDER BY id LIMIT ?2) AS oldest
                 WHERE max(written_at, coalesce(due, 0)) < ?1
                     AND NOT EXISTS (SELECT 1 FROM parcel WHERE parcel.sent = oldest.id
                         AND progress IN ('queued', 'sending', 'sending-ref')))",
        )?
        .execute(params![before, PIECE])?;
    Ok(u32::try_from(received + sent).unwrap_or(u32::MAX))
}

/// Removes the oldest of more than so many.
fn many(connection: &Connection, count: u32, unread_too: bool) -> rusqlite::Result<u32> {
    let there: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM received INDEXED BY received_shown WHERE deleted_at IS NULL",
        )?
        .query_one([], |record| record.get(0))?;
    let beyond = there - i64::from(count);
    if beyond <= 0 {
        return Ok(0);
    }
    let gone = connection
        .prepare_cached(
            "DELETE FROM received WHERE id IN (
                 SELECT id FROM received INDEXED BY received_shown
                 WHERE deleted_at IS NULL AND (?1 OR read_at IS NOT NULL) ORDER BY id LIMIT ?2)",
        )?
        .execute(params![unread_too, beyond.min(i64::from(PIECE))])?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
