//! Messages that are being written, kept so that a closed window loses nothing. Statements only.
//!
//! Invariant: at most [`KEPT`] are kept; the one that was changed longest ago gives way.

use rusqlite::{Connection, params};

use super::value::{integer, number, unsigned};
use super::{Inbox, InboxError};
use crate::types::{Draft, Kept, MessageId};

/// Drafts kept at most: more than anybody comes back to.
const KEPT: u32 = 50;

/// Bytes of drafts listed at most, as JSON: what is beyond them is asked for once the others are gone.
/// With the longest draft on top it is one line of the local socket (8 MiB).
const LIST_BYTES: usize = 2 * 1024 * 1024;

impl Inbox {
    /// What is being written, the last changed first.
    pub(crate) async fn drafts(&self) -> Result<Vec<Kept>, InboxError> {
        self.look(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, draft, changed_at FROM draft ORDER BY changed_at DESC, id DESC",
            )?;
            let mut rows = statement.query([])?;
            let (mut drafts, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let json: String = row.get(1)?;
                bytes += json.len();
                // One that cannot be read is of a later version, and stays for it.
                if let Ok(draft) = serde_json::from_str(&json) {
                    drafts.push(Kept {
                        id: number(row, 0)?,
                        draft,
                        changed_at: number(row, 2)?,
                    });
                }
                if bytes > LIST_BYTES {
                    break;
                }
            }
            Ok(drafts)
        })
        .await
    }

    /// Keeps a draft in place of another one, or as a new one also where that is gone. Gives its number.
    pub(crate) async fn keep_draft(
        &self,
        id: Option<MessageId>,
        draft: Draft,
        now: u64,
    ) -> Result<MessageId, InboxError> {
        self.call(move |connection| {
            let json = serde_json::to_string(&draft).unwrap_or_default();
            let transaction = connection.transaction()?;
            let in_place = match id {
                Some(id) => transaction
                    .prepare_cached("UPDATE draft SET draft = ?1, changed_at = ?2 WHERE id = ?3")?
                    .execute(params![json, integer(now), integer(id)])?,
                None => 0,
            };
            let id = match (id, in_place) {
                (Some(id), 1..) => id,
                _ => {
                    transaction
                        .prepare_cached("INSERT INTO draft (draft, changed_at) VALUES (?1, ?2)")?
                        .execute(params![json, integer(now)])?;
                    unsigned(transaction.last_insert_rowid())
                }
            };
            transaction
                .prepare_cached(
                    "DELETE FROM draft WHERE id != ?1 AND id NOT IN
                     (SELECT id FROM draft ORDER BY changed_at DESC, id DESC LIMIT ?2)",
                )?
                .execute(params![integer(id), KEPT])?;
            transaction.commit()?;
            Ok(id)
        })
        .await
    }

    /// Does not keep it any longer; whether it was kept.
    pub(crate) async fn drop_draft(&self, id: MessageId) -> Result<bool, InboxError> {
        self.call(move |connection| drop(connection, id)).await
    }
}

/// Removes a draft; whether there was one.
pub(super) fn drop(connection: &Connection, id: MessageId) -> rusqlite::Result<bool> {
    let gone = connection
        .prepare_cached("DELETE FROM draft WHERE id = ?1")?
        .execute([integer(id)])?;
    Ok(gone > 0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Fixture;
    use super::*;
    use crate::types::Recipient;

    fn draft(title: &str) -> Draft {
        Draft {
            to: vec![Recipient::Person("ann".into())],
            title: title.into(),
            ..Draft::default()
        }
    }

    #[tokio::test]
    async fn drafts_are_kept_over_a_restart_and_changed_in_place() {
        let fixture = Fixture::new().await;
        let keep = |id, title: &str, now| fixture.inbox.keep_draft(id, draft(title), now);
        let one = keep(None, "one", 1).await.unwrap();
        let two = keep(None, "two", 2).await.unwrap();
        assert_eq!(keep(Some(one), "one, more", 3).await.unwrap(), one);
        // Sent or dropped by another window meanwhile.
        assert_ne!(keep(Some(99), "three", 4).await.unwrap(), 99);
        assert!(fixture.inbox.drop_draft(two).await.unwrap());
        assert!(!fixture.inbox.drop_draft(two).await.unwrap());
        let fixture = fixture.restarted(2000).await;
        let kept = fixture.inbox.drafts().await.unwrap();
        let titles: Vec<_> = kept.iter().map(|kept| kept.draft.title.as_str()).collect();
        assert_eq!(titles, ["three", "one, more"]);
        assert_eq!(kept[1].draft, draft("one, more"));
    }

    #[tokio::test]
    async fn the_draft_that_was_changed_longest_ago_gives_way() {
        let fixture = Fixture::new().await;
        for number in 0..u64::from(KEPT) + 2 {
            let kept = fixture.inbox.keep_draft(None, draft("t"), number);
            kept.await.unwrap();
        }
        let kept = fixture.inbox.drafts().await.unwrap();
        assert_eq!(kept.len(), KEPT as usize);
        assert_eq!(kept.last().unwrap().changed_at, 2);
    }
}
