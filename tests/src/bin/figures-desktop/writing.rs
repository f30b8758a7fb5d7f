//! What a person waits for who writes: from `tidings compose` to a field that takes keys, and from
//! Ctrl+Enter to "delivered". The page's own clock counts.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use fantoccini::key::Key;
use tidings_control::{Request, View};
use tidings_tests::agent::{self, Agent};
use tidings_tests::display::Display;
use tidings_tests::peer::Peer;
use tidings_tests::window::Window;
use tidings_tests::{Rig, wait};

use crate::page::Times;

/// The title of the window.
const TITLE: &str = "New message";

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Asks for the window so often by the command line, while no window is open; from each command's start
/// to the frame in which the first field has the keys.
pub(crate) async fn cold(rig: &Rig, display: &Display, times: u32) -> anyhow::Result<Times> {
    let mut all = Vec::new();
    for _ in 0..times {
        wait::until("the window process's end", wait::START, async || {
            let left = rig.home.processes_of("tidings-window");
            Ok(left.is_empty().then_some(()))
        })
        .await?;
        let asked = ask(rig, display).await?;
        // Asked after it is over: what asks takes time itself.
        let window = rig.window().await?;
        all.push(ready(&window, asked).await?);
        drop(window);
        display.close(TITLE).await?;
    }
    Ok(Times::of(all))
}

/// The same while the main window is open.
pub(crate) async fn warm(
    rig: &Rig,
    agent: &Agent,
    display: &Display,
    times: u32,
) -> anyhow::Result<Times> {
    let view = View::Inbox { message: None };
    agent.ask(Request::Show { view }).await?;
    let window = rig.window().await?;
    window.find("inbox-row").await?;
    let mut all = Vec::new();
    for _ in 0..times {
        let asked = ask(rig, display).await?;
        all.push(ready(&window, asked).await?);
        display.close(TITLE).await?;
    }
    drop(window);
    display.close("Tidings").await?;
    Ok(Times::of(all))
}

/// When it was asked for; the window is open in the end.
async fn ask(rig: &Rig, display: &Display) -> anyhow::Result<f64> {
    let asked = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let (ended, _, errors) = agent::command(&rig.home, &rig.programs, &["compose"]).await?;
    anyhow::ensure!(ended.success(), "{errors}");
    display.opened(TITLE).await?;
    Ok(asked.as_secs_f64() * 1000.0)
}

async fn ready(window: &Window, asked: f64) -> anyhow::Result<f64> {
    window.find("compose-to").await?;
    let script = "const [mark] = performance.getEntriesByName('writing');
        return mark ? performance.timeOrigin + mark.startTime : null";
    let ready = wait::until("the page's mark", wait::SOON, async || {
        Ok(window.client().execute(script, Vec::new()).await?.as_f64())
    });
    Ok(ready.await? - asked)
}

/// Notes when Ctrl+Enter is pressed, and the frame in which "delivered" stands.
const WATCH: &str = r#"
    window.figure = null;
    let began = null;
    const pressed = (event) => {
        if (event.key === 'Enter' && event.ctrlKey) began = performance.now();
    };
    addEventListener('keydown', pressed, { capture: true });
    const delivered = '[data-testid=compose-status][data-delivery=delivered]';
    const look = new MutationObserver(() => {
        if (began === null || !document.querySelector(delivered)) return;
        look.disconnect();
        removeEventListener('keydown', pressed, { capture: true });
        requestAnimationFrame(() => { window.figure = performance.now() - began; });
    });
    const all = { childList: true, subtree: true, attributeFilter: ['data-delivery'] };
    look.observe(document.body, all);"#;

/// Writes so many messages by keys to a client of the relay on that port, one after the other; from each
/// Ctrl+Enter to the frame in which the window says that it was delivered.
pub(crate) async fn sent(
    rig: &Rig,
    display: &Display,
    (port, token): (u16, &str),
    times: u32,
) -> anyhow::Result<Times> {
    let _ann = Peer::connect(port, token, "ann").await?;
    ask(rig, display).await?;
    let window = rig.window().await?;
    window.select("[data-testid='compose-to']:focus").await?;
    window.press(&['a', 'n', 'n', ',', TAB]).await?;
    window.has("compose-chip", "data-to", "ann").await?;
    let mut all = Vec::new();
    for _ in 0..times {
        window.find("compose-body").await?.click().await?;
        window.press(&['H', 'i']).await?;
        window.client().execute(WATCH, Vec::new()).await?;
        window.chord(Key::Control, ENTER).await?;
        let took = wait::until("\"delivered\"", wait::SOON, async || {
            let figure = window.client().execute("return window.figure", Vec::new());
            Ok(figure.await?.as_f64())
        });
        all.push(took.await.context("a message to ann")?);
        window.click("compose-another").await?;
    }
    drop(window);
    display.close(TITLE).await?;
    Ok(Times::of(all))
}
