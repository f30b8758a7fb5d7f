//! The settings as a person changes them in the window, starting at login, and the doctor where parts
//! of the desktop hang or are missing.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use tidings_control::{Report, Request, Subject, Verdict, View};
use tidings_tests::agent::command;
use tidings_tests::notifications::Manners;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::tray::Item;
use tidings_tests::{Rig, rig, test, wait};

/// What the doctor gives up on at the latest, and a busy machine.
const DOCTOR: Duration = Duration::from_secs(20);

async fn labelled(item: &Item, label: &str) -> anyhow::Result<()> {
    wait::until(&format!("{label} in the menu"), wait::SOON, async || {
        let menu = item.menu().await?;
        let found = menu.iter().any(|entry| entry.label == label);
        anyhow::ensure!(found, "the menu is {menu:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn language_and_theme_switch_at_once_in_all_windows_and_the_tray() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = rig.agent().await?;
        let item = rig.tray.item().await?;
        for view in [
            View::Settings,
            View::Compose {
                reply: None,
                to: Vec::new(),
            },
        ] {
            agent.ask(Request::Show { view }).await?;
        }
        let window = rig.window().await?;
        window
            .has("nav-settings", "title", "Settings (Ctrl+4)")
            .await?;
        labelled(&item, "Inbox").await?;

        window.click("language-zh").await?;
        window.has("nav-settings", "title", "设置 (Ctrl+4)").await?;
        let compose = "[data-testid='compose-send']";
        window
            .select(&format!("html[lang='zh-CN'] {compose}"))
            .await?;
        labelled(&item, "收件箱").await?;

        window.click("theme-dark").await?;
        for part in [compose, "[data-testid='nav-settings']"] {
            window
                .select(&format!("html[data-theme='dark'] {part}"))
                .await?;
        }
        window.click("language-en").await?;
        window
            .has("nav-settings", "title", "Settings (Ctrl+4)")
            .await?;
        labelled(&item, "Inbox").await?;
        Ok(())
    })
    .await
}

fn entry(rig: &Rig) -> PathBuf {
    rig.home.path("config/autostart/tidings.desktop")
}

/// Waits until the entry's line of `Exec` starts this build's agent.
async fn starts(rig: &Rig) -> anyhow::Result<String> {
    let program = rig.programs.path("tidings")?;
    let program = program.to_str().context("a path of text")?.to_owned();
    wait::until("the entry that starts at login", wait::SOON, async || {
        let text = fs::read_to_string(entry(rig))?;
        anyhow::ensure!(text.contains(&program), "it says {text}");
        Ok(Some(text))
    })
    .await
}

#[tokio::test]
async fn starting_at_login_is_set_read_back_and_repaired() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = rig.agent().await?;
        let view = View::Settings;
        agent.ask(Request::Show { view }).await?;
        let window = rig.window().await?;
        window
            .select("[data-testid='autostart']:not(:checked)")
            .await?;
        window.click("autostart").await?;
        let text = starts(rig).await?;
        assert!(text.contains(" --hidden\n"), "{text}");
        window.select("[data-testid='autostart']:checked").await?;

        // Somebody switches it off in the desktop's own settings, and comes back to this window.
        fs::write(entry(rig), format!("{text}Hidden=true\n"))?;
        window.click("nav-inbox").await?;
        window.click("nav-settings").await?;
        window
            .select("[data-testid='autostart']:not(:checked)")
            .await?;
        drop(window);
        agent.kill().await?;

        // The program was moved since.
        let program = rig.programs.path("tidings")?;
        let program = program.to_str().context("a path of text")?;
        fs::write(entry(rig), text.replace(program, "/gone/tidings"))?;
        let _agent = rig.agent().await?;
        starts(rig).await?;
        Ok(())
    })
    .await
}

fn verdict(report: &Report, subject: Subject) -> Option<Verdict> {
    let mut checks = report.checks.iter();
    checks
        .find(|check| check.subject == subject)
        .map(|check| check.verdict)
}

#[tokio::test]
async fn the_doctor_tells_what_hangs_and_what_is_missing_and_waits_for_neither()
-> anyhow::Result<()> {
    rig::test_bare(async |rig| {
        let _display = rig.display().await?;
        // A daemon that takes calls and answers none; neither a tray host nor a keyring.
        rig.notifications.appear(&rig.bus).await?;
        rig.notifications.behave(Manners::Freeze);
        let agent = rig.agent().await?;
        let view = View::Doctor;
        agent.ask(Request::Show { view }).await?;

        let began = Instant::now();
        let (ended, out, error) = command(&rig.home, &rig.programs, &["doctor", "--json"]).await?;
        let took = began.elapsed();
        assert!(took < DOCTOR, "it took {took:?}");
        assert_eq!(ended.code(), Some(1), "{out}{error}");
        let report: Report = serde_json::from_str(&out)?;
        for (subject, expected) in [
            (Subject::Agent, Verdict::Good),
            (Subject::Notifications, Verdict::Fault),
            (Subject::Tray, Verdict::Warning),
            (Subject::Secrets, Verdict::Warning),
            (Subject::Window, Verdict::Good),
            (Subject::Disk, Verdict::Good),
            (Subject::Autostart, Verdict::Note),
        ] {
            assert_eq!(
                verdict(&report, subject),
                Some(expected),
                "{subject:?} in {out}"
            );
        }

        let window = rig.window().await?;
        for (subject, verdict) in [
            ("notifications", "fault"),
            ("tray", "warning"),
            ("secrets", "warning"),
            ("window", "good"),
        ] {
            let row = format!("[data-subject='{subject}'][data-verdict='{verdict}']");
            window
                .select(&format!("[data-testid='check']{row}"))
                .await?;
        }
        // Healed, it is told so; and the button beside the login does what it says.
        rig.notifications.behave(Manners::Answer);
        window.click("doctor-again").await?;
        window
            .select("[data-subject='notifications'][data-verdict='good']")
            .await?;
        window.click_on("[data-subject='autostart'] button").await?;
        window
            .select("[data-subject='autostart'][data-verdict='good']")
            .await?;
        starts(rig).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_doctor_works_without_an_agent_and_says_so_first() -> anyhow::Result<()> {
    test(async |rig| {
        let (ended, out, error) = command(&rig.home, &rig.programs, &["doctor"]).await?;
        assert_eq!(ended.code(), Some(3), "{out}{error}");
        let first = out.lines().nth(2).unwrap_or_default();
        assert!(
            first.contains("FAIL") && first.contains("does not run"),
            "{out}"
        );
        assert!(out.contains("A panel shows tray icons."), "{out}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_test_message_is_followed_hop_by_hop_and_raises_one_notification() -> anyhow::Result<()> {
    test(async |rig| {
        let agent = rig.agent().await?;
        agent.host("me").await?;
        let test = ["doctor", "--test", "--json"];
        let (_, out, error) = command(&rig.home, &rig.programs, &test).await?;
        let report: Report = serde_json::from_str(&out).with_context(|| error)?;
        let trip = report.checks.iter().find(|c| c.subject == Subject::Trip);
        let trip = trip.with_context(|| out.clone())?;
        assert_eq!(trip.verdict, Verdict::Good, "{trip:?}");
        let hops = trip.details.iter().take(6);
        let missing: Vec<_> = hops.filter(|hop| !hop.value.ends_with(" ms")).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(
            verdict(&report, Subject::Relay),
            Some(Verdict::Good),
            "{out}"
        );
        assert_eq!(
            verdict(&report, Subject::Clock),
            Some(Verdict::Good),
            "{out}"
        );
        rig.notifications
            .wait_raised("Test message", wait::SOON)
            .await?;
        assert_eq!(rig.notifications.calls().len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_report_holds_no_secret() -> anyhow::Result<()> {
    test(async |rig| {
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let agent = rig.agent().await?;
        agent.join(relay.address(), "me", TOKEN).await?;
        agent.until_connected().await?;
        let (_, online, _) = command(&rig.home, &rig.programs, &["doctor", "--json"]).await?;
        relay.kill();
        let (_, away, _) = command(&rig.home, &rig.programs, &["doctor", "--json"]).await?;
        for out in [online, away] {
            assert!(!out.contains(TOKEN), "{out}");
            serde_json::from_str::<Report>(&out)?;
        }
        Ok(())
    })
    .await
}
