//! Lists of received messages: which are in one, page by page, and whom they come from. Reads only.
//!
//! Owns how a filter becomes a statement. Invariant: a page costs what it holds, not what the inbox
//! holds: each kind of filter has an index in the list's order (`schema-4.sql`), and a test asks
//! SQLite whether it uses it.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row as Record, params_from_iter};

use super::excerpt::Words;
use super::received::{columns, row_of};
use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError, PAGE, relays, search};
use crate::extra;
use crate::types::{Exported, Filter, MessageId, Priority, Row, Source, Sources};

/// Names of each kind in [`Sources`], as the control API has it.
const SOURCES: usize = 100;

/// Bytes of text above which an exported page takes no further message: with the longest one on
/// top, and every byte escaped sixfold as JSON may do, it is one line of the local socket (8 MiB).
const EXPORTED_BYTES: usize = 256 * 1024;

/// What follows SELECT and its columns: where from, and on which conditions.
pub(super) struct Chosen {
    from: String,
    conditions: Vec<String>,
    values: Vec<Value>,
    /// The column that the list is in the order of.
    order: &'static str,
}

impl Chosen {
    /// What a filter asks for.
    pub(super) fn by(connection: &Connection, filter: &Filter) -> rusqlite::Result<Self> {
        let mut chosen = Self {
            from: "received".to_owned(),
            conditions: vec!["deleted_at IS NULL".to_owned()],
            values: Vec::new(),
            order: "received.id",
        };
        // Of several, the one that is read in order; CROSS JOIN keeps SQLite from turning it round.
        if let Some(question) = search::question(&filter.search) {
            chosen.from = "search CROSS JOIN received ON received.id = search.rowid".to_owned();
            chosen.order = "search.rowid";
            chosen.add("search MATCH ?", question);
            if let Some(tag) = &filter.tag {
                let among = "EXISTS (SELECT 1 FROM tag WHERE name = ? AND message = received.id)";
                chosen.add(among, tag.clone());
            }
        } else if let Some(tag) = &filter.tag {
            chosen.from = "tag CROSS JOIN received ON received.id = tag.message".to_owned();
            chosen.order = "tag.message";
            chosen.add("tag.name = ?", tag.clone());
        }
        if let Some(sender) = &filter.sender {
            chosen.add("sender = ?", sender.clone());
        }
        if let Some(group) = &filter.group {
            chosen.add(r#""group" = ?"#, group.clone());
        }
        if let Some(relay) = &filter.relay {
            // Most have one, and SQLite takes a list of one for that one.
            let numbers = relays::numbers(connection, relay)?;
            let marks = vec!["?"; numbers.len()].join(", ");
            let among = format!("received.relay IN ({marks})");
            chosen.conditions.push(among);
            chosen.values.extend(numbers);
        }
        if let Some(priority) = filter.priority {
            let least = extra::number(priority);
            chosen.conditions.push(format!("priority >= {least}"));
            // Only where its very words are among the conditions, SQLite uses a partial index.
            if priority > Priority::High {
                chosen.conditions.push("priority >= 4".to_owned());
            }
        }
        if filter.unread {
            chosen.conditions.push("read_at IS NULL".to_owned());
        }
        Ok(chosen)
    }

    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.conditions.push(condition.to_owned());
        self.values.push(value.into());
    }

    /// Only older ones than that.
    pub(super) fn before(mut self, before: Option<MessageId>) -> Self {
        if let Some(before) = before {
            let condition = format!("{} < ?", self.order);
            self.add(&condition, integer(before));
        }
        self
    }

    /// The statement for at most so many of them, newest first, and its parameters.
    pub(super) fn newest(self, columns: &str, limit: u32) -> (String, Vec<Value>) {
        let Self {
            from,
            conditions,
            mut values,
            order,
        } = self;
        let conditions = conditions.join(" AND ");
        values.push(i64::from(limit).into());
        let sql = format!(
            "SELECT {columns} FROM {from} WHERE {conditions} ORDER BY {order} DESC LIMIT ?"
        );
        (sql, values)
    }
}

impl Inbox {
    /// A page of what a filter asks for and is not deleted, newest first.
    pub(crate) async fn page(
        &self,
        filter: &Filter,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Row>, InboxError> {
        let filter = filter.clone();
        self.look(move |connection| {
            let (sql, values) = Chosen::by(connection, &filter)?
                .before(before)
                .newest(&columns(), limit.min(PAGE));
            let mut rows: Vec<Row> = connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), row_of)?
                .collect::<rusqlite::Result<_>>()?;
            if let Some(words) = Words::of(&filter.search) {
                show_where(connection, &words, &mut rows)?;
            }
            Ok(rows)
        })
        .await
    }

    /// The numbers of a piece of what a filter asks for, newest first.
    pub(crate) async fn ids(
        &self,
        filter: &Filter,
        before: Option<MessageId>,
    ) -> Result<Vec<MessageId>, InboxError> {
        let filter = filter.clone();
        self.look(move |connection| {
            let (sql, values) = Chosen::by(connection, &filter)?
                .before(before)
                .newest("received.id", PAGE);
            connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), |record| number(record, 0))?
                .collect()
        })
        .await
    }

    /// A page of the same in full. It ends early where the messages are long.
    pub(crate) async fn exported(
        &self,
        filter: &Filter,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Exported>, InboxError> {
        let full = r#"received.id, (SELECT address FROM relay WHERE id = received.relay), mid,
            sender, "group", title, body, extra, received_at, read_at"#;
        let filter = filter.clone();
        self.look(move |connection| {
            let (sql, values) = Chosen::by(connection, &filter)?
                .before(before)
                .newest(full, limit.min(PAGE));
            let mut statement = connection.prepare_cached(&sql)?;
            let (mut page, mut bytes) = (Vec::new(), 0);
            for message in statement.query_map(params_from_iter(values), exported_of)? {
                let message = message?;
                bytes += message.title.len() + message.body.len() + message.extra.len();
                page.push(message);
                if bytes > EXPORTED_BYTES {
                    break;
                }
            }
            Ok(page)
        })
        .await
    }

    /// Whom the messages come from, and how many of them are unread.
    pub(crate) async fn sources(&self) -> Result<Sources, InboxError> {
        self.look(|connection| {
            let unread = Unread::count(connection)?;
            Ok(Sources {
                senders: named(connection, SENDERS, &unread.senders)?,
                groups: named(connection, GROUPS, &unread.groups)?,
                tags: named(connection, TAGS, &unread.tags)?,
                relays: relays::sources(connection, &unread.relays, SOURCES)?,
            })
        })
        .await
    }
}

/// Bytes of bodies that a page looks through for its excerpts: a few milliseconds. The rows below keep
/// their previews.
const LOOKED_THROUGH: usize = 1024 * 1024;

/// Where the words stand deep in a body, the row shows that part of it instead of its beginning.
fn show_where(connection: &Connection, words: &Words, rows: &mut [Row]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT body FROM received WHERE id = ?1")?;
    let mut looked = 0;
    for row in rows {
        let sought = [&row.sender, &row.title, &row.preview].map(String::as_str);
        if looked > LOOKED_THROUGH || words.stand_in(&sought) {
            continue;
        }
        let body: String = statement.query_one([integer(row.id)], |record| record.get(0))?;
        looked += body.len();
        if let Some(part) = words.excerpt(&body, &sought) {
            row.preview = part;
        }
    }
    Ok(())
}

/// The names of an index, each found from the one before it: with few senders of many messages
/// that is a few looks, where DISTINCT would read all. Those heard from last come first.
const SENDERS: &str = "
    WITH RECURSIVE name (n) AS (
        SELECT min(sender) FROM received WHERE deleted_at IS NULL
        UNION ALL
        SELECT (SELECT min(sender) FROM received WHERE deleted_at IS NULL AND sender > n)
            FROM name WHERE n IS NOT NULL
    )
    SELECT n FROM name WHERE n IS NOT NULL
    ORDER BY (SELECT max(id) FROM received WHERE sender = n AND deleted_at IS NULL) DESC LIMIT ?1";

/// As [`SENDERS`].
const GROUPS: &str = r#"
    WITH RECURSIVE name (n) AS (
        SELECT min("group") FROM received WHERE deleted_at IS NULL AND "group" IS NOT NULL
        UNION ALL
        SELECT (SELECT min("group") FROM received
                WHERE deleted_at IS NULL AND "group" IS NOT NULL AND "group" > n)
            FROM name WHERE n IS NOT NULL
    )
    SELECT n FROM name WHERE n IS NOT NULL
    ORDER BY (SELECT max(id) FROM received WHERE "group" = n AND deleted_at IS NULL) DESC LIMIT ?1"#;

/// As [`SENDERS`]. A tag of deleted messages only is left out.
const TAGS: &str = "
    WITH RECURSIVE name (n) AS (
        SELECT min(name) FROM tag
        UNION ALL
        SELECT (SELECT min(name) FROM tag WHERE tag.name > n) FROM name WHERE n IS NOT NULL
    )
    SELECT n FROM name
    WHERE n IS NOT NULL AND EXISTS (
        SELECT 1 FROM tag JOIN received ON received.id = message
        WHERE name = n AND deleted_at IS NULL)
    ORDER BY (SELECT max(message) FROM tag WHERE name = n) DESC LIMIT ?1";

fn named(
    connection: &Connection,
    sql: &str,
    unread: &HashMap<String, u32>,
) -> rusqlite::Result<Vec<Source>> {
    connection
        .prepare_cached(sql)?
        .query_map([i64::try_from(SOURCES).unwrap_or(i64::MAX)], |record| {
            let name: String = record.get(0)?;
            let unread = unread.get(&name).copied().unwrap_or_default();
            Ok(Source { name, unread })
        })?
        .collect()
}

/// Unread messages by what they are listed under.
#[derive(Default)]
struct Unread {
    senders: HashMap<String, u32>,
    groups: HashMap<String, u32>,
    relays: HashMap<i64, u32>,
    tags: HashMap<String, u32>,
}

impl Unread {
    /// Costs what is unread.
    fn count(connection: &Connection) -> rusqlite::Result<Self> {
        let mut unread = Self::default();
        let mut statement = connection.prepare_cached(
            r#"SELECT sender, "group", relay, count(*) FROM received INDEXED BY received_unread_from
               WHERE read_at IS NULL AND deleted_at IS NULL GROUP BY sender, "group", relay"#,
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let count: u32 = row.get(3)?;
            *unread.senders.entry(row.get(0)?).or_default() += count;
            if let Some(group) = row.get(1)? {
                *unread.groups.entry(group).or_default() += count;
            }
            *unread.relays.entry(row.get(2)?).or_default() += count;
        }
        let mut statement = connection.prepare_cached(
            "SELECT name, count(*) FROM received INDEXED BY received_unread
             CROSS JOIN tag ON tag.message = received.id
             WHERE read_at IS NULL AND deleted_at IS NULL GROUP BY name",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            unread.tags.insert(row.get(0)?, row.get(1)?);
        }
        Ok(unread)
    }
}

fn exported_of(record: &Record<'_>) -> rusqlite::Result<Exported> {
    Ok(Exported {
        id: number(record, 0)?,
        relay: record.get(1)?,
        mid: record.get(2)?,
        sender: record.get(3)?,
        group: record.get(4)?,
        title: record.get(5)?,
        body: record.get(6)?,
        extra: record.get(7)?,
        received_at: number(record, 8)?,
        read_at: record.get::<_, Option<i64>>(9)?.map(unsigned),
    })
}

#[cfg(test)]
mod tests;
