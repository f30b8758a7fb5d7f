//! One relay, several sessions, a network and processes that fail by seed: every message that was
//! accepted reaches each inbox exactly once, in its sender's order.
//!
//! The relay and the sessions are the real ones over a simulated network and clock; a store in
//! memory stands for the relay's disk and a list for each desk's, so both survive a crash.
//! `TIDINGS_SIM_SEED=n` runs one seed, `TIDINGS_SIM_SEEDS=n` as many from 0 on.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it ran"
)]

mod check;
mod desk;
mod fault;
mod report;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use report::Run;
use world::run;

/// Seeds of a plain `cargo test`: about a minute in a debug build on two cores.
const SEEDS: u64 = 200;

fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

/// Runs the seeds on all cores; the failures, in the order of their seeds.
fn run_all(seeds: std::ops::Range<u64>) -> (Vec<(u64, String)>, Run) {
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    let total = Mutex::new(Run::default());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    match catch_unwind(AssertUnwindSafe(|| run(seed))) {
                        Ok(Ok(run)) => total.lock().unwrap().add(&run),
                        Ok(Err(violation)) => failures.lock().unwrap().push((seed, violation)),
                        Err(_) => failures.lock().unwrap().push((seed, "a panic".to_owned())),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    (failures, total.into_inner().unwrap())
}

#[test]
fn every_accepted_message_arrives_once_and_in_order() {
    let seeds = match from_environment("TIDINGS_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("TIDINGS_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let count = seeds.end - seeds.start;
    let (failures, total) = run_all(seeds);
    for (seed, violation) in &failures {
        eprintln!(
            "seed {seed}: {violation}\n    again: TIDINGS_SIM_SEED={seed} cargo test -p \
             tidings-tests --test simulation -- --nocapture"
        );
    }
    eprintln!("{count} seeds, {} violations; {total}", failures.len());
    assert!(
        failures.is_empty(),
        "{} of {count} seeds failed",
        failures.len()
    );
    assert!(
        count < 20 || total.is_worth_it(),
        "too little happened: {total}"
    );
}

/// Without this, a seed that failed could not be looked at.
#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 0..6 {
        assert_eq!(
            run(seed).unwrap().trace,
            run(seed).unwrap().trace,
            "seed {seed}"
        );
    }
}
