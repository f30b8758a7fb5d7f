//! `cargo xtask run`: from a clone to the running program in one command.

use anyhow::Result;

use crate::{setup, sh, steps};

/// Sets up, builds and starts Tidings, on a virtual display where there is no other.
pub(crate) fn run(release: bool) -> Result<()> {
    setup::setup(false)?;
    steps::build_ui()?;
    let programs = steps::build_programs(release)?;
    let tidings = programs.join("tidings");
    let tidings = tidings.to_string_lossy();
    let seen = |key| std::env::var_os(key).is_some_and(|value| !value.is_empty());
    if seen("DISPLAY") || seen("WAYLAND_DISPLAY") || cfg!(not(target_os = "linux")) {
        println!("Starting Tidings. Its icon is in the tray; Quit in its menu ends it.");
        return sh::sh(&[&tidings]);
    }
    println!("There is no display here: starting Tidings on a virtual one.");
    setup::virtual_desktop()?;
    let picture = sh::target().join("screen.png");
    let picture = picture.to_string_lossy();
    sh::sh(&[
        "cargo",
        "run",
        "--quiet",
        "--package",
        "tidings-tests",
        "--bin",
        "virtual",
        "--",
        &picture,
        &tidings,
    ])
}
