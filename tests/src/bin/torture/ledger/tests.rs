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

    fn socket(&mut self) -> SocketId {
        let now = self.later();
        self.ledger.socket(1, now)
    }

    /// The confirmation of `mid` was read on a socket.
    fn read(&mut self, on: SocketId, mid: u64) {
        let (from, at) = (self.now, self.now + 1);
        self.ledger.proven(1, mid, Proof::Read { on, from, at });
    }

    fn deliver(&mut self, on: SocketId, id: Id, mid: u64) {
        self.ledger.delivered(on, id, mid, self.now);
    }

    fn wish(&mut self, to: To, wish: Wish) -> Id {
        let id = self.send(to);
        self.ledger.listens(id);
        self.ledger.wishes(id, wish);
        id
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
    let on = story.socket();
    let first = story.send(To::Group(1));
    story.accept(first, 10, "wait");
    let members = To::Group(1).recipients().count_ones();
    assert_eq!(story.ledger.counts.owed, u64::from(members));
    story.deliver(on, first, 10);
    // Neither an unknown outcome nor a refusal is a promise.
    let unknown = story.send(To::One(1));
    story.ledger.unknown(unknown, false);
    assert_eq!(story.found(), [u64::from(members) - 1, 0, 0, 0]);
    assert_eq!(story.ledger.counts.owed, u64::from(members) - 1);
}

#[test]
fn a_confirmation_that_is_known_to_be_kept_is_not_forgotten() {
    for by_receipt in [true, false] {
        let mut story = Story::new();
        let id = story.send(To::One(1));
        let on = story.socket();
        story.deliver(on, id, 10);
        // Sent again before it was confirmed: as it should be.
        story.deliver(on, id, 10);
        story.read(on, 10);
        let next = story.socket();
        if by_receipt {
            let now = story.later();
            story.ledger.told(id, 10, 1, now);
        }
        // Was under way already, or was read and not kept: nobody can know.
        story.deliver(next, id, 10);
        assert_eq!(story.found(), [0, 0, 0, 0]);
        assert_eq!(story.ledger.counts.again, u64::from(!by_receipt));
        if !by_receipt {
            story.accept(id, 10, "ok");
        }
        let last = story.socket();
        story.deliver(last, id, 10);
        assert_eq!(story.found(), [0, 1, 0, 0], "by receipt: {by_receipt}");
    }
}

#[test]
fn a_confirmed_message_does_not_come_again_on_its_socket() {
    let mut story = Story::new();
    let id = story.send(To::One(1));
    let on = story.socket();
    story.deliver(on, id, 10);
    story.read(on, 10);
    story.deliver(on, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 0]);
}

#[test]
fn a_full_disk_keeps_no_confirmation() {
    let mut story = Story::new();
    let id = story.send(To::One(1));
    let on = story.socket();
    story.deliver(on, id, 10);
    let now = story.later();
    story.ledger.disk(true, now);
    story.read(on, 10);
    story.deliver(on, id, 10);
    let now = story.later();
    story.ledger.disk(false, now);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    story.later();
    story.read(on, 10);
    story.deliver(on, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 0]);
}

#[test]
fn one_message_has_one_mid_and_one_mid_one_message() {
    let mut story = Story::new();
    let on = story.socket();
    let (first, second) = (story.send(To::One(1)), story.send(To::One(1)));
    story.deliver(on, first, 10);
    story.accept(first, 11, "wait");
    assert_eq!(story.found(), [0, 1, 0, 0]);
    story.deliver(on, second, 10);
    assert_eq!(story.found(), [0, 2, 0, 0]);
}

#[test]
fn first_deliveries_come_in_the_order_of_sending() {
    let mut story = Story::new();
    let on = story.socket();
    let ids: Vec<_> = (0..3).map(|_| story.send(To::One(1))).collect();
    for (id, mid) in ids.iter().zip([10, 12, 11]) {
        story.deliver(on, *id, mid);
    }
    assert_eq!(story.found(), [0, 0, 0, 0]);
    let ids: Vec<_> = (0..3).map(|_| story.send(To::One(1))).collect();
    for (id, mid) in ids.iter().zip([20, 21, 22]).rev() {
        story.deliver(on, *id, mid);
        story.deliver(on, *id, mid);
    }
    assert_eq!(story.found(), [0, 0, 2, 0]);
}

#[test]
fn what_was_refused_and_tried_again_is_late_only_until_its_outcome() {
    let mut story = Story::new();
    let on = story.socket();
    let now = story.later();
    story.ledger.disk(true, now);
    let (refused, second) = (story.send(To::One(1)), story.send(To::One(1)));
    story.accept(refused, 9, "no");
    story.deliver(on, second, 10);
    let now = story.later();
    story.ledger.disk(false, now);
    story.ledger.tried_again(refused, now);
    story.accept(refused, 11, "wait");
    let third = story.send(To::One(1));
    story.deliver(on, refused, 11);
    story.deliver(on, third, 12);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    // The third was sent with the outcome of the first known.
    let mut story = Story::new();
    let on = story.socket();
    let late = story.send(To::One(1));
    story.ledger.unknown(late, true);
    story.accept(late, 20, "wait");
    let next = story.send(To::One(1));
    story.deliver(on, next, 21);
    story.deliver(on, late, 20);
    assert_eq!(story.found(), [0, 0, 1, 0]);
}

#[test]
fn a_refused_message_does_not_come_and_the_relay_forgets_nobody() {
    let mut story = Story::new();
    let on = story.socket();
    let now = story.later();
    story.ledger.disk(true, now);
    let id = story.send(To::One(1));
    story.accept(id, 10, "no");
    assert_eq!(story.found(), [0, 0, 0, 0]);
    story.deliver(on, id, 10);
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

#[test]
fn what_is_held_comes_when_it_is_due_and_not_after_it_was_taken_back() {
    let held = Wish {
        delay: Some(3 * LATER),
        ..Wish::default()
    };
    let mut story = Story::new();
    let on = story.socket();
    let first = story.wish(To::One(1), held);
    let second = story.wish(To::One(1), Wish::default());
    story.accept(first, 10, "held");
    // Its place is by its due time.
    story.deliver(on, second, 11);
    story.later();
    story.deliver(on, first, 10);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    let early = story.wish(To::One(1), held);
    story.later();
    story.deliver(on, early, 12);
    assert_eq!(story.found(), [0, 0, 0, 1]);

    let mut story = Story::new();
    let on = story.socket();
    let gone = story.wish(To::Group(1), held);
    story.accept(gone, 10, "held");
    story.ledger.cancelled(gone);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    assert_eq!(story.ledger.counts.owed, 0);
    story.later();
    story.later();
    story.deliver(on, gone, 10);
    assert_eq!(story.found(), [0, 0, 0, 1]);
}

#[test]
fn a_message_makes_way_only_for_a_later_one_of_its_key_and_not_behind_it() {
    let keyed = |key| Wish {
        key: Some(key),
        ..Wish::default()
    };
    let mut story = Story::new();
    let on = story.socket();
    let first = story.wish(To::One(1), keyed(1));
    story.accept(first, 10, "wait");
    // Of another key, and to somebody else.
    story.wish(To::One(1), keyed(2));
    story.wish(To::One(2), keyed(1));
    story.ledger.superseded(first, 1);
    assert_eq!(story.found(), [0, 0, 0, 1]);
    let later = story.wish(To::Group(1), keyed(1));
    story.ledger.superseded(first, 1);
    assert_eq!(story.found(), [0, 0, 0, 1]);
    assert_eq!(story.ledger.counts.owed, 0);
    story.deliver(on, later, 13);
    story.deliver(on, first, 10);
    // Odd, and in the wrong order.
    assert_eq!(story.found(), [0, 0, 1, 2]);
}

#[test]
fn an_acknowledgement_that_was_taken_is_told_and_ends_the_reminders() {
    let ack = Wish {
        ack: true,
        ..Wish::default()
    };
    let mut story = Story::new();
    let on = story.socket();
    let id = story.wish(To::One(1), ack);
    story.deliver(on, id, 10);
    story.ledger.reminded(on, id, 10);
    story.ledger.reports(1, id);
    let now = story.later();
    story.ledger.acknowledged(1, 10, now);
    assert_eq!(story.ledger.untold().count, 1);
    story.ledger.heard(id, 10, 1);
    assert_eq!(story.ledger.untold().count, 0);
    // It was under way.
    story.ledger.reminded(on, id, 10);
    assert_eq!(story.found(), [0, 0, 0, 0]);
    let next = story.socket();
    story.ledger.reminded(next, id, 10);
    assert_eq!(story.found(), [0, 0, 0, 1]);
    // A report confirms.
    story.deliver(next, id, 10);
    assert_eq!(story.found(), [0, 1, 0, 1]);
}
