//! Verdicts on the desktop's services: notifications, do-not-disturb, tray, keyring.

use tidings_control::{Check, Detail, Held, Settings};

use super::{
    Collection, Daemon, Part, Remedy, Rest, Seen, Status, Subject, Verdict, check, clean, detail,
    unknown, with_problem, words,
};
use crate::types::SecretPlace;

/// What Tidings uses of a notification service, and what is lost without it.
const ABILITIES: &[(&str, &str, &str)] = &[
    (
        "body",
        "it shows titles only, not what messages say",
        "只显示标题，不显示正文",
    ),
    (
        "actions",
        "it shows no buttons: they are in the inbox",
        "不显示按钮：请在收件箱中操作",
    ),
    (
        "persistence",
        "it keeps no list of past notifications: the inbox does",
        "不保留历史通知：收件箱会保留",
    ),
    ("sound", "it plays no sounds", "不播放声音"),
];

pub(in super::super) fn notifications(seen: &Seen<Daemon>, status: Option<&Status>) -> Check {
    let title = words("Notifications", "通知");
    let made = |verdict, found| check(Subject::Notifications, title.clone(), verdict, found);
    match seen {
        Seen::Found(daemon) => with_problem(described(daemon, &made), status, Part::Notifications),
        Seen::Nothing => Check {
            advice: Some(words(
                "Start one: dunst, mako, or the desktop's own. What was missed is shown then.",
                "请启动一个通知服务：dunst、mako 或桌面自带的服务。届时会补显错过的通知。",
            )),
            ..made(
                Verdict::Fault,
                words(
                    "No notification service runs on this desktop, so messages arrive silently.",
                    "此桌面没有运行通知服务，消息会静默到达。",
                ),
            )
        },
        Seen::Elsewhere => with_problem(
            made(Verdict::Note, no_bus("Notifications", "通知")),
            status,
            Part::Notifications,
        ),
        seen => Check {
            advice: Some(words(
                "Restart it, or log out and in again. Messages are kept in the inbox meanwhile.",
                "请重启它，或注销后重新登录。在此期间消息保存在收件箱中。",
            )),
            ..made(
                Verdict::Fault,
                unknown(seen, "The notification service", "通知服务"),
            )
        },
    }
}

fn described(daemon: &Daemon, made: &impl Fn(Verdict, tidings_control::Words) -> Check) -> Check {
    let name = clean::said(&format!("{} {}", daemon.name, daemon.version));
    let lacks = ABILITIES
        .iter()
        .filter(|(ability, ..)| !daemon.abilities.iter().any(|has| has == ability));
    let (en, zh): (Vec<_>, Vec<_>) = lacks.map(|(_, en, zh)| (*en, *zh)).unzip();
    let body = daemon.abilities.iter().any(|has| has == "body");
    let shows = words(
        format!("{name} shows notifications."),
        format!("由 {name} 显示通知。"),
    );
    Check {
        advice: (!en.is_empty()).then(|| {
            words(
                format!("What it does not do: {}.", en.join("; ")),
                format!("它不支持：{}。", zh.join("；")),
            )
        }),
        details: vec![
            detail("Service", "服务", &daemon.name),
            detail("Version", "版本", &daemon.version),
            detail("Vendor", "开发者", &daemon.vendor),
            detail("Specification", "规范版本", &daemon.specification),
            detail("Capabilities", "功能", daemon.abilities.join(", ")),
        ],
        ..made(if body { Verdict::Good } else { Verdict::Note }, shows)
    }
}

pub(in super::super) fn quiet(
    seen: &Seen<Rest>,
    status: Option<&Status>,
    settings: Option<&Settings>,
) -> Check {
    let title = words("Do not disturb", "勿扰");
    let made = |verdict, found| check(Subject::Quiet, title.clone(), verdict, found);
    let details: Vec<Detail> = match seen {
        Seen::Found(Rest { by: Some(by), on }) => {
            let on = if *on { "on" } else { "off" };
            vec![detail(
                "The desktop's own",
                "桌面的勿扰",
                format!("{by}: {on}"),
            )]
        }
        _ => Vec::new(),
    };
    let held = status.and_then(|status| status.quiet.held);
    let found = match held {
        Some(Held::Paused) => Check {
            advice: Some(words(
                "Resume them when you want to see them again.",
                "想再次看到通知时，请恢复。",
            )),
            remedy: Some(Remedy::Resume),
            ..made(
                Verdict::Note,
                words("You have paused notifications.", "你已暂停通知。"),
            )
        },
        Some(Held::Hours) => made(
            Verdict::Note,
            words(
                "It is a time of your quiet hours: notifications are held back.",
                "现在是免打扰时段：通知暂不显示。",
            ),
        ),
        Some(Held::Desktop) => made(
            Verdict::Note,
            words(
                "The desktop asks not to be disturbed: notifications are held back.",
                "桌面处于勿扰状态：通知暂不显示。",
            ),
        ),
        _ => of_the_desktop(seen, settings, &made),
    };
    Check { details, ..found }
}

fn of_the_desktop(
    seen: &Seen<Rest>,
    settings: Option<&Settings>,
    made: &impl Fn(Verdict, tidings_control::Words) -> Check,
) -> Check {
    let followed = settings.is_none_or(|settings| settings.notifications.follow_desktop);
    match seen {
        Seen::Found(Rest {
            by: Some(_),
            on: true,
        }) if !followed => made(
            Verdict::Note,
            words(
                "The desktop asks not to be disturbed, and your settings say not to follow it.",
                "桌面处于勿扰状态，但你的设置是不跟随它。",
            ),
        ),
        Seen::Found(Rest {
            by: Some(_),
            on: true,
        }) => made(
            Verdict::Note,
            words(
                "The desktop asks not to be disturbed.",
                "桌面处于勿扰状态。",
            ),
        ),
        Seen::Found(Rest { by: Some(_), .. }) => made(
            Verdict::Good,
            words(
                "Nothing holds notifications back.",
                "没有任何设置阻止通知。",
            ),
        ),
        Seen::Silent | Seen::Failed(_) => made(
            Verdict::Warning,
            unknown(seen, "The desktop's do-not-disturb", "桌面的勿扰状态"),
        ),
        Seen::Found(_) | Seen::Nothing | Seen::Elsewhere => made(
            Verdict::Good,
            words(
                "Tidings holds nothing back. This desktop does not say whether it does; some, such as GNOME, hold notifications back by themselves.",
                "Tidings 没有阻止通知。此桌面不提供自身的勿扰状态；有些桌面（如 GNOME）会自行阻止通知。",
            ),
        ),
    }
}

pub(in super::super) fn tray(seen: &Seen<bool>, status: Option<&Status>) -> Check {
    let title = words("Tray", "托盘");
    let made = |verdict, found| check(Subject::Tray, title.clone(), verdict, found);
    match seen {
        Seen::Found(true) => with_problem(
            made(
                Verdict::Good,
                words("A panel shows tray icons.", "面板会显示托盘图标。"),
            ),
            status,
            Part::Tray,
        ),
        Seen::Found(false) => Check {
            advice: Some(words(
                "Add a tray to the panel. Until then, start Tidings again to see its window.",
                "请在面板上添加托盘。在此之前，再次启动 Tidings 可打开窗口。",
            )),
            ..made(
                Verdict::Warning,
                words(
                    "This desktop keeps tray icons, and no panel shows them.",
                    "此桌面会收集托盘图标，但没有面板显示它们。",
                ),
            )
        },
        Seen::Nothing => Check {
            advice: Some(words(
                "Start Tidings again to see its window. On GNOME the extension AppIndicator brings the tray.",
                "再次启动 Tidings 可打开窗口。在 GNOME 上，AppIndicator 扩展可提供托盘。",
            )),
            ..made(
                Verdict::Warning,
                words(
                    "This desktop shows no tray icons.",
                    "此桌面不显示托盘图标。",
                ),
            )
        },
        Seen::Elsewhere => with_problem(
            made(Verdict::Note, no_bus("The tray", "托盘")),
            status,
            Part::Tray,
        ),
        seen => Check {
            advice: Some(words(
                "Restart the panel, or log out and in again.",
                "请重启面板，或注销后重新登录。",
            )),
            ..made(Verdict::Warning, unknown(seen, "The tray", "托盘"))
        },
    }
}

pub(in super::super) fn secrets(seen: &Seen<Collection>, status: Option<&Status>) -> Check {
    let title = words("Keyring", "密钥环");
    let places = super::super::places(status);
    let unkept = places.contains(&SecretPlace::Memory);
    let in_file = places.contains(&SecretPlace::File);
    let made = |verdict, found| check(Subject::Secrets, title.clone(), verdict, found);
    // A keyring that is not there is no loss where the person chose a file.
    let bad = if in_file && !unkept {
        Verdict::Note
    } else {
        Verdict::Warning
    };
    let mut found = match seen {
        Seen::Found(Collection::Open) => with_problem(
            made(
                Verdict::Good,
                words("The keyring is there and unlocked.", "密钥环可用且已解锁。"),
            ),
            status,
            Part::Secrets,
        ),
        Seen::Found(Collection::Locked) => Check {
            advice: Some(words(
                "Unlock it with the desktop's password application, then reconnect.",
                "请用桌面的密码应用解锁，然后重新连接。",
            )),
            ..made(bad, words("The keyring is locked.", "密钥环已锁定。"))
        },
        Seen::Found(Collection::Missing) => Check {
            advice: Some(words(
                "Make a default keyring in the desktop's password application.",
                "请在桌面的密码应用中创建默认密钥环。",
            )),
            ..made(
                bad,
                words(
                    "The keyring has no default collection to keep a token in.",
                    "密钥环没有可存放令牌的默认集合。",
                ),
            )
        },
        Seen::Nothing => Check {
            advice: Some(words(
                "Start one such as gnome-keyring or KWallet, or allow a file that only you can read.",
                "请启动 gnome-keyring 或 KWallet 等密钥环，或允许保存在只有你能读取的文件中。",
            )),
            ..made(
                bad,
                words(
                    "No keyring runs on this computer.",
                    "此电脑没有运行密钥环。",
                ),
            )
        },
        Seen::Elsewhere => with_problem(
            made(Verdict::Note, no_bus("The keyring", "密钥环")),
            status,
            Part::Secrets,
        ),
        seen => Check {
            advice: Some(words(
                "If it asks for a password, answer it; else restart it.",
                "如果它在询问密码，请回答；否则请重启它。",
            )),
            ..made(bad, unknown(seen, "The keyring", "密钥环"))
        },
    };
    if unkept {
        found.remedy = Some(Remedy::PlainSecret);
    }
    for (place, en, zh) in [
        (SecretPlace::Keyring, "keyring", "密钥环"),
        (SecretPlace::File, "file of mode 0600", "权限为 0600 的文件"),
        (SecretPlace::Memory, "memory only", "仅在内存中"),
    ] {
        let count = places.iter().filter(|other| **other == place).count();
        if count > 0 {
            found.details.push(detail(
                &format!("Tokens in the {en}"),
                &format!("令牌（{zh}）"),
                count.to_string(),
            ));
        }
    }
    found
}

/// There is nothing to ask by: no session bus, or another kind of system.
fn no_bus(en: &str, zh: &str) -> tidings_control::Words {
    if cfg!(all(unix, not(target_os = "macos"))) {
        words(
            format!("{en} cannot be looked at: there is no session bus here, as on a server."),
            format!("无法检查{zh}：此处没有会话总线（例如在服务器上）。"),
        )
    } else {
        words(
            format!("{en}: part of this system."),
            format!("{zh}：由系统提供。"),
        )
    }
}
