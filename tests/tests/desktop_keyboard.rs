//! Everything but writing a message, done in the real window by keys alone.

use fantoccini::key::Key;
use tidings_control::{Language, Request, View};
use tidings_tests::desk::{Desk, NAME};
use tidings_tests::{test, wait};

const ENTER: char = '\u{e007}';
const ESCAPE: char = '\u{e00c}';
const SPACE: char = ' ';

fn row(id: u64) -> String {
    format!("[data-testid='inbox-row'][data-id='{id}']")
}

fn id(id: &str) -> String {
    format!("[data-testid='{id}']")
}

#[tokio::test]
async fn messages_are_found_read_marked_and_deleted_by_keys_alone() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let desk = Desk::start(rig).await?;
        let agent = &desk.agent;
        let mut ids = Vec::new();
        for (title, body) in [
            ("Backup finished", "212 GB copied"),
            ("Disk nearly full", "18 GB left"),
            ("Your code", "It is 493 817"),
        ] {
            desk.send(rig, &[("text", title), ("desp", body)]).await?;
            ids.push(agent.stored(title).await?.id);
        }
        let &[backup, disk, code] = ids.as_slice() else {
            anyhow::bail!("three were sent");
        };
        let view = View::Inbox { message: None };
        agent.ask(Request::Show { view }).await?;
        let window = rig.window().await?;
        window.select(&row(backup)).await?;

        window.press(&['j', 'j']).await?;
        window.focus(&row(disk)).await?;
        window.press(&[ENTER]).await?;
        window.reads("message-title", "Disk nearly full").await?;
        agent.until("two unread", |s| s.unread == 2).await?;
        window.press(&['u']).await?;
        agent.until("three unread", |s| s.unread == 3).await?;
        window.press(&['k']).await?;
        window.focus(&row(code)).await?;
        window.press(&[ENTER]).await?;
        window.reads("message-title", "Your code").await?;
        // What the message offers comes after the list.
        window.tab_to(&id("offer")).await?;
        window.press(&[ESCAPE]).await?;

        window.press(&['/']).await?;
        window.focus(&id("search")).await?;
        window.press(&['b', 'a', 'c', 'k']).await?;
        window
            .select(&format!("{}:only-of-type mark", row(backup)))
            .await?;
        window.press(&[char::from(Key::Down)]).await?;
        window.focus(&row(backup)).await?;
        window.press(&[char::from(Key::Delete)]).await?;
        window.find("undo").await?;
        agent.until("one unread", |s| s.unread == 1).await?;
        window.chord(Key::Control, 'z').await?;
        agent.until("two unread", |s| s.unread == 2).await?;

        window.press(&['?']).await?;
        window.select("[role='dialog'] kbd").await?;
        window.press(&[ESCAPE]).await?;
        // It leaves the page slowly, and keeps the keys until then.
        window.select("body:not(:has([role='dialog']))").await?;
        window.press(&['c']).await?;
        display.opened("New message").await
    })
    .await
}

#[tokio::test]
async fn relays_settings_and_the_doctor_are_reached_and_used_by_keys_alone() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let desk = Desk::start(rig).await?;
        let agent = &desk.agent;
        // Nothing that stands in the side bar is to be passed on the way into a page.
        desk.send(rig, &[("text", "Hello"), ("tags", "one,two,three")]).await?;
        let view = View::Inbox { message: None };
        agent.ask(Request::Show { view }).await?;
        let window = rig.window().await?;
        window.find("inbox-row").await?;

        window.chord(Key::Control, '3').await?;
        window.find("relay-card").await?;
        window.tab_to(&id("change-relay")).await?;
        window.press(&[ENTER]).await?;
        window.focus(&id("relay-label")).await?;
        window.chord(Key::Control, 'a').await?;
        window.press(&['H', 'o', 'm', 'e']).await?;
        window.tab_to(&id("join-submit")).await?;
        window.press(&[ENTER]).await?;
        agent
            .until("the relay's new label", |status| {
                status.relays.iter().any(|relay| relay.label == "Home" && relay.name == NAME)
            })
            .await?;

        window.chord(Key::Control, '4').await?;
        window.find("language-system").await?;
        window.tab_to("[role='radio'][data-testid='language-system']").await?;
        window.press(&[char::from(Key::Right)]).await?;
        window.focus(&id("language-en")).await?;
        window.press(&[char::from(Key::Right)]).await?;
        window.select("html[lang='zh-CN']").await?;
        let chinese = async || {
            let settings = agent.ask(Request::Settings).await?;
            let chosen = matches!(
                settings,
                tidings_control::Answer::Settings(settings) if settings.language == Language::Chinese
            );
            Ok(chosen.then_some(()))
        };
        wait::until("the language in the settings", wait::SOON, chinese).await?;
        window.tab_to(&id("read-receipts")).await?;
        window.press(&[SPACE]).await?;
        window
            .select("[data-testid='read-receipts']:checked")
            .await?;

        window.chord(Key::Control, '5').await?;
        window.select("[data-testid='doctor'][aria-busy='false']").await?;
        window.tab_to(&id("test-relay")).await?;
        window.press(&[ENTER]).await?;
        window
            .select("[data-testid='check'][data-subject='trip'][data-verdict='good']")
            .await?;
        window.press(&[ESCAPE]).await?;
        window.find("inbox-row").await?;
        Ok(())
    })
    .await
}
