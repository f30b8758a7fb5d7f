//! What the person allowed senders: links of a scheme, requests to a host. Statements only.
//!
//! A sender is a name at a relay: the same name elsewhere is somebody else.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::value::{integer, number};
use super::{Inbox, InboxError};
use crate::types::{Consent, MessageId, Permission};

fn columns(permission: &Permission) -> (&'static str, &str) {
    match permission {
        Permission::Scheme(scheme) => ("scheme", scheme),
        Permission::Call(host) => ("call", host),
    }
}

fn permission(kind: &str, what: String) -> Permission {
    match kind {
        "scheme" => Permission::Scheme(what),
        _ => Permission::Call(what),
    }
}

/// What this sender at this relay may do.
pub(super) fn of(
    connection: &Connection,
    relay: i64,
    sender: &str,
) -> rusqlite::Result<HashSet<Permission>> {
    connection
        .prepare_cached("SELECT kind, what FROM consent WHERE relay = ?1 AND sender = ?2")?
        .query_map(params![relay, sender], |record| {
            let kind: String = record.get(0)?;
            Ok(permission(&kind, record.get(1)?))
        })?
        .collect()
}

impl Inbox {
    /// Allows the sender of a message something, from now on.
    pub(crate) async fn allow(
        &self,
        message: MessageId,
        permission: Permission,
        now: u64,
    ) -> Result<(), InboxError> {
        self.call(move |connection| {
            let (kind, what) = columns(&permission);
            connection
                .prepare_cached(
                    "INSERT INTO consent (relay, sender, kind, what, given_at)
                     SELECT relay, sender, ?2, ?3, ?4 FROM received WHERE id = ?1
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![integer(message), kind, what, integer(now)])?;
            Ok(())
        })
        .await
    }

    /// All that is allowed, by sender.
    pub(crate) async fn consents(&self) -> Result<Vec<Consent>, InboxError> {
        self.call(|connection| {
            connection
                .prepare_cached(
                    "SELECT consent.id, sender, address, kind, what
                     FROM consent JOIN relay ON relay.id = consent.relay
                     ORDER BY sender, address, kind, what",
                )?
                .query_map([], |record| {
                    let kind: String = record.get(3)?;
                    Ok(Consent {
                        id: number(record, 0)?,
                        sender: record.get(1)?,
                        relay: record.get(2)?,
                        permission: permission(&kind, record.get(4)?),
                    })
                })?
                .collect()
        })
        .await
    }

    /// Takes one back.
    pub(crate) async fn revoke(&self, id: u64) -> Result<(), InboxError> {
        self.call(move |connection| {
            connection
                .prepare_cached("DELETE FROM consent WHERE id = ?1")?
                .execute([integer(id)])?;
            Ok(())
        })
        .await
    }
}
