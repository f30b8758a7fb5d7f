//! Runs a command on a virtual desktop and keeps a picture of its screen current: what
//! `cargo xtask run` does where there is no display.
//!
//! Usage: `virtual PICTURE COMMAND [ARGUMENT..]`. The command keeps its own home, so what it stores
//! is there at the next start; only display and session bus are the virtual desktop's. Ctrl+C and
//! SIGTERM end the command in order, and with it the desktop.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person who called it"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tidings_tests::desktop::Desktop;
use tidings_tests::home::Home;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// Between two pictures: often enough to follow what happens, seldom enough not to be felt.
const PICTURE: Duration = Duration::from_secs(3);

/// What of the virtual desktop's environment the command gets.
const SHARED: [&str; 6] = [
    "DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "GDK_BACKEND",
    "NO_AT_BRIDGE",
    "GTK_A11Y",
    "LIBGL_ALWAYS_SOFTWARE",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let usage = "usage: virtual PICTURE COMMAND [ARGUMENT..]";
    let picture = PathBuf::from(words.next().context(usage)?);
    let mut command = Command::new(words.next().context(usage)?);
    command.args(words).kill_on_drop(true);

    let mut home = Home::new()?;
    let desktop = Desktop::start(&mut home).await?;
    for key in SHARED {
        command.env(key, home.variable(key).unwrap_or_default());
    }
    // A terminal's Ctrl+C reaches the command by itself.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut ends = signal(SignalKind::terminate())?;
    let mut running = command.spawn().context("cannot start the command")?;
    println!(
        "The picture of the screen is {} (display {}), made anew every {} seconds. Ctrl+C ends.",
        picture.display(),
        desktop.display.name(),
        PICTURE.as_secs()
    );
    let ended = loop {
        tokio::select! {
            ended = running.wait() => break ended?,
            _ = interrupts.recv() => {}
            _ = ends.recv() => {
                let id = running.id().and_then(|id| Pid::from_raw(id.cast_signed()));
                if let Some(id) = id {
                    kill_process(id, Signal::TERM)?;
                }
            }
            () = tokio::time::sleep(PICTURE) => {
                if let Err(error) = desktop.display.picture(&home, &picture).await {
                    eprintln!("{error:#}");
                }
            }
        }
    };
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
