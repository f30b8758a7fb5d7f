//! Messages that are held: a row of `held` each, which is there exactly while the message waits at a place
//! that nobody reads from.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};
use tidings_protocol::{Name, Ref};

use super::{
    READ_BYTES, Tables, count_to_sql,
    fates::{Fate, fates, queued_for},
    from_sql, to_sql,
};
use crate::{
    frame::Frame,
    mint::MidNumber,
    store::{
        HeldMessage, Owner, Position, RELEASED_AT_ONCE, Released, Scheduled, Which, Withdrawn,
    },
};

impl Tables {
    /// Notes until when a message is held.
    pub(super) fn hold(&self, mid: MidNumber, due_ms: u64, owner: &Owner) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT INTO held (mid, due_ms, owner) VALUES (?1, ?2, ?3)")?
            .execute(params![to_sql(mid.number()), to_sql(due_ms), owner.word()])?;
        Ok(())
    }

    /// A message is held no more, and waits for nobody.
    pub(super) fn not_held(&self, mid: i64) -> rusqlite::Result<()> {
        let gone = self
            .connection
            .prepare_cached("DELETE FROM held WHERE mid = ?1")?
            .execute([mid])?;
        if gone > 0 {
            self.connection
                .prepare_cached("UPDATE messages SET position = mid WHERE mid = ?1")?
                .execute([mid])?;
        }
        Ok(())
    }

    /// How many are due, and when the next one is.
    pub(super) fn due(&self, now_ms: u64) -> rusqlite::Result<(usize, Option<u64>)> {
        let due: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM held WHERE due_ms <= ?1 LIMIT ?2)",
            )?
            .query_row([to_sql(now_ms), count_to_sql(RELEASED_AT_ONCE)], |row| {
                row.get(0)
            })?;
        let next: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(due_ms) FROM held")?
            .query_row([], |row| row.get(0))?;
        Ok((usize::try_from(due).unwrap_or(0), next.map(from_sql)))
    }

    pub(in crate::store::sqlite) fn release(
        &mut self,
        now_ms: u64,
        places: &[MidNumber],
    ) -> rusqlite::Result<Released> {
        let mut query = self.connection.prepare_cached(
            "SELECT h.mid, m.recipients FROM held h JOIN messages m ON m.mid = h.mid
             WHERE h.due_ms <= ?1 ORDER BY h.due_ms, h.mid LIMIT ?2",
        )?;
        let due: Vec<(i64, String)> = query
            .query_map([to_sql(now_ms), count_to_sql(places.len())], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        drop(query);
        let mut released = Released::default();
        for ((mid, recipients), place) in due.into_iter().zip(places) {
            let Some(number) = MidNumber::new(from_sql(mid)) else {
                self.not_held(mid)?;
                continue;
            };
            // Their numbers are no mid's, but no mid may become theirs.
            self.highest = self.highest.max(Some(place.number()));
            self.connection
                .prepare_cached("DELETE FROM held WHERE mid = ?1")?
                .execute([mid])?;
            self.connection
                .prepare_cached("UPDATE messages SET position = ?2 WHERE mid = ?1")?
                .execute([mid, to_sql(place.number())])?;
            let names = self.give_places(number, *place, &recipients, now_ms, &mut released)?;
            released.messages.push((number, names));
        }
        Ok(released)
    }

    /// Gives a message its place in each queue; the names of those who have it there.
    fn give_places(
        &mut self,
        mid: MidNumber,
        place: MidNumber,
        recipients: &str,
        now_ms: u64,
        released: &mut Released,
    ) -> rusqlite::Result<Vec<Name>> {
        let mut made_way = BTreeMap::<i64, Vec<Name>>::new();
        let mut names = Vec::new();
        for name in queued_for(recipients) {
            let Some(client) = self.clients.get(&name).map(|client| client.id) else {
                continue;
            };
            let key: Option<Option<String>> = self
                .connection
                .prepare_cached(
                    "UPDATE queue SET position = ?3 WHERE recipient = ?1 AND position = ?2
                     RETURNING key",
                )?
                .query_row(
                    [
                        client,
                        to_sql(Position::held(mid).number()),
                        to_sql(place.number()),
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(key) = key else {
                continue;
            };
            if let Some(key) = key {
                for before in self.before(client, &key, to_sql(mid.number()))? {
                    if let Some(old) = MidNumber::new(from_sql(before.mid))
                        && !before.position.is_held()
                    {
                        released.superseded.push((old, name.clone()));
                    }
                    self.unqueue(&name, before.position)?;
                    let of_this = made_way.entry(before.mid).or_default();
                    of_this.push(name.clone());
                }
            }
            self.news.released(&name);
            names.push(name);
        }
        self.make_way(made_way, now_ms)?;
        Ok(names)
    }

    pub(in crate::store::sqlite) fn scheduled(
        &self,
        of: &Owner,
        after: Option<MidNumber>,
        limit: usize,
    ) -> rusqlite::Result<Scheduled> {
        let mut query = self.connection.prepare_cached(match of {
            Owner::All => {
                "SELECT h.mid, h.due_ms, m.reference, m.frame
                 FROM held h JOIN messages m ON m.mid = h.mid
                 WHERE h.mid > ?2 AND ?1 IS NOT NULL ORDER BY h.mid"
            }
            Owner::Client(_) | Owner::Token(_) => {
                "SELECT h.mid, h.due_ms, m.reference, m.frame
                 FROM held h JOIN messages m ON m.mid = h.mid
                 WHERE h.owner = ?1 AND h.mid > ?2 ORDER BY h.mid"
            }
        })?;
        let after = after.map_or(0, |mid| to_sql(mid.number()));
        let mut rows = query.query(params![of.word(), after])?;
        let (mut scheduled, mut bytes) = (Scheduled::default(), 0);
        while let Some(row) = rows.next()? {
            if scheduled.messages.len() >= limit || bytes >= READ_BYTES {
                scheduled.more = true;
                break;
            }
            if let Some(held) = held_message(row)? {
                bytes += held.frame.len();
                scheduled.messages.push(held);
            }
        }
        Ok(scheduled)
    }

    pub(in crate::store::sqlite) fn cancel(
        &mut self,
        of: &Owner,
        which: &Which,
    ) -> rusqlite::Result<Withdrawn> {
        let mid = match which {
            Which::Mid(mid) => Some(*mid),
            Which::Ref(reference) => {
                let sender = match of {
                    Owner::Client(name) => Some(name),
                    Owner::Token(_) | Owner::All => None,
                };
                let found = self.accepted_before(sender, reference)?;
                found.map(|(mid, _)| mid)
            }
        };
        let Some(mid) = mid else {
            return Ok(Withdrawn::default());
        };
        let number = to_sql(mid.number());
        let found = self
            .connection
            .prepare_cached(
                "SELECT recipients, reference, sender, token FROM messages WHERE mid = ?1",
            )?
            .query_row([number], |row| {
                let sender: Option<String> = row.get(2)?;
                let owner = match sender.and_then(|name| Name::new(name).ok()) {
                    Some(name) => Owner::Client(name),
                    None => Owner::Token(row.get(3)?),
                };
                let reference: Option<String> = row.get(1)?;
                Ok((row.get::<_, String>(0)?, reference, owner))
            })
            .optional()?;
        let Some((recipients, reference, _)) = found.filter(|(.., owner)| of.reaches(owner)) else {
            return Ok(Withdrawn::default());
        };
        let message = Some((mid, reference.and_then(|r| Ref::new(r).ok())));
        if !self.position(mid)?.is_some_and(Position::is_held) {
            let cancelled = fates(&recipients).any(|(_, fate)| fate == Fate::Cancelled);
            return Ok(Withdrawn { message, cancelled });
        }
        let mut names = Vec::new();
        for name in queued_for(&recipients) {
            if self.unqueue(&name, Position::held(mid))?.is_some() {
                names.push(name);
            }
        }
        // Nobody is told, so it does not matter when.
        self.withdrawn(number, &names, Fate::Cancelled, 0)?;
        let cancelled = true;
        Ok(Withdrawn { message, cancelled })
    }
}

/// A row as a message that is held.
fn held_message(row: &Row<'_>) -> rusqlite::Result<Option<HeldMessage>> {
    let reference: Option<String> = row.get(2)?;
    let (due_ms, frame) = (from_sql(row.get(1)?), Frame::stored(row.get(3)?));
    Ok(
        MidNumber::new(from_sql(row.get(0)?)).map(|mid| HeldMessage {
            mid,
            reference: reference.and_then(|r| Ref::new(r).ok()),
            frame,
            due_ms,
        }),
    )
}
