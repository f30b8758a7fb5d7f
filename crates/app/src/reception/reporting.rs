//! What the relays are told of messages that came by them: that they were acknowledged and, where the
//! person allows it, that they were read or their notifications closed.
//!
//! Owns when a report is told; the reports are the inbox's. Invariants: a report is told once on a
//! connection and again on the next one, until the relay has answered it; none is told to a relay that
//! does not list `receipts`; at most [`WINDOW`] are told and not answered.

use tidings_protocol::client::Packet;
use tidings_protocol::{Change, Feature, Features, Reported};

use super::Reception;
use crate::clock;
use crate::inbox::Waiting;
use crate::types::{MessageId, RelayId};

/// Reports told and not answered, at most: far from what the session's queue holds, and more than a
/// person can make while one is answered.
const WINDOW: u32 = 64;

/// How far a relay was told, on the connection that is there.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// It takes reports.
    listed: bool,
    /// More may wait.
    more: bool,
    /// The number of the last one told.
    told: u64,
    /// Told and not answered.
    open: u32,
}

impl Reports {
    /// There is another connection, with these extensions in play.
    pub(super) fn online(&mut self, common: Features) {
        let listed = common.has(Feature::Receipts);
        *self = Self {
            listed,
            more: listed,
            ..Self::default()
        };
    }

    /// There is none.
    pub(super) fn offline(&mut self) {
        *self = Self::default();
    }

    /// Another report waits.
    pub(super) fn queued(&mut self) {
        self.more = self.listed;
    }

    /// Behind which number reports are to be told now, and how many.
    fn wanted(&self) -> Option<(u64, u32)> {
        let room = WINDOW.saturating_sub(self.open);
        (self.more && room > 0).then_some((self.told, room))
    }

    /// These were told, of so many that were wanted.
    fn told(&mut self, wanted: u32, waiting: &[Waiting]) {
        let told = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        self.more = told >= wanted;
        self.open = self.open.saturating_add(told);
        if let Some(last) = waiting.last() {
            self.told = last.number;
        }
    }

    /// One was answered.
    fn answered(&mut self) {
        self.open = self.open.saturating_sub(1);
    }
}

impl Reception {
    /// Tells the relays what waits for them.
    pub(super) async fn report_waiting(&mut self) {
        for relay in self.members.ids() {
            while let Some((after, limit)) =
                self.members.get(&relay).and_then(|m| m.reports.wanted())
            {
                let Some(member) = self.members.get(&relay) else {
                    break;
                };
                let key = member.key.clone();
                let waiting = self.parts.inbox.reports(key, after, limit).await;
                // Asked again once the disk is well.
                let waiting = self.disk(waiting).unwrap_or_default();
                let Some(member) = self.members.get(&relay) else {
                    break;
                };
                member.reports.told(limit, &waiting);
                if let Some(line) = &member.line {
                    for Waiting { report, .. } in waiting {
                        line.handle.say(Packet::Report(report));
                    }
                }
            }
        }
    }

    /// The relay has a report: it is not told again.
    pub(super) async fn report_taken(&mut self, relay: &RelayId, change: Change) {
        let Some(member) = self.members.get(relay) else {
            return;
        };
        member.reports.answered();
        let key = member.key.clone();
        let (mid, state) = (change.mid.to_string(), change.state.as_str().to_owned());
        let reported = self.parts.inbox.reported(key, mid, state).await;
        self.disk(reported);
    }

    /// Has it told that these were read or closed, where the person allows that.
    pub(super) async fn report(&mut self, ids: Vec<MessageId>, state: Reported) {
        if self.parts.settings.borrow().read_receipts {
            let kept = self.parts.inbox.report(ids, state, clock::now()).await;
            self.disk(kept);
            self.members.queued();
        }
    }

    /// Drops what need not be told any more: it is too old, or the person does not allow it now.
    pub(super) async fn sweep_reports(&mut self) {
        let allowed = self.parts.settings.borrow().read_receipts;
        let dropped = self.parts.inbox.drop_reports(!allowed, clock::now()).await;
        self.disk(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::{Mid, Report};

    fn waiting(numbers: std::ops::RangeInclusive<u64>) -> Vec<Waiting> {
        let report = |number: u64| Waiting {
            number,
            report: Report {
                mid: Mid::new(number.to_string()).unwrap(),
                state: Reported::Read,
                note: None,
            },
        };
        numbers.map(report).collect()
    }

    #[test]
    fn reports_go_a_window_at_a_time_and_again_on_the_next_connection() {
        let mut reports = Reports::default();
        reports.queued();
        assert_eq!(reports.wanted(), None, "there is no connection");
        reports.online(Features::of(&["ref", "receipts"]));
        assert_eq!(reports.wanted(), Some((0, WINDOW)));
        reports.told(WINDOW, &waiting(1..=64));
        assert_eq!(reports.wanted(), None, "none was answered");
        reports.answered();
        assert_eq!(reports.wanted(), Some((64, 1)));
        reports.told(1, &[]);
        reports.answered();
        assert_eq!(reports.wanted(), None, "nothing waits");
        reports.queued();
        assert_eq!(reports.wanted(), Some((64, 2)));
        reports.offline();
        assert_eq!(reports.wanted(), None);
        reports.online(Features::of(&["receipts"]));
        assert_eq!(
            reports.wanted(),
            Some((0, WINDOW)),
            "the unanswered ones too"
        );
    }

    #[test]
    fn a_relay_that_takes_none_is_told_none() {
        let mut reports = Reports::default();
        reports.online(Features::of(&["ref"]));
        reports.queued();
        assert_eq!(reports.wanted(), None);
    }
}
