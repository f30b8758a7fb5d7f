//! The project's chores as one program: `cargo xtask COMMAND`.
//!
//! This file owns the list of commands. Each has a file of its own; `sh` is how all of them call
//! other programs, `steps` what several of them do.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person who called it"
)]

mod bench;
mod bounds;
mod demo;
mod figures;
mod fuzz;
mod icons;
mod run;
mod setup;
mod sh;
mod sim;
mod steps;
mod test;
mod tidy;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of Tidings.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and running need: system packages, the UI's packages
    Setup {
        /// Also what the tests and the demo need: a virtual display, notification daemon, panel
        #[arg(long)]
        tests: bool,
    },
    /// Set up, build and start Tidings; without a display, on a virtual one
    Run {
        /// Build with optimisations (slower to build, smaller and faster to run)
        #[arg(long)]
        release: bool,
    },
    /// Show the main job on a virtual desktop; pictures and figures go to target/demo
    Demo,
    /// Take pictures of every page into target/screens, and check each for barriers
    Screens {
        /// Only the pages whose names hold one of these
        names: Vec<String>,
        /// Only check: no pictures, and quicker
        #[arg(long)]
        check: bool,
    },
    /// Set up and run everything that CI runs; ends in the tests' count
    Test,
    /// Kill the relay again and again under load; ends in what was lost, repeated, reordered or untold
    Torture {
        /// How often
        #[arg(long, default_value_t = 300)]
        kills: u32,
        /// Repeat the schedule of a run, as far as real processes can
        #[arg(long)]
        seed: Option<u64>,
        /// Fill the disk at random moments (Linux; takes namespaces, which some systems forbid)
        #[arg(long)]
        disk_full: bool,
    },
    /// Kill the agent again and again while messages come; ends in what was lost or told twice (Linux)
    TortureDesktop {
        /// How often
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// How many messages come meanwhile
        #[arg(long, default_value_t = 5000)]
        messages: u32,
    },
    /// Measure the desktop with a full inbox, in a release build: opening, search, scrolling, rest (Linux)
    FiguresDesktop {
        /// Messages in the inbox
        #[arg(long, default_value_t = 100_000)]
        messages: u32,
        /// How long the agent is watched at rest, in seconds
        #[arg(long, default_value_t = 600)]
        idle: u64,
    },
    /// Measure the relay beside its peers, in a release build; the report goes to target/bench (Linux)
    #[command(disable_help_flag = true)]
    Bench {
        /// What the program takes: --only WORKLOAD, --system NAME, --rounds N, --quick; --help says more
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Measure the relay's memory under load; ends in how many of its bounds hold (Linux)
    Bounds {
        /// Only the cases whose name holds this
        #[arg(long)]
        only: Option<String>,
    },
    /// Run every fuzz target in turn, or one of them
    Fuzz {
        /// Each for so long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// This target only
        target: Option<String>,
    },
    /// Run the simulation over many seeds, in a release build; ends in `sim: N seeds, V violations`
    Sim {
        /// So many, from 0 on
        #[arg(long, default_value_t = 1000)]
        seeds: u64,
        /// This one only, to look at it again
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Check the rules of the house
    Tidy,
    /// Write the UI's types anew from crates/control
    Bindings,
    /// Draw the icons anew from src-tauri/icons/*.svg
    Icons,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Setup { tests } => setup::setup(tests),
        Command::Run { release } => run::run(release),
        Command::Demo => demo::demo(),
        Command::Screens { names, check } => steps::screens(&names, check),
        Command::Test => test::test(),
        Command::Torture {
            kills,
            seed,
            disk_full,
        } => torture::torture(kills, seed, disk_full),
        Command::TortureDesktop { kills, messages } => torture::desktop(kills, messages),
        Command::FiguresDesktop { messages, idle } => figures::desktop(messages, idle),
        Command::Sim { seeds, seed } => sim::sim(seeds, seed),
        Command::Bench { options } => bench::bench(&options),
        Command::Bounds { only } => bounds::bounds(only.as_deref()),
        Command::Fuzz { seconds, target } => fuzz::fuzz(seconds, target.as_deref()),
        Command::Tidy => tidy::tidy(),
        Command::Bindings => steps::write_bindings(),
        Command::Icons => icons::icons(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
