//! Received messages: storing, marking, reading one. Statements only.
//!
//! Invariant: a message is stored once per relay and mid and, where its sender gave it a `ref`, once
//! per relay, sender and `ref`, however often it comes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row as Record, ToSql, params, params_from_iter};

use super::relays::JOINED;
use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError, acknowledge, due, thread};
use crate::types::{Acknowledgement, Ask, Message, MessageId, Priority, RelayId, Row};
use crate::{extra, text};

/// A message as it is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// The relay's key here; see [`Inbox::attach`].
    pub(crate) relay: String,
    /// As which it is joined.
    pub(crate) joined: RelayId,
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
    pub(crate) tags: Vec<String>,
    pub(crate) key: Option<String>,
    pub(crate) ask: Ask,
    /// The mid of the message it answers.
    pub(crate) reply_to: Option<String>,
    /// Milliseconds since 1970, as the next one.
    pub(crate) expires_at: Option<u64>,
    pub(crate) received_at: u64,
}

/// What storing gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are new, and none is kept"
)]
pub(crate) enum Stored {
    /// A new row.
    New(Row),
    /// It was there already.
    Repeat,
}

/// What storing a batch gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// For each message, in their order.
    pub(crate) stored: Vec<Stored>,
    /// Earlier messages whose place was taken.
    pub(crate) superseded: Vec<MessageId>,
}

/// Parts the names of tags, which hold no control characters.
pub(super) const BETWEEN_TAGS: char = '\u{1f}';

/// The columns that [`row_of`] reads.
pub(super) fn columns() -> String {
    format!(
        r#"received.id, sender, "group", title, preview, received_at, read_at IS NOT NULL,
        priority, link IS NOT NULL,
        (SELECT group_concat(name, char(31) ORDER BY position) FROM tag WHERE message = received.id),
        held, superseded_by IS NOT NULL, {JOINED}, {}"#,
        acknowledge::COLUMNS
    )
}

impl Inbox {
    /// Stores messages in one transaction, all or none, in their order. An earlier message of the
    /// same relay, sender and key is superseded: it stays in the history, and counts as read, since
    /// what it said holds no longer.
    pub(crate) async fn store(&self, batch: Vec<Incoming>) -> Result<Batch, InboxError> {
        let counted = Arc::clone(&self.counted);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut done = Batch {
                stored: Vec::new(),
                superseded: Vec::new(),
            };
            for message in &batch {
                let stored = store(&transaction, message)?;
                if let (Stored::New(row), Some(key)) = (&stored, &message.key) {
                    let earlier = supersede(&transaction, message, key, row.id)?;
                    done.superseded.extend(earlier);
                }
                done.stored.push(stored);
            }
            let unread = unread(&transaction)?;
            transaction.commit()?;
            counted(unread);
            Ok(done)
        })
        .await
    }

    /// One message whole, also a deleted one; none if there is none.
    pub(crate) async fn message(&self, id: MessageId) -> Result<Option<Message>, InboxError> {
        let sql = format!(
            "SELECT {}, body, link, address, mid, extra, received.relay
             FROM received JOIN relay ON relay.id = received.relay WHERE received.id = ?1",
            columns()
        );
        self.look(move |connection| {
            let found = connection
                .prepare_cached(&sql)?
                .query_one([integer(id)], |record| {
                    Ok((message_of(record)?, record.get(22)?))
                })
                .optional()?;
            let Some((mut message, relay)) = found else {
                return Ok(None);
            };
            if let Some(from) = thread::from(connection, id)? {
                message.thread = thread::of(connection, from)?;
            }
            let allowed = super::consent::of(connection, relay, &message.row.sender)?;
            for offer in &mut message.offers {
                offer.asks.take_if(|asks| allowed.contains(asks));
            }
            Ok(Some(message))
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
}

/// The index holds the unread rows only, so this costs what they cost.
pub(super) fn unread(connection: &Connection) -> rusqlite::Result<u32> {
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
            "INSERT INTO relay (key, address, joined) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET address = excluded.address, joined = excluded.joined
             RETURNING id",
        )?
        .query_one(
            [&message.relay, &message.address, message.joined.as_str()],
            |record| record.get(0),
        )?;
    let values: [&dyn ToSql; 17] = [
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
        &message.key,
        &message.expires_at.map(integer),
        &acknowledge::word(message.ask),
        &message.reply_to,
    ];
    // Both kinds of repeat end in a conflict, and there is no other kind of conflict here.
    let id: Option<i64> = connection
        .prepare_cached(
            r#"INSERT INTO received (relay, mid, ref, method, sender, "group", title, body, preview,
                   extra, priority, link, received_at, key, expires_at, ask, reply_to_mid)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                   ?17)
               ON CONFLICT DO NOTHING RETURNING id"#,
        )?
        .query_one(params_from_iter(values), |record| record.get(0))
        .optional()?;
    let Some(id) = id else {
        return Ok(Stored::Repeat);
    };
    for (tag, position) in message.tags.iter().zip(0_i64..) {
        connection
            .prepare_cached("INSERT INTO tag (message, position, name) VALUES (?1, ?2, ?3)")?
            .execute(params![id, position, tag])?;
    }
    let acknowledgement = match message.ask {
        Ask::Nobody => None,
        Ask::Each | Ask::First => Some(
            acknowledge::foretold(connection, relay, &message.mid)?
                .unwrap_or(Acknowledgement::Wanted),
        ),
    };
    Ok(Stored::New(Row {
        id: unsigned(id),
        sender: message.sender.clone(),
        group: message.group.clone(),
        title: text::line(&message.title),
        preview: message.preview.clone(),
        received_at: message.received_at,
        read: false,
        priority: message.priority,
        link: message.link.is_some(),
        tags: message.tags.clone(),
        held: None,
        superseded: false,
        acknowledgement,
        relay: message.joined.clone(),
    }))
}

fn supersede(
    connection: &Connection,
    message: &Incoming,
    key: &str,
    by: MessageId,
) -> rusqlite::Result<Vec<MessageId>> {
    connection
        .prepare_cached(
            "UPDATE received SET superseded_by = ?1, read_at = coalesce(read_at, ?2)
             WHERE relay = (SELECT id FROM relay WHERE key = ?3) AND sender = ?4 AND key = ?5
                 AND superseded_by IS NULL AND id < ?1
             RETURNING id",
        )?
        .query_map(
            params![
                integer(by),
                integer(message.received_at),
                message.relay,
                message.sender,
                key
            ],
            |record| number(record, 0),
        )?
        .collect()
}

/// Reads those of [`columns`] and the five of the message itself.
fn message_of(record: &Record<'_>) -> rusqlite::Result<Message> {
    let row = row_of(record)?;
    let body: String = record.get(17)?;
    let link: Option<String> = record.get(18)?;
    let mid: String = record.get(20)?;
    let extra: String = record.get(21)?;
    // What the relay sent is JSON; what is not, offers nothing.
    let value = serde_json::from_str(&extra).unwrap_or_default();
    Ok(Message {
        offers: extra::offers(&value, link.as_deref(), &row.title, &body),
        thread: Vec::new(),
        markdown: extra::markdown(&value),
        row,
        body,
        link,
        relay: record.get(19)?,
        sent_at: sent_at(&mid),
        mid,
        extra,
    })
}

/// Reads those of [`columns`].
pub(super) fn row_of(record: &Record<'_>) -> rusqlite::Result<Row> {
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
        tags: tags_of(record, 9)?,
        held: record
            .get::<_, Option<String>>(10)?
            .as_deref()
            .and_then(due::held),
        superseded: record.get(11)?,
        acknowledgement: acknowledge::of(record, 13)?,
        relay: RelayId::new(record.get::<_, String>(12)?),
    })
}

/// The tags in a column made with [`BETWEEN_TAGS`].
pub(super) fn tags_of(record: &Record<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let tags: Option<String> = record.get(column)?;
    let tags = tags.unwrap_or_default();
    Ok(tags
        .split(BETWEEN_TAGS)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect())
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
