//! `cargo xtask demo`: the main job on a virtual desktop, with pictures and figures.

use anyhow::Result;

use crate::{setup, sh, steps};

/// Builds for release and lets the rig's demo program do the job.
pub(crate) fn demo() -> Result<()> {
    setup::setup(true)?;
    steps::build_ui()?;
    let programs = steps::build_programs(true)?;
    let to = sh::target().join("demo");
    sh::sh(&[
        "cargo",
        "run",
        "--quiet",
        "--package",
        "tidings-tests",
        "--bin",
        "demo",
        "--",
        &to.to_string_lossy(),
        &programs.to_string_lossy(),
    ])?;
    println!("Pictures and figures are in {}", to.display());
    Ok(())
}
