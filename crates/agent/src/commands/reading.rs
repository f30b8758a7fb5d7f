//! `tidings inbox` and `tidings export`: what was received, and with `--follow` what is being.
//!
//! Invariant: following misses nothing, however fast messages come: an event only says that there is
//! something, and what it is is read from the inbox.

use anyhow::{Result, bail};
use tidings_control::{
    Answer, Client, ClientError, Event, Events, Filter, MessageId, Request, Row,
};

use super::{UNEXPECTED, say};

/// Messages asked for at once: an answer is held in memory whole.
const PAGE: u32 = 200;

/// Prints the newest messages, the newest first.
pub(super) async fn list(agent: &Client, limit: u32, filter: Filter, json: bool) -> Result<()> {
    for row in page(agent, None, limit, &filter).await? {
        print(&row, json)?;
    }
    Ok(())
}

/// Prints the newest messages, the newest last, and then each that comes, until Tidings ends.
pub(super) async fn follow(
    agent: &Client,
    events: Events,
    limit: u32,
    filter: Filter,
    json: bool,
) -> Result<()> {
    let mut arrivals = Arrivals::from_now(agent, events).await?;
    let mut rows = page(agent, None, limit, &filter).await?;
    // What came since is told by the arrivals.
    rows.retain(|row| row.id <= arrivals.last);
    for row in rows.iter().rev() {
        print(row, json)?;
    }
    while let Some(rows) = arrivals.next(agent, &filter).await? {
        for row in &rows {
            print(row, json)?;
        }
    }
    Err(ClientError::Gone.into())
}

/// Received messages as they come, each once and in order.
pub(super) struct Arrivals {
    events: Events,
    /// The newest one that was there before.
    last: MessageId,
}

impl Arrivals {
    /// Those after the ones that are there now.
    pub(super) async fn from_now(agent: &Client, events: Events) -> Result<Self> {
        // Before looking, so that nothing is missed between.
        agent.ask(Request::Subscribe { windows: false }).await?;
        let newest = page(agent, None, 1, &Filter::default()).await?;
        let last = newest.first().map_or(0, |row| row.id);
        Ok(Self { events, last })
    }

    /// Waits for the next ones, oldest first; none when the agent has ended.
    pub(super) async fn next(
        &mut self,
        agent: &Client,
        filter: &Filter,
    ) -> Result<Option<Vec<Row>>> {
        while let Some(event) = self.events.recv().await {
            let told = match event {
                Event::Received(row) if row.id > self.last => row.id,
                // The agent had more to tell than was read: any may have come.
                Event::Changed(ids) if ids.is_empty() => self.last,
                _ => continue,
            };
            let mut rows = Vec::new();
            let mut before = None;
            loop {
                let older = page(agent, before, PAGE, filter).await?;
                before = older.last().map(|row| row.id);
                rows.extend(older.into_iter().take_while(|row| row.id > self.last));
                if before.is_none_or(|oldest| oldest <= self.last) {
                    break;
                }
            }
            self.last = rows.first().map_or(told, |row| row.id.max(told));
            if !rows.is_empty() {
                rows.reverse();
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }
}

fn print(row: &Row, json: bool) -> Result<()> {
    if json {
        say(serde_json::to_string(row)?)?;
    } else {
        let mark = if row.read { ' ' } else { '*' };
        let sender = if row.sender.is_empty() {
            "HTTP"
        } else {
            &row.sender
        };
        let headline = if row.title.is_empty() {
            &row.preview
        } else {
            &row.title
        };
        say(format_args!("{mark} {:>6}  {sender}: {headline}", row.id))?;
    }
    Ok(())
}

/// Prints all of them whole, a page at a time.
pub(super) async fn export(agent: &Client, filter: Filter) -> Result<()> {
    let mut before = None;
    loop {
        let page = Request::Export {
            filter: filter.clone(),
            before,
            limit: PAGE,
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

async fn page(
    agent: &Client,
    before: Option<MessageId>,
    limit: u32,
    filter: &Filter,
) -> Result<Vec<Row>> {
    let page = Request::Inbox {
        before,
        limit,
        filter: filter.clone(),
    };
    match agent.ask(page).await? {
        Answer::Inbox(rows) => Ok(rows),
        _ => bail!(UNEXPECTED),
    }
}
