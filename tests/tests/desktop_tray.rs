//! The tray icon, read and clicked over D-Bus as a panel does; the agent's life as the tray shows it.

use std::collections::HashSet;

use rustix::process::Signal;
use tidings_control::{Part, Reach, Request};
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
        looks.push(tooltip(&item, "Connected").await?);

        let sent = http::send(&rig.home, relay.port(), TOKEN, "me", "Unread", "").await?;
        assert_eq!(http::status(&sent, "me"), "ok");
        looks.push(tooltip(&item, "1 unread").await?);

        relay.kill();
        looks.push(tooltip(&item, "Offline").await?);

        relay.start(&rig.home, &rig.programs).await?;
        agent.ask(Request::Reconnect { id: None }).await?;
        assert_eq!(
            tooltip(&item, "Connected").await?.pictures,
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
