//! The one row of `meta`: what the relay is.

use rusqlite::{OptionalExtension as _, params};

use super::{Tables, from_sql};
use crate::{mint::MidNumber, store::Identity};

impl Tables {
    pub(in crate::store::sqlite) fn identity(&self) -> rusqlite::Result<Identity> {
        // Newer than the noted one are those of messages, of which the newest one is never forgotten.
        let mut query = self.connection.prepare_cached(
            "SELECT relay, ticket_key, push_key,
                 max(highest_mid, coalesce((SELECT max(mid) FROM messages), 0)) FROM meta",
        )?;
        let found = query
            .query_row([], |row| {
                let identity = (row.get(0)?, row.get(1)?, from_sql(row.get(3)?));
                Ok((identity, row.get::<_, Option<[u8; 32]>>(2)?))
            })
            .optional()?;
        let made = || {
            Identity::generate()
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.to_string().into()))
        };
        let Some(((relay, ticket_key, highest_mid), push_key)) = found else {
            let identity = made()?;
            self.connection.execute(
                "INSERT INTO meta (one, relay, ticket_key, push_key, highest_mid)
                 VALUES (1, ?1, ?2, ?3, 0)",
                params![identity.relay, identity.ticket_key, identity.push_key],
            )?;
            return Ok(identity);
        };
        let push_key = match push_key {
            Some(key) => key,
            // Made by a version that knew no push.
            None => {
                let Identity { push_key, .. } = made()?;
                self.connection
                    .execute("UPDATE meta SET push_key = ?1", [push_key])?;
                push_key
            }
        };
        Ok(Identity {
            relay,
            ticket_key,
            push_key,
            highest_mid: MidNumber::new(highest_mid),
        })
    }
}
