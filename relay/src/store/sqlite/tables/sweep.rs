//! Forgetting messages that are done with and past their time.

use rusqlite::params;

use super::{Tables, from_sql, pushing, receipts, to_sql};
use crate::store::{KEPT, REPORTED};

/// Old messages looked at in a transaction, while there are any.
const SWEEP: i64 = 256;
/// Transactions between two beginnings of a sweep.
const SWEEP_EVERY: u64 = 4096;

impl Tables {
    /// Forgets, a few at a time, messages that are confirmed by all and past their time.
    pub(super) fn sweep(&mut self) -> rusqlite::Result<()> {
        self.transactions += 1;
        if self.transactions.is_multiple_of(SWEEP_EVERY) {
            self.sweep = self.sweep.or(Some(0));
        }
        // A mid reads as the time of its acceptance, a place as that of its release: near enough for a day's horizon.
        let (Some(from), Some(now)) = (self.sweep, self.highest) else {
            return Ok(());
        };
        let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        let horizon = now.saturating_sub(kept);
        let reported = u64::try_from(REPORTED.as_millis()).unwrap_or(u64::MAX);
        let reported = now.saturating_sub(reported);
        let last: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(mid) FROM
                     (SELECT mid FROM messages WHERE mid > ?1 AND mid < ?2 ORDER BY mid LIMIT ?3)",
            )?
            .query_row(params![to_sql(from), to_sql(horizon), SWEEP], |row| {
                row.get(0)
            })?;
        let Some(last) = last else {
            self.sweep = None;
            return Ok(());
        };
        self.connection
            .prepare_cached(
                "DELETE FROM messages WHERE mid > ?1 AND mid <= ?2 AND pending = 0
                     AND position < CASE wants WHEN 0 THEN ?4 ELSE ?3 END",
            )?
            .execute([to_sql(from), last, to_sql(reported), to_sql(horizon)])?;
        pushing::sweep(&self.connection, to_sql(from), last)?;
        receipts::sweep_reports(&self.connection, to_sql(from), last)?;
        self.sweep = Some(from_sql(last));
        Ok(())
    }
}
