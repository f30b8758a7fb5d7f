//! Messages that were confirmed and are to be acknowledged: a row of `reminders` for each recipient who is
//! reminded, with the time from which its reminders are counted.
//!
//! Invariants: while there is such a row, its message's text is kept (the row counts in `messages.pending`,
//! as a place in a queue does); who has acknowledged it, or need not any more, has none. When which
//! reminder is due follows from the row, so that nothing is written for a reminder that is sent.

use rusqlite::{OptionalExtension as _, params};
use tidings_protocol::{Name, Ref, State};

use super::{Tables, count_to_sql, fates::queued_for, from_sql, receipts::Told, to_sql, wants};
use crate::{
    frame::Frame,
    mint::MidNumber,
    store::{Nagging, REMINDERS_EACH, Said, ToRemind},
};

impl Tables {
    /// A client that has confirmed a message is to be reminded of it from now on.
    pub(super) fn remind(
        &mut self,
        recipient: &Name,
        client: i64,
        mid: i64,
        at_ms: u64,
    ) -> rusqlite::Result<()> {
        let mine: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM reminders WHERE recipient = ?1")?
            .query_row([client], |row| row.get(0))?;
        if mine >= count_to_sql(REMINDERS_EACH) {
            let oldest: i64 = self
                .connection
                .prepare_cached("SELECT min(mid) FROM reminders WHERE recipient = ?1")?
                .query_row([client], |row| row.get(0))?;
            self.remind_no_more(oldest, Some(client))?;
        }
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO reminders (recipient, mid, since_ms) VALUES (?1, ?2, ?3)",
            )?
            .execute([client, mid, to_sql(at_ms)])?;
        self.news.reminders(recipient);
        Ok(())
    }

    /// Ends the reminders of a message, for one client or all.
    pub(super) fn remind_no_more(&mut self, mid: i64, client: Option<i64>) -> rusqlite::Result<()> {
        let gone = self
            .connection
            .prepare_cached(
                "DELETE FROM reminders WHERE mid = ?1 AND (?2 IS NULL OR recipient = ?2)",
            )?
            .execute(params![mid, client])?;
        if gone > 0 {
            self.connection
                .prepare_cached(
                    "UPDATE messages SET pending = pending - ?2,
                         frame = CASE WHEN pending > ?2 THEN frame END
                     WHERE mid = ?1",
                )?
                .execute([mid, count_to_sql(gone)])?;
        }
        Ok(())
    }

    /// A client has acknowledged a message, of which the sender wants this.
    pub(super) fn acknowledged(
        &mut self,
        recipient: &Name,
        client: i64,
        mid: MidNumber,
        said: &Said,
    ) -> rusqlite::Result<()> {
        let number = to_sql(mid.number());
        let (of, recipients, sender): (i64, String, Option<String>) = self
            .connection
            .prepare_cached("SELECT wants, recipients, sender FROM messages WHERE mid = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if of & wants::FIRST == 0 {
            return self.remind_no_more(number, Some(client));
        }
        self.remind_no_more(number, None)?;
        if of & wants::TAKEN != 0 {
            return Ok(());
        }
        self.connection
            .prepare_cached("UPDATE messages SET wants = wants | ?2 WHERE mid = ?1")?
            .execute([number, wants::TAKEN])?;
        // As their sender it hears of it already.
        let hears = (of & wants::RECEIPTS != 0).then_some(sender).flatten();
        for other in queued_for(&recipients) {
            if other == *recipient || hears.as_deref() == Some(other.as_str()) {
                continue;
            }
            let told = Told {
                mid,
                reference: None,
                name: recipient,
                state: State::Acknowledged,
                at_ms: said.at_ms,
                note: said.note.as_deref(),
            };
            self.tell(other.as_str(), &told)?;
        }
        Ok(())
    }

    pub(in crate::store::sqlite) fn reminders(&self, of: &Name) -> rusqlite::Result<Vec<Nagging>> {
        let Some(client) = self.clients.get(of) else {
            return Ok(Vec::new());
        };
        let mut query = self.connection.prepare_cached(
            "SELECT r.mid, r.since_ms, m.repeat_ms FROM reminders r JOIN messages m ON m.mid = r.mid
             WHERE r.recipient = ?1 ORDER BY r.mid",
        )?;
        let rows = query.query_map([client.id], |row| {
            let (since_ms, repeat_ms) = (from_sql(row.get(1)?), from_sql(row.get(2)?));
            Ok(MidNumber::new(from_sql(row.get(0)?)).map(|mid| Nagging {
                mid,
                since_ms,
                repeat_ms,
            }))
        })?;
        rows.filter_map(Result::transpose).collect()
    }

    pub(in crate::store::sqlite) fn to_remind(
        &self,
        of: &Name,
        mid: MidNumber,
    ) -> rusqlite::Result<Option<ToRemind>> {
        let Some(client) = self.clients.get(of) else {
            return Ok(None);
        };
        self.connection
            .prepare_cached(
                "SELECT m.frame, m.reference FROM reminders r JOIN messages m ON m.mid = r.mid
                 WHERE r.recipient = ?1 AND r.mid = ?2",
            )?
            .query_row([client.id, to_sql(mid.number())], |row| {
                let reference: Option<String> = row.get(1)?;
                Ok(ToRemind {
                    frame: Frame::stored(row.get(0)?),
                    reference: reference.and_then(|r| Ref::new(r).ok()),
                })
            })
            .optional()
    }
}
