//! One run: every workload, and for each the systems in turn, as many rounds as asked for.
//!
//! Each measurement has a server of its own, started for it and gone after it, so that nothing of one is felt
//! in the next (but see `growth`). The systems take turns (A B A B), so that what else the machine does is
//! felt by all alike.

use std::fs;

use anyhow::Result;
use tokio::task::LocalSet;

use crate::figures::Figure;
use crate::jets::Jets;
use crate::mqtt::Mqtt;
use crate::report::number;
use crate::scale::Scale;
use crate::server::{Places, Server};
use crate::system::Name;
use crate::workload::{self, Quantity, Workload, quantity};
use crate::ws::Ws;
use crate::{growth, http};

/// What is run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) places: Places,
    pub(crate) scale: Scale,
    /// Only workloads whose name holds this.
    pub(crate) only: String,
    pub(crate) systems: Vec<Name>,
}

impl Run {
    /// Runs it; the figures, and how many measurements could not be made.
    pub(crate) async fn run(&self) -> Result<(Vec<Figure>, usize)> {
        // What a run that was killed has left.
        if self.places.data.exists() {
            fs::remove_dir_all(&self.places.data)?;
        }
        let (mut figures, mut failed) = (Vec::new(), 0);
        for workload in workload::ALL {
            let name = workload.name(&self.scale);
            if !name.contains(&self.only) {
                continue;
            }
            for _ in 0..self.rounds(workload) {
                for system in &self.systems {
                    if !workload.suits(*system) {
                        continue;
                    }
                    match self.measure(workload, *system).await {
                        Ok(quantities) => {
                            tell(&name, *system, &quantities);
                            figures.extend(
                                quantities
                                    .into_iter()
                                    .map(|quantity| figure(workload, &name, *system, quantity)),
                            );
                        }
                        Err(error) => {
                            failed += 1;
                            complain(&name, *system, &error);
                        }
                    }
                }
            }
        }
        Ok((figures, failed))
    }

    fn rounds(&self, workload: Workload) -> usize {
        match workload {
            // These have rounds of their own.
            Workload::Known | Workload::Queued => 1,
            Workload::Idle => self.scale.idle_rounds.min(self.scale.rounds),
            _ => self.scale.rounds,
        }
    }

    async fn measure(&self, workload: Workload, name: Name) -> Result<Vec<Quantity>> {
        let local = LocalSet::new();
        let (places, scale) = (&self.places, &self.scale);
        local
            .run_until(async {
                match (workload, name) {
                    (Workload::Known, _) => return growth::known(name, places, scale).await,
                    (Workload::Queued, Name::Mosquitto) => {
                        let system = |server: &Server| Mqtt(server.address);
                        return growth::queued(name, places, scale, system).await;
                    }
                    (Workload::Queued, Name::JetStream) => {
                        let system = |server: &Server| Jets(server.address);
                        return growth::queued(name, places, scale, system).await;
                    }
                    (Workload::Queued, _) => {
                        return growth::queued(name, places, scale, Ws::of).await;
                    }
                    _ => {}
                }
                let server = Server::start(name, places, workload.answers()).await?;
                if let Workload::Http { keep_alive } = workload {
                    let seen = http::http(&Ws::of(&server), &server, keep_alive, scale).await?;
                    return Ok(vec![
                        quantity("", seen.rate, "messages/s"),
                        quantity("server's CPU", seen.server, "µs/message"),
                    ]);
                }
                match name {
                    Name::Null | Name::RelayOs | Name::RelayDisk => {
                        workload.round(&Ws::of(&server), &server, scale).await
                    }
                    Name::Mosquitto => workload.round(&Mqtt(server.address), &server, scale).await,
                    Name::JetStream => workload.round(&Jets(server.address), &server, scale).await,
                }
            })
            .await
    }
}

fn figure(workload: Workload, name: &str, system: Name, (what, value, unit): Quantity) -> Figure {
    let workload = match workload {
        // Their quantities say it all.
        Workload::Known | Workload::Queued => what,
        _ if what.is_empty() => name.to_owned(),
        _ => format!("{name}: {what}"),
    };
    Figure {
        workload,
        system: system.text(),
        value,
        unit,
    }
}

#[expect(clippy::print_stdout, reason = "somebody waits for minutes")]
fn tell(workload: &str, system: Name, quantities: &[Quantity]) {
    let said: Vec<_> = quantities
        .iter()
        .map(|(what, value, unit)| {
            format!("{what} {} {unit}", number(*value))
                .trim()
                .to_owned()
        })
        .collect();
    println!("{workload}, {}: {}", system.text(), said.join("; "));
}

#[expect(clippy::print_stderr, reason = "the run goes on without it")]
fn complain(workload: &str, system: Name, error: &anyhow::Error) {
    eprintln!(
        "{workload}, {}: could not be measured: {error:#}",
        system.text()
    );
}
