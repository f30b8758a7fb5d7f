//! `torture-desktop`: what `cargo xtask torture-desktop` runs. The real agent, killed by SIGKILL again
//! and again while messages come and somebody reads some of them; and a ledger that says whether the
//! inbox is whole, whether each message was told of, and what was told twice.
//!
//! What a life of the agent told is what the notification daemon was asked for; what it knows to
//! have told is marked in the inbox's file, which is looked into after each death.

#![expect(
    clippy::print_stdout,
    reason = "it tells the person who called it what it found"
)]

mod ledger;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use tidings_control::Request;
use tidings_tests::agent::Agent;
use tidings_tests::desk::{Desk, NAME};
use tidings_tests::relay::TOKEN;
use tidings_tests::{Rig, wait};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::ledger::{Ledger, look};

/// A life lasts so long at most after the agent answered, in milliseconds: long enough that some see
/// the end of their first second, in which popups wait for what was missed.
const LIFE_MS: u64 = 2500;

/// Every so many lives somebody reads messages.
const READS_EVERY: u32 = 3;

/// How many they read.
const READS: usize = 5;

/// How long the last life may take to tell of what is left.
const LAST: Duration = Duration::from_secs(120);

/// Before a message that the relay did not take is sent again.
const AGAIN: Duration = Duration::from_millis(100);

/// Kills the agent again and again while messages come.
#[derive(Parser)]
struct Cli {
    /// How often
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// How many messages come meanwhile
    #[arg(long, default_value_t = 5000)]
    messages: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let began = Instant::now();
    let rig = Rig::new().await?;
    let Desk { agent, relay } = Desk::start(&rig).await?;
    let mut agent = Some(agent);
    let mut ledger = Ledger::default();
    let mut sender = JoinSet::new();
    let pace =
        Duration::from_millis(u64::from(cli.kills) * (LIFE_MS / 2 + 300)) / cli.messages.max(1);
    sender.spawn(send(relay.port(), cli.messages, pace));
    for kill in 1..=cli.kills {
        let life = match agent.take() {
            Some(agent) => agent,
            None => rig.agent().await?,
        };
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..LIFE_MS))).await;
        if kill.is_multiple_of(READS_EVERY) {
            // It may be killed before it answers; what it did is in the file.
            read_some(&life, &mut ledger).await;
        }
        life.kill().await?;
        ledger.died(
            &look(&rig.home.path("data/tidings/inbox.sqlite"))?,
            &rig.notifications.calls(),
        );
        if kill.is_multiple_of(20) {
            println!(
                "{kill} kills in {:?}: {}",
                began.elapsed(),
                ledger.summary()
            );
        }
    }
    while let Some(sent) = sender.join_next().await {
        sent??;
    }
    let mut last = rig.agent().await?;
    let file = rig.home.path("data/tidings/inbox.sqlite");
    let all = usize::try_from(cli.messages)?;
    wait::until("every message told of", LAST, async || {
        let rows = look(&file)?;
        let open = rows.iter().filter(|row| !row.told && !row.read).count();
        anyhow::ensure!(
            rows.len() == all && open == 0,
            "{} of {all} came, {open} are not told of",
            rows.len()
        );
        Ok(Some(()))
    })
    .await?;
    last.signal(rustix::process::Signal::TERM)?;
    last.end(wait::START).await?;
    ledger.died(&look(&file)?, &rig.notifications.calls());
    let faults = ledger.faults(&look(&file)?, cli.messages);
    println!(
        "torture-desktop: {} kills, {} messages, {:?}: {}",
        cli.kills,
        cli.messages,
        began.elapsed(),
        ledger.summary()
    );
    for fault in &faults {
        println!("FAULT: {fault}");
    }
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn read_some(agent: &Agent, ledger: &mut Ledger) {
    let Ok(rows) = agent.inbox().await else {
        return;
    };
    let mut unread: Vec<_> = rows.into_iter().filter(|row| !row.read).collect();
    fastrand::shuffle(&mut unread);
    unread.truncate(READS);
    let ids = unread.iter().map(|row| row.id).collect();
    if agent.ask(Request::Mark { ids, read: true }).await.is_ok() {
        ledger.read(unread.into_iter().map(|row| row.title));
    }
}

/// Sends so many, in clumps, as messages come; each until the relay has it.
async fn send(port: u16, messages: u32, pace: Duration) -> anyhow::Result<()> {
    let mut number = 1;
    while number <= messages {
        let clump = fastrand::u32(1..40).min(messages - number + 1);
        for _ in 0..clump {
            let gives_up = Instant::now() + wait::START;
            // The relay lives; it may only be slow.
            while let Err(error) = one(port, number).await {
                anyhow::ensure!(Instant::now() < gives_up, "message {number}: {error:#}");
                tokio::time::sleep(AGAIN).await;
            }
            number += 1;
        }
        tokio::time::sleep(pace * clump).await;
    }
    Ok(())
}

async fn one(port: u16, number: u32) -> anyhow::Result<()> {
    let urgent = if number.is_multiple_of(50) {
        "&priority=urgent"
    } else {
        ""
    };
    let request = format!(
        "GET /{NAME}.send?text=M{number}.{urgent}&wait=0 HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = wait::at_most("the relay's answer", wait::SOON, ask).await?;
    let first = answer.lines().next().context("an answer")?;
    anyhow::ensure!(
        first.contains(" 200 ") || first.contains(" 202 "),
        "{first}"
    );
    Ok(())
}
