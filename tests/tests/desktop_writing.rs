//! Writing, following and taking back by the keyboard alone; and what was typed last, when the window is
//! closed.

use fantoccini::key::Key;
use tidings_tests::agent::command;
use tidings_tests::desk::Desk;
use tidings_tests::peer::Peer;
use tidings_tests::relay::TOKEN;
use tidings_tests::window::Window;
use tidings_tests::{Rig, test};

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const ESCAPE: char = '\u{e00c}';
const DOWN: char = '\u{e015}';

/// The title of the compose window.
const COMPOSE: &str = "New message";

async fn tidings(rig: &Rig, arguments: &[&str]) -> anyhow::Result<()> {
    let (ended, _, errors) = command(&rig.home, &rig.programs, arguments).await?;
    anyhow::ensure!(ended.success(), "{errors}");
    Ok(())
}

/// Waits until a part of the page has the focus.
async fn focus(window: &Window, id: &str) -> anyhow::Result<()> {
    window.focus(&format!("[data-testid='{id}']")).await
}

/// Goes to a part of the page by Tab, once it is there.
async fn tab_to(window: &Window, id: &str) -> anyhow::Result<()> {
    window.find(id).await?;
    window.tab_to(&format!("[data-testid='{id}']")).await?;
    Ok(())
}

async fn write(window: &Window, text: &str) -> anyhow::Result<()> {
    window.press(&text.chars().collect::<Vec<_>>()).await
}

/// Waits until that contact is the one that Enter takes.
async fn offered(window: &Window, to: &str) -> anyhow::Result<()> {
    let option = format!("[role='option'][aria-selected='true'][data-to='{to}']");
    window.select(&option).await?;
    Ok(())
}

async fn shows(window: &Window, name: &str, delivery: &str) -> anyhow::Result<()> {
    let row = "[data-testid='compose-status']";
    window
        .select(&format!(
            "{row}[data-name='{name}'][data-delivery='{delivery}']"
        ))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_message_is_written_sent_and_taken_back_by_keys_alone() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let desk = Desk::start(rig).await?;
        let port = desk.relay.port();
        let ann = Peer::connect(port, TOKEN, "ann").await?;
        let _anton = Peer::connect(port, TOKEN, "anton").await?;

        tidings(rig, &["compose"]).await?;
        let window = rig.window().await?;
        focus(&window, "compose-to").await?;
        write(&window, "an").await?;
        offered(&window, "ann").await?;
        window.press(&[DOWN]).await?;
        offered(&window, "anton").await?;
        window.press(&[ENTER]).await?;
        window.has("compose-chip", "data-to", "anton").await?;
        write(&window, "ann").await?;
        offered(&window, "ann").await?;
        window.press(&[ENTER]).await?;
        window.has("compose-chip", "data-to", "ann").await?;
        window.press(&[TAB]).await?;
        focus(&window, "compose-title").await?;
        write(&window, "Lunch?").await?;
        window.press(&[TAB]).await?;
        focus(&window, "compose-body").await?;
        write(&window, "At **noon**").await?;
        tab_to(&window, "compose-priority").await?;
        write(&window, "u").await?;
        tab_to(&window, "compose-more").await?;
        window.press(&[ENTER]).await?;
        focus(&window, "compose-ask").await?;
        write(&window, "f").await?;
        window.chord(Key::Control, ENTER).await?;
        shows(&window, "ann", "delivered").await?;
        shows(&window, "anton", "delivered").await?;
        let came = ann.message("Lunch?").await?.message;
        assert_eq!(came.desp, "At **noon**");
        let [priority, ack] = ["priority", "ack"].map(|field| came.extra[field].clone());
        assert_eq!((priority, ack), ("urgent".into(), true.into()));

        // Another one to the same, for later.
        focus(&window, "compose-another").await?;
        window.press(&[ENTER]).await?;
        focus(&window, "compose-body").await?;
        write(&window, "Cake").await?;
        window.chord(Key::Shift, TAB).await?;
        write(&window, "Tea").await?;
        tab_to(&window, "compose-due").await?;
        write(&window, "i").await?;
        window.chord(Key::Control, ENTER).await?;
        shows(&window, "ann", "held").await?;
        // The window may be gone before the key is up.
        let _ = window.press(&[ESCAPE]).await;
        display.closed(COMPOSE).await?;
        drop(window);

        // Found again in the main window, taken back, and sent once more.
        tidings(rig, &[]).await?;
        let window = rig.window().await?;
        tab_to(&window, "nav-sent").await?;
        window.press(&[ENTER]).await?;
        window.find("sent-row").await?;
        window.press(&['/']).await?;
        focus(&window, "sent-search").await?;
        write(&window, "tea").await?;
        window.select("[data-testid='sent-row'] mark").await?;
        window.press(&[ENTER]).await?;
        focus(&window, "sent-row").await?;
        window.press(&[ENTER]).await?;
        window.reads("sent-title", "Tea").await?;
        tab_to(&window, "sent-cancel").await?;
        window.press(&[ENTER]).await?;
        shows(&window, "ann", "cancelled").await?;
        tab_to(&window, "sent-resend").await?;
        window.press(&[ENTER]).await?;
        shows(&window, "ann", "held").await?;
        window.find("sent-cancel").await?;

        window.press(&['c']).await?;
        focus(&window, "compose-to").await?;
        assert_eq!(ann.titles(), ["Lunch?"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_was_typed_last_is_there_when_the_window_was_closed_at_once() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let _desk = Desk::start(rig).await?;
        let item = rig.tray.item().await?;
        item.click("Compose").await?;
        let window = rig.window().await?;
        focus(&window, "compose-to").await?;
        write(&window, "ann").await?;
        window.press(&[TAB]).await?;
        window.has("compose-chip", "data-to", "ann").await?;
        window.press(&[TAB]).await?;
        focus(&window, "compose-title").await?;
        write(&window, "Not to be lost").await?;
        display.close(COMPOSE).await?;
        drop(window);

        item.click("Compose").await?;
        let window = rig.window().await?;
        let title = window.reads("compose-title", "Not").await?;
        assert_eq!(title, "Not to be lost");
        // The window may be gone before the key is up.
        let _ = window.press(&[ESCAPE]).await;
        display.closed(COMPOSE).await
    })
    .await
}
