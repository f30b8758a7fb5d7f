//! One run: the hosts, what goes wrong by seed, and when it is over.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_protocol::{Group, Name, Status};
use tidings_relay::{Clock, Hub, Listener, MemoryStore, MidNumber, Store, serve};
use tokio_util::sync::CancellationToken;

use crate::check::{self, Disks};
use crate::desk::{Desk, GROUP, PORT, SharedDisk, live, lock};
use crate::fault::{Fault, Life, RELAY};
use crate::report::Run;

/// How much time passes between two looks at the network. Coarse, as every step costs.
const TICK: Duration = Duration::from_millis(25);

/// While this lasts, things go wrong and desks write.
const TROUBLE: Duration = Duration::from_secs(45);

/// After it, all has to be delivered within this: a dead line is found in 90 s at worst, the next
/// attempt comes a minute later.
const SETTLING: Duration = Duration::from_secs(240);

/// Then this long nothing more may come: longer than the first re-sends.
const QUIET: Duration = Duration::from_secs(10);

/// Longer than any process takes to end in order.
const GOODBYE: Duration = Duration::from_secs(6);

/// Desks; the last speaks the base protocol and is in no group.
const DESKS: usize = 4;

/// Runs a seed; the first violation, if there is one.
pub(crate) fn run(seed: u64) -> Result<Run, String> {
    let mut world = World::new(seed);
    let mut done_at = None;
    while done_at.is_none_or(|at| world.sim.elapsed() < at + QUIET) {
        world.step()?;
        world.heal();
        if world.sim.elapsed() < TROUBLE {
            world.trouble();
            continue;
        }
        if done_at.is_none() && world.every_second() {
            match world.is_complete() {
                Ok(()) => done_at = Some(world.sim.elapsed()),
                Err(missing) if world.sim.elapsed() > TROUBLE + SETTLING => return Err(missing),
                Err(_) => {}
            }
        }
    }
    world.is_complete()?;
    Ok(world.report())
}

struct World {
    sim: turmoil::Sim<'static>,
    rng: fastrand::Rng,
    wall: Arc<AtomicU64>,
    store: Arc<dyn Store>,
    lives: BTreeMap<String, Arc<Mutex<Life>>>,
    disks: BTreeMap<Name, SharedDisk>,
    hosts: Vec<String>,
    /// What is wrong, and when it ends.
    faults: Vec<(Fault, Duration)>,
    next_fault: Duration,
    run: Run,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(150))
            .simulation_duration(TROUBLE + SETTLING + QUIET * 2)
            .build();
        let wall = Arc::new(AtomicU64::new(1_795_414_000_000));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut lives = BTreeMap::new();
        let mut begin = |host: &str| {
            let life = Arc::new(Mutex::new(Life::default()));
            lives.insert(host.to_owned(), Arc::clone(&life));
            move || {
                let next = Life::default();
                *life.lock().unwrap() = next.clone();
                next
            }
        };
        {
            let (store, wall) = (Arc::clone(&store), Arc::clone(&wall));
            let begin = begin(RELAY);
            sim.host(RELAY, move || {
                let life = begin();
                let quit = life.quit.clone();
                life.of(relay(Arc::clone(&store), Arc::clone(&wall), quit))
            });
        }
        let names: Vec<Name> = (0..DESKS)
            .map(|n| Name::new(format!("desk{n}")).unwrap())
            .collect();
        let mut disks = BTreeMap::new();
        for (n, name) in names.iter().enumerate() {
            let by_ref = n + 1 < DESKS;
            let desk = Desk {
                name: name.clone(),
                group: if by_ref {
                    Group::new(GROUP).unwrap()
                } else {
                    Group::none()
                },
                by_ref,
                others: names
                    .iter()
                    .filter(|other| *other != name)
                    .cloned()
                    .collect(),
                writing: TROUBLE,
            };
            let disk = SharedDisk::default();
            disks.insert(name.clone(), Arc::clone(&disk));
            let desk_seed = rng.u64(..);
            let begin = begin(name.as_str());
            sim.host(name.as_str(), move || {
                let life = begin();
                let quit = life.quit.clone();
                life.of(live(desk.clone(), Arc::clone(&disk), desk_seed, quit))
            });
        }
        Self {
            sim,
            rng,
            wall,
            store,
            lives,
            hosts: names.iter().map(Name::to_string).collect(),
            disks,
            faults: Vec::new(),
            next_fault: Duration::from_secs(1),
            run: Run::default(),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        let millis = u64::try_from(TICK.as_millis()).unwrap();
        self.wall.fetch_add(millis, Ordering::SeqCst);
        self.sim
            .step()
            .map_err(|error| format!("a host failed: {error}"))?;
        // What is wrong in an inbox stays there, so not every step has to be looked at.
        if self.every_second() {
            self.look(check::safety)?;
        }
        Ok(())
    }

    /// Ends what has lasted its time.
    fn heal(&mut self) {
        let now = self.sim.elapsed();
        let (over, lasting) = std::mem::take(&mut self.faults)
            .into_iter()
            .partition(|(_, until)| *until <= now);
        self.faults = lasting;
        self.end(over);
    }

    /// Begins something new now and then.
    fn trouble(&mut self) {
        let now = self.sim.elapsed();
        if now < self.next_fault {
            return;
        }
        self.next_fault = now + Duration::from_millis(self.rng.u64(200..3_000));
        let Some(fault) = self.draw() else { return };
        // Short ones mostly: what matters is that something is under way when they begin and end.
        let longest = if self.rng.bool() { 2_000 } else { 20_000 };
        let mut lasts = Duration::from_millis(self.rng.u64(50..longest));
        if matches!(fault, Fault::Quit(_)) {
            lasts = lasts.max(GOODBYE);
        }
        self.begin(&fault);
        self.faults.push((fault, now + lasts));
    }

    /// A fault of a host that has none.
    fn draw(&mut self) -> Option<Fault> {
        let at = self.rng.usize(0..=self.hosts.len());
        let host = self.hosts.get(at).map_or(RELAY, String::as_str).to_owned();
        let kind = self.rng.u8(0..8);
        if self
            .faults
            .iter()
            .any(|(fault, _)| fault.host() == host || fault.host() == RELAY)
        {
            return None;
        }
        Some(match kind {
            0 => Fault::PowerCut(host),
            1 => Fault::Kill(host),
            2 => Fault::Quit(host),
            // It has no network of its own.
            _ if host == RELAY => return None,
            3 | 4 => Fault::Partition(host),
            5 => Fault::OneWay(host, RELAY.to_owned()),
            6 => Fault::OneWay(RELAY.to_owned(), host),
            _ => Fault::Hold(host),
        })
    }

    fn begin(&mut self, fault: &Fault) {
        if fault.host() == RELAY {
            // Its end is seen by all, or by none.
            let lasting = std::mem::take(&mut self.faults);
            let (crashes, network) = lasting.into_iter().partition(|(f, _)| f.is_crash());
            self.faults = crashes;
            self.end(network);
        }
        match fault {
            Fault::Partition(desk) => self.sim.partition(desk.as_str(), RELAY),
            Fault::OneWay(from, to) => self.sim.partition_oneway(from.as_str(), to.as_str()),
            Fault::Hold(desk) => self.sim.hold(desk.as_str(), RELAY),
            Fault::PowerCut(host) => {
                for desk in self.desks_beside(host) {
                    self.sim.partition(desk, RELAY);
                }
                self.sim.crash(host.as_str());
            }
            Fault::Kill(host) => self.life(host).kill.cancel(),
            Fault::Quit(host) => self.life(host).quit.cancel(),
        }
        if fault.is_crash() {
            self.run.crashes += 1;
        } else {
            self.run.faults += 1;
        }
    }

    fn end(&mut self, faults: Vec<(Fault, Duration)>) {
        for (fault, _) in faults {
            match fault {
                Fault::Partition(desk) => self.sim.repair(desk.as_str(), RELAY),
                Fault::OneWay(from, to) => self.sim.repair_oneway(from.as_str(), to.as_str()),
                Fault::Hold(desk) => self.sim.release(desk.as_str(), RELAY),
                Fault::PowerCut(host) => {
                    for desk in self.desks_beside(&host) {
                        self.sim.repair(desk, RELAY);
                    }
                    self.sim.bounce(host.as_str());
                }
                Fault::Kill(host) | Fault::Quit(host) => self.sim.bounce(host.as_str()),
            }
        }
    }

    /// The desks whose lines are a host's.
    fn desks_beside(&self, host: &str) -> Vec<String> {
        let lines = self
            .hosts
            .iter()
            .filter(|desk| host == RELAY || *desk == host);
        lines.cloned().collect()
    }

    fn life(&self, host: &str) -> Life {
        self.lives.get(host).unwrap().lock().unwrap().clone()
    }

    fn every_second(&self) -> bool {
        self.sim.elapsed().subsec_millis() < u32::try_from(TICK.as_millis()).unwrap()
    }

    fn look(&self, check: impl Fn(&Disks<'_>) -> Result<(), String>) -> Result<(), String> {
        let guards: Vec<_> = self
            .disks
            .iter()
            .map(|(name, disk)| (name, lock(disk)))
            .collect();
        check(&guards.iter().map(|(name, disk)| (*name, &**disk)).collect())
    }

    /// All is received, and the relay knows it.
    fn is_complete(&self) -> Result<(), String> {
        self.look(check::completeness)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for (name, disk) in &self.disks {
            for received in &lock(disk).inbox {
                let mid = &received.mid;
                let number = MidNumber::parse(mid).ok_or_else(|| format!("{mid} is no mid"))?;
                let status = runtime.block_on(self.store.status(number));
                let statuses = status
                    .map_err(|error| error.to_string())?
                    .unwrap_or_default();
                if !statuses.contains(&(name.clone(), Status::Ok)) {
                    return Err(format!("{name} has {mid}, and the relay says {statuses:?}"));
                }
            }
        }
        Ok(())
    }

    fn report(mut self) -> Run {
        use crate::desk::RowState;
        for (name, disk) in &self.disks {
            let disk = lock(disk);
            for row in &disk.rows {
                match &row.state {
                    RowState::Accepted(_) => self.run.accepted += 1,
                    RowState::Unknown => self.run.unknown += 1,
                    RowState::Queued | RowState::Offered => {}
                }
            }
            self.run.received += u64::try_from(disk.inbox.len()).unwrap();
            self.run.repeats += disk.repeats;
            self.run.trace += &format!("{name}: {:?}\n", disk.inbox);
        }
        self.run.simulated = self.sim.elapsed();
        self.run
    }
}

/// One life of the relay.
async fn relay(
    store: Arc<dyn Store>,
    wall: Arc<AtomicU64>,
    stop: CancellationToken,
) -> turmoil::Result {
    let config = tidings_relay::Config {
        clock: Clock::new(move || wall.load(Ordering::SeqCst)),
        ..tidings_relay::Config::default()
    };
    let hub = Hub::open(config, store).await?;
    let listener = turmoil::net::TcpListener::bind(("0.0.0.0", PORT)).await?;
    serve(hub, Port(listener), stop).await;
    Ok(())
}

struct Port(turmoil::net::TcpListener);

impl Listener for Port {
    type Io = turmoil::net::TcpStream;

    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send {
        self.0.accept()
    }
}
