//! `cargo xtask bench`: the relay beside its peers, in one run on one machine. See README.md in this folder.
//!
//! This file owns the command line. The same program is the generator and, as `tidings-bench null`, the null
//! hub.

#![expect(clippy::print_stdout, reason = "its report")]

mod crowd;
mod desktop;
mod figures;
mod flood;
mod frame;
mod goals;
mod growth;
mod http;
mod idle;
mod jets;
mod latency;
mod mqtt;
mod null;
mod plot;
mod queue;
mod report;
mod run;
mod scale;
mod server;
mod system;
mod workload;
mod ws;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

use crate::run::Run;
use crate::scale::Scale;
use crate::server::Places;
use crate::system::Name;

/// Measures the relay beside its peers; the report goes to target/bench.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    /// The relay's program
    #[arg(long, default_value = "target/release/tidings-relay")]
    relay: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "target/bench")]
    to: PathBuf,
    /// Only workloads whose name holds this
    #[arg(long, default_value = "")]
    only: String,
    /// Only this system; can be repeated
    #[arg(long)]
    system: Vec<Name>,
    /// How often each is measured, in turn
    #[arg(long)]
    rounds: Option<usize>,
    /// Smaller and shorter, for a look
    #[arg(long)]
    quick: bool,
    /// As small as can be, to see that it works
    #[arg(long, hide = true)]
    tiny: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Be the null hub
    #[command(hide = true)]
    Null { port: u16 },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    // Thousands of sockets; the servers inherit it.
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")?;
    if let Some(Part::Null { port }) = cli.part {
        null::serve(port).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut scale = match (cli.tiny, cli.quick) {
        (true, _) => Scale::tiny(),
        (_, true) => Scale::quick(),
        _ => Scale::full(),
    };
    scale.rounds = cli.rounds.unwrap_or(scale.rounds);
    let run = Run {
        places: Places {
            relay: cli.relay,
            data: cli.to.join("data"),
        },
        scale,
        only: cli.only,
        systems: if cli.system.is_empty() {
            Name::value_variants().to_vec()
        } else {
            cli.system
        },
    };
    let mut end = signal(SignalKind::terminate())?;
    let (figures, failed) = tokio::select! {
        done = run.run() => done?,
        // The servers end with the run.
        Some(()) = end.recv() => return Ok(ExitCode::FAILURE),
        interrupted = ctrl_c() => {
            interrupted?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut rows = figures::rows(&figures, Name::Null.text());
    let measured = rows.len();
    if run.only.is_empty() {
        rows.extend(desktop::rows(&cli.to.join("desktop.json"))?);
    }
    let goals = goals::table(&rows, &run.scale);
    let circumstances = server::circumstances();
    println!(
        "\n{}",
        report::write(&rows, &circumstances, &goals, &cli.to)?
    );
    println!(
        "bench: {} rows in {}, {failed} measurements failed",
        rows.len(),
        cli.to.display()
    );
    Ok(if failed == 0 && measured > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
