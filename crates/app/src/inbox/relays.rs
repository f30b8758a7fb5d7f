//! Which relay of the inbox is which of the settings. Statements only.
//!
//! The inbox knows a relay by what the relay calls itself, which outlives its address and tells
//! repeats apart; the settings know it by an id of this computer's. Here the two are brought
//! together, and queued messages are cut off from a relay that was left.
//!
//! Invariant: what came by a relay stays with it when it is left, and is its again once it is joined
//! again.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::value::{number, unsigned};
use super::{Inbox, InboxError};
use crate::inbox::parcel::kept;
use crate::inbox::sent::sent_rows;
use tidings_control::Words;

use crate::types::{MessageId, RelayId, RelaySource, Sent};

/// The id of the relay of a row of `received`.
pub(super) const JOINED: &str =
    "(SELECT coalesce(joined, address) FROM relay WHERE relay.id = received.relay)";

impl Inbox {
    /// The relay joined as `id`, now at `address`, says that it is `name`: gives the key to store
    /// its messages by. Of a relay that is joined twice at a time (`ids` are all that are), what came
    /// by one is not taken for the other's.
    pub(crate) async fn attach(
        &self,
        name: String,
        id: RelayId,
        address: String,
        ids: Vec<RelayId>,
    ) -> Result<String, InboxError> {
        self.call(move |connection| {
            let holder: Option<Option<String>> = connection
                .prepare_cached("SELECT joined FROM relay WHERE key = ?1")?
                .query_one([&name], |record| record.get(0))
                .optional()?;
            let other = holder
                .flatten()
                .filter(|holder| *holder != id.as_str())
                .is_some_and(|holder| ids.iter().any(|id| id.as_str() == holder));
            let key = if other {
                format!("{name} as {id}")
            } else {
                name
            };
            // A line that comes and goes must not cost the disk anything.
            connection
                .prepare_cached(
                    "INSERT INTO relay (key, address, joined) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE
                     SET address = excluded.address, joined = excluded.joined
                     WHERE address != excluded.address OR joined IS NOT excluded.joined",
                )?
                .execute(params![key, address, id.as_str()])?;
            Ok(key)
        })
        .await
    }

    /// Gives what earlier versions stored to the relays of the settings, by their addresses; and
    /// what they queued without saying for whom, to the first one.
    pub(crate) async fn adopt(&self, relays: Vec<(RelayId, String)>) -> Result<(), InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for (id, address) in &relays {
                transaction
                    .prepare_cached(
                        "UPDATE relay SET joined = ?1 WHERE joined IS NULL AND address = ?2",
                    )?
                    .execute([id.as_str(), address])?;
            }
            if let Some((first, _)) = relays.first() {
                transaction
                    .prepare_cached("UPDATE parcel SET relay = ?1 WHERE relay IS NULL")?
                    .execute([first.as_str()])?;
            }
            transaction.commit()
        })
        .await
    }

    /// Gives up what is queued for any relay but these, for that reason; what may have reached its relay
    /// is of unknown fate. Gives the rows.
    pub(crate) async fn give_up(
        &self,
        relays: Vec<RelayId>,
        reason: Words,
    ) -> Result<Vec<Sent>, InboxError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let marks = vec!["?"; relays.len()].join(", ");
            let sql = format!(
                "UPDATE parcel
                 SET reason = ?, progress = CASE WHEN gone THEN 'unknown' ELSE 'failed' END
                 WHERE progress = 'queued' AND relay IS NOT NULL AND relay NOT IN ({marks})
                 RETURNING sent"
            );
            let reason = Value::from(kept(&reason));
            let ids = relays.into_iter().map(|id| Value::from(id.to_string()));
            let given_up: Vec<MessageId> = transaction
                .prepare(&sql)?
                .query_map(
                    params_from_iter(std::iter::once(reason).chain(ids)),
                    |record| number(record, 0),
                )?
                .collect::<rusqlite::Result<_>>()?;
            let rows = sent_rows(&transaction, given_up)?;
            transaction.commit()?;
            Ok(rows)
        })
        .await
    }
}

/// The inbox's numbers of a relay: several where it began anew.
pub(super) fn numbers(connection: &Connection, id: &RelayId) -> rusqlite::Result<Vec<Value>> {
    connection
        .prepare_cached("SELECT id FROM relay WHERE coalesce(joined, address) = ?1")?
        .query_map([id.as_str()], |record| record.get::<_, i64>(0))?
        .map(|number| number.map(Value::from))
        .collect()
}

/// All that messages came by or wait for, the newest first, at most so many.
pub(super) fn sources(
    connection: &Connection,
    unread: &HashMap<i64, u32>,
    limit: usize,
) -> rusqlite::Result<Vec<RelaySource>> {
    let mut waiting = waiting(connection)?;
    let mut sources: Vec<RelaySource> = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT id, coalesce(joined, address), address FROM relay ORDER BY id DESC",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let unread = unread.get(&row.get(0)?).copied().unwrap_or_default();
        let id = RelayId::new(row.get::<_, String>(1)?);
        match sources.iter_mut().find(|source| source.id == id) {
            Some(source) => source.unread += unread,
            None => sources.push(RelaySource {
                address: row.get(2)?,
                unread,
                waiting: waiting.remove(&id).unwrap_or_default(),
                id,
            }),
        }
    }
    sources.extend(waiting.into_iter().map(|(id, waiting)| RelaySource {
        id,
        address: String::new(),
        unread: 0,
        waiting,
    }));
    sources.truncate(limit);
    Ok(sources)
}

fn waiting(connection: &Connection) -> rusqlite::Result<HashMap<RelayId, u32>> {
    connection
        .prepare_cached(
            "SELECT relay, count(*) FROM parcel INDEXED BY parcel_queued
             WHERE progress = 'queued' AND relay IS NOT NULL GROUP BY relay",
        )?
        .query_map([], |record| {
            let waiting = unsigned(record.get(1)?);
            let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
            Ok((RelayId::new(record.get::<_, String>(0)?), waiting))
        })?
        .collect()
}

#[cfg(test)]
mod tests;
