//! What relays are to be told of messages that came by them. Statements only.
//!
//! Invariants: of a message one report waits at most, the one that says most; it waits until the relay
//! has answered that very state, is too old, or the relay is left; an acknowledgement is dropped for
//! nothing else. What waits is bounded.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use tidings_protocol::{Mid, Report, Reported};

use super::value::{integer, number};
use super::{Inbox, InboxError};
use crate::types::{MessageId, RelayId};

/// How long a report waits for a relay that takes it. The relay itself keeps receipts for as long.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Reports that wait, at most: months of reading at a relay that takes none. Beyond, the oldest
/// of those that nobody asked for go, then the oldest.
const WAITING: u32 = 10_000;

/// A report, by its number. A line tells each number once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) number: u64,
    pub(crate) report: Report,
}

impl Inbox {
    /// Keeps that these were read, or their notifications closed, where a sender with a name could
    /// want to know. In its own transaction: nobody asked for it, so a crash may lose it.
    pub(crate) async fn report(
        &self,
        ids: Vec<MessageId>,
        state: Reported,
        now: u64,
    ) -> Result<(), InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for id in ids {
                let said: bool = transaction
                    .prepare_cached(
                        "SELECT EXISTS (SELECT 1 FROM received WHERE id = ?1 AND sender != ''
                             AND (?2 OR (outcome = 'dismissed' AND read_at IS NULL)))",
                    )?
                    .query_one(
                        params![integer(id), state != Reported::Dismissed],
                        |record| record.get(0),
                    )?;
                if said {
                    add(&transaction, id, state, now)?;
                }
            }
            bound(&transaction)?;
            transaction.commit()
        })
        .await
    }

    /// What waits for the relay of that key, behind that number, in the order it was said.
    pub(crate) async fn reports(
        &self,
        relay: String,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Waiting>, InboxError> {
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, mid, state, note FROM report
                 WHERE relay = (SELECT id FROM relay WHERE key = ?1) AND id > ?2
                 ORDER BY id LIMIT ?3",
            )?;
            let found = statement.query_map(params![relay, integer(after), limit], |record| {
                Ok((
                    number(record, 0)?,
                    record.get::<_, String>(1)?,
                    record.get::<_, String>(2)?,
                    record.get(3)?,
                ))
            })?;
            let mut waiting = Vec::new();
            for found in found {
                let (number, mid, state, note) = found?;
                // All of it was written here; what does not read back is not said.
                if let (Ok(mid), Some(state)) = (Mid::new(mid), state_of(&state)) {
                    waiting.push(Waiting {
                        number,
                        report: Report { mid, state, note },
                    });
                }
            }
            Ok(waiting)
        })
        .await
    }

    /// The relay of that key answered a report: it waits no longer, unless more was said since.
    pub(crate) async fn reported(
        &self,
        relay: String,
        mid: String,
        state: String,
    ) -> Result<(), InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM report WHERE relay = (SELECT id FROM relay WHERE key = ?1)
                         AND mid = ?2 AND state = ?3",
                )?
                .execute([relay, mid, state])?;
            Ok(())
        })
        .await
    }

    /// Drops what has waited too long, and where nothing is told of reading, what waits of that.
    pub(crate) async fn drop_reports(&self, of_reading: bool, now: u64) -> Result<(), InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM report
                     WHERE made_at < ?1 OR (?2 AND state IN ('read', 'dismissed'))",
                )?
                .execute(params![integer(now.saturating_sub(KEPT_MS)), of_reading])?;
            Ok(())
        })
        .await
    }

    /// Drops what waits for any relay but these.
    pub(crate) async fn drop_reports_but_for(
        &self,
        relays: Vec<RelayId>,
    ) -> Result<(), InboxError> {
        self.call(move |connection| {
            let marks = vec!["?"; relays.len()].join(", ");
            let sql = format!(
                "DELETE FROM report WHERE relay IN
                 (SELECT id FROM relay WHERE joined IS NOT NULL AND joined NOT IN ({marks}))"
            );
            let ids = relays.into_iter().map(|id| Value::from(id.to_string()));
            connection.prepare(&sql)?.execute(params_from_iter(ids))?;
            Ok(())
        })
        .await
    }
}

/// Keeps a report of a message, in place of one that says less.
pub(super) fn add(
    connection: &Connection,
    id: MessageId,
    state: Reported,
    now: u64,
) -> rusqlite::Result<()> {
    let there: Option<(String, bool)> = connection
        .prepare_cached(
            "SELECT coalesce(report.state, ''), received.acknowledged_at IS NOT NULL
             FROM received LEFT JOIN report USING (relay, mid) WHERE received.id = ?1",
        )?
        .query_one([integer(id)], |record| Ok((record.get(0)?, record.get(1)?)))
        .optional()?;
    let Some((waiting, acknowledged)) = there else {
        return Ok(());
    };
    let says_more = state_of(&waiting).is_none_or(|waiting| waiting < state);
    // What was acknowledged was read, as everybody knows by then.
    if !says_more || (acknowledged && state != Reported::Acknowledged) {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO report (relay, mid, state, note, made_at)
             SELECT relay, mid, ?2, CASE ?2 WHEN 'acknowledged' THEN note END, ?3
             FROM received WHERE id = ?1",
        )?
        .execute(params![integer(id), state.state().as_str(), integer(now)])?;
    Ok(())
}

/// Keeps what waits within its bound.
pub(super) fn bound(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM report WHERE id IN (
                 SELECT id FROM report ORDER BY state = 'acknowledged', id
                 LIMIT max((SELECT count(*) FROM report) - ?1, 0))",
        )?
        .execute([WAITING])?;
    Ok(())
}

fn state_of(word: &str) -> Option<Reported> {
    [Reported::Dismissed, Reported::Read, Reported::Acknowledged]
        .into_iter()
        .find(|state| state.state().as_str() == word)
}
