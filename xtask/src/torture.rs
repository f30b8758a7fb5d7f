//! `cargo xtask torture`: the relay's program killed again and again under load, and what that cost;
//! `cargo xtask torture-desktop`: the same of the agent while messages come.
//!
//! Knows only what to build; the tortures themselves are programs of `tests`.

use anyhow::Result;

use crate::{sh, steps};

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

/// Builds the programs and runs the desktop's torture; an error if it finds anything.
pub(crate) fn desktop(kills: u32, messages: u32) -> Result<()> {
    steps::build_ui()?;
    steps::build_programs(false)?;
    let torture = ["--package", "tidings-tests", "--bin", "torture-desktop"];
    sh::sh(&[&["cargo", "build"][..], &torture].concat())?;
    let program = sh::target().join("debug/torture-desktop");
    let mut command = sh::command(&[&program.to_string_lossy()]);
    command.args(["--kills", &kills.to_string()]);
    command.args(["--messages", &messages.to_string()]);
    sh::run(&mut command)
}
