//! `torture`: what `cargo xtask torture` runs. A real relay on a data folder, killed by SIGKILL again
//! and again while many clients of the public protocol send and receive, the disk full at random
//! moments if asked; and a ledger that says what was lost, repeated or reordered, and of what no sender was
//! told.
//!
//! This file owns the run's course: register, load and kill, drain, kill once more, judge. The
//! clients here are their own (no session of ours), so that what is counted is exact.

#![expect(
    clippy::print_stdout,
    reason = "it tells the person who called it what it found"
)]

mod cast;
mod disk;
mod drain;
mod http;
mod ledger;
mod plan;
mod recipient;
mod relay;
mod scripts;
mod sender;
mod socket;
mod verdict;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tidings_tests::programs::Programs;
use tidings_tests::relay::free_port;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::cast::{HTTP_SENDERS, PLAIN_SENDERS, RECIPIENTS, REF_SENDERS, TICKET_SENDERS};
use self::disk::Disk;
use self::plan::{Death, Plan};
use self::recipient::Recipient;
use self::relay::Relay;
use self::scripts::Script;
use self::sender::Sender;
use self::socket::Socket;
use self::verdict::Report;
use self::world::{Phase, World};

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);

/// Kills a relay again and again, and says what was lost, repeated or reordered.
#[derive(Parser)]
struct Cli {
    /// How often the relay is killed
    #[arg(long, default_value_t = 300)]
    kills: u32,
    /// Repeats the schedule of a run, as far as real processes can
    #[arg(long)]
    seed: Option<u64>,
    /// Fill the disk at random moments
    #[arg(long)]
    disk_full: bool,
    /// The relay's program; that of this build without it
    #[arg(long)]
    relay: Option<PathBuf>,
    #[arg(long, hide = true)]
    inside_namespace: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    if cli.disk_full && !cli.inside_namespace {
        disk::enter_namespace()?;
    }
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!(
        "{} kills, --seed {seed}{}",
        cli.kills,
        if cli.disk_full {
            ", disk full at times"
        } else {
            ""
        }
    );
    let program = match cli.relay {
        Some(program) => std::path::absolute(program)?,
        None => Programs::of_this_build()?.path("tidings-relay")?,
    };
    let folder = tempfile::Builder::new().prefix("torture-").tempdir()?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let disk = if cli.disk_full {
        Some(Arc::new(Disk::mount(&data)?))
    } else {
        None
    };
    let world = Arc::new(World::new(free_port()?, seed));
    let log = folder.path().join("relay.log");
    let mut relay = Relay::new(Arc::clone(&world), program, &data, log);
    let report = match run(&world, &mut relay, cli.kills, disk.as_ref()).await {
        Ok(report) => report,
        Err(error) => {
            println!("the relay's log ends with:\n{}", relay.log());
            return Err(error);
        }
    };
    if !report.is_clean() {
        println!("\nthe relay's log ends with:\n{}", relay.log());
    }
    for line in report.lines() {
        println!("{line}");
    }
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn run(
    world: &Arc<World>,
    relay: &mut Relay,
    kills: u32,
    disk: Option<&Arc<Disk>>,
) -> anyhow::Result<Report> {
    relay.start()?;
    relay.ready().await?;
    register(world).await?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    let senders = clients(world, &mut tasks);
    if let Some(disk) = disk {
        let (disk, world) = (Arc::clone(disk), Arc::clone(world));
        tasks.spawn(async move { disk.run(world).await });
    }
    tasks.spawn(show(Arc::clone(world)));
    let course = async {
        torture(world, relay, kills).await?;
        let load = (began.elapsed(), world.ledger().counts);
        drain::drain(world, relay, senders).await?;
        anyhow::Ok(load)
    };
    let load = tokio::select! {
        load = course => load?,
        // None ends before the run is over, but by an error.
        ended = failed(&mut tasks) => return Err(ended),
    };
    world.phase.send_replace(Phase::Over);
    let mut ledger = world.ledger();
    Ok(Report::new(&mut ledger, relay, load))
}

async fn failed(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    loop {
        match tasks.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => return error,
            Some(Err(error)) => return error.into(),
            None => std::future::pending().await,
        }
    }
}

/// Makes all recipients known: from here on none may be forgotten.
async fn register(world: &World) -> anyhow::Result<()> {
    for number in 0..RECIPIENTS {
        let (name, group) = (cast::recipient_name(number), cast::group_of(number));
        Socket::connect(world, &name, &group, &[])
            .await?
            .close()
            .await;
    }
    Ok(())
}

/// Starts all clients; senders hold a clone of what is returned until they have come to their end.
fn clients(
    world: &Arc<World>,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> tokio::sync::mpsc::Receiver<()> {
    for number in 0..RECIPIENTS {
        let recipient = Recipient::new(Arc::clone(world), number);
        tasks.spawn(async move {
            recipient.run().await;
            Ok(())
        });
    }
    let (alive, ended) = tokio::sync::mpsc::channel(1);
    let kinds = [
        (REF_SENDERS, true, true),
        (PLAIN_SENDERS, true, false),
        (HTTP_SENDERS, false, false),
        (TICKET_SENDERS, false, true),
    ];
    let mut number = 0;
    for (count, over_socket, with_ref) in kinds {
        for _ in 0..count {
            let (world, alive, sender) = (Arc::clone(world), alive.clone(), number);
            tasks.spawn(async move {
                if over_socket {
                    Sender::new(world, sender, with_ref, alive).run().await;
                } else {
                    Script::new(world, sender, with_ref).run().await;
                    drop(alive);
                }
                Ok(())
            });
            number += 1;
        }
    }
    ended
}

/// Kills and starts, by plan. Ends with a relay that is ready.
async fn torture(world: &World, relay: &mut Relay, kills: u32) -> anyhow::Result<()> {
    let mut plan = Plan::new(world.rng("plan", 0));
    for killed in 0..kills {
        if killed > 0 {
            relay.start()?;
        }
        match plan.next() {
            Death::AtStart(after) if killed > 0 => sleep(after).await,
            Death::Serving(after) | Death::AtStart(after) => {
                if killed > 0 {
                    relay.ready().await?;
                }
                sleep(after).await;
            }
            Death::OnAnswer(after) => {
                if killed > 0 {
                    relay.ready().await?;
                }
                sleep(after).await;
                if relay.dies_of_an_answer().await? {
                    continue;
                }
            }
            Death::Quiet(after) => {
                if killed > 0 {
                    relay.ready().await?;
                }
                world.phase.send_replace(Phase::Quiet);
                sleep(after).await;
                world.phase.send_replace(Phase::Load);
            }
        }
        relay.kill().await?;
    }
    relay.start()?;
    relay.ready().await
}

async fn show(world: Arc<World>) -> anyhow::Result<()> {
    while world.phase() != Phase::Over {
        sleep(PROGRESS).await;
        println!("{}", verdict::progress(&world.ledger()));
    }
    Ok(())
}
