//! One run: every workload, and for each the systems in turn, as many rounds as asked for.
//!
//! Each measurement has a server of its own, started for it and gone after it, so that nothing of one is felt
//! in the next. The systems take turns (A B A B), so that what else the machine does is felt by all alike.

use anyhow::Result;
use tokio::task::LocalSet;

use crate::figures::Figure;
use crate::flood::{self, Flood};
use crate::scale::Scale;
use crate::server::{Places, Server};
use crate::system::{Name, System};
use crate::ws::Ws;

/// What is run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) places: Places,
    pub(crate) scale: Scale,
    /// Only workloads whose name holds this.
    pub(crate) only: String,
    pub(crate) systems: Vec<Name>,
}

/// What is done with each system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Workload {
    Pairs { pairs: usize, window: usize },
}

/// In the order of a run.
const WORKLOADS: &[(&str, Workload)] = &[
    (
        "one to one, window 256",
        Workload::Pairs {
            pairs: 1,
            window: 256,
        },
    ),
    (
        "one to one, window 1",
        Workload::Pairs {
            pairs: 1,
            window: 1,
        },
    ),
    (
        "50 to 50, window 16",
        Workload::Pairs {
            pairs: 50,
            window: 16,
        },
    ),
];

/// A quantity that a workload measures, behind its name; the empty one is the workload's own.
pub(crate) type Quantity = (&'static str, f64, &'static str);

impl Run {
    /// Runs it; the figures, and how many measurements could not be made.
    pub(crate) async fn run(&self) -> (Vec<Figure>, usize) {
        let (mut figures, mut failed) = (Vec::new(), 0);
        let chosen = WORKLOADS
            .iter()
            .filter(|(name, _)| name.contains(&self.only));
        for (name, workload) in chosen {
            for round in 1..=self.scale.rounds {
                for system in self
                    .systems
                    .iter()
                    .filter(|system| workload.suits(**system))
                {
                    match self.measure(*workload, *system).await {
                        Ok(quantities) => {
                            tell(name, round, *system, &quantities);
                            figures.extend(
                                quantities
                                    .iter()
                                    .map(|quantity| figure(name, *system, quantity)),
                            );
                        }
                        Err(error) => {
                            failed += 1;
                            complain(name, *system, &error);
                        }
                    }
                }
            }
        }
        (figures, failed)
    }

    async fn measure(&self, workload: Workload, system: Name) -> Result<Vec<Quantity>> {
        let server = Server::start(system, &self.places)?;
        let local = LocalSet::new();
        match system {
            Name::Null | Name::RelayOs | Name::RelayDisk => {
                let ws = Ws {
                    address: server.address,
                    null: system == Name::Null,
                };
                local
                    .run_until(workload.run(&ws, &server, &self.scale))
                    .await
            }
        }
    }
}

impl Workload {
    fn suits(self, _system: Name) -> bool {
        true
    }

    async fn run<S: System>(
        self,
        system: &S,
        server: &Server,
        scale: &Scale,
    ) -> Result<Vec<Quantity>> {
        match self {
            Self::Pairs { pairs, window } => {
                let flood = Flood {
                    pairs,
                    window,
                    warm_up: scale.warm_up,
                    time: scale.time,
                };
                let seen = flood::flood(system, server, flood).await?;
                Ok(vec![
                    ("", seen.rate, "messages/s"),
                    ("server's CPU", seen.server, "µs/message"),
                    ("generator's CPU", seen.generator, "µs/message"),
                ])
            }
        }
    }
}

fn figure(workload: &str, system: Name, (quantity, value, unit): &Quantity) -> Figure {
    let workload = if quantity.is_empty() {
        workload.to_owned()
    } else {
        format!("{workload}: {quantity}")
    };
    Figure {
        workload,
        system: system.text(),
        value: *value,
        unit,
    }
}

#[expect(clippy::print_stdout, reason = "somebody waits for minutes")]
fn tell(workload: &str, round: usize, system: Name, quantities: &[Quantity]) {
    let said: Vec<_> = quantities
        .iter()
        .map(|(quantity, value, unit)| format!("{quantity} {value:.1} {unit}"))
        .collect();
    println!(
        "{workload}, round {round}, {}:{}",
        system.text(),
        said.join(", ")
    );
}

#[expect(clippy::print_stderr, reason = "the run goes on without it")]
fn complain(workload: &str, system: Name, error: &anyhow::Error) {
    eprintln!(
        "{workload}, {}: could not be measured: {error:#}",
        system.text()
    );
}
