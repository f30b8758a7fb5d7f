//! `cargo xtask bounds`: the relay's memory under load, each figure with its bound.
//!
//! Knows only what to build; the measuring is a program of `bench`.

use anyhow::Result;

use crate::sh;

/// Builds both programs for release and measures; an error if a bound does not hold.
pub(crate) fn bounds(only: Option<&str>) -> Result<()> {
    sh::sh(&["cargo", "build", "--release", "--package", "tidings-relay"])?;
    let bounds = ["--package", "tidings-bench", "--bin", "bounds"];
    sh::sh(&[&["cargo", "build", "--release"][..], &bounds].concat())?;
    let release = sh::target().join("release");
    let mut command = sh::command(&[&release.join("bounds").to_string_lossy()]);
    command.arg("--relay").arg(release.join("tidings-relay"));
    if let Some(only) = only {
        command.args(["--only", only]);
    }
    sh::run(&mut command)
}
