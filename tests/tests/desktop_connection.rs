//! Staying connected: a computer that sleeps, connections that die without a word, certificates that
//! nobody vouches for or that change.

use std::time::{Duration, Instant};

use anyhow::Context;
use tidings_control::{Certificate, CertificateFault, Connection, RelayId, Request, Status};
use tidings_tests::agent::Agent;
use tidings_tests::logind::Logind;
use tidings_tests::proxy::Proxy;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, http, process, test, wait};

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

/// The certificate that the one relay of this computer shows, where it is not accepted.
fn refused(status: &Status) -> Option<&Certificate> {
    match &status.relays.first()?.connection {
        Connection::Untrusted { certificate, .. } => Some(certificate),
        _ => None,
    }
}

/// Waits for a certificate that is not accepted, with that fingerprint.
async fn asked(agent: &Agent, shown: &str) -> anyhow::Result<(RelayId, Certificate)> {
    let wanted = |status: &Status| refused(status).is_some_and(|c| c.shown == shown);
    let status = agent.until("the certificate in question", wanted).await?;
    let certificate = refused(&status).context("a certificate")?.clone();
    let relay = status.relays.first().context("a relay")?;
    Ok((relay.id.clone(), certificate))
}

async fn trust(agent: &Agent, id: RelayId, fingerprint: &str) -> anyhow::Result<()> {
    let fingerprint = fingerprint.to_owned();
    agent
        .ask(Request::TrustCertificate { id, fingerprint })
        .await?;
    Ok(())
}

/// Sends as a script does that does not care for certificates.
async fn send_encrypted(rig: &Rig, port: u16, title: &str) -> anyhow::Result<()> {
    let mut curl = rig.home.command("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--max-time", "20"]);
    curl.arg("--get").arg("--header");
    curl.arg(format!("Authorization: {TOKEN}"));
    curl.arg("--data-urlencode").arg(format!("text={title}"));
    curl.arg(format!("https://127.0.0.1:{port}/me.send?wait=0"));
    process::run(&rig.home, "curl", curl).await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_is_asked_about_then_pinned_and_another_one_refused_until_it_is_trusted_too()
-> anyhow::Result<()> {
    test(async |rig| {
        let mut relay = Relay::encrypted()?;
        relay.start(&rig.home, &rig.programs).await?;
        let first = relay.fingerprint()?;
        let agent = rig.agent().await?;
        agent
            .join(format!("wss://{}", relay.address()), "me", TOKEN)
            .await?;
        let (id, certificate) = asked(&agent, &first).await?;
        assert_eq!(certificate.fault, CertificateFault::Unknown);
        assert_eq!(certificate.trusted, None);
        // Only what was shown can be agreed to.
        let other = first.replace(|c: char| c.is_ascii_digit(), "A");
        assert!(trust(&agent, id.clone(), &other).await.is_err());
        trust(&agent, id, &first).await?;
        let status = agent.until_connected().await?;
        assert_eq!(status.relays[0].pinned.as_ref(), Some(&first));
        send_encrypted(rig, relay.port(), "By the pinned one").await?;
        agent.stored("By the pinned one").await?;

        // It is pinned for good, also where nothing but the settings is left.
        agent.kill().await?;
        let agent = rig.agent().await?;
        agent.until_connected().await?;

        relay.kill();
        relay.forget_certificate(&rig.home)?;
        relay.start(&rig.home, &rig.programs).await?;
        let second = relay.fingerprint()?;
        let (id, certificate) = asked(&agent, &second).await?;
        assert_eq!(certificate.fault, CertificateFault::Changed);
        assert_eq!(certificate.trusted.as_ref(), Some(&first));
        // Nothing was sent to it: what waits there is not fetched.
        send_encrypted(rig, relay.port(), "By the new one").await?;
        agent.ask(Request::Reconnect { id: None }).await?;
        asked(&agent, &second).await?;
        assert!(
            agent
                .inbox()
                .await?
                .iter()
                .all(|row| row.title != "By the new one")
        );
        trust(&agent, id, &second).await?;
        agent.until_connected().await?;
        agent.stored("By the new one").await?;
        Ok(())
    })
    .await
}
