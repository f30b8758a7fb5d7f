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

mod chart;
mod clean;
mod probe;
mod verdict;

use std::path::PathBuf;

use tidings_control::{Check, Report, Words};
use tokio::task::JoinSet;

use crate::autostart::Autostart;
use crate::settings::{At, Stored};
use crate::types::{Failure, RelayId, RelayState, SecretPlace, Status};
use crate::{App, Folders, clock};
pub(crate) use chart::{Chart, Greeting, Trip};
use probe::relay::Reached;
use verdict::Member;

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

    /// Sends a test message to oneself by a relay, and follows it. It raises one notification.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where there is no such relay.
    pub async fn test(app: &App, relay: &RelayId) -> Result<Check, Failure> {
        let members = members(&app.status().borrow(), app.chart());
        let member = members.iter().find(|member| member.id == *relay);
        let member =
            member.ok_or_else(|| Failure::NotFound(crate::words::Wrong::NotJoined.into()))?;
        let (trip, began) = app.follow_test(&member.id, &member.name).await?;
        let mut check = verdict::trip(member, &trip, began);
        let clock = verdict::clock(member, verdict::skew(&trip, began));
        check
            .details
            .extend(clock.into_iter().flat_map(|clock| clock.details));
        Ok(check)
    }

    /// The relays in the settings, for when no agent runs.
    async fn written(&self) -> Vec<Member> {
        let folder = self.folders.config.clone();
        let read = tokio::task::spawn_blocking(move || Stored::load_only(&folder));
        let stored = tokio::time::timeout(probe::DEADLINE, read).await;
        let Ok(Ok(Some(stored))) = stored else {
            return Vec::new();
        };
        let member = stored.relays.iter().filter_map(|member| {
            let address = match &member.at {
                At::Address(address) => address.clone(),
                // It runs inside the agent: there is nothing to reach.
                At::Hosted => return None,
            };
            Some(Member {
                id: member.id.clone(),
                label: clean::address(&address),
                address,
                name: member.name.clone(),
                pinned: member.pinned.clone(),
                connection: None,
                greeting: None,
            })
        });
        member.collect()
    }

    /// Looks at everything; without a running agent, at what can be seen without one.
    pub async fn examine(&self, agent: Agent<'_>) -> Report {
        let app = match agent {
            Agent::Running(app) => Some(app),
            Agent::Absent | Agent::Silent => None,
        };
        let status = app.map(|app| app.status().borrow().clone());
        let status = status.as_ref();
        let members = match app {
            Some(app) => members(&app.status().borrow(), app.chart()),
            None => self.written().await,
        };
        let (reached, daemon, rest, tray, keyring, window, disk, at_login) = tokio::join!(
            reached(&members),
            probe::bus::notifications(),
            probe::bus::rest(),
            probe::bus::tray(),
            probe::bus::keyring(),
            probe::window(&self.window),
            probe::disk(&self.folders.data),
            probe::autostart(self.autostart.clone()),
        );
        let mut checks = vec![verdict::agent(matches!(agent, Agent::Silent), status)];
        if members.is_empty() {
            checks.push(verdict::no_relay());
        }
        for (member, seen) in members.iter().zip(&reached) {
            checks.push(verdict::connection(member, seen));
            if let Seen::Found(reached) = seen {
                checks.extend(verdict::clock(member, reached.clock));
            }
        }
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

/// The relays of the running agent.
fn members(status: &Status, chart: &Chart) -> Vec<Member> {
    let member = |relay: &RelayState| Member {
        id: relay.id.clone(),
        label: relay.label.clone(),
        address: relay.address.clone(),
        name: relay.name.clone(),
        pinned: relay.pinned.clone(),
        connection: Some(relay.connection.clone()),
        greeting: chart.greeting(&relay.id),
    };
    status.relays.iter().map(member).collect()
}

/// Looks at each relay from outside, side by side.
async fn reached(members: &[Member]) -> Vec<Seen<Reached>> {
    let mut looks = JoinSet::new();
    for (place, member) in members.iter().enumerate() {
        let address = member.address.parse();
        let pin = member.pinned.as_deref().and_then(|pin| pin.parse().ok());
        looks.spawn(async move {
            match address {
                Ok(address) => (place, probe::relay::reach(address, pin).await),
                Err(_) => (place, Seen::Elsewhere),
            }
        });
    }
    let mut seen = looks.join_all().await;
    seen.sort_by_key(|(place, _)| *place);
    seen.into_iter().map(|(_, seen)| seen).collect()
}

/// Where the tokens are kept.
fn places(status: Option<&Status>) -> Vec<SecretPlace> {
    let relays = status.into_iter().flat_map(|status| &status.relays);
    relays.map(|relay| relay.secret).collect()
}

/// What is wrong with a part by the agent's own account.
fn problem(status: Option<&Status>, part: crate::types::Part) -> Option<Words> {
    let problems = &status?.problems;
    let told = problems.iter().find(|problem| problem.part == part)?;
    Some(Words::new(
        clean::said(&told.message.en),
        clean::said(&told.message.zh),
    ))
}
