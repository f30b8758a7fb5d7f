//! What the tray is given to show, what its clicks do, and what the person is told where there is
//! none.
//!
//! Invariants: the tray is brought up to date at once, and then no sooner than [`PACE`] later, however
//! much happens meanwhile; that there is no tray is told by one notification in the life of an
//! installation, and stands in the status for as long as it is so.

use std::sync::Arc;
use std::time::Duration;

use tidings_app::notifier::Notifier;
use tidings_control::{Filter, Part, Reach, Tongue, View};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::menu::{self, Click};
use super::{CLICKS, Shown};
use crate::faces::Agent;
use crate::texts;

/// The tray changes at most so often: panels draw it anew each time, and nobody reads faster.
const PACE: Duration = Duration::from_millis(500);

/// How long a panel that starts beside the agent at login may take before its lack is told.
#[cfg(target_os = "linux")]
const HOST_LATE: Duration = Duration::from_secs(10);

/// Shows the tray and acts on its clicks. The handle is of the thread that the icon lives on.
pub(crate) fn start(
    agent: &Arc<Agent>,
    notifier: Arc<dyn Notifier>,
    tasks: &mut JoinSet<()>,
) -> JoinHandle<()> {
    let first = Shown::nothing(agent.app.status().borrow().clone(), tongue(agent));
    let (show, shown) = watch::channel(first);
    let (clicks, clicked) = mpsc::channel(CLICKS);
    tasks.spawn(follow(Arc::clone(agent), show));
    tasks.spawn(act(Arc::clone(agent), clicked));
    #[cfg(target_os = "linux")]
    tasks.spawn(tell_lack_of_host(Arc::clone(agent), notifier));
    #[cfg(not(target_os = "linux"))]
    drop(notifier);
    let agent = Arc::clone(agent);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = super::run(&Handle::current(), shown, clicks) {
            tracing::warn!(%error, "no tray");
            agent.app.problem(Part::Tray, Some(texts::no_tray()));
        }
    })
}

fn tongue(agent: &Agent) -> Tongue {
    Tongue::of(agent.app.settings().language)
}

/// Keeps what the tray shows true.
async fn follow(agent: Arc<Agent>, show: watch::Sender<Shown>) {
    let mut status = agent.app.status();
    let mut events = agent.app.events();
    // What was shown first was read before this watch began.
    status.mark_changed();
    loop {
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return },
            event = events.recv() => match event {
                Ok(event) if !concerns(&event) => continue,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
        let recent = agent
            .app
            .inbox(&Filter::default(), None, menu::RECENT)
            .await;
        let now = Shown {
            status: status.borrow_and_update().clone(),
            recent: recent.unwrap_or_else(|error| {
                tracing::debug!(%error, "the tray shows no messages");
                Vec::new()
            }),
            texts: texts::Texts(tongue(&agent)),
        };
        show.send_if_modified(|shown| {
            let changed = *shown != now;
            *shown = now;
            changed
        });
        pause(&mut events, &mut status).await;
    }
}

/// Lets what happens gather for a while; leaves a mark on the status if something did.
async fn pause(
    events: &mut broadcast::Receiver<tidings_app::Event>,
    status: &mut watch::Receiver<tidings_control::Status>,
) {
    tokio::time::sleep(PACE).await;
    loop {
        match events.try_recv() {
            Ok(event) if !concerns(&event) => {}
            Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => status.mark_changed(),
            Err(_) => return,
        }
    }
}

/// Whether the tray shows something of it, beside the status.
fn concerns(event: &tidings_app::Event) -> bool {
    use tidings_app::Event;
    matches!(
        event,
        Event::Received(_) | Event::Changed(_) | Event::Settings(_)
    )
}

async fn act(agent: Arc<Agent>, mut clicks: mpsc::Receiver<Click>) {
    while let Some(click) = clicks.recv().await {
        match click {
            Click::Inbox => agent.windows.show(agent.front()),
            Click::Message(id) => agent.windows.show(View::Inbox { message: Some(id) }),
            Click::Compose => agent.windows.show(View::Compose {
                reply: None,
                to: Vec::new(),
            }),
            Click::Settings => agent.windows.show(View::Settings),
            Click::Relay(id) => {
                let status = agent.app.status().borrow().clone();
                let offline = status
                    .relay(&id)
                    .is_some_and(|relay| menu::connects(&relay.connection));
                if !offline {
                    agent.windows.show(View::Relays);
                } else if let Err(error) = agent.app.reconnect(Some(id)).await {
                    tracing::warn!(%error, "not reconnected");
                }
            }
            Click::Host => {
                let hosted = agent.app.status().borrow().hosted.is_some();
                if !hosted && let Err(error) = agent.app.host(Reach::Computer, None).await {
                    tracing::warn!(%error, "not hosted");
                }
                // Also the page that shows a relay hosted already, and who can reach it.
                agent.windows.show(View::FirstRun);
            }
            Click::Pause(pause) => {
                if let Err(error) = agent.app.pause(pause).await {
                    tracing::warn!(%error, "not paused");
                }
            }
            Click::Quit => {
                agent.quit.send_replace(true);
            }
        }
    }
}

#[cfg(target_os = "linux")]
async fn tell_lack_of_host(agent: Arc<Agent>, notifier: Arc<dyn Notifier>) {
    let present = watch::Sender::new(false);
    let mut seen = present.subscribe();
    let lacking = || agent.app.problem(Part::Tray, Some(texts::no_tray()));
    let mut told = JoinSet::new();
    let telling = async {
        // At login the panel may come after us.
        let host = seen.wait_for(|present| *present);
        let mut there = tokio::time::timeout(HOST_LATE, host)
            .await
            .is_ok_and(|r| r.is_ok());
        loop {
            if there {
                agent.app.problem(Part::Tray, None);
            } else {
                lacking();
                if told.is_empty() {
                    told.spawn(tell_once(Arc::clone(&agent), Arc::clone(&notifier)));
                }
            }
            if seen.changed().await.is_err() {
                return;
            }
            there = *seen.borrow_and_update();
        }
    };
    tokio::select! {
        followed = super::host::follow(present.clone()) => {
            if let Err(error) = followed {
                tracing::info!(%error, "no session bus");
                lacking();
            }
        }
        () = telling => {}
    }
}

/// Says it by a notification, if it was never said: whoever sees neither icon nor window believes
/// that nothing runs. A click on it opens the window.
#[cfg(target_os = "linux")]
async fn tell_once(agent: Arc<Agent>, notifier: Arc<dyn Notifier>) {
    use tidings_app::notifier::{Fate, Notice, Slot, Stays};

    if !matches!(agent.app.lack_of_tray_told(false).await, Ok(false)) {
        return;
    }
    let tongue = tongue(&agent);
    let (news, mut heard) = mpsc::channel(1);
    let notice = Notice {
        slot: Slot::Own,
        message: None,
        title: texts::in_background().say(tongue).to_owned(),
        body: texts::no_tray().say(tongue).to_owned(),
        priority: tidings_control::Priority::Default,
        sound: None,
        icon: None,
        stays: Stays::AsUsual,
        open: texts::Texts(tongue).open(),
        buttons: Vec::new(),
    };
    if let Err(error) = notifier.raise(notice, &news).await {
        // It is told when somebody can hear it; the status says it all the same.
        tracing::info!(%error, "the lack of a tray is not told");
        return;
    }
    if let Err(error) = agent.app.lack_of_tray_told(true).await {
        tracing::warn!(%error, "that the lack of a tray was told is not kept");
    }
    // The notifier holds a sender for as long as the notification stands.
    drop(news);
    if let Some(news) = heard.recv().await
        && news.fate == Fate::Clicked
    {
        agent.windows.show(agent.front());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_app::Event;
    use tidings_control::Status;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_shown_at_the_pace_and_its_end_is_not_missed() {
        let events = broadcast::Sender::new(8);
        let mut heard = events.subscribe();
        let (statuses, mut status) = watch::channel(Status {
            version: String::new(),
            relays: Vec::new(),
            hosted: None,
            unread: 0,
            quiet: tidings_control::Quiet::default(),
            problems: Vec::new(),
        });
        let began = tokio::time::Instant::now();
        let burst = async {
            for n in 0..200_u64 {
                let _ = events.send(Event::Changed(vec![n]));
                statuses.send_modify(|status| status.unread += 1);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let mut shown = Vec::new();
        let follow = async {
            while status.changed().await.is_ok() {
                shown.push(status.borrow_and_update().unread);
                pause(&mut heard, &mut status).await;
                if shown.last() == Some(&200) && !status.has_changed().unwrap_or(true) {
                    return;
                }
            }
        };
        tokio::join!(burst, follow);
        let halves = began.elapsed().as_millis() / PACE.as_millis();
        assert_eq!(shown.first(), Some(&1), "the first at once");
        assert_eq!(shown.last(), Some(&200));
        assert!(shown.len() as u128 <= halves + 2, "{shown:?} in {halves}");
    }
}
