//! `cargo xtask test`: everything that CI runs, from a clean clone.
//!
//! The quick checks come first. The Rust tests come last, so that a run ends in their count.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::sh::{command, sh};
use crate::{setup, steps, tidy};

/// Sets up, checks and tests.
pub(crate) fn test() -> Result<()> {
    let began = Instant::now();
    step("setup", || setup::setup(true))?;
    step("formatting", || sh(&["cargo", "fmt", "--all", "--check"]))?;
    step("tidy", tidy::tidy)?;
    step("UI build", steps::build_ui)?;
    step("UI checks", || {
        sh(&["npm", "--prefix", "ui", "run", "--silent", "check"])
    })?;
    let mut ui = 0;
    step("UI tests", || {
        ui = counted(
            &["npm", "--prefix", "ui", "test", "--silent"],
            vitest_passed,
        )?;
        Ok(())
    })?;
    step("bindings", steps::check_bindings)?;
    step("clippy", || {
        sh(&[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    step("programs", || steps::build_programs(false).map(drop))?;
    step("what the agent links", tidy::links)?;
    let mut rust = 0;
    step("Rust tests", || {
        rust = counted(
            &["cargo", "test", "--workspace", "--no-fail-fast"],
            cargo_passed,
        )?;
        Ok(())
    })?;
    println!(
        "\n{} tests passed ({rust} Rust, {ui} UI) in {:.0} s",
        rust + ui,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let began = Instant::now();
    work().with_context(|| format!("{name} failed"))?;
    println!("== {name}: {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a test command, passing its output on, and adds up what its lines say has passed.
fn counted(words: &[&str], passed: fn(&str) -> Option<u64>) -> Result<u64> {
    println!("$ {}", words.join(" "));
    let mut child = command(words)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().context("no output")?;
    let mut count = 0;
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        count += passed(&line).unwrap_or(0);
        println!("{line}");
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("failed ({status}): {}", words.join(" "));
    }
    if count == 0 {
        bail!("no test ran: {}", words.join(" "));
    }
    Ok(count)
}

/// `test result: ok. 12 passed; ..`
fn cargo_passed(line: &str) -> Option<u64> {
    line.trim()
        .strip_prefix("test result: ok. ")?
        .split_once(" passed")?
        .0
        .parse()
        .ok()
}

/// `Tests  12 passed (12)`
fn vitest_passed(line: &str) -> Option<u64> {
    line.trim()
        .strip_prefix("Tests ")?
        .split_once(" passed")?
        .0
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_closing_lines() {
        let line = "test result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.02s";
        assert_eq!(cargo_passed(line), Some(12));
        assert_eq!(
            cargo_passed("test result: FAILED. 12 passed; 1 failed"),
            None
        );
        assert_eq!(vitest_passed("      Tests  31 passed (31)"), Some(31));
        assert_eq!(vitest_passed(" Test Files  4 passed (4)"), None);
    }
}
