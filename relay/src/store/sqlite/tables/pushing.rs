//! Subscriptions, how far each message's push came, and who confirmed one.

use rusqlite::{Connection, OptionalExtension as _, params};
use tidings_protocol::{Name, Status};

use super::{Tables, from_sql, queue::HELD, to_sql};
use crate::{
    frame::Frame,
    mint::MidNumber,
    store::{Confirmed, Position, Pushed, Subscription, ToPush, Word},
};

/// As `queue.push` has it.
fn number(pushed: Pushed) -> i64 {
    match pushed {
        Pushed::No => 0,
        Pushed::Handing => 1,
        Pushed::Taken => 2,
    }
}

fn of_number(number: i64) -> Pushed {
    match number {
        1 => Pushed::Handing,
        2 => Pushed::Taken,
        _ => Pushed::No,
    }
}

impl Tables {
    pub(in crate::store::sqlite) fn settle(
        &mut self,
        recipient: &Name,
        mid: MidNumber,
        word: Word,
        at_ms: u64,
    ) -> rusqlite::Result<Confirmed> {
        // What is held was sent to nobody, who so could not confirm it.
        let position = self.position(mid)?.filter(|position| !position.is_held());
        let Some(position) = position else {
            return Ok(Confirmed::Already);
        };
        let confirmed = self.confirm(recipient, &[position], at_ms)?;
        let confirmed = confirmed.first().copied().unwrap_or(Confirmed::Already);
        if confirmed == Confirmed::Done {
            self.news.gone(recipient, position);
        }
        if let Some(client) = self.clients.get(recipient)
            && (word, confirmed) == (Word::Push, Confirmed::Done)
        {
            self.connection
                .prepare_cached("INSERT INTO push_confirmed (mid, recipient) VALUES (?1, ?2)")?
                .execute([to_sql(mid.number()), client.id])?;
        }
        Ok(confirmed)
    }

    pub(in crate::store::sqlite) fn subscribe(
        &mut self,
        recipient: &Name,
        subscription: &Subscription,
    ) -> rusqlite::Result<bool> {
        let Some(client) = self.clients.get(recipient) else {
            return Ok(false);
        };
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO subscriptions (recipient, endpoint, p256dh, auth, token)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                client.id,
                subscription.endpoint,
                subscription.p256dh,
                subscription.auth,
                subscription.by
            ])?;
        Ok(true)
    }

    pub(in crate::store::sqlite) fn unsubscribe(
        &mut self,
        recipient: &Name,
        endpoint: &str,
    ) -> rusqlite::Result<()> {
        if let Some(client) = self.clients.get(recipient) {
            self.connection
                .prepare_cached("DELETE FROM subscriptions WHERE recipient = ?1 AND endpoint = ?2")?
                .execute(params![client.id, endpoint])?;
        }
        Ok(())
    }

    pub(in crate::store::sqlite) fn subscribers(&self) -> rusqlite::Result<Vec<Name>> {
        let mut query = self.connection.prepare(
            "SELECT c.name FROM subscriptions s JOIN clients c ON c.id = s.recipient ORDER BY c.id",
        )?;
        let names = query.query_map([], |row| row.get::<_, String>(0))?;
        names
            .filter_map(|name| name.map(|name| Name::new(name).ok()).transpose())
            .collect()
    }

    pub(in crate::store::sqlite) fn to_push(
        &self,
        recipient: &Name,
        after: Position,
    ) -> rusqlite::Result<Option<ToPush>> {
        let Some(client) = self.clients.get(recipient) else {
            return Ok(None);
        };
        let found = self
            .connection
            .prepare_cached(
                "SELECT q.position, m.frame, m.expires_ms, s.endpoint, s.p256dh, s.auth, s.token, m.mid
                 FROM queue q
                 JOIN subscriptions s ON s.recipient = q.recipient
                 JOIN messages m ON m.mid = q.mid
                 WHERE q.recipient = ?1 AND q.position > ?2 AND q.position < ?3 AND q.push <> 2
                 ORDER BY q.position LIMIT 1",
            )?
            .query_row([client.id, to_sql(after.number()), HELD], |row| {
                let subscription = Subscription {
                    endpoint: row.get(3)?,
                    p256dh: row.get(4)?,
                    auth: row.get(5)?,
                    by: row.get(6)?,
                };
                let position = Position::new(from_sql(row.get(0)?));
                let (frame, expires_ms) = (row.get(1)?, from_sql(row.get(2)?));
                Ok(MidNumber::new(from_sql(row.get(7)?)).map(|mid| ToPush {
                    subscription,
                    position,
                    mid,
                    frame: Frame::stored(frame),
                    expires_ms,
                }))
            })
            .optional()?;
        Ok(found.flatten())
    }

    pub(in crate::store::sqlite) fn note_push(
        &mut self,
        recipient: &Name,
        mid: MidNumber,
        pushed: Pushed,
    ) -> rusqlite::Result<bool> {
        let Some(client) = self.clients.get(recipient) else {
            return Ok(false);
        };
        let noted = self
            .connection
            .prepare_cached(
                "UPDATE queue SET push = ?3 WHERE recipient = ?1 AND position =
                     (SELECT position FROM messages WHERE mid = ?2)",
            )?
            .execute([client.id, to_sql(mid.number()), number(pushed)])?;
        Ok(noted > 0)
    }
}

/// The status of a message for a client that it was queued for.
pub(super) fn status(
    connection: &Connection,
    client: i64,
    mid: MidNumber,
    position: i64,
) -> rusqlite::Result<Status> {
    let mid = to_sql(mid.number());
    let waiting: Option<i64> = connection
        .prepare_cached("SELECT push FROM queue WHERE recipient = ?1 AND position = ?2")?
        .query_row([client, position], |row| row.get(0))
        .optional()?;
    if let Some(number) = waiting {
        return Ok(if position >= HELD {
            Status::Held
        } else {
            of_number(number).status()
        });
    }
    let by_push = connection
        .prepare_cached("SELECT 1 FROM push_confirmed WHERE mid = ?1 AND recipient = ?2")?
        .exists([mid, client])?;
    Ok(if by_push {
        Status::PushConfirmed
    } else {
        Status::Ok
    })
}

/// Forgets who confirmed pushes of messages that are forgotten.
pub(super) fn sweep(connection: &Connection, from: i64, last: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM push_confirmed WHERE mid > ?1 AND mid <= ?2
                 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.mid = push_confirmed.mid)",
        )?
        .execute([from, last])?;
    Ok(())
}
