//! The commands of the command line, each a question to the running agent.

#![expect(clippy::print_stderr, reason = "this is the command line's output")]

use std::fmt::Display;
use std::io::{ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use tidings_control::{
    Answer, Client, ClientError, Connection, Delivery, Draft, Event, Events, Filter, Progress,
    Request, Sent, Status, View,
};

use crate::cli::{Command, Send, Window};

/// Exit code: Tidings does not run.
const NOT_RUNNING: u8 = 3;
/// Exit code: not connected, or not known in time.
const NOT_YET: u8 = 4;
/// Bytes of standard input that become a message: what fits a packet, with room for its other
/// fields. More is cut by nobody silently: it is an error.
const INPUT_BYTES: u64 = 900 * 1024;

/// Runs a command to its end.
pub(crate) fn main(command: Command) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(command)),
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
            let draft = draft(&send)?;
            let (agent, events) = Client::connect(&tidings_control::path()).await?;
            return deliver(&agent, events, send, draft).await;
        }
        other => other,
    };
    let (agent, _events) = Client::connect(&tidings_control::path()).await?;
    match command {
        Command::Send(_) => {}
        Command::Status { json } => return status(&agent, json).await,
        Command::Export { which } => export(&agent, which.into()).await?,
        Command::Inbox { limit, which, json } => {
            let page = Request::Inbox {
                before: None,
                limit,
                filter: which.into(),
            };
            let Answer::Inbox(rows) = agent.ask(page).await? else {
                bail!(UNEXPECTED)
            };
            for row in rows {
                if json {
                    say(serde_json::to_string(&row)?)?;
                } else {
                    let mark = if row.read { ' ' } else { '*' };
                    let sender = if row.sender.is_empty() {
                        "HTTP"
                    } else {
                        &row.sender
                    };
                    say(format_args!(
                        "{mark} {:>6}  {sender}: {}",
                        row.id,
                        headline(&row)
                    ))?;
                }
            }
        }
        Command::Show { window } => {
            let view = match window {
                Window::Inbox => View::Inbox { message: None },
                Window::Compose => View::Compose,
                Window::Settings => View::Settings,
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

/// Messages asked for at once: an answer is held in memory whole.
const EXPORTED: u32 = 200;

async fn export(agent: &Client, filter: Filter) -> Result<()> {
    let mut before = None;
    loop {
        let page = Request::Export {
            filter: filter.clone(),
            before,
            limit: EXPORTED,
        };
        let Answer::Exported(messages) = agent.ask(page).await? else {
            bail!(UNEXPECTED)
        };
        let Some(last) = messages.last() else {
            return Ok(());
        };
        before = Some(last.id);
        for message in &messages {
            say(tidings_app::export_line(message)?)?;
        }
    }
}

const UNEXPECTED: &str =
    "the running Tidings answers in a way this version does not know: restart it";

fn headline(row: &tidings_control::Row) -> &str {
    if row.title.is_empty() {
        &row.preview
    } else {
        &row.title
    }
}

fn draft(send: &Send) -> Result<Draft> {
    let text = match send.text.as_deref() {
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin()
                .take(INPUT_BYTES + 1)
                .read_to_string(&mut text)?;
            if u64::try_from(read)? > INPUT_BYTES {
                bail!("standard input is longer than {INPUT_BYTES} bytes: shorten it, with tail");
            }
            text
        }
        Some(text) => text.to_owned(),
        None => String::new(),
    };
    let text = text.trim_end();
    let (title, body) = match &send.title {
        Some(title) => (title.as_str(), text),
        None => text.split_once('\n').unwrap_or((text, "")),
    };
    if title.trim().is_empty() && body.trim().is_empty() {
        bail!("nothing to send: give a text, or - to read it from standard input");
    }
    Ok(Draft {
        to: send.to.clone(),
        title: title.to_owned(),
        body: body.to_owned(),
        priority: send.priority.into(),
        link: send.link.clone(),
    })
}

/// Sends, and waits for the outcome as long as it was told to.
async fn deliver(agent: &Client, events: Events, send: Send, draft: Draft) -> Result<ExitCode> {
    // Before sending, so that no change of the status is missed.
    agent.ask(Request::Subscribe { windows: false }).await?;
    let Answer::Queued(id) = agent.ask(Request::Send { draft }).await? else {
        bail!(UNEXPECTED)
    };
    let deadline = Duration::from_secs(send.wait);
    let sent = if send.wait == 0 {
        None
    } else {
        tokio::time::timeout(deadline, outcome(events, id))
            .await
            .unwrap_or(None)
    };
    let Some(sent) = sent else {
        if send.json {
            say(serde_json::json!({"id": id}))?;
        }
        if send.wait == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("tidings: not known yet what became of it; it goes out once connected");
        return Ok(ExitCode::from(NOT_YET));
    };
    if send.json {
        say(serde_json::to_string(&sent)?)?;
    } else {
        say(told(&sent))?;
    }
    let refused = match &sent.progress {
        Progress::Answered => sent
            .recipients
            .iter()
            .any(|r| r.delivery == Delivery::Refused),
        _ => true,
    };
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn outcome(mut events: Events, id: u64) -> Option<Sent> {
    loop {
        match events.recv().await? {
            Event::Sent(sent)
                if sent.id == id
                    && !matches!(sent.progress, Progress::Queued | Progress::Sending) =>
            {
                return Some(sent);
            }
            _ => {}
        }
    }
}

/// What became of a message, a line each.
fn told(sent: &Sent) -> String {
    let whole = match &sent.progress {
        Progress::Answered if sent.recipients.is_empty() => {
            Some("nobody is in that group".to_owned())
        }
        Progress::Failed { reason } => Some(format!("not sent: {reason}")),
        Progress::Unknown => {
            Some("the connection broke before the relay answered: it may have arrived".to_owned())
        }
        _ => None,
    };
    let each = sent.recipients.iter().map(|recipient| {
        let what = match recipient.delivery {
            Delivery::Delivered => "delivered",
            Delivery::Waiting => "waiting: the relay keeps it until they connect",
            Delivery::Pushed => "handed to their push service",
            Delivery::Refused => "refused: no such client, or its queue is full",
            Delivery::Other => "in a state this version does not know",
        };
        format!("{}: {what}", recipient.name)
    });
    whole.into_iter().chain(each).collect::<Vec<_>>().join("\n")
}

async fn status(agent: &Client, json: bool) -> Result<ExitCode> {
    let Answer::Status(status) = agent.ask(Request::Status).await? else {
        bail!(UNEXPECTED)
    };
    if json {
        say(serde_json::to_string_pretty(&status)?)?;
    } else {
        say(described(&status))?;
    }
    let connected = matches!(status.connection, Connection::Connected { .. });
    Ok(if connected {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_YET)
    })
}

fn described(status: &Status) -> String {
    let mut lines = Vec::new();
    let relay = status.relay.as_ref();
    let at = relay.map_or(String::new(), |r| format!(" {} as {}", r.address, r.name));
    lines.push(match &status.connection {
        Connection::NotConfigured => "No relay is set up: `tidings show first-run`".to_owned(),
        Connection::Connecting => format!("Connecting to{at}"),
        Connection::Connected { .. } => format!("Connected to{at}"),
        Connection::Offline { reason, .. } => format!("Offline, trying{at}: {reason}"),
        Connection::Refused { reason } => format!("Refused by{at}: {reason}"),
        Connection::TakenOver => format!("Another device took the name:{at}"),
    });
    if let Some(hosted) = &status.hosted {
        lines.push(format!(
            "Hosting a relay on port {} with {} connected",
            hosted.port, hosted.clients
        ));
        lines.extend(
            hosted
                .addresses
                .iter()
                .map(|address| format!("  {address}")),
        );
    }
    lines.push(format!("{} unread", status.unread));
    lines.extend(
        status
            .problems
            .iter()
            .map(|problem| format!("Problem: {}", problem.message)),
    );
    lines.join("\n")
}
