//! What is kept and what is removed: the sweep by age and number, and deletions of many at once.
//!
//! Owns when the sweep runs; what goes is the inbox's and the settings' to say. Invariant: all of it
//! is done in small pieces, between which arriving messages are stored.

use std::time::Duration;

use tidings_protocol::Reported;
use tokio::sync::{broadcast, watch};

use crate::clock;
use crate::inbox::{Inbox, InboxError};
use crate::types::{Event, Failure, Filter, MessageId, Settings};

/// Between two sweeps: what is kept is said in days.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Sweeps now, every hour, and whenever the settings change. Ends with the settings' owner.
pub(crate) async fn run(
    inbox: Inbox,
    mut settings: watch::Receiver<Settings>,
    events: broadcast::Sender<Event>,
) {
    loop {
        let keep = settings.borrow_and_update().keep;
        let mut gone = 0;
        loop {
            match inbox.sweep(keep, clock::now()).await {
                Ok(0) => break,
                Ok(piece) => gone += piece,
                Err(InboxError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "the inbox could not be swept");
                    break;
                }
            }
        }
        if gone > 0 {
            tracing::info!(gone, "messages beyond what is kept were removed");
            // Nobody listening is no fault.
            let _ = events.send(Event::Changed(Vec::new()));
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            changed = settings.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// How messages are marked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marking {
    /// Read, or unread.
    pub(crate) read: bool,
    /// Whether their senders are told.
    pub(crate) tell: bool,
}

/// Marks all that a filter asks for now; `marked` is told which, piece by piece.
pub(crate) async fn mark_all(
    inbox: &Inbox,
    filter: &Filter,
    marking: Marking,
    now: u64,
    marked: impl Fn(&[MessageId]),
) -> Result<(), Failure> {
    let mut before: Option<MessageId> = None;
    loop {
        // From the newest of now on: what comes meanwhile was not seen by who marks.
        let piece = inbox.ids(filter, before).await?;
        let Some(last) = piece.last() else {
            return Ok(());
        };
        before = Some(*last);
        let changed = inbox.mark(piece, marking.read, now).await?;
        marked(&changed);
        if marking.tell {
            inbox.report(changed, Reported::Read, now).await?;
        }
    }
}

/// Deletes all that a filter asks for now; gives the deletion's stamp and how many they were.
pub(crate) async fn delete_all(
    inbox: &Inbox,
    filter: &Filter,
    now: u64,
) -> Result<(u64, u32), Failure> {
    let stamp = inbox.stamp(now).await?;
    let mut count = 0;
    let mut before: Option<MessageId> = None;
    loop {
        // From the newest of now on: what comes meanwhile was not seen by who deletes.
        let piece = inbox.delete_piece(filter, before, stamp).await?;
        count += piece.count;
        match piece.last {
            Some(last) => before = Some(last),
            None => return Ok((stamp, count)),
        }
    }
}

/// Takes a deletion back.
pub(crate) async fn restore_all(inbox: &Inbox, stamp: u64) -> Result<(), Failure> {
    while inbox.restore_piece(stamp).await? > 0 {}
    Ok(())
}
