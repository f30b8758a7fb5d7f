//! The real windows on a virtual display, driven by WebDriver.

use tidings_control::{Request, View};
use tidings_tests::agent::{Agent, command};
use tidings_tests::peer::Peer;
use tidings_tests::{Rig, http, process, test, wait};

/// The window's program.
const PROGRAM: &str = "tidings-window";

/// Starts an agent that hosts a relay as `me`; gives its port and token too.
async fn hosting(rig: &Rig) -> anyhow::Result<(Agent, u16, String)> {
    let agent = rig.agent().await?;
    let port = agent.host("me").await?.port;
    let token = agent.token().await?;
    Ok((agent, port, token))
}

/// Waits until no window process is left.
async fn no_window(rig: &Rig) -> anyhow::Result<()> {
    wait::until("the end of the window process", wait::START, async || {
        let left = rig.home.processes_of(PROGRAM);
        anyhow::ensure!(left.is_empty(), "still there: {left:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn first_run_from_one_click_to_the_first_message() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let agent = Agent::start_with(&rig.home, &rig.programs, &[]).await?;
        display.opened("Welcome to Tidings").await?;
        let window = rig.window().await?;
        window.click("first-run-host").await?;
        let line = window.reads("curl-line", "curl").await?;
        window
            .has("connection-state", "data-state", "connected")
            .await?;

        // As a person pastes it: into a shell that knows nothing of where Tidings was built.
        let mut shell = rig.home.command("bash");
        shell.args(["-c", &line]);
        let answer = process::run(&rig.home, "shell", shell).await?;
        let reply: serde_json::Value = serde_json::from_str(&answer)?;
        assert_eq!(reply["cmd"], "MESSAGE_REPLY", "{answer}");
        let name = agent
            .status()
            .await?
            .relays
            .first()
            .map(|relay| relay.name.clone())
            .unwrap_or_default();
        assert_eq!(http::status(&reply, &name), "ok", "{answer}");

        window.reads("first-message", "Hello").await?;
        rig.notifications.wait_raised("Hello", wait::SOON).await?;
        assert!(!agent.stored("Hello").await?.read);
        window.click("open-inbox").await?;
        window.reads("message-title", "Hello").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_click_on_the_notification_opens_its_message() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let (agent, port, token) = hosting(rig).await?;
        for (title, body) in [
            ("Older", "not this"),
            ("Disk is full", "**/var** has *0 bytes*"),
        ] {
            let reply = http::send(&rig.home, port, &token, "me", title, body).await?;
            assert_eq!(http::status(&reply, "me"), "ok", "{reply}");
        }
        let shown = rig
            .notifications
            .wait_raised("Disk is full", wait::SOON)
            .await?;
        assert!(
            rig.home.processes_of(PROGRAM).is_empty(),
            "no window before the click"
        );
        rig.notifications.click(&shown, "default").await?;
        let window = rig.window().await?;
        window.reads("message-title", "Disk is full").await?;
        window.reads("message-body", "/var has 0 bytes").await?;
        agent
            .until("one unread message", |status| status.unread == 1)
            .await?;

        // With the window open already, the other one is shown in it.
        let older = rig.notifications.wait_raised("Older", wait::SOON).await?;
        rig.notifications.click(&older, "default").await?;
        window.reads("message-title", "Older").await?;
        assert_eq!(rig.home.processes_of(PROGRAM).len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn compose_sends_to_a_second_client_and_shows_delivered() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let (agent, port, token) = hosting(rig).await?;
        let peer = Peer::connect(port, &token, "ann").await?;
        agent
            .ask(Request::Show {
                view: View::Compose {
                    reply: None,
                    to: Vec::new(),
                },
            })
            .await?;
        let window = rig.window().await?;
        window.fill("compose-to", "ann").await?;
        window.fill("compose-title", "Lunch?").await?;
        window.fill("compose-body", "At **noon**").await?;
        window.click("compose-send").await?;
        assert_eq!(peer.message("Lunch?").await?.message.desp, "At **noon**");
        window
            .select("[data-testid='compose-status'][data-name='ann'][data-delivery='delivered']")
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn closing_the_window_leaves_the_agent_at_work() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let (agent, port, token) = hosting(rig).await?;
        let id = agent.id();
        for round in 1..=2 {
            agent
                .ask(Request::Show {
                    view: View::Inbox { message: None },
                })
                .await?;
            let window = rig.window().await?;
            window.find("nav-inbox").await?;
            drop(window);
            display.close("Tidings").await?;
            no_window(rig).await?;
            let title = format!("After closing, {round}");
            let reply = http::send(&rig.home, port, &token, "me", &title, "").await?;
            assert_eq!(http::status(&reply, "me"), "ok", "{reply}");
            rig.notifications.wait_raised(&title, wait::SOON).await?;
        }
        let problems = agent.status().await?.problems;
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(rig.home.processes_of("tidings"), [i32::try_from(id)?]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_second_start_shows_the_window_and_ends_well() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let (agent, ..) = hosting(rig).await?;
        let (ended, ..) = command(&rig.home, &rig.programs, &[]).await?;
        assert!(ended.success(), "{ended}");
        display.opened("Tidings").await?;
        // At login it may be started twice: that shows nothing, and is no fault.
        let (ended, ..) = command(&rig.home, &rig.programs, &["--hidden"]).await?;
        assert!(ended.success(), "{ended}");
        assert_eq!(
            rig.home.processes_of("tidings"),
            [i32::try_from(agent.id())?]
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_tray_opens_the_windows_and_quit_closes_them() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let (mut agent, ..) = hosting(rig).await?;
        let item = rig.tray.item().await?;
        item.activate().await?;
        let window = rig.window().await?;
        window.find("nav-inbox").await?;
        item.click("Compose").await?;
        display.opened("New message").await?;
        item.click("Inbox").await?;
        assert_eq!(rig.home.processes_of(PROGRAM).len(), 1);
        assert_eq!(display.titles()?.len(), 2, "one window of each kind");
        item.click("Quit").await?;
        assert!(agent.end(wait::START).await?.success());
        no_window(rig).await
    })
    .await
}

#[tokio::test]
async fn arriving_messages_are_listed_and_reading_is_remembered() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let (agent, port, token) = hosting(rig).await?;
        agent
            .ask(Request::Show {
                view: View::Inbox { message: None },
            })
            .await?;
        let window = rig.window().await?;
        window
            .has("connection-state", "data-state", "connected")
            .await?;
        http::send(&rig.home, port, &token, "me", "Read me", "please").await?;
        let id = agent.stored("Read me").await?.id;
        let row = format!("[data-testid='inbox-row'][data-id='{id}']");
        let unread = window.select(&format!("{row}[data-read='false']")).await?;
        unread.click().await?;
        window.reads("message-body", "please").await?;
        window.select(&format!("{row}[data-read='true']")).await?;
        agent
            .until("nothing unread", |status| status.unread == 0)
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_window_process_holds_no_secret() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let (agent, _, token) = hosting(rig).await?;
        agent
            .ask(Request::Show {
                view: View::Settings,
            })
            .await?;
        let window = rig.window().await?;
        window.find("nav-settings").await?;
        for id in rig.home.processes_of(PROGRAM) {
            for file in ["environ", "cmdline"] {
                let text = std::fs::read(format!("/proc/{id}/{file}"))?;
                assert!(
                    !String::from_utf8_lossy(&text).contains(&token),
                    "in its {file}"
                );
            }
        }
        let page = window.client().source().await?;
        assert!(!page.contains(&token), "the page shows the token");
        Ok(())
    })
    .await
}
