//! Messages that are due a notification, and what came of it. Statements only.
//!
//! A row is due until it is marked as notified, read or deleted, and again when its relay reminds of it,
//! read or not. One that was held back for a time
//! (a pause, the quiet hours, the desktop's do-not-disturb) stays due and says why; one that is
//! never to be raised (muted, expired) is marked at once.

use rusqlite::{OptionalExtension, params};

use super::received::tags_of;
use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError};
use crate::extra;
use crate::types::{Held, MessageId, Priority};

/// Rows of one look: more than any digest names, and few enough to hold. The rest comes with the
/// next look.
const LOOK: u32 = 1000;

/// Characters of a body that are read for a notification; see `text` for what is shown of them.
const BODY_CHARS: u32 = 16 * 1024;

/// A row that is due a notification, as far as deciding about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) id: MessageId,
    pub(crate) sender: String,
    pub(crate) group: Option<String>,
    pub(crate) title: String,
    pub(crate) priority: Priority,
    pub(crate) tags: Vec<String>,
    /// Why it was held back, if it was.
    pub(crate) held: Option<Held>,
    /// Milliseconds since 1970.
    pub(crate) expires_at: Option<u64>,
}

/// What a notification needs of a row that is due one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unnotified {
    pub(crate) id: MessageId,
    pub(crate) sender: String,
    pub(crate) group: Option<String>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) priority: Priority,
    /// The relay's number here, for telling senders of one name apart.
    pub(crate) relay: u64,
    pub(crate) key: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) extra: String,
    /// Milliseconds since 1970.
    pub(crate) expires_at: Option<u64>,
    /// How often its relay reminded of it.
    pub(crate) reminders: u64,
    /// Whether it is still to be acknowledged.
    pub(crate) wanted: bool,
    /// Whether it answers another one, which its body quotes then.
    pub(crate) answers: bool,
}

/// What came of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The person opened it.
    Opened,
    /// The person chose one of its buttons.
    Acted,
    /// The person closed it. They need not have read it.
    Dismissed,
    /// It left the screen by itself.
    Expired,
    /// It was closed because it was of no use any more.
    Closed,
    /// The notification service went, and it with it.
    Lost,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Acted => "acted",
            Self::Dismissed => "dismissed",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::Lost => "lost",
        }
    }
}

fn word(held: Held) -> &'static str {
    match held {
        Held::Paused => "paused",
        Held::Hours => "hours",
        Held::Desktop => "desktop",
        Held::Muted => "muted",
        Held::Expired => "expired",
    }
}

/// The word in a column back as what it means.
pub(super) fn held(word: &str) -> Option<Held> {
    Some(match word {
        "paused" => Held::Paused,
        "hours" => Held::Hours,
        "desktop" => Held::Desktop,
        "muted" => Held::Muted,
        "expired" => Held::Expired,
        _ => return None,
    })
}

impl Inbox {
    /// The oldest messages that are due a notification; those held back only if asked for.
    pub(crate) async fn due(&self, with_held: bool) -> Result<Vec<Due>, InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    r#"SELECT id, sender, "group", title, priority,
                         (SELECT group_concat(name, char(31) ORDER BY position)
                          FROM tag WHERE message = received.id),
                         held, expires_at
                     FROM received INDEXED BY received_unnotified
                     WHERE notified_at IS NULL AND (read_at IS NULL OR reminders > 0)
                         AND deleted_at IS NULL AND (?1 OR held IS NULL)
                     ORDER BY id LIMIT ?2"#,
                )?
                .query_map(params![with_held, LOOK], |record| {
                    Ok(Due {
                        id: number(record, 0)?,
                        sender: record.get(1)?,
                        group: record.get(2)?,
                        title: record.get(3)?,
                        priority: extra::from_number(record.get(4)?),
                        tags: tags_of(record, 5)?,
                        held: record
                            .get::<_, Option<String>>(6)?
                            .as_deref()
                            .and_then(held),
                        expires_at: record.get::<_, Option<i64>>(7)?.map(unsigned),
                    })
                })?
                .collect()
        })
        .await
    }

    /// One of them, as far as its notification needs; none if it is not due any more.
    pub(crate) async fn unnotified(&self, id: MessageId) -> Result<Option<Unnotified>, InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    r#"SELECT id, sender, "group", title, substr(body, 1, ?2), priority, relay, key,
                         link, extra, expires_at, reminders,
                         ask IS NOT NULL AND acknowledged_at IS NULL, reply_to_mid IS NOT NULL
                     FROM received
                     WHERE id = ?1 AND notified_at IS NULL AND (read_at IS NULL OR reminders > 0)
                         AND deleted_at IS NULL"#,
                )?
                .query_one(params![integer(id), BODY_CHARS], |record| {
                    Ok(Unnotified {
                        id: number(record, 0)?,
                        sender: record.get(1)?,
                        group: record.get(2)?,
                        title: record.get(3)?,
                        body: record.get(4)?,
                        priority: extra::from_number(record.get(5)?),
                        relay: number(record, 6)?,
                        key: record.get(7)?,
                        link: record.get(8)?,
                        extra: record.get(9)?,
                        expires_at: record.get::<_, Option<i64>>(10)?.map(unsigned),
                        reminders: number(record, 11)?,
                        wanted: record.get(12)?,
                        answers: record.get(13)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// Marks messages as notified, all or none.
    pub(crate) async fn notified(&self, ids: Vec<MessageId>, now: u64) -> Result<(), InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for id in ids {
                transaction
                    .prepare_cached("UPDATE received SET notified_at = ?1 WHERE id = ?2")?
                    .execute(params![integer(now), integer(id)])?;
            }
            transaction.commit()
        })
        .await
    }

    /// Marks messages as held back, all or none; for good where the reason does not pass.
    pub(crate) async fn hold(
        &self,
        ids: Vec<(MessageId, Held)>,
        now: u64,
    ) -> Result<(), InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for (id, held) in ids {
                let for_good = matches!(held, Held::Muted | Held::Expired);
                transaction
                    .prepare_cached(
                        "UPDATE received SET held = ?1, notified_at = ?2 WHERE id = ?3",
                    )?
                    .execute(params![
                        word(held),
                        for_good.then_some(integer(now)),
                        integer(id)
                    ])?;
            }
            transaction.commit()
        })
        .await
    }

    /// Keeps what came of messages' notification. What a person did counts, not that it was closed by
    /// that.
    pub(crate) async fn came_of(
        &self,
        ids: Vec<MessageId>,
        outcome: Outcome,
    ) -> Result<(), InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for id in ids {
                transaction
                    .prepare_cached(
                        "UPDATE received SET outcome = ?1 WHERE id = ?2
                             AND (?1 IN ('opened', 'acted')
                                  OR coalesce(outcome, '') NOT IN ('opened', 'acted'))",
                    )?
                    .execute(params![outcome.word(), integer(id)])?;
            }
            transaction.commit()
        })
        .await
    }
}
