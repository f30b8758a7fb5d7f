//! The resident process from start to end.
//!
//! Order at start: the right to be the agent (socket), the app, then tray and windows beside it.
//! Order at the end: no new requests, tray and windows, then the app (session, relay, inbox).

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tidings_app::{App, Parts};
use tidings_control::{Answer, Client, ClientError, ListenError, Listener, Part, Request, View};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::Start;
use crate::desktop::Clipboard;
use crate::faces::{self, Agent};
use crate::here::Here;
use crate::tray;
use crate::windows::{self, Windows};

/// How long a start waits for an agent that is just ending, and how often it looks.
const PREDECESSOR: Duration = Duration::from_secs(20);
const PREDECESSOR_AGAIN: Duration = Duration::from_millis(100);

/// How long the tray may take to leave the panel.
const TRAY_STOPPING: Duration = Duration::from_secs(2);

/// Libraries that log whole frames at their finest levels, tokens and messages included: what
/// `TIDINGS_LOG` asks for does not count for them.
const TALKATIVE: [&str; 3] = ["tungstenite", "zbus", "hyper"];

/// Runs the agent; or, where one runs, shows its window.
#[expect(clippy::print_stderr, reason = "the person who started it reads this")]
pub(crate) fn main(start: &Start) -> ExitCode {
    let asked = std::env::var("TIDINGS_LOG").unwrap_or_else(|_| "info".to_owned());
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(log)
        .with(filter(&asked))
        .init();
    match run(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidings: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is logged. By targets alone: the richer filter brings regular expressions, which an agent at
/// rest would keep in memory.
fn filter(asked: &str) -> Targets {
    let info = LevelFilter::INFO;
    let asked = quieted(asked).parse();
    asked
        .unwrap_or_else(|_| Targets::new().with_default(info))
        .with_targets(TALKATIVE.map(|library| (library, info)))
}

/// What was asked for, without its words on the talkative libraries: the longer word would win.
fn quieted(asked: &str) -> String {
    let talkative = |part: &str| TALKATIVE.iter().any(|library| part.starts_with(library));
    let parts = asked.split(',').map(str::trim);
    let kept: Vec<&str> = parts.filter(|part| !talkative(part)).collect();
    kept.join(",")
}

fn run(start: &Start) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Most of the time it waits; two let a slow step not hold up the others.
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the system gives no threads")?;
    let outcome = runtime.block_on(async {
        let gives_up = Instant::now() + PREDECESSOR;
        loop {
            match Listener::bind(&tidings_control::path()) {
                Ok(listener) => break reside(start, listener).await,
                Err(ListenError::Taken) => match second_start(start).await {
                    // The other one is just ending, or just starting.
                    Err(ClientError::NotRunning | ClientError::Gone)
                        if Instant::now() < gives_up =>
                    {
                        tokio::time::sleep(PREDECESSOR_AGAIN).await;
                    }
                    outcome => break outcome.map_err(Into::into),
                },
                Err(error) => break Err(error.into()),
            }
        }
    });
    // A keyring or a notification daemon that hangs must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Somebody started Tidings though it runs: they want to see it.
async fn second_start(start: &Start) -> Result<(), ClientError> {
    let (agent, _events) = Client::connect(&tidings_control::path()).await?;
    if start.hidden {
        return Ok(());
    }
    let view = match agent.ask(Request::Status).await? {
        Answer::Status(status) => windows::front(&status),
        _ => View::Inbox { message: None },
    };
    agent.ask(Request::Show { view }).await?;
    Ok(())
}

async fn reside(start: &Start, listener: Listener) -> Result<()> {
    let _right = listener.right();
    let parts = Parts::of_desktop()?;
    let here = Here::new(parts.folders.clone());
    let notifier = Arc::clone(&parts.notifier);
    let app = App::start(parts).await?;
    let (windows, started) = Windows::new();
    let agent = Arc::new(Agent {
        app,
        windows,
        here,
        clipboard: Arc::new(Mutex::new(Clipboard::default())),
        quit: watch::Sender::new(false),
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(agent.here.clone().repair());
    tasks.spawn(end_on_signal(agent.quit.clone()));
    tasks.spawn(notifications_act(Arc::clone(&agent)));
    let tray = tray::follow::start(&agent, notifier, &mut tasks);
    let shown = tokio::spawn({
        let agent = Arc::clone(&agent);
        async move {
            windows::keep(&agent.windows, started, |message| {
                agent.app.problem(Part::Window, message);
            })
            .await;
        }
    });
    if !start.hidden {
        agent.windows.show(agent.front());
    }
    tracing::info!("running");
    faces::serve(&agent, listener).await;

    tracing::info!("ending");
    agent.windows.end();
    tasks.shutdown().await;
    end_within(windows::ENDING, shown).await;
    end_within(TRAY_STOPPING, tray).await;
    agent.app.stop().await;
    Ok(())
}

async fn end_within(limit: Duration, mut task: JoinHandle<()>) {
    if tokio::time::timeout(limit, &mut task).await.is_err() {
        task.abort();
    }
}

/// A click on a notification opens its message, or what is unread; its buttons do what they say.
async fn notifications_act(agent: Arc<Agent>) {
    let mut events = agent.app.events();
    loop {
        match events.recv().await {
            Ok(tidings_app::Event::Opened { message: None }) => agent.windows.show(View::Unread),
            Ok(tidings_app::Event::Opened { message }) => {
                agent.windows.show(View::Inbox { message });
            }
            Ok(tidings_app::Event::Reply(message)) => {
                agent.windows.show(View::Compose {
                    reply: Some(message),
                    to: Vec::new(),
                });
            }
            Ok(tidings_app::Event::Do(deed)) => {
                if let Err(failure) = agent.perform(deed).await {
                    tracing::warn!(%failure, "a notification's button did nothing");
                    // Its notification is gone: the inbox offers the same, with the reason.
                    agent.windows.show(View::Unread);
                }
            }
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn end_on_signal(quit: watch::Sender<bool>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut term) = signal(SignalKind::terminate()) else {
            return;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
    quit.send_replace(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_on_a_talkative_library_is_heard() {
        use tracing::Level;
        let asked = "debug,tungstenite::protocol=trace, zbus=trace,tidings_app=trace";
        assert_eq!(quieted(asked), "debug,tidings_app=trace");
        let filter = filter(asked);
        let enabled = |target, level| filter.would_enable(target, &level);
        assert!(enabled("tidings_app::flow", Level::TRACE));
        assert!(enabled("tidings_relay", Level::DEBUG));
        assert!(!enabled("tidings_relay", Level::TRACE));
        assert!(!enabled("tungstenite::protocol", Level::DEBUG));
        assert!(enabled("zbus", Level::INFO));
    }
}
