//! When a connected client is to be reminded of which message. Pure: no clock, no store.
//!
//! The store says since when and how often; the first one is due one period after the confirmation, and so on.
//! What was due while the client was away is left out, but counts. From there on the wall clock does not
//! matter: periods are counted by the clock that only runs forward.
//!
//! Invariants: one read is under way at most; each message has one time at which it is due next; no two
//! reminders of a message have the same number on a connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use crate::{mint::MidNumber, store::Nagging};

/// See the module.
#[derive(Debug, Default)]
pub struct Reminding {
    each: BTreeMap<MidNumber, Next>,
    due: BTreeSet<(Instant, MidNumber)>,
    reading: bool,
    /// Something changed while a read was under way.
    again: bool,
}

#[derive(Debug, Clone, Copy)]
struct Next {
    at: Instant,
    number: u64,
    every: Duration,
}

impl Reminding {
    /// There are others than there were; true if they are to be read now.
    pub fn look(&mut self) -> bool {
        self.again = self.reading;
        !std::mem::replace(&mut self.reading, true)
    }

    /// The read came back; true if another one is to follow.
    pub fn have(&mut self, all: &[Nagging], now_ms: u64, now: Instant) -> bool {
        let known = std::mem::take(&mut self.each);
        self.due.clear();
        for nagging in all.iter().filter(|nagging| nagging.repeat_ms > 0) {
            let next = known.get(&nagging.mid).copied();
            let next = next.unwrap_or_else(|| first(nagging, now_ms, now));
            self.each.insert(nagging.mid, next);
            self.due.insert((next.at, nagging.mid));
        }
        self.have_none()
    }

    /// The read failed; true if another one is to follow.
    pub fn have_none(&mut self) -> bool {
        self.reading = std::mem::take(&mut self.again);
        self.reading
    }

    /// Somebody has settled it.
    pub fn forget(&mut self, mid: MidNumber) {
        if let Some(next) = self.each.remove(&mid) {
            self.due.remove(&(next.at, mid));
        }
    }

    /// The message whose time has come the longest ago, with the reminder's number; it is due again a
    /// period later.
    pub fn next_due(&mut self, now: Instant) -> Option<(MidNumber, u64)> {
        let (at, mid) = *self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.pop_first();
        let next = self.each.get_mut(&mid)?;
        let number = next.number;
        // As often as it was missed it counts, and is said once.
        let missed = now.duration_since(at).as_nanos() / next.every.as_nanos().max(1);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        next.number += u64::from(missed) + 1;
        next.at = at + next.every * (missed + 1);
        self.due.insert((next.at, mid));
        Some((mid, number + u64::from(missed)))
    }

    /// When [`Self::next_due`] has something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}

/// When a client that has come now is reminded.
fn first(nagging: &Nagging, now_ms: u64, now: Instant) -> Next {
    // A clock that was set back makes it begin anew.
    let since = now_ms.saturating_sub(nagging.since_ms);
    let wait = nagging.repeat_ms - since % nagging.repeat_ms;
    Next {
        at: now + Duration::from_millis(wait),
        number: since / nagging.repeat_ms + 1,
        every: Duration::from_millis(nagging.repeat_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_414_000_000;

    fn mid(number: u64) -> MidNumber {
        MidNumber::new(NOW + number).unwrap()
    }

    fn nagging(number: u64, since: u64) -> Nagging {
        Nagging {
            mid: mid(number),
            since_ms: NOW - since,
            repeat_ms: 30_000,
        }
    }

    #[test]
    fn reminders_keep_their_rhythm_and_leave_out_what_was_missed() {
        let (mut reminding, start) = (Reminding::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        assert!(reminding.look());
        assert!(!reminding.have(&[nagging(1, 70_000), nagging(2, 0)], NOW, start));
        // The third one of it is due 90 s after the confirmation.
        assert_eq!(reminding.poll_timeout(), Some(at(20)));
        assert_eq!(reminding.next_due(at(19)), None);
        assert_eq!(reminding.next_due(at(20)), Some((mid(1), 3)));
        assert_eq!(reminding.next_due(at(20)), None);
        assert_eq!(reminding.next_due(at(30)), Some((mid(2), 1)));
        // The machine slept over two of them.
        assert_eq!(reminding.next_due(at(125)), Some((mid(1), 6)));
        assert_eq!(reminding.next_due(at(125)), Some((mid(2), 4)));
        assert_eq!(reminding.poll_timeout(), Some(at(140)));
        reminding.forget(mid(1));
        reminding.forget(mid(1));
        assert_eq!(reminding.poll_timeout(), Some(at(150)));
    }

    #[test]
    fn what_changes_during_a_read_is_read_again() {
        let (mut reminding, now) = (Reminding::default(), Instant::now());
        assert!(reminding.look());
        assert!(!reminding.look());
        assert!(reminding.have(&[nagging(1, 0)], NOW, now));
        // What is known keeps its time, what is gone is gone.
        let later = now + Duration::from_secs(10);
        assert!(!reminding.have(&[nagging(1, 0), nagging(2, 0)], NOW + 10_000, later));
        assert_eq!(
            reminding.poll_timeout(),
            Some(now + Duration::from_secs(30))
        );
        assert!(reminding.look());
        assert!(!reminding.have_none());
        assert!(reminding.look());
        reminding.have(&[], NOW, later);
        assert_eq!(reminding.poll_timeout(), None);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_hold_reminders_up() {
        let (mut reminding, now) = (Reminding::default(), Instant::now());
        let mut odd = nagging(1, 0);
        odd.since_ms = NOW + 86_400_000;
        reminding.look();
        reminding.have(&[odd], NOW, now);
        let at = now + Duration::from_secs(30);
        assert_eq!(reminding.next_due(at), Some((mid(1), 1)));
    }
}
