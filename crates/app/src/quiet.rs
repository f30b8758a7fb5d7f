//! When notifications are held back, and whose are never raised. Pure: the local time is an input.
//!
//! Owns the order of the reasons (the pause, the quiet hours, the desktop's own do-not-disturb) and
//! when the answer may change next. What is held back is in the inbox and in the count all the same;
//! how it is told afterwards is `flow`'s.

use std::time::Duration;

use crate::types::{Held, Mute, Notifications, QuietHours};
use crate::words::Wrong;

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;

/// Hours and mutes that are kept at most: far more than a person keeps in mind.
pub(crate) const RULES: usize = 100;

/// Characters of a muted name at most; names on the wire are shorter.
const NAME_CHARS: usize = 500;

/// A moment, by the calendar and the clock of this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    /// Milliseconds since 1970 (UTC).
    pub(crate) wall: u64,
    /// 1 is Monday, 7 Sunday.
    pub(crate) day: u8,
    /// Minutes after midnight.
    pub(crate) minute: u16,
    /// Seconds of that minute.
    pub(crate) second: u8,
}

impl Local {
    fn minute_of_week(self) -> u32 {
        (u32::from(self.day.clamp(1, 7)) - 1) * DAY + u32::from(self.minute)
    }
}

/// Why notifications are held back now; none while they are not.
pub(crate) fn held(
    rules: &Notifications,
    paused_until: Option<u64>,
    desktop: bool,
    now: Local,
) -> Option<Held> {
    if paused_until.is_some_and(|until| now.wall < until) {
        return Some(Held::Paused);
    }
    if spans(rules).any(|(from, length)| (now.minute_of_week() + WEEK - from) % WEEK < length) {
        return Some(Held::Hours);
    }
    (desktop && rules.follow_desktop).then_some(Held::Desktop)
}

/// When that may change by the clock alone; none if it cannot. A change of the clock itself (summer
/// time) is seen late by that much at worst, as the answer is asked for with each message too.
pub(crate) fn changes_in(
    rules: &Notifications,
    paused_until: Option<u64>,
    now: Local,
) -> Option<Duration> {
    let pause = paused_until
        .filter(|until| now.wall < *until)
        .map(|until| Duration::from_millis(until - now.wall));
    let week = now.minute_of_week();
    let edge = spans(rules)
        .flat_map(|(from, length)| [from, from + length])
        .map(|edge| (edge + WEEK - week) % WEEK)
        // The edge of this very minute has passed already.
        .map(|minutes| if minutes == 0 { WEEK } else { minutes })
        .min()
        .map(|minutes| {
            Duration::from_secs(u64::from(minutes) * 60)
                .saturating_sub(Duration::from_secs(u64::from(now.second)))
        });
    [pause, edge].into_iter().flatten().min()
}

/// Whether messages of that sender, group or with one of those tags are never raised.
pub(crate) fn mutes(
    rules: &Notifications,
    sender: &str,
    group: Option<&str>,
    tags: &[String],
) -> bool {
    rules.mutes.iter().any(|mute| match mute {
        Mute::Sender(name) => name == sender,
        Mute::Group(name) => group == Some(name),
        Mute::Tag(name) => tags.contains(name),
    })
}

/// What is wrong with rules that a face sent, for people.
pub(crate) fn check(rules: &Notifications) -> Result<(), Wrong> {
    if rules.hours.len() > RULES || rules.mutes.len() > RULES {
        return Err(Wrong::TooManyRules(RULES));
    }
    for QuietHours { days, from, to } in &rules.hours {
        if days.is_empty() || days.iter().any(|day| !(1..=7).contains(day)) {
            return Err(Wrong::QuietDays);
        }
        if u32::from(*from) >= DAY || u32::from(*to) >= DAY {
            return Err(Wrong::QuietTimes);
        }
    }
    let long = rules.mutes.iter().any(|mute| {
        let (Mute::Sender(name) | Mute::Group(name) | Mute::Tag(name)) = mute;
        name.chars().count() > NAME_CHARS
    });
    if long {
        return Err(Wrong::MutedName(NAME_CHARS));
    }
    Ok(())
}

/// Beginning (in minutes of the week) and length of all quiet hours. Where they end when they began,
/// they last a day.
fn spans(rules: &Notifications) -> impl Iterator<Item = (u32, u32)> + '_ {
    rules.hours.iter().flat_map(|hours| {
        let (from, to) = (u32::from(hours.from) % DAY, u32::from(hours.to) % DAY);
        let length = if to > from {
            to - from
        } else {
            to + DAY - from
        };
        hours
            .days
            .iter()
            .filter(|day| (1..=7).contains(*day))
            .map(move |day| ((u32::from(*day) - 1) * DAY + from, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MONDAY: u8 = 1;
    const SUNDAY: u8 = 7;

    fn at(day: u8, hour: u16, minute: u16) -> Local {
        Local {
            wall: 1_000_000,
            day,
            minute: hour * 60 + minute,
            second: 0,
        }
    }

    fn hours(days: &[u8], from: u16, to: u16) -> Notifications {
        Notifications {
            hours: vec![QuietHours {
                days: days.to_vec(),
                from,
                to,
            }],
            ..Notifications::default()
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let rules = hours(&[SUNDAY], 22 * 60, 7 * 60);
        let quiet = |now| held(&rules, None, false, now) == Some(Held::Hours);
        for (now, expected) in [
            (at(SUNDAY, 21, 59), false),
            (at(SUNDAY, 22, 0), true),
            (at(SUNDAY, 23, 59), true),
            (at(MONDAY, 0, 0), true),
            (at(MONDAY, 6, 59), true),
            (at(MONDAY, 7, 0), false),
            (at(MONDAY, 23, 0), false),
            (at(SUNDAY, 3, 0), false),
        ] {
            assert_eq!(quiet(now), expected, "{now:?}");
        }
        let day = hours(&[MONDAY], 0, 0);
        assert_eq!(
            held(&day, None, false, at(MONDAY, 23, 59)),
            Some(Held::Hours)
        );
        assert_eq!(held(&day, None, false, at(2, 0, 0)), None);
    }

    #[test]
    fn the_pause_comes_first_and_the_desktop_last_and_only_if_followed() {
        let rules = hours(&[MONDAY], 0, 0);
        let now = at(MONDAY, 12, 0);
        assert_eq!(
            held(&rules, Some(now.wall + 1), true, now),
            Some(Held::Paused)
        );
        assert_eq!(held(&rules, Some(now.wall), true, now), Some(Held::Hours));
        assert_eq!(held(&rules, None, true, at(2, 12, 0)), Some(Held::Desktop));
        let alone = Notifications {
            follow_desktop: false,
            ..Notifications::default()
        };
        assert_eq!(held(&alone, None, true, now), None);
    }

    #[test]
    fn the_next_change_is_the_nearest_edge_or_the_end_of_the_pause() {
        let rules = hours(&[MONDAY], 22 * 60, 7 * 60);
        let mut now = at(MONDAY, 21, 0);
        now.second = 30;
        let hour = Duration::from_secs(3600);
        assert_eq!(
            changes_in(&rules, None, now),
            Some(hour - Duration::from_secs(30))
        );
        assert_eq!(changes_in(&rules, None, at(MONDAY, 22, 0)), Some(9 * hour));
        let pause = Some(now.wall + 1500);
        assert_eq!(
            changes_in(&rules, pause, now),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            changes_in(&Notifications::default(), Some(now.wall), now),
            None
        );
    }

    #[test]
    fn a_sender_a_group_and_a_tag_can_be_muted() {
        let rules = Notifications {
            mutes: vec![
                Mute::Sender("ci".into()),
                Mute::Group("ops".into()),
                Mute::Tag("spam".into()),
            ],
            ..Notifications::default()
        };
        let tags = |tag: &str| vec![tag.to_owned()];
        assert!(mutes(&rules, "ci", None, &[]));
        assert!(mutes(&rules, "ann", Some("ops"), &[]));
        assert!(mutes(&rules, "ann", None, &tags("spam")));
        assert!(!mutes(&rules, "ops", Some("ci"), &tags("ci")));
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        assert_eq!(check(&hours(&[1, 7], 0, 1439)), Ok(()));
        for wrong in [hours(&[], 0, 1), hours(&[8], 0, 1), hours(&[1], 1440, 1)] {
            assert!(check(&wrong).is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_changes_before_it_is_said_to(
            days in prop::collection::vec(1..=7_u8, 1..3), from in 0..1440_u16, to in 0..1440_u16,
            day in 1..=7_u8, minute in 0..1440_u16, step in 0..10_080_u32,
        ) {
            let rules = hours(&days, from, to);
            let now = Local { wall: 0, day, minute, second: 0 };
            let change = changes_in(&rules, None, now).unwrap().as_secs() / 60;
            let later = (now.minute_of_week() + step) % WEEK;
            let then = Local {
                wall: 0,
                day: u8::try_from(later / DAY).unwrap() + 1,
                minute: u16::try_from(later % DAY).unwrap(),
                second: 0,
            };
            if u64::from(step) < change {
                prop_assert_eq!(held(&rules, None, false, now), held(&rules, None, false, then));
            }
        }
    }
}
