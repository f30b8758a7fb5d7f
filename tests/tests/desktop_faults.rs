//! What is missing, taken, gone or wrong: Tidings says so, says what to do, and loses nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use tidings_control::{
    Connection, Draft, Join, Part, Priority, Recipient, Request, SecretPlace, Status,
};
use tidings_tests::agent::{Agent, command};
use tidings_tests::keyring::Keyring;
use tidings_tests::peer::Peer;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, http, test, wait};

/// The port that a hosted relay takes if it can.
const PORT: u16 = 9093;

async fn relay(rig: &Rig) -> anyhow::Result<Relay> {
    let mut relay = Relay::new()?;
    relay.start(&rig.home, &rig.programs).await?;
    Ok(relay)
}

fn join(relay: &Relay, token: &str) -> Request {
    Request::Join {
        relay: Join {
            id: None,
            address: relay.address(),
            name: "me".into(),
            group: String::new(),
            token: Some(token.into()),
        },
    }
}

/// Where the token of the first relay is.
fn secret(status: &Status) -> SecretPlace {
    let first = status.relays.first();
    first.map_or(SecretPlace::Nowhere, |relay| relay.secret)
}

async fn offline(agent: &Agent) -> anyhow::Result<()> {
    let is = |c: &Connection| matches!(c, Connection::Offline { reason, .. } if !reason.is_empty());
    agent
        .until("offline, with a reason", |status| is(&status.connection()))
        .await?;
    Ok(())
}

/// Every file below `folder` that holds `secret`.
fn holding(folder: &Path, secret: &str) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            found.extend(holding(&path, secret)?);
        } else if kind.is_file() {
            let bytes = fs::read(&path)?;
            if bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
            {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn without_a_keyring_joining_works_and_the_status_says_what_to_do() -> anyhow::Result<()> {
    test(async |rig| {
        let relay = relay(rig).await?;
        let agent = rig.agent().await?;
        agent.ask(join(&relay, TOKEN)).await?;
        let status = agent.until_connected().await?;
        assert_eq!(secret(&status), SecretPlace::Memory);
        let told = status.problems.iter().find(|p| p.part == Part::Secrets);
        assert!(
            told.is_some_and(|p| p.message.contains("file")),
            "{status:?}"
        );
        assert!(
            holding(&rig.home.path("config"), TOKEN)?.is_empty(),
            "not without being asked"
        );

        agent.ask(Request::AllowPlainSecret { allow: true }).await?;
        agent
            .until("the token in a file", |s| secret(s) == SecretPlace::File)
            .await?;
        let kept = holding(&rig.home.path("config"), TOKEN)?;
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(fs::metadata(&kept[0])?.permissions().mode() & 0o777, 0o600);

        agent.kill().await?;
        let agent = rig.agent().await?;
        agent.until_connected().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn with_a_keyring_the_token_is_there_and_survives_a_restart() -> anyhow::Result<()> {
    test(async |rig| {
        let keyring = Keyring::start(&rig.home, &rig.bus).await?;
        let relay = relay(rig).await?;
        let mut agent = rig.agent().await?;
        agent.ask(join(&relay, TOKEN)).await?;
        let status = agent.until_connected().await?;
        assert_eq!(secret(&status), SecretPlace::Keyring, "{status:?}");
        assert_eq!(keyring.labels(&rig.bus).await?.len(), 1);
        assert!(holding(&rig.home.path("config"), TOKEN)?.is_empty());
        agent.signal(Signal::TERM)?;
        agent.end(wait::START).await?;
        let agent = rig.agent().await?;
        let status = agent.until_connected().await?;
        assert_eq!(secret(&status), SecretPlace::Keyring, "{status:?}");
        assert!(status.problems.is_empty(), "{status:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_taken_port_is_passed_over_for_the_next() -> anyhow::Result<()> {
    test(async |rig| {
        // If somebody else has it already, that is as good.
        let _taken = std::net::TcpListener::bind(("127.0.0.1", PORT));
        let agent = rig.agent().await?;
        let hosted = agent.host("me").await?;
        assert!(hosted.port > PORT, "port {}", hosted.port);
        assert!(
            hosted.curl.contains(&format!(":{}/", hosted.port)),
            "{}",
            hosted.curl
        );
        let token = agent.token().await?;
        let reply = http::send(&rig.home, hosted.port, &token, "me", "Here", "").await?;
        assert_eq!(http::status(&reply, "me"), "ok", "{reply}");

        agent.kill().await?;
        let agent = rig.agent().await?;
        let again = agent
            .until_connected()
            .await?
            .hosted
            .map(|hosted| hosted.port);
        assert_eq!(again, Some(hosted.port), "scripts find it where it was");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_relay_that_is_down_gone_and_back_costs_nothing() -> anyhow::Result<()> {
    test(async |rig| {
        let mut relay = Relay::new()?;
        let agent = rig.agent().await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        offline(&agent).await?;
        relay.start(&rig.home, &rig.programs).await?;
        agent.until_connected().await?;

        let peer = Peer::connect(relay.port(), TOKEN, "ann").await?;
        relay.kill();
        offline(&agent).await?;
        drop(peer);
        let draft = Draft {
            to: vec![Recipient::Person("ann".into())],
            title: "Written offline".into(),
            body: String::new(),
            priority: Priority::Default,
            link: String::new(),
            relay: None,
            ..Draft::default()
        };
        agent.ask(Request::Send { draft, kept: None }).await?;

        relay.start(&rig.home, &rig.programs).await?;
        let peer = Peer::connect(relay.port(), TOKEN, "ann").await?;
        // Kept by the relay for the agent, which is still away or just back.
        let sent = http::send(&rig.home, relay.port(), TOKEN, "me", "Sent meanwhile", "").await?;
        assert!(
            ["ok", "wait"].contains(&http::status(&sent, "me")),
            "{sent}"
        );
        agent.ask(Request::Reconnect { id: None }).await?;
        agent.until_connected().await?;
        peer.message("Written offline").await?;
        agent.stored("Sent meanwhile").await?;
        rig.notifications
            .wait_raised("Sent meanwhile", wait::SOON)
            .await?;
        assert_eq!(peer.titles(), ["Written offline"]);
        assert_eq!(rig.notifications.raised("Sent meanwhile").len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_its_reason_until_it_is_right() -> anyhow::Result<()> {
    test(async |rig| {
        let relay = relay(rig).await?;
        let agent = rig.agent().await?;
        agent.join(relay.address(), "me", "not the token").await?;
        let refused =
            |c: &Connection| matches!(c, Connection::Refused { reason } if !reason.is_empty());
        agent
            .until("the refusal", |status| refused(&status.connection()))
            .await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        agent.until_connected().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn two_agents_of_one_name_do_not_fight() -> anyhow::Result<()> {
    test(async |rig| {
        let relay = relay(rig).await?;
        let (first, second) = (rig.agent().await?, Rig::new().await?);
        first.join(relay.address(), "me", TOKEN).await?;
        first.until_connected().await?;
        let other = second.agent().await?;
        other.join(relay.address(), "me", TOKEN).await?;
        let connected = other.until_connected().await?.connection();
        let gone = |agent| async move {
            let taken = |s: &Status| matches!(s.connection(), Connection::TakenOver { .. });
            Agent::until(agent, "the name taken over", taken).await
        };
        gone(&first).await?;
        for n in 1..=3 {
            let title = format!("For the newer, {n}");
            let reply = http::send(&rig.home, relay.port(), TOKEN, "me", &title, "").await?;
            assert_eq!(http::status(&reply, "me"), "ok", "{reply}");
            other.stored(&title).await?;
        }
        assert_eq!(
            other.status().await?.connection(),
            connected,
            "never interrupted"
        );
        assert!(first.inbox().await?.is_empty());

        // The person at the first computer wants it back.
        let id = first
            .status()
            .await?
            .relays
            .first()
            .map(|relay| relay.id.clone());
        first.ask(Request::Reconnect { id }).await?;
        first.until_connected().await?;
        gone(&other).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named_with_what_to_do() -> anyhow::Result<()> {
    test(async |rig| {
        fs::write(rig.home.path("data/tidings"), "a file in the way")?;
        let (ended, _, error) = command(&rig.home, &rig.programs, &["--hidden"]).await?;
        assert_eq!(ended.code(), Some(1), "{error}");
        assert!(error.contains("data/tidings"), "{error}");
        assert!(error.contains("Make it writable"), "{error}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_token_is_in_no_log_and_no_settings_file() -> anyhow::Result<()> {
    test(async |rig| {
        rig.home.set("TIDINGS_LOG", "trace");
        let _keyring = Keyring::start(&rig.home, &rig.bus).await?;
        let agent = rig.agent().await?;
        let port = agent.host("me").await?.port;
        let token = agent.token().await?;
        assert!(token.len() >= 32, "a token beyond guessing");
        let reply = http::send(&rig.home, port, &token, "me", "Hello", "").await?;
        assert_eq!(http::status(&reply, "me"), "ok");
        let wrong = http::send(&rig.home, port, "a wrong one", "me", "Hello", "").await;
        assert!(wrong.is_err() || wrong.is_ok_and(|reply| http::status(&reply, "me") != "ok"));
        let log = agent.log();
        assert!(log.len() > 1000, "it logs at the finest level: {log}");
        agent.kill().await?;
        for folder in ["log", "config", "data", "state", "cache", "run"] {
            let found = holding(&rig.home.path(folder), &token)?;
            let lines = found.iter().flat_map(fs::read_to_string);
            let lines: String = lines.collect();
            let lines: Vec<_> = lines.lines().filter(|line| line.contains(&token)).collect();
            assert!(found.is_empty(), "in {found:?}: {lines:#?}");
        }
        Ok(())
    })
    .await
}
