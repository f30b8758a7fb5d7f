//! `tidings send`: a message to somebody, and what became of it.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use tidings_app::direct;
use tidings_control::{
    Answer, Delivery, Draft, Event, Events, MessageId, Parcel, Progress, Request, Sent,
};

use super::{NOT_YET, UNEXPECTED, agent, relay, say};
use crate::cli::Send;

/// Bytes of standard input that become a message: what fits a packet, with room for its other
/// fields. More is cut by nobody silently: it is an error.
const INPUT_BYTES: u64 = 900 * 1024;

/// The message that the command line asks for; reads standard input where it says so.
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
        to: vec![send.to.clone()],
        title: title.to_owned(),
        body: body.to_owned(),
        priority: send.priority.into(),
        link: send.link.clone(),
        relay: send.by.clone(),
        ..Draft::default()
    })
}

/// Sends, and says what became of it within the time it was told to wait.
pub(super) async fn run(send: Send) -> Result<ExitCode> {
    // Standard input is read before anybody is asked to wait.
    let draft = draft(&send)?;
    let wait = Duration::from_secs(send.wait);
    let sent = match relay(&send.direct)? {
        Some(relay) => direct::send(&relay, draft, wait).await?,
        None => match deliver(draft, wait).await? {
            Delivered::Known(sent) => *sent,
            Delivered::Kept(id) => {
                if send.json {
                    say(serde_json::json!({"id": id}))?;
                }
                if wait.is_zero() {
                    return Ok(ExitCode::SUCCESS);
                }
                eprintln!("tidings: not known yet what became of it; it goes out once connected");
                return Ok(ExitCode::from(NOT_YET));
            }
        },
    };
    if send.json {
        say(serde_json::to_string(&sent)?)?;
    } else {
        say(told(&sent))?;
    }
    let refused = sent.parcels.iter().any(|parcel| {
        let mut each = parcel.recipients.iter();
        match &parcel.progress {
            Progress::Answered => each.any(|recipient| recipient.delivery == Delivery::Refused),
            _ => true,
        }
    });
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What the running Tidings did with a message.
enum Delivered {
    /// It is known what became of it.
    Known(Box<Sent>),
    /// It is kept under this number, and goes out by itself.
    Kept(MessageId),
}

async fn deliver(draft: Draft, wait: Duration) -> Result<Delivered> {
    let (agent, events) = agent().await?;
    // Before sending, so that no change of the status is missed.
    agent.ask(Request::Subscribe { windows: false }).await?;
    let Answer::Queued(id) = agent.ask(Request::Send { draft, kept: None }).await? else {
        bail!(UNEXPECTED)
    };
    let known = tokio::time::timeout(wait, outcome(events, id)).await;
    Ok(match known {
        Ok(Some(sent)) if !wait.is_zero() => Delivered::Known(Box::new(sent)),
        _ => Delivered::Kept(id),
    })
}

async fn outcome(mut events: Events, id: MessageId) -> Option<Sent> {
    loop {
        match events.recv().await? {
            Event::Sent(sent)
                if sent.id == id
                    && !sent.parcels.iter().any(|parcel| {
                        matches!(parcel.progress, Progress::Queued | Progress::Sending)
                    }) =>
            {
                return Some(sent);
            }
            _ => {}
        }
    }
}

/// What became of a message, a line each.
fn told(sent: &Sent) -> String {
    let parcels = sent.parcels.iter().map(told_of);
    parcels.collect::<Vec<_>>().join("\n")
}

fn told_of(sent: &Parcel) -> String {
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
            Delivery::Held => "held by the relay until it is due",
            Delivery::Dismissed => "delivered, and its notification closed",
            Delivery::Read => "read",
            Delivery::Acknowledged => "acknowledged",
            Delivery::Expired => "given up: its time was over first",
            Delivery::Superseded => "a later one took its place first",
            Delivery::Cancelled => "cancelled",
            Delivery::Other => "in a state this version does not know",
        };
        format!("{}: {what}", recipient.name)
    });
    whole.into_iter().chain(each).collect::<Vec<_>>().join("\n")
}
