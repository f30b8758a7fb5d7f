//! Senders over a WebSocket: those with `ref`, several messages under way, and those without.
//!
//! A `ref` whose outcome is unknown is tried again on the next connection, before anything new and
//! in the order of sending; one that was refused is tried again too, after a pause. They stay to the end to
//! take their receipts, some of which they leave unconfirmed for the next connection. Some of their messages are
//! held, replace others or are to be acknowledged, and some that are held they take back, asking until they
//! are answered. Without a `ref` one message is under way, nothing is ever tried again, and there are no receipts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::cast::{Id, KEYS, To, sender_name};
use crate::ledger::Wish;
use crate::socket::{Frame, Socket};
use crate::world::{Phase, World, between};

/// Messages under way at most, of a sender with `ref`.
const WINDOW: usize = 24;
/// The longest body, now and then.
const LARGE: usize = 40_000;

/// What senders under a `ref` over a WebSocket speak.
const FEATURES: &[&str] = &["ref", "receipts", "delay", "key"];
/// The shortest time between reminders that a relay grants.
const REPEAT: u64 = 30;

/// A MESSAGE packet's data.
pub(crate) fn message(
    id: Id,
    to: To,
    rng: &mut fastrand::Rng,
    with_ref: bool,
    wish: Wish,
) -> Value {
    let (kind, target) = to.target();
    let body = "x".repeat(match rng.u8(..) {
        0 => rng.usize(..LARGE),
        _ => rng.usize(..300),
    });
    let mut data = json!({
        "sendType": kind,
        "target": target,
        "message": {"text": id.to_string(), "desp": body, "extra": extra(wish)},
    });
    if with_ref && let Some(fields) = data.as_object_mut() {
        fields.insert("ref".to_owned(), json!(id.to_string()));
    }
    data
}

fn extra(wish: Wish) -> Value {
    let delay = wish
        .delay
        .map(|delay| Duration::from_micros(delay).as_secs_f64());
    let fields = [
        ("delay", delay.map(Value::from)),
        ("key", wish.key.map(|key| key.to_string().into())),
        ("ack", wish.ack.then(|| true.into())),
        ("repeat", wish.ack.then(|| REPEAT.into())),
    ];
    let said = fields
        .into_iter()
        .filter_map(|(of, value)| Some((of.to_owned(), value?)));
    Value::Object(said.collect())
}

/// Something now and then; what is held mostly has a key, so that they meet.
fn wish(rng: &mut fastrand::Rng) -> Wish {
    let delay = (rng.u8(0..12) == 0).then(|| rng.u64(200..4_000) * 1000);
    let keyed = if delay.is_some() { 2 } else { 12 };
    Wish {
        delay,
        key: (rng.u8(0..keyed) == 0).then(|| rng.u8(0..KEYS)),
        ack: rng.u8(0..8) == 0,
    }
}

/// Whether a notice says why a message was not stored, and what to do.
pub(crate) fn says_why(info: &str) -> bool {
    info.contains("not stored") && info.contains("disk") && info.contains("full")
}

/// A message whose outcome the sender does not know.
struct Open {
    data: Value,
    /// When it is tried again, if it was refused.
    again: Option<Instant>,
}

/// See the module.
pub(crate) struct Sender {
    world: Arc<World>,
    number: u16,
    speaks_ref: bool,
    rng: fastrand::Rng,
    open: BTreeMap<Id, Open>,
    /// Messages to be taken back, until that is answered: when it is asked next; `None` while it is asked.
    unwanted: BTreeMap<Id, Option<Instant>>,
    next: Instant,
    /// Held until it knows the outcome of all that it sent.
    alive: Option<mpsc::Sender<()>>,
}

impl Sender {
    pub(crate) fn new(
        world: Arc<World>,
        number: u16,
        speaks_ref: bool,
        alive: mpsc::Sender<()>,
    ) -> Self {
        let rng = world.rng("sender", number.into());
        let next = Instant::now();
        Self {
            world,
            number,
            speaks_ref,
            rng,
            open: BTreeMap::new(),
            unwanted: BTreeMap::new(),
            next,
            alive: Some(alive),
        }
    }

    /// Sends until the load is over and every `ref` has its outcome; then takes receipts to the end.
    pub(crate) async fn run(mut self) {
        let name = sender_name(self.number);
        while !self.is_done() {
            let world = Arc::clone(&self.world);
            let features = if self.speaks_ref { FEATURES } else { &[] };
            match Socket::connect(&world, &name, "", features).await {
                Ok(socket) => self.serve(socket).await,
                Err(_) => world.pause().await,
            }
        }
    }

    fn is_done(&mut self) -> bool {
        let phase = self.world.phase();
        let settled = !matches!(phase, Phase::Load | Phase::Quiet)
            && self.open.is_empty()
            && self.unwanted.is_empty();
        if settled {
            self.alive = None;
        }
        settled && (!self.speaks_ref || phase == Phase::Over)
    }

    /// One connection, to its end.
    async fn serve(&mut self, mut socket: Socket) {
        let world = Arc::clone(&self.world);
        let mut phase = world.phase.subscribe();
        let life = world.life();
        if self.try_again(&mut socket, true).await.is_err() {
            return;
        }
        // Now and then the connection, not the relay, breaks. Without `ref` a reply of the old one
        // could not be told apart on the next.
        let breaks = self.speaks_ref && self.rng.u8(0..4) == 0;
        let end = breaks.then(|| Instant::now() + between(&mut self.rng, 50, 3000));
        while !self.is_done() {
            let now = Instant::now();
            if end.is_some_and(|end| end <= now) {
                break;
            }
            let again = self.open.values().filter_map(|open| open.again).min();
            let unwanted = self.unwanted.values().filter_map(|at| *at).min();
            let may_send = *phase.borrow() == Phase::Load && self.open.len() < self.window();
            let next = may_send.then_some(self.next);
            let due = [again, unwanted, next, end].into_iter().flatten().min();
            tokio::select! {
                frame = socket.next(&world) => {
                    if matches!(frame, Frame::Gone) {
                        break;
                    }
                    if let Some(callback) = self.came(frame)
                        && socket.send(&callback).await.is_err()
                    {
                        break;
                    }
                }
                () = until(due) => {
                    if self.try_again(&mut socket, false).await.is_err()
                        || self.take_back(&mut socket).await.is_err()
                    {
                        break;
                    }
                    if may_send && self.next <= Instant::now() && self.send(&mut socket).await.is_err() {
                        break;
                    }
                }
                _ = phase.changed() => {}
            }
        }
        self.ended(world.life() == life);
        if self.rng.bool() {
            socket.close().await;
        }
    }

    /// The connection has; the relay perhaps not.
    fn ended(&mut self, relay_lives: bool) {
        let mut ledger = self.world.ledger();
        for (id, open) in &self.open {
            if open.again.is_none() {
                ledger.unknown(*id, relay_lives && !self.speaks_ref);
            }
        }
        if !self.speaks_ref {
            self.open.clear();
        }
        for at in self.unwanted.values_mut() {
            *at = Some(Instant::now());
        }
    }

    /// Asks for what is to be taken back by now.
    async fn take_back(&mut self, socket: &mut Socket) -> anyhow::Result<()> {
        let now = Instant::now();
        for (id, at) in &mut self.unwanted {
            if at.take_if(|at| *at <= now).is_some() {
                let data = json!({"ref": id.to_string()});
                socket.send(&json!({"cmd": "CANCEL", "data": data})).await?;
            }
        }
        Ok(())
    }

    /// A message was accepted, and is held: now and then it is not wanted after all.
    fn think_again(&mut self, id: Id) {
        if self.rng.u8(0..3) == 0 {
            let later = match self.rng.bool() {
                true => Duration::ZERO,
                // It may be due by then.
                false => between(&mut self.rng, 0, 3000),
            };
            self.unwanted.insert(id, Some(Instant::now() + later));
        }
    }

    fn window(&self) -> usize {
        if self.speaks_ref { WINDOW } else { 1 }
    }

    /// Sends one, or a burst.
    async fn send(&mut self, socket: &mut Socket) -> anyhow::Result<()> {
        let burst = match self.rng.u8(..) {
            0..16 if self.speaks_ref => self.rng.usize(1..WINDOW),
            _ => 1,
        };
        self.next = Instant::now() + between(&mut self.rng, 5, 90);
        for _ in 0..burst {
            if self.open.len() >= self.window() {
                break;
            }
            let to = To::any(&mut self.rng);
            let id = self.world.ledger().sent(self.number, to, self.world.now());
            let mut wanted = Wish::default();
            if self.speaks_ref {
                wanted = wish(&mut self.rng);
                let mut ledger = self.world.ledger();
                ledger.listens(id);
                ledger.wishes(id, wanted);
            }
            let data = message(id, to, &mut self.rng, self.speaks_ref, wanted);
            let packet = json!({"cmd": "MESSAGE", "data": data});
            let again = None;
            self.open.insert(id, Open { data, again });
            socket.send(&packet).await?;
        }
        Ok(())
    }

    /// Sends again what is due, or on a new connection all.
    async fn try_again(&mut self, socket: &mut Socket, all: bool) -> anyhow::Result<()> {
        let now = Instant::now();
        for (id, open) in &mut self.open {
            if all || open.again.is_some_and(|again| again <= now) {
                open.again = None;
                self.world.ledger().tried_again(*id, self.world.now());
                let packet = json!({"cmd": "MESSAGE", "data": open.data});
                socket.send(&packet).await?;
            }
        }
        Ok(())
    }

    /// Takes in what came; what is to be sent for it.
    fn came(&mut self, frame: Frame) -> Option<Value> {
        if matches!(frame, Frame::Reply(_) | Frame::Cancelled { .. }) {
            self.world.strike();
        }
        let now = self.world.now();
        let mut ledger = self.world.ledger();
        match frame {
            Frame::Reply(reply) => {
                let only = self.open.keys().next().copied();
                let id = if self.speaks_ref {
                    reply.reference
                } else {
                    only
                };
                let Some(id) = id.filter(|id| self.open.contains_key(id)) else {
                    // A second answer: to a message that was sent again on this connection's
                    // predecessor, whose answer comes here.
                    if !self.speaks_ref || reply.reference.is_none() {
                        ledger.odd(format!("s{}: a reply to nothing: {reply:?}", self.number));
                    }
                    return None;
                };
                ledger.answered(id, reply.mid, &reply.statuses, now);
                let refused = reply.statuses.iter().all(|(_, status)| status == "no");
                let held = reply.statuses.iter().any(|(_, status)| status == "held");
                drop(ledger);
                if held {
                    self.think_again(id);
                }
                match self.open.get_mut(&id) {
                    Some(open) if refused && self.speaks_ref => {
                        open.again = Some(Instant::now() + between(&mut self.rng, 100, 1500));
                    }
                    _ => drop(self.open.remove(&id)),
                }
            }
            Frame::Receipt(receipt) if self.speaks_ref => {
                let (id, mid, recipient) = (receipt.id, receipt.mid, receipt.recipient);
                match receipt.state.as_str() {
                    "ok" => ledger.told(id, mid, recipient, now),
                    "superseded" => ledger.superseded(id, recipient),
                    "acknowledged" => ledger.heard(id, mid, recipient),
                    _ => ledger.odd(format!("s{}: {receipt:?}", self.number)),
                }
                // Left unconfirmed, it comes again on the next connection.
                return (self.rng.u8(0..8) > 0).then(|| receipt.callback());
            }
            Frame::Cancelled { id, cancelled } if self.unwanted.remove(&id).is_some() => {
                if cancelled {
                    ledger.cancelled(id);
                }
            }
            Frame::Info(info) if says_why(&info) => {}
            // To what was to be taken back: that is asked again.
            Frame::Info(info) if info.contains("full") && !self.unwanted.is_empty() => {
                let later = Instant::now() + between(&mut self.rng, 100, 1500);
                for at in self.unwanted.values_mut() {
                    at.get_or_insert(later);
                }
            }
            other => ledger.odd(format!("s{}: {other:?}", self.number)),
        }
        None
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        // Something else comes first.
        None => tokio::time::sleep(Duration::from_secs(1)).await,
    }
}
