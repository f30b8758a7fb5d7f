//! The doctor: looks at everything Tidings depends on, and says in words how it is and what to do.
//!
//! Owns which things are looked at, in which order they are told, and that they are looked at side by
//! side. Facts are gathered by the small probes of [`probe`], each with a deadline of its own; what
//! they mean is decided by the pure functions of [`verdict`]; what comes from outside passes
//! [`clean`] before it is in a report. A test message's way is [`trip`]'s.
//!
//! Invariants: it ends within the longest deadline, whatever hangs, and what hangs is told as such; it
//! changes nothing, starts no prompt and raises nothing (but for [`trip`], which is asked for by
//! itself); a report holds no secret and nothing that a message says.

mod clean;
mod probe;
mod verdict;

use std::path::PathBuf;

use tidings_control::{Report, Words};

use crate::autostart::Autostart;
use crate::types::{SecretPlace, Status};
use crate::{App, Folders, clock};

/// What it looks at.
#[derive(Debug, Clone)]
pub struct Doctor {
    folders: Folders,
    autostart: Option<Autostart>,
    window: PathBuf,
}

/// The agent, as whoever asks knows it.
#[derive(Clone, Copy)]
pub enum Agent<'a> {
    /// It runs: this is its app.
    Running(&'a App),
    /// None runs.
    Absent,
    /// One runs, and does not answer.
    Silent,
}

/// How a look at something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen<T> {
    /// It is there, and said this.
    Found(T),
    /// It is not there.
    Nothing,
    /// It did not answer within its deadline.
    Silent,
    /// It failed, in its own words.
    Failed(String),
    /// There is no such thing on this kind of system, or nothing to ask it by.
    Elsewhere,
}

impl Doctor {
    /// One that looks at these folders and at this program that draws windows. Touches nothing yet.
    #[must_use]
    pub fn new(folders: Folders, window: PathBuf) -> Self {
        Self {
            folders,
            autostart: Autostart::of_user(),
            window,
        }
    }

    /// Looks at everything; without a running agent, at what can be seen without one.
    pub async fn examine(&self, agent: Agent<'_>) -> Report {
        let app = match agent {
            Agent::Running(app) => Some(app),
            Agent::Absent | Agent::Silent => None,
        };
        let status = app.map(|app| app.status().borrow().clone());
        let status = status.as_ref();
        let (daemon, rest, tray, keyring, window, disk, at_login) = tokio::join!(
            probe::bus::notifications(),
            probe::bus::rest(),
            probe::bus::tray(),
            probe::bus::keyring(),
            probe::window(&self.window),
            probe::disk(&self.folders.data),
            probe::autostart(self.autostart.clone()),
        );
        let mut checks = vec![verdict::agent(matches!(agent, Agent::Silent), status)];
        checks.push(verdict::notifications(&daemon, status));
        checks.push(verdict::quiet(
            &rest,
            status,
            app.map(App::settings).as_ref(),
        ));
        checks.push(verdict::tray(&tray, status));
        checks.push(verdict::secrets(&keyring, status));
        checks.push(verdict::window(&window, status));
        checks.push(verdict::disk(&disk, &self.folders.data, status));
        checks.extend(verdict::autostart(&at_login));
        Report {
            at: clock::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: clean::said(&probe::system()),
            checks,
        }
    }
}

/// The same in both languages.
fn words(en: impl Into<String>, zh: impl Into<String>) -> Words {
    Words {
        en: en.into(),
        zh: zh.into(),
    }
}

/// Where the tokens are kept.
fn places(status: Option<&Status>) -> Vec<SecretPlace> {
    let relays = status.into_iter().flat_map(|status| &status.relays);
    relays.map(|relay| relay.secret).collect()
}

/// What is wrong with a part by the agent's own account.
fn problem(status: Option<&Status>, part: crate::types::Part) -> Option<String> {
    let problems = &status?.problems;
    let told = problems.iter().find(|problem| problem.part == part)?;
    Some(clean::said(&told.message))
}
