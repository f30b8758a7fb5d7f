//! How quick and how light the desktop is with a full inbox, on a rig of its own: what
//! `cargo xtask figures-desktop` runs. Prints its figures, and writes them as JSON; judges none.
//!
//! Usage: `figures-desktop TO [--messages N] [--idle SECONDS] [--opens N]`: the file for the results.
//! Two relays take part, one inside the agent and one beside it; at rest the agent is watched with
//! these, after all the rest, and begun anew with two beside it.

#![expect(
    clippy::print_stdout,
    reason = "it tells the person who called it how far it is"
)]

mod fill;
mod idle;
mod page;
mod prompt;
mod writing;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use tidings_control::{Filter, Pause, Request};
use tidings_tests::Rig;
use tidings_tests::relay::{Relay, TOKEN};

/// Messages whose way to the notification is measured.
const TOLD: u32 = 200;
/// Starts of the agent that are measured.
const STARTS: u32 = 20;

/// Messages that are written in the window.
const WRITTEN: u32 = 200;

/// Figures of the desktop.
#[derive(Parser)]
struct Cli {
    /// The file for the results
    to: PathBuf,
    /// Messages in the inbox
    #[arg(long, default_value_t = 100_000)]
    messages: u32,
    /// How long the agent is watched at rest each time, in seconds
    #[arg(long, default_value_t = 600)]
    idle: u64,
    /// How often the window is opened from the tray
    #[arg(long, default_value_t = 20)]
    opens: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let mut rig = Rig::new().await?;
    let display = rig.display().await?;
    let agent = rig.agent().await?;
    let port = agent.host("desk").await?.port;
    agent.until_connected().await?;
    let mut other = Relay::new()?;
    other.start(&rig.home, &rig.programs).await?;
    agent.join(other.address(), "desk", TOKEN).await?;
    // What is measured is not the digest.
    let pause = Pause::Minutes(24 * 60);
    agent.ask(Request::Pause { pause }).await?;

    println!("{} messages are sent to the inbox", cli.messages);
    let token = agent.token().await?;
    fill::fill(&agent, port, &token, cli.messages).await?;

    println!("The window is opened {} times from the tray", cli.opens);
    let (opened, begun) = page::opened(&rig, &display, cli.opens).await?;
    println!("  click to list: {opened}");
    println!("  of which until the page begins: {begun}");
    let window = page::open(&rig, &agent).await?;
    let searched = page::searched(&window).await?;
    println!("  key to list: {searched}");
    let scrolled = page::scrolled(&window).await?;
    println!("  scrolling: {scrolled:#}");
    drop(window);
    display.close("Tidings").await?;

    println!("The compose window is opened {0} and {0} times", cli.opens);
    let cold = writing::cold(&rig, &display, cli.opens).await?;
    println!("  command to field, no window open: {cold}");
    let warm = writing::warm(&rig, &agent, &display, cli.opens).await?;
    println!("  command to field, beside the main window: {warm}");
    println!("{WRITTEN} messages are written");
    let written = writing::sent(&rig, &display, (port, &token), WRITTEN).await?;
    println!("  Ctrl+Enter to \"delivered\": {written}");

    let idle = Duration::from_secs(cli.idle);
    println!("The agent is watched at rest for {} s", cli.idle);
    let used = idle::watch(&agent, idle).await?;
    println!("  after all of it, a relay inside and one beside: {used:#}");

    // What was read is not told of after the pause.
    let (filter, read) = (Filter::default(), true);
    agent.ask(Request::MarkAll { filter, read }).await?;
    let pause = Pause::Off;
    agent.ask(Request::Pause { pause }).await?;
    println!("{TOLD} messages are told of");
    let told = prompt::told(&rig, &agent, TOLD).await?;
    println!("  packet to notification: {told}");

    agent.ask(Request::StopHosting).await?;
    let mut third = Relay::new()?;
    third.start(&rig.home, &rig.programs).await?;
    agent.join(third.address(), "desk", TOKEN).await?;
    prompt::end(agent).await?;
    println!("The agent is started {STARTS} times");
    let started = prompt::started(&mut rig, STARTS).await?;
    println!("  start to tray: {started}");
    let agent = rig.agent().await?;
    agent.until_connected().await?;
    println!("It is watched at rest for {} s", cli.idle);
    let anew = idle::watch(&agent, idle).await?;
    println!("  begun anew, two relays beside: {anew:#}");

    let report = json!({
        "messages": cli.messages,
        "click_to_list_ms": opened.to_json(),
        "click_to_page_ms": begun.to_json(),
        "key_to_list_ms": searched.to_json(),
        "scrolling": scrolled,
        "compose_cold_ms": cold.to_json(),
        "compose_warm_ms": warm.to_json(),
        "ctrl_enter_to_delivered_ms": written.to_json(),
        "packet_to_notification_ms": told.to_json(),
        "start_to_tray_ms": started.to_json(),
        "at_rest_after_use_hosting": used,
        "at_rest_begun_anew": anew,
    });
    if let Some(folder) = cli.to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&cli.to, format!("{report:#}\n"))?;
    println!("The figures are in {}", cli.to.display());
    Ok(())
}
