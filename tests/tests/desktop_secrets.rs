//! The keyring that is late, locked or hangs: told in words, used when it can be, never waited for.
//!
//! One that is absent, and the file that stands in for it, is in `desktop_faults`.

use rustix::process::Signal;
use tidings_control::{Connection, Part, SecretPlace, Status};
use tidings_tests::agent::Agent;
use tidings_tests::keyring::Keyring;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, test, wait};

async fn relay(rig: &Rig) -> anyhow::Result<Relay> {
    let mut relay = Relay::new()?;
    relay.start(&rig.home, &rig.programs).await?;
    Ok(relay)
}

fn kept_in(place: SecretPlace) -> impl Fn(&Status) -> bool {
    move |status| status.relays.iter().all(|relay| relay.secret == place)
}

/// What the status says of the keyring.
fn told(status: &Status) -> Option<&str> {
    let problem = status.problems.iter().find(|p| p.part == Part::Secrets)?;
    Some(&problem.message.en)
}

/// A relay whose token was put into a keyring by an agent that has ended.
async fn kept(rig: &Rig) -> anyhow::Result<(Relay, Keyring)> {
    let relay = relay(rig).await?;
    let keyring = Keyring::start(&rig.home, &rig.bus).await?;
    let agent = rig.agent().await?;
    agent.join(relay.address(), "me", TOKEN).await?;
    agent
        .until("the token in the keyring", kept_in(SecretPlace::Keyring))
        .await?;
    ended(agent).await?;
    Ok((relay, keyring))
}

async fn ended(mut agent: Agent) -> anyhow::Result<()> {
    agent.signal(Signal::TERM)?;
    agent.end(wait::START).await?;
    Ok(())
}

#[tokio::test]
async fn a_keyring_that_comes_late_takes_what_the_file_holds() -> anyhow::Result<()> {
    test(async |rig| {
        let relay = relay(rig).await?;
        let agent = rig.agent().await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        agent
            .until("the token in a file", kept_in(SecretPlace::File))
            .await?;
        ended(agent).await?;

        // A start with the file alone, as at login: the keyring comes after it.
        let agent = rig.agent().await?;
        agent.until_connected().await?;
        let file = rig.home.path("config/tidings/secrets.toml");
        assert!(file.exists());
        let keyring = Keyring::start(&rig.home, &rig.bus).await?;
        let status = agent
            .until("the token in the keyring", kept_in(SecretPlace::Keyring))
            .await?;
        assert_eq!(told(&status), None);
        assert_eq!(keyring.labels(&rig.bus).await?.len(), 1);
        assert!(!file.exists(), "the file goes once the keyring has it");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_locked_keyring_is_told_and_used_when_it_is_unlocked() -> anyhow::Result<()> {
    test(async |rig| {
        let (_relay, keyring) = kept(rig).await?;

        keyring.lock(&rig.bus).await?;
        let agent = rig.agent().await?;
        let status = agent
            .until("the locked keyring in the status", |s| told(s).is_some())
            .await?;
        assert!(
            told(&status).is_some_and(|words| words.contains("Unlock it")),
            "{status:?}"
        );
        keyring.unlock(&rig.bus).await?;
        let status = agent.until_connected().await?;
        assert_eq!(told(&status), None, "{status:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_keyring_that_hangs_holds_up_no_start() -> anyhow::Result<()> {
    test(async |rig| {
        let (_relay, keyring) = kept(rig).await?;

        keyring.signal(&rig.home, Signal::STOP)?;
        let agent = rig.agent().await?;
        // It answers while the keyring does not.
        assert!(agent.inbox().await?.is_empty());
        let status = agent
            .until("the hanging keyring in the status", |s| told(s).is_some())
            .await?;
        assert!(
            matches!(status.connection(), Connection::Refused { .. }),
            "{status:?}"
        );
        keyring.signal(&rig.home, Signal::CONT)?;
        let status = agent.until_connected().await?;
        assert_eq!(told(&status), None, "{status:?}");
        Ok(())
    })
    .await
}
