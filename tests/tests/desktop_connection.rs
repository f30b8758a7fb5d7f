//! Staying connected: a computer that sleeps, connections that die without a word, certificates that
//! nobody vouches for or that change.

use std::time::{Duration, Instant};

use anyhow::Context;
use fantoccini::Locator;
use tidings_control::{Certificate, CertificateFault, Connection, RelayId, Request, Status, View};
use tidings_tests::agent::Agent;
use tidings_tests::logind::Logind;
use tidings_tests::proxy::Proxy;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::window::Window;
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

/// Whether a click into the middle of an element of that test id meets it: it is in sight, and
/// nothing is over it.
async fn within_reach(window: &Window, id: &str) -> anyhow::Result<()> {
    window.find(id).await?;
    let script = "const element = document.querySelector(`[data-testid='${arguments[0]}']`);
        const { left, top, width, height } = element.getBoundingClientRect();
        const met = document.elementFromPoint(left + width / 2, top + height / 2);
        return met !== null && element.contains(met);";
    let met = window.client().execute(script, vec![id.into()]).await?;
    anyhow::ensure!(met == true, "{id} cannot be clicked where it is");
    Ok(())
}

/// Waits until so many fingerprints are shown; gives them.
async fn fingerprints(window: &Window, count: usize) -> anyhow::Result<Vec<String>> {
    wait::until("the fingerprints", wait::SOON, async || {
        let css = Locator::Css("[data-testid='fingerprint']");
        let mut shown = Vec::new();
        for element in window.client().find_all(css).await? {
            shown.push(element.attr("aria-label").await?.unwrap_or_default());
        }
        anyhow::ensure!(shown.len() == count, "shown are {shown:?}");
        Ok(Some(shown))
    })
    .await
}

#[tokio::test]
async fn the_window_asks_about_a_certificate_and_twice_where_it_has_changed() -> anyhow::Result<()>
{
    test(async |rig| {
        let display = rig.display().await?;
        let mut relay = Relay::encrypted()?;
        relay.start(&rig.home, &rig.programs).await?;
        let first = relay.fingerprint()?;
        let agent = rig.agent().await?;
        agent
            .join(format!("wss://{}", relay.address()), "me", TOKEN)
            .await?;
        asked(&agent, &first).await?;
        let view = View::Inbox { message: None };
        agent.ask(Request::Show { view }).await?;
        let window = rig.window().await?;

        window.reads("connection-bar", "not known yet").await?;
        window.click("certificate-look").await?;
        assert_eq!(fingerprints(&window, 1).await?, [&*first]);
        // To say no leaves things as they are.
        window.click("certificate-no").await?;
        asked(&agent, &first).await?;
        window.click("certificate-look").await?;
        window.click("certificate-trust").await?;
        agent.until_connected().await?;
        send_encrypted(rig, relay.port(), "By the pinned one").await?;
        window.select("[data-testid='inbox-row']").await?;

        relay.kill();
        relay.forget_certificate(&rig.home)?;
        relay.start(&rig.home, &rig.programs).await?;
        let second = relay.fingerprint()?;
        asked(&agent, &second).await?;
        window.reads("connection-bar", "does not show").await?;
        // The smallest window that is offered: all that is to be clicked is in it.
        display.place("Tidings", [0, 0, 640, 480])?;
        wait::until("the small window", wait::SOON, async || {
            let wide = "return window.innerWidth";
            let wide = window.client().execute(wide, Vec::new()).await?;
            Ok((wide == 640).then_some(()))
        })
        .await?;
        window.click("certificate-look").await?;
        assert_eq!(fingerprints(&window, 2).await?, [&*first, &*second]);
        window
            .select("[data-testid='certificate'] .changed")
            .await?;
        let trust = Locator::Css("[data-testid='certificate-trust']");
        let offered = window.client().find_all(trust).await?;
        assert!(offered.is_empty(), "one step is not enough");
        within_reach(&window, "certificate-sure").await?;
        window.click("certificate-sure").await?;
        assert_eq!(fingerprints(&window, 1).await?, [&*second]);
        for id in ["fingerprint", "certificate-no", "certificate-trust"] {
            within_reach(&window, id).await?;
        }
        window.click("certificate-trust").await?;
        agent.until_connected().await?;
        send_encrypted(rig, relay.port(), "By the new one").await?;
        let row = agent.stored("By the new one").await?.id;
        let row = format!("[data-testid='inbox-row'][data-id='{row}']");
        window.select(&row).await?;
        Ok(())
    })
    .await
}
