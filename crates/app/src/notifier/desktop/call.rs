//! The calls to the notification service, as the specification has them, and what their failures mean.

use std::collections::HashMap;

use zbus::zvariant::Value;

use super::{OBJECT, SERVICE};
use crate::notifier::{Notice, REPLY, RaiseError, Stays};
use crate::types::Priority;

/// Shown as the sender.
const APP_NAME: &str = "Tidings";

/// The icon of the theme, and the desktop file's name without its ending: desktops take settings
/// and icon from it.
const DESKTOP_ENTRY: &str = "tidings";

/// What kind of event it is, by the specification's categories.
const CATEGORY: &str = "im.received";

/// KDE's name of the ability to show a field for an answer, and of the action that is one.
const INLINE_REPLY: &str = "inline-reply";

/// What the service can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    /// The service's own name on the bus: numbers that another one gave mean nothing to it.
    pub(super) owner: String,
    /// It reads the body as markup.
    pub(super) markup: bool,
    /// It shows buttons.
    pub(super) actions: bool,
    /// It plays sounds.
    pub(super) sound: bool,
    /// It shows a field for an answer (KDE's extension of the specification).
    pub(super) inline_reply: bool,
}

pub(super) async fn abilities(bus: &zbus::Connection) -> zbus::Result<Abilities> {
    let answer = bus
        .call_method(Some(SERVICE), OBJECT, Some(SERVICE), "GetCapabilities", &())
        .await?;
    let owner = answer.header().sender().map(ToString::to_string);
    let listed = answer.body().deserialize::<Vec<String>>()?;
    let has = |name: &str| listed.iter().any(|ability| ability == name);
    Ok(Abilities {
        owner: owner.unwrap_or_default(),
        markup: has("body-markup"),
        actions: has("actions"),
        sound: has("sound"),
        inline_reply: has(INLINE_REPLY),
    })
}

/// Raises it; gives its number, and the name of the service that gave the number.
pub(super) async fn notify(
    bus: &zbus::Connection,
    notice: &Notice,
    abilities: &Abilities,
    replaces: u32,
) -> zbus::Result<(u32, String)> {
    let body = if abilities.markup {
        escape(&notice.body)
    } else {
        notice.body.clone()
    };
    let answer = bus
        .call_method(
            Some(SERVICE),
            OBJECT,
            Some(SERVICE),
            "Notify",
            &(
                APP_NAME,
                replaces,
                notice.icon.as_deref().unwrap_or(DESKTOP_ENTRY),
                // The summary is never markup.
                &notice.title,
                body,
                actions(notice, abilities),
                hints(notice, abilities),
                milliseconds(notice.stays),
            ),
        )
        .await?;
    let owner = answer.header().sender().map(ToString::to_string);
    let id = answer.body().deserialize()?;
    Ok((id, owner.unwrap_or_default()))
}

/// Takes it off the screen. That it is gone already is no fault.
pub(super) async fn close(bus: &zbus::Connection, id: u32) {
    let closed = bus
        .call_method(
            Some(SERVICE),
            OBJECT,
            Some(SERVICE),
            "CloseNotification",
            &id,
        )
        .await;
    if let Err(error) = closed {
        tracing::debug!(%error, "notification not closed");
    }
}

fn actions(notice: &Notice, abilities: &Abilities) -> Vec<String> {
    // Some services take clicks and show no buttons; the click is not theirs to refuse.
    let mut actions = vec!["default".to_owned(), notice.open.to_owned()];
    if abilities.actions {
        for button in &notice.buttons {
            let key = if abilities.inline_reply && button.key == REPLY {
                INLINE_REPLY
            } else {
                &button.key
            };
            actions.push(key.to_owned());
            actions.push(button.label.clone());
        }
    }
    actions
}

fn hints<'a>(notice: &'a Notice, abilities: &Abilities) -> HashMap<&'static str, Value<'a>> {
    let mut hints = HashMap::from([
        ("desktop-entry", Value::from(DESKTOP_ENTRY)),
        ("category", Value::from(CATEGORY)),
        ("urgency", Value::from(urgency(notice.priority))),
        // Some desktops group by process where the connection does not say whose it is.
        ("sender-pid", Value::from(i64::from(std::process::id()))),
    ]);
    if notice.priority == Priority::Min {
        // Not worth a place in the desktop's own history; it is in the inbox.
        hints.insert("transient", Value::from(true));
    }
    match &notice.sound {
        Some(name) if abilities.sound => hints.insert("sound-name", Value::from(name.as_str())),
        Some(_) => None,
        None => hints.insert("suppress-sound", Value::from(true)),
    };
    hints
}

fn urgency(priority: Priority) -> u8 {
    match priority {
        Priority::Min | Priority::Low => 0,
        Priority::Default | Priority::High => 1,
        Priority::Urgent => 2,
    }
}

fn milliseconds(stays: Stays) -> i32 {
    match stays {
        Stays::AsUsual => -1,
        Stays::For(time) => i32::try_from(time.as_millis()).unwrap_or(i32::MAX),
        Stays::UntilClosed => 0,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Tells the failures apart by the bus's own names of errors.
pub(super) fn fault(error: &zbus::Error) -> RaiseError {
    let zbus::Error::MethodError(name, words, _) = error else {
        // It never got as far as a service, or the service's bus went away.
        return RaiseError::Absent;
    };
    match name.as_str().rsplit('.').next().unwrap_or_default() {
        "NoReply" | "Timeout" | "TimedOut" => RaiseError::Silent,
        "ServiceUnknown" | "NameHasNoOwner" | "Disconnected" => RaiseError::Absent,
        _ if name.contains(".Error.Spawn.") => RaiseError::Absent,
        _ => RaiseError::Refused(words.clone().unwrap_or_else(|| name.to_string())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::notifier::{Button, Slot};

    pub(in super::super) fn notice() -> Notice {
        Notice {
            slot: Slot::Message(7),
            message: Some(7),
            title: "a < b".into(),
            body: "<b>1 & 2</b>".into(),
            priority: Priority::Urgent,
            sound: Some("dialog-warning".into()),
            icon: None,
            stays: Stays::UntilClosed,
            open: "打开",
            buttons: vec![
                Button {
                    key: "reply".into(),
                    label: "回复".into(),
                },
                Button {
                    key: "read".into(),
                    label: "标为已读".into(),
                },
            ],
        }
    }

    #[test]
    fn the_body_is_escaped_as_markup() {
        assert_eq!(escape("<b>1 & 2</b>"), "&lt;b&gt;1 &amp; 2&lt;/b&gt;");
    }

    #[test]
    fn buttons_are_for_services_that_show_some() {
        let all = Abilities {
            actions: true,
            ..Abilities::default()
        };
        assert_eq!(
            actions(&notice(), &all),
            ["default", "打开", "reply", "回复", "read", "标为已读"]
        );
        let with_field = Abilities {
            inline_reply: true,
            ..all
        };
        assert_eq!(
            actions(&notice(), &with_field)[2..4],
            ["inline-reply", "回复"]
        );
        assert_eq!(
            actions(&notice(), &Abilities::default()),
            ["default", "打开"]
        );
    }

    #[test]
    fn hints_say_how_much_it_matters_and_how_it_sounds() {
        let sounds = Abilities {
            sound: true,
            ..Abilities::default()
        };
        let loud = notice();
        let hints_of_loud = hints(&loud, &sounds);
        assert_eq!(hints_of_loud["urgency"], Value::from(2_u8));
        assert_eq!(hints_of_loud["sound-name"], Value::from("dialog-warning"));
        assert!(!hints_of_loud.contains_key("transient"));
        let silent = Notice {
            sound: None,
            priority: Priority::Min,
            ..notice()
        };
        let hints_of_silent = hints(&silent, &sounds);
        assert_eq!(hints_of_silent["suppress-sound"], Value::from(true));
        assert_eq!(hints_of_silent["transient"], Value::from(true));
        assert!(!hints(&loud, &Abilities::default()).contains_key("sound-name"));
    }

    #[test]
    fn times_are_the_specifications() {
        assert_eq!(milliseconds(Stays::AsUsual), -1);
        assert_eq!(milliseconds(Stays::UntilClosed), 0);
        assert_eq!(milliseconds(Stays::For(Duration::from_secs(4))), 4000);
    }
}
