//! The window process: started when a window is wanted and none is there, told otherwise.
//!
//! Invariants: at most one window process; a view asked for while it starts is shown once it has
//! subscribed; the agent does not wait for it.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidings_control::{Event, Peer, View};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long a window process may take to end after it lost the agent.
pub(crate) const ENDING: Duration = Duration::from_secs(3);

/// Views waiting for a process that starts. It shows the last of each kind anyway.
const VIEWS: usize = 16;

/// The window process, as far as the agent knows it.
#[derive(Debug)]
pub(crate) struct Windows {
    state: Mutex<State>,
    start: Mutex<Option<mpsc::Sender<View>>>,
}

#[derive(Debug, Default)]
enum State {
    /// There is none.
    #[default]
    None,
    /// It was started and has not subscribed yet; these views wait, beside the one it starts with.
    Starting(Vec<View>),
    /// It is there.
    Attached(Peer),
}

impl Windows {
    /// The windows, and the views that [`keep`] is to start a process for.
    pub(crate) fn new() -> (Self, mpsc::Receiver<View>) {
        // One at a time: no second is asked for while one starts.
        let (start, started) = mpsc::channel(1);
        (
            Self {
                state: Mutex::default(),
                start: Mutex::new(Some(start)),
            },
            started,
        )
    }

    /// Shows a window.
    pub(crate) fn show(&self, view: View) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Attached(peer) if peer.tell(Event::Show(view.clone())) => return,
            State::Starting(views) => {
                if views.len() < VIEWS {
                    views.push(view);
                }
                return;
            }
            State::None | State::Attached(_) => {}
        }
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        if start
            .as_ref()
            .is_some_and(|start| start.try_send(view).is_ok())
        {
            *state = State::Starting(Vec::new());
        }
    }

    /// The window process has subscribed.
    pub(crate) fn attach(&self, peer: Peer) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Starting(views) = &mut *state {
            for view in views.drain(..) {
                let _ = peer.tell(Event::Show(view));
            }
        }
        *state = State::Attached(peer);
    }

    /// A window process lost its connection, or ended. With `wanted`, the next is asked for already.
    fn gone(&self, wanted: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Attached(_)) || !wanted {
            *state = State::None;
        }
    }

    /// No window is shown any more; [`keep`] ends with the process that runs.
    pub(crate) fn end(&self) {
        self.start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// The window process has closed its connection: what is shown next needs a new one.
    pub(crate) fn detach(&self) {
        self.gone(true);
    }
}

/// Starts a window process for each view asked for, and follows it to its end. `failed` gets what
/// the person should know when one cannot start or breaks down, and none when one ended well.
pub(crate) async fn keep(
    windows: &Windows,
    mut start: mpsc::Receiver<View>,
    failed: impl Fn(Option<String>),
) {
    while let Some(view) = start.recv().await {
        match spawn(&view) {
            Ok(mut child) => match child.wait().await {
                Ok(status) if status.success() => failed(None),
                status => failed(Some(broke_down(status))),
            },
            Err(message) => failed(Some(message)),
        }
        windows.gone(!start.is_empty());
    }
}

fn broke_down(status: std::io::Result<ExitStatus>) -> String {
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    format!(
        "The window ended unexpectedly ({how}). Messages are kept; open it again from the tray."
    )
}

fn program() -> std::io::Result<PathBuf> {
    let name = format!("tidings-window{}", std::env::consts::EXE_SUFFIX);
    Ok(std::env::current_exe()?.with_file_name(name))
}

fn spawn(view: &View) -> Result<Child, String> {
    let program = program().map_err(|error| format!("Where Tidings is installed: {error}."))?;
    let view = serde_json::to_string(view).map_err(|error| error.to_string())?;
    Command::new(&program)
        .args(["--show", &view])
        .stdin(Stdio::null())
        // The agent's end is the window's end, but for what it still has to write.
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            format!(
                "The window program {} cannot start: {error}. Install it again.",
                program.display()
            )
        })
}
