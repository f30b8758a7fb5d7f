//! The connection with the agent, kept for as long as there are windows.
//!
//! Owns connecting, subscribing, and passing on what the agent tells. When the agent ends in order
//! it has removed its socket, and this process ends too; when it broke down, the socket's file is
//! still there: the pages say so, and offer to start it.
//!
//! Invariant: the pages are told that the agent runs only after the subscription was answered, so
//! what they read afterwards misses no event.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tauri::async_runtime::JoinHandle;
use tauri::{AppHandle, Manager};
use tidings_control::{Client, ClientError, Event, Events, Request};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::pages::Pages;
use crate::windows;

/// Between two tries to connect: a local socket costs nothing, and somebody is waiting.
const RETRY: Duration = Duration::from_millis(300);
/// How long an agent that closed the connection may take to remove its socket.
const ENDING: Duration = Duration::from_secs(2);
/// Between two looks at the socket's file.
const LOOK: Duration = Duration::from_millis(50);

/// The connection with the agent. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Link {
    agent: watch::Receiver<Option<Arc<Client>>>,
    keeper: JoinHandle<()>,
}

/// Why the agent could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot find the program beside this one: {0}; start `tidings` from a shell")]
    Place(#[source] std::io::Error),
    #[error("cannot start {0}: {1}; start `tidings` from a shell")]
    Start(PathBuf, #[source] std::io::Error),
}

impl Link {
    /// Connects, and keeps connecting.
    pub(crate) fn new(app: AppHandle) -> Self {
        let (agent, here) = watch::channel(None);
        let keeper = tauri::async_runtime::spawn(keep(app, agent, tidings_control::path()));
        Self {
            agent: here,
            keeper,
        }
    }

    /// The agent, if it is there.
    pub(crate) fn agent(&self) -> Option<Arc<Client>> {
        self.agent.borrow().clone()
    }

    /// Starts the agent's program, which lies beside this one. Its coming is told to the pages.
    pub(crate) fn start_agent(&self) -> Result<(), StartError> {
        let program = std::env::current_exe()
            .map_err(StartError::Place)?
            .with_file_name(format!("tidings{}", std::env::consts::EXE_SUFFIX));
        // It outlives this process, and its terminal: it is nobody's child.
        tokio::process::Command::new(&program)
            // The windows are here already; they are told when it is there.
            .arg("--hidden")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(drop)
            .map_err(|e| StartError::Start(program, e))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(app: AppHandle, agent: watch::Sender<Option<Arc<Client>>>, socket: PathBuf) {
    loop {
        if let Ok((client, mut events)) = connect(&socket).await {
            agent.send_replace(Some(Arc::new(client)));
            app.state::<Pages>().running(true);
            while let Some(event) = events.recv().await {
                pass_on(&app, event);
            }
            agent.send_replace(None);
            if ended_in_order(&socket).await {
                app.exit(0);
                return;
            }
        }
        app.state::<Pages>().running(false);
        sleep(RETRY).await;
    }
}

async fn connect(socket: &Path) -> Result<(Client, Events), ClientError> {
    let (client, events) = Client::connect(socket).await?;
    client.ask(Request::Subscribe { windows: true }).await?;
    Ok((client, events))
}

fn pass_on(app: &AppHandle, event: Event) {
    match event {
        // Fails only while the program ends.
        Event::Show(view) => drop(windows::show(app, view)),
        event => app.state::<Pages>().event(event),
    }
}

/// Whether the agent that closed the connection has removed its socket, as it does in its last act.
async fn ended_in_order(socket: &Path) -> bool {
    let deadline = Instant::now() + ENDING;
    while socket.exists() {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_left_its_socket_broke_down() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        std::fs::write(&socket, "").unwrap();
        assert!(!ended_in_order(&socket).await);
        std::fs::remove_file(&socket).unwrap();
        assert!(ended_in_order(&socket).await);
    }
}
