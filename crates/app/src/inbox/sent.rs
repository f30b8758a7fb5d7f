//! Sent messages: what waits, what is on its way, what became of it. Statements only.
//!
//! Invariants: a message goes to the relay it was written for and to no other, however long that one
//! is away, and fails when it is left. It leaves `queued` and `sending` only by an outcome. One that was on its
//! way when the process died is queued again where the relay drops a repeat by its `ref`; elsewhere
//! its fate is unknown, and the person decides.

use rusqlite::{Connection, OptionalExtension, Row as Record, Transaction, params};

use tidings_control::Words;

use super::received::{integer, number, unsigned};
use super::{Inbox, InboxError, PAGE};
use crate::types::{
    Delivery, Draft, MessageId, Outcome, Parcel, Progress, Recipient, RelayId, Sent,
};
use crate::{extra, outgoing};

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) id: MessageId,
    /// The same whenever this message is sent.
    pub(crate) reference: String,
    pub(crate) to: Recipient,
    pub(crate) draft: Draft,
}

/// Bytes of text above which a page takes no further message. With the longest message on top, and
/// every byte escaped sixfold as JSON may do, it still is one line of the local socket (8 MiB).
const PAGE_BYTES: usize = 256 * 1024;

const SENT: &str =
    "id, kind, target, title, body, priority, link, written_at, progress, reason, relay";

impl Inbox {
    /// Keeps a draft to be sent by that relay, whatever the draft says; gives its row.
    pub(crate) async fn queue(
        &self,
        mut draft: Draft,
        reference: String,
        relay: RelayId,
        now: u64,
    ) -> Result<Sent, InboxError> {
        self.call(move |connection| {
            let (kind, target) = match draft.to.first() {
                Some(Recipient::Person(name)) => ("person", name.as_str()),
                Some(Recipient::Group(name)) => ("group", name.as_str()),
                None => ("person", ""),
            };
            connection
                .prepare_cached(
                    "INSERT INTO sent (ref, kind, target, title, body, priority, link, written_at,
                         progress, relay)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9)",
                )?
                .execute(params![
                    reference,
                    kind,
                    target,
                    draft.title,
                    draft.body,
                    extra::number(draft.priority),
                    draft.link,
                    integer(now),
                    relay.as_str(),
                ])?;
            draft.relay = Some(relay);
            let parcels = draft.to.iter().map(|to| Parcel {
                to: to.clone(),
                progress: Progress::Queued,
                recipients: Vec::new(),
            });
            Ok(Sent {
                id: unsigned(connection.last_insert_rowid()),
                parcels: parcels.collect(),
                draft,
                written_at: now,
            })
        })
        .await
    }

    /// A page of sent messages, newest first. It ends early where the messages are long.
    pub(crate) async fn sent_page(
        &self,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Sent>, InboxError> {
        self.look(move |connection| {
            let before = before.map_or(i64::MAX, integer);
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {SENT} FROM sent WHERE id < ?1 ORDER BY id DESC LIMIT ?2"
            ))?;
            let (mut page, mut bytes) = (Vec::new(), 0);
            for sent in statement.query_map(params![before, limit.min(PAGE)], sent_of)? {
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

    /// Messages queued for that relay in the order they were written, at most so many.
    pub(crate) async fn waiting(
        &self,
        relay: RelayId,
        limit: u32,
    ) -> Result<Vec<Outgoing>, InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {SENT}, ref FROM sent
                     WHERE progress = 'queued' AND relay = ?1
                     ORDER BY id LIMIT ?2"
                ))?
                .query_map(params![relay.as_str(), limit], |record| {
                    let Sent {
                        id, draft, parcels, ..
                    } = sent_of(record)?;
                    let to = parcels.into_iter().next().map(|parcel| parcel.to);
                    Ok(Outgoing {
                        id,
                        to: to.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
                        reference: record.get(11)?,
                        draft,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Records how far a message came, and with an answer what became of it for each recipient (by
    /// the protocol's words). Gives its row; none if there is none.
    pub(crate) async fn progressed(
        &self,
        id: MessageId,
        progress: Progress,
        answer: Option<(String, Vec<(String, String)>)>,
    ) -> Result<Option<Sent>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            record(&transaction, id, &progress)?;
            if let Some((mid, statuses)) = &answer {
                answered(&transaction, id, mid, statuses)?;
            }
            let sent = sent_row(&transaction, id)?;
            transaction.commit()?;
            Ok(sent)
        })
        .await
    }

    /// Records that a message is on its way to its relay; `by_ref` if that would recognise a repeat.
    pub(crate) async fn leaving(
        &self,
        id: MessageId,
        by_ref: bool,
    ) -> Result<Option<Sent>, InboxError> {
        self.call(move |connection| {
            let word = if by_ref { "sending-ref" } else { "sending" };
            connection
                .prepare_cached("UPDATE sent SET progress = ?1 WHERE id = ?2")?
                .execute(params![word, integer(id)])?;
            sent_row(connection, id)
        })
        .await
    }

    /// Settles what is on its way when nobody can say any more what became of it: after a crash, or
    /// a session that ended without a word (then only what was for that relay). Gives the rows.
    pub(crate) async fn resume(&self, relay: Option<RelayId>) -> Result<Vec<Sent>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let ids: Vec<MessageId> = transaction
                .prepare_cached(
                    "UPDATE sent
                     SET progress = CASE progress WHEN 'sending' THEN 'unknown' ELSE 'queued' END
                     WHERE progress IN ('sending', 'sending-ref') AND (?1 IS NULL OR relay = ?1)
                     RETURNING id",
                )?
                .query_map([relay.as_ref().map(RelayId::as_str)], |record| {
                    number(record, 0)
                })?
                .collect::<rusqlite::Result<_>>()?;
            let mut settled = Vec::new();
            for id in ids {
                settled.extend(sent_row(&transaction, id)?);
            }
            transaction.commit()?;
            Ok(settled)
        })
        .await
    }
}

fn record(connection: &Connection, id: MessageId, progress: &Progress) -> rusqlite::Result<()> {
    let (word, reason) = match progress {
        Progress::Queued => ("queued", None),
        Progress::Sending => ("sending", None),
        Progress::Answered => ("answered", None),
        Progress::Unknown => ("unknown", None),
        Progress::Failed { reason } => ("failed", serde_json::to_string(reason).ok()),
        Progress::Cancelled => ("cancelled", None),
    };
    connection
        .prepare_cached("UPDATE sent SET progress = ?1, reason = ?2 WHERE id = ?3")?
        .execute(params![word, reason, integer(id)])?;
    Ok(())
}

fn answered(
    transaction: &Transaction<'_>,
    id: MessageId,
    mid: &str,
    statuses: &[(String, String)],
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE sent SET mid = ?1 WHERE id = ?2")?
        .execute(params![mid, integer(id)])?;
    transaction
        .prepare_cached("DELETE FROM outcome WHERE sent = ?1")?
        .execute([integer(id)])?;
    for ((name, status), position) in statuses.iter().zip(0_i64..) {
        transaction
            .prepare_cached(
                "INSERT INTO outcome (sent, position, name, status) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![integer(id), position, name, status])?;
    }
    Ok(())
}

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

/// Bytes of the text of it.
fn weight(sent: &Sent) -> usize {
    let outcomes = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
    let names: usize = outcomes.map(|outcome| outcome.name.len()).sum();
    outgoing::bytes(&sent.draft) + names
}

/// Reads the columns of [`SENT`]; the recipients are read apart.
fn sent_of(record: &Record<'_>) -> rusqlite::Result<Sent> {
    let kind: String = record.get(1)?;
    let target = record.get(2)?;
    let to = match kind.as_str() {
        "group" => Recipient::Group(target),
        _ => Recipient::Person(target),
    };
    let progress: String = record.get(8)?;
    let reason: Option<String> = record.get(9)?;
    Ok(Sent {
        id: number(record, 0)?,
        draft: Draft {
            to: vec![to.clone()],
            title: record.get(3)?,
            body: record.get(4)?,
            priority: extra::from_number(record.get(5)?),
            link: record.get(6)?,
            relay: record.get::<_, Option<String>>(10)?.map(RelayId::new),
            ..Draft::default()
        },
        written_at: number(record, 7)?,
        parcels: vec![Parcel {
            to,
            progress: match progress.as_str() {
                "queued" => Progress::Queued,
                "sending" | "sending-ref" => Progress::Sending,
                "answered" => Progress::Answered,
                "cancelled" => Progress::Cancelled,
                "failed" => Progress::Failed {
                    reason: words(reason.unwrap_or_default()),
                },
                _ => Progress::Unknown,
            },
            recipients: Vec::new(),
        }],
    })
}

/// A reason as it was kept; those of earlier versions are bare English.
fn words(kept: String) -> Words {
    serde_json::from_str(&kept).unwrap_or_else(|_| Words::foreign(kept))
}

fn fill(connection: &Connection, sent: &mut Sent) -> rusqlite::Result<()> {
    if let [parcel] = sent.parcels.as_mut_slice() {
        parcel.recipients = outcomes(connection, sent.id)?;
    }
    Ok(())
}

fn outcomes(connection: &Connection, id: MessageId) -> rusqlite::Result<Vec<Outcome>> {
    connection
        .prepare_cached("SELECT name, status FROM outcome WHERE sent = ?1 ORDER BY position")?
        .query_map([integer(id)], |record| {
            let status: String = record.get(1)?;
            Ok(Outcome {
                name: record.get(0)?,
                delivery: delivery(&status),
                history: Vec::new(),
            })
        })?
        .collect()
}

/// The protocol's word in people's terms.
pub(crate) fn delivery(status: &str) -> Delivery {
    use tidings_protocol::Status;
    match Status::from_word(status) {
        Status::Held => Delivery::Held,
        Status::Ready | Status::Wait => Delivery::Waiting,
        Status::Ok | Status::PushConfirmed => Delivery::Delivered,
        Status::PushWait | Status::PushOk => Delivery::Pushed,
        Status::No => Delivery::Refused,
        Status::Expired => Delivery::Expired,
        Status::Superseded => Delivery::Superseded,
        Status::Cancelled => Delivery::Cancelled,
        Status::Other(_) => Delivery::Other,
    }
}
