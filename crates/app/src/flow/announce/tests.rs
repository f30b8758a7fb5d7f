//! Bursts, absences, quiet times and mutes, as decisions.

use proptest::prelude::*;

use super::*;
use crate::types::Mute;

fn row(id: MessageId) -> Due {
    Due {
        id,
        sender: "ann".into(),
        group: None,
        title: format!("title {id}"),
        priority: Priority::Default,
        tags: Vec::new(),
        held: None,
        expires_at: None,
    }
}

fn urgent(id: MessageId) -> Due {
    Due {
        priority: Priority::Urgent,
        ..row(id)
    }
}

fn held(id: MessageId, why: Held) -> Due {
    Due {
        held: Some(why),
        ..row(id)
    }
}

fn rows(ids: std::ops::RangeInclusive<u64>) -> Vec<Due> {
    ids.map(row).collect()
}

/// An announcer, its clock, and the desktop that does what it decides.
struct Story {
    announcer: Announcer,
    rules: Notifications,
    held: Option<Held>,
    now: Instant,
}

impl Story {
    fn new() -> Self {
        Self {
            announcer: Announcer::default(),
            rules: Notifications::default(),
            held: None,
            now: Instant::now(),
        }
    }

    fn decide(&self, due: &[Due]) -> Decision {
        let setting = Setting {
            rules: &self.rules,
            held: self.held,
            wall: 1000,
        };
        self.announcer.decide(due, setting, self.now)
    }

    /// Decides, and has it done; gives what was raised, by title of the digest or number.
    fn tell(&mut self, due: &mut Vec<Due>) -> String {
        match self.decide(due) {
            Decision::One(id) => {
                let urgent = due
                    .iter()
                    .any(|r| r.id == id && r.priority == Priority::Urgent);
                due.retain(|row| row.id != id);
                self.announcer.raised_one(urgent, self.now);
                id.to_string()
            }
            Decision::Digest(digest) => {
                due.retain(|row| !digest.adds.contains(&row.id));
                let told = format!("{:?} {}", digest.about, digest.count);
                self.announcer.raised_digest(digest, self.now);
                told
            }
            Decision::Later(at) => {
                self.now = at;
                "later".into()
            }
            other => format!("{other:?}"),
        }
    }

    fn tell_all(&mut self, mut due: Vec<Due>) -> Vec<String> {
        let mut told = Vec::new();
        while !due.is_empty() && told.len() < 100 {
            told.push(self.tell(&mut due));
        }
        told
    }
}

#[test]
fn five_in_ten_seconds_are_told_one_by_one_and_the_sixth_begins_a_digest() {
    let mut story = Story::new();
    for id in 1..=5 {
        assert_eq!(story.tell_all(vec![row(id)]), [id.to_string()]);
    }
    assert_eq!(story.tell_all(vec![row(6)]), ["New 1"]);
    // Not every message is a new state of it.
    assert_eq!(story.tell_all(rows(7..=9)), ["later", "New 4"]);
    // Ten quiet seconds later a message is one again.
    story.now += SPAN;
    assert_eq!(story.tell_all(vec![row(10)]), ["10"]);
}

#[test]
fn many_at_once_are_one_digest_that_names_the_newest() {
    let story = Story::new();
    let Decision::Digest(digest) = story.decide(&rows(1..=40)) else {
        panic!("a digest")
    };
    assert_eq!((digest.about, digest.count), (About::New, 40));
    let titles: Vec<_> = digest
        .newest
        .iter()
        .map(|named| named.title.as_str())
        .collect();
    assert_eq!(
        titles,
        ["title 40", "title 39", "title 38", "title 37", "title 36"]
    );
}

#[test]
fn a_digest_that_was_closed_begins_anew_and_one_that_was_read_is_taken_down() {
    let mut story = Story::new();
    assert_eq!(story.tell_all(rows(1..=6)), ["New 6"]);
    story.now += PACE;
    story.announcer.digest_gone();
    assert_eq!(story.tell_all(rows(7..=8)), ["New 2"]);
    story.now += PACE;
    assert!(!story.announcer.read(&[7]));
    assert_eq!(story.tell_all(rows(9..=9)), ["New 2"]);
    assert!(story.announcer.read(&[8, 9, 1000]));
}

#[test]
fn urgent_ones_are_told_apart_first_and_together_only_when_they_are_a_flood() {
    let mut story = Story::new();
    let mut due = rows(1..=10);
    due.push(urgent(11));
    assert_eq!(story.tell_all(due), ["11", "New 10"]);
    story.now += SPAN;
    let many: Vec<_> = (20..=39).map(urgent).collect();
    let told = story.tell_all(many);
    assert_eq!(told.len(), URGENT_BURST + 1, "{told:?}");
    assert_eq!(
        told[URGENT_BURST], "New 20",
        "with the digest that still stands"
    );
}

#[test]
fn what_was_missed_is_waited_for_and_told_in_one() {
    let mut story = Story::new();
    story.announcer.back(story.now);
    let mut due = rows(1..=3);
    assert_eq!(story.decide(&due), Decision::Later(story.now + CATCH_UP));
    due.push(urgent(4));
    assert_eq!(story.decide(&due), Decision::One(4), "not the urgent ones");
    story.announcer.raised_one(true, story.now);
    due.pop();
    // The relay is still sending.
    story.now += CATCH_UP - Duration::from_millis(1);
    story.announcer.came(story.now);
    due.extend(rows(5..=40));
    assert_eq!(
        story.decide(&due),
        Decision::Later(story.now + CATCH_UP_MORE)
    );
    story.now += CATCH_UP_MORE;
    assert_eq!(story.tell_all(due), ["Missed 39"]);
    // What comes next is told as it comes; many more right after belong to what was missed.
    story.now += PACE;
    assert_eq!(story.tell_all(rows(41..=41)), ["41"]);
    assert_eq!(story.tell_all(rows(42..=47)), ["Missed 45"]);
}

#[test]
fn what_comes_before_and_after_a_sleep_waits_for_the_lines_to_be_tested() {
    let mut story = Story::new();
    story.announcer.away(FALLING_ASLEEP, story.now);
    story.now += Duration::from_secs(2);
    let mut due = rows(1..=3);
    assert!(matches!(story.decide(&due), Decision::Later(_)));
    // The clock of the computer's running stood still meanwhile.
    story.announcer.away(WAKING, story.now);
    assert_eq!(story.decide(&due), Decision::Later(story.now + WAKING));
    story.now += Duration::from_secs(6);
    story.announcer.back(story.now);
    due.extend(rows(4..=40));
    assert_eq!(story.decide(&due), Decision::Later(story.now + CATCH_UP));
    story.now += CATCH_UP;
    assert_eq!(story.tell_all(due), ["Missed 40"]);
}

#[test]
fn where_no_network_comes_up_after_a_sleep_waiting_has_an_end() {
    let mut story = Story::new();
    story.announcer.away(WAKING, story.now);
    assert_eq!(story.tell_all(rows(1..=2)), ["later", "1", "2"]);
    assert_eq!(story.tell_all(rows(3..=3)), ["3"]);
}

#[test]
fn a_few_that_were_missed_are_told_one_by_one_and_waiting_for_more_has_an_end() {
    let mut story = Story::new();
    story.announcer.back(story.now);
    assert_eq!(story.tell_all(rows(1..=3)), ["later", "1", "2", "3"]);
    story.announcer.back(story.now);
    let end = story.now + CATCH_UP_MOST;
    for _ in 0..100 {
        if let Decision::Later(until) = story.decide(&rows(4..=5)) {
            assert!(until <= end, "it ends");
            story.now = until - Duration::from_millis(1);
            story.announcer.came(story.now);
            story.now += Duration::from_millis(1);
        }
    }
    assert_eq!(story.now, end);
}

#[test]
fn in_quiet_times_nothing_is_told_and_afterwards_all_in_one() {
    let mut story = Story::new();
    story.held = Some(Held::Paused);
    let due = vec![row(1), urgent(2)];
    assert_eq!(
        story.decide(&due),
        Decision::Hold(vec![(1, Held::Paused), (2, Held::Paused)])
    );
    assert_eq!(story.decide(&[held(1, Held::Paused)]), Decision::Nothing);
    story.held = None;
    // One is told so too: it was not to be a popup.
    let due = vec![held(1, Held::Paused), row(3)];
    assert_eq!(story.tell_all(due), ["Paused 1", "3"]);
    story.now += PACE;
    story.announcer.digest_gone();
    assert_eq!(story.tell_all(vec![held(4, Held::Hours)]), ["Quiet 1"]);
}

#[test]
fn urgent_ones_pass_if_the_person_says_so() {
    let mut story = Story::new();
    story.held = Some(Held::Hours);
    story.rules.urgent_passes = true;
    let due = vec![row(1), urgent(2)];
    assert_eq!(story.decide(&due), Decision::Hold(vec![(1, Held::Hours)]));
    let due = vec![held(1, Held::Hours), urgent(2)];
    assert_eq!(story.decide(&due), Decision::One(2));
}

#[test]
fn what_is_muted_or_expired_is_never_told() {
    let mut story = Story::new();
    story.rules.mutes = vec![Mute::Tag("spam".into())];
    story.rules.urgent_passes = true;
    let spam = Due {
        tags: vec!["spam".into()],
        ..urgent(1)
    };
    let expired = Due {
        expires_at: Some(1000),
        ..held(2, Held::Paused)
    };
    assert_eq!(
        story.decide(&[spam, expired, row(3)]),
        Decision::Hold(vec![(1, Held::Muted), (2, Held::Expired)])
    );
}

proptest! {
    #[test]
    fn all_are_told_once_and_never_more_than_a_few_popups_at_a_time(
        batches in prop::collection::vec((1..30_u64, 0..15_000_u64, any::<bool>()), 1..20)
    ) {
        let mut story = Story::new();
        let mut next = 1;
        let mut popups = Vec::new();
        let mut told = BTreeSet::new();
        for (count, pause, back) in batches {
            story.now += Duration::from_millis(pause);
            if back {
                story.announcer.back(story.now);
            }
            let mut due = rows(next..=next + count - 1);
            next += count;
            let mut steps = 0;
            while !due.is_empty() {
                steps += 1;
                prop_assert!(steps < 100);
                let before: BTreeSet<_> = due.iter().map(|row| row.id).collect();
                let words = story.tell(&mut due);
                let after: BTreeSet<_> = due.iter().map(|row| row.id).collect();
                for id in before.difference(&after) {
                    prop_assert!(told.insert(*id), "told twice");
                }
                if words.parse::<u64>().is_ok() {
                    popups.push(story.now);
                }
            }
        }
        prop_assert_eq!(told.len() as u64, next - 1);
        for window in popups.windows(BURST + 1) {
            prop_assert!(window[BURST] >= window[0] + SPAN, "more than {} popups", BURST);
        }
    }
}
