//! What the ledger finds, and what it must not take for a finding.

use super::*;

/// A time beyond every interval.
const LATER: At = 10_000_000;

struct Story {
    ledger: Ledger,
    now: At,
}

impl Story {
    fn new() -> Self {
        let ledger = Ledger::default();
        Self { ledger, now: 0 }
    }

    fn later(&mut self) -> At {
        self.now += LATER;
        self.now
    }

    fn send(&mut self, to: To) -> Id {
        let now = self.later();
        self.ledger.sent(0, to, now)
    }

    fn accept(&mut self, id: Id, mid: u64, status: &str) {
        let now = self.later();
        let to = self.ledger.message(id).unwrap().to;
        let statuses = members(to.recipients()).map(|r| (r, status.to_owned()));
        self.ledger
            .answered(id, mid, &statuses.collect::<Vec<_>>(), now);
    }

    fn socket(&mut self, life: Life) -> SocketId {
        let now = self.later();
        self.ledger.socket(1, life, now)
    }

    /// The confirmation of `mid` was read on a socket.
    fn read(&mut self, on: SocketId, mid: u64) {
        let (from, at) = (self.now, self.now + 1);
        self.ledger.proven(1, mid, Proof::Read { on, from, at });
    }

    fn kill(&mut self, life: Life, after: At) {
        self.now += after;
        self.ledger.killed(life, self.now);
    }

    /// Lost, repeated, reordered, odd.
    fn found(&self) -> [u64; 4] {
        [
            self.ledger.lost().count,
            self.ledger.repeated.count,
            self.ledger.reordered().count,
            self.ledger.odd.count,
        ]
    }
}

#[test]
fn what_was_accepted_and_did_not_come_is_lost_for_each_recipient() {
    let mut story = Story::new();
    let on = story.socket(1);
    let first = story.send(To::Group(1));
    story.accept(first, 10, "wait");
    let members = To::Group(1).recipients().count_ones();
    assert_eq!(story.ledger.counts.owed, u64::from(members));
    story.ledger.delivered(on, first, 10);
    // Neither an unknown outcome nor a refusal is a promise.
    let unknown = story.send(To::One(1));
    story.ledger.unknown(unknown, false);
    assert_eq!(story.found(), [u64::from(members) - 1, 0, 0, 0]);
    assert_eq!(story.ledger.counts.owed, u64::from(members) - 1);
}

#[test]
fn a_confirmation_read_long_before_the_kill_is_not_forgotten() {
    for (after, repeated) in [(LATER, 1), (10, 0)] {
        let mut story = Story::new();
        let id = story.send(To::One(1));
        let on = story.socket(1);
        story.ledger.delivered(on, id, 10);
        // Sent again before it was confirmed: as it should be.
        story.ledger.delivered(on, id, 10);
        story.read(on, 10);
        story.kill(1, after);
        let next = story.socket(2);
        story.ledger.delivered(next, id, 10);
        assert_eq!(
            story.found(),
            [0, repeated, 0, 0],
            "killed after {after} us"
        );
        // If the confirmation was lost, the next one counts.
        story.read(next, 10);
        story.kill(2, LATER);
        let last = story.socket(3);
        story.ledger.delivered(last, id, 10);
        assert_eq!(story.found(), [0, repeated + 1, 0, 0]);
    }
}

#[test]
fn a_confirmed_message_does_not_come_again_on_its_socket_nor_a_later_one() {
    let mut story = Story::new();
    let id = story.send(To::One(1));
    let on = story.socket(1);
    story.ledger.delivered(on, id, 10);
    story.read(on, 10);
    story.ledger.delivered(on, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 0]);
    let second = story.socket(1);
    story.ledger.delivered(second, id, 10);
    assert_eq!(story.found(), [0, 2, 0, 0]);
}

#[test]
fn a_takeover_at_once_may_repeat_what_was_just_confirmed() {
    let mut story = Story::new();
    let id = story.send(To::One(1));
    let (first, second) = (story.socket(1), story.socket(1));
    story.ledger.delivered(first, id, 10);
    story.read(first, 10);
    story.ledger.delivered(second, id, 10);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    // But the relay had it, long before it was killed.
    story.kill(1, LATER);
    let third = story.socket(2);
    story.ledger.delivered(third, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 0]);
}

#[test]
fn ok_is_final_from_the_next_socket_on() {
    let mut story = Story::new();
    let id = story.send(To::One(1));
    let (on, taking_over) = (story.socket(1), story.socket(1));
    story.ledger.delivered(on, id, 10);
    story.accept(id, 10, "ok");
    // Was under way already.
    story.ledger.delivered(taking_over, id, 10);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    story.kill(1, 1);
    let next = story.socket(2);
    story.ledger.delivered(next, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 0]);
}

#[test]
fn a_full_disk_keeps_no_confirmation() {
    let mut story = Story::new();
    let id = story.send(To::One(1));
    let on = story.socket(1);
    story.ledger.delivered(on, id, 10);
    let now = story.later();
    story.ledger.disk(true, now);
    story.read(on, 10);
    story.ledger.delivered(on, id, 10);
    let now = story.later();
    story.ledger.disk(false, now);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    story.later();
    story.read(on, 10);
    story.kill(1, LATER);
    let next = story.socket(2);
    story.ledger.delivered(next, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 0]);
}

#[test]
fn one_message_has_one_mid_and_one_mid_one_message() {
    let mut story = Story::new();
    let on = story.socket(1);
    let (first, second) = (story.send(To::One(1)), story.send(To::One(1)));
    story.ledger.delivered(on, first, 10);
    story.accept(first, 11, "wait");
    assert_eq!(story.found(), [0, 1, 0, 0]);
    story.ledger.delivered(on, second, 10);
    assert_eq!(story.found(), [0, 2, 0, 0]);
}

#[test]
fn first_deliveries_come_in_the_order_of_sending() {
    let mut story = Story::new();
    let on = story.socket(1);
    let ids: Vec<_> = (0..3).map(|_| story.send(To::One(1))).collect();
    for (id, mid) in ids.iter().zip([10, 12, 11]) {
        story.ledger.delivered(on, *id, mid);
    }
    assert_eq!(story.found(), [0, 0, 0, 0]);
    let ids: Vec<_> = (0..3).map(|_| story.send(To::One(1))).collect();
    for (id, mid) in ids.iter().zip([20, 21, 22]).rev() {
        story.ledger.delivered(on, *id, mid);
        story.ledger.delivered(on, *id, mid);
    }
    assert_eq!(story.found(), [0, 0, 2, 0]);
}

#[test]
fn what_was_refused_and_tried_again_is_late_only_until_its_outcome() {
    let mut story = Story::new();
    let on = story.socket(1);
    let now = story.later();
    story.ledger.disk(true, now);
    let (refused, second) = (story.send(To::One(1)), story.send(To::One(1)));
    story.accept(refused, 9, "no");
    story.ledger.delivered(on, second, 10);
    let now = story.later();
    story.ledger.disk(false, now);
    story.ledger.tried_again(refused, now);
    story.accept(refused, 11, "wait");
    let third = story.send(To::One(1));
    story.ledger.delivered(on, refused, 11);
    story.ledger.delivered(on, third, 12);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    // The third was sent with the outcome of the first known.
    let mut story = Story::new();
    let on = story.socket(1);
    let late = story.send(To::One(1));
    story.ledger.unknown(late, true);
    story.accept(late, 20, "wait");
    let next = story.send(To::One(1));
    story.ledger.delivered(on, next, 21);
    story.ledger.delivered(on, late, 20);
    assert_eq!(story.found(), [0, 0, 1, 0]);
}

#[test]
fn a_refused_message_does_not_come_and_the_relay_forgets_nobody() {
    let mut story = Story::new();
    let on = story.socket(1);
    let now = story.later();
    story.ledger.disk(true, now);
    let id = story.send(To::One(1));
    story.accept(id, 10, "no");
    assert_eq!(story.found(), [0, 0, 0, 0]);
    story.ledger.delivered(on, id, 10);
    assert_eq!(story.found(), [0, 0, 0, 1]);
    let now = story.later();
    story.ledger.disk(false, now);
    // Refused with room on the disk.
    let id = story.send(To::One(1));
    story.accept(id, 11, "no");
    assert_eq!(story.found(), [0, 0, 0, 2]);
    // A group's members that the reply does not name.
    let id = story.send(To::Group(1));
    let now = story.later();
    story
        .ledger
        .answered(id, 12, &[(1, "wait".to_owned())], now);
    assert_eq!(story.found()[3], 3);
}
