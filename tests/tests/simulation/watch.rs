//! What can be seen of a run beside its disks: what the relay's disk holds, what goes over the wire.
//! Whoever sees something says so at once; the first thing that may not be is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_protocol::server::{Delivery, Reply};
use tidings_protocol::{
    Change, Message, Mid, Name, Receipt, Ref, Reported, State, Status, client, server,
};
use tidings_relay::MidNumber;
use tidings_relay::store::{Accept, Accepted, Owner, Placed};

use crate::check::{Checked, Violation, violation};
use crate::disk::{Disks, RowState, Which, lock};
use crate::extended::Extended;
use crate::plan::Plan;

/// Two things closer together than this may have happened in either order.
pub(crate) const INSTANT: Duration = Duration::from_millis(50);

/// How long the relay may owe a reply to a connection that takes what it is given: it waits 5 s for
/// the recipients, and as long for its disk here.
const REPLY: Duration = Duration::from_secs(15);

pub(crate) type SharedWatch = Arc<Mutex<Watch>>;

/// One of the relay's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Connection(u64);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    disks: Disks,
    /// A `ref` may be forgotten.
    forgets_refs: bool,
    violation: Option<Violation>,
    pub(crate) messages: BTreeMap<MidNumber, Stored>,
    /// What each mid was given to, also where the disk was full then.
    named: BTreeMap<MidNumber, Which>,
    /// The newest mid of each message that is on the disk.
    mids: BTreeMap<Which, MidNumber>,
    /// Messages that came again later as if for the first time: a full disk had had no room for them,
    /// or their `ref` was forgotten.
    anew: BTreeSet<Which>,
    pub(crate) connections: BTreeMap<Connection, Open>,
    opened: u64,
    /// By client and `ref`: how often it was sent, less how often it was replied to.
    owed: BTreeMap<(Name, Option<Ref>), u64>,
    /// For the report: connections that ended while their client did not read.
    pub(crate) stalled: u64,
    pub(crate) expired: u64,
    pub(crate) receipts: u64,
    /// For the report, too: what became of held ones and the like.
    pub(crate) extended: Extended,
}

/// A message on the relay's disk.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) which: Which,
    expires_ms: u64,
    pub(crate) recipients: BTreeMap<Name, Fate>,
    /// Until when it was held, and when it was let go.
    pub(crate) due_ms: Option<u64>,
    pub(crate) released: Option<Duration>,
    pub(crate) at: Duration,
    pub(crate) key: Option<String>,
    pub(crate) owner: Owner,
    /// The first acknowledgement counts for all.
    pub(crate) first: bool,
    /// Who has it is reminded of it for ever, until it is acknowledged.
    pub(crate) reminds: bool,
    /// Who was reminded.
    pub(crate) reminded: BTreeSet<Name>,
    /// Who acknowledged it when.
    pub(crate) acknowledged: BTreeMap<Name, Duration>,
    /// Its sender wants receipts.
    receipts: bool,
    /// What its recipients reported.
    reported: BTreeSet<(Name, Reported)>,
    /// For whom a reply said `ok`, and when.
    said_ok: BTreeMap<Name, Duration>,
}

/// What became of a message for a recipient, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    /// Until it is due.
    Held,
    Waits,
    Refused,
    Confirmed(Duration),
    Expired(Duration),
    /// Another one took its place.
    Superseded(Duration),
    /// Its sender took it back.
    Cancelled(Duration),
}

#[derive(Debug, Default)]
pub(crate) struct Open {
    unanswered: Vec<(Option<Ref>, Duration)>,
    blocked: bool,
    /// What receipts said.
    told: BTreeSet<Change>,
    /// When each SCHEDULED was asked that was not answered.
    pub(crate) lists_since: VecDeque<Duration>,
}

/// Time from the start of the run; also from outside of any host.
pub(crate) fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

pub(crate) fn number(mid: &Mid) -> MidNumber {
    MidNumber::parse(mid).expect("the relay's mids have 13 digits")
}

fn message(accept: &Accept) -> Message {
    match server::Packet::decode(accept.frame.as_str()) {
        Ok(server::Packet::Message(delivery)) => delivery.message,
        other => panic!("no MESSAGE was stored: {other:?}"),
    }
}

impl Watch {
    pub(crate) fn new(disks: Disks, plan: &Plan) -> Self {
        Self {
            disks,
            forgets_refs: plan.forgets_refs,
            ..Self::default()
        }
    }

    /// The first thing that may not be.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.clone()
    }

    pub(crate) fn check(&mut self, checked: Checked) {
        if let (Err(violation), None) = (checked, &self.violation) {
            self.violation = Some(violation);
        }
    }

    // What the relay's disk says.

    /// A message is durable.
    pub(crate) fn accepted(&mut self, accept: &Accept, accepted: &Accepted) {
        let Accepted::New(placed) = accepted else {
            return;
        };
        let message = message(accept);
        let which = Which::of(&message);
        let (mid, expires_ms) = (accept.mid, accept.expires_ms);
        let last = self.messages.last_key_value().map(|(mid, _)| *mid);
        let ttl = message.extra.get("ttl");
        let seconds = ttl.map(|ttl| {
            ttl.as_str()
                .map_or_else(|| ttl.as_u64(), |t| t.parse().ok())
        });
        let ttl_ms = seconds.map(|s| s.expect("seconds") * 1000);
        let delay = message.extra.get("delay").map(|delay| {
            let seconds = delay
                .as_str()
                .map_or_else(|| delay.as_u64(), |d| d.parse().ok());
            accept.at_ms + seconds.expect("seconds") * 1000
        });
        self.check(if last.is_some_and(|last| last >= mid) {
            violation!(MidOnce, "{which:?} is {mid}, which is not above {last:?}")
        } else if ttl_ms
            .is_some_and(|ttl| accept.due_ms.unwrap_or(accept.at_ms) + ttl != expires_ms)
        {
            violation!(
                NotTooEarly,
                "{which:?} of {} lives until {expires_ms}",
                accept.at_ms
            )
        } else if accept.due_ms != delay {
            violation!(
                HeldUntilDue,
                "{which:?} is due at {:?}, and said {delay:?}",
                accept.due_ms
            )
        } else {
            Ok(())
        });
        let recipients = accept.recipients.iter().zip(placed);
        let recipients = recipients.map(|(name, placed)| match placed {
            Placed::Queued(_) | Placed::InPlaceOf(..) if accept.due_ms.is_some() => {
                (name.clone(), Fate::Held)
            }
            Placed::Queued(_) | Placed::InPlaceOf(..) => (name.clone(), Fate::Waits),
            Placed::Full | Placed::Unknown => (name.clone(), Fate::Refused),
        });
        let recipients = recipients.collect();
        self.extended.held += u64::from(accept.due_ms.is_some());
        self.named.insert(mid, which.clone());
        let first = self.mids.insert(which.clone(), mid);
        if let Some(first) = first.filter(|_| accept.reference.is_some()) {
            self.anew.insert(which.clone());
            self.check(if self.forgets_refs {
                Ok(())
            } else {
                violation!(ExactlyOnce, "{which:?} is accepted as {first} and {mid}")
            });
        }
        self.messages.insert(
            mid,
            Stored {
                which,
                expires_ms,
                recipients,
                due_ms: accept.due_ms,
                released: None,
                at: now(),
                reminds: accept.wants.ack.is_some_and(|ack| ack.repeat_ms.is_some())
                    && ttl.is_none(),
                reminded: BTreeSet::new(),
                key: accept.wants.key.clone(),
                owner: accept.owner(),
                first: accept.wants.ack.is_some_and(|ack| ack.first),
                acknowledged: BTreeMap::new(),
                receipts: accept.wants.receipts,
                reported: BTreeSet::new(),
                said_ok: BTreeMap::new(),
            },
        );
    }

    /// The disk is full.
    pub(crate) fn turned_away(&mut self, accept: &Accept) {
        let which = Which::of(&message(accept));
        self.named.insert(accept.mid, which.clone());
        self.anew.insert(which);
    }

    /// A confirmation is durable.
    pub(crate) fn confirmed(&mut self, name: &Name, mid: MidNumber) {
        if let Some(fate) = self.fate(name, mid) {
            *fate = Fate::Confirmed(now());
        }
    }

    /// A report is durable that says more than those before.
    pub(crate) fn reported(&mut self, name: &Name, mid: MidNumber, state: Reported) {
        if let Some(message) = self.messages.get_mut(&mid) {
            message.reported.insert((name.clone(), state));
            if state == Reported::Acknowledged {
                message.acknowledged.insert(name.clone(), now());
            }
        }
    }

    /// The relay's disk gave up what was due; `status` asks it.
    pub(crate) fn expired(
        &mut self,
        now_ms: u64,
        status: impl Fn(MidNumber, &Name) -> Option<Status>,
    ) {
        let mut checked = Ok(());
        for (mid, message) in &mut self.messages {
            for (name, fate) in &mut message.recipients {
                if matches!(fate, Fate::Waits | Fate::Held)
                    && status(*mid, name) == Some(Status::Expired)
                {
                    *fate = Fate::Expired(now());
                    self.expired += 1;
                    if now_ms < message.expires_ms {
                        let (which, due) = (&message.which, message.expires_ms);
                        checked = violation!(NotTooEarly, "{which:?} expired before {due}");
                    }
                }
            }
        }
        self.check(checked);
    }

    /// The newest mid of a message, if it was ever stored.
    pub(crate) fn mid(&self, which: &Which) -> Option<MidNumber> {
        self.mids.get(which).copied()
    }

    /// What a message's status for somebody was when it was last seen to change.
    pub(crate) fn status(&self, mid: MidNumber, name: &Name) -> Option<Status> {
        let fate = self.messages.get(&mid)?.recipients.get(name)?;
        Some(match fate {
            Fate::Held => Status::Held,
            Fate::Waits => Status::Wait,
            Fate::Confirmed(_) => Status::Ok,
            Fate::Refused => Status::No,
            Fate::Expired(_) => Status::Expired,
            Fate::Superseded(_) => Status::Superseded,
            Fate::Cancelled(_) => Status::Cancelled,
        })
    }

    /// Whether a message was taken as if for the first time after it had been taken or refused: it may
    /// come after later ones.
    pub(crate) fn came_anew(&self, which: &Which) -> bool {
        self.anew.contains(which)
    }

    fn fate(&mut self, name: &Name, mid: MidNumber) -> Option<&mut Fate> {
        self.messages.get_mut(&mid)?.recipients.get_mut(name)
    }

    // What goes over the wire.

    /// The relay starts anew; to what it was asked before, it replies no more.
    pub(crate) fn restarted(&mut self) {
        self.owed.clear();
    }

    pub(crate) fn opened(&mut self) -> Connection {
        self.opened += 1;
        let connection = Connection(self.opened);
        self.connections.insert(connection, Open::default());
        connection
    }

    pub(crate) fn closed(&mut self, connection: Connection) {
        if let Some(open) = self.connections.remove(&connection) {
            self.stalled += u64::from(open.blocked);
        }
    }

    /// Whether the client reads too slowly.
    pub(crate) fn blocked(&mut self, connection: Connection, blocked: bool) {
        if let Some(open) = self.connections.get_mut(&connection) {
            open.blocked = blocked;
        }
    }

    /// The relay read a MESSAGE.
    pub(crate) fn asked(&mut self, connection: Connection, name: &Name, send: &client::Send) {
        let reference = send.reference.clone();
        *self
            .owed
            .entry((name.clone(), reference.clone()))
            .or_default() += 1;
        if let Some(open) = self.connections.get_mut(&connection) {
            open.unanswered.push((reference, now()));
        }
    }

    /// The relay wrote a MESSAGE_REPLY on a connection that was busy since then.
    pub(crate) fn replied(
        &mut self,
        connection: Connection,
        name: &Name,
        reply: &Reply,
        busy_since: Duration,
    ) {
        let key = (name.clone(), reply.reference.clone());
        let owed = self.owed.entry(key).or_default();
        let checked = match owed.checked_sub(1) {
            Some(left) => {
                *owed = left;
                Ok(())
            }
            None => violation!(OneReply, "{name} got a reply too many: {reply:?}"),
        };
        self.check(checked);
        if let Some(open) = self.connections.get_mut(&connection)
            && let Some(at) = open
                .unanswered
                .iter()
                .position(|(r, _)| *r == reply.reference)
        {
            open.unanswered.remove(at);
        }
        self.promised(reply, Some(busy_since));
    }

    /// The relay gave its word on a message, after this time if that is known.
    pub(crate) fn promised(&mut self, reply: &Reply, since: Option<Duration>) {
        let mid = number(&reply.mid);
        for (name, status) in &reply.status {
            let message = self.messages.get_mut(&mid);
            let fate = message.as_ref().and_then(|m| m.recipients.get(name));
            let checked = match (status, fate) {
                (Status::Ok, Some(Fate::Confirmed(_)))
                | (Status::Superseded, Some(Fate::Superseded(_)))
                | (Status::No | Status::Expired, _) => Ok(()),
                (Status::Superseded, _) => {
                    violation!(LaterOfKey, "{mid} for {name} is said to have made way")
                }
                (Status::Cancelled, Some(Fate::Cancelled(_))) => Ok(()),
                (Status::Cancelled, _) => {
                    violation!(
                        CancelledForGood,
                        "{mid} for {name} is said to be taken back"
                    )
                }
                (Status::Ok, _) => {
                    violation!(RowFirst, "{mid} for {name} is `ok`, confirmed by nobody")
                }
                (_, None | Some(Fate::Refused)) => {
                    violation!(DurableFirst, "{mid} for {name} is {status} and not kept")
                }
                (_, Some(_)) => Ok(()),
            };
            let said_ok = message.map(|m| &mut m.said_ok);
            let final_ok = match (status, said_ok) {
                (Status::Ok, Some(said_ok)) => {
                    said_ok.entry(name.clone()).or_insert_with(now);
                    Ok(())
                }
                (_, Some(said_ok)) => match (said_ok.get(name), since) {
                    (Some(at), Some(since)) if *at + INSTANT < since => {
                        violation!(OkIsFinal, "{mid} for {name} was `ok` and is {status}")
                    }
                    _ => Ok(()),
                },
                _ => Ok(()),
            };
            self.check(checked);
            self.check(final_ok);
        }
    }

    /// The relay wrote a RECEIPT.
    pub(crate) fn receipt(&mut self, connection: Connection, to: &Name, receipt: &Receipt) {
        let change = receipt.change();
        let message = self.messages.get(&number(&receipt.mid));
        if receipt.state == State::Acknowledged
            && message.is_some_and(|message| message.is_told_who_was_first(to, &receipt.name))
        {
            self.receipts += 1;
            return self.told_once(connection, to, change);
        }
        let Some(message) = message.filter(|message| message.which.sender == *to) else {
            let checked = violation!(Receipts, "{to} is told {change:?}, and did not send it");
            return self.check(checked);
        };
        let fate = message.recipients.get(&receipt.name);
        let reported = |said| message.reported.contains(&(receipt.name.clone(), said));
        let is_so = match receipt.state {
            State::Ok => matches!(fate, Some(Fate::Confirmed(_))),
            State::Expired => matches!(fate, Some(Fate::Expired(_))),
            State::Superseded => matches!(fate, Some(Fate::Superseded(_))),
            State::Dismissed => reported(Reported::Dismissed),
            State::Read => reported(Reported::Read),
            State::Acknowledged => reported(Reported::Acknowledged),
            _ => false,
        };
        let checked = if is_so {
            Ok(())
        } else {
            violation!(
                Receipts,
                "{to} is told {change:?}, which is not so: {fate:?}"
            )
        };
        self.receipts += 1;
        self.check(checked);
        self.told_once(connection, to, change);
    }

    fn told_once(&mut self, connection: Connection, to: &Name, change: Change) {
        if let Some(open) = self.connections.get_mut(&connection)
            && !open.told.insert(change.clone())
        {
            let checked = violation!(Receipts, "{to} is told {change:?} twice on a connection");
            self.check(checked);
        }
    }

    /// Whether every change came to whoever wanted to hear of it; what is missing, if not.
    pub(crate) fn all_is_told(&self) -> Checked {
        for (mid, message) in self.messages.iter().filter(|(_, m)| m.receipts) {
            // Taken anew after its `ref` was forgotten: the reply that its sender has is on the later one.
            if self.mids.get(&message.which) != Some(mid) {
                continue;
            }
            let Some(disk) = self.disks.get(&message.which.sender) else {
                continue;
            };
            let disk = lock(disk);
            let replied = match disk.rows.get(message.which.number).map(|row| &row.state) {
                Some(RowState::Replied(statuses)) => statuses.as_slice(),
                _ => &[],
            };
            let mut due: Vec<(&Name, State)> = Vec::new();
            for (name, fate) in &message.recipients {
                let said = replied.iter().find(|(n, _)| n == name).map(|(_, s)| s);
                match fate {
                    Fate::Confirmed(_) if said != Some(&Status::Ok) => due.push((name, State::Ok)),
                    Fate::Expired(_) if said != Some(&Status::Expired) => {
                        due.push((name, State::Expired));
                    }
                    Fate::Superseded(_) if said != Some(&Status::Superseded) => {
                        due.push((name, State::Superseded));
                    }
                    _ => {}
                }
            }
            let reported = message.reported.iter();
            due.extend(reported.map(|(name, said)| (name, said.state())));
            for (name, state) in due {
                let (mid, name) = (mid.to_mid(), name.clone());
                let change = Change { mid, name, state };
                if !disk.told.contains(&change) {
                    let sender = &message.which.sender;
                    return violation!(Receipts, "{sender} was not told {change:?}");
                }
            }
        }
        self.others_are_told(&self.disks)
    }

    /// A sender was told this mid for its message: false if it is another's.
    pub(crate) fn is_named(&self, which: &Which, mid: &Mid) -> bool {
        let named = self.named.get(&number(mid));
        named.is_none_or(|named| named == which)
    }

    /// The same, where that may not be.
    pub(crate) fn must_be_named(&mut self, which: &Which, mid: &Mid) {
        if !self.is_named(which, mid) {
            let checked = violation!(MidOnce, "{mid} is not {which:?} alone");
            self.check(checked);
        }
    }

    /// The relay wrote a MESSAGE on a connection that was busy since then.
    pub(crate) fn sent(&mut self, name: &Name, delivery: &Delivery, busy_since: Duration) {
        let mid = number(&delivery.mid);
        let which = Which::of(&delivery.message);
        let known = self.messages.get(&mid);
        let checked = match known.map(|message| (message, message.recipients.get(name))) {
            Some((message, _)) if message.which != which => {
                violation!(MidOnce, "{mid} is {which:?} and {:?}", message.which)
            }
            Some((_, Some(Fate::Held))) => {
                violation!(HeldUntilDue, "{mid} is sent to {name}, and is held")
            }
            Some((_, Some(Fate::Cancelled(at)))) => {
                violation!(
                    CancelledForGood,
                    "{mid} is sent to {name}, taken back at {at:?}"
                )
            }
            Some((_, Some(Fate::Confirmed(at) | Fate::Expired(at) | Fate::Superseded(at))))
                if *at + INSTANT < busy_since =>
            {
                let fate = known.and_then(|message| message.recipients.get(name));
                violation!(
                    NotAgain,
                    "{mid} is sent to {name}, at {:?}: {fate:?}",
                    now()
                )
            }
            Some((
                _,
                Some(Fate::Waits | Fate::Confirmed(_) | Fate::Expired(_) | Fate::Superseded(_)),
            )) => Ok(()),
            Some((_, Some(Fate::Refused) | None)) => {
                violation!(OnlyToRecipients, "{which:?} is sent to {name}")
            }
            None => violation!(DurableFirst, "{mid} is sent to {name} and not on the disk"),
        };
        self.check(checked);
    }

    /// The relay read a MESSAGE_CALLBACK, or the same by HTTP.
    pub(crate) fn confirms(&mut self, name: &Name, mid: &Mid) {
        let holds = self
            .disks
            .get(name)
            .is_some_and(|disk| lock(disk).holds(mid));
        if !holds {
            let checked = violation!(RowFirst, "{name} confirms {mid} and does not hold it");
            self.check(checked);
        }
    }

    /// Looks for replies that do not come.
    pub(crate) fn look(&mut self, now: Duration) {
        let late = self.connections.values().filter(|open| !open.blocked);
        let mut late = late.flat_map(|open| &open.unanswered);
        if let Some((reference, at)) = late.find(|(_, at)| *at + REPLY < now) {
            let checked = violation!(OneReply, "none for {reference:?}, asked at {at:?}");
            self.check(checked);
        }
    }
}
