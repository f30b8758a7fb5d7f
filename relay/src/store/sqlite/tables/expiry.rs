//! Giving up messages whose time is over, and what the file uses.
//!
//! Invariant: a message that is given up is in no queue any more, and its status is final for
//! everybody it was for.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, params};
use tidings_protocol::{Name, State};

use super::{
    Tables, from_sql,
    receipts::{Told, WANTS_RECEIPTS},
    recipients_from_json, to_sql,
};
use crate::{
    mint::MidNumber,
    store::{Expired, Position},
};

/// Messages given up in one transaction: more would keep senders waiting.
const AT_ONCE: i64 = 256;

/// Stands in a message's list of recipients for those whom it was given up for.
pub(super) const GIVEN_UP: u8 = 2;

/// A message that was given up for somebody.
pub(in crate::store::sqlite) type GivenUp = (Name, Position);

/// A message whose time is over.
struct Due {
    mid: i64,
    recipients: String,
    wants: i64,
    sender: Option<String>,
    reference: Option<String>,
}

/// Gives up some messages that were to be delivered before `now_ms`.
pub(super) fn expire(
    tables: &mut Tables,
    now_ms: u64,
) -> rusqlite::Result<(Expired, Vec<GivenUp>)> {
    let mut given_up = Vec::new();
    // Whom they were of, and who are to hear of it.
    let mut told = Vec::new();
    let (connection, clients) = (&tables.connection, &mut tables.clients);
    let mut look = connection.prepare_cached(
        "SELECT mid, recipients, wants, sender, reference FROM messages
         WHERE pending > 0 AND expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2",
    )?;
    let due: Vec<Due> = look
        .query_map([to_sql(now_ms), AT_ONCE], |row| {
            Ok(Due {
                mid: row.get(0)?,
                recipients: row.get(1)?,
                wants: row.get(2)?,
                sender: row.get(3)?,
                reference: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut remove = connection
        .prepare_cached("DELETE FROM queue WHERE recipient = ?1 AND mid = ?2 RETURNING bytes")?;
    let mut finish = connection.prepare_cached(
        "UPDATE messages SET pending = 0, frame = NULL, recipients = ?2 WHERE mid = ?1",
    )?;
    for due in due {
        let Due {
            mid,
            recipients,
            wants,
            sender,
            reference,
        } = due;
        let mut of_this = Vec::new();
        for (name, queued) in recipients_from_json(&recipients) {
            let Some(client) = queued.then(|| clients.change(&name)).flatten() else {
                continue;
            };
            let bytes: Option<i64> = remove
                .query_row([client.id, mid], |row| row.get(0))
                .optional()?;
            if let Some(bytes) = bytes {
                client.load.remove(from_sql(bytes));
                of_this.push(name);
            }
        }
        let gone: HashSet<_> = of_this.iter().map(Name::as_str).collect();
        let recipients = given_up_for(&recipients, |recipient| gone.contains(recipient));
        finish.execute(params![mid, recipients])?;
        let position = Position::new(from_sql(mid));
        if let (Some(sender), true) = (sender, wants & WANTS_RECEIPTS != 0)
            && let Some(mid) = MidNumber::new(from_sql(mid))
        {
            told.push((sender, reference, mid, of_this.clone()));
        }
        given_up.extend(of_this.into_iter().map(|name| (name, position)));
    }
    let next: Option<i64> = tables
        .connection
        .prepare_cached("SELECT min(expires_ms) FROM messages WHERE pending > 0")?
        .query_row([], |row| row.get(0))?;
    drop((look, remove, finish));
    for (sender, reference, mid, names) in told {
        for name in &names {
            let told = Told {
                mid,
                reference: reference.as_deref(),
                name,
                state: State::Expired,
                at_ms: now_ms,
                note: None,
            };
            tables.tell(&sender, &told)?;
        }
    }
    tables.sweep_receipts(now_ms)?;
    let expired = Expired {
        given_up: given_up.len() as u64,
        next_ms: next.map(from_sql),
    };
    Ok((expired, given_up))
}

/// A message's list of recipients, once it is given up for some of them.
pub(in crate::store::sqlite) fn given_up_for(json: &str, whom: impl Fn(&str) -> bool) -> String {
    let mut list: Vec<(String, u8)> = serde_json::from_str(json).unwrap_or_default();
    for (name, state) in &mut list {
        if whom(name) {
            *state = GIVEN_UP;
        }
    }
    // A list of texts and small numbers: writing it cannot fail.
    serde_json::to_string(&list).unwrap_or_default()
}

/// Bytes of the file that hold something.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let mut pages = connection.prepare_cached(
        "SELECT (page_count - freelist_count) * page_size
         FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
    )?;
    pages.query_row([], |row| row.get(0)).map(from_sql)
}
