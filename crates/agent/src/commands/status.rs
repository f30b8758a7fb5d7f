//! `tidings status`: how things stand, in a few lines.

use std::process::ExitCode;

use anyhow::{Result, bail};
use tidings_control::{Answer, Client, Connection, RelayState, Request, Status};

use super::{NOT_YET, UNEXPECTED, say};

/// Prints it; the exit code tells whether it is connected with all relays.
pub(super) async fn show(agent: &Client, json: bool) -> Result<ExitCode> {
    let Answer::Status(status) = agent.ask(Request::Status).await? else {
        bail!(UNEXPECTED)
    };
    if json {
        say(serde_json::to_string_pretty(&status)?)?;
    } else {
        say(described(&status))?;
    }
    let online = |relay: &RelayState| matches!(relay.connection, Connection::Connected { .. });
    let connected = !status.relays.is_empty() && status.relays.iter().all(online);
    Ok(if connected {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_YET)
    })
}

fn described(status: &Status) -> String {
    let mut lines = Vec::new();
    if status.relays.is_empty() {
        lines.push("No relay is set up: `tidings show first-run`".to_owned());
    }
    lines.extend(status.relays.iter().map(described_relay));
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

fn described_relay(relay: &RelayState) -> String {
    let RelayState {
        label,
        address,
        name,
        ..
    } = relay;
    let at = format!("{label} ({address}) as {name}");
    match &relay.connection {
        Connection::NotConfigured | Connection::Connecting => format!("Connecting to {at}"),
        Connection::Connected { .. } => format!("Connected to {at}"),
        Connection::Offline { reason, .. } => format!("Offline, trying {at}: {reason}"),
        Connection::Untrusted {
            reason,
            certificate,
            ..
        } => {
            let shown = &certificate.shown;
            let trusted = certificate.trusted.as_ref();
            let before = trusted.map_or_else(String::new, |trusted| {
                format!("\n  trusted so far: {trusted}")
            });
            format!("Not connected to {at}: {reason}\n  shown now:      {shown}{before}")
        }
        Connection::Refused { reason } => format!("Refused by {at}: {reason}"),
        Connection::TakenOver { .. } => {
            format!("Another device took the name, and gets its messages: {at}")
        }
    }
}
