//! Quiet on a desktop: the pause by command line, tray and window, quiet hours, mutes, the desktop's
//! own do-not-disturb. What comes meanwhile is in the inbox and in the count, and told in one.

use tidings_control::{Held, Mute, QuietHours, Request, Settings, View};
use tidings_tests::agent::command;
use tidings_tests::desk::Desk;
use tidings_tests::{test, wait};

/// Every hour of the week.
fn always(settings: &mut Settings) {
    settings.notifications.hours = vec![QuietHours {
        days: (1..=7).collect(),
        from: 0,
        to: 0,
    }];
}

#[tokio::test]
async fn a_pause_by_command_line_holds_back_and_its_end_tells_in_one() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let pause = async |time| command(&rig.home, &rig.programs, &["pause", time]).await;
        assert!(pause("30m").await?.0.success());
        for n in 1..=12 {
            desk.send(rig, &[("text", &format!("Held {n}"))]).await?;
        }
        assert_eq!(desk.held("Held 12").await?, Held::Paused);
        let status = desk.agent.status().await?;
        assert_eq!(status.unread, 12);
        assert!(status.quiet.paused_until.is_some());
        assert!(rig.notifications.calls().is_empty());
        assert!(pause("off").await?.0.success());
        let told = rig
            .notifications
            .wait_raised("While paused: 12 messages", wait::SOON)
            .await?;
        assert!(told.body.contains("and 7 more"), "{}", told.body);
        desk.send(rig, &[("text", "Loud again")]).await?;
        rig.notifications
            .wait_raised("Loud again", wait::SOON)
            .await?;
        assert_eq!(rig.notifications.calls().len(), 2);
        assert_eq!(pause("soon").await?.0.code(), Some(2));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_tray_pauses_and_resumes() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let item = rig.tray.item().await?;
        item.click("Until tomorrow").await?;
        let paused = desk
            .agent
            .until("the pause", |s| s.quiet.held == Some(Held::Paused));
        paused.await?;
        item.click("Resume").await?;
        let resumed = desk.agent.until("its end", |s| s.quiet.held.is_none());
        resumed.await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_urgent_passes_if_the_person_says_so() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        rig.notifications.can(&["body", "sound"]);
        desk.set(always).await?;
        let quiet = desk
            .agent
            .until("quiet hours", |s| s.quiet.held == Some(Held::Hours));
        quiet.await?;
        desk.send(rig, &[("text", "Urgent 1"), ("priority", "urgent")])
            .await?;
        assert_eq!(desk.held("Urgent 1").await?, Held::Hours);
        desk.set(|settings| settings.notifications.urgent_passes = true)
            .await?;
        desk.send(rig, &[("text", "Usual")]).await?;
        desk.send(rig, &[("text", "Urgent 2"), ("priority", "urgent")])
            .await?;
        let passed = rig
            .notifications
            .wait_raised("Urgent 2", wait::SOON)
            .await?;
        assert!(passed.hints.contains_key("suppress-sound"), "{passed:?}");
        assert_eq!(desk.held("Usual").await?, Held::Hours);
        desk.set(|settings| settings.notifications.hours.clear())
            .await?;
        rig.notifications
            .wait_raised("While it was quiet: 2 messages", wait::SOON)
            .await?;
        desk.send(rig, &[("text", "Loud")]).await?;
        let loud = rig.notifications.wait_raised("Loud", wait::SOON).await?;
        assert!(loud.hints.contains_key("sound-name"), "{loud:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_desktops_own_rest_is_respected() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        rig.notifications.inhibit(true).await?;
        let quiet = desk
            .agent
            .until("the rest", |s| s.quiet.held == Some(Held::Desktop));
        quiet.await?;
        desk.send(rig, &[("text", "Not now")]).await?;
        assert_eq!(desk.held("Not now").await?, Held::Desktop);
        rig.notifications.inhibit(false).await?;
        rig.notifications
            .wait_raised("While it was quiet: 1 message", wait::SOON)
            .await?;
        assert!(rig.notifications.raised("Not now").is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_sender_is_muted_from_a_message_and_unmuted_in_the_settings() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let desk = Desk::start(rig).await?;
        desk.send(rig, &[("text", "Noise 1"), ("tags", "noise")])
            .await?;
        rig.notifications.wait_raised("Noise 1", wait::SOON).await?;
        let message = Some(desk.agent.stored("Noise 1").await?.id);
        let view = View::Inbox { message };
        desk.agent.ask(Request::Show { view }).await?;
        let window = rig.window().await?;
        window.reads("message-title", "Noise 1").await?;
        window.click("mute").await?;
        window
            .click_on("[role='menuitem'][data-kind='tag']")
            .await?;
        wait::until("the mute", wait::SOON, async || {
            let answer = desk.agent.ask(Request::Settings).await?;
            let tidings_control::Answer::Settings(settings) = answer else {
                anyhow::bail!("no settings");
            };
            let muted = settings.notifications.mutes == [Mute::Tag("noise".into())];
            Ok(muted.then_some(()))
        })
        .await?;
        desk.send(rig, &[("text", "Noise 2"), ("tags", "noise")])
            .await?;
        assert_eq!(desk.held("Noise 2").await?, Held::Muted);
        desk.agent
            .ask(Request::Show {
                view: View::Settings,
            })
            .await?;
        window.reads("muted-list", "noise").await?;
        let unmute = "[data-testid='muted-list'] button";
        window.click_on(unmute).await?;
        wait::until("the end of the mute", wait::SOON, async || {
            let answer = desk.agent.ask(Request::Settings).await?;
            let tidings_control::Answer::Settings(settings) = answer else {
                anyhow::bail!("no settings");
            };
            Ok(settings.notifications.mutes.is_empty().then_some(()))
        })
        .await?;
        desk.send(rig, &[("text", "Noise 3"), ("tags", "noise")])
            .await?;
        rig.notifications.wait_raised("Noise 3", wait::SOON).await?;
        // What is held back is marked as such where it is read.
        let message = Some(desk.agent.stored("Noise 2").await?.id);
        let view = View::Inbox { message };
        desk.agent.ask(Request::Show { view }).await?;
        window.reads("message-held", "muted").await?;
        Ok(())
    })
    .await
}
