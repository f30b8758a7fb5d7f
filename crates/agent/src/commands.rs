//! The commands of the command line, each a question to the running agent.

#![expect(clippy::print_stderr, reason = "this is the command line's output")]

mod doctor;
mod reading;
mod send;
mod status;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};
use tidings_control::{Answer, Client, ClientError, Request, View};

use crate::cli::{Command, Window};

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

async fn run(command: Command) -> Result<ExitCode> {
    // What is read from standard input is read before the agent is asked to wait.
    let command = match command {
        Command::Send(send) => {
            let draft = send::draft(&send)?;
            let (agent, events) = Client::connect(&tidings_control::path()).await?;
            return send::deliver(&agent, events, send, draft).await;
        }
        other => other,
    };
    if let Command::Doctor { json } = command {
        return doctor::show(json).await;
    }
    let (agent, _events) = Client::connect(&tidings_control::path()).await?;
    match command {
        Command::Send(_) | Command::Doctor { .. } => {}
        Command::Status { json } => return status::show(&agent, json).await,
        Command::Export { which } => reading::export(&agent, which.into()).await?,
        Command::Inbox { limit, which, json } => {
            reading::list(&agent, limit, which.into(), json).await?;
        }
        Command::Show { window } => {
            let view = match window {
                Window::Inbox => View::Inbox { message: None },
                Window::Compose => View::Compose,
                Window::Settings => View::Settings,
                Window::Doctor => View::Doctor,
                Window::FirstRun => View::FirstRun,
            };
            agent.ask(Request::Show { view }).await?;
        }
        Command::Pause { pause } => {
            agent.ask(Request::Pause { pause }).await?;
        }
        Command::Token => {
            let Answer::Token(token) = agent.ask(Request::Token).await? else {
                bail!(UNEXPECTED)
            };
            say(token)?;
        }
        Command::Quit => {
            agent.ask(Request::Quit).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const UNEXPECTED: &str =
    "the running Tidings answers in a way this version does not know: restart it";
