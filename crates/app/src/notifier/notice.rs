//! A message, or many, as a notification: what is in its lines, on its buttons, how it sounds and how
//! long it stays. Pure.
//!
//! Invariants: everything on it is plain text, cleaned and bounded; every link on it shows where it
//! leads; what it offers, the message view offers too.

use std::time::Duration;

use super::{Button, Notice, Slot, Stays, Words};
use crate::flow::{Digest, Named};
use crate::inbox::Unnotified;
use crate::types::{Deed, Offer, Priority};
use crate::{extra, text};

/// Buttons at most: some desktops show three, and cut the rest.
const BUTTONS: usize = 4;

/// The key of the button that opens the message. A click has one of its own, `default`, which not
/// every desktop delivers.
pub(crate) const OPEN: &str = "open";

/// The key of the button that marks it as read.
pub(crate) const READ: &str = "read";

/// The key of the button that acknowledges it.
pub(crate) const ACKNOWLEDGE: &str = "acknowledge";

/// The key of the button that answers it. Where the desktop takes text, it gives [`super::Fate::Replied`].
pub(crate) const REPLY: &str = "reply";

/// Before the place of an offer in a button's key.
const ACT: &str = "act:";

/// Quick notices leave sooner than others, important ones later.
const LOW_STAYS: Duration = Duration::from_secs(4);
const HIGH_STAYS: Duration = Duration::from_secs(20);

/// Names of the freedesktop.org sound naming specification.
const SOUND: &str = "message-new-instant";
const URGENT_SOUND: &str = "dialog-warning";

/// Characters of a button with a place or a code on it.
const LABEL_CHARS: usize = 40;

/// How notifications of the moment differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) words: Words,
    /// Whether sounds are allowed now.
    pub(crate) sounds: bool,
    /// Milliseconds since 1970.
    pub(crate) wall: u64,
}

/// The key of the button for that offer.
fn act_key(offer: usize) -> String {
    format!("{ACT}{offer}")
}

/// The offer whose button has this key.
pub(crate) fn acted(key: &str) -> Option<u32> {
    key.strip_prefix(ACT)?.parse().ok()
}

/// The notification of a message that is due one.
pub(crate) fn of_message(row: &Unnotified, manner: Manner) -> Notice {
    let value = serde_json::from_str(&row.extra).unwrap_or_default();
    let words = manner.words;
    let title = text::line(&row.title);
    let mut from = from(&row.sender, row.group.as_deref());
    if row.reminders > 0 {
        let parts = [from.as_str(), words.reminder()];
        from = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · ");
    }
    let said = if row.answers {
        text::answer(&row.body)
    } else {
        &row.body
    };
    let body = if extra::markdown(&value) {
        text::notification(said)
    } else {
        text::notification_of_text(said)
    };
    let offers = extra::offers(&value, row.link.as_deref(), &row.title, &row.body);
    let (title, lines) = if title.is_empty() {
        (from, body)
    } else {
        let parts = [from, body];
        let lines: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        (title, lines.join("\n"))
    };
    Notice {
        slot: match &row.key {
            Some(key) => Slot::Key(row.relay, row.sender.clone(), key.clone()),
            None => Slot::Message(row.id),
        },
        message: Some(row.id),
        title: if title.is_empty() {
            words.untitled().to_owned()
        } else {
            title
        },
        body: lines,
        priority: row.priority,
        sound: sound(row.priority, &extra::sound(&value)).filter(|_| manner.sounds),
        icon: extra::icon(&value),
        stays: stays(row.priority, row.expires_at, manner.wall),
        open: words.open(),
        buttons: buttons(row, &offers, words),
    }
}

/// The notification of a digest.
pub(crate) fn of_digest(digest: &Digest, manner: Manner) -> Notice {
    let words = manner.words;
    let mut lines: Vec<String> = digest
        .newest
        .iter()
        .map(
            |Named { sender, title, .. }| match (sender.is_empty(), title.is_empty()) {
                (true, true) => words.untitled().to_owned(),
                (true, false) => title.clone(),
                (false, true) => sender.clone(),
                (false, false) => format!("{sender}: {title}"),
            },
        )
        .collect();
    let more = digest.count.saturating_sub(lines.len());
    if more > 0 {
        lines.push(words.more(more));
    }
    let priority = if digest.urgent {
        Priority::Urgent
    } else {
        Priority::Default
    };
    Notice {
        slot: Slot::Digest,
        message: None,
        title: words.digest(digest.about, digest.count),
        body: lines.join("\n"),
        priority,
        sound: sound(priority, &extra::Sound::Fitting).filter(|_| manner.sounds),
        icon: None,
        stays: stays(priority, None, manner.wall),
        open: words.open(),
        buttons: vec![Button {
            key: OPEN.to_owned(),
            label: words.open().to_owned(),
        }],
    }
}

/// Who it is from and to whom, in a line: "ann", "ann · @office", "@office".
fn from(sender: &str, group: Option<&str>) -> String {
    let sender = text::line(sender);
    let group = group.map(text::line).filter(|group| !group.is_empty());
    match (sender.is_empty(), group) {
        (_, None) => sender,
        (true, Some(group)) => format!("@{group}"),
        (false, Some(group)) => format!("{sender} · @{group}"),
    }
}

fn sound(priority: Priority, wished: &extra::Sound) -> Option<String> {
    match (priority, wished) {
        (Priority::Min | Priority::Low, _) | (_, extra::Sound::Silent) => None,
        (_, extra::Sound::Named(name)) => Some(name.clone()),
        (Priority::Urgent, extra::Sound::Fitting) => Some(URGENT_SOUND.to_owned()),
        (_, extra::Sound::Fitting) => Some(SOUND.to_owned()),
    }
}

fn stays(priority: Priority, expires_at: Option<u64>, wall: u64) -> Stays {
    let usual = match priority {
        Priority::Min | Priority::Low => Stays::For(LOW_STAYS),
        Priority::Default => Stays::AsUsual,
        Priority::High => Stays::For(HIGH_STAYS),
        Priority::Urgent => Stays::UntilClosed,
    };
    let Some(left) = expires_at.map(|at| Duration::from_millis(at.saturating_sub(wall).max(1)))
    else {
        return usual;
    };
    match usual {
        Stays::For(usual) => Stays::For(usual.min(left)),
        // The desktop's own measure is some seconds; only less than that is worth saying.
        Stays::AsUsual if left < LOW_STAYS => Stays::For(left),
        Stays::AsUsual => Stays::AsUsual,
        Stays::UntilClosed => Stays::For(left),
    }
}

/// An acknowledgement that is asked for comes first; where the sender's own buttons leave no room for
/// all others, a click reads the message as well.
fn buttons(row: &Unnotified, offers: &[Offer], words: Words) -> Vec<Button> {
    let label = |offer: &Offer| {
        if !offer.label.is_empty() {
            return match &offer.does {
                // A sender's words must not hide where a link leads.
                Deed::Link { place, .. } | Deed::Call { place, .. } => {
                    format!("{} ({place})", offer.label)
                }
                Deed::Copy { .. } => offer.label.clone(),
            };
        }
        match &offer.does {
            Deed::Link { place, .. } => words.open_place(place),
            Deed::Copy { text, code: true } => words.copy_code(text),
            Deed::Copy { .. } => words.copy().to_owned(),
            Deed::Call { place, .. } => words.call(place),
        }
    };
    let button = |key: &str, label: &str| Button {
        key: key.to_owned(),
        label: label.to_owned(),
    };
    let mut buttons = Vec::new();
    if row.wanted {
        buttons.push(button(ACKNOWLEDGE, words.acknowledge()));
    }
    let room = (BUTTONS - 1).saturating_sub(buttons.len());
    let offered = offers.iter().enumerate().take(room);
    buttons.extend(
        offered.map(|(place, offer)| {
            button(&act_key(place), &text::short(&label(offer), LABEL_CHARS))
        }),
    );
    if !row.sender.is_empty() {
        buttons.push(button(REPLY, words.reply()));
    }
    buttons.push(button(READ, words.mark_read()));
    buttons.push(button(OPEN, words.open()));
    buttons.truncate(BUTTONS);
    buttons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifier::words;
    use crate::types::Language;
    use serde_json::{Value, json};

    fn row(extra: Value) -> Unnotified {
        Unnotified {
            id: 7,
            sender: "ann".into(),
            group: Some("ops".into()),
            title: "Door".into(),
            body: "It is **open**".into(),
            priority: Priority::Default,
            relay: 1,
            key: None,
            link: None,
            extra: extra.to_string(),
            expires_at: None,
            reminders: 0,
            wanted: false,
            answers: false,
        }
    }

    fn manner() -> Manner {
        Manner {
            words: words(Language::English),
            sounds: true,
            wall: 1000,
        }
    }

    fn labels(notice: &Notice) -> Vec<&str> {
        notice.buttons.iter().map(|b| b.label.as_str()).collect()
    }

    #[test]
    fn sender_and_group_stand_above_the_text_or_in_place_of_the_title() {
        let notice = of_message(&row(json!({})), manner());
        assert_eq!(
            (notice.title.as_str(), notice.body.as_str()),
            ("Door", "ann · @ops\nIt is open")
        );
        assert_eq!(labels(&notice), ["Reply", "Mark read", "Open"]);
        let untitled = Unnotified {
            title: String::new(),
            ..row(json!({"markdown": false}))
        };
        let notice = of_message(&untitled, manner());
        assert_eq!(
            (notice.title.as_str(), notice.body.as_str()),
            ("ann · @ops", "It is **open**")
        );
        let nobody = Unnotified {
            sender: String::new(),
            group: None,
            ..untitled
        };
        assert_eq!(of_message(&nobody, manner()).title, "New message");
    }

    #[test]
    fn buttons_show_where_they_lead_and_are_few() {
        let extra = json!({"actions": [
            {"action": "view", "label": "Your bank", "url": "https://evil.example/"},
            {"action": "http", "label": "Close", "url": "http://door.lan/close"},
            {"action": "view", "label": "Third", "url": "https://e.example/"},
        ]});
        let with_link = Unnotified {
            link: Some("https://docs.example/x".into()),
            ..row(extra)
        };
        assert_eq!(
            labels(&of_message(&with_link, manner())),
            [
                "Open docs.example",
                "Your bank (evil.example)",
                "Close (door.lan)",
                "Reply"
            ]
        );
        let code = Unnotified {
            body: "Your code is 482913".into(),
            ..row(json!({}))
        };
        assert_eq!(
            labels(&of_message(&code, manner())),
            ["Copy 482913", "Reply", "Mark read", "Open"]
        );
    }

    #[test]
    fn what_is_to_be_acknowledged_has_its_button_first() {
        let wanted = Unnotified {
            wanted: true,
            link: Some("https://docs.example/x".into()),
            ..row(json!({}))
        };
        let notice = of_message(&wanted, manner());
        assert_eq!(
            labels(&notice),
            ["Acknowledge", "Open docs.example", "Reply", "Mark read"]
        );
        let nobody = Unnotified {
            sender: String::new(),
            link: None,
            ..wanted
        };
        let notice = of_message(&nobody, manner());
        assert_eq!(labels(&notice), ["Acknowledge", "Mark read", "Open"]);
    }

    #[test]
    fn a_reminder_says_so_and_an_answer_leaves_out_what_it_quotes() {
        let answer = Unnotified {
            body: "> **Door**\n> Open?\n\nNo, *closed*".into(),
            reminders: 2,
            answers: true,
            ..row(json!({}))
        };
        assert_eq!(
            of_message(&answer, manner()).body,
            "ann · @ops · Reminder\nNo, closed"
        );
    }

    #[test]
    fn urgency_sounds_and_stays_and_quick_notices_do_not() {
        for (priority, sound, stays) in [
            (Priority::Min, None, Stays::For(LOW_STAYS)),
            (Priority::Default, Some(SOUND), Stays::AsUsual),
            (Priority::High, Some(SOUND), Stays::For(HIGH_STAYS)),
            (Priority::Urgent, Some(URGENT_SOUND), Stays::UntilClosed),
        ] {
            let notice = of_message(
                &Unnotified {
                    priority,
                    ..row(json!({}))
                },
                manner(),
            );
            assert_eq!(
                (notice.sound.as_deref(), notice.stays),
                (sound, stays),
                "{priority:?}"
            );
        }
        let named = of_message(&row(json!({"sound": "phone-incoming-call"})), manner());
        assert_eq!(named.sound.as_deref(), Some("phone-incoming-call"));
        let quiet = Manner {
            sounds: false,
            ..manner()
        };
        assert_eq!(
            of_message(&row(json!({"sound": "phone-incoming-call"})), quiet).sound,
            None
        );
        let short = Unnotified {
            expires_at: Some(3000),
            ..row(json!({}))
        };
        assert_eq!(
            of_message(&short, manner()).stays,
            Stays::For(Duration::from_secs(2))
        );
    }

    #[test]
    fn a_key_has_a_place_of_its_own_per_sender_and_relay() {
        let keyed = Unnotified {
            key: Some("build".into()),
            ..row(json!({}))
        };
        let slot = of_message(&keyed, manner()).slot;
        assert_eq!(slot, Slot::Key(1, "ann".into(), "build".into()));
        assert_eq!(acted(&act_key(3)), Some(3));
        assert_eq!(acted("open"), None);
    }
}
