//! The task that receives and sends: it feeds `flow` and `post` and performs what they say, with the
//! session on one side and inbox, notifier and faces on the other.
//!
//! Owns no policy. Invariants: it never waits for the notifier, so a desktop that hangs delays no
//! confirmation; while the inbox is busy the session's channel fills, the session stops reading, and
//! the relay keeps the messages.

mod sending;

use std::sync::Arc;
use std::time::Duration;

use tidings_protocol::Mid;
use tidings_protocol::server::Delivery;
use tidings_session::{self as session, State};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::time::Instant;

use crate::board::Board;
use crate::flow::{Flow, Input, Output, Why};
use crate::inbox::{Inbox, InboxError, Unnotified};
use crate::line::{self, Line};
use crate::notifier::{self, Notifier, RaiseError};
use crate::post::Post;
use crate::types::{Connection, Event, MessageId, Part, Settings};
use crate::wait::{self, Kept};
use crate::{clock, text};

/// Messages stored in one transaction at most: the window a relay sends unconfirmed.
const BATCH: usize = 64;

/// Clicks that may wait; more are dropped, as people click again.
const CLICKS: usize = 16;

/// How long the end waits for the answer to the last notification. Healthy services take
/// milliseconds; one that hangs must not hold up the end.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// What the reception is made of.
pub(crate) struct Parts {
    pub(crate) inbox: Inbox,
    pub(crate) board: Board,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) settings: watch::Receiver<Settings>,
    pub(crate) notifier: Arc<dyn Notifier>,
    /// A message was queued.
    pub(crate) written: Arc<Notify>,
    /// What there is to receive by, each in place of the last. Closed when the app ends.
    pub(crate) lines: mpsc::Receiver<Change>,
}

/// Another line, or none.
#[derive(Debug)]
pub(crate) enum Change {
    /// A session was started.
    Line(Line),
    /// There is none, and why, for people.
    NoLine(Connection),
}

/// See the file's head.
pub(crate) struct Reception {
    parts: Parts,
    flow: Flow,
    post: Post,
    line: Option<Line>,
    /// The relay's key in the inbox, once it said who it is.
    relay: String,
    /// When the connection was lost, or this session began without one.
    lost_at: u64,
    raising: Option<Kept<(MessageId, Result<(), RaiseError>)>>,
    /// News of the notifier, while the flow waits for it.
    news: Option<Kept<()>>,
    disk_failed: bool,
    clicks: mpsc::Sender<MessageId>,
    clicked: mpsc::Receiver<MessageId>,
}

impl Reception {
    pub(crate) fn new(parts: Parts) -> Self {
        let (clicks, clicked) = mpsc::channel(CLICKS);
        Self {
            parts,
            flow: Flow::default(),
            post: Post::default(),
            line: None,
            relay: String::new(),
            lost_at: clock::now(),
            raising: None,
            news: None,
            disk_failed: false,
            clicks,
            clicked,
        }
    }

    /// Runs until no session can come any more and the last one has ended.
    pub(crate) async fn run(mut self) {
        self.decide(Input::Start).await;
        let mut ending = false;
        while !(ending && self.line.is_none()) {
            self.send_waiting().await;
            let retry = self.retry();
            tokio::select! {
                event = next_event(&mut self.line) => match event {
                    Some(event) => self.hear(event).await,
                    None => self.hang_up().await,
                },
                // An ended session is heard out before the next one is looked at.
                next = self.parts.lines.recv(), if self.line.is_none() && !ending => match next {
                    Some(change) => self.change(change),
                    None => ending = true,
                },
                (id, result) = wait::for_kept(&mut self.raising) => self.raised(id, result).await,
                Some(message) = self.clicked.recv() => self.tell(Event::Opened { message }),
                () = self.parts.written.notified() => self.post.queued(),
                () = wait::for_kept(&mut self.news) => {
                    self.news = None;
                    self.decide(Input::CameBack).await;
                }
                () = wait::until(retry) => self.decide(Input::Timeout).await,
            }
        }
        self.hear_notifier_out().await;
    }

    /// What the notifier was asked for may be on the screen already: unmarked, it would be shown
    /// again at the next start.
    async fn hear_notifier_out(&mut self) {
        let Some(raising) = self.raising.take() else {
            return;
        };
        if let Ok((id, result)) = tokio::time::timeout(LAST_ANSWER, raising).await {
            self.raised(id, result).await;
        }
    }

    /// When the flow tries again; until then the notifier's news are waited for.
    fn retry(&mut self) -> Option<Instant> {
        let retry = self.flow.poll_timeout().map(Instant::from_std);
        if retry.is_none() {
            self.news = None;
        } else if self.news.is_none() {
            let notifier = Arc::clone(&self.parts.notifier);
            self.news = Some(Box::pin(async move { notifier.came_back().await }));
        }
        retry
    }

    fn change(&mut self, change: Change) {
        self.lost_at = clock::now();
        match change {
            Change::Line(line) => {
                self.relay.clone_from(&line.address);
                self.line = Some(line);
            }
            Change::NoLine(connection) => {
                self.parts
                    .board
                    .update(|status| status.connection = connection);
            }
        }
    }

    /// Takes what the session says; messages that came together are stored together.
    async fn hear(&mut self, first: session::Event) {
        let mut next = Some(first);
        let mut came = 0;
        while let Some(event) = next.take() {
            match event {
                session::Event::Message(delivery) => {
                    self.flow.handle(Input::Arrived(delivery), now());
                    came += 1;
                }
                session::Event::State(state) => {
                    // What came before belongs to the relay as it was then.
                    self.perform().await;
                    self.state(&state);
                }
                session::Event::Info(notice) => self.tell(Event::Notice(text::line(&notice))),
                session::Event::Outcome { id, outcome } => self.outcome(id, outcome).await,
            }
            if came < BATCH
                && let Some(line) = &mut self.line
            {
                next = line.events.try_recv().ok();
            }
        }
        self.perform().await;
    }

    fn state(&mut self, state: &State) {
        match (state, &self.line) {
            (State::Online(welcome), Some(line)) => {
                self.relay = line::relay_key(welcome, &line.address);
                self.post.online(line::knows_ref(welcome));
            }
            _ => self.post.offline(),
        }
        let Some(connection) = line::connection(state, self.lost_at) else {
            return;
        };
        self.parts.board.update(|status| {
            if matches!(status.connection, Connection::Connected { .. }) {
                self.lost_at = clock::now();
            }
            status.connection = match connection {
                Connection::Offline {
                    reason, retry_at, ..
                } => Connection::Offline {
                    since: self.lost_at,
                    reason,
                    retry_at,
                },
                other => other,
            };
        });
    }

    /// The session has ended.
    async fn hang_up(&mut self) {
        self.line = None;
        if self.post.dropped() {
            let settled = self.parts.inbox.resume().await;
            for sent in self.disk(settled).unwrap_or_default() {
                self.tell(Event::Sent(sent));
            }
        }
    }

    async fn decide(&mut self, input: Input) {
        self.flow.handle(input, now());
        self.perform().await;
    }

    /// Does what the flow says until it says nothing more.
    async fn perform(&mut self) {
        let mut arrived = Vec::new();
        loop {
            match self.flow.poll_output() {
                Some(Output::Store(delivery)) => arrived.push(delivery),
                Some(Output::Confirm(mid)) => self.confirm(mid),
                Some(Output::Tell(row)) => self.tell(Event::Received(row)),
                Some(Output::Look) => self.look().await,
                Some(Output::Raise(row)) => self.raise(row),
                Some(Output::Mark(id)) => self.mark(id).await,
                None if arrived.is_empty() => return,
                None => self.store(std::mem::take(&mut arrived)).await,
            }
        }
    }

    async fn store(&mut self, arrived: Vec<Delivery>) {
        let address = self.line.as_ref().map_or("", |line| &line.address);
        let batch = arrived
            .iter()
            .map(|delivery| line::incoming(delivery, &self.relay, address))
            .collect();
        let result = self.parts.inbox.store(batch).await;
        let mids = arrived.into_iter().map(|delivery| delivery.mid);
        match self.disk(result) {
            Some(stored) => {
                for (mid, stored) in mids.zip(stored) {
                    self.flow.handle(Input::Stored(mid, stored), now());
                }
            }
            None => {
                for mid in mids {
                    self.flow.handle(Input::NotStored(mid), now());
                }
            }
        }
    }

    fn confirm(&self, mid: Mid) {
        if let Some(line) = &self.line {
            line.handle.confirm(mid);
        }
    }

    async fn look(&mut self) {
        let due = self.parts.inbox.unnotified().await;
        let input = self.disk(due).map_or(Input::InboxFailed, Input::Due);
        self.flow.handle(input, now());
    }

    async fn mark(&mut self, id: MessageId) {
        let marked = self.parts.inbox.notified(id, clock::now()).await;
        let input = match self.disk(marked) {
            Some(()) => Input::Marked(id),
            None => Input::InboxFailed,
        };
        self.flow.handle(input, now());
    }

    fn raise(&mut self, row: Unnotified) {
        let words = notifier::words(self.parts.settings.borrow().language);
        let notice = notifier::notice(&row, words);
        let notifier = Arc::clone(&self.parts.notifier);
        let clicks = self.clicks.clone();
        self.raising = Some(Box::pin(async move {
            (row.id, notifier.raise(notice, &clicks).await)
        }));
    }

    async fn raised(&mut self, id: MessageId, result: Result<(), RaiseError>) {
        self.raising = None;
        let problem = result.as_ref().err().map(ToString::to_string);
        self.parts.board.problem(Part::Notifications, problem);
        self.decide(match result {
            Ok(()) => Input::Raised(id),
            Err(RaiseError::Refused(_)) => Input::NotRaised(id, Why::Refused),
            Err(RaiseError::Absent | RaiseError::Silent) => Input::NotRaised(id, Why::NobodyThere),
        })
        .await;
    }

    fn tell(&self, event: Event) {
        // Nobody listening is no fault: faces read the inbox when they come.
        let _ = self.parts.events.send(event);
    }

    /// The result, with the disk's trouble on the board.
    fn disk<T>(&mut self, result: Result<T, InboxError>) -> Option<T> {
        match result {
            Ok(value) => {
                if std::mem::take(&mut self.disk_failed) {
                    self.parts.board.problem(Part::Disk, None);
                    // What could not be read for sending can be now.
                    self.post.queued();
                }
                Some(value)
            }
            Err(error) => {
                tracing::error!(%error, "the inbox failed");
                self.disk_failed = true;
                self.parts
                    .board
                    .problem(Part::Disk, Some(error.to_string()));
                None
            }
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

async fn next_event(line: &mut Option<Line>) -> Option<session::Event> {
    match line {
        Some(line) => line.events.recv().await,
        None => std::future::pending().await,
    }
}
