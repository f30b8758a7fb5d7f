//! `cargo xtask setup`: what a fresh machine lacks, installed or at least named.
//!
//! System packages come through apt where there is one (with sudo where the caller is not root);
//! elsewhere their names are printed. Nothing is installed twice: a second run takes a moment.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::sh::{command, has, root, run, sh, target};

/// What building needs: WebKit for the windows, a C compiler for SQLite.
const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
];

/// What a virtual desktop is made of: display, window manager, bus, panel with a tray,
/// notification daemon, screen pictures.
const DESKTOP: &[&str] = &[
    "dbus",
    "dbus-x11",
    "dunst",
    "fonts-noto-cjk",
    "imagemagick",
    "openbox",
    "xfce4-panel",
    "xfconf",
    "xvfb",
];

/// What the tests use on top: a driver for the window, a keyring, input, senders.
const TESTS: &[&str] = &[
    "curl",
    "gnome-keyring",
    "libnotify-bin",
    "libglib2.0-bin",
    "python3-venv",
    "webkit2gtk-driver",
    "wget",
    "xdotool",
];

/// What the relay is measured beside.
const BROKERS: &[&str] = &["mosquitto", "nats-server"];

/// The oldest major version of Node.js that is known to work.
const NODE: u32 = 20;

/// Sets up for building and running; with `tests` also for the tests and the demo.
pub(crate) fn setup(tests: bool) -> Result<()> {
    system(BUILD)?;
    if tests {
        virtual_desktop()?;
        system(TESTS)?;
        apprise()?;
    }
    node()?;
    packages("ui")?;
    if tests {
        // What opens the relay's pushes as a browser would.
        packages("relay/tests/push")?;
    }
    Ok(())
}

/// Installs Apprise, with which the relay's tests send as people do, in a folder of its own under
/// `target`; the list names its exact version and those of all that it needs.
fn apprise() -> Result<()> {
    let list = root().join("relay/tests/senders/requirements.txt");
    let home = target().join("apprise");
    let stamp = home.join("requirements.txt");
    let wanted = fs::read(&list)?;
    if fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    run(command(&["python3", "-m", "venv", "--clear"]).arg(&home))?;
    let options = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    let mut pip = Command::new(home.join("bin/pip"));
    run(pip.args(options).arg(list))?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// Installs what a virtual desktop needs.
pub(crate) fn virtual_desktop() -> Result<()> {
    system(DESKTOP)
}

/// Installs what the relay is measured beside. Debian starts such servers as soon as they are there; the bench
/// starts its own, so those are stopped again.
pub(crate) fn brokers() -> Result<()> {
    for broker in BROKERS.iter().filter(|broker| !installed(broker)) {
        system(&[broker])?;
        if Path::new("/run/systemd/system").exists() && installed(broker) {
            privileged(&["systemctl", "disable", "--now", broker])?;
        }
    }
    Ok(())
}

fn system(packages: &[&str]) -> Result<()> {
    if !has("dpkg-query") || !has("apt-get") {
        println!(
            "This system has no apt. Please install what these packages of Debian are called \
             here, where they are missing:\n  {}",
            packages.join(" ")
        );
        return Ok(());
    }
    let missing: Vec<&str> = packages.iter().copied().filter(|p| !installed(p)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing system packages: {}", missing.join(" "));
    apt(&["update", "-qq"])?;
    apt(&[
        &["install", "-y", "-qq", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat())
}

fn installed(package: &str) -> bool {
    command(&["dpkg-query", "-W", "-f", "${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

fn apt(arguments: &[&str]) -> Result<()> {
    let apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    privileged(&[&apt, arguments].concat())
}

/// Runs a command as root, with sudo where the caller is not.
fn privileged(words: &[&str]) -> Result<()> {
    if crate::sh::output(&["id", "-u"])?.trim() == "0" {
        return sh(words);
    }
    if !has("sudo") {
        bail!("not root, and no sudo: run `{}` as root", words.join(" "));
    }
    sh(&[&["sudo"], words].concat())
}

fn node() -> Result<()> {
    let Ok(version) = crate::sh::output(&["node", "--version"]) else {
        bail!("Node.js is missing: install Node.js {NODE} or newer, with npm");
    };
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .unwrap_or_default();
    if major.parse::<u32>().unwrap_or(0) < NODE {
        bail!(
            "Node.js is {}: install Node.js {NODE} or newer, with npm",
            version.trim()
        );
    }
    Ok(())
}

/// Installs a folder's npm packages where they are not those of its lock file.
fn packages(folder: &str) -> Result<()> {
    let lock = root().join(folder).join("package-lock.json");
    let stamp = root().join(folder).join("node_modules/.tidings-lock");
    let wanted = fs::read(lock)?;
    if fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    sh(&["npm", "--prefix", folder, "ci", "--no-audit", "--no-fund"])?;
    fs::write(stamp, wanted)?;
    Ok(())
}
