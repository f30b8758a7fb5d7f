//! Staying connected: a computer that sleeps, and connections that die without a word.

use std::time::{Duration, Instant};

use tidings_tests::agent::Agent;
use tidings_tests::logind::Logind;
use tidings_tests::proxy::Proxy;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, http, test, wait};

/// An open line is given so long to answer after a sleep, and the next one is dialed within a second;
/// the rest is for a busy machine.
const REPLACED: Duration = Duration::from_secs(5 + 1 + 4);

/// An agent that is connected with a relay by a way that can die, on a computer that can sleep.
struct Sleeper {
    logind: Logind,
    relay: Relay,
    way: Proxy,
    agent: Agent,
}

impl Sleeper {
    async fn start(rig: &Rig) -> anyhow::Result<Self> {
        let logind = Logind::start(&rig.home).await?;
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let way = Proxy::start(relay.port()).await?;
        let agent = rig.agent().await?;
        agent.join(way.address(), "me", TOKEN).await?;
        agent.until_connected().await?;
        logind.is_heard().await?;
        Ok(Self {
            logind,
            relay,
            way,
            agent,
        })
    }

    /// Sends without waiting for what becomes of it.
    async fn send(&self, rig: &Rig, title: &str) -> anyhow::Result<()> {
        let fields = [("text", title), ("wait", "0")];
        let port = self.relay.port();
        http::send_fields(&rig.home, port, TOKEN, "me", &fields).await?;
        Ok(())
    }

    /// Waits for another connection than the ones before, and that it is used.
    async fn reconnected(&self, made: u64) -> anyhow::Result<()> {
        wait::until("another connection", wait::START, async || {
            Ok((self.way.made() > made).then_some(()))
        })
        .await?;
        self.agent.until_connected().await?;
        Ok(())
    }
}

#[tokio::test]
async fn forty_messages_of_a_sleep_are_one_digest() -> anyhow::Result<()> {
    test(async |rig| {
        let sleeper = Sleeper::start(rig).await?;
        sleeper.logind.prepare_for_sleep(true).await?;
        // Some still come, when nobody looks any more.
        for n in 1..=3 {
            sleeper.send(rig, &format!("Night {n}")).await?;
        }
        sleeper.agent.stored("Night 3").await?;
        sleeper.way.kill_silently();
        for n in 4..=40 {
            sleeper.send(rig, &format!("Night {n}")).await?;
        }
        assert!(rig.notifications.calls().is_empty());
        sleeper.logind.prepare_for_sleep(false).await?;
        let told = rig
            .notifications
            .wait_raised("While you were away: 40 messages", wait::START)
            .await?;
        assert!(told.body.contains("and 35 more"), "{}", told.body);
        assert_eq!(sleeper.agent.inbox().await?.len(), 40);

        sleeper.send(rig, "Morning").await?;
        rig.notifications.wait_raised("Morning", wait::SOON).await?;
        assert_eq!(rig.notifications.calls().len(), 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_line_that_died_in_a_sleep_is_replaced_within_seconds() -> anyhow::Result<()> {
    test(async |rig| {
        let sleeper = Sleeper::start(rig).await?;
        let made = sleeper.way.made();
        sleeper.way.kill_silently();
        sleeper.logind.prepare_for_sleep(true).await?;
        let woke = Instant::now();
        sleeper.logind.prepare_for_sleep(false).await?;
        sleeper.reconnected(made).await?;
        assert!(woke.elapsed() < REPLACED, "{:?}", woke.elapsed());
        sleeper.send(rig, "Here again").await?;
        rig.notifications
            .wait_raised("Here again", wait::SOON)
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_line_that_is_well_after_a_sleep_is_kept() -> anyhow::Result<()> {
    test(async |rig| {
        let sleeper = Sleeper::start(rig).await?;
        let made = sleeper.way.made();
        sleeper.logind.prepare_for_sleep(true).await?;
        sleeper.logind.prepare_for_sleep(false).await?;
        // Told within moments: the line stood its test, and nothing is waited for any more.
        sleeper.send(rig, "Still here").await?;
        rig.notifications
            .wait_raised("Still here", wait::SOON)
            .await?;
        assert_eq!(sleeper.way.made(), made, "it dialed again");
        Ok(())
    })
    .await
}
