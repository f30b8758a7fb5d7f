//! `cargo xtask sim`: the simulation over many seeds, in a release build, on all cores.
//!
//! The runs are the tests' own (`tests/tests/simulation`). Their last word is repeated as the last line.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::sh::command;

/// The one test that runs seeds.
const TEST: &str = "every_accepted_message_arrives_once_and_in_order";

/// Runs `seeds` seeds from 0 on, or the one seed alone.
pub(crate) fn sim(seeds: u64, seed: Option<u64>) -> Result<()> {
    let mut words = vec!["cargo", "test", "--release", "--package", "tidings-tests"];
    words.extend(["--test", "simulation", "--", "--exact", "--nocapture", TEST]);
    println!("$ {}", words.join(" "));
    let mut command = command(&words);
    match seed {
        Some(seed) => command.env("TIDINGS_SIM_SEED", seed.to_string()),
        None => command.env("TIDINGS_SIM_SEEDS", seeds.to_string()),
    };
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let output = child.stderr.take().context("no output")?;
    let mut last = None;
    for line in BufReader::new(output).lines() {
        let line = line?;
        eprintln!("{line}");
        if line.starts_with("sim: ") {
            last = Some(line);
        }
    }
    let status = child.wait()?;
    println!("{}", last.as_deref().unwrap_or("sim: no seed was run"));
    if !status.success() {
        bail!("the simulation failed ({status}): each seed that did is named above");
    }
    Ok(())
}
