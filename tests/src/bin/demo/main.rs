//! The main job on a virtual desktop with a real panel and a real notification daemon, with
//! pictures and figures: what `cargo xtask demo` runs.
//!
//! Usage: `demo TO PROGRAMS`: the folder for the results, and the one with the built programs.
//! Writes `desktop.png`, `inbox.png`, `compose.png` and `report.json`.
//!
//! Two computers take part: `desk`, on the desktop that is photographed, which hosts the relay; and
//! `ann`, a second agent on a rig of its own.

#![expect(
    clippy::print_stdout,
    reason = "it tells the person who called it how far it is"
)]

mod measure;
mod play;
mod report;
mod scene;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use tidings_tests::programs::Programs;

use crate::scene::Scene;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args_os().skip(1);
    let usage = "usage: demo TO PROGRAMS";
    let to = PathBuf::from(words.next().context(usage)?);
    let programs = PathBuf::from(words.next().context(usage)?);
    let programs = Programs::in_folder(&programs)?;
    fs::create_dir_all(&to)?;

    println!("A desktop with panel and notification daemon, on a virtual display");
    let scene = Scene::set(programs).await?;
    let report = match play::play(&scene, &to).await {
        Ok(report) => report,
        Err(error) => {
            println!("{}", scene.home.logs());
            return Err(error);
        }
    };
    let path = to.join("report.json");
    fs::write(&path, format!("{:#}\n", report.to_json()))?;
    for message in &report.messages {
        println!("{message}");
    }
    println!("{}", report.memory());
    Ok(())
}
