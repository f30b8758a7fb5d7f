//! `tidings send`: a message to somebody, and what became of it.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use tidings_app::direct;
use tidings_control::{Answer, Client, Draft, Event, Events, MessageId, Recipient, Request, Sent};
use tokio::time::{Instant, timeout_at};

use super::outcome::{Verdict, told, verdict};
use super::{NOT_YET, UNEXPECTED, agent, relay, say};
use crate::cli::{Send, Wait, recipient};

/// Bytes of standard input that become a message: what fits a packet, with room for its other
/// fields. More is cut by nobody silently: it is an error.
const INPUT_BYTES: u64 = 900 * 1024;

/// The message that the command line asks for; reads standard input where it says so.
fn draft(send: &Send) -> Result<Draft> {
    let (to, text) = match send.words.as_slice() {
        [to @ .., text] if !to.is_empty() => (to, text.as_str()),
        to => (to, ""),
    };
    let to = to.iter().map(|word| recipient(word));
    let to: Vec<Recipient> = to.collect::<Result<_, _>>().map_err(|why| anyhow!(why))?;
    let text = match text {
        "-" => standard_input()?,
        text => text.to_owned(),
    };
    let text = text.trim_end();
    let (title, body) = match &send.title {
        Some(title) => (title.as_str(), text),
        None => text.split_once('\n').unwrap_or((text, "")),
    };
    if title.trim().is_empty() && body.trim().is_empty() {
        bail!("nothing to send: give a text, or - to read it from standard input");
    }
    let due = match send.after {
        Some(seconds) => Some(now()?.saturating_add(seconds.saturating_mul(1000))),
        None => send.at,
    };
    Ok(Draft {
        to,
        title: title.to_owned(),
        body: body.to_owned(),
        priority: send.priority.into(),
        link: send.link.clone(),
        tags: send.tags.clone(),
        ttl: send.ttl,
        due,
        ask: send.ack.map(Into::into).unwrap_or_default(),
        repeat: send
            .repeat
            .map(|repeat| u32::try_from(repeat).unwrap_or(u32::MAX)),
        key: send.key.clone(),
        reply_to: None,
        relay: send.by.clone(),
    })
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin()
        .take(INPUT_BYTES + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(read)? > INPUT_BYTES {
        bail!("standard input is longer than {INPUT_BYTES} bytes: shorten it, with tail");
    }
    Ok(text)
}

fn now() -> Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_millis())?)
}

/// Sends, and says what became of it within the time it was told to wait.
pub(super) async fn run(send: Send) -> Result<ExitCode> {
    check(&send)?;
    // Standard input is read before anybody is asked to wait.
    let draft = draft(&send)?;
    let sent = match (relay(&send.direct)?, send.wait) {
        (Some(relay), Wait::Seconds(seconds)) => {
            direct::send(&relay, draft, Duration::from_secs(seconds)).await?
        }
        (Some(_), Wait::Delivered | Wait::Acknowledged) => bail!(
            "with --relay nothing is heard of a message later: wait for it with --wait SECONDS, or use the running Tidings"
        ),
        (None, wait) => match deliver(draft, wait, send.within).await? {
            Delivered::Known(sent) => *sent,
            Delivered::Kept(id) => return kept(id, &send),
        },
    };
    if send.json {
        say(serde_json::to_string(&sent)?)?;
    } else {
        say(told(&sent))?;
    }
    Ok(match verdict(&sent, send.wait) {
        Verdict::Done => ExitCode::SUCCESS,
        Verdict::Failed => ExitCode::FAILURE,
        // It waits for its time, as it was told to.
        Verdict::Open if sent.draft.due.is_some() && matches!(send.wait, Wait::Seconds(_)) => {
            ExitCode::SUCCESS
        }
        Verdict::Open => ExitCode::from(NOT_YET),
    })
}

fn check(send: &Send) -> Result<()> {
    if send.wait == Wait::Acknowledged && send.ack.is_none() {
        bail!("nobody acknowledges what does not ask for it: add --ack");
    }
    if let (Wait::Seconds(_), Some(_)) = (send.wait, send.within) {
        bail!("--within goes with --wait ok or --wait ack");
    }
    Ok(())
}

/// It is kept, and nothing more is known.
fn kept(id: MessageId, send: &Send) -> Result<ExitCode> {
    if send.json {
        say(serde_json::json!({"id": id}))?;
    }
    if send.wait == Wait::Seconds(0) {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "tidings: not known yet what became of it; it goes out once connected (tidings sent, number {id})"
    );
    Ok(ExitCode::from(NOT_YET))
}

/// What the running Tidings did with a message.
enum Delivered {
    /// So much is known of what became of it.
    Known(Box<Sent>),
    /// It is kept under this number, and goes out by itself.
    Kept(MessageId),
}

async fn deliver(draft: Draft, wait: Wait, within: Option<u64>) -> Result<Delivered> {
    let (agent, events) = agent().await?;
    // Before sending, so that no change of the status is missed.
    agent.ask(Request::Subscribe { windows: false }).await?;
    let Answer::Queued(id) = agent.ask(Request::Send { draft, kept: None }).await? else {
        bail!(UNEXPECTED)
    };
    let seconds = match wait {
        Wait::Seconds(0) => return Ok(Delivered::Kept(id)),
        Wait::Seconds(seconds) => Some(seconds),
        Wait::Delivered | Wait::Acknowledged => within,
    };
    let until =
        seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let settled = settled(&agent, events, id, wait);
    let known = match until {
        Some(until) => timeout_at(until, settled).await.ok(),
        None => Some(settled.await),
    };
    if let Some(sent) = known {
        return Ok(Delivered::Known(Box::new(sent?)));
    }
    let sent = look(&agent, id).await?;
    Ok(if is_known(&sent) {
        Delivered::Known(Box::new(sent))
    } else {
        Delivered::Kept(id)
    })
}

/// Whether there is something to say of it: the relay spoke, or it waits for its time.
fn is_known(sent: &Sent) -> bool {
    let spoken = |parcel: &tidings_control::Parcel| !parcel.recipients.is_empty();
    sent.draft.due.is_some() || sent.parcels.iter().any(spoken)
}

/// The message once there is nothing left to wait for.
async fn settled(agent: &Client, mut events: Events, id: MessageId, wait: Wait) -> Result<Sent> {
    loop {
        let sent = match events.recv().await {
            Some(Event::Sent(sent)) if sent.id == id => sent,
            // The agent had more to tell than was read: this may have been among it.
            Some(Event::Changed(ids)) if ids.is_empty() => look(agent, id).await?,
            Some(_) => continue,
            None => return Err(tidings_control::ClientError::Gone.into()),
        };
        if verdict(&sent, wait) != Verdict::Open {
            return Ok(sent);
        }
    }
}

async fn look(agent: &Client, id: MessageId) -> Result<Sent> {
    match agent.ask(Request::SentMessage { id }).await? {
        Answer::Sent(mut sent) if !sent.is_empty() => Ok(sent.remove(0)),
        _ => bail!(UNEXPECTED),
    }
}
