//! One relay as the reception sees it: the session that came last, what goes out by it, and what its
//! states mean in people's terms. Pure but for what it holds.
//!
//! Invariant: the relays share nothing, so that one that is away or refuses delays no other.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use tidings_protocol::{Feature, Features};
use tidings_session::{self as session, State};

use super::reporting::Reports;
use crate::line::{self, Line};
use crate::post::Post;
use crate::types::{Connection, RelayId};

/// An absence shorter than this (milliseconds) is none: what came meanwhile is told as if nothing
/// had been.
const AWAY_MS: u64 = 30_000;

/// Taken over again this soon (milliseconds) after the person took the name back, the other device
/// fights for it: programs reconnect within seconds, people come back later.
const AGAIN_MS: u64 = 10 * 60_000;

/// See the file's head.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: RelayId,
    pub(super) line: Option<Line>,
    pub(super) post: Post,
    pub(super) reports: Reports,
    /// Its key in the inbox, once it said who it is.
    pub(super) key: String,
    /// The extensions in play on the last connection.
    pub(super) common: Features,
    /// When the connection was lost, or this session began without one; milliseconds since 1970, as
    /// the others here.
    lost_at: u64,
    /// Whether this run was connected before.
    was_online: bool,
    /// Since when another device has the name, until this one is connected again.
    taken_at: Option<u64>,
    /// When the name was taken back last.
    taken_back_at: Option<u64>,
}

impl Member {
    pub(super) fn new(id: RelayId, now: u64) -> Self {
        Self {
            id,
            line: None,
            post: Post::default(),
            reports: Reports::default(),
            key: String::new(),
            common: Features::NONE,
            lost_at: now,
            was_online: false,
            taken_at: None,
            taken_back_at: None,
        }
    }

    /// Has another session, from now on.
    pub(super) fn begin(&mut self, line: Line, now: u64) {
        self.lost_at = now;
        self.key.clone_from(&line.address);
        self.line = Some(line);
    }

    /// Its session is connected, with a relay with which it has these extensions in common; whether that is
    /// after an absence.
    pub(super) fn online(&mut self, common: Features, now: u64) -> bool {
        let by_ref = common.has(Feature::Ref);
        self.post.online(by_ref, common.has(Feature::Delay));
        self.reports.online(common);
        self.common = common;
        if self.taken_at.take().is_some() {
            self.taken_back_at = Some(now);
        }
        let away = now.saturating_sub(self.lost_at) >= AWAY_MS;
        !std::mem::replace(&mut self.was_online, true) || away
    }

    /// What a state of its session means, after `before`; none where it is not for people.
    pub(super) fn connection(
        &mut self,
        state: &State,
        before: &Connection,
        now: u64,
    ) -> Option<Connection> {
        if !state.is_online() {
            self.post.offline();
            self.reports.offline();
        }
        if matches!(before, Connection::Connected { .. }) {
            self.lost_at = now;
        }
        if let (Connection::Untrusted { .. }, State::Dialing) = (before, state) {
            // The question stays while the certificate is looked at again.
            return None;
        }
        if let State::TakenOver { .. } = state {
            let since = *self.taken_at.get_or_insert(now);
            let back = self.taken_back_at;
            let again = back.is_some_and(|back| now.saturating_sub(back) < AGAIN_MS);
            return Some(line::taken_over(state, since, again));
        }
        line::connection(state, self.lost_at)
    }
}

/// The relays, and whose turn it is to be heard.
#[derive(Debug, Default)]
pub(super) struct Members {
    all: VecDeque<Member>,
}

impl Members {
    pub(super) fn get(&mut self, id: &RelayId) -> Option<&mut Member> {
        self.all.iter_mut().find(|member| member.id == *id)
    }

    /// That member; made where there is none.
    pub(super) fn of(&mut self, id: RelayId, now: u64) -> &mut Member {
        let at = self.all.iter().position(|member| member.id == id);
        let at = at.unwrap_or_else(|| {
            self.all.push_back(Member::new(id.clone(), now));
            self.all.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        &mut self.all[at]
    }

    pub(super) fn remove(&mut self, id: &RelayId) {
        self.all.retain(|member| member.id != *id);
    }

    pub(super) fn ids(&self) -> Vec<RelayId> {
        self.all.iter().map(|member| member.id.clone()).collect()
    }

    /// The sessions that run.
    pub(super) fn lines(&mut self) -> impl Iterator<Item = &mut Line> {
        self.all
            .iter_mut()
            .filter_map(|member| member.line.as_mut())
    }

    /// Whether no session is left to be heard out.
    pub(super) fn are_silent(&self) -> bool {
        self.all.iter().all(|member| member.line.is_none())
    }

    /// Something was queued, for whichever of them.
    pub(super) fn queued(&mut self) {
        for member in &mut self.all {
            member.post.queued();
            member.reports.queued();
        }
    }

    /// When the next of what is kept here until it is due is due; milliseconds since 1970.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.all
            .iter()
            .filter_map(|member| member.post.next_due())
            .min()
    }

    /// The next thing a session says, and whose; none when it has ended. In turn, so that one that
    /// always has something to say does not silence the others.
    pub(super) async fn next_event(&mut self) -> (RelayId, Option<session::Event>) {
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<(RelayId, Option<session::Event>)> {
        let mut said = None;
        for (at, member) in self.all.iter_mut().enumerate() {
            let Some(line) = &mut member.line else {
                continue;
            };
            if let Poll::Ready(event) = line.events.poll_recv(context) {
                said = Some((at, member.id.clone(), event));
                break;
            }
        }
        let Some((at, id, event)) = said else {
            return Poll::Pending;
        };
        // Behind all others the next time.
        self.all.rotate_left(at + 1);
        Poll::Ready((id, event))
    }
}
