//! The inbox in the real window: searched, filtered, emptied of a sender and filled again, exported.

use anyhow::Context;
use tidings_control::{Answer, Draft, Filter, Keep, Priority, Recipient, Request, View};
use tidings_tests::agent::{Agent, command};
use tidings_tests::window::Window;
use tidings_tests::{Rig, http, test, wait};

/// An agent with a few messages of two senders.
async fn furnished(rig: &Rig) -> anyhow::Result<Agent> {
    let agent = rig.agent().await?;
    let port = agent.host("me").await?.port;
    let token = agent.token().await?;
    agent.until_connected().await?;
    for (title, body) in [
        ("Backup finished", "212 GB copied"),
        ("晚上一起吃饭吗", "七点在老地方见"),
        ("The disk is nearly full", "18 GB are left of the backup"),
    ] {
        http::send(&rig.home, port, &token, "me", title, body).await?;
        agent.stored(title).await?;
    }
    for title in ["one to myself", "two to myself"] {
        let draft = Draft {
            to: vec![Recipient::Person("me".to_owned())],
            title: title.to_owned(),
            body: "backup of mine".to_owned(),
            priority: Priority::Default,
            link: String::new(),
            relay: None,
            ..Draft::default()
        };
        agent.ask(Request::Send { draft, kept: None }).await?;
        agent.stored(title).await?;
    }
    Ok(agent)
}

async fn window(rig: &Rig, agent: &Agent) -> anyhow::Result<Window> {
    let view = View::Inbox { message: None };
    agent.ask(Request::Show { view }).await?;
    let window = rig.window().await?;
    window.find("inbox-row").await?;
    Ok(window)
}

/// Waits until the list holds so many rows.
async fn rows(window: &Window, count: usize) -> anyhow::Result<()> {
    let what = format!("{count} rows in the list");
    wait::until(&what, wait::SOON, async || {
        let script = "return document.querySelectorAll('[data-testid=inbox-row]').length";
        let there = window.client().execute(script, Vec::new()).await?;
        anyhow::ensure!(there == serde_json::json!(count), "there are {there}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn what_is_typed_is_found_in_any_script_and_marked() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = furnished(rig).await?;
        let window = window(rig, &agent).await?;
        rows(&window, 5).await?;
        for (typed, count) in [
            ("back", 4),
            ("back cop", 1),
            ("吃饭", 1),
            ("\"gb copied", 1),
            ("absent", 0),
        ] {
            window.fill("search", typed).await?;
            rows(&window, count)
                .await
                .with_context(|| typed.to_owned())?;
        }
        window.fill("search", "nearly").await?;
        rows(&window, 1).await?;
        window.select("[data-testid='inbox-row'] mark").await?;
        window.click("inbox-row").await?;
        window.select("[data-testid='message-title'] mark").await?;
        // Escape leaves the search, and all is there again.
        window.find("search").await?.send_keys("\u{e00c}").await?;
        rows(&window, 5).await
    })
    .await
}

#[tokio::test]
async fn all_of_a_sender_go_at_once_and_come_back() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = furnished(rig).await?;
        let window = window(rig, &agent).await?;
        let mine = "[data-testid='source'][data-kind='sender'][data-name='me']";
        window.click_on(mine).await?;
        rows(&window, 2).await?;
        window.click("filter-unread").await?;
        rows(&window, 2).await?;
        window.click("list-menu").await?;
        window.click("delete-list").await?;
        rows(&window, 0).await?;
        agent
            .until("three unread", |status| status.unread == 3)
            .await?;
        window.click("undo").await?;
        rows(&window, 2).await?;
        agent
            .until("five unread", |status| status.unread == 5)
            .await?;
        window.click("filter-source").await?;
        rows(&window, 5).await
    })
    .await
}

#[tokio::test]
async fn all_are_picked_by_keys_and_marked_and_deleted_together() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = furnished(rig).await?;
        let window = window(rig, &agent).await?;
        rows(&window, 5).await?;
        let row = window.find("inbox-row").await?;
        row.send_keys("\u{e009}a").await?;
        window.find("picked").await?;
        window
            .find("inbox-row")
            .await?
            .send_keys("\u{e000}e")
            .await?;
        agent
            .until("none unread", |status| status.unread == 0)
            .await?;
        // All at once is asked first, and can be taken back.
        window.click("delete-picked").await?;
        window
            .click_on("[data-testid='emptying'] button.danger")
            .await?;
        rows(&window, 0).await?;
        window.click("undo").await?;
        rows(&window, 5).await
    })
    .await
}

#[tokio::test]
async fn what_is_beyond_what_is_kept_goes_from_the_list() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = furnished(rig).await?;
        let window = window(rig, &agent).await?;
        rows(&window, 5).await?;
        let page = Request::Inbox {
            before: None,
            limit: 10,
            filter: Filter::default(),
        };
        let Answer::Inbox(all) = agent.ask(page).await? else {
            anyhow::bail!("no rows")
        };
        // The three oldest are read, so they may go; the newest two stay in any case.
        let ids = all.iter().skip(2).map(|row| row.id).collect();
        agent.ask(Request::Mark { ids, read: true }).await?;
        let keep = |count, unread_too| Keep {
            days: None,
            count: Some(count),
            unread_too,
        };
        kept(&agent, keep(1, false)).await?;
        rows(&window, 2).await?;
        kept(&agent, keep(1, true)).await?;
        rows(&window, 1).await
    })
    .await
}

async fn kept(agent: &Agent, keep: Keep) -> anyhow::Result<()> {
    let Answer::Settings(mut settings) = agent.ask(Request::Settings).await? else {
        anyhow::bail!("no settings")
    };
    settings.keep = keep;
    agent.ask(Request::SetSettings { settings }).await?;
    Ok(())
}

#[tokio::test]
async fn messages_are_exported_by_the_window_and_by_the_command_line() -> anyhow::Result<()> {
    test(async |rig| {
        let agent = furnished(rig).await?;
        let everything = Request::ExportFile {
            filter: Filter::default(),
        };
        let Answer::File { path, count } = agent.ask(everything).await? else {
            anyhow::bail!("no file")
        };
        let text = std::fs::read_to_string(&path)?;
        assert_eq!((count, text.lines().count()), (5, 5));
        let arguments = ["export", "--search", "backup", "--sender", "me"];
        let (ended, out, _) = command(&rig.home, &rig.programs, &arguments).await?;
        assert!(ended.success(), "{ended}");
        let titles: Vec<serde_json::Value> = out
            .lines()
            .map(|line| Ok(serde_json::from_str::<serde_json::Value>(line)?["title"].clone()))
            .collect::<anyhow::Result<_>>()?;
        assert_eq!(titles, ["two to myself", "one to myself"]);
        Ok(())
    })
    .await
}
