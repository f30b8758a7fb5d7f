//! The tray icon, read and clicked over D-Bus as a panel does; the agent's life as the tray shows it.

use std::collections::HashSet;

use rustix::process::Signal;
use tidings_control::{Answer, Draft, Language, Part, Pause, Priority, Reach, Recipient, Request};
use tidings_tests::agent::command;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::tray::{Item, Look};
use tidings_tests::{http, rig, test, wait};

/// Waits until the icon's tooltip says `words`.
async fn tooltip(item: &Item, words: &str) -> anyhow::Result<Look> {
    wait::until(
        &format!("{words:?} in the tooltip"),
        wait::START,
        async || {
            let look = item.look().await?;
            let says = format!("{}\n{}", look.tooltip.0, look.tooltip.1);
            anyhow::ensure!(says.contains(words), "it says {says:?}");
            Ok(Some(look))
        },
    )
    .await
}

#[tokio::test]
async fn the_menu_is_read_and_quit_ends_in_order() -> anyhow::Result<()> {
    test(async |rig| {
        let mut agent = rig.agent().await?;
        let item = rig.tray.item().await?;
        let menu = item.menu().await?;
        let labels: Vec<_> = menu
            .iter()
            .map(|e| e.label.as_str())
            .filter(|l| !l.is_empty())
            .collect();
        assert_eq!(
            labels,
            [
                "Inbox",
                "Compose",
                "Host a relay",
                "Settings",
                "Pause notifications",
                "For 30 minutes",
                "For 1 hour",
                "Until tomorrow",
                "Quit"
            ]
        );
        item.click("Quit").await?;
        let ended = agent.end(wait::START).await?;
        assert!(ended.success(), "it ended with {ended}");
        assert!(rig.home.processes_of("tidings").is_empty());
        assert!(!rig.home.path("run/tidings/control.sock").exists());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn sigterm_ends_in_order_too() -> anyhow::Result<()> {
    test(async |rig| {
        let mut agent = rig.agent().await?;
        agent.host("me").await?;
        agent.signal(Signal::TERM)?;
        assert!(agent.end(wait::START).await?.success());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn icon_and_tooltip_follow_the_connection() -> anyhow::Result<()> {
    test(async |rig| {
        let agent = rig.agent().await?;
        let item = rig.tray.item().await?;
        let mut looks = vec![tooltip(&item, "No relay is set up").await?];

        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        looks.push(tooltip(&item, ": connected").await?);

        let sent = http::send(&rig.home, relay.port(), TOKEN, "me", "Unread", "").await?;
        assert_eq!(http::status(&sent, "me"), "ok");
        looks.push(tooltip(&item, "1 unread").await?);

        relay.kill();
        looks.push(tooltip(&item, ": offline").await?);

        relay.start(&rig.home, &rig.programs).await?;
        agent.ask(Request::Reconnect { id: None }).await?;
        assert_eq!(
            tooltip(&item, ": connected").await?.pictures,
            looks[2].pictures
        );

        let pictures: HashSet<_> = looks.iter().map(|look| &look.pictures).collect();
        assert_eq!(pictures.len(), looks.len(), "each state has its picture");
        assert!(
            looks
                .iter()
                .all(|look| look.status != "Passive" && !look.pictures.is_empty())
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_panel_that_comes_late_or_again_gets_the_icon() -> anyhow::Result<()> {
    rig::test_bare(async |rig| {
        let agent = rig.agent().await?;
        let told = agent.until("the missing tray in the status", |status| {
            status
                .problems
                .iter()
                .any(|p| p.part == Part::Tray && !p.message.is_empty())
        });
        told.await?;
        for _ in 0..2 {
            rig.tray.appear(&rig.bus).await?;
            let item = rig.tray.item().await?;
            assert_eq!(
                item.menu().await?.first().map(|e| e.label.as_str()),
                Some("Inbox")
            );
            let cured = agent.until("a status without the problem", |status| {
                status.problems.iter().all(|p| p.part != Part::Tray)
            });
            cured.await?;
            rig.tray.vanish().await?;
        }
        Ok(())
    })
    .await
}

/// The labels of the menu, once there is one of those.
async fn menu_with(item: &Item, label: &str) -> anyhow::Result<Vec<String>> {
    let what = format!("{label:?} in the menu");
    wait::until(&what, wait::START, async || {
        let menu = item.menu().await?;
        let labels: Vec<String> = menu.into_iter().map(|entry| entry.label).collect();
        anyhow::ensure!(labels.iter().any(|l| l == label), "it is {labels:?}");
        Ok(Some(labels))
    })
    .await
}

#[tokio::test]
async fn the_menu_tells_of_each_relay_and_of_the_newest_messages() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let agent = rig.agent().await?;
        agent.host("me").await?;
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        let item = rig.tray.item().await?;
        tooltip(&item, "127.0.0.1: connected").await?;
        let labels = menu_with(&item, "This computer: connected").await?;
        assert!(
            labels.contains(&"127.0.0.1: connected".to_owned()),
            "{labels:?}"
        );

        let port = relay.port();
        for n in 1..=7 {
            let title = format!("Build {n}");
            http::send(&rig.home, port, TOKEN, "me", &title, "Done").await?;
            agent.stored(&title).await?;
        }
        let labels = menu_with(&item, "Build 7").await?;
        let builds = labels.iter().filter(|label| label.starts_with("Build"));
        assert_eq!(
            builds.collect::<Vec<_>>(),
            ["Build 7", "Build 6", "Build 5", "Build 4", "Build 3"]
        );

        relay.kill();
        menu_with(&item, "127.0.0.1: offline (connect now)").await?;
        relay.start(&rig.home, &rig.programs).await?;
        item.click("127.0.0.1: offline (connect now)").await?;
        menu_with(&item, "127.0.0.1: connected").await?;

        item.click("Build 4").await?;
        display.opened("Tidings").await?;
        rig.window()
            .await?
            .reads("message-title", "Build 4")
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn badge_pause_and_language_show_at_once() -> anyhow::Result<()> {
    test(async |rig| {
        let agent = rig.agent().await?;
        let port = agent.host("me").await?.port;
        let token = agent.token().await?;
        let item = rig.tray.item().await?;
        let none = tooltip(&item, "This computer: connected").await?;
        let mut pictures = HashSet::from([none.pictures]);
        for unread in 1..=2 {
            http::send(&rig.home, port, &token, "me", "More", "").await?;
            let look = tooltip(&item, &format!("{unread} unread")).await?;
            assert!(pictures.insert(look.pictures), "{unread} looks like fewer");
        }
        let pause = Pause::Minutes(30);
        agent.ask(Request::Pause { pause }).await?;
        let paused = tooltip(&item, "Notifications are paused").await?;
        assert!(pictures.insert(paused.pictures), "a pause has its picture");

        let Answer::Settings(mut settings) = agent.ask(Request::Settings).await? else {
            anyhow::bail!("no settings");
        };
        settings.language = Language::Chinese;
        agent.ask(Request::SetSettings { settings }).await?;
        tooltip(&item, "2 条未读").await?;
        menu_with(&item, "退出").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_refused_is_said_in_both_languages() -> anyhow::Result<()> {
    test(async |rig| {
        let agent = rig.agent().await?;
        agent.host("me").await?;
        let draft = Draft {
            to: vec![Recipient::Person(String::new())],
            title: "To nobody".into(),
            body: String::new(),
            priority: Priority::Default,
            link: String::new(),
            relay: None,
            ..Draft::default()
        };
        let refused = agent
            .ask(Request::Send { draft, kept: None })
            .await
            .unwrap_err();
        let refused = refused.downcast_ref::<tidings_control::ClientError>();
        let Some(tidings_control::ClientError::Failed(failure)) = refused else {
            anyhow::bail!("not refused but {refused:?}");
        };
        assert!(failure.message.en.starts_with("Nobody is named."));
        assert!(failure.message.zh.starts_with("没有填写收件人。"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_a_host_it_is_told_once_and_a_second_start_opens_the_window() -> anyhow::Result<()>
{
    rig::test_bare(async |rig| {
        rig.notifications.appear(&rig.bus).await?;
        let display = rig.display().await?;
        let lacking =
            |status: &tidings_control::Status| status.problems.iter().any(|p| p.part == Part::Tray);
        let title = "Tidings runs in the background";
        let mut agent = rig.agent().await?;
        agent
            .until("the missing tray in the status", lacking)
            .await?;
        let told = rig.notifications.wait_raised(title, wait::START).await?;
        assert!(told.body.contains("AppIndicator"), "{}", told.body);
        agent.signal(Signal::TERM)?;
        agent.end(wait::START).await?;

        let agent = rig.agent().await?;
        agent
            .until("the missing tray in the status", lacking)
            .await?;
        let (ended, _, error) = command(&rig.home, &rig.programs, &[]).await?;
        assert!(ended.success(), "{error}");
        display.opened("Welcome to Tidings").await?;
        assert_eq!(rig.notifications.raised(title).len(), 1, "told once");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_relay_is_hosted_from_the_menu() -> anyhow::Result<()> {
    test(async |rig| {
        // It also opens the page about it, so there has to be a display.
        let _display = rig.display().await?;
        let agent = rig.agent().await?;
        rig.tray.item().await?.click("Host a relay").await?;
        let status = agent.until_connected().await?;
        let hosted = status
            .hosted
            .filter(|hosted| hosted.reach == Reach::Computer);
        assert!(hosted.is_some(), "only this computer reaches it");
        Ok(())
    })
    .await
}
