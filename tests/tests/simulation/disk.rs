//! What survives a crash of a client: the messages it wrote and those it received. And how one knows,
//! anywhere in the simulation, which message one sees: its text names its sender and its place there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tidings_protocol::{Change, Group, Message, Mid, Name, Reported, Status, Statuses, Target};

use crate::plan::Plan;

/// The groups; desks are in the first one mostly.
pub(crate) const GROUPS: [&str; 2] = ["all", "some"];

/// A name that no client ever had.
pub(crate) const GHOST: &str = "ghost";

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) rows: Vec<Row>,
    pub(crate) inbox: Vec<Received>,
    seen: BTreeSet<Mid>,
    pub(crate) starts: u64,
    /// Its owner listens to receipts.
    pub(crate) hears: bool,
    /// Repeats that were dropped, for the report.
    pub(crate) repeats: u64,
    /// What receipts told of messages written here.
    pub(crate) told: BTreeSet<Change>,
    /// Messages written here that are to be taken back, until the relay has answered.
    pub(crate) to_cancel: BTreeSet<usize>,
    /// What is to be reported of messages received here, until the relay has answered.
    pub(crate) reports: BTreeMap<Mid, Reported>,
}

/// A message written here. Its number is its place.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) target: Target,
    /// Seconds after which nobody wants it any more.
    pub(crate) ttl: Option<u64>,
    /// Seconds for which it is held.
    pub(crate) delay: Option<u64>,
    /// It takes the place of earlier ones of this key.
    pub(crate) key: Option<u8>,
    /// Somebody should acknowledge it; true: the first one of its group counts for all.
    pub(crate) ack: Option<bool>,
    /// Characters of its body.
    pub(crate) length: usize,
    pub(crate) way: Way,
    pub(crate) state: RowState,
    /// The relay said that it is taken back.
    pub(crate) cancelled: bool,
}

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Over a session, under a `ref`.
    ByRef,
    /// Over a session of the base protocol.
    Plain,
    /// By `GET /NAME.send`, with this `?wait=`.
    Get(Option<u8>),
    /// By `POST /`, with a ticket or without.
    Post { ticket: bool },
    /// By `POST /` under a `ref`.
    PostByRef,
}

impl Way {
    /// Whether it may be sent again without being doubled.
    pub(crate) fn is_by_ref(self) -> bool {
        matches!(self, Self::ByRef | Self::PostByRef)
    }
}

/// What its writer knows of a row.
#[derive(Debug, PartialEq)]
pub(crate) enum RowState {
    /// Not settled; to be sent, or sent again under its `ref`.
    Queued,
    /// On its way, by somebody who cannot send it again.
    Offered,
    /// The relay's word on it.
    Replied(Statuses),
    /// It left, and nobody knows.
    Unknown,
}

/// Which message: who wrote it, and its place among that one's rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Which {
    pub(crate) sender: Name,
    pub(crate) number: usize,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Received {
    pub(crate) which: Which,
    pub(crate) mid: Mid,
}

pub(crate) type SharedDisk = Arc<Mutex<Disk>>;

/// The disks of all clients.
pub(crate) type Disks = BTreeMap<Name, SharedDisk>;

pub(crate) fn lock(disk: &SharedDisk) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap()
}

impl Disk {
    /// What was on its way when the process ended has an unknown outcome.
    pub(crate) fn restart(&mut self) {
        for row in &mut self.rows {
            if row.state == RowState::Offered {
                row.state = RowState::Unknown;
            }
        }
    }

    /// Keeps a message unless it is there already: by its mid, and where the relay is allowed to
    /// forget a `ref` also by that, as the protocol asks of recipients.
    pub(crate) fn receive(&mut self, which: Which, mid: Mid, plan: &Plan) {
        let again = plan.forgets_refs && self.inbox.iter().any(|r| r.which == which);
        if self.seen.insert(mid.clone()) && !again {
            self.inbox.push(Received { which, mid });
        } else {
            self.repeats += 1;
        }
    }

    pub(crate) fn holds(&self, mid: &Mid) -> bool {
        self.seen.contains(mid)
    }
}

impl Row {
    /// A message to somebody, somehow.
    pub(crate) fn draw(rng: &mut fastrand::Rng, others: &[Name], way: Way) -> Self {
        let ttl = (rng.u8(0..6) == 0).then(|| rng.u64(3..20));
        let delay = (rng.u8(0..6) == 0).then(|| rng.u64(2..20));
        // Those that are held have one mostly, and a key has one recipient mostly: so they meet.
        let keyed = if delay.is_some() { 2 } else { 6 };
        let key = (rng.u8(0..keyed) == 0).then(|| rng.u8(0..2));
        let one = |at: usize| Target::Personal(others.get(at % others.len()).unwrap().clone());
        let target = match (rng.u8(0..16), key) {
            (0, _) => Target::Personal(Name::new(GHOST).unwrap()),
            (1..=4, _) => Target::Group(draw_group(rng)),
            (5..=12, Some(key)) => one(key.into()),
            _ => one(rng.usize(0..others.len())),
        };
        let ack = (rng.u8(0..5) == 0).then_some(matches!(target, Target::Group(_)));
        let length = match rng.u8(0..5) {
            0 => rng.usize(4_000..16_000),
            _ => 0,
        };
        let state = RowState::Queued;
        Self {
            target,
            ttl,
            delay,
            key,
            ack,
            length,
            way,
            state,
            cancelled: false,
        }
    }

    pub(crate) fn message(&self, which: &Which) -> Message {
        let text = format!("{} {}", which.sender, which.number);
        let mut message = Message::new(text, "x".repeat(self.length));
        let ack = self.ack.map(|first| if first { "first" } else { "true" });
        let said = [
            ("ttl", self.ttl.map(Value::from)),
            ("delay", self.delay.map(Value::from)),
            ("key", self.key.map(|key| key.to_string().into())),
            ("ack", ack.map(Value::from)),
            ("repeat", ack.map(|_| 30.into())),
        ];
        let said = said
            .into_iter()
            .filter_map(|(of, value)| Some((of.to_owned(), value?)));
        message.extra = Value::Object(said.collect());
        message
    }

    /// Those whom the relay took it for.
    pub(crate) fn taken_for(&self) -> impl Iterator<Item = &Name> {
        let statuses: &[(Name, Status)] = match &self.state {
            RowState::Replied(statuses) => statuses,
            _ => &[],
        };
        statuses
            .iter()
            .filter(|(_, status)| *status != Status::No)
            .map(|(name, _)| name)
    }
}

/// A group, the first one mostly.
pub(crate) fn draw_group(rng: &mut fastrand::Rng) -> Group {
    let [first, second] = GROUPS;
    Group::new(if rng.u8(0..4) == 0 { second } else { first }).unwrap()
}

impl Which {
    /// Reads a message's text.
    pub(crate) fn of(message: &Message) -> Self {
        let (sender, number) = message.text.split_once(' ').expect("sender and number");
        Self {
            sender: Name::new(sender).unwrap(),
            number: number.parse().unwrap(),
        }
    }
}
