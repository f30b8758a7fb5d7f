//! What several commands do: build the UI and the programs, keep the UI's types current.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::sh::{output, root, sh, target};

const BINDINGS: &str = "ui/src/lib/backend/bindings.ts";

/// Builds the pages that the window program embeds.
pub(crate) fn build_ui() -> Result<()> {
    sh(&["npm", "--prefix", "ui", "run", "--silent", "build"])
}

/// Looks at every page of the UI, or at those named: see `ui/scripts/screens.mjs`. Needs a Chromium.
pub(crate) fn screens(names: &[String], check: bool) -> Result<()> {
    let mut words = vec!["npm", "--prefix", "ui", "run", "--silent", "screens", "--"];
    if check {
        words.push("--check");
    }
    words.extend(names.iter().map(String::as_str));
    sh(&words)
}

/// Builds both programs and the relay; returns the folder they are in.
pub(crate) fn build_programs(release: bool) -> Result<PathBuf> {
    let mut words = vec![
        "cargo",
        "build",
        "--package",
        "tidings",
        "--package",
        "tidings-relay",
    ];
    if release {
        words.push("--release");
    }
    sh(&words)?;
    Ok(target().join(if release { "release" } else { "debug" }))
}

/// Writes the UI's types anew from crates/control.
pub(crate) fn write_bindings() -> Result<()> {
    fs::write(root().join(BINDINGS), bindings()?)?;
    println!("wrote {BINDINGS}");
    Ok(())
}

/// Fails where the UI's types are not those of crates/control.
pub(crate) fn check_bindings() -> Result<()> {
    if fs::read_to_string(root().join(BINDINGS))? != bindings()? {
        bail!("{BINDINGS} is not what crates/control says: run `cargo xtask bindings`");
    }
    Ok(())
}

fn bindings() -> Result<String> {
    output(&[
        "cargo",
        "run",
        "--quiet",
        "--package",
        "tidings-control",
        "--features",
        "bindings",
        "--example",
        "bindings",
    ])
}
