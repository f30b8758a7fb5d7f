//! What the reception does as `flow` says about notifications: has them raised, and heeds what came of
//! them, of the clock and of the desktop.
//!
//! What a person did to a notification is decided here, in one place: opened it, the window shows the
//! message, which reads it; pressed one of its buttons, the message is read, since it was acted on;
//! closed it, it stays unread, as closing is no reading; expired, likewise.

use std::sync::Arc;

use tidings_protocol::Reported;

use super::{Reception, now};
use crate::flow::{Announcement, Input, Why};
use crate::inbox::Outcome;
use crate::notifier::{self, Fate, Manner, News, RaiseError};
use crate::types::{Deed, Event, Held, MessageId, Part, Quiet};
use crate::words::{Chinese, Wrong};
use crate::{call, clock, quiet};

/// A computer whose wall clock ran so much further than the clock of its running (milliseconds) slept
/// meanwhile, or was set.
const SLEPT_MS: u64 = 30_000;

/// Requests of buttons under way at a time; more are told to be tried again.
const CALLS: usize = 8;

impl Reception {
    pub(super) async fn look(&mut self, with_held: bool) {
        let due = self.parts.inbox.due(with_held).await;
        let input = match self.disk(due) {
            Some(due) => Input::Due(due, clock::now()),
            None => Input::InboxFailed,
        };
        self.flow.handle(input, now());
    }

    pub(super) async fn mark(&mut self, ids: Vec<MessageId>) {
        self.parts.chart.notified(&ids);
        let marked = self.parts.inbox.notified(ids, clock::now()).await;
        let input = self
            .disk(marked)
            .map_or(Input::InboxFailed, |()| Input::Marked);
        self.flow.handle(input, now());
    }

    pub(super) async fn hold(&mut self, rows: Vec<(MessageId, Held)>) {
        let ids = rows.iter().map(|(id, _)| *id).collect();
        self.parts.chart.held(&rows);
        let held = self.parts.inbox.hold(rows, clock::now()).await;
        let input = match self.disk(held) {
            Some(()) => {
                self.tell(Event::Changed(ids));
                Input::Marked
            }
            None => Input::InboxFailed,
        };
        self.flow.handle(input, now());
    }

    pub(super) async fn raise(&mut self, what: Announcement) {
        let settings = self.parts.settings.borrow().clone();
        let sounds = settings.notifications.sound && self.quiet.is_none() && !self.disturb_not;
        let manner = Manner {
            words: notifier::words(settings.language),
            sounds,
            wall: clock::now(),
        };
        let notice = match &what {
            Announcement::Digest(digest) => notifier::of_digest(digest, manner),
            Announcement::One { id, .. } => {
                // It may have been read since the inbox said that it is due.
                let row = self.parts.inbox.unnotified(*id).await;
                match self.disk(row) {
                    None => return self.flow.handle(Input::InboxFailed, now()),
                    Some(None) => return self.flow.handle(Input::Gone, now()),
                    Some(Some(row)) => notifier::of_message(&row, manner),
                }
            }
        };
        let notifier = Arc::clone(&self.parts.notifier);
        let news = self.news_in.clone();
        self.raising = Some(Box::pin(async move { notifier.raise(notice, &news).await }));
    }

    pub(super) async fn raised(&mut self, result: Result<(), RaiseError>) {
        self.raising = None;
        let problem = result.as_ref().err().map(Chinese::words);
        self.parts.board.problem(Part::Notifications, problem);
        self.decide(match result {
            Ok(()) => Input::Raised,
            Err(RaiseError::Refused(_)) => Input::NotRaised(Why::Refused),
            Err(RaiseError::Absent) => Input::NotRaised(Why::NobodyThere),
            Err(RaiseError::Silent) => Input::NotRaised(Why::NoAnswer),
        })
        .await;
    }

    /// Heeds what came of a notification.
    pub(super) async fn heed(&mut self, news: News) {
        let News { message, fate } = news;
        let outcome = match &fate {
            Fate::Clicked => Outcome::Opened,
            Fate::Pressed(key) if key == notifier::OPEN => Outcome::Opened,
            Fate::Pressed(_) | Fate::Replied(_) => Outcome::Acted,
            Fate::Dismissed => Outcome::Dismissed,
            Fate::Expired => Outcome::Expired,
            Fate::Closed => Outcome::Closed,
            Fate::Lost => Outcome::Lost,
        };
        let Some(id) = message else {
            if outcome == Outcome::Opened {
                self.tell(Event::Opened { message: None });
            }
            return self.decide(Input::DigestGone).await;
        };
        // Services close what was clicked, and say that the person closed it.
        let kept = self.parts.inbox.came_of(vec![id], outcome).await;
        self.disk(kept);
        match fate {
            Fate::Clicked => self.tell(Event::Opened { message }),
            Fate::Pressed(key) if key == notifier::OPEN => self.tell(Event::Opened { message }),
            Fate::Pressed(key) if key == notifier::READ => self.read(id).await,
            Fate::Pressed(key) if key == notifier::ACKNOWLEDGE => self.acknowledge(id).await,
            Fate::Pressed(key) if key == notifier::REPLY => self.tell(Event::Reply(id)),
            Fate::Pressed(key) => self.act(id, &key).await,
            Fate::Replied(text) => self.answer(id, text).await,
            Fate::Dismissed => self.report(vec![id], Reported::Dismissed).await,
            Fate::Expired | Fate::Closed | Fate::Lost => {}
        }
    }

    /// Does what a button offers; what needs consent is asked for in the window.
    async fn act(&mut self, id: MessageId, key: &str) {
        let message = self.parts.inbox.message(id).await;
        let Some(message) = self.disk(message).flatten() else {
            return;
        };
        let offer = notifier::acted(key)
            .and_then(|place| message.offers.get(usize::try_from(place).ok()?).cloned());
        let Some(offer) = offer else { return };
        if offer.asks.is_some() {
            return self.tell(Event::Opened { message: Some(id) });
        }
        match offer.does {
            deed @ Deed::Call { .. } => {
                if self.calls.len() >= CALLS {
                    return self.tell(Event::Notice(Wrong::Busy.into()));
                }
                let said = crate::extra::said(&message.extra, &deed);
                self.calls
                    .spawn(async move { call::make(&deed, said).await });
            }
            deed => self.tell(Event::Do(deed)),
        }
        self.read(id).await;
    }

    pub(super) async fn read(&mut self, id: MessageId) {
        let read = self.parts.inbox.mark(vec![id], true, clock::now()).await;
        if self.disk(read).is_some_and(|ids| !ids.is_empty()) {
            self.tell(Event::Changed(vec![id]));
            self.report(vec![id], Reported::Read).await;
        }
    }

    /// These were read or deleted: what stands for them on the screen is of no use any more.
    pub(super) async fn settled(&mut self, ids: Vec<MessageId>) {
        let messages = ids.iter().copied().map(Some).collect();
        self.close(messages);
        self.decide(Input::Read(ids)).await;
    }

    pub(super) fn close(&mut self, messages: Vec<Option<MessageId>>) {
        let notifier = Arc::clone(&self.parts.notifier);
        // One after another would wait for a service that hangs; few are under way at a time, as each
        // ends within its deadline.
        self.closing
            .spawn(async move { notifier.close(messages).await });
        while self.closing.try_join_next().is_some() {}
    }

    /// Looks at rules, clock and desktop, and tells the flow and the faces what changed.
    pub(super) async fn look_at_the_clock(&mut self) {
        let rules = self.parts.settings.borrow().notifications.clone();
        let paused_until = *self.parts.pause.borrow();
        let local = clock::local();
        let held = quiet::held(&rules, paused_until, self.disturb_not, local);
        self.quiet_changes = quiet::changes_in(&rules, paused_until, local)
            .map(|left| tokio::time::Instant::now() + left);
        let paused_until = paused_until.filter(|until| local.wall < *until);
        self.parts
            .board
            .update(|status| status.quiet = Quiet { held, paused_until });
        if self.rules != rules {
            self.rules.clone_from(&rules);
            self.flow.handle(Input::Rules(rules), now());
        }
        if std::mem::replace(&mut self.quiet, held) != held {
            self.flow.handle(Input::Quiet(held), now());
        }
        if self.slept(local.wall) {
            self.flow.handle(Input::Back, now());
        }
    }

    /// Whether the computer slept since this was asked last.
    fn slept(&mut self, wall: u64) -> bool {
        let (last_wall, last) = std::mem::replace(&mut self.last_look, (wall, now()));
        let ran = u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX);
        wall.saturating_sub(last_wall) > ran.saturating_add(SLEPT_MS)
    }
}
