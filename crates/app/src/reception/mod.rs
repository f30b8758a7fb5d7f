//! The task that receives and sends: it feeds `flow` and `post` and performs what they say, with the
//! sessions on one side and inbox, notifier and faces on the other.
//!
//! Owns no policy. Invariants: it never waits for the notifier, so a desktop that hangs delays no
//! confirmation; while the inbox is busy the sessions' channels fill, the sessions stop reading, and
//! the relays keep the messages.

mod answering;
mod asked;
mod cancelling;
mod directory;
mod extension;
mod lines;
mod member;
mod receipts;
mod reporting;
mod sending;
mod telling;
mod turns;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_control::Words;
use tidings_protocol::server::Delivery;
use tidings_protocol::{Mid, Receipt};
use tidings_session as session;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::board::Board;
use crate::contacts::Contacts;
use crate::doctor::Chart;
use crate::flow::{Flow, Input, Output};
use crate::inbox::{Inbox, InboxError};
use crate::line;
use crate::notifier::{News, Notifier, RaiseError};
use crate::types::{Connection, Event, Held, MessageId, Notifications, Part, RelayId, Settings};
use crate::wait::{self, Kept};
use crate::words::{Chinese as _, Wrong};
use crate::world::Turn;
use crate::{clock, text};
use cancelling::Asked;
pub(crate) use cancelling::Cancel;
use directory::Changes;
pub(crate) use lines::{Change, What, left};
use member::Members;

/// Messages stored in one transaction at most: the window a relay sends unconfirmed.
const BATCH: usize = 64;

/// News of notifications that may wait; then the notifier does.
const NEWS: usize = 16;

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
    /// Messages to be taken back.
    pub(crate) cancels: mpsc::Receiver<Cancel>,
    /// Whom messages can go to.
    pub(crate) contacts: Arc<Mutex<Contacts>>,
    /// What the doctor wants to know of what passes.
    pub(crate) chart: Chart,
    /// What there is to receive by, each in place of the relay's last, whose session was ended before.
    /// Closed when the app ends.
    pub(crate) lines: mpsc::Receiver<Change>,
    /// Whether the settings name all relays: what is queued for others is given up at the start.
    pub(crate) complete: bool,
}

/// See the file's head.
pub(crate) struct Reception {
    parts: Parts,
    flow: Flow,
    members: Members,
    /// Receipts that are not stored yet, and by which relay they came.
    receipts: Vec<(RelayId, Receipt)>,
    /// Messages that relays were asked to take back.
    cancels: Vec<Asked>,
    /// What changed of whom messages can go to.
    contacts: Changes,
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
    calls: JoinSet<Result<(), Wrong>>,
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
            members: Members::default(),
            receipts: Vec::new(),
            cancels: Vec::new(),
            contacts: Changes::default(),
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
        self.sweep_reports().await;
        if self.parts.complete {
            self.give_up().await;
        }
        let mut ending = false;
        while !(ending && self.members.are_silent()) {
            self.send_waiting().await;
            self.report_waiting().await;
            let retry = self.retry();
            let sending_due = self.sending_due();
            let disturbing = self.disturbing.get_or_insert_with(|| {
                let (notifier, known) = (Arc::clone(&self.parts.notifier), self.disturb_not);
                Box::pin(async move { notifier.do_not_disturb(known).await })
            });
            tokio::select! {
                (relay, event) = self.members.next_event() => match event {
                    Some(event) => self.hear(&relay, event).await,
                    None => self.hang_up(&relay).await,
                },
                next = self.parts.lines.recv(), if !ending => match next {
                    Some(change) => self.change(change).await,
                    None => ending = true,
                },
                result = wait::for_kept(&mut self.raising) => self.raised(result).await,
                Some(news) = self.news.recv() => self.heed(news).await,
                Some(ids) = self.parts.settled.recv() => self.settled(ids).await,
                Some(called) = self.calls.join_next() => {
                    if let Ok(Err(why)) = called {
                        self.tell(Event::Notice(why.into()));
                    }
                }
                Some(turn) = self.parts.turns.recv() => self.turn(turn).await,
                () = self.parts.written.notified() => self.members.queued(),
                Some(cancel) = self.parts.cancels.recv() => self.cancel(cancel).await,
                () = wait::until(sending_due) => self.look_at_sending(),
                () = wait::for_kept(&mut self.came_back) => {
                    self.came_back = None;
                    self.decide(Input::CameBack).await;
                }
                on = disturbing => {
                    self.disturbing = None;
                    self.disturb_not = on;
                    self.clock().await;
                }
                Ok(()) = self.parts.settings.changed() => {
                    self.sweep_reports().await;
                    self.clock().await;
                }
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

    /// Takes what a session says; messages that came together are stored together.
    async fn hear(&mut self, relay: &RelayId, first: session::Event) {
        let mut next = Some(first);
        let mut came = 0;
        while let Some(event) = next.take() {
            match event {
                session::Event::Message(delivery) => {
                    let body = &delivery.message.desp;
                    self.parts.chart.delivered(body, &delivery.mid);
                    let arrived = Input::Arrived(relay.clone(), delivery);
                    self.flow.handle(arrived, now());
                    came += 1;
                }
                session::Event::State(state) => {
                    // What came before belongs to the relay as it was then.
                    self.perform().await;
                    self.state(relay, &state).await;
                }
                session::Event::Info(notice) => self.notice(relay, &notice),
                session::Event::Answered => self.answered(relay),
                session::Event::Extension(packet) => self.extension(relay, *packet).await,
                session::Event::Outcome { id, outcome } => self.outcome(relay, id, outcome).await,
            }
            if came < BATCH
                && let Some(line) = self.members.get(relay).and_then(|m| m.line.as_mut())
            {
                next = line.events.try_recv().ok();
            }
        }
        self.keep_receipts().await;
        self.perform().await;
    }

    /// A relay's words; whose, where there are several.
    fn notice(&self, relay: &RelayId, words: &str) {
        let status = self.parts.board.status();
        let words = text::line(words);
        self.tell(Event::Notice(match status.relay(relay) {
            Some(relay) if status.relays.len() > 1 => {
                Words::foreign(format!("{}: {words}", relay.label))
            }
            _ => Words::foreign(words),
        }));
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
                Some(Output::Store(relay, delivery)) => arrived.push((relay, delivery)),
                Some(Output::Confirm(relay, mid)) => self.confirm(&relay, mid),
                Some(Output::Tell(row)) => {
                    self.parts.chart.stored(row.id, &row.preview);
                    self.tell(Event::Received(row));
                }
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

    async fn store(&mut self, arrived: Vec<(RelayId, Delivery)>) {
        let mut batch = Vec::with_capacity(arrived.len());
        let mut mids = Vec::with_capacity(arrived.len());
        for (relay, delivery) in arrived {
            // A relay that was left meanwhile keeps what was not stored.
            let Some(member) = self.members.get(&relay) else {
                continue;
            };
            let address = member.line.as_ref().map_or("", |line| &line.address);
            batch.push(line::incoming(
                &delivery,
                &member.key,
                relay.clone(),
                address,
            ));
            mids.push((relay, delivery.mid));
        }
        let result = self.parts.inbox.store(batch).await;
        match self.disk(result) {
            Some(batch) => {
                // The clock may have been set, or stood still while the computer slept.
                self.look_at_the_clock().await;
                for ((relay, mid), stored) in mids.into_iter().zip(batch.stored) {
                    self.flow.handle(Input::Stored(relay, mid, stored), now());
                }
                if !batch.superseded.is_empty() {
                    self.tell(Event::Changed(batch.superseded));
                }
            }
            None => {
                for (relay, mid) in mids {
                    self.flow.handle(Input::NotStored(relay, mid), now());
                }
            }
        }
    }

    fn confirm(&mut self, relay: &RelayId, mid: Mid) {
        if let Some(line) = self.members.get(relay).and_then(|m| m.line.as_ref()) {
            line.handle.confirm(mid);
        }
    }

    fn is_online(&self, relay: &RelayId) -> bool {
        let status = self.parts.board.status();
        let connection = status.relay(relay).map(|relay| &relay.connection);
        matches!(connection, Some(Connection::Connected { .. }))
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
                    self.members.queued();
                }
                Some(value)
            }
            Err(error) => {
                tracing::error!(%error, "the inbox failed");
                self.disk_failed = true;
                self.parts.board.problem(Part::Disk, Some(error.words()));
                None
            }
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
