//! The window process: started when a window is wanted and none is there, told otherwise.
//!
//! Invariants: at most one window process; a view asked for while it starts is shown once it has
//! subscribed; the agent does not wait for it.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidings_control::{Connection, Event, Peer, Status, View, Words};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::texts;

/// How long a window process may take to end after it lost the agent.
pub(crate) const ENDING: Duration = Duration::from_secs(3);

/// Views waiting for a process that starts. It shows the last of each kind anyway.
const VIEWS: usize = 16;

/// The window process, as far as the agent knows it.
#[derive(Debug)]
pub(crate) struct Windows {
    state: Mutex<State>,
    /// Asks [`keep`] for a process; none once the agent ends. Sent to under the state's lock.
    wanted: Mutex<Option<mpsc::Sender<()>>>,
}

#[derive(Debug, Default)]
enum State {
    /// There is none.
    #[default]
    None,
    /// One was asked for and has not subscribed yet; these views wait for it.
    Starting(Vec<View>),
    /// It is there.
    Attached(Peer),
}

impl Windows {
    /// The windows, and the requests for a process that [`keep`] answers.
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        // One at a time: no second is asked for while one starts.
        let (wanted, start) = mpsc::channel(1);
        let windows = Self {
            state: Mutex::default(),
            wanted: Mutex::new(Some(wanted)),
        };
        (windows, start)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a window.
    pub(crate) fn show(&self, view: View) {
        let mut state = self.state();
        match &mut *state {
            State::Attached(peer) if peer.tell(Event::Show(view.clone())) => {}
            State::Starting(views) => {
                if views.len() == VIEWS {
                    views.remove(0);
                }
                views.push(view);
            }
            State::None | State::Attached(_) => {
                let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(wanted) = &*wanted {
                    *state = State::Starting(vec![view]);
                    // Full: one is asked for already.
                    let _ = wanted.try_send(());
                }
            }
        }
    }

    /// The window process has subscribed.
    pub(crate) fn attach(&self, peer: Peer) {
        let mut state = self.state();
        if let State::Starting(views) = &mut *state {
            for view in views.drain(..) {
                let _ = peer.tell(Event::Show(view));
            }
        }
        *state = State::Attached(peer);
    }

    /// That window process has closed its connection: what is shown next needs a new one.
    pub(crate) fn detach(&self, left: &Peer) {
        let mut state = self.state();
        if matches!(&*state, State::Attached(peer) if peer.is(left)) {
            *state = State::None;
        }
    }

    /// No window is shown any more; [`keep`] ends with the process that runs.
    pub(crate) fn end(&self) {
        self.wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// What a new process starts with; none where one subscribed meanwhile.
    fn first(&self) -> Option<View> {
        match &mut *self.state() {
            State::Starting(views) if !views.is_empty() => Some(views.remove(0)),
            _ => None,
        }
    }

    /// The process has ended. One that never subscribed takes with it what waited for it, unless
    /// another is asked for already.
    fn ended(&self, start: &mpsc::Receiver<()>) {
        let mut state = self.state();
        if matches!(*state, State::Starting(_)) && start.is_empty() {
            *state = State::None;
        }
    }
}

/// The window to show when nobody said which: the first-run page until a relay is set up.
pub(crate) fn front(status: &Status) -> View {
    match status.connection() {
        Connection::NotConfigured => View::FirstRun,
        _ => View::Inbox { message: None },
    }
}

/// Starts a window process each time one is asked for, and follows it to its end. `failed` gets
/// what the person should know when one cannot start or breaks down, and none when one ended well.
pub(crate) async fn keep(
    windows: &Windows,
    mut start: mpsc::Receiver<()>,
    failed: impl Fn(Option<Words>),
) {
    while start.recv().await.is_some() {
        let Some(view) = windows.first() else {
            continue;
        };
        match spawn(&view) {
            Ok(mut child) => match child.wait().await {
                Ok(status) if status.success() => failed(None),
                status => failed(Some(broke_down(status))),
            },
            Err(message) => failed(Some(message)),
        }
        windows.ended(&start);
    }
}

fn broke_down(status: std::io::Result<ExitStatus>) -> Words {
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    texts::window_ended(how)
}

/// The program that draws the windows: it lies beside this one.
pub(crate) fn program() -> std::io::Result<PathBuf> {
    let name = format!("tidings-window{}", std::env::consts::EXE_SUFFIX);
    Ok(std::env::current_exe()?.with_file_name(name))
}

fn spawn(view: &View) -> Result<Child, Words> {
    let program = program().map_err(|error| texts::no_window("tidings-window", error))?;
    let view =
        serde_json::to_string(view).map_err(|error| texts::no_window(program.display(), error))?;
    Command::new(&program)
        .args(["--show", &view])
        .stdin(Stdio::null())
        // The agent's end is the window's end, but for what it still has to write.
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| texts::no_window(program.display(), error))
}
