//! `cargo xtask torture`: the relay's program killed again and again under load, and what that cost.
//!
//! Knows only what to build; the torture itself is a program of `tests`.

use anyhow::Result;

use crate::sh;

/// Builds both programs for release and runs the torture; an error if it finds anything.
pub(crate) fn torture(kills: u32, seed: Option<u64>, disk_full: bool) -> Result<()> {
    sh::sh(&["cargo", "build", "--release", "--package", "tidings-relay"])?;
    let torture = ["--package", "tidings-tests", "--bin", "torture"];
    sh::sh(&[&["cargo", "build", "--release"][..], &torture].concat())?;
    let program = sh::target().join("release/torture");
    let mut command = sh::command(&[&program.to_string_lossy()]);
    command.args(["--kills", &kills.to_string()]);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if disk_full {
        command.arg("--disk-full");
    }
    sh::run(&mut command)
}
