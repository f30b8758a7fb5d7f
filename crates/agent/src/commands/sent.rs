//! `tidings sent`, `cancel`, `resend` and `directory`: what was sent, and whom a message can go to.

use anyhow::{Result, bail};
use tidings_control::{Answer, Client, Contact, Recipient, Request, Sent};

use super::outcome::{told, written};
use super::{UNEXPECTED, say};

/// Prints the messages sent last, the newest first, with what became of them.
pub(super) async fn list(agent: &Client, search: String, limit: u32, json: bool) -> Result<()> {
    let page = Request::Sent {
        before: None,
        limit,
        search,
    };
    let Answer::Sent(messages) = agent.ask(page).await? else {
        bail!(UNEXPECTED)
    };
    for sent in messages {
        if json {
            say(serde_json::to_string(&sent)?)?;
        } else {
            say(described(&sent))?;
        }
    }
    Ok(())
}

fn described(sent: &Sent) -> String {
    let to: Vec<_> = sent.draft.to.iter().map(written).collect();
    let headline = match sent.draft.title.as_str() {
        "" => sent.draft.body.lines().next().unwrap_or_default(),
        title => title,
    };
    let headline = tidings_app::short_line(headline, 60);
    let mut lines = vec![format!("{:>6}  {}: {headline}", sent.id, to.join(" "))];
    lines.extend(told(sent).lines().map(|line| format!("        {line}")));
    lines.join("\n")
}

/// Prints whom a message can go to.
pub(super) async fn directory(
    agent: &Client,
    search: String,
    limit: u32,
    json: bool,
) -> Result<()> {
    let question = Request::Contacts {
        search,
        relay: None,
        limit,
    };
    let Answer::Contacts(contacts) = agent.ask(question).await? else {
        bail!(UNEXPECTED)
    };
    for contact in contacts {
        if json {
            say(serde_json::to_string(&contact)?)?;
        } else {
            say(described_contact(&contact))?;
        }
    }
    Ok(())
}

fn described_contact(contact: &Contact) -> String {
    let mark = match contact.online {
        Some(true) => "online ",
        Some(false) => "offline",
        None => "       ",
    };
    let more = match &contact.to {
        Recipient::Group(_) if contact.members > 0 => format!("  ({})", contact.members),
        Recipient::Person(_) if !contact.group.is_empty() => format!("  @{}", contact.group),
        _ => String::new(),
    };
    format!("{mark}  {}{more}", written(&contact.to))
}
