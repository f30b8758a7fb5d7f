//! One relay, several clients, and a world that fails by seed: a network with partitions and delays,
//! processes that crash, a wall clock that steps, a second computer of the same name, readers that do
//! not read, a disk that is slow or full. What must hold all the same is named in `check`.
//!
//! The relay and the sessions are the real ones over a simulated network and clock. A store in memory
//! behind a point of commit stands for the relay's disk and a list for each client's; they are all
//! that is left after a crash. `run` in `trouble` is one run.
//!
//! `TIDINGS_SIM_SEED=n` runs one seed, `TIDINGS_SIM_SEEDS=n` as many from 0 on; `cargo xtask sim` does
//! the same in a release build.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it ran"
)]

mod check;
mod desk;
mod disk;
mod extended;
mod fault;
mod frames;
mod journal;
mod line;
mod plan;
mod relay;
mod report;
mod script;
mod tap;
mod trouble;
mod watch;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use check::Violation;
use report::Run;
use trouble::run;

/// Seeds of a plain `cargo test`: about a minute in a debug build on one core.
const SEEDS: u64 = 100;

/// After so many seeds a line says how far it is.
const PROGRESS: u64 = 250;

fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

/// What came of many runs.
#[derive(Default)]
struct Runs {
    done: u64,
    /// In the order of their seeds, once all are done.
    failures: Vec<(u64, String)>,
    total: Run,
}

impl Runs {
    fn add(&mut self, seed: u64, ran: std::thread::Result<Result<Run, Violation>>) {
        self.done += 1;
        let violation = match ran {
            Ok(Ok(run)) => return self.total.add(&run),
            Ok(Err(violation)) => violation.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        eprintln!("seed {seed}: {violation}\n    again: cargo xtask sim --seed {seed}");
        self.failures.push((seed, violation));
    }

    fn summary(&self) -> String {
        let (done, violations) = (self.done, self.failures.len());
        format!("sim: {done} seeds, {violations} violations")
    }
}

/// Runs the seeds on all cores, and says now and then how far it is.
fn run_all(seeds: std::ops::Range<u64>) -> Runs {
    let next = AtomicU64::new(seeds.start);
    let runs = Mutex::new(Runs::default());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    let ran = catch_unwind(AssertUnwindSafe(|| run(seed)));
                    let mut runs = runs.lock().unwrap();
                    runs.add(seed, ran);
                    if runs.done.is_multiple_of(PROGRESS) {
                        eprintln!("{}", runs.summary());
                    }
                }
            });
        }
    });
    let mut runs = runs.into_inner().unwrap();
    runs.failures.sort();
    runs
}

#[test]
fn every_accepted_message_arrives_once_and_in_order() {
    let seeds = match from_environment("TIDINGS_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("TIDINGS_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let runs = run_all(seeds);
    for (seed, violation) in &runs.failures {
        eprintln!("seed {seed}: {violation}");
    }
    eprintln!("{}\n{}", runs.total, runs.summary());
    assert!(runs.failures.is_empty(), "see above");
    assert!(
        runs.done < 20 || runs.total.is_worth_it(),
        "too little happened: {}",
        runs.total
    );
}

/// Without this, a seed that failed could not be looked at.
#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 0..6 {
        assert_eq!(run(seed).unwrap(), run(seed).unwrap(), "seed {seed}");
    }
}
