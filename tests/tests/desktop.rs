//! Messages and notifications on a desktop of their own: the real agent, a relay inside it, curl,
//! and a notification daemon that misbehaves.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tidings_control::{Draft, Part, Priority, Progress, Recipient, Request};
use tidings_tests::agent::{Agent, command};
use tidings_tests::notifications::{Manners, Notify};
use tidings_tests::peer::Peer;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, http, rig, test, wait};

/// The relay's HTTP side answers `wait` after 2.5 s where a message is not confirmed.
const HTTP_WAIT: Duration = Duration::from_millis(2500);

/// An agent that is connected as `me`, and how scripts reach its relay.
struct Desk {
    agent: Agent,
    port: u16,
    token: String,
}

impl Desk {
    /// With a relay inside.
    async fn hosting(rig: &Rig) -> anyhow::Result<Self> {
        let agent = rig.agent().await?;
        let port = agent.host("me").await?.port;
        let token = agent.token().await?;
        Ok(Self { agent, port, token })
    }

    /// With a relay in a process of its own: an agent that starts again waits for its old port if
    /// it hosts, and in the meantime another test may have got it.
    async fn joined(rig: &Rig) -> anyhow::Result<(Self, Relay)> {
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let agent = rig.agent().await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        agent.until_connected().await?;
        let (port, token) = (relay.port(), TOKEN.to_owned());
        Ok((Self { agent, port, token }, relay))
    }

    /// Sends by curl; the relay must say that the agent confirmed.
    async fn send(&self, rig: &Rig, title: &str, body: &str) -> anyhow::Result<()> {
        let (port, token) = (self.port, &self.token);
        let reply = http::send(&rig.home, port, token, "me", title, body).await?;
        anyhow::ensure!(http::status(&reply, "me") == "ok", "the relay said {reply}");
        Ok(())
    }
}

#[tokio::test]
async fn a_message_by_curl_becomes_a_notification() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        desk.send(rig, "The build is green", "All 214 tests passed")
            .await?;
        let shown = rig
            .notifications
            .wait_raised("The build is green", wait::SOON)
            .await?;
        assert_eq!(shown.body, "All 214 tests passed");
        assert_eq!((shown.app.as_str(), shown.replaces), ("Tidings", 0));
        assert!(
            shown.actions.iter().any(|(key, _)| key == "default"),
            "{shown:?}"
        );
        assert_eq!(<&str>::try_from(&shown.hints["desktop-entry"])?, "tidings");
        let row = desk.agent.stored("The build is green").await?;
        assert!(!row.read);
        assert_eq!(desk.agent.status().await?.unread, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn markup_and_other_alphabets_arrive_as_text() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        desk.send(rig, "构建 <b>完成</b> & 成功", "<img src=x> & **fett**")
            .await?;
        let shown = rig
            .notifications
            .wait_raised("构建 <b>完成</b> & 成功", wait::SOON)
            .await?;
        // The fake daemon takes markup in bodies, as most do.
        assert!(!shown.body.contains("<img"), "{}", shown.body);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_daemon_that_hangs_delays_no_confirmation() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        rig.notifications.behave(Manners::Hang);
        for n in 1..=3 {
            let began = Instant::now();
            desk.send(rig, &format!("Message {n}"), "").await?;
            let took = began.elapsed();
            assert!(took < HTTP_WAIT, "message {n} was confirmed after {took:?}");
        }
        let called = rig
            .notifications
            .wait("a Notify call", wait::SOON, |_| true)
            .await?;
        assert_eq!(called.id, None, "it was not answered");
        // A daemon that goes on shows each once, though the first was asked for long ago.
        rig.notifications.behave(Manners::Answer);
        for n in 1..=3 {
            let title = format!("Message {n}");
            rig.notifications.wait_raised(&title, wait::START).await?;
        }
        desk.send(rig, "The last", "").await?;
        rig.notifications
            .wait_raised("The last", wait::START)
            .await?;
        let titles: Vec<_> = rig
            .notifications
            .calls()
            .into_iter()
            .map(|c| c.summary)
            .collect();
        assert_eq!(titles, ["Message 1", "Message 2", "Message 3", "The last"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_daemon_that_refuses_costs_no_message() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        rig.notifications.behave(Manners::Refuse);
        desk.send(rig, "Refused", "").await?;
        let asked = |call: &Notify| call.summary == "Refused";
        rig.notifications
            .wait("the Notify call", wait::SOON, asked)
            .await?;
        desk.agent.stored("Refused").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_a_daemon_messages_wait_and_the_status_says_what_to_do() -> anyhow::Result<()> {
    rig::test_bare(async |rig| {
        let desk = Desk::hosting(rig).await?;
        for n in 1..=3 {
            desk.send(rig, &format!("Missed {n}"), "").await?;
        }
        let told = desk
            .agent
            .until("the missing daemon in the status", |status| {
                status
                    .problems
                    .iter()
                    .any(|p| p.part == Part::Notifications && !p.message.is_empty())
            });
        told.await?;
        assert_eq!(desk.agent.status().await?.unread, 3);

        rig.notifications.appear(&rig.bus).await?;
        for n in 1..=3 {
            rig.notifications
                .wait_raised(&format!("Missed {n}"), wait::START)
                .await?;
        }
        let cured = desk.agent.until("a status without the problem", |status| {
            status
                .problems
                .iter()
                .all(|p| p.part != Part::Notifications)
        });
        cured.await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_daemon_that_comes_back_gets_what_it_missed_once() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        desk.send(rig, "Before", "").await?;
        rig.notifications.wait_raised("Before", wait::SOON).await?;
        rig.notifications.vanish().await?;
        for n in 1..=3 {
            desk.send(rig, &format!("Missed {n}"), "").await?;
        }
        rig.notifications.appear(&rig.bus).await?;
        for n in 1..=3 {
            rig.notifications
                .wait_raised(&format!("Missed {n}"), wait::START)
                .await?;
        }
        desk.send(rig, "After", "").await?;
        rig.notifications.wait_raised("After", wait::SOON).await?;
        let titles: Vec<_> = rig
            .notifications
            .calls()
            .into_iter()
            .map(|c| c.summary)
            .collect();
        assert_eq!(
            titles,
            ["Before", "Missed 1", "Missed 2", "Missed 3", "After"]
        );
        Ok(())
    })
    .await
}

/// Kills the agent when it has stored a message and could not notify; starts it again.
async fn killed_before_notifying(rig: &mut Rig, hung: Manners) -> anyhow::Result<()> {
    let (mut desk, _relay) = Desk::joined(rig).await?;
    rig.notifications.behave(hung);
    desk.send(rig, "Once", "and only once").await?;
    desk.agent.stored("Once").await?;
    desk.agent.signal(Signal::KILL)?;
    desk.agent.end(wait::SOON).await?;
    // The daemon that hung is replaced by one that knows nothing of its calls.
    rig.notifications.vanish().await?;
    rig.notifications.behave(Manners::Answer);
    rig.notifications.appear(&rig.bus).await?;

    desk.agent = rig.agent().await?;
    rig.notifications.wait_raised("Once", wait::START).await?;
    // Whatever would be raised again is raised before a message that comes later.
    desk.agent.until_connected().await?;
    desk.send(rig, "Later", "").await?;
    rig.notifications.wait_raised("Later", wait::SOON).await?;
    assert_eq!(rig.notifications.raised("Once").len(), 1);
    let rows = desk.agent.inbox().await?;
    let titles: Vec<_> = rows.iter().map(|row| row.title.as_str()).collect();
    assert_eq!(titles, ["Later", "Once"]);
    Ok(())
}

#[tokio::test]
async fn killed_between_storing_and_asking_it_notifies_once() -> anyhow::Result<()> {
    test(async |rig| killed_before_notifying(rig, Manners::Freeze).await).await
}

#[tokio::test]
async fn killed_between_asking_and_the_answer_it_notifies_once() -> anyhow::Result<()> {
    test(async |rig| killed_before_notifying(rig, Manners::Hang).await).await
}

#[tokio::test]
async fn what_was_notified_is_not_notified_again_after_a_restart() -> anyhow::Result<()> {
    test(async |rig| {
        let (mut desk, _relay) = Desk::joined(rig).await?;
        desk.send(rig, "Told", "").await?;
        rig.notifications.wait_raised("Told", wait::SOON).await?;
        desk.agent.signal(Signal::TERM)?;
        assert!(desk.agent.end(wait::START).await?.success());
        desk.agent = rig.agent().await?;
        desk.agent.until_connected().await?;
        desk.send(rig, "Untold", "").await?;
        rig.notifications.wait_raised("Untold", wait::SOON).await?;
        assert_eq!(rig.notifications.raised("Told").len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_answer_that_comes_while_quitting_still_counts() -> anyhow::Result<()> {
    test(async |rig| {
        let (mut desk, _relay) = Desk::joined(rig).await?;
        rig.notifications.behave(Manners::Hang);
        desk.send(rig, "Late", "").await?;
        let asked = |call: &Notify| call.summary == "Late";
        rig.notifications
            .wait("the Notify call", wait::SOON, asked)
            .await?;
        desk.agent.signal(Signal::TERM)?;
        rig.notifications.behave(Manners::Answer);
        assert!(desk.agent.end(wait::START).await?.success());
        desk.agent = rig.agent().await?;
        desk.agent.until_connected().await?;
        desk.send(rig, "Later", "").await?;
        rig.notifications.wait_raised("Later", wait::SOON).await?;
        assert_eq!(rig.notifications.raised("Late").len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_message_to_a_second_client_shows_that_it_was_delivered() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        let peer = Peer::connect(desk.port, &desk.token, "ann").await?;
        let draft = Draft {
            to: vec![Recipient::Person("ann".into())],
            title: "Lunch?".into(),
            body: "At noon".into(),
            priority: Priority::Default,
            link: String::new(),
            relay: None,
            ..Draft::default()
        };
        desk.agent.ask(Request::Send { draft, kept: None }).await?;
        let delivery = peer.message("Lunch?").await?;
        assert_eq!(delivery.message.desp, "At noon");
        assert_eq!(
            delivery.from.name.map(|name| name.to_string()).as_deref(),
            Some("me")
        );
        let sent = desk
            .agent
            .sent("Lunch?", |sent| {
                sent.parcels[0].progress == Progress::Answered
            })
            .await?;
        assert_eq!(sent.parcels[0].recipients.len(), 1);
        assert_eq!(
            sent.parcels[0].recipients[0].delivery,
            tidings_control::Delivery::Delivered
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_command_line_sends_and_says_what_became_of_it() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::hosting(rig).await?;
        let peer = Peer::connect(desk.port, &desk.token, "ann").await?;
        let tidings = async |arguments: &[&str]| command(&rig.home, &rig.programs, arguments).await;
        let (ended, said, _) =
            tidings(&["send", "ann", "--title", "Cake", "In the kitchen"]).await?;
        assert!(ended.success(), "{said}");
        assert_eq!(peer.message("Cake").await?.message.desp, "In the kitchen");

        let (ended, _, error) = tidings(&["send", "nobody", "Hello"]).await?;
        assert_eq!(ended.code(), Some(1), "{error}");

        desk.send(rig, "By curl", "").await?;
        let (ended, listed, _) = tidings(&["inbox"]).await?;
        assert!(ended.success() && listed.contains("By curl"), "{listed}");
        let (ended, status, _) = tidings(&["status"]).await?;
        assert!(ended.success(), "{status}");
        Ok(())
    })
    .await
}
