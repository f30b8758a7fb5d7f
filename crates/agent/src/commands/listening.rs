//! `tidings listen`: something is done for each message that comes, by a command of the person's.
//!
//! Invariants: one command at a time, in the order of the messages; what a message says reaches the
//! command as environment and standard input only, never as part of its words, so that no sender
//! writes shell.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tidings_app::direct::{Listening, Relay, Taken};
use tidings_control::{Answer, ClientError, Code, Exported, Filter, Message, Request};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::reading::Arrivals;
use super::{UNEXPECTED, agent, relay, say};
use crate::cli::Listen;

/// Bytes of one variable of the environment; Linux takes 128 KiB, with its name. What is longer is
/// cut: only the standard input has all of a long text.
const VARIABLE_BYTES: usize = 64 * 1024;

/// Does it until Tidings, or the relay, ends it.
pub(super) async fn run(listen: Listen) -> Result<()> {
    let exec = listen.exec.as_deref();
    match (relay(&listen.direct)?, &listen.name) {
        (Some(relay), Some(name)) => at_relay(&relay, name, exec).await,
        (Some(_), None) => bail!("under which name? Give --as NAME: messages to it are taken"),
        (None, _) => beside_agent(exec, listen.which.into()).await,
    }
}

async fn beside_agent(exec: Option<&str>, filter: Filter) -> Result<()> {
    let (agent, events) = agent().await?;
    let mut arrivals = Arrivals::from_now(&agent, events).await?;
    while let Some(rows) = arrivals.next(&agent, &filter).await? {
        for row in rows {
            let message = match agent.ask(Request::Message { id: row.id }).await {
                Ok(Answer::Message(message)) => message,
                Ok(_) => bail!(UNEXPECTED),
                // Deleted meanwhile.
                Err(ClientError::Failed(failure)) if failure.code == Code::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            if let Err(failed) = deal_with(exec, *message).await? {
                eprintln!("tidings: for message {}, {failed}", row.id);
            }
        }
    }
    Err(ClientError::Gone.into())
}

async fn at_relay(relay: &Relay, name: &str, exec: Option<&str>) -> Result<()> {
    let mut listening = Listening::start(relay, name)?;
    loop {
        let Taken { mid, message } = listening.next().await?;
        if let Err(failed) = deal_with(exec, message).await? {
            bail!("for message {mid}, {failed}: it stays at the relay");
        }
        listening.confirm(mid);
    }
}

/// Hands it to the command, or prints it. The inner error is a command that failed.
async fn deal_with(exec: Option<&str>, message: Message) -> Result<Result<(), String>> {
    match exec {
        Some(command) => carry_out(command, &message).await,
        None => {
            say(tidings_app::export_line(&exported(message))?)?;
            Ok(Ok(()))
        }
    }
}

async fn carry_out(command: &str, message: &Message) -> Result<Result<(), String>> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .envs(variables(message))
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the command cannot be started: is there a sh?")?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input to the end has its reasons.
        let _ = input.write_all(message.body.as_bytes()).await;
    }
    let status = child.wait().await?;
    Ok(if status.success() {
        Ok(())
    } else {
        Err(format!("the command ended with {status}"))
    })
}

fn variables(message: &Message) -> Vec<(&'static str, String)> {
    let row = &message.row;
    [
        ("TIDINGS_ID", row.id.to_string()),
        ("TIDINGS_MID", message.mid.clone()),
        ("TIDINGS_RELAY", message.relay.clone()),
        ("TIDINGS_SENDER", row.sender.clone()),
        ("TIDINGS_GROUP", row.group.clone().unwrap_or_default()),
        ("TIDINGS_TITLE", row.title.clone()),
        ("TIDINGS_PRIORITY", row.priority.as_str().to_owned()),
        ("TIDINGS_TAGS", row.tags.join(",")),
        ("TIDINGS_LINK", message.link.clone().unwrap_or_default()),
    ]
    .map(|(name, value)| (name, variable(&value)))
    .into()
}

/// What fits a variable: without NUL, which ends one, and not too long.
fn variable(value: &str) -> String {
    let mut kept = value.replace('\0', "");
    kept.truncate(kept.floor_char_boundary(VARIABLE_BYTES));
    kept
}

fn exported(message: Message) -> Exported {
    let Message {
        row,
        body,
        relay,
        mid,
        extra,
        ..
    } = message;
    Exported {
        id: row.id,
        relay,
        mid,
        sender: row.sender,
        group: row.group,
        title: row.title,
        body,
        extra,
        received_at: row.received_at,
        read_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_holds_no_nul_and_is_cut_between_characters() {
        assert_eq!(variable("a\0b"), "ab");
        let long = variable(&"é".repeat(VARIABLE_BYTES));
        assert_eq!(long.len(), VARIABLE_BYTES);
        let odd = variable(&format!("a{}", "é".repeat(VARIABLE_BYTES)));
        assert_eq!(odd.len(), VARIABLE_BYTES - 1);
    }
}
