//! `cargo xtask bench`: the relay beside its peers, in one run.
//!
//! Knows only what to build; the measuring is a program of `bench`.

use anyhow::Result;

use crate::{setup, sh};

/// Installs the peers, builds both programs for release and measures; `options` are those of the program.
pub(crate) fn bench(options: &[String]) -> Result<()> {
    setup::brokers()?;
    sh::sh(&["cargo", "build", "--release", "--package", "tidings-relay"])?;
    let bench = ["--package", "tidings-bench", "--bin", "tidings-bench"];
    sh::sh(&[&["cargo", "build", "--release"][..], &bench].concat())?;
    let release = sh::target().join("release");
    let mut command = sh::command(&[&release.join("tidings-bench").to_string_lossy()]);
    command.arg("--relay").arg(release.join("tidings-relay"));
    command.arg("--to").arg(sh::target().join("bench"));
    command.args(options);
    // Where Debian has servers, and a person's PATH has not.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin"));
    sh::run(&mut command)
}
