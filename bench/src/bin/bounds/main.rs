//! `cargo xtask bounds`: how much memory the relay takes under what a hostile or a busy network does to it.
//!
//! Each case has a relay of its own, as a child process with its defaults, and speaks to it over the public
//! protocol. Memory is what the system says of that process (Linux only): its proportional set before and after,
//! and the most it ever had resident between. A case names its bounds as constants with their reasons. The program
//! fails where one does not hold; its last line is the verdict.

#![expect(clippy::print_stdout, reason = "its figures")]

mod client;
mod crowds;
mod floods;
mod queues;
mod relay;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use crate::relay::Relay;

/// No case takes longer, on a slow machine either: one that does waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Measures the relay's memory under eight kinds of load, each with a bound.
#[derive(Debug, Parser)]
pub(crate) struct Cli {
    /// The relay's program
    #[arg(long, default_value = "target/release/tidings-relay")]
    relay: PathBuf,
    /// Only the cases whose name holds this
    #[arg(long, default_value = "")]
    only: String,
    /// Messages to queue
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
}

/// What a case measured.
pub(crate) struct Figures {
    before: u64,
    peak: u64,
    after: u64,
    words: Vec<String>,
    broken: Vec<String>,
}

impl Figures {
    /// Reads the relay's peak and present memory; `before` is what it took before the case, in bytes.
    pub(crate) fn of(relay: &Relay, before: u64) -> Result<Self> {
        Ok(Self {
            before,
            peak: relay.peak()?,
            after: relay.memory()?,
            words: Vec::new(),
            broken: Vec::new(),
        })
    }

    /// One more thing to tell.
    pub(crate) fn tell(&mut self, words: impl Into<String>) {
        self.words.push(words.into());
    }

    /// The most that the case made the relay hold beyond what it had before.
    pub(crate) fn grown_at_peak(&self) -> u64 {
        self.peak.saturating_sub(self.before)
    }

    /// Holds a bound, or notes that it is broken.
    pub(crate) fn hold(&mut self, what: &str, is: u64, at_most: u64) {
        if is > at_most {
            self.broken
                .push(format!("{what} is {is}, the bound is {at_most}"));
        }
    }

    /// Notes something that must be so.
    pub(crate) fn require(&mut self, what: &str, so: bool) {
        if !so {
            self.broken.push(what.to_owned());
        }
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    // Thousands of sockets; the relay inherits it.
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")?;

    let (mut ran, mut held) = (0, 0);
    let mut done = |name: &str, figures: Result<Figures>| {
        ran += 1;
        held += u32::from(report(name, figures));
    };
    macro_rules! case {
        ($name:literal, $case:expr) => {
            if $name.contains(&cli.only) {
                let case = timeout(PATIENCE, $case).await;
                done($name, case.unwrap_or_else(|late| Err(late.into())));
            }
        };
    }
    case!("5,000 idle clients", crowds::idle(&cli));
    case!(
        "1,000 connections that never authenticate",
        crowds::strangers(&cli)
    );
    case!("requests that never end", crowds::slow_requests(&cli));
    case!("a reader that never reads", queues::unread(&cli));
    case!("a million queued messages", queues::million(&cli));
    case!("bodies of 64 MiB", floods::bodies(&cli));
    case!("a flood of failed AUTHs", floods::guesses(&cli));
    case!("a flood of unknown names", floods::names(&cli));
    println!("bounds: {held} of {ran} hold");
    Ok(if held == ran && ran > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn report(name: &str, figures: Result<Figures>) -> bool {
    let figures = match figures {
        Ok(figures) => figures,
        Err(error) => {
            println!("{name}: could not be measured: {error:#}");
            return false;
        }
    };
    let verdict = if figures.broken.is_empty() {
        "holds".to_owned()
    } else {
        format!("BROKEN: {}", figures.broken.join("; "))
    };
    println!(
        "{name}: before {}, peak {}, after {}; {}: {verdict}",
        mib(figures.before),
        mib(figures.peak),
        mib(figures.after),
        figures.words.join(", ")
    );
    figures.broken.is_empty()
}

/// Bytes as people read them.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20)
}
