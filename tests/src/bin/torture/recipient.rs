//! Recipients, which misbehave: they confirm at once, late, in any order, by HTTP, by an acknowledgement, in
//! part or not at all; they come and go, stay away while their queues build up, and take over from themselves
//! with a second socket. In the end they stay and confirm everything.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::cast::{Id, group_of, recipient_name};
use crate::http::Http;
use crate::ledger::{Proof, SocketId};
use crate::socket::{Frame, Socket};
use crate::world::{Phase, World, between};

/// Between two looks at what is to be confirmed.
const TICK: Duration = Duration::from_millis(60);

/// What those speak that do not speak the base protocol alone.
const FEATURES: &[&str] = &["ref", "receipts", "ack"];

/// How a recipient treats what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Confirms at once.
    Prompt,
    /// Confirms what has gathered, in any order.
    Late,
    /// Confirms two of three.
    Forgetful,
    /// Confirms by HTTP.
    ByHttp,
    /// Confirms nothing.
    Silent,
}

/// See the module.
pub(crate) struct Recipient {
    world: Arc<World>,
    number: u8,
    rng: fastrand::Rng,
}

impl Recipient {
    pub(crate) fn new(world: Arc<World>, number: u8) -> Self {
        let rng = world.rng("recipient", number.into());
        Self { world, number, rng }
    }

    /// Comes and goes until the run is over.
    pub(crate) async fn run(mut self) {
        loop {
            match self.world.phase() {
                Phase::Over => return,
                Phase::Drain | Phase::Farewell => {
                    self.visit(Manner::Prompt, None, Duration::ZERO).await;
                    continue;
                }
                Phase::Load | Phase::Quiet => {}
            }
            let manner = match self.rng.u8(0..10) {
                0..4 => Manner::Prompt,
                4..6 => Manner::Late,
                6 => Manner::Forgetful,
                7..9 => Manner::ByHttp,
                _ => Manner::Silent,
            };
            let stay = between(&mut self.rng, 100, 8000);
            if self.rng.u8(0..5) == 0 {
                // A second socket takes over while the first is busy.
                let later = between(&mut self.rng, 20, 2000);
                let mut second = Self::new(Arc::clone(&self.world), self.number);
                second.rng = self.rng.fork();
                tokio::join!(
                    self.visit(manner, Some(stay), Duration::ZERO),
                    second.visit(Manner::Late, Some(stay), later),
                );
            } else {
                self.visit(manner, Some(stay), Duration::ZERO).await;
            }
            let away = match self.rng.u8(0..10) {
                0 => between(&mut self.rng, 2000, 10_000),
                1..4 => between(&mut self.rng, 100, 2000),
                _ => Duration::ZERO,
            };
            let mut phase = self.world.phase.subscribe();
            tokio::select! {
                () = sleep(away) => {}
                _ = phase.wait_for(|phase| *phase == Phase::Drain) => {}
            }
        }
    }

    /// One connection, to its end; `None` stays to the end of the run.
    async fn visit(&mut self, manner: Manner, stay: Option<Duration>, later: Duration) {
        sleep(later).await;
        let world = Arc::clone(&self.world);
        // Before the connection is opened: what the relay knew then, it knows on it.
        let opened = world.now();
        let name = recipient_name(self.number);
        let group = group_of(self.number);
        let acknowledges = self.rng.bool();
        let features = if acknowledges { FEATURES } else { &[] };
        let Ok(socket) = Socket::connect(&world, &name, &group, features).await else {
            return world.pause().await;
        };
        let id = world.ledger().socket(self.number, opened);
        let visit = Visit {
            world: &world,
            number: self.number,
            rng: &mut self.rng,
            socket,
            id,
            manner,
            acknowledges,
            gathered: Vec::new(),
            written: Vec::new(),
            asked: Vec::new(),
            written_from: None,
            asked_from: 0,
            http: None,
        };
        visit.run(stay).await;
    }
}

/// One connection.
struct Visit<'a> {
    world: &'a World,
    number: u8,
    rng: &'a mut fastrand::Rng,
    socket: Socket,
    id: SocketId,
    manner: Manner,
    acknowledges: bool,
    /// Mids to be confirmed.
    gathered: Vec<u64>,
    /// Confirmed since the last PING, the first of them not before this.
    written: Vec<u64>,
    written_from: Option<u64>,
    /// Confirmed before the PING under way.
    asked: Vec<u64>,
    asked_from: u64,
    http: Option<Http>,
}

impl Visit<'_> {
    async fn run(mut self, stay: Option<Duration>) {
        let world = self.world;
        let mut phase = world.phase.subscribe();
        let end = stay.map(|stay| Instant::now() + stay);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match *phase.borrow_and_update() {
                Phase::Over => return,
                Phase::Drain | Phase::Farewell => self.manner = Manner::Prompt,
                Phase::Load | Phase::Quiet if end.is_some_and(|end| end <= Instant::now()) => {
                    break;
                }
                Phase::Load | Phase::Quiet => {}
            }
            let outcome = tokio::select! {
                frame = self.socket.next(world) => match frame {
                    Frame::Gone => return,
                    frame => self.came(frame).await,
                },
                _ = tick.tick() => self.tick().await,
                _ = phase.changed() => Ok(()),
            };
            if outcome.is_err() {
                return;
            }
        }
        if self.rng.bool() {
            self.socket.close().await;
        }
    }

    async fn came(&mut self, frame: Frame) -> anyhow::Result<()> {
        match frame {
            Frame::Message { id, mid, ack } => {
                let now = self.world.now();
                self.world.ledger().delivered(self.id, id, mid, now);
                // Before it is confirmed, or instead of that.
                if ack && self.acknowledges && self.rng.u8(0..3) == 0 {
                    self.acknowledge(id, mid).await?;
                }
                let confirms = match self.manner {
                    Manner::Silent => false,
                    Manner::Forgetful => self.rng.u8(0..3) > 0,
                    _ => true,
                };
                if self.manner == Manner::Prompt {
                    self.confirm(mid).await?;
                } else if confirms {
                    self.gathered.push(mid);
                }
                Ok(())
            }
            Frame::Pong => {
                let at = self.world.now();
                let (on, from) = (self.id, self.asked_from);
                let mut ledger = self.world.ledger();
                for mid in self.asked.drain(..) {
                    ledger.proven(self.number, mid, Proof::Read { on, from, at });
                }
                Ok(())
            }
            Frame::Reminder { id, mid } if self.acknowledges => {
                self.world.ledger().reminded(self.id, id, mid);
                if self.rng.bool() {
                    self.acknowledge(id, mid).await?;
                }
                Ok(())
            }
            Frame::Taken { mid } if self.acknowledges => {
                self.world.strike();
                let at = self.world.now();
                self.world.ledger().acknowledged(self.number, mid, at);
                Ok(())
            }
            // To an acknowledgement that could not be kept.
            Frame::Info(info) if self.acknowledges && info.contains("full") => Ok(()),
            other => {
                let number = self.number;
                self.world.ledger().odd(format!("r{number}: {other:?}"));
                Ok(())
            }
        }
    }

    async fn confirm(&mut self, mid: u64) -> anyhow::Result<()> {
        self.written_from.get_or_insert(self.world.now());
        self.written.push(mid);
        self.world.ledger().confirmed(1);
        let data = json!({"mid": mid.to_string()});
        let packet = json!({"cmd": "MESSAGE_CALLBACK", "data": data});
        self.socket.send(&packet).await
    }

    async fn acknowledge(&mut self, id: Id, mid: u64) -> anyhow::Result<()> {
        self.world.ledger().reports(self.number, id);
        let data = json!({"mid": mid.to_string(), "state": "acknowledged", "note": "on it"});
        let packet = json!({"cmd": "RECEIPT", "data": data});
        self.socket.send(&packet).await
    }

    async fn tick(&mut self) -> anyhow::Result<()> {
        let mut gathered = std::mem::take(&mut self.gathered);
        self.rng.shuffle(&mut gathered);
        for mid in gathered {
            if self.manner == Manner::ByHttp {
                self.confirm_by_http(mid).await;
            } else {
                self.confirm(mid).await?;
            }
        }
        if self.asked.is_empty()
            && let Some(from) = self.written_from.take()
        {
            self.asked_from = from;
            self.asked = std::mem::take(&mut self.written);
            self.socket.send(&json!({"cmd": "PING"})).await?;
        }
        Ok(())
    }

    /// What does not succeed stays unconfirmed, and comes again.
    async fn confirm_by_http(&mut self, mid: u64) {
        let world = self.world;
        let mut http = match self.http.take() {
            Some(http) => http,
            None => match Http::connect(world).await {
                Ok(http) => http,
                Err(_) => return,
            },
        };
        world.ledger().confirmed(1);
        let data = json!({"mid": mid.to_string()});
        let ticket = &self.socket.ticket;
        let packet = json!({"cmd": "MESSAGE_CALLBACK", "auth": ticket, "data": data});
        let Ok(answer) = http.post(world, "/", &packet).await else {
            return;
        };
        self.http = Some(http);
        let at = world.now();
        let mut ledger = world.ledger();
        match answer.status {
            200 => ledger.proven(self.number, mid, Proof::Durable { at }),
            503 if ledger.disk_is_full(at) && answer.body.contains("full") => {}
            _ => ledger.odd(format!("r{}, confirming by HTTP: {answer:?}", self.number)),
        }
    }
}
