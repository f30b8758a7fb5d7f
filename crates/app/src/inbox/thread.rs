//! The conversation that a received message is part of: what it answers, and what answers it, received
//! and sent. Reads only.
//!
//! Owns the walk over `extra.reply`. Invariants: each step is a look into an index; at most [`THREAD`]
//! messages are found, the nearest first; a circle, which only a hostile sender can make, ends.

use std::collections::{HashSet, VecDeque};

use rusqlite::{Connection, OptionalExtension, Row as Record, params};
use tidings_control::THREAD;

use super::value::{integer, number};
use crate::text;
use crate::types::{MessageId, Related};

/// Characters of a body that are read for a preview.
const BODY_CHARS: u32 = 1024;

/// The message that is shown.
#[derive(Debug)]
pub(super) struct From {
    pub(super) id: MessageId,
    /// The relay's number here.
    pub(super) relay: i64,
    pub(super) mid: String,
    pub(super) answers: Option<String>,
}

/// A message that was found.
struct Found {
    related: Related,
    /// The relay's ids of it: several where it was sent to several.
    mids: Vec<String>,
    answers: Option<String>,
    deleted: bool,
}

/// The others of its conversation, oldest first.
pub(super) fn of(connection: &Connection, from: From) -> rusqlite::Result<Vec<Related>> {
    let mut walk = Walk {
        connection,
        relay: from.relay,
        seen: HashSet::from([(false, from.id)]),
        found: Vec::new(),
    };
    walk.up(from.answers)?;
    walk.down(from.mid)?;
    let mut found = walk.found;
    found.sort_by_key(|related| related.at);
    Ok(found)
}

struct Walk<'a> {
    connection: &'a Connection,
    relay: i64,
    /// Whether it was sent, and its number.
    seen: HashSet<(bool, MessageId)>,
    found: Vec<Related>,
}

impl Walk<'_> {
    fn is_full(&self) -> bool {
        self.seen.len() > THREAD
    }

    /// Keeps it; false if it was seen before.
    fn keep(&mut self, found: &Found) -> bool {
        let new = self.seen.insert((found.related.sent, found.related.id));
        if new && !found.deleted {
            self.found.push(found.related.clone());
        }
        new
    }

    fn up(&mut self, mut answers: Option<String>) -> rusqlite::Result<()> {
        while let Some(mid) = answers.take()
            && !self.is_full()
        {
            let found = match self.received("mid = ?2", &mid)?.pop() {
                Some(found) => Some(found),
                None => self.sent(SENT_AS, &mid)?.pop(),
            };
            if let Some(found) = found
                && self.keep(&found)
            {
                answers = found.answers;
            }
        }
        Ok(())
    }

    fn down(&mut self, mid: String) -> rusqlite::Result<()> {
        let mut mids = VecDeque::from([mid]);
        while let Some(mid) = mids.pop_front() {
            let mut found = self.received("reply_to_mid = ?2", &mid)?;
            found.extend(self.sent(ANSWERS, &mid)?);
            for found in found {
                if self.is_full() {
                    return Ok(());
                }
                if self.keep(&found) {
                    mids.extend(found.mids);
                }
            }
        }
        Ok(())
    }

    fn received(&self, condition: &str, mid: &str) -> rusqlite::Result<Vec<Found>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT id, sender, title, preview, received_at, mid, reply_to_mid,
                     deleted_at IS NOT NULL
                 FROM received WHERE relay = ?1 AND {condition} ORDER BY id LIMIT {THREAD}"
            ))?
            .query_map(params![self.relay, mid], |record| {
                Ok(Found {
                    related: Related {
                        id: number(record, 0)?,
                        sent: false,
                        who: record.get(1)?,
                        title: text::line(&record.get::<_, String>(2)?),
                        preview: record.get(3)?,
                        at: number(record, 4)?,
                    },
                    mids: vec![record.get(5)?],
                    answers: record.get(6)?,
                    deleted: record.get(7)?,
                })
            })?
            .collect()
    }

    fn sent(&self, condition: &str, mid: &str) -> rusqlite::Result<Vec<Found>> {
        let found: Vec<Found> = self
            .connection
            .prepare_cached(&format!(
                "SELECT id, title, substr(body, 1, {BODY_CHARS}), written_at, reply
                 FROM sent WHERE {condition} ORDER BY id LIMIT {THREAD}"
            ))?
            .query_map([mid], sent_of)?
            .collect::<rusqlite::Result<_>>()?;
        let mut whole = Vec::new();
        for mut found in found {
            if self.parcels(&mut found)? {
                whole.push(found);
            }
        }
        Ok(whole)
    }

    /// Adds to whom it went; false if that was by another relay, whose ids mean nothing to this one.
    fn parcels(&self, found: &mut Found) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, target, mid,
                 relay IS (SELECT coalesce(joined, address) FROM relay WHERE id = ?2)
             FROM parcel WHERE sent = ?1 ORDER BY id",
        )?;
        let mut rows = statement.query(params![integer(found.related.id), self.relay])?;
        let mut here = false;
        while let Some(row) = rows.next()? {
            let (kind, target): (String, String) = (row.get(0)?, row.get(1)?);
            let who = &mut found.related.who;
            if !who.is_empty() {
                who.push_str(", ");
            }
            if kind == "group" {
                who.push('@');
            }
            who.push_str(&target);
            found.mids.extend(row.get::<_, Option<String>>(2)?);
            here |= row.get::<_, bool>(3)?;
        }
        Ok(here)
    }
}

/// What was sent as that.
const SENT_AS: &str = "id IN (SELECT sent FROM parcel WHERE mid = ?1)";

/// What was sent in answer to that.
const ANSWERS: &str = "reply = ?1";

fn sent_of(record: &Record<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        related: Related {
            id: number(record, 0)?,
            sent: true,
            who: String::new(),
            title: text::line(&record.get::<_, String>(1)?),
            preview: text::preview(&record.get::<_, String>(2)?),
            at: number(record, 3)?,
        },
        mids: Vec::new(),
        answers: record.get(4)?,
        deleted: false,
    })
}

/// What a received message is found from.
pub(super) fn from(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<From>> {
    connection
        .prepare_cached("SELECT relay, mid, reply_to_mid FROM received WHERE id = ?1")?
        .query_one([integer(id)], |record| {
            Ok(From {
                id,
                relay: record.get(0)?,
                mid: record.get(1)?,
                answers: record.get(2)?,
            })
        })
        .optional()
}

#[cfg(test)]
mod tests;
