//! One run: trouble by seed while messages are written, then peace until all is settled, then a while
//! in which nothing more may come.

use std::time::Duration;

use tidings_protocol::Name;

use crate::check::{self, Checked, Violation, violation};
use crate::desk::ROWS;
use crate::disk::{Which, lock};
use crate::fault::{Fault, RELAY, TWIN};
use crate::journal;
use crate::report::Run;
use crate::world::{TICK, World};

/// While this lasts, things go wrong and messages are written.
const TROUBLE: Duration = Duration::from_secs(45);

/// After it, all has to be delivered within this: a dead line is found in 90 s at worst, the next
/// attempt comes a minute later.
const SETTLING: Duration = Duration::from_secs(240);

/// Then this long nothing more may come: longer than the first re-sends.
const QUIET: Duration = Duration::from_secs(15);

/// How long a process that ends in order may take: the relay's bound, and a moment.
const GOODBYE: Duration = Duration::from_secs(6);

/// Runs a seed; the first violation, if there is one.
pub(crate) fn run(seed: u64) -> Result<Run, Violation> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let lasts = TROUBLE + SETTLING + QUIET * 2;
    let mut trouble = Trouble {
        world: World::new(seed, &mut rng, TROUBLE, lasts),
        rng,
        faults: Vec::new(),
        next: Duration::from_secs(1),
    };
    let (mut done_at, mut is_peace) = (None, false);
    while done_at.is_none_or(|at| trouble.now() < at + QUIET) {
        trouble.step()?;
        trouble.heal();
        if trouble.now() < TROUBLE {
            trouble.stir();
            continue;
        }
        if !std::mem::replace(&mut is_peace, true) {
            trouble.let_held_be_due();
        }
        if done_at.is_none() && trouble.is_whole_second() {
            match trouble.is_complete() {
                Ok(()) => done_at = Some(trouble.now()),
                Err(missing) if trouble.now() > TROUBLE + SETTLING => return Err(missing),
                Err(_) => {}
            }
        }
    }
    trouble.is_complete()?;
    Ok(trouble.world.report())
}

struct Trouble {
    world: World,
    rng: fastrand::Rng,
    /// What is wrong, and when it ends.
    faults: Vec<(Fault, Duration)>,
    next: Duration,
}

impl Trouble {
    fn now(&self) -> Duration {
        self.world.sim.elapsed()
    }

    fn is_whole_second(&self) -> bool {
        self.now().subsec_millis() < u32::try_from(TICK.as_millis()).unwrap()
    }

    fn step(&mut self) -> Checked {
        let stepped = self.world.step();
        // What was seen on the way says more than how a host failed of it.
        if let Some(seen) = self.world.watch.lock().unwrap().violation() {
            return Err(seen);
        }
        if let Err(words) = stepped {
            return violation!(Settles, "{words}");
        }
        // What is wrong in an inbox stays there, so not every step has to be looked at.
        if self.is_whole_second() {
            let mut watch = self.world.watch.lock().unwrap();
            watch.look(self.now());
            let came_anew = |which: &Which| watch.came_anew(which);
            check::safety(&self.world.disks, &self.world.plan, came_anew)?;
        }
        Ok(())
    }

    /// Ends what has lasted its time.
    fn heal(&mut self) {
        let now = self.now();
        let over: Vec<_> = self
            .faults
            .extract_if(.., |(_, until)| *until <= now)
            .collect();
        for (fault, _) in over {
            self.world.end(&fault);
        }
    }

    /// Begins something new now and then.
    fn stir(&mut self) {
        let now = self.now();
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_millis(self.rng.u64(200..2_500));
        if self.rng.u8(0..10) == 0 {
            let off = self.draw_clock();
            self.world.step_clock(off);
            return;
        }
        let Some(fault) = self.draw() else { return };
        // Short ones mostly: what matters is that something is under way when they begin and end.
        let longest = if self.rng.bool() { 2_000 } else { 20_000 };
        let mut lasts = Duration::from_millis(self.rng.u64(50..longest));
        if matches!(fault, Fault::Quit(_)) {
            lasts = lasts.max(GOODBYE);
        }
        if fault.host() == RELAY {
            // Its end is seen by all, or by none.
            let network = |fault: &Fault| fault.is_of_the_network();
            let over: Vec<_> = self
                .faults
                .extract_if(.., |(fault, _)| network(fault))
                .collect();
            for (fault, _) in over {
                self.world.end(&fault);
            }
        }
        self.world.begin(&fault);
        self.faults.push((fault, now + lasts));
    }

    /// Where the clock was set back, what is held would be so for hours.
    fn let_held_be_due(&mut self) {
        let due_ms = self.world.watch.lock().unwrap().last_due_ms();
        let wall_ms = self.world.wall_ms();
        if let Some(wait_ms) = due_ms.and_then(|due_ms| due_ms.checked_sub(wall_ms)) {
            let off = self.world.clock_off() + i64::try_from(wait_ms).unwrap();
            self.world.step_clock(off);
        }
    }

    /// Where the relay's clock goes: a little off mostly, else anywhere.
    fn draw_clock(&mut self) -> i64 {
        let may_be = self.world.plan.clock_off.clone();
        let off = if self.rng.bool() {
            self.world.clock_off() + self.rng.i64(-5_000..5_000)
        } else {
            self.rng.i64(may_be.clone())
        };
        off.clamp(may_be.start, may_be.end)
    }

    /// A fault of a host that has none.
    fn draw(&mut self) -> Option<Fault> {
        let clients = &self.world.clients;
        let at = self.rng.usize(0..clients.len() + 3);
        let host = match at.checked_sub(clients.len()) {
            None => clients.get(at).unwrap().as_str(),
            Some(0) => RELAY,
            Some(1) => TWIN,
            Some(_) => "disk",
        };
        let host = host.to_owned();
        let kind = self.rng.u8(0..10);
        let is_taken = |(fault, _): &(Fault, _)| {
            fault.host() == host
                || fault.host() == RELAY
                || host == RELAY && *fault == Fault::DiskFull
        };
        if self.faults.iter().any(is_taken) {
            return None;
        }
        Some(match (host.as_str(), kind) {
            (TWIN, 0..6) => Fault::Takeover {
                killed: self.rng.bool(),
            },
            ("disk", 0..2) => Fault::DiskFull,
            (TWIN | "disk", _) => return None,
            (_, 0) => Fault::PowerCut(host),
            (_, 1) => Fault::Kill(host),
            (_, 2) => Fault::Quit(host),
            // It has no network of its own.
            (RELAY, _) => return None,
            (_, 3) => Fault::Partition(host),
            (_, 4) => Fault::OneWay(host, RELAY.to_owned()),
            (_, 5) => Fault::OneWay(RELAY.to_owned(), host),
            (_, 6) => Fault::Hold(host),
            (_, 7) => Fault::Slow(host),
            _ => Fault::Doze(host),
        })
    }

    /// All is received, and the relay knows it.
    fn is_complete(&self) -> Checked {
        let watch = self.world.watch.lock().unwrap();
        watch.all_is_told()?;
        watch.is_nothing_overdue(self.world.wall_ms())?;
        if self.world.plan.reminds {
            watch.all_are_reminded(&self.world.disks)?;
        }
        for (name, disk) in &self.world.disks {
            let disk = lock(disk);
            let (reports, to_cancel) = (&disk.reports, &disk.to_cancel);
            if !reports.is_empty() {
                return violation!(Receipts, "{name} has no answer to {reports:?}");
            }
            if !to_cancel.is_empty() {
                return violation!(CancelledForGood, "{name} has no answer to {to_cancel:?}");
            }
        }
        let fate = |which: &Which, name: &Name| {
            let mid = watch.mid(which)?;
            let kept = journal::status(&self.world.relay_disk.kept, mid, name);
            // After a leap of its clock the relay forgets what is done with.
            let forgotten = kept.is_none() && self.world.plan.forgets_refs;
            kept.or_else(|| watch.status(mid, name).filter(|_| forgotten))
        };
        check::completeness(&self.world.disks, &self.world.plan, ROWS, fate)
    }
}
