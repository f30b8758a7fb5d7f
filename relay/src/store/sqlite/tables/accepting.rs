//! Taking a message in: its row, its places in the queues, and what of the same key it takes the place of.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, params};
use tidings_protocol::{Name, Ref};

use super::{
    Tables, count_to_sql,
    expiry::used_bytes,
    fates::{Fate, new_list},
    from_sql, to_sql, wants,
};
use crate::{
    mint::MidNumber,
    store::{Accept, Accepted, Load, Placed, Position, Wants},
};

/// A message that waits, and is to make way.
pub(super) struct Before {
    pub(super) position: Position,
    pub(super) mid: i64,
    pub(super) bytes: u64,
}

/// As `messages.wants` has it.
fn bits(of: &Wants) -> i64 {
    let mut bits = 0;
    if of.receipts {
        bits |= wants::RECEIPTS;
    }
    if let Some(ack) = of.ack {
        bits |= wants::ACK;
        if ack.first {
            bits |= wants::FIRST;
        }
    }
    bits
}

impl Tables {
    pub(in crate::store::sqlite) fn accept(
        &mut self,
        accept: &Accept,
    ) -> rusqlite::Result<Accepted> {
        if let Some((reference, digest)) = &accept.reference
            && let Some((mid, first)) = self.accepted_before(accept.sender.as_ref(), reference)?
        {
            if first == *digest {
                // Its own mid is told to nobody. So nothing is written, and a full disk does not keep
                // the sender of an accepted message from hearing that it was.
                let statuses = self.status(mid)?.unwrap_or_default();
                return Ok(Accepted::Duplicate { mid, statuses });
            }
            self.highest = self.highest.max(Some(accept.mid.number()));
            return Ok(Accepted::Conflict);
        }
        self.highest = self.highest.max(Some(accept.mid.number()));
        let bytes = accept.frame.len() as u64;
        if !self.takes(bytes, accept.bound.store_bytes)? {
            return Ok(Accepted::StoreFull);
        }
        let key = accept.key();
        let mut made_way = BTreeMap::new();
        let mut placed = Vec::with_capacity(accept.recipients.len());
        for recipient in &accept.recipients {
            placed.push(self.place(accept, recipient, key.as_deref(), &mut made_way)?);
        }
        let pending = placed.iter().filter(|p| p.position().is_some()).count();
        let (reference, digest) = match &accept.reference {
            Some((reference, digest)) => (Some(reference.as_str()), Some(digest)),
            None => (None, None),
        };
        let repeat = accept.wants.ack.and_then(|ack| ack.repeat_ms);
        self.connection
            .prepare_cached(
                "INSERT INTO messages
                     (mid, at_ms, sender, reference, digest, recipients, pending, frame,
                      expires_ms, wants, position, token, repeat_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                to_sql(accept.mid.number()),
                to_sql(accept.at_ms),
                accept.sender.as_ref().map(Name::as_str),
                reference,
                digest,
                new_list(accept, &placed),
                count_to_sql(pending),
                (pending > 0).then(|| accept.frame.as_str()),
                to_sql(accept.expires_ms),
                bits(&accept.wants),
                to_sql(match pending {
                    0 => accept.mid.number(),
                    _ => accept.position().number(),
                }),
                accept.by,
                to_sql(repeat.unwrap_or(0)),
            ])?;
        self.kept = self.kept.max(Some(accept.mid.number()));
        if let Some(due_ms) = accept.due_ms.filter(|_| pending > 0) {
            self.hold(accept.mid, due_ms, &accept.owner())?;
        }
        self.make_way(made_way, accept.at_ms)?;
        Ok(Accepted::New(placed))
    }

    /// Whether the file may hold so many bytes more, which then count as added.
    fn takes(&mut self, bytes: u64, bound: u64) -> rusqlite::Result<bool> {
        let reckoned = self.used.map(|used| used.saturating_add(bytes));
        let used = match reckoned.filter(|used| *used <= bound) {
            Some(used) => used,
            None => used_bytes(&self.connection)?.saturating_add(bytes),
        };
        self.used = (used <= bound).then_some(used);
        Ok(used <= bound)
    }

    /// Gives it a place in a recipient's queue, if there is room.
    fn place(
        &mut self,
        accept: &Accept,
        recipient: &Name,
        key: Option<&str>,
        made_way: &mut BTreeMap<i64, Vec<Name>>,
    ) -> rusqlite::Result<Placed> {
        let Some(client) = self.clients.get(recipient).copied() else {
            return Ok(Placed::Unknown);
        };
        let before = match key.filter(|_| accept.due_ms.is_none()) {
            Some(key) => self.before(client.id, key, to_sql(accept.mid.number()))?,
            None => Vec::new(),
        };
        let bytes = accept.frame.len() as u64;
        let load = before.iter().fold(client.load, |mut load: Load, before| {
            load.remove(before.bytes);
            load
        });
        if !accept.bound.admits(load, bytes) {
            return Ok(Placed::Full);
        }
        let position = accept.position();
        let mut instead = None;
        for before in before {
            if !before.position.is_held() {
                instead = MidNumber::new(from_sql(before.mid));
            }
            self.unqueue(recipient, before.position)?;
            let of_this = made_way.entry(before.mid).or_default();
            of_this.push(recipient.clone());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO queue (recipient, position, mid, bytes, key)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                client.id,
                to_sql(position.number()),
                to_sql(accept.mid.number()),
                to_sql(bytes),
                key,
            ])?;
        if let Some(client) = self.clients.change(recipient) {
            client.load.add(bytes);
        }
        Ok(match instead {
            Some(mid) => Placed::InPlaceOf(position, mid),
            None => Placed::Queued(position),
        })
    }

    /// The messages of this key before this one that wait for a client.
    pub(super) fn before(&self, client: i64, key: &str, mid: i64) -> rusqlite::Result<Vec<Before>> {
        let mut query = self.connection.prepare_cached(
            "SELECT position, mid, bytes FROM queue
             WHERE recipient = ?1 AND key = ?2 AND mid < ?3 ORDER BY position",
        )?;
        let rows = query.query_map(params![client, key, mid], |row| {
            Ok(Before {
                position: Position::new(from_sql(row.get(0)?)),
                mid: row.get(1)?,
                bytes: from_sql(row.get(2)?),
            })
        })?;
        rows.collect()
    }

    /// Notes for whom which messages have made way.
    pub(super) fn make_way(
        &mut self,
        made_way: BTreeMap<i64, Vec<Name>>,
        at_ms: u64,
    ) -> rusqlite::Result<()> {
        for (mid, names) in made_way {
            self.withdrawn(mid, &names, Fate::Superseded, at_ms)?;
        }
        Ok(())
    }

    /// The message that was accepted under a sender's `ref`, and the digest of what it was.
    pub(super) fn accepted_before(
        &self,
        sender: Option<&Name>,
        reference: &Ref,
    ) -> rusqlite::Result<Option<(MidNumber, [u8; 32])>> {
        let sender = sender.map_or("", Name::as_str);
        let found = self
            .connection
            .prepare_cached(
                "SELECT mid, digest FROM messages
                 WHERE coalesce(sender, '') = ?1 AND reference = ?2",
            )?
            .query_row(params![sender, reference.as_str()], |row| {
                Ok((from_sql(row.get(0)?), row.get(1)?))
            })
            .optional()?;
        Ok(found.and_then(|(mid, digest)| Some((MidNumber::new(mid)?, digest))))
    }
}
