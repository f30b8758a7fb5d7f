//! The task that receives and sends: it feeds `flow` and `post` and performs what they say, with the
//! session on one side and inbox, notifier and faces on the other.
//!
//! Owns no policy. Invariants: it never waits for the notifier, so a desktop that hangs delays no
//! confirmation; while the inbox is busy the session's channel fills, the session stops reading, and
//! the relay keeps the messages.

mod sending;
mod telling;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use tidings_protocol::Mid;
use tidings_protocol::server::Delivery;
use tidings_session::{self as session, State};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::board::Board;
use crate::flow::{Flow, Input, Output};
use crate::inbox::{Inbox, InboxError};
use crate::line::{self, Line};
use crate::notifier::{News, Notifier, RaiseError};
use crate::post::Post;
use crate::types::{Connection, Event, Held, MessageId, Notifications, Part, Settings};
use crate::wait::{self, Kept};
use crate::world::Turn;
use crate::{clock, text};

/// Messages stored in one transaction at most: the window a relay sends unconfirmed.
const BATCH: usize = 64;

/// News of notifications that may wait; then the notifier does.
const NEWS: usize = 16;

/// An absence shorter than this (milliseconds) is none: what came meanwhile is told as if nothing
/// had been.
const AWAY_MS: u64 = 30_000;

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
    /// Until when the person paused notifications, in milliseconds since 1970.
    pub(crate) pause: watch::Receiver<Option<u64>>,
    /// Messages that were read or deleted by a face.
    pub(crate) settled: mpsc::Receiver<Vec<MessageId>>,
    /// What happens to the computer.
    pub(crate) turns: mpsc::Receiver<Turn>,
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
    /// Whether this run was connected before.
    was_online: bool,
    raising: Option<Kept<Result<(), RaiseError>>>,
    /// The notifier's return, while the flow hopes for it.
    came_back: Option<Kept<()>>,
    /// The next change of the desktop's do-not-disturb, and how it is now.
    disturbing: Option<Kept<bool>>,
    disturb_not: bool,
    /// What notifications follow, as the flow knows it.
    rules: Notifications,
    quiet: Option<Held>,
    quiet_changes: Option<Instant>,
    /// The wall clock and the clock of this run, when they were last looked at.
    last_look: (u64, std::time::Instant),
    /// Requests of buttons.
    calls: JoinSet<Result<(), String>>,
    closing: JoinSet<()>,
    disk_failed: bool,
    news_in: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
}

impl Reception {
    pub(crate) fn new(parts: Parts) -> Self {
        let (news_in, news) = mpsc::channel(NEWS);
        Self {
            parts,
            flow: Flow::default(),
            post: Post::default(),
            line: None,
            relay: String::new(),
            lost_at: clock::now(),
            was_online: false,
            raising: None,
            came_back: None,
            disturbing: None,
            disturb_not: false,
            rules: Notifications::default(),
            quiet: None,
            quiet_changes: None,
            last_look: (clock::now(), now()),
            calls: JoinSet::new(),
            closing: JoinSet::new(),
            disk_failed: false,
            news_in,
            news,
        }
    }

    /// Runs until no session can come any more and the last one has ended.
    pub(crate) async fn run(mut self) {
        self.look_at_the_clock().await;
        self.decide(Input::Start).await;
        let mut ending = false;
        while !(ending && self.line.is_none()) {
            self.send_waiting().await;
            let retry = self.retry();
            let disturbing = self.disturbing.get_or_insert_with(|| {
                let (notifier, known) = (Arc::clone(&self.parts.notifier), self.disturb_not);
                Box::pin(async move { notifier.do_not_disturb(known).await })
            });
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
                result = wait::for_kept(&mut self.raising) => self.raised(result).await,
                Some(news) = self.news.recv() => self.heed(news).await,
                Some(ids) = self.parts.settled.recv() => self.settled(ids).await,
                Some(called) = self.calls.join_next() => {
                    if let Ok(Err(why)) = called {
                        self.tell(Event::Notice(why));
                    }
                }
                Some(turn) = self.parts.turns.recv() => self.turn(turn).await,
                () = self.parts.written.notified() => self.post.queued(),
                () = wait::for_kept(&mut self.came_back) => {
                    self.came_back = None;
                    self.decide(Input::CameBack).await;
                }
                on = disturbing => {
                    self.disturbing = None;
                    self.disturb_not = on;
                    self.clock().await;
                }
                Ok(()) = self.parts.settings.changed() => self.clock().await,
                Ok(()) = self.parts.pause.changed() => self.clock().await,
                () = wait::until(self.quiet_changes) => self.clock().await,
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
        if let Ok(result) = tokio::time::timeout(LAST_ANSWER, raising).await {
            self.raised(result).await;
        }
    }

    /// When the flow looks again; while it hopes for the notifier, its return is waited for.
    fn retry(&mut self) -> Option<Instant> {
        if !self.flow.hopes() {
            self.came_back = None;
        } else if self.came_back.is_none() {
            let notifier = Arc::clone(&self.parts.notifier);
            self.came_back = Some(Box::pin(async move { notifier.came_back().await }));
        }
        self.flow.poll_timeout().map(Instant::from_std)
    }

    async fn clock(&mut self) {
        self.look_at_the_clock().await;
        self.perform().await;
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
                session::Event::Answered => self.answered(),
                // None is listed yet.
                session::Event::Extension(_) => {}
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
                let away = clock::now().saturating_sub(self.lost_at);
                if !std::mem::replace(&mut self.was_online, true) || away >= AWAY_MS {
                    self.flow.handle(Input::Back, now());
                }
                self.answered();
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
                Some(Output::Look { with_held }) => self.look(with_held).await,
                Some(Output::Raise(what)) => self.raise(what).await,
                Some(Output::Mark(ids)) => self.mark(ids).await,
                Some(Output::Hold(rows)) => self.hold(rows).await,
                Some(Output::CloseDigest) => self.close(vec![None]),
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
            Some(batch) => {
                // The clock may have been set, or stood still while the computer slept.
                self.look_at_the_clock().await;
                for (mid, stored) in mids.zip(batch.stored) {
                    self.flow.handle(Input::Stored(mid, stored), now());
                }
                if !batch.superseded.is_empty() {
                    self.tell(Event::Changed(batch.superseded));
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
