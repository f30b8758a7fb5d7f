//! The hosts of one run, their disks, and what is done to them: steps, the beginning and the end of
//! faults. When which fault comes is trouble's.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_protocol::Name;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::disk::{Disks, RowState, SharedDisk, lock};
use crate::fault::{Fault, Life, RELAY, TWIN};
use crate::journal::RelayDisk;
use crate::line::{Gate, UNREAD};
use crate::plan::Plan;
use crate::relay::Relay;
use crate::report::Run;
use crate::script::Script;
use crate::watch::{SharedWatch, Watch};

/// How much time passes between two looks at the network. Coarse, as every step costs.
pub(crate) const TICK: Duration = Duration::from_millis(25);

/// Desks; the last speaks the base protocol and is in no group, unless all have to speak `ref`.
const DESKS: usize = 4;

/// Senders by HTTP.
const SCRIPTS: usize = 2;

/// What a slow line takes at most.
const SLOW: Duration = Duration::from_secs(3);

/// The relay's wall clock when the run begins: milliseconds since 1970.
const BEGAN_MS: u64 = 1_795_414_000_000;

/// How a host's process is told of its life; asked for each time it starts.
type Lives = BTreeMap<String, Arc<Mutex<Life>>>;

/// See the module.
pub(crate) struct World {
    pub(crate) sim: turmoil::Sim<'static>,
    pub(crate) plan: Plan,
    pub(crate) disks: Disks,
    pub(crate) relay_disk: RelayDisk,
    pub(crate) watch: SharedWatch,
    /// All hosts but the relay and the twin.
    pub(crate) clients: Vec<String>,
    pub(crate) run: Run,
    wall: Arc<AtomicU64>,
    /// How far the wall clock is off.
    clock_off: i64,
    lives: Lives,
    gates: BTreeMap<String, Arc<Gate>>,
    twin: Arc<AtomicBool>,
}

impl World {
    /// `writing` is how long messages are written, `lasts` more than the run can take.
    pub(crate) fn new(
        seed: u64,
        rng: &mut fastrand::Rng,
        writing: Duration,
        lasts: Duration,
    ) -> Self {
        let plan = Plan::draw(rng);
        let mut builder = turmoil::Builder::new();
        builder
            .rng_seed(seed)
            .tick_duration(TICK)
            .tcp_capacity(UNREAD)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(plan.latency)
            .simulation_duration(lasts);
        if plan.random_order {
            builder.enable_random_order();
        }
        let names = |kind: &str, count| -> Vec<Name> {
            let names = (0..count).map(|n| Name::new(format!("{kind}{n}")).unwrap());
            names.collect()
        };
        let (desks, scripts) = (names("desk", DESKS), names("script", SCRIPTS));
        let all: Vec<Name> = desks.iter().chain(&scripts).cloned().collect();
        let disks: Disks = all
            .iter()
            .map(|name| (name.clone(), SharedDisk::default()))
            .collect();
        let gates: BTreeMap<String, Arc<Gate>> = all
            .iter()
            .map(|name| (name.to_string(), Arc::default()))
            .collect();
        let relay_disk = RelayDisk::default();
        let mut world = Self {
            sim: builder.build(),
            watch: Arc::new(Mutex::new(Watch::new(disks.clone(), &plan))),
            wall: Arc::new(AtomicU64::new(BEGAN_MS)),
            clock_off: 0,
            lives: Lives::new(),
            twin: Arc::default(),
            clients: all.iter().map(Name::to_string).collect(),
            run: Run::default(),
            plan,
            disks,
            relay_disk,
            gates,
        };
        let relay = Relay {
            plan: world.plan.clone(),
            disk: world.relay_disk.clone(),
            wall: Arc::clone(&world.wall),
            watch: Arc::clone(&world.watch),
            seed: rng.u64(..),
        };
        world.host(RELAY, move |quit| relay.clone().live(quit));
        for (n, name) in desks.iter().enumerate() {
            let others = desks.iter().filter(|other| *other != name);
            let desk = Desk {
                name: name.clone(),
                by_ref: n + 1 < DESKS || world.plan.forgets_refs,
                plan: world.plan.clone(),
                others: others.cloned().collect(),
                writing,
                disk: world.disk(name),
                gate: world.gate(name.as_str()),
                watch: Arc::clone(&world.watch),
                twin: Arc::clone(&world.twin),
                seed: rng.u64(..),
            };
            if n == 0 {
                let twin = desk.twin();
                world.host(TWIN, move |quit| twin.clone().live(quit));
                world.sim.crash(TWIN);
            }
            world.host(name.as_str(), move |quit| desk.clone().live(quit));
        }
        for name in &scripts {
            let script = Script {
                name: name.clone(),
                others: desks.clone(),
                writing,
                disk: world.disk(name),
                gate: world.gate(name.as_str()),
                watch: Arc::clone(&world.watch),
                seed: rng.u64(..),
            };
            world.host(name.as_str(), move |quit| script.clone().live(quit));
        }
        world
    }

    /// A host whose process is `live`, each time it starts.
    fn host<F>(&mut self, name: &str, live: impl Fn(CancellationToken) -> F + 'static)
    where
        F: Future<Output = turmoil::Result> + 'static,
    {
        let life = Arc::new(Mutex::new(Life::default()));
        self.lives.insert(name.to_owned(), Arc::clone(&life));
        self.sim.host(name, move || {
            let next = Life::default();
            *life.lock().unwrap() = next.clone();
            let process = live(next.quit.clone());
            next.of(process)
        });
    }

    fn disk(&self, name: &Name) -> SharedDisk {
        Arc::clone(self.disks.get(name).unwrap())
    }

    fn gate(&self, name: &str) -> Arc<Gate> {
        Arc::clone(self.gates.get(name).unwrap())
    }

    fn life(&self, host: &str) -> Life {
        self.lives.get(host).unwrap().lock().unwrap().clone()
    }

    /// Lets a tick pass.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        let millis = u64::try_from(TICK.as_millis()).unwrap();
        self.wall.fetch_add(millis, Ordering::SeqCst);
        match self.sim.step() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("a host failed: {error}")),
        }
    }

    /// Sets the relay's wall clock to another time.
    pub(crate) fn step_clock(&mut self, off: i64) {
        let step = off - self.clock_off;
        let now = self.wall.load(Ordering::SeqCst);
        self.wall
            .store(now.saturating_add_signed(step), Ordering::SeqCst);
        self.clock_off = off;
        self.run.clock_steps += 1;
    }

    /// What the relay's wall clock says: milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.wall.load(Ordering::SeqCst)
    }

    pub(crate) fn clock_off(&self) -> i64 {
        self.clock_off
    }

    pub(crate) fn begin(&mut self, fault: &Fault) {
        match fault {
            Fault::Partition(client) => self.sim.partition(client.as_str(), RELAY),
            Fault::OneWay(from, to) => self.sim.partition_oneway(from.as_str(), to.as_str()),
            Fault::Hold(client) => self.sim.hold(client.as_str(), RELAY),
            Fault::Slow(client) => {
                self.sim
                    .set_link_max_message_latency(client.as_str(), RELAY, SLOW);
            }
            Fault::Doze(client) => self.gate(client).shut(),
            Fault::PowerCut(host) => {
                for client in self.clients_beside(host) {
                    self.sim.partition(client, RELAY);
                }
                self.sim.crash(host.as_str());
            }
            Fault::Kill(host) => self.life(host).kill.cancel(),
            Fault::Quit(host) => self.life(host).quit.cancel(),
            Fault::Takeover { .. } => {
                self.twin.store(true, Ordering::SeqCst);
                self.sim.bounce(TWIN);
            }
            Fault::DiskFull => self.relay_disk.is_full.store(true, Ordering::SeqCst),
        }
        self.run.count(fault);
    }

    pub(crate) fn end(&mut self, fault: &Fault) {
        match fault {
            Fault::Partition(client) => self.sim.repair(client.as_str(), RELAY),
            Fault::OneWay(from, to) => self.sim.repair_oneway(from.as_str(), to.as_str()),
            Fault::Hold(client) => self.sim.release(client.as_str(), RELAY),
            Fault::Slow(client) => {
                let latency = self.plan.latency;
                self.sim
                    .set_link_max_message_latency(client.as_str(), RELAY, latency);
            }
            Fault::Doze(client) => self.gate(client).open(),
            Fault::PowerCut(host) => {
                for client in self.clients_beside(host) {
                    self.sim.repair(client, RELAY);
                }
                self.sim.bounce(host.as_str());
            }
            Fault::Kill(host) | Fault::Quit(host) => self.sim.bounce(host.as_str()),
            Fault::Takeover { killed } => {
                let life = self.life(TWIN);
                if *killed { life.kill } else { life.quit }.cancel();
                self.twin.store(false, Ordering::SeqCst);
            }
            Fault::DiskFull => self.relay_disk.is_full.store(false, Ordering::SeqCst),
        }
    }

    /// The clients whose lines are a host's.
    fn clients_beside(&self, host: &str) -> Vec<String> {
        let clients = self.clients.iter().map(String::as_str).chain([TWIN]);
        let lines = clients.filter(|client| host == RELAY || *client == host);
        lines.map(str::to_owned).collect()
    }

    /// What happened, counted.
    pub(crate) fn report(mut self) -> Run {
        for (name, disk) in &self.disks {
            let disk = lock(disk);
            for row in &disk.rows {
                match &row.state {
                    RowState::Replied(_) if row.taken_for().next().is_some() => {
                        self.run.accepted += 1;
                    }
                    RowState::Replied(_) => self.run.refused += 1,
                    RowState::Unknown => self.run.unknown += 1,
                    RowState::Queued | RowState::Offered => {}
                }
            }
            self.run.received += u64::try_from(disk.inbox.len()).unwrap();
            self.run.repeats += disk.repeats;
            self.run.trace += &format!("{name}: {:?}\n", disk.inbox);
        }
        let watch = self.watch.lock().unwrap();
        self.run.expired = watch.expired;
        self.run.receipts = watch.receipts;
        self.run.held = watch.extended.held;
        self.run.superseded = watch.extended.superseded;
        self.run.reminders = watch.extended.reminders;
        self.run.cancelled = watch.extended.cancelled;
        self.run.shown = watch.extended.shown;
        self.run.stalled = watch.stalled;
        self.run.simulated = self.sim.elapsed();
        drop(watch);
        self.run
    }
}
