//! Whether another client uses the same name. Owns the evidence; what to do about it is the
//! machine's.
//!
//! Two clients of one name throw each other out in turn, as the newest always wins. Our relay closes
//! the older socket with [`close::TAKEN_OVER`]. That is certain, unless the newer socket may have
//! been this session's own, given up while its AUTH was under way ([`GHOST`]). The reference closes
//! without a code, as a proxy or an orderly shutdown may too. So that counts only as a hint: two in
//! a row, each within [`QUICK`] of AUTH 200, mean a rival.
//!
//! Invariants: one hint is never a rival; each AUTH that was given up excuses one takeover at most.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tidings_protocol::close;

/// A close without a code this soon after AUTH 200 hints at a rival: deployed clients reconnect 3 s
/// after a close, and a back-off may double that a few times.
pub(crate) const QUICK: Duration = Duration::from_secs(30);

/// Hints in a row that make a rival.
const HINTS: u32 = 2;

/// How long an AUTH that was given up unanswered may still reach the relay, and take over the name
/// for a socket that nobody holds any more: systems retransmit for about 15 minutes.
pub(crate) const GHOST: Duration = Duration::from_secs(900);

/// More of them than this are not told apart from a rival.
const GHOSTS: usize = 8;

/// What a close says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing about others.
    Nobody,
    /// There seems to be a rival.
    Suspected,
    /// There is one.
    Certain,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Rival {
    hints: u32,
    /// AUTHs given up unanswered, newest last.
    ghosts: VecDeque<Instant>,
}

impl Rival {
    /// The peer closed a connection that was online since then, or was not yet.
    pub(crate) fn closed(
        &mut self,
        code: Option<u16>,
        online_since: Option<Instant>,
        now: Instant,
    ) -> Verdict {
        if code == Some(close::TAKEN_OVER) {
            self.ghosts.retain(|given_up| now < *given_up + GHOST);
            return match self.ghosts.pop_front() {
                Some(_) => Verdict::Nobody,
                None => Verdict::Certain,
            };
        }
        let Some(since) = online_since else {
            return Verdict::Nobody;
        };
        // 1000 is what libraries make of a close without a code.
        let hint = matches!(code, None | Some(1000)) && now < since + QUICK;
        self.hints = if hint { self.hints + 1 } else { 0 };
        if self.hints >= HINTS {
            Verdict::Suspected
        } else {
            Verdict::Nobody
        }
    }

    /// A connection was given up before its AUTH was answered.
    pub(crate) fn auth_given_up(&mut self, now: Instant) {
        if self.ghosts.len() == GHOSTS {
            self.ghosts.pop_front();
        }
        self.ghosts.push_back(now);
    }

    /// A connection that was online since then has ended, for whatever reason.
    pub(crate) fn ended(&mut self, since: Instant, now: Instant) {
        if now >= since + QUICK {
            self.hints = 0;
        }
    }

    /// The person knows better.
    pub(crate) fn forget(&mut self) {
        self.hints = 0;
    }
}
