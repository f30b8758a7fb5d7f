//! `cargo xtask figures-desktop`: how quick and how light the desktop is with a full inbox.
//!
//! Knows only what to build; the measuring is a program of `tests`.

use anyhow::Result;

use crate::{sh, steps};

/// Builds for release and measures; the figures go to `target/bench/desktop.json`.
pub(crate) fn desktop(messages: u32, idle: u64) -> Result<()> {
    steps::build_ui()?;
    let programs = steps::build_programs(true)?;
    let figures = ["--package", "tidings-tests", "--bin", "figures-desktop"];
    sh::sh(&[&["cargo", "build", "--release"][..], &figures].concat())?;
    let program = programs.join("figures-desktop");
    let mut command = sh::command(&[&program.to_string_lossy()]);
    command.arg(sh::target().join("bench/desktop.json"));
    command.args([
        "--messages",
        &messages.to_string(),
        "--idle",
        &idle.to_string(),
    ]);
    sh::run(&mut command)
}
