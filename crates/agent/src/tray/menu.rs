//! The tray's menu: what it says, and what a click on each of its lines means. Pure, but for
//! [`built`], which makes the library's menu of it.
//!
//! Invariant: a line's id says all that a click needs, so a click on a menu that was just replaced
//! still does what the person read.

use tidings_control::{Connection, MessageId, Pause, RelayId, Row};
use tray_icon::menu::{IsMenuItem, Menu, MenuId, MenuItem, PredefinedMenuItem, Submenu};

use super::Shown;
use crate::texts::Texts;

/// Messages that the menu lists.
pub(crate) const RECENT: u32 = 5;

/// Characters of a title and of a sender: a menu is as wide as its longest line.
const TITLE: usize = 40;
const SENDER: usize = 20;

/// Characters of a relay's label.
const LABEL: usize = 30;

/// Relays that the menu lists; the window shows the others.
const RELAYS: usize = 10;

/// What the person wants of the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Click {
    Inbox,
    Compose,
    Host,
    Settings,
    /// Connect to this relay now, or show what is to be done about it.
    Relay(RelayId),
    Message(MessageId),
    /// Hold notifications back, or not any longer.
    Pause(Pause),
    Quit,
}

const INBOX: &str = "inbox";
const COMPOSE: &str = "compose";
const HOST: &str = "host";
const SETTINGS: &str = "settings";
const QUIT: &str = "quit";
const RELAY: &str = "relay/";
const MESSAGE: &str = "message/";

const PAUSES: [(&str, Pause); 4] = [
    ("pause-off", Pause::Off),
    ("pause-30", Pause::Minutes(30)),
    ("pause-60", Pause::Minutes(60)),
    ("pause-tomorrow", Pause::Tomorrow),
];

impl Click {
    /// What a click on the line of this id means.
    pub(crate) fn on(id: &str) -> Option<Self> {
        Some(match id {
            INBOX => Self::Inbox,
            COMPOSE => Self::Compose,
            HOST => Self::Host,
            SETTINGS => Self::Settings,
            QUIT => Self::Quit,
            _ => {
                if let Some(relay) = id.strip_prefix(RELAY) {
                    Self::Relay(RelayId::new(relay))
                } else if let Some(message) = id.strip_prefix(MESSAGE) {
                    Self::Message(message.parse().ok()?)
                } else {
                    let (_, pause) = PAUSES.iter().find(|(pause, _)| *pause == id)?;
                    Self::Pause(*pause)
                }
            }
        })
    }
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Entry { id: String, label: String },
    Menu { label: String, lines: Vec<Line> },
    Separator,
}

fn entry(id: impl Into<String>, label: impl Into<String>) -> Line {
    Line::Entry {
        id: id.into(),
        label: label.into(),
    }
}

/// What the menu says, from top to bottom.
pub(crate) fn lines(shown: &Shown) -> Vec<Line> {
    let texts = shown.texts;
    let mut lines = Vec::new();
    for relay in shown.status.relays.iter().take(RELAYS) {
        let label = short(&relay.label, LABEL);
        lines.push(entry(
            format!("{RELAY}{}", relay.id),
            texts.relay_line(&label, &relay.connection),
        ));
    }
    parted(&mut lines);
    lines.extend(shown.recent.iter().map(|row| {
        let id = format!("{MESSAGE}{}", row.id);
        entry(id, message(row, texts))
    }));
    parted(&mut lines);
    lines.extend([
        entry(INBOX, texts.inbox()),
        entry(COMPOSE, texts.compose()),
        entry(HOST, texts.host()),
        entry(SETTINGS, texts.settings()),
        Line::Separator,
        pauses(shown),
        Line::Separator,
        entry(QUIT, texts.quit()),
    ]);
    lines
}

fn parted(lines: &mut Vec<Line>) {
    if !matches!(lines.last(), None | Some(Line::Separator)) {
        lines.push(Line::Separator);
    }
}

/// How long notifications may be paused; while they are, first that they need not be any longer.
fn pauses(shown: &Shown) -> Line {
    let paused = shown.status.quiet.paused_until.is_some();
    let offered = PAUSES
        .iter()
        .filter(|(_, pause)| paused || *pause != Pause::Off);
    Line::Menu {
        label: shown.texts.pause(paused).to_owned(),
        lines: offered
            .map(|(id, pause)| entry(*id, shown.texts.pause_for(*pause)))
            .collect(),
    }
}

/// A message's title and sender.
fn message(row: &Row, texts: Texts) -> String {
    let title = [&row.title, &row.preview]
        .into_iter()
        .map(|text| short(text, TITLE))
        .find(|text| !text.is_empty());
    let title = title.unwrap_or_else(|| texts.untitled().to_owned());
    let sender = short(&row.sender, SENDER);
    if sender.is_empty() {
        title
    } else {
        texts.from(&title, &sender)
    }
}

/// One line without control characters, as a sender may have put some in.
fn short(text: &str, chars: usize) -> String {
    tidings_app::short_line(text, chars)
}

/// The library's menu. What it refuses is left out.
pub(crate) fn built(lines: &[Line]) -> Menu {
    let menu = Menu::new();
    for line in lines {
        append(line, &|item| menu.append(item));
    }
    menu
}

fn append(line: &Line, to: &dyn Fn(&dyn IsMenuItem) -> tray_icon::menu::Result<()>) {
    let appended = match line {
        Line::Separator => to(&PredefinedMenuItem::separator()),
        Line::Entry { id, label } => to(&MenuItem::with_id(
            MenuId::new(id),
            unmarked(label),
            true,
            None,
        )),
        Line::Menu { label, lines } => {
            let below = Submenu::new(unmarked(label), true);
            for line in lines {
                append(line, &|item| below.append(item));
            }
            to(&below)
        }
    };
    if let Err(error) = appended {
        tracing::warn!(%error, "the tray's menu lacks a line");
    }
}

/// An ampersand marks an access key; two are one.
fn unmarked(label: &str) -> String {
    label.replace('&', "&&")
}

/// Whether a click on a relay's line connects at once; else it opens the relay's page.
pub(crate) fn connects(connection: &Connection) -> bool {
    matches!(connection, Connection::Offline { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_control::{Color, Priority, Quiet, RelayState, SecretPlace, Status, Tongue};

    fn relay(id: &str, connection: Connection) -> RelayState {
        RelayState {
            id: RelayId::new(id),
            label: id.to_uppercase(),
            color: Color::Blue,
            address: format!("wss://{id}/"),
            hosted: false,
            name: "desk".into(),
            group: String::new(),
            connection,
            secret: SecretPlace::Keyring,
            pinned: None,
            extensions: Vec::new(),
        }
    }

    fn row(id: MessageId, title: &str, sender: &str) -> Row {
        Row {
            id,
            sender: sender.into(),
            group: None,
            title: title.into(),
            preview: String::new(),
            received_at: 0,
            read: false,
            priority: Priority::Default,
            link: false,
            tags: Vec::new(),
            held: None,
            superseded: false,
            acknowledgement: None,
            relay: RelayId::new("home"),
        }
    }

    fn shown(relays: Vec<RelayState>, recent: Vec<Row>) -> Shown {
        let status = Status {
            version: String::new(),
            relays,
            hosted: None,
            unread: 0,
            quiet: Quiet::default(),
            problems: Vec::new(),
        };
        Shown {
            recent,
            ..Shown::nothing(status, Tongue::English)
        }
    }

    fn entries(lines: &[Line]) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for line in lines {
            match line {
                Line::Entry { id, label } => all.push((id.clone(), label.clone())),
                Line::Menu { lines, .. } => all.extend(entries(lines)),
                Line::Separator => {}
            }
        }
        all
    }

    #[test]
    fn relays_and_messages_stand_first_and_each_line_means_something() {
        let offline = Connection::Offline {
            since: 0,
            reason: tidings_control::Words::foreign("gone"),
            retry_at: 0,
        };
        let relays = vec![
            relay("home", Connection::Connected { since: 0 }),
            relay("work", offline),
        ];
        let long = "x".repeat(200);
        let recent = vec![row(7, "Backup\n\u{202e}done", "ci"), row(8, &long, "")];
        let lines = lines(&shown(relays, recent));
        let entries = entries(&lines);
        let labels: Vec<&str> = entries.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels[0], "HOME: connected");
        assert_eq!(labels[1], "WORK: offline (connect now)");
        assert_eq!(labels[2], "Backup done — ci");
        assert!(labels[3].chars().count() <= TITLE, "{}", labels[3]);
        assert_eq!(labels[4], "Inbox");
        assert_eq!(labels.last(), Some(&"Quit"));
        for (id, label) in &entries {
            assert!(Click::on(id).is_some(), "{label}");
        }
        assert_eq!(
            Click::on("relay/work"),
            Some(Click::Relay(RelayId::new("work")))
        );
        assert_eq!(Click::on("message/7"), Some(Click::Message(7)));
        assert_eq!(Click::on("message/x"), None);
        assert_eq!(Click::on("nothing"), None);
    }

    #[test]
    fn without_relays_and_messages_it_begins_with_the_inbox() {
        let lines = lines(&shown(Vec::new(), Vec::new()));
        assert_eq!(lines.first(), Some(&entry(INBOX, "Inbox")));
    }

    #[test]
    fn an_ampersand_of_a_sender_is_no_access_key() {
        assert_eq!(unmarked("you & me"), "you && me");
    }
}
