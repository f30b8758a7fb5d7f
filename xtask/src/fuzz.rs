//! `cargo xtask fuzz`: every fuzz target in turn, on the stable toolchain.
//!
//! The targets are those of `fuzz/Cargo.toml`; what they begin with is in `fuzz/corpus`.

use anyhow::{Result, bail};
use cargo_metadata::MetadataCommand;

use crate::sh;

/// Runs each target (or the one) for so many seconds; an error at the first finding.
pub(crate) fn fuzz(seconds: u64, only: Option<&str>) -> Result<()> {
    if !sh::has("cargo-fuzz") {
        bail!("cargo-fuzz is missing: install it with `cargo install --locked cargo-fuzz`");
    }
    let folder = sh::root().join("fuzz");
    let metadata = MetadataCommand::new()
        .manifest_path(folder.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let targets: Vec<_> = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_bin() && only.is_none_or(|only| target.name == only))
        .map(|target| target.name.as_str())
        .collect();
    if targets.is_empty() {
        bail!("no such target: see fuzz/Cargo.toml");
    }
    for target in &targets {
        let mut command = sh::command(&["cargo", "fuzz", "run", target, "--"]);
        // The fuzzer's instrumentation is a compiler flag that stable keeps to itself.
        command.env("RUSTC_BOOTSTRAP", "1");
        command.arg(format!("-max_total_time={seconds}"));
        let words = folder.join("dict").join(format!("{target}.dict"));
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        sh::run(&mut command)?;
    }
    println!(
        "fuzz: {} targets, {seconds} s each, no finding",
        targets.len()
    );
    Ok(())
}
