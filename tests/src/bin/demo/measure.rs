//! When things happen to a message: the agents' own events, the buses' traffic, the answers.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use tidings_control::{Client, Delivery, Event};
use tidings_tests::agent::Agent;
use tidings_tests::bus::Bus;
use tidings_tests::memory::{self, Memory};
use tidings_tests::monitor::Monitor;
use tidings_tests::wait;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long nothing may have happened for a process to count as at rest.
const REST: Duration = Duration::from_secs(2);

/// An agent under observation.
pub(crate) struct Observed {
    pub(crate) agent: Agent,
    pub(crate) monitor: Monitor,
    events: watch::Receiver<Vec<(SystemTime, Event)>>,
    follower: JoinHandle<()>,
    _client: Client,
}

impl Observed {
    pub(crate) async fn new(agent: Agent, bus: &Bus) -> anyhow::Result<Self> {
        let (client, mut coming) = agent.events().await?;
        let (keep, events) = watch::channel(Vec::new());
        let follower = tokio::spawn(async move {
            while let Some(event) = coming.recv().await {
                keep.send_modify(|kept| kept.push((SystemTime::now(), event)));
            }
        });
        Ok(Self {
            agent,
            monitor: Monitor::start(bus).await?,
            events,
            follower,
            _client: client,
        })
    }

    /// Waits for an event; gives when it came, and what `wanted` took of it.
    async fn event<T>(
        &self,
        what: &str,
        wanted: impl Fn(&Event) -> Option<T>,
    ) -> anyhow::Result<(SystemTime, T)> {
        let mut events = self.events.clone();
        let find = |kept: &Vec<(SystemTime, Event)>| {
            kept.iter()
                .find_map(|(at, event)| Some((*at, wanted(event)?)))
        };
        let came = events.wait_for(|kept| find(kept).is_some());
        let kept = wait::at_most(what, wait::SOON, came).await?;
        find(&kept).context("it came")
    }

    /// When a message with this title was stored, and its number.
    pub(crate) async fn stored(&self, title: &str) -> anyhow::Result<(SystemTime, u64)> {
        let what = format!("the event that {title:?} is stored");
        self.event(&what, |event| match event {
            Event::Received(row) if row.title == title => Some(row.id),
            _ => None,
        })
        .await
    }

    /// When the relay took a stored message.
    pub(crate) async fn accepted(&self, id: u64) -> anyhow::Result<SystemTime> {
        let sent = self.agent.message(id).await?.sent_at;
        let sent = sent.context("the relay's id does not read as a time")?;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(sent))
    }

    /// When this sender knew that its message with this title was delivered.
    pub(crate) async fn delivered(&self, title: &str) -> anyhow::Result<SystemTime> {
        let what = format!("the event that {title:?} is delivered");
        let (at, ()) = self
            .event(&what, |event| match event {
                Event::Sent(sent) if sent.draft.title == title => {
                    let mut recipients = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
                    let one = recipients.next()?.delivery == Delivery::Delivered;
                    (one && recipients.all(|r| r.delivery == Delivery::Delivered)).then_some(())
                }
                _ => None,
            })
            .await?;
        Ok(at)
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// The agent's memory, once it has had nothing to do for a while.
pub(crate) async fn at_rest(agent: &Agent) -> anyhow::Result<Memory> {
    let mut last = (memory::ticks(agent.id())?, SystemTime::now());
    wait::until("the agent to rest", wait::START, async || {
        let ticks = memory::ticks(agent.id())?;
        if ticks != last.0 {
            last = (ticks, SystemTime::now());
        }
        Ok((last.1.elapsed()? >= REST).then_some(()))
    })
    .await?;
    Memory::of_tree(agent.id())
}

/// Milliseconds between two times; the relay's ids are whole milliseconds, so it may be a little
/// less than none.
pub(crate) fn since(began: SystemTime, at: SystemTime) -> f64 {
    let passed = at.duration_since(began).unwrap_or_default();
    passed.as_secs_f64() * 1000.0
}
