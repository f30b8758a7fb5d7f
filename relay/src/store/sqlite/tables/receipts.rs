//! Receipts that wait for their clients, and what recipients reported.
//!
//! Invariants: a receipt is kept in the transaction of its change; bounds hold for each client and for all;
//! what is counted here is what the database says, and is counted anew after a transaction was undone.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use tidings_protocol::{Name, Ref, Reported, State};

use super::{Tables, fates::queued_for, from_sql, to_sql, wants};
use crate::{
    mint::MidNumber,
    store::{Counted, KeptReceipt, Position, RECEIPTS_EACH, RECEIPTS_IN_ALL, RECEIPTS_KEPT, Said},
};

/// Old receipts looked at in a transaction that gives up messages.
const SWEEP: i64 = 256;

/// What is known of the table without asking it.
#[derive(Debug, Default)]
pub(super) struct Mail {
    each: HashMap<i64, u64>,
    total: Option<u64>,
}

impl Mail {
    pub(super) fn undo(&mut self) {
        *self = Self::default();
    }

    fn counted(&mut self, connection: &Connection, owner: i64) -> rusqlite::Result<(u64, u64)> {
        let count = |sql: &str, owner: Option<i64>| {
            let mut query = connection.prepare_cached(sql)?;
            let count = match owner {
                Some(owner) => query.query_row([owner], |row| row.get(0)),
                None => query.query_row([], |row| row.get(0)),
            };
            count.map(from_sql)
        };
        let total = match self.total {
            Some(total) => total,
            None => *self
                .total
                .insert(count("SELECT count(*) FROM receipts", None)?),
        };
        let mine = match self.each.get(&owner) {
            Some(mine) => *mine,
            None => count(
                "SELECT count(*) FROM receipts WHERE owner = ?1",
                Some(owner),
            )?,
        };
        Ok((mine, total))
    }

    fn count(&mut self, owner: i64, mine: u64, total: u64) {
        self.total = Some(total);
        if mine == 0 {
            self.each.remove(&owner);
        } else {
            self.each.insert(owner, mine);
        }
    }
}

/// A change, and the message it is of.
pub(super) struct Told<'a> {
    pub(super) mid: MidNumber,
    pub(super) reference: Option<&'a str>,
    pub(super) name: &'a Name,
    pub(super) state: State,
    pub(super) at_ms: u64,
    pub(super) note: Option<&'a str>,
}

/// As `reports.state` has it.
fn number(reported: Reported) -> i64 {
    match reported {
        Reported::Dismissed => 1,
        Reported::Read => 2,
        Reported::Acknowledged => 3,
    }
}

impl Tables {
    /// Keeps a receipt for a client.
    pub(super) fn tell(&mut self, owner: &str, told: &Told<'_>) -> rusqlite::Result<()> {
        let Some((name, client)) = self.clients.named(owner) else {
            return Ok(());
        };
        let owner = client.id;
        let (mut mine, mut total) = self.mail.counted(&self.connection, owner)?;
        if mine >= RECEIPTS_EACH || total >= RECEIPTS_IN_ALL {
            let gone = self
                .connection
                .prepare_cached(
                    "DELETE FROM receipts WHERE seq =
                         (SELECT min(seq) FROM receipts WHERE owner = ?1)",
                )?
                .execute([owner])?;
            if gone == 0 {
                return Ok(());
            }
            (mine, total) = (mine.saturating_sub(1), total.saturating_sub(1));
        }
        self.connection
            .prepare_cached(
                "INSERT INTO receipts (owner, mid, reference, name, state, at_ms, note)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                owner,
                to_sql(told.mid.number()),
                told.reference,
                told.name.as_str(),
                told.state.as_str(),
                to_sql(told.at_ms),
                told.note,
            ])?;
        self.mail.count(owner, mine + 1, total + 1);
        self.news.receipts(&name);
        Ok(())
    }

    pub(in crate::store::sqlite) fn report(
        &mut self,
        recipient: &Name,
        mid: MidNumber,
        said: &Said,
    ) -> rusqlite::Result<Option<Counted>> {
        let Some(client) = self.clients.get(recipient).copied() else {
            return Ok(None);
        };
        let found = self
            .connection
            .prepare_cached(
                "SELECT recipients, wants, sender, reference, position FROM messages WHERE mid = ?1",
            )?
            .query_row([to_sql(mid.number())], |row| {
                let sender: Option<String> = row.get(2)?;
                let reference: Option<String> = row.get(3)?;
                let (recipients, of): (String, i64) = (row.get(0)?, row.get(1)?);
                let position = Position::new(from_sql(row.get(4)?));
                Ok((recipients, of, sender, reference, position))
            })
            .optional()?;
        let Some((recipients, of, sender, reference, position)) = found else {
            return Ok(None);
        };
        // What is held nobody has seen.
        if position.is_held() || !queued_for(&recipients).any(|name| name == *recipient) {
            return Ok(None);
        }
        let confirmed = self.confirm(recipient, &[position], said.at_ms)?;
        let confirmed = confirmed.contains(&crate::store::Confirmed::Done);
        if confirmed {
            self.news.gone(recipient, position);
        }
        if of == 0 {
            let is_news = false;
            return Ok(Some(Counted { is_news, confirmed }));
        }
        let state = number(said.state);
        let is_news = self
            .connection
            .prepare_cached(
                "INSERT INTO reports (mid, recipient, state) VALUES (?1, ?2, ?3)
                 ON CONFLICT (mid, recipient) DO UPDATE SET state = excluded.state
                     WHERE state < excluded.state",
            )?
            .execute([to_sql(mid.number()), client.id, state])?
            > 0;
        if is_news
            && of & wants::RECEIPTS != 0
            && let Some(sender) = sender
        {
            let told = Told {
                mid,
                reference: reference.as_deref(),
                name: recipient,
                state: said.state.state(),
                at_ms: said.at_ms,
                note: said.note.as_deref(),
            };
            self.tell(&sender, &told)?;
        }
        if is_news && said.state == Reported::Acknowledged && of & wants::ACK != 0 {
            self.acknowledged(recipient, client.id, mid, said)?;
        }
        Ok(Some(Counted { is_news, confirmed }))
    }

    pub(in crate::store::sqlite) fn receipts(
        &self,
        of: &Name,
        after: Position,
        limit: usize,
    ) -> rusqlite::Result<Vec<KeptReceipt>> {
        let Some(client) = self.clients.get(of) else {
            return Ok(Vec::new());
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = self.connection.prepare_cached(
            "SELECT seq, mid, reference, name, state, at_ms, note FROM receipts
             WHERE owner = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?;
        let rows = query.query_map([client.id, to_sql(after.number()), limit], |row| {
            let name = Name::new(row.get::<_, String>(3)?).ok();
            let reference: Option<String> = row.get(2)?;
            let state: String = row.get(4)?;
            let (seq, at_ms, note) = (from_sql(row.get(0)?), from_sql(row.get(5)?), row.get(6)?);
            let mid = MidNumber::new(from_sql(row.get(1)?));
            Ok(mid.zip(name).map(|(mid, name)| KeptReceipt {
                position: Position::new(seq),
                mid,
                reference: reference.and_then(|r| Ref::new(r).ok()),
                name,
                state: State::from_word(&state),
                at_ms,
                note,
            }))
        })?;
        rows.filter_map(Result::transpose).collect()
    }

    pub(in crate::store::sqlite) fn take_receipts(
        &mut self,
        of: &Name,
        positions: &[Position],
    ) -> rusqlite::Result<()> {
        let Some(owner) = self.clients.get(of).map(|client| client.id) else {
            return Ok(());
        };
        let (mine, total) = self.mail.counted(&self.connection, owner)?;
        let mut gone = 0;
        let mut remove = self
            .connection
            .prepare_cached("DELETE FROM receipts WHERE seq = ?1 AND owner = ?2")?;
        for position in positions {
            gone += remove.execute([to_sql(position.number()), owner])? as u64;
        }
        self.mail
            .count(owner, mine.saturating_sub(gone), total.saturating_sub(gone));
        Ok(())
    }

    /// Forgets some receipts that have waited too long.
    pub(super) fn sweep_receipts(&mut self, now_ms: u64) -> rusqlite::Result<()> {
        let kept_ms = u64::try_from(RECEIPTS_KEPT.as_millis()).unwrap_or(u64::MAX);
        let gone = self
            .connection
            .prepare_cached(
                "DELETE FROM receipts WHERE at_ms <= ?1 AND seq IN
                     (SELECT seq FROM receipts ORDER BY seq LIMIT ?2)",
            )?
            .execute([to_sql(now_ms.saturating_sub(kept_ms)), SWEEP])?;
        if gone > 0 {
            // Whose they were is not worth knowing: this is rare.
            self.mail = Mail::default();
        }
        Ok(())
    }
}

/// Forgets reports on messages that are forgotten.
pub(super) fn sweep_reports(connection: &Connection, from: i64, last: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM reports WHERE mid > ?1 AND mid <= ?2
                 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.mid = reports.mid)",
        )?
        .execute([from, last])?;
    Ok(())
}
