//! The commands of the command line, each a question to the running agent.

#![expect(clippy::print_stderr, reason = "this is the command line's output")]

mod doctor;
mod listening;
mod manual;
mod outcome;
mod reading;
mod send;
mod sent;
mod status;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tidings_app::direct::Relay;
use tidings_control::{Answer, Client, ClientError, Events, Request, View};

use crate::cli::{Command, Direct, Window};

/// Exit code: Tidings does not run.
const NOT_RUNNING: u8 = 3;
/// Exit code: not connected, or not known in time.
const NOT_YET: u8 = 4;

/// Runs a command to its end.
pub(crate) fn main(command: Command) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(command));
            // A disk that the doctor found to hang must not hold up the end.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        // Whoever reads has seen enough (`tidings inbox | head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidings: {error:#}");
            match error.downcast_ref::<ClientError>() {
                Some(ClientError::NotRunning) => ExitCode::from(NOT_RUNNING),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Prints a line; unlike `println!` it does not panic when nobody reads.
fn say(line: impl Display) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// Prints bytes as they are.
fn write(bytes: &[u8]) -> std::io::Result<()> {
    std::io::stdout().write_all(bytes)
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Send(send) => return send::run(send).await,
        Command::Listen(listen) => listening::run(listen).await?,
        Command::Completions { shell } => manual::completions(shell)?,
        Command::Doctor { test, json } => return doctor::show(test, json).await,
        Command::Man { command } => manual::page(command.as_deref())?,
        Command::Status { json } => return status::show(&agent().await?.0, json).await,
        Command::Export { which } => reading::export(&agent().await?.0, which.into()).await?,
        Command::Inbox {
            follow,
            limit,
            which,
            json,
        } => {
            let (agent, events) = agent().await?;
            if follow {
                reading::follow(&agent, events, limit, which.into(), json).await?;
            } else {
                reading::list(&agent, limit, which.into(), json).await?;
            }
        }
        Command::Sent {
            search,
            limit,
            json,
        } => sent::list(&agent().await?.0, search, limit, json).await?,
        Command::Directory {
            search,
            limit,
            json,
        } => sent::directory(&agent().await?.0, search, limit, json).await?,
        Command::Cancel { id } => drop(ask(Request::Cancel { id }).await?),
        Command::Resend { id } => drop(ask(Request::Resend { id }).await?),
        Command::Acknowledge { id, note } => drop(ask(Request::Acknowledge { id, note }).await?),
        Command::Compose { to, reply } => {
            let view = View::Compose { reply, to };
            ask(Request::Show { view }).await?;
        }
        Command::Show { window } => {
            let view = match window {
                Window::Inbox => View::Inbox { message: None },
                Window::Compose => View::Compose {
                    reply: None,
                    to: Vec::new(),
                },
                Window::Sent => View::Sent { message: None },
                Window::Settings => View::Settings,
                Window::Relays => View::Relays,
                Window::Doctor => View::Doctor,
                Window::FirstRun => View::FirstRun,
            };
            ask(Request::Show { view }).await?;
        }
        Command::Pause { pause } => drop(ask(Request::Pause { pause }).await?),
        Command::Token => {
            let Answer::Token(token) = ask(Request::Token).await? else {
                bail!(UNEXPECTED)
            };
            say(token)?;
        }
        Command::Quit => drop(ask(Request::Quit).await?),
    }
    Ok(ExitCode::SUCCESS)
}

/// The running Tidings, and what it tells once it is asked to.
async fn agent() -> Result<(Client, Events), ClientError> {
    Client::connect(&tidings_control::path()).await
}

/// One question to the running Tidings.
async fn ask(request: Request) -> Result<Answer, ClientError> {
    agent().await?.0.ask(request).await
}

/// The relay that a command is to use in place of the running Tidings, if it is.
fn relay(direct: &Direct) -> Result<Option<Relay>> {
    let (Some(address), Some(file)) = (&direct.relay, &direct.token_file) else {
        return Ok(None);
    };
    let token = std::fs::read_to_string(file)
        .with_context(|| format!("the token cannot be read from {}", file.display()))?;
    let relay = Relay::new(address, &token, direct.pin.as_deref())?;
    Ok(Some(relay))
}

const UNEXPECTED: &str =
    "the running Tidings answers in a way this version does not know: restart it";
