//! A recipient's queue, as its reader sees it: reading and confirming.

use rusqlite::OptionalExtension as _;
use tidings_protocol::{Name, Ref, State};

use super::{READ_BYTES, Tables, from_sql, receipts::Told, to_sql, wants};
use crate::{
    frame::Frame,
    mint::MidNumber,
    store::{Batch, Confirmed, Position, Queued},
};

/// Not above any place of what is held, and above all others.
pub(super) const HELD: i64 = 1 << 60;

impl Tables {
    pub(in crate::store::sqlite) fn read(
        &self,
        recipient: &Name,
        after: Position,
        limit: usize,
    ) -> rusqlite::Result<Batch> {
        let mut messages = Vec::new();
        let Some(client) = self.clients.get(recipient) else {
            let end = true;
            return Ok(Batch { messages, end });
        };
        let mut query = self.connection.prepare_cached(
            "SELECT q.position, m.mid, m.frame, m.reference
             FROM queue q JOIN messages m ON m.mid = q.mid
             WHERE q.recipient = ?1 AND q.position > ?2 AND q.position < ?3 ORDER BY q.position",
        )?;
        let mut rows = query.query([client.id, to_sql(after.number()), HELD])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            if messages.len() >= limit || bytes >= READ_BYTES {
                let end = false;
                return Ok(Batch { messages, end });
            }
            // A mid without 13 digits is not ours to send; it cannot get here but by another hand.
            let Some(mid) = MidNumber::new(from_sql(row.get(1)?)) else {
                continue;
            };
            let frame = Frame::stored(row.get(2)?);
            bytes += frame.len();
            messages.push(Queued {
                position: Position::new(from_sql(row.get(0)?)),
                mid,
                frame,
                reference: row
                    .get::<_, Option<String>>(3)?
                    .and_then(|r| Ref::new(r).ok()),
            });
        }
        let end = true;
        Ok(Batch { messages, end })
    }

    pub(in crate::store::sqlite) fn confirm(
        &mut self,
        recipient: &Name,
        positions: &[Position],
        at_ms: u64,
    ) -> rusqlite::Result<Vec<Confirmed>> {
        let Some(client) = self.clients.change(recipient) else {
            return Ok(vec![Confirmed::Already; positions.len()]);
        };
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM queue WHERE recipient = ?1 AND position = ?2 RETURNING mid, bytes",
        )?;
        // While its recipient is reminded of it, the message still waits: to be acknowledged.
        let mut count = self.connection.prepare_cached(
            "UPDATE messages SET pending = pending - (repeat_ms = 0 OR wants & ?2 <> 0),
                 frame = CASE WHEN pending > (repeat_ms = 0 OR wants & ?2 <> 0) THEN frame END
             WHERE mid = ?1
             RETURNING wants, repeat_ms, CASE WHEN wants THEN sender END,
                 CASE WHEN wants THEN reference END",
        )?;
        let mut outcome = Vec::with_capacity(positions.len());
        let mut done = Vec::new();
        for position in positions {
            let removed: Option<(i64, i64)> = remove
                .query_row([client.id, to_sql(position.number())], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((mid, bytes)) = removed else {
                outcome.push(Confirmed::Already);
                continue;
            };
            outcome.push(Confirmed::Done);
            client.load.remove(from_sql(bytes));
            let of: (i64, i64, Option<String>, Option<String>) = count
                .query_row([mid, wants::TAKEN], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
            if of.0 != 0 {
                done.push((mid, of));
            }
        }
        let client = client.id;
        drop((remove, count));
        for (mid, (of, repeat_ms, sender, reference)) in done {
            if repeat_ms > 0 && of & wants::TAKEN == 0 {
                self.remind(recipient, client, mid, at_ms)?;
            }
            let (Some(sender), Some(mid)) = (sender, MidNumber::new(from_sql(mid))) else {
                continue;
            };
            if of & wants::RECEIPTS != 0 {
                let told = Told {
                    mid,
                    reference: reference.as_deref(),
                    name: recipient,
                    state: State::Ok,
                    at_ms,
                    note: None,
                };
                self.tell(&sender, &told)?;
            }
        }
        Ok(outcome)
    }

    /// Where a message waits for those who have not confirmed it; none once it is forgotten.
    pub(super) fn position(&self, mid: MidNumber) -> rusqlite::Result<Option<Position>> {
        let position = self
            .connection
            .prepare_cached("SELECT position FROM messages WHERE mid = ?1")?
            .query_row([to_sql(mid.number())], |row| row.get(0))
            .optional()?;
        Ok(position.map(|position| Position::new(from_sql(position))))
    }
}
