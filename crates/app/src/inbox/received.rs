//! Received messages: storing, reading, marking. Statements only.
//!
//! Invariant: a message is stored once per relay and mid and, where its sender gave it a `ref`, once
//! per relay, sender and `ref`, however often it comes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row as Record, ToSql, params, params_from_iter};

use super::{Inbox, InboxError, PAGE};
use crate::types::{Message, MessageId, Priority, Row};
use crate::{extra, text};

/// A message as it is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// The relay's own id, else its address.
    pub(crate) relay: String,
    pub(crate) address: String,
    pub(crate) mid: String,
    pub(crate) reference: Option<String>,
    pub(crate) method: &'static str,
    pub(crate) sender: String,
    pub(crate) group: Option<String>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) preview: String,
    pub(crate) extra: String,
    pub(crate) priority: Priority,
    pub(crate) link: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) received_at: u64,
}

/// What storing gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stored {
    /// A new row.
    New(Row),
    /// It was there already.
    Repeat,
}

/// What a notification needs of a row that is due one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unnotified {
    pub(crate) id: MessageId,
    pub(crate) sender: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) priority: Priority,
}

const ROW: &str = r#"id, sender, "group", title, preview, received_at, read_at IS NOT NULL, priority, link IS NOT NULL"#;

impl Inbox {
    /// Stores messages in one transaction, all or none, in their order.
    pub(crate) async fn store(&self, batch: Vec<Incoming>) -> Result<Vec<Stored>, InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let stored = batch
                .iter()
                .map(|message| store(&transaction, message))
                .collect::<rusqlite::Result<_>>()?;
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(stored)
        })
        .await
    }

    /// A page of what is not deleted, newest first.
    pub(crate) async fn page(
        &self,
        before: Option<MessageId>,
        limit: u32,
        unread: bool,
    ) -> Result<Vec<Row>, InboxError> {
        let only = if unread { "AND read_at IS NULL" } else { "" };
        let sql = format!(
            "SELECT {ROW} FROM received WHERE deleted_at IS NULL {only} AND id < ?1
             ORDER BY id DESC LIMIT ?2"
        );
        self.call(move |connection| {
            let before = before.map_or(i64::MAX, integer);
            connection
                .prepare_cached(&sql)?
                .query_map(params![before, limit.min(PAGE)], row_of)?
                .collect()
        })
        .await
    }

    /// One message whole, also a deleted one; none if there is none.
    pub(crate) async fn message(&self, id: MessageId) -> Result<Option<Message>, InboxError> {
        let sql = format!(
            "SELECT {ROW}, body, link, address, mid, extra
             FROM received JOIN relay ON relay.id = received.relay WHERE received.id = ?1"
        )
        .replace("id, sender", "received.id, sender");
        self.call(move |connection| {
            connection
                .prepare_cached(&sql)?
                .query_one([integer(id)], |record| {
                    let mid: String = record.get(12)?;
                    Ok(Message {
                        row: row_of(record)?,
                        body: record.get(9)?,
                        link: record.get(10)?,
                        relay: record.get(11)?,
                        sent_at: sent_at(&mid),
                        mid,
                        extra: record.get(13)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// Marks messages read or unread; gives those that changed.
    pub(crate) async fn mark(
        &self,
        ids: Vec<MessageId>,
        read: bool,
        now: u64,
    ) -> Result<Vec<MessageId>, InboxError> {
        let to = read.then_some(integer(now));
        self.change(
            ids,
            "UPDATE received SET read_at = ?1 WHERE id = ?2 AND (read_at IS NULL) != (?1 IS NULL)",
            to,
        )
        .await
    }

    /// Deletes messages so that they can be restored, or restores them; gives those that changed.
    pub(crate) async fn delete(
        &self,
        ids: Vec<MessageId>,
        deleted: bool,
        now: u64,
    ) -> Result<Vec<MessageId>, InboxError> {
        let to = deleted.then_some(integer(now));
        self.change(
            ids,
            "UPDATE received SET deleted_at = ?1
             WHERE id = ?2 AND (deleted_at IS NULL) != (?1 IS NULL)",
            to,
        )
        .await
    }

    async fn change(
        &self,
        ids: Vec<MessageId>,
        sql: &'static str,
        to: Option<i64>,
    ) -> Result<Vec<MessageId>, InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut changed = Vec::new();
            for id in ids {
                let done = transaction
                    .prepare_cached(sql)?
                    .execute(params![to, integer(id)])?;
                if done > 0 {
                    changed.push(id);
                }
            }
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(changed)
        })
        .await
    }

    /// Tells how many are unread.
    pub(super) async fn count(&self) -> Result<(), InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            counted(unread(connection)?);
            Ok(())
        })
        .await
    }

    /// The oldest message that is due a notification; what was read or deleted is not.
    pub(crate) async fn unnotified(&self) -> Result<Option<Unnotified>, InboxError> {
        self.call(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, sender, title, body, priority
                     FROM received INDEXED BY received_unnotified
                     WHERE notified_at IS NULL AND read_at IS NULL AND deleted_at IS NULL
                     ORDER BY id LIMIT 1",
                )?
                .query_one([], |record| {
                    Ok(Unnotified {
                        id: number(record, 0)?,
                        sender: record.get(1)?,
                        title: record.get(2)?,
                        body: record.get(3)?,
                        priority: extra::from_number(record.get(4)?),
                    })
                })
                .optional()
        })
        .await
    }

    /// Marks a message as notified.
    pub(crate) async fn notified(&self, id: MessageId, now: u64) -> Result<(), InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached("UPDATE received SET notified_at = ?1 WHERE id = ?2")?
                .execute(params![integer(now), integer(id)])?;
            Ok(())
        })
        .await
    }
}

/// The index holds the unread rows only, so this costs what they cost.
fn unread(connection: &Connection) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM received INDEXED BY received_unread
             WHERE read_at IS NULL AND deleted_at IS NULL",
        )?
        .query_one([], |record| record.get(0))
}

fn store(connection: &Connection, message: &Incoming) -> rusqlite::Result<Stored> {
    let relay: i64 = connection
        .prepare_cached(
            "INSERT INTO relay (key, address) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET address = excluded.address RETURNING id",
        )?
        .query_one([&message.relay, &message.address], |record| record.get(0))?;
    let values: [&dyn ToSql; 13] = [
        &relay,
        &message.mid,
        &message.reference,
        &message.method,
        &message.sender,
        &message.group,
        &message.title,
        &message.body,
        &message.preview,
        &message.extra,
        &extra::number(message.priority),
        &message.link,
        &integer(message.received_at),
    ];
    // Both kinds of repeat end in a conflict, and there is no other kind of conflict here.
    let id: Option<i64> = connection
        .prepare_cached(
            r#"INSERT INTO received (relay, mid, ref, method, sender, "group", title, body, preview,
                   extra, priority, link, received_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
               ON CONFLICT DO NOTHING RETURNING id"#,
        )?
        .query_one(params_from_iter(values), |record| record.get(0))
        .optional()?;
    Ok(match id {
        None => Stored::Repeat,
        Some(id) => Stored::New(Row {
            id: unsigned(id),
            sender: message.sender.clone(),
            group: message.group.clone(),
            title: text::line(&message.title),
            preview: message.preview.clone(),
            received_at: message.received_at,
            read: false,
            priority: message.priority,
            link: message.link.is_some(),
        }),
    })
}

/// Reads the columns of [`ROW`].
fn row_of(record: &Record<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: number(record, 0)?,
        sender: record.get(1)?,
        group: record.get(2)?,
        title: text::line(&record.get::<_, String>(3)?),
        preview: record.get(4)?,
        received_at: number(record, 5)?,
        read: record.get(6)?,
        priority: extra::from_number(record.get(7)?),
        link: record.get(8)?,
    })
}

/// The time a mid reads as: 13 digits, perhaps with a fraction (section 2 of the protocol).
fn sent_at(mid: &str) -> Option<u64> {
    let digits = mid.split_once('.').map_or(mid, |(whole, _)| whole);
    if digits.len() == 13 && digits.bytes().all(|b| b.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

/// SQLite's integers are signed; ours stay far below where that matters.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn number(record: &Record<'_>, column: usize) -> rusqlite::Result<u64> {
    record.get(column).map(unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mid_reads_as_a_time_where_it_is_one() {
        assert_eq!(sent_at("1731000000123"), Some(1_731_000_000_123));
        assert_eq!(sent_at("1731000000123.042"), Some(1_731_000_000_123));
        for other in ["", "17", "abc", "17310000001234", "-731000000123"] {
            assert_eq!(sent_at(other), None, "{other}");
        }
    }
}
