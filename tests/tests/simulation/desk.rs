//! A desk: a session with the smallest application around it that keeps the rules. What it writes is
//! on its disk before it is sent, what it receives is there before it is confirmed, and the disk is
//! all that is left of it after a crash.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tidings_protocol::server::{Delivery, Reply};
use tidings_protocol::{Group, Message, Mid, Name, Ref, Status, Target, client};
use tidings_session::{Config, DialError, Event, Outcome, SendId, Session};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Where the relay listens.
pub(crate) const PORT: u16 = 9093;

/// Messages that each desk writes.
pub(crate) const ROWS: usize = 12;

/// The group that the first desks are in.
pub(crate) const GROUP: &str = "all";

/// What a desk is, for the whole run.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) name: Name,
    pub(crate) group: Group,
    /// False: it speaks the base protocol only.
    pub(crate) by_ref: bool,
    /// To whom it may write.
    pub(crate) others: Vec<Name>,
    /// Until when, from the start of the run, it has written all its rows.
    pub(crate) writing: Duration,
}

/// What survives a crash of a desk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) rows: Vec<Row>,
    pub(crate) inbox: Vec<Received>,
    seen: BTreeSet<Mid>,
    starts: u64,
    /// Repeats that were dropped, for the report.
    pub(crate) repeats: u64,
}

/// A message written here. Its number is its place.
#[derive(Debug)]
pub(crate) struct Row {
    target: Target,
    pub(crate) state: RowState,
}

/// What the desk knows of a row.
#[derive(Debug, PartialEq)]
pub(crate) enum RowState {
    /// Not settled; to be sent, or sent again under its `ref`.
    Queued,
    /// Handed to the session, by a desk that cannot send it again.
    Offered,
    /// The relay took it for these.
    Accepted(Vec<Name>),
    /// It left, and nobody knows.
    Unknown,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Received {
    pub(crate) from: Name,
    pub(crate) number: usize,
    pub(crate) mid: Mid,
}

pub(crate) type SharedDisk = Arc<Mutex<Disk>>;

pub(crate) fn lock(disk: &SharedDisk) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap()
}

/// One life of a desk, from its start until it is told to quit, or is dropped.
pub(crate) async fn live(
    desk: Desk,
    disk: SharedDisk,
    seed: u64,
    quit: CancellationToken,
) -> turmoil::Result {
    let life = {
        let mut disk = lock(&disk);
        disk.starts += 1;
        for row in &mut disk.rows {
            if row.state == RowState::Offered {
                row.state = RowState::Unknown;
            }
        }
        disk.starts
    };
    let mut rng = fastrand::Rng::with_seed(seed ^ (life << 32));
    let mut config = Config::new(
        format!("relay:{PORT}").parse()?,
        "token",
        desk.name.clone(),
        desk.group.clone(),
    );
    if !desk.by_ref {
        config.features.clear();
    }
    let (session, events) = Session::spawn_with(config, rng.fork(), dial);
    let mut app = App {
        desk,
        disk,
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

async fn dial() -> Result<turmoil::net::TcpStream, DialError> {
    turmoil::net::TcpStream::connect(("relay", PORT))
        .await
        .map_err(|error| {
            let authority = error.to_string();
            DialError::Refused { authority }
        })
}

struct App {
    desk: Desk,
    disk: SharedDisk,
    session: Session,
    events: mpsc::Receiver<Event>,
    rng: fastrand::Rng,
    /// Rows before this one need not be offered (again) in this life.
    offered: usize,
}

impl App {
    async fn run(&mut self) {
        let mut write_at = self.next_writing();
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
                    write_at = self.next_writing();
                }
            }
        }
    }

    /// Spread over the time for writing, also by a desk that was away for some of it.
    fn next_writing(&mut self) -> Instant {
        let left = ROWS.saturating_sub(lock(&self.disk).rows.len());
        if left == 0 {
            // For ever, as far as a run goes.
            return Instant::now() + Duration::from_secs(86_400);
        }
        let elapsed = turmoil::sim_elapsed().unwrap_or_default();
        let time = self.desk.writing.saturating_sub(elapsed).as_secs_f64();
        let pause = self.rng.f64() * 2.0 * time / left as f64;
        Instant::now() + Duration::from_secs_f64(pause)
    }

    fn write(&mut self) {
        let target = if self.rng.u8(0..4) == 0 {
            Target::Group(Group::new(GROUP).unwrap())
        } else {
            let at = self.rng.usize(0..self.desk.others.len());
            Target::Personal(self.desk.others.get(at).unwrap().clone())
        };
        let state = RowState::Queued;
        lock(&self.disk).rows.push(Row { target, state });
    }

    /// Hands what is queued to the session, in order, until that takes no more.
    fn offer(&mut self) {
        let mut disk = lock(&self.disk);
        while let Some(row) = disk.rows.get_mut(self.offered) {
            if row.state == RowState::Queued {
                let number = self.offered;
                let send = client::Send {
                    target: row.target.clone(),
                    message: Message::new(number.to_string(), ""),
                    reference: self
                        .desk
                        .by_ref
                        .then(|| Ref::new(format!("r{number}")).unwrap()),
                };
                let id = SendId(i64::try_from(number).unwrap());
                if self.session.send(id, send).is_err() {
                    return;
                }
                if !self.desk.by_ref {
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
                let by_ref = self.desk.by_ref;
                let mut disk = lock(&self.disk);
                let row = disk.rows.get_mut(number).unwrap();
                match outcome {
                    Outcome::Replied(reply) => row.state = RowState::Accepted(taken_for(reply)),
                    Outcome::Unknown if !by_ref => row.state = RowState::Unknown,
                    // A relay that lives replies, and a session under a `ref` outlives all else.
                    outcome => panic!(
                        "{}'s message {number} came back: {outcome:?}",
                        self.desk.name
                    ),
                }
            }
            Event::State(_) | Event::Info(_) => {}
        }
    }

    async fn received(&mut self, delivery: Delivery) {
        let mid = delivery.mid.clone();
        {
            let mut disk = lock(&self.disk);
            if disk.seen.insert(mid.clone()) {
                disk.inbox.push(Received {
                    from: delivery.from.name.expect("all senders here have names"),
                    number: delivery.message.text.parse().expect("a number"),
                    mid: mid.clone(),
                });
            } else {
                disk.repeats += 1;
            }
        }
        // A slow disk now and then; a crash may come before the confirmation.
        if self.rng.u8(0..8) == 0 {
            let pause = Duration::from_millis(self.rng.u64(0..2_000));
            tokio::time::sleep(pause).await;
        }
        self.session.confirm(mid);
    }
}

/// Those whom the relay took the message for.
fn taken_for(reply: Reply) -> Vec<Name> {
    reply
        .status
        .into_iter()
        .filter(|(_, status)| matches!(status, Status::Ready | Status::Wait | Status::Ok))
        .map(|(name, _)| name)
        .collect()
}
