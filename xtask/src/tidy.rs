//! `cargo xtask tidy`: the rules of the house that a program can check.
//!
//! Each rule is a function that adds what it finds to a list, so that one run shows everything.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::sh::{output, root, target};

/// Which rooms a room may build on. What is not here must not be.
const ROOMS: &[(&str, &[&str])] = &[
    ("tidings-protocol", &[]),
    ("tidings-control", &[]),
    ("tidings-session", &["tidings-protocol"]),
    ("tidings-relay", &["tidings-protocol"]),
    (
        "tidings-app",
        &[
            "tidings-control",
            "tidings-protocol",
            "tidings-session",
            "tidings-relay",
        ],
    ),
    ("tidings-agent", &["tidings-app", "tidings-control"]),
    ("tidings", &["tidings-agent", "tidings-control"]),
];

/// Rooms that see all others, because they test or measure them.
const OUTSIDE: &[&str] = &["tidings-tests", "tidings-bench", "xtask"];

/// Lines of a Rust file, beyond which it has more than one thought. 150 are usual.
const LINES: usize = 500;

/// Likewise of a file of tests: one story after the other reads well for longer.
const TEST_LINES: usize = 700;

/// Libraries that the agent must not be linked with: they cost more memory than all of it.
const NOT_IN_THE_AGENT: &[&str] = &["webkit", "javascriptcore", "gtk", "gdk"];

/// Checks all rules; an error lists what breaks them.
pub(crate) fn tidy() -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .exec()?;
    let files = output(&[
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ])?;
    let mut found = Vec::new();
    directions(&metadata, &mut found);
    one_tray(&mut found)?;
    for file in files.lines() {
        let Ok(text) = fs::read_to_string(root().join(file)) else {
            continue;
        };
        rust_file(file, &text, &mut found);
        reasons(file, &text, &mut found);
        places(file, &text, &mut found);
    }
    agent_links(&mut found)?;
    verdict(&found)
}

/// Checks the built agent alone; an error where it is not built.
pub(crate) fn links() -> Result<()> {
    let mut found = Vec::new();
    if agent_links(&mut found)? == 0 && cfg!(target_os = "linux") {
        bail!("the agent is not built");
    }
    verdict(&found)
}

fn verdict(found: &[String]) -> Result<()> {
    if found.is_empty() {
        println!("tidy");
        return Ok(());
    }
    bail!("{} untidy:\n  {}", found.len(), found.join("\n  "))
}

/// Dependencies between rooms point one way.
fn directions(metadata: &Metadata, found: &mut Vec<String>) {
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let rooms = ROOMS
            .iter()
            .find(|(room, _)| *room == name)
            .map(|(_, rooms)| *rooms);
        for dependency in &package.dependencies {
            let on = dependency.name.as_str();
            let inside = on == "tidings" || on.starts_with("tidings-");
            let allowed = match rooms {
                _ if !inside || OUTSIDE.contains(&name) => true,
                // Tests of a room may look further, but never from the two sides of the wire.
                Some(_) if dependency.kind == DependencyKind::Development => {
                    (name, on) != ("tidings-session", "tidings-relay")
                        && (name, on) != ("tidings-relay", "tidings-session")
                }
                Some(rooms) => rooms.contains(&on),
                None => false,
            };
            if !allowed {
                found.push(format!(
                    "{name} must not depend on {on}: see ROOMS in xtask tidy"
                ));
            }
            if on.starts_with("tauri") && name != "tidings" {
                found.push(format!("{name} names {on}: only the window program may"));
            }
        }
    }
}

/// Two versions of tray-icon in one tree would fight about its Linux back end.
fn one_tray(found: &mut Vec<String>) -> Result<()> {
    // The tree knows what is built; the metadata also lists what an unused feature would bring.
    let tree = output(&[
        "cargo",
        "tree",
        "--workspace",
        "--prefix",
        "none",
        "--edges",
        "normal",
    ])?;
    let trays: BTreeSet<&str> = tree
        .lines()
        .filter(|line| line.starts_with("tray-icon "))
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    if trays.len() != 1 {
        found.push(format!(
            "one version of tray-icon is meant to be built, not {trays:?}"
        ));
    }
    Ok(())
}

/// A file says what it owns, and has one thought.
fn rust_file(file: &str, text: &str, found: &mut Vec<String>) {
    if Path::new(file)
        .extension()
        .is_none_or(|extension| extension != "rs")
    {
        return;
    }
    if !text.starts_with("//!") {
        found.push(format!("{file} does not open with //! and what it owns"));
    }
    let lines = text.lines().count();
    let limit = if file.contains("tests") {
        TEST_LINES
    } else {
        LINES
    };
    if lines > limit {
        found.push(format!(
            "{file} has {lines} lines, more than {limit}: part its thoughts"
        ));
    }
    // One package, two programs: what one names, the other must not be linked with.
    let window = file.starts_with("src-tauri/src/") && !file.contains("/bin/");
    if file == "src-tauri/src/bin/tidings.rs"
        && ["tauri", "tidings_window"]
            .iter()
            .any(|name| text.contains(&format!("{name}::")))
    {
        found.push(format!("{file} names the windows: it is the agent"));
    }
    if window && text.contains("tidings_agent") {
        found.push(format!(
            "{file} names the agent: windows reach it by the socket alone"
        ));
    }
}

/// Every dependency has a reason beside it; those on other rooms explain themselves.
fn reasons(file: &str, text: &str, found: &mut Vec<String>) {
    if !file.ends_with("Cargo.toml") || file == "Cargo.toml" {
        return;
    }
    let mut dependencies = false;
    let mut before = "";
    for line in text.lines() {
        let reason = std::mem::replace(&mut before, line).starts_with('#') || line.contains('#');
        if line.starts_with('[') {
            dependencies = line.contains("dependencies");
        } else if dependencies && line.contains('=') && !line.starts_with("tidings-") && !reason {
            found.push(format!("{file}: `{line}` does not say why"));
        }
    }
}

/// No file names a machine's own folders, or the address a package was once fetched from.
fn places(file: &str, text: &str, found: &mut Vec<String>) {
    if file.ends_with("package-lock.json") && text.contains("\"resolved\"") {
        found.push(format!(
            "{file} names download addresses: npm's omit-lockfile-registry-resolved"
        ));
    }
    // Put together here, so that this file does not name them.
    for folder in ["home", "root", "work"].map(|folder| format!("/{folder}/")) {
        let named = |at: usize| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            before.is_none_or(|c| c.is_whitespace() || "\"'`=(:".contains(c))
        };
        if text.match_indices(&folder).any(|(at, _)| named(at)) {
            found.push(format!("{file} names a folder of one machine: {folder}"));
        }
    }
}

/// What is built of the agent links neither WebKit nor GTK. Gives how many builds were there.
fn agent_links(found: &mut Vec<String>) -> Result<usize> {
    let mut builds = 0;
    for profile in ["debug", "release"] {
        let agent = target().join(profile).join("tidings");
        if !cfg!(target_os = "linux") || !agent.exists() {
            continue;
        }
        builds += 1;
        let libraries = output(&["ldd", &agent.to_string_lossy()])?;
        for library in libraries.lines().map(str::trim) {
            if NOT_IN_THE_AGENT
                .iter()
                .any(|name| library.to_lowercase().contains(name))
            {
                found.push(format!("the agent ({profile}) links {library}"));
            }
        }
    }
    Ok(builds)
}
