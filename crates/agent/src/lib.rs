//! The agent: the resident half of Tidings, and its command line.
//!
//! `tidings` alone starts the agent, or shows the window of the one that runs; `tidings COMMAND`
//! asks the running one. The agent owns the tray, the control socket, the window process and its
//! own life; what Tidings does with messages is `tidings_app`'s.
//!
//! Invariants: one agent per user; it links no WebKit and no GTK; whatever ends it (Quit, SIGTERM,
//! SIGINT) ends session, relay and inbox in order; a part of the desktop that is missing or hangs
//! becomes a problem in the status, never a reason not to run.

mod cli;
mod commands;
mod desktop;
mod faces;
mod here;
mod resident;
mod texts;
mod tray;
mod windows;

use std::process::ExitCode;

use clap::Parser;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    // Whoever stays does without clap, whose code and tables would stay too.
    let hidden = match arguments.as_slice() {
        [] => Some(false),
        [only] if only == "--hidden" => Some(true),
        _ => None,
    };
    if let Some(hidden) = hidden {
        return resident::main(&cli::Start { hidden });
    }
    let cli = cli::Cli::parse();
    match cli.command {
        None => resident::main(&cli.start),
        Some(command) => commands::main(command),
    }
}
