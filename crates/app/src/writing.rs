//! A message that a person wrote, from its draft to the queue: checked, given to a relay, its quote taken
//! from what it answers.
//!
//! Owns which relay a message goes by. Invariant: nothing is queued for a relay that is not joined.

use tokio::sync::broadcast;

use crate::board::Board;
use crate::inbox::{Inbox, Reply, Written};
use crate::types::{Draft, Event, Failure, Message, MessageId, RelayId, Sent};
use crate::words::Wrong;
use crate::{clock, outgoing, reception};

/// What it takes to queue a message.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) inbox: &'a Inbox,
    pub(crate) board: &'a Board,
    pub(crate) events: &'a broadcast::Sender<Event>,
}

/// Keeps a message to be sent, and tells the faces; the draft that it was kept as is kept no longer. Whoever
/// calls sees to it that the queue is looked at.
///
/// # Errors
/// [`Failure::Invalid`], [`Failure::NotConfigured`], [`Failure::System`]; [`Failure::NotFound`] where its
/// relay is not joined.
pub(crate) async fn queue(
    desk: Desk<'_>,
    draft: Draft,
    kept: Option<MessageId>,
) -> Result<Sent, Failure> {
    let now = clock::now();
    let mut draft = outgoing::checked(draft, now)?;
    let answered = match draft.reply_to {
        Some(id) => desk.inbox.message(id).await?,
        None => None,
    };
    let relay = relay_for(desk.board, draft.relay.as_ref(), answered.as_ref())?;
    // One that is gone cannot be gone back to.
    draft.reply_to = answered.as_ref().map(|message| message.row.id);
    let references = draft.to.iter().map(|_| outgoing::reference());
    let written = Written {
        references: references.collect::<Result<_, _>>()?,
        reply: answered.map(|message| Reply {
            quote: outgoing::quote(&message.row.title, &message.body),
            mid: (message.row.relay == relay).then_some(message.mid),
        }),
        draft,
        kept,
    };
    let sent = desk.inbox.queue(written, relay.clone(), now).await?;
    let status = desk.board.status();
    if status.relay(&relay).is_none() {
        // It was left in this moment, and what was queued for it has been given up already.
        let relays = status.relays.into_iter().map(|relay| relay.id).collect();
        desk.inbox.give_up(relays, reception::left()).await?;
        return Err(not_joined());
    }
    // Nobody listening is no fault.
    let _ = desk.events.send(Event::Sent(sent.clone()));
    if kept.is_some() {
        let _ = desk.events.send(Event::Drafts);
    }
    Ok(sent)
}

/// By which relay a message goes: the one it names, else the one of what it answers, else the first.
fn relay_for(
    board: &Board,
    wanted: Option<&RelayId>,
    answered: Option<&Message>,
) -> Result<RelayId, Failure> {
    let status = board.status();
    let first = status.relays.first().ok_or(Failure::NotConfigured)?;
    let of_answered = answered.map(|message| &message.row.relay);
    match (wanted, of_answered) {
        (Some(id), _) if status.relay(id).is_some() => Ok(id.clone()),
        (Some(_), _) => Err(not_joined()),
        (None, Some(id)) if status.relay(id).is_some() => Ok(id.clone()),
        (None, _) => Ok(first.id.clone()),
    }
}

pub(crate) fn not_joined() -> Failure {
    Failure::NotFound(Wrong::NoSuchRelay.into())
}
