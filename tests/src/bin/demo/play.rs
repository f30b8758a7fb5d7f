//! What happens in the demo, in order: messages by three ways to two computers, and the pictures.

use std::path::Path;
use std::time::SystemTime;

use tidings_control::{Request, View};
use tidings_tests::agent::command;
use tidings_tests::window::Window;
use tidings_tests::{bus, http, process};

use crate::measure::since;
use crate::report::{Report, Timed};
use crate::scene::{ANN, Cast, DESK, Scene};

const BACKUP: &str = "Nightly backup finished";

const BACKUP_BODY: &str = "All **3 volumes** are safe on `vault`.

| volume | files | size |
|---|---:|---:|
| home | 48,212 | 91 GB |
| photos | 120,334 | 412 GB |
| mail | 9,870 | 6 GB |

- took 41 minutes, *6 less* than yesterday
- next run: tomorrow, 02:30

Details are in the [backup log](https://backup.example.org/log/2291).";

const TESTS_BODY: &str = "214 passed in 38 s, none failed.";

const LUNCH_BODY: &str = "The usual place, at **noon**. Ben comes too.

Tell me by eleven if you can't.";

/// The title of the window that messages are written in.
const COMPOSE: &str = "New message";

/// A message on its way: how it goes, to whom, under which title, and when that began.
struct Sending {
    via: &'static str,
    to: &'static str,
    title: &'static str,
    began: SystemTime,
}

fn sending(via: &'static str, to: &'static str, title: &'static str) -> Sending {
    let began = SystemTime::now();
    Sending {
        via,
        to,
        title,
        began,
    }
}

/// Plays it all; the pictures go to the folder `out`.
pub(crate) async fn play(scene: &Scene, out: &Path) -> anyhow::Result<Report> {
    let without_relay = scene.joined_elsewhere().await?;
    let (cast, with_relay) = scene.cast().await?;
    let mut messages = vec![by_curl(scene, &cast, DESK, BACKUP, BACKUP_BODY).await?];
    let inbox = click(scene, &cast, BACKUP).await?;
    messages.push(by_curl(scene, &cast, ANN, "Printer is out of paper", "Tray 2").await?);
    messages.push(by_command(scene, &cast, DESK, "Tests are green").await?);
    messages.push(by_command(scene, &cast, ANN, "Release tests are green").await?);
    messages.push(by_compose(scene, &cast, &inbox, DESK, "Lunch, a note to myself", out).await?);
    messages.push(by_compose(scene, &cast, &inbox, ANN, "Lunch?", out).await?);
    pictures(scene, &inbox, out).await?;
    cast.desk.agent.ask(Request::Quit).await?;
    Ok(Report {
        messages,
        without_relay,
        with_relay,
    })
}

async fn by_curl(
    scene: &Scene,
    cast: &Cast,
    to: &'static str,
    title: &'static str,
    body: &str,
) -> anyhow::Result<Timed> {
    let curl = http::curl(&scene.home, cast.port, &cast.token, to, title, body);
    let sending = sending("curl", to, title);
    let answer = tokio::process::Command::from(curl).output().await?;
    let confirmed = SystemTime::now();
    let reply = serde_json::from_slice(&answer.stdout)?;
    let status = http::status(&reply, to).to_owned();
    timed(cast, sending, confirmed, status).await
}

async fn by_command(
    scene: &Scene,
    cast: &Cast,
    to: &'static str,
    title: &'static str,
) -> anyhow::Result<Timed> {
    let words = ["send", to, "--title", title, TESTS_BODY];
    let sending = sending("command line", to, title);
    let (ended, said, error) = command(&scene.home, &scene.programs, &words).await?;
    anyhow::ensure!(ended.success(), "tidings send: {said}{error}");
    let confirmed = cast.desk.delivered(title).await?;
    timed(cast, sending, confirmed, "ok".to_owned()).await
}

async fn by_compose(
    scene: &Scene,
    cast: &Cast,
    window: &Window,
    to: &'static str,
    title: &'static str,
    out: &Path,
) -> anyhow::Result<Timed> {
    let (home, display) = (&scene.home, &scene.desktop.display);
    let view = View::Compose {
        reply: None,
        to: Vec::new(),
    };
    cast.desk.agent.ask(Request::Show { view }).await?;
    window.fill("compose-to", to).await?;
    window.fill("compose-title", title).await?;
    window.fill("compose-body", LUNCH_BODY).await?;
    display.place(COMPOSE, [260, 200, 520, 460])?;
    let (written, sent) = (home.path("written.png"), home.path("sent.png"));
    display.portrait(home, COMPOSE, &written).await?;

    let sending = sending("compose window", to, title);
    window.click("compose-send").await?;
    let confirmed = cast.desk.delivered(title).await?;
    let shown = format!("[data-name='{to}'][data-delivery='delivered']");
    window.select(&shown).await?;
    display.portrait(home, COMPOSE, &sent).await?;
    let mut join = home.command("convert");
    join.args([written, sent, "+append".into(), out.join("compose.png")]);
    process::run(home, "convert", join).await?;
    display.close(COMPOSE).await?;
    timed(cast, sending, confirmed, "ok".to_owned()).await
}

async fn timed(
    cast: &Cast,
    sending: Sending,
    confirmed: SystemTime,
    status: String,
) -> anyhow::Result<Timed> {
    let Sending {
        via,
        to,
        title,
        began,
    } = sending;
    let recipient = cast.of(to);
    let (stored, id) = recipient.stored(title).await?;
    let notified = recipient.monitor.shown(title).await?.at;
    Ok(Timed {
        via,
        to,
        title,
        accepted_ms: since(began, recipient.accepted(id).await?),
        stored_ms: since(began, stored),
        notified_ms: since(began, notified),
        confirmed_ms: since(began, confirmed),
        status,
    })
}

/// Clicks the only notification that stands, through the daemon; gives the window it opens.
async fn click(scene: &Scene, cast: &Cast, title: &str) -> anyhow::Result<Window> {
    let shown = cast.desk.monitor.shown(title).await?;
    let connection = scene.desktop.bus.connect().await?;
    bus::listener(&connection, &shown.program, "org.freedesktop.Notifications").await?;
    let mut click = scene.home.command("dunstctl");
    click.args(["action", "0"]);
    process::run(&scene.home, "dunstctl", click).await?;
    let window = Window::attach(&scene.home).await?;
    window.reads("message-title", title).await?;
    Ok(window)
}

async fn pictures(scene: &Scene, window: &Window, out: &Path) -> anyhow::Result<()> {
    let display = &scene.desktop.display;
    display.place("Tidings", [24, 84, 1000, 780])?;
    window.find("message-title").await?;
    display
        .portrait(&scene.home, "Tidings", &out.join("inbox.png"))
        .await?;
    scene.picture(&out.join("desktop.png")).await
}
