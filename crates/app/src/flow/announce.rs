//! Which of the messages that are due are raised one by one, which together in one digest, and which
//! not at all. Pure: rows, rules and times come in, one decision comes out.
//!
//! Owns the measure of a burst, of a catch-up and of the digest that stands on the screen. It does
//! nothing itself; what it decided counts once it is told that it was done.
//!
//! Invariants:
//! - an urgent message is never put into a digest with others, unless so many come that they are a
//!   burst of their own;
//! - what was held back is told afterwards in one digest, never as a popup of its own;
//! - a message is in at most one decision that was done.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::inbox::Due;
use crate::quiet;
use crate::text;
use crate::types::{Held, MessageId, Notifications, Priority};

/// More messages than these within [`SPAN`] are told in one digest: what a person can take in as
/// popups one after another.
pub(crate) const BURST: usize = 5;

/// The same for urgent messages, which are told apart as long as that is any use.
const URGENT_BURST: usize = 10;

/// Over which a burst is measured.
pub(crate) const SPAN: Duration = Duration::from_secs(10);

/// The least time between two states of a digest: enough to be read, and a bound on the calls a
/// flood makes.
pub(crate) const PACE: Duration = Duration::from_secs(1);

/// After an absence popups wait so long for the first message that was missed.
pub(crate) const CATCH_UP: Duration = Duration::from_secs(1);

/// Each message that comes in that time makes it so much longer: the relay is still sending.
const CATCH_UP_MORE: Duration = Duration::from_millis(500);

/// A catch-up takes so long at most; what comes later is told as it comes.
const CATCH_UP_MOST: Duration = Duration::from_secs(10);

/// How long a computer may still run once it said that it goes to sleep, and what comes in that time
/// is seen by nobody. logind waits 5 s for those who have something to end; a sleep that fails is
/// told as a waking.
pub(crate) const FALLING_ASLEEP: Duration = Duration::from_secs(60);

/// How long it takes after waking until a line has stood its test or another one is made: the 5 s of
/// the test, and a network that takes as long to come up. Until then popups wait.
pub(crate) const WAKING: Duration = Duration::from_secs(10);

/// Messages that a digest names.
pub(crate) const NAMED: usize = 5;

/// Messages of which a digest knows each, to tell how many are still unread. Beyond, it only counts.
const KNOWN: usize = 10_000;

/// What a digest is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Many that came at once.
    New,
    /// What came while nobody was here.
    Missed,
    /// What came while notifications were paused.
    Paused,
    /// What came in quiet hours, or while the desktop was not to be disturbed.
    Quiet,
}

/// One notification for many messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) about: About,
    /// How many.
    pub(crate) count: usize,
    /// The newest, newest first.
    pub(crate) newest: Vec<Named>,
    /// Whether there are urgent ones among them.
    pub(crate) urgent: bool,
    /// Those that it tells for the first time.
    pub(crate) adds: Vec<MessageId>,
    ids: BTreeSet<MessageId>,
}

/// A message that a digest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    id: MessageId,
    pub(crate) sender: String,
    pub(crate) title: String,
}

/// What to do about the messages that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// There is nothing to do.
    Nothing,
    /// Keep why these are not raised.
    Hold(Vec<(MessageId, Held)>),
    /// Raise this one.
    One(MessageId),
    /// Raise this, in place of the digest that stands.
    Digest(Digest),
    /// Look again then: more may have come.
    Later(Instant),
}

/// What of the world a decision depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) rules: &'a Notifications,
    /// Why notifications are held back now.
    pub(crate) held: Option<Held>,
    /// Milliseconds since 1970.
    pub(crate) wall: u64,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    told: VecDeque<Instant>,
    urgent: VecDeque<Instant>,
    digest: Option<Digest>,
    /// When the digest was raised or changed last.
    digest_at: Option<Instant>,
    catch_up: Option<CatchUp>,
}

#[derive(Debug, Clone, Copy)]
struct CatchUp {
    until: Instant,
    most: Instant,
}

impl Announcer {
    /// Somebody is here again after an absence: what comes now was missed.
    pub(crate) fn back(&mut self, now: Instant) {
        self.catch_up = Some(CatchUp {
            until: now + CATCH_UP,
            most: now + CATCH_UP_MOST,
        });
    }

    /// Nobody looks for so long, unless they are [`back`](Self::back) sooner: what comes meanwhile is
    /// missed.
    pub(crate) fn away(&mut self, long: Duration, now: Instant) {
        let until = now + long;
        self.catch_up = Some(CatchUp { until, most: until });
    }

    /// A message came.
    pub(crate) fn came(&mut self, now: Instant) {
        if let Some(catch_up) = &mut self.catch_up
            && now < catch_up.until
        {
            let until = catch_up.until.max(now + CATCH_UP_MORE);
            catch_up.until = until.min(catch_up.most);
        }
    }

    /// What to do about these rows, oldest first.
    pub(crate) fn decide(&self, due: &[Due], setting: Setting<'_>, now: Instant) -> Decision {
        let holds: Vec<_> = due
            .iter()
            .filter_map(|row| Some((row.id, hold(row, setting)?)))
            .collect();
        if !holds.is_empty() {
            return Decision::Hold(holds);
        }
        // What is held back for now is left alone.
        let due = due
            .iter()
            .filter(|row| row.held.is_none() || setting.held.is_none());
        let (apart, together): (Vec<&Due>, Vec<&Due>) =
            due.partition(|row| row.priority == Priority::Urgent && row.held.is_none());
        let urgent = recent(&self.urgent, now);
        if let Some(first) = apart.first()
            && urgent < URGENT_BURST
        {
            return Decision::One(first.id);
        }
        let held: Vec<&Due> = together
            .iter()
            .copied()
            .filter(|r| r.held.is_some())
            .collect();
        if let Some(about) = held.first().and_then(|row| about_held(row)) {
            return self.digest(about, &held, now);
        }
        let together: Vec<&Due> = apart.into_iter().chain(together).collect();
        let Some(first) = together.first() else {
            return Decision::Nothing;
        };
        if let Some(catch_up) = self.catch_up
            && now < catch_up.until
        {
            return Decision::Later(catch_up.until);
        }
        if together.len() + recent(&self.told, now) > BURST {
            let about = match self.catch_up {
                Some(_) => About::Missed,
                None => About::New,
            };
            return self.digest(about, &together, now);
        }
        Decision::One(first.id)
    }

    /// One was raised.
    pub(crate) fn raised_one(&mut self, urgent: bool, now: Instant) {
        remember(&mut self.told, 1, now);
        if urgent {
            remember(&mut self.urgent, 1, now);
        }
        self.catch_up.take_if(|catch_up| now >= catch_up.most);
    }

    /// A digest was raised.
    pub(crate) fn raised_digest(&mut self, digest: Digest, now: Instant) {
        // What waited is told in one, and is no burst: what comes next is told as it comes.
        let came_now = match digest.about {
            About::New => digest.adds.len(),
            About::Missed | About::Paused | About::Quiet => 1,
        };
        remember(&mut self.told, came_now, now);
        self.digest = Some(digest);
        self.digest_at = Some(now);
        self.catch_up.take_if(|catch_up| now >= catch_up.until);
    }

    /// The digest is not on the screen any more: the next one begins anew.
    pub(crate) fn digest_gone(&mut self) {
        self.digest = None;
    }

    /// These were read or deleted. True if the digest tells of nothing any more.
    pub(crate) fn read(&mut self, ids: &[MessageId]) -> bool {
        let Some(digest) = &mut self.digest else {
            return false;
        };
        for id in ids {
            if digest.ids.remove(id) {
                digest.count -= 1;
            }
        }
        digest.newest.retain(|named| !ids.contains(&named.id));
        let empty = digest.count == 0;
        if empty {
            self.digest = None;
        }
        empty
    }

    fn digest(&self, about: About, rows: &[&Due], now: Instant) -> Decision {
        if let Some(at) = self.digest_at
            && self.digest.is_some()
            && now < at + PACE
        {
            return Decision::Later(at + PACE);
        }
        let adds: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
        let mut digest = Digest {
            about,
            count: rows.len(),
            newest: rows
                .iter()
                .rev()
                .take(NAMED)
                .map(|row| named(row))
                .collect(),
            urgent: rows.iter().any(|row| row.priority == Priority::Urgent),
            ids: adds.iter().copied().take(KNOWN).collect(),
            adds,
        };
        if let Some(standing) = &self.digest {
            digest.count += standing.count;
            digest.urgent |= standing.urgent;
            digest.newest.extend(standing.newest.iter().cloned());
            digest.newest.truncate(NAMED);
            let room = KNOWN.saturating_sub(digest.ids.len());
            digest.ids.extend(standing.ids.iter().take(room));
            digest.about = match (standing.about, about) {
                (standing, new) if standing == new => new,
                // A burst right after belongs to what was missed, for whoever looks.
                (About::Missed, About::New) => About::Missed,
                _ => About::New,
            };
        }
        Decision::Digest(digest)
    }
}

/// Why this row is not to be raised, where that is not known yet.
fn hold(row: &Due, setting: Setting<'_>) -> Option<Held> {
    if row.expires_at.is_some_and(|at| at <= setting.wall) {
        return Some(Held::Expired);
    }
    if row.held.is_some() {
        return None;
    }
    if quiet::mutes(setting.rules, &row.sender, row.group.as_deref(), &row.tags) {
        return Some(Held::Muted);
    }
    let passes = setting.rules.urgent_passes && row.priority == Priority::Urgent;
    setting.held.filter(|_| !passes)
}

fn about_held(row: &Due) -> Option<About> {
    Some(match row.held? {
        Held::Paused => About::Paused,
        Held::Hours | Held::Desktop | Held::Muted | Held::Expired => About::Quiet,
    })
}

fn named(row: &Due) -> Named {
    Named {
        id: row.id,
        sender: text::line(&row.sender),
        title: text::line(&row.title),
    }
}

fn recent(times: &VecDeque<Instant>, now: Instant) -> usize {
    times.iter().filter(|at| now < **at + SPAN).count()
}

/// Keeps no more times than any measure needs.
fn remember(times: &mut VecDeque<Instant>, count: usize, now: Instant) {
    for _ in 0..count.min(URGENT_BURST) {
        if times.len() == URGENT_BURST {
            times.pop_front();
        }
        times.push_back(now);
    }
}

#[cfg(test)]
mod tests;
