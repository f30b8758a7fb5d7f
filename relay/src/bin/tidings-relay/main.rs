//! `tidings-relay`: the command line of the relay, and its settings. All else is the library's.

mod commands;
mod descriptors;
mod keys;
mod layers;
mod serve;
mod settings;
mod signals;
mod supervisor;

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::ArgMatches;

use crate::{layers::Layers, settings::Settings};

fn main() -> ExitCode {
    let matches = commands::command().get_matches();
    let outcome = match matches.subcommand() {
        Some(("check", matches)) => commands::check(matches),
        Some(("tokens", matches)) => commands::tokens(matches),
        Some(("clients", matches)) => commands::clients(matches),
        Some(("queue", matches)) => commands::queue(matches),
        Some(("backup", matches)) => commands::backup(matches),
        Some(("mail", matches)) => commands::mail(matches),
        _ => run(&matches),
    };
    outcome.unwrap_or_else(|error| {
        // Nobody is left to tell if this fails.
        let _ = writeln!(std::io::stderr(), "tidings-relay: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let read = settings::read(&Layers::gather(matches)?);
    let warnings = read.warnings.clone();
    let settings = read.accept()?;
    log(&settings);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    serve::run(settings)
}

fn log(settings: &Settings) {
    // Also where the finest level asks for all libraries.
    let filter = format!("{},{}=info", settings.log, settings::TALKATIVE);
    let log = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if settings.log_json {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
}

/// Writes to standard output; a reader that has gone away is no error of ours.
fn print(text: &str) {
    let mut stdout = std::io::stdout();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}
