//! Sent messages as people see them: queued, listed, searched, sent once more. Statements only; how one
//! goes out is in [`parcel`](super::parcel), what became of it in [`outcome`](super::outcome).
//!
//! Invariants: a message and all of its parcels are kept in one transaction, or none of them; the draft
//! that it was written as goes in the same one.

use rusqlite::types::Value;
use rusqlite::{
    Connection, OptionalExtension, Row as Record, Transaction, params, params_from_iter,
};

use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError, PAGE, outcome, parcel};
use crate::contacts::Recent;
use crate::types::{Ask, Draft, MessageId, Recipient, RelayId, Sent};
use crate::{extra, outgoing};

/// Bytes of text above which a page takes no further message. With the longest message on top, and
/// every byte escaped sixfold as JSON may do, it still is one line of the local socket (8 MiB).
const PAGE_BYTES: usize = 256 * 1024;

/// Bytes of a recipient beside its name, in JSON, with a few steps of its history.
const OUTCOME_BYTES: usize = 200;

/// Words of a search at most: each costs a look at every text.
const WORDS: usize = 10;

/// Parcels that are looked at for whom one wrote to: asked for with each letter that is typed.
const RECENT: u32 = 2000;

/// A message that is to be kept and sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Written {
    /// The message, with at least one recipient.
    pub(crate) draft: Draft,
    /// A `ref` for each of [`Draft::to`], in their order.
    pub(crate) references: Vec<String>,
    /// What it answers, if it is a reply.
    pub(crate) reply: Option<Reply>,
    /// The draft it was kept as, which is not kept any longer.
    pub(crate) kept: Option<MessageId>,
}

/// What a message answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The relay's id of it; none where it came by another relay, which means nothing to this one.
    pub(crate) mid: Option<String>,
    /// What stands of it before the body, Markdown.
    pub(crate) quote: String,
}

/// The columns that [`sent_of`] reads.
const SENT: &str =
    "id, title, body, priority, link, written_at, tags, ttl, due, ask, repeat, key, reply_to,
    (SELECT relay FROM parcel WHERE parcel.sent = sent.id ORDER BY parcel.id LIMIT 1)";

impl Inbox {
    /// Keeps a message to be sent by that relay, whatever its draft says; gives its row.
    pub(crate) async fn queue(
        &self,
        written: Written,
        relay: RelayId,
        now: u64,
    ) -> Result<Sent, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let id = insert(&transaction, &written, now)?;
            for (to, reference) in written.draft.to.iter().zip(&written.references) {
                parcel::insert(&transaction, id, &relay, to, reference, now)?;
            }
            if let Some(kept) = written.kept {
                super::draft::drop(&transaction, kept)?;
            }
            let sent = sent_row(&transaction, id)?;
            transaction.commit()?;
            sent.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
        .await
    }

    /// A page of sent messages, newest first: those with these words in title, body or the names they
    /// were sent to. It ends early where the messages are long.
    pub(crate) async fn sent_page(
        &self,
        search: &str,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Sent>, InboxError> {
        let words: Vec<String> = search.split_whitespace().take(WORDS).map(pattern).collect();
        self.look(move |connection| {
            let mut sql = format!("SELECT {SENT} FROM sent WHERE id < ?1");
            for place in 2..words.len() + 2 {
                sql.push_str(&format!(
                    r" AND (title LIKE ?{place} ESCAPE '\' OR body LIKE ?{place} ESCAPE '\'
                        OR EXISTS (SELECT 1 FROM parcel
                            WHERE parcel.sent = sent.id AND target LIKE ?{place} ESCAPE '\'))"
                ));
            }
            sql.push_str(" ORDER BY id DESC LIMIT ");
            sql.push_str(&limit.min(PAGE).to_string());
            let before = Value::from(before.map_or(i64::MAX, integer));
            let values = std::iter::once(before).chain(words.into_iter().map(Value::from));
            let mut statement = connection.prepare_cached(&sql)?;
            let (mut page, mut bytes) = (Vec::new(), 0);
            for sent in statement.query_map(params_from_iter(values), sent_of)? {
                let mut sent = sent?;
                fill(connection, &mut sent)?;
                bytes += weight(&sent);
                page.push(sent);
                if bytes > PAGE_BYTES {
                    break;
                }
            }
            Ok(page)
        })
        .await
    }

    /// Whom messages went to, of the last [`RECENT`] parcels, and when last; without those whose relay would
    /// not have it, as it knows nobody of that name.
    pub(crate) async fn written_to(&self) -> Result<Vec<Recent>, InboxError> {
        self.look(|connection| {
            connection
                .prepare_cached(
                    "SELECT relay, kind, target, max(queued_at) FROM (
                         SELECT relay, kind, target, queued_at FROM parcel
                         WHERE relay IS NOT NULL AND NOT (kind = 'person' AND EXISTS (
                             SELECT 1 FROM outcome
                             WHERE outcome.parcel = parcel.id AND delivery = 'refused'))
                         ORDER BY id DESC LIMIT ?1)
                     GROUP BY relay, kind, target",
                )?
                .query_map([RECENT], |record| {
                    let kind: String = record.get(1)?;
                    Ok(Recent {
                        relay: RelayId::new(record.get::<_, String>(0)?),
                        to: recipient(&kind, record.get(2)?),
                        at: number(record, 3)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// One of them; none if there is none.
    pub(crate) async fn sent_message(&self, id: MessageId) -> Result<Option<Sent>, InboxError> {
        self.look(move |connection| sent_row(connection, id)).await
    }
}

/// A word of a search as LIKE takes it, wherever it stands in a text.
fn pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn insert(
    transaction: &Transaction<'_>,
    written: &Written,
    now: u64,
) -> rusqlite::Result<MessageId> {
    let draft = &written.draft;
    let reply = written.reply.as_ref();
    transaction
        .prepare_cached(
            "INSERT INTO sent (title, body, priority, link, written_at, tags, ttl, due, ask, repeat, key,
                 reply_to, reply, quote)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            draft.title,
            draft.body,
            extra::number(draft.priority),
            draft.link,
            integer(now),
            serde_json::to_string(&draft.tags).unwrap_or_default(),
            draft.ttl.map(integer),
            draft.due.map(integer),
            asking(draft.ask),
            draft.repeat,
            draft.key,
            draft.reply_to.map(integer),
            reply.and_then(|reply| reply.mid.as_deref()),
            reply.map_or("", |reply| reply.quote.as_str()),
        ])?;
    Ok(unsigned(transaction.last_insert_rowid()))
}

fn asking(ask: Ask) -> &'static str {
    match ask {
        Ask::Nobody => "nobody",
        Ask::Each => "each",
        Ask::First => "first",
    }
}

/// The row of a message with its parcels and what became of them; none if there is none.
pub(super) fn sent_row(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Sent>> {
    let sent = connection
        .prepare_cached(&format!("SELECT {SENT} FROM sent WHERE id = ?1"))?
        .query_one([integer(id)], sent_of)
        .optional()?;
    sent.map(|mut sent| {
        fill(connection, &mut sent)?;
        Ok(sent)
    })
    .transpose()
}

/// The rows of messages, each once, in the order of their numbers.
pub(super) fn sent_rows(
    connection: &Connection,
    mut ids: Vec<MessageId>,
) -> rusqlite::Result<Vec<Sent>> {
    ids.sort_unstable();
    ids.dedup();
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(sent_row(connection, id)?);
    }
    Ok(rows)
}

/// Bytes of the text of it.
fn weight(sent: &Sent) -> usize {
    let outcomes = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
    let names = outcomes.map(|outcome| outcome.name.len() + OUTCOME_BYTES);
    outgoing::bytes(&sent.draft) + names.sum::<usize>()
}

/// The draft in the columns of [`SENT`] from that one on, but for whom it is for.
pub(super) fn draft_of(record: &Record<'_>, at: usize) -> rusqlite::Result<Draft> {
    let ask: String = record.get(at + 9)?;
    let tags: String = record.get(at + 6)?;
    Ok(Draft {
        to: Vec::new(),
        title: record.get(at + 1)?,
        body: record.get(at + 2)?,
        priority: extra::from_number(record.get(at + 3)?),
        link: record.get(at + 4)?,
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        ttl: optional(record, at + 7)?,
        due: optional(record, at + 8)?,
        ask: match ask.as_str() {
            "each" => Ask::Each,
            "first" => Ask::First,
            _ => Ask::Nobody,
        },
        repeat: record.get(at + 10)?,
        key: record.get(at + 11)?,
        reply_to: optional(record, at + 12)?,
        relay: record.get::<_, Option<String>>(at + 13)?.map(RelayId::new),
    })
}

/// Reads the columns of [`SENT`]; the parcels are read apart.
fn sent_of(record: &Record<'_>) -> rusqlite::Result<Sent> {
    Ok(Sent {
        id: number(record, 0)?,
        draft: draft_of(record, 0)?,
        written_at: number(record, 5)?,
        parcels: Vec::new(),
    })
}

fn fill(connection: &Connection, sent: &mut Sent) -> rusqlite::Result<()> {
    let parcels = parcel::of(connection, sent.id)?;
    for (id, mut parcel) in parcels {
        parcel.recipients = outcome::of(connection, id)?;
        sent.draft.to.push(parcel.to.clone());
        sent.parcels.push(parcel);
    }
    Ok(())
}

/// A number that may be missing.
fn optional(record: &Record<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(record.get::<_, Option<i64>>(column)?.map(unsigned))
}

/// A recipient by its columns.
pub(super) fn recipient(kind: &str, name: String) -> Recipient {
    match kind {
        "group" => Recipient::Group(name),
        _ => Recipient::Person(name),
    }
}

#[cfg(test)]
mod tests;
