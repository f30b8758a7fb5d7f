//! A desk: a session with the smallest application around it that keeps the rules. What it writes is
//! on its disk before it is sent, what it receives is there before it is confirmed, and the disk is
//! all that is left of it after a crash.
//!
//! A twin is a second computer with the same name and the same disk that only receives. While it is
//! there, whoever came last has the name; the person at the desk takes it back when it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings_protocol::server::{self, Delivery};
use tidings_protocol::{Cancel, Feature, Group, Mid, Name, Ref, Report, Reported, client};
use tidings_session::{Config, DialError, Event, Outcome, SendId, Session, State};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::disk::{GROUPS, Row, RowState, SharedDisk, Way, Which, draw_group, lock};
use crate::line::{Gate, Line, PORT};
use crate::plan::Plan;
use crate::watch::SharedWatch;

/// Messages that each sender writes.
pub(crate) const ROWS: usize = 12;

/// How often a person looks whether the desk still has its name.
const LOOK: Duration = Duration::from_secs(4);

/// For ever, as far as a run goes.
const NEVER: Duration = Duration::from_secs(86_400);

/// What a desk is, for the whole run.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) name: Name,
    pub(crate) plan: Plan,
    /// False: it speaks the base protocol only, and is in no group.
    pub(crate) by_ref: bool,
    /// To whom it writes; nobody if it is a twin.
    pub(crate) others: Vec<Name>,
    /// Until when, from the start of the run, it has written all its rows.
    pub(crate) writing: Duration,
    pub(crate) disk: SharedDisk,
    pub(crate) gate: Arc<Gate>,
    pub(crate) watch: SharedWatch,
    /// True while a twin of it is there.
    pub(crate) twin: Arc<AtomicBool>,
    pub(crate) seed: u64,
}

impl Desk {
    /// The other computer.
    pub(crate) fn twin(&self) -> Self {
        Self {
            others: Vec::new(),
            gate: Arc::default(),
            ..self.clone()
        }
    }

    fn is_twin(&self) -> bool {
        self.others.is_empty()
    }

    /// One life, from its start until it is told to quit, or is dropped.
    pub(crate) async fn live(self, quit: CancellationToken) -> turmoil::Result {
        let life = {
            let mut disk = lock(&self.disk);
            disk.starts += 1;
            disk.hears = self.by_ref;
            if !self.is_twin() {
                disk.restart();
            }
            disk.starts
        };
        let mut rng = fastrand::Rng::with_seed(self.seed ^ (life << 32));
        let group = match (self.by_ref, life) {
            (false, _) => Group::none(),
            (true, 1) => Group::new(GROUPS[0])?,
            (true, _) => draw_group(&mut rng),
        };
        let address = format!("relay:{PORT}").parse()?;
        let mut config = Config::new(address, "token", self.name.clone(), group);
        if self.by_ref {
            let more = [
                Feature::Receipts,
                Feature::Delay,
                Feature::Key,
                Feature::Ack,
            ];
            let more = more.map(|feature| feature.as_str().to_owned());
            config.features.extend(more);
        } else {
            config.features.clear();
        }
        let gate = Arc::clone(&self.gate);
        let (session, events) = Session::spawn_with(config, rng.fork(), move || {
            let gate = Arc::clone(&gate);
            async move {
                Line::dial(gate).await.map_err(|error| {
                    let authority = error.to_string();
                    DialError::Refused { authority }
                })
            }
        });
        let mut app = App {
            desk: self,
            session,
            events,
            rng,
            offered: 0,
        };
        tokio::select! {
            biased;
            () = quit.cancelled() => {}
            () = app.run() => {}
        }
        app.session.stop().await;
        Ok(())
    }
}

struct App {
    desk: Desk,
    session: Session,
    events: mpsc::Receiver<Event>,
    rng: fastrand::Rng,
    /// Rows before this one need not be offered (again) in this life.
    offered: usize,
}

impl App {
    async fn run(&mut self) {
        let mut write_at = Instant::now() + self.next_writing();
        let mut look_at = Instant::now() + LOOK;
        loop {
            self.offer();
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => self.happened(event).await,
                    None => return,
                },
                () = sleep_until(write_at) => {
                    self.write();
                    write_at = Instant::now() + self.next_writing();
                }
                () = sleep_until(look_at) => {
                    self.look();
                    look_at = Instant::now() + LOOK;
                }
            }
        }
    }

    fn next_writing(&mut self) -> Duration {
        if self.desk.is_twin() {
            return NEVER;
        }
        next_writing(&mut self.rng, &self.desk.disk, self.desk.writing)
    }

    fn write(&mut self) {
        let way = if self.desk.by_ref {
            Way::ByRef
        } else {
            Way::Plain
        };
        let row = Row::draw(&mut self.rng, &self.desk.others, way);
        lock(&self.desk.disk).rows.push(row);
    }

    /// Takes the name back from a twin that is gone.
    fn look(&self) {
        // A full disk keeps the relay from answering.
        self.report();
        self.cancel();
        // Somebody looks what is to go out yet.
        if !self.desk.is_twin() {
            self.session.say(client::Packet::Scheduled { after: None });
        }
        let lost = matches!(*self.session.state().borrow(), State::TakenOver { .. });
        if lost && !self.desk.is_twin() && !self.desk.twin.load(Ordering::SeqCst) {
            self.session.reconnect();
        }
    }

    /// Hands what is queued to the session, in order, until that takes no more.
    fn offer(&mut self) {
        if self.desk.is_twin() {
            return;
        }
        let mut disk = lock(&self.desk.disk);
        while let Some(row) = disk.rows.get_mut(self.offered) {
            if row.state == RowState::Queued {
                let which = Which {
                    sender: self.desk.name.clone(),
                    number: self.offered,
                };
                let reference = format!("r{}", self.offered);
                let send = client::Send {
                    target: row.target.clone(),
                    message: row.message(&which),
                    reference: row.way.is_by_ref().then(|| Ref::new(reference).unwrap()),
                };
                let id = SendId(i64::try_from(self.offered).unwrap());
                if self.session.send(id, send).is_err() {
                    return;
                }
                if !row.way.is_by_ref() {
                    row.state = RowState::Offered;
                }
            }
            self.offered += 1;
        }
    }

    async fn happened(&mut self, event: Event) {
        match event {
            Event::Message(delivery) => self.received(delivery).await,
            Event::Outcome { id, outcome } => {
                let number = usize::try_from(id.0).unwrap();
                let which = Which {
                    sender: self.desk.name.clone(),
                    number,
                };
                let mut watch = self.desk.watch.lock().unwrap();
                let mut disk = lock(&self.desk.disk);
                let row = disk.rows.get_mut(number).unwrap();
                match outcome {
                    // The base protocol's replies do not say what they reply to: after a restart
                    // this one may be to an earlier message.
                    Outcome::Replied(reply)
                        if !row.way.is_by_ref() && !watch.is_named(&which, &reply.mid) =>
                    {
                        row.state = RowState::Unknown;
                    }
                    Outcome::Replied(reply) => {
                        watch.must_be_named(&which, &reply.mid);
                        row.state = RowState::Replied(reply.status);
                        // Somebody thinks again.
                        if row.way.is_by_ref() && row.delay.is_some() && self.rng.u8(0..3) == 0 {
                            disk.to_cancel.insert(number);
                        }
                    }
                    Outcome::Unknown if !row.way.is_by_ref() => row.state = RowState::Unknown,
                    // A relay that lives replies, and a session under a `ref` outlives all else.
                    outcome => panic!(
                        "{}'s message {number} came back: {outcome:?}",
                        self.desk.name
                    ),
                }
            }
            Event::State(State::Online(_)) => {
                self.report();
                self.cancel();
            }
            Event::Extension(packet) => self.told(*packet),
            Event::State(_) | Event::Info(_) | Event::Answered => {}
        }
    }

    async fn received(&mut self, delivery: Delivery) {
        let mid = delivery.mid.clone();
        let which = Which::of(&delivery.message);
        lock(&self.desk.disk).receive(which, mid.clone(), &self.desk.plan);
        // A slow disk now and then; a crash may come before the confirmation.
        match self.rng.u8(0..16) {
            0 | 1 => sleep(Duration::from_millis(self.rng.u64(0..2_000))).await,
            // Lost on its way to the session, which has room for so many.
            2 => return,
            _ => {}
        }
        if self.desk.by_ref && self.rng.u8(0..3) == 0 {
            self.will_report(&mid);
        }
        self.session.confirm(mid);
        self.report();
    }

    /// Somebody looks at a message that came.
    fn will_report(&mut self, mid: &Mid) {
        let all = [Reported::Dismissed, Reported::Read, Reported::Acknowledged];
        let state = *self.rng.choice(&all).unwrap();
        lock(&self.desk.disk).reports.insert(mid.clone(), state);
    }

    /// Says what is to be reported and was not answered.
    fn report(&self) {
        for (mid, state) in lock(&self.desk.disk).reports.clone() {
            let note = (state == Reported::Acknowledged).then(|| "on it".to_owned());
            let report = Report { mid, state, note };
            self.session.say(client::Packet::Report(report));
        }
    }

    /// Takes back what is to be taken back and was not answered.
    fn cancel(&self) {
        for number in &lock(&self.desk.disk).to_cancel {
            let reference = Ref::new(format!("r{number}")).unwrap();
            let asked = client::Packet::Cancel(Cancel::Ref(reference));
            self.session.say(asked);
        }
    }

    fn told(&mut self, packet: server::Packet) {
        match packet {
            server::Packet::Receipt(receipt) => {
                lock(&self.desk.disk).told.insert(receipt.change());
                // Some confirmations are lost with a crash.
                if self.rng.u8(0..8) > 0 {
                    let taken = client::Packet::TakeReceipt(receipt.change());
                    self.session.say(taken);
                }
            }
            server::Packet::ReportTaken(change) => {
                let mut disk = lock(&self.desk.disk);
                let said = disk.reports.get(&change.mid).map(|said| said.state());
                if said == Some(change.state) {
                    disk.reports.remove(&change.mid);
                }
            }
            server::Packet::Cancelled(answer) => {
                let reference = answer.reference.expect("it was asked for by that");
                let number = reference.as_str().strip_prefix('r').unwrap();
                let number: usize = number.parse().unwrap();
                let mut disk = lock(&self.desk.disk);
                disk.to_cancel.remove(&number);
                disk.rows.get_mut(number).unwrap().cancelled |= answer.cancelled;
            }
            server::Packet::Reminder(_) | server::Packet::Scheduled(_) => {}
            other => panic!("nobody asked for {other:?}"),
        }
    }
}

/// When the next row is written: spread over the time for writing, also by somebody who was away for
/// some of it.
pub(crate) fn next_writing(
    rng: &mut fastrand::Rng,
    disk: &SharedDisk,
    writing: Duration,
) -> Duration {
    let left = ROWS.saturating_sub(lock(disk).rows.len());
    if left == 0 {
        return NEVER;
    }
    let elapsed = turmoil::sim_elapsed().unwrap_or_default();
    let time = writing.saturating_sub(elapsed).as_secs_f64();
    Duration::from_secs_f64(rng.f64() * 2.0 * time / left as f64)
}
