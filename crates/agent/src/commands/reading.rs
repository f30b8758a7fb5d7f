//! `tidings inbox` and `tidings export`: what was received.

use anyhow::{Result, bail};
use tidings_control::{Answer, Client, Filter, Request, Row};

use super::{UNEXPECTED, say};

/// Prints the newest messages, one a line.
pub(super) async fn list(agent: &Client, limit: u32, filter: Filter, json: bool) -> Result<()> {
    let page = Request::Inbox {
        before: None,
        limit,
        filter,
    };
    let Answer::Inbox(rows) = agent.ask(page).await? else {
        bail!(UNEXPECTED)
    };
    for row in rows {
        if json {
            say(serde_json::to_string(&row)?)?;
        } else {
            say(line(&row))?;
        }
    }
    Ok(())
}

fn line(row: &Row) -> String {
    let mark = if row.read { ' ' } else { '*' };
    let sender = if row.sender.is_empty() {
        "HTTP"
    } else {
        &row.sender
    };
    format!("{mark} {:>6}  {sender}: {}", row.id, headline(row))
}

/// Messages asked for at once: an answer is held in memory whole.
const EXPORTED: u32 = 200;

/// Prints all of them whole, a page at a time.
pub(super) async fn export(agent: &Client, filter: Filter) -> Result<()> {
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

fn headline(row: &Row) -> &str {
    if row.title.is_empty() {
        &row.preview
    } else {
        &row.title
    }
}
