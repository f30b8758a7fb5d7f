//! Giving up messages whose time is over, and what the file uses.
//!
//! Invariant: a message that is given up is in no queue any more, nobody is reminded of it, and its status
//! is final for everybody it was for.

use rusqlite::Connection;

use super::{
    Tables,
    fates::{Fate, queued_for},
    from_sql, to_sql,
};
use crate::store::{Expired, Position};

/// Messages given up in one transaction: more would keep senders waiting.
const AT_ONCE: i64 = 256;

impl Tables {
    /// Gives up some messages that were to be delivered before `now_ms`.
    pub(in crate::store::sqlite) fn expire(&mut self, now_ms: u64) -> rusqlite::Result<Expired> {
        let mut look = self.connection.prepare_cached(
            "SELECT mid, position, recipients FROM messages
             WHERE pending > 0 AND expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2",
        )?;
        let due: Vec<(i64, i64, String)> = look
            .query_map([to_sql(now_ms), AT_ONCE], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        drop(look);
        let mut given_up = 0;
        for (mid, position, recipients) in due {
            let position = Position::new(from_sql(position));
            let mut names = Vec::new();
            for name in queued_for(&recipients) {
                if self.unqueue(&name, position)?.is_some() {
                    names.push(name);
                }
            }
            given_up += names.len() as u64;
            self.remind_no_more(mid, None)?;
            self.withdrawn(mid, &names, Fate::GivenUp, now_ms)?;
            // Whatever another hand did to the file, it is looked at once.
            self.connection
                .prepare_cached("UPDATE messages SET pending = 0, frame = NULL WHERE mid = ?1")?
                .execute([mid])?;
        }
        let next: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(expires_ms) FROM messages WHERE pending > 0")?
            .query_row([], |row| row.get(0))?;
        self.sweep_receipts(now_ms)?;
        let (due, next_due) = self.due(now_ms)?;
        Ok(Expired {
            given_up,
            due,
            next_ms: [next.map(from_sql), next_due].into_iter().flatten().min(),
        })
    }
}

/// Bytes of the file that hold something.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let mut pages = connection.prepare_cached(
        "SELECT (page_count - freelist_count) * page_size
         FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
    )?;
    pages.query_row([], |row| row.get(0)).map(from_sql)
}
