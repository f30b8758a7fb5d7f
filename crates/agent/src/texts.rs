//! The agent's own words, in both languages: the tray's, and what it tells of windows, clipboard and
//! links.

use std::fmt::Display;

use tidings_control::{Connection, Held, Pause, Status, Tongue, Words};

/// The tray's words in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts(pub(crate) Tongue);

impl Texts {
    fn of_two<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        self.0.of_two(english, chinese)
    }

    /// What a click on a notification is called.
    pub(crate) fn open(self) -> &'static str {
        self.of_two("Open", "打开")
    }

    pub(crate) fn inbox(self) -> &'static str {
        self.of_two("Inbox", "收件箱")
    }

    pub(crate) fn compose(self) -> &'static str {
        self.of_two("Compose", "写消息")
    }

    pub(crate) fn host(self) -> &'static str {
        self.of_two("Host a relay", "架设中继")
    }

    pub(crate) fn settings(self) -> &'static str {
        self.of_two("Settings", "设置")
    }

    pub(crate) fn quit(self) -> &'static str {
        self.of_two("Quit", "退出")
    }

    /// The menu of pauses; its words also tell whether there is one now.
    pub(crate) fn pause(self, paused: bool) -> &'static str {
        if paused {
            self.of_two("Notifications are paused", "通知已暂停")
        } else {
            self.of_two("Pause notifications", "暂停通知")
        }
    }

    pub(crate) fn pause_for(self, pause: Pause) -> &'static str {
        match pause {
            Pause::Minutes(..=30) => self.of_two("For 30 minutes", "30 分钟"),
            Pause::Minutes(_) => self.of_two("For 1 hour", "1 小时"),
            Pause::Tomorrow => self.of_two("Until tomorrow", "到明天"),
            Pause::Off => self.of_two("Resume", "恢复通知"),
        }
    }

    /// A message without title and text.
    pub(crate) fn untitled(self) -> &'static str {
        self.of_two("Message", "消息")
    }

    /// A message's line in the menu.
    pub(crate) fn from(self, title: &str, sender: &str) -> String {
        match self.0 {
            Tongue::English => format!("{title} — {sender}"),
            Tongue::Chinese => format!("{title}（{sender}）"),
        }
    }

    /// A relay and how it is with it.
    pub(crate) fn relay(self, label: &str, connection: &Connection) -> String {
        let state = match connection {
            Connection::NotConfigured => self.of_two("not set up", "尚未设置"),
            Connection::Connecting => self.of_two("connecting", "正在连接"),
            Connection::Connected { .. } => self.of_two("connected", "已连接"),
            Connection::Offline { .. } => self.of_two("offline", "离线"),
            Connection::Untrusted { .. } => {
                self.of_two("its certificate is not trusted", "证书不受信任")
            }
            Connection::Refused { .. } => self.of_two("refused", "被拒绝"),
            Connection::TakenOver { .. } => {
                self.of_two("another device took the name", "名称已被另一台设备使用")
            }
        };
        match self.0 {
            Tongue::English => format!("{label}: {state}"),
            Tongue::Chinese => format!("{label}：{state}"),
        }
    }

    /// The same in the menu, where a click on a relay that is offline connects to it.
    pub(crate) fn relay_line(self, label: &str, connection: &Connection) -> String {
        let line = self.relay(label, connection);
        match (connection, self.0) {
            (Connection::Offline { .. }, Tongue::English) => format!("{line} (connect now)"),
            (Connection::Offline { .. }, Tongue::Chinese) => format!("{line}（立即连接）"),
            _ => line,
        }
    }

    /// A line for each relay, one on what is held back, one on what is unread.
    pub(crate) fn tooltip(self, status: &Status) -> String {
        let mut lines: Vec<String> = status
            .relays
            .iter()
            .map(|relay| {
                let line = self.relay(&relay.label, &relay.connection);
                match &relay.connection {
                    Connection::Offline { reason, .. } | Connection::Refused { reason }
                        if !reason.is_empty() =>
                    {
                        format!("{line}. {}", reason.say(self.0))
                    }
                    _ => line,
                }
            })
            .collect();
        if lines.is_empty() {
            lines.push(self.of_two("No relay is set up", "尚未设置中继").to_owned());
        }
        match status.quiet.held {
            None => {}
            Some(Held::Paused) => lines.push(self.pause(true).to_owned()),
            Some(_) => lines.push(
                self.of_two("Notifications are held back", "免打扰中")
                    .to_owned(),
            ),
        }
        match (status.unread, self.0) {
            (0, _) => {}
            (n, Tongue::English) => lines.push(format!("{n} unread")),
            (n, Tongue::Chinese) => lines.push(format!("{n} 条未读")),
        }
        lines.join("\n")
    }
}

/// There is nobody who shows tray icons.
pub(crate) fn no_tray() -> Words {
    Words::new(
        "This desktop shows no tray icons. Start Tidings again to see its window; on GNOME the \
         extension AppIndicator brings the tray.",
        "此桌面不显示托盘图标。再次启动 Tidings 即可看到窗口；在 GNOME 上可安装扩展 AppIndicator \
         以显示托盘。",
    )
}

/// What a notification says of it, the one time that it is said.
pub(crate) fn in_background() -> Words {
    Words::new("Tidings runs in the background", "Tidings 正在后台运行")
}

/// The window process broke down.
pub(crate) fn window_ended(how: impl Display) -> Words {
    Words::new(
        format!(
            "The window ended unexpectedly ({how}). Messages are kept; open it again from the tray."
        ),
        format!("窗口意外结束（{how}）。消息没有丢失；请从托盘重新打开窗口。"),
    )
}

/// The window process cannot be started.
pub(crate) fn no_window(program: impl Display, error: impl Display) -> Words {
    Words::new(
        format!("The window program {program} cannot start: {error}. Install it again."),
        format!("窗口程序 {program} 无法启动：{error}。请重新安装。"),
    )
}

/// A link of a scheme that may start any program.
pub(crate) fn link_not_opened(scheme: &str) -> Words {
    Words::new(
        format!("Links of the kind “{scheme}:” are not opened: copy it if you trust it."),
        format!("不会打开“{scheme}:”类型的链接：若信任它，请复制。"),
    )
}

/// A text that is no link.
pub(crate) fn no_link(link: &str) -> Words {
    Words::new(
        format!("“{link}” is not a link."),
        format!("“{link}”不是链接。"),
    )
}

/// Nothing opens links.
pub(crate) fn no_browser(error: impl Display) -> Words {
    Words::new(
        format!("No program opens links here ({error}): copy it into your browser."),
        format!("这里没有打开链接的程序（{error}）：请将其复制到浏览器中。"),
    )
}

/// Nothing shows folders.
pub(crate) fn no_file_manager(error: impl Display, path: impl Display) -> Words {
    Words::new(
        format!("No program opens folders here ({error}). It is {path}."),
        format!("这里没有打开文件夹的程序（{error}）。该文件夹是 {path}。"),
    )
}

/// Another system than ours starts programs at login here.
pub(crate) fn login_elsewhere() -> Words {
    Words::new(
        "Starting at login is set in the system's own settings here.",
        "此处登录时启动由系统自己的设置决定。",
    )
}

/// The clipboard is out of reach; whether what was to be copied is a secret.
pub(crate) fn no_clipboard(error: impl Display, secret: bool) -> Words {
    let (en, zh) = if secret {
        (
            "select it by hand, or run `tidings token` for the token",
            "请手动选取，或运行 `tidings token` 取得令牌",
        )
    } else {
        ("select it by hand", "请手动选取")
    };
    Words::new(
        format!("The clipboard cannot be reached ({error}): {en}."),
        format!("无法使用剪贴板（{error}）：{zh}。"),
    )
}

/// Windows draw what others sent, so they hold no secret.
pub(crate) fn no_token_for_windows() -> Words {
    Words::new("Windows are not given the token.", "窗口不能取得令牌。")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections() -> [Connection; 6] {
        [
            Connection::NotConfigured,
            Connection::Connecting,
            Connection::Connected { since: 0 },
            Connection::Offline {
                since: 0,
                reason: Words::new("Gone.", "不在。"),
                retry_at: 0,
            },
            Connection::Refused {
                reason: Words::new("No.", "不。"),
            },
            Connection::TakenOver {
                since: 0,
                again: false,
                retry_at: None,
            },
        ]
    }

    #[test]
    fn everything_is_said_in_both_languages() {
        let texts = [Texts(Tongue::English), Texts(Tongue::Chinese)];
        let mut pairs: Vec<Words> = vec![
            no_tray(),
            in_background(),
            window_ended("odd"),
            no_window("odd", "odd"),
            link_not_opened("odd"),
            no_link("odd"),
            no_browser("odd"),
            no_file_manager("odd", "odd"),
            login_elsewhere(),
            no_clipboard("odd", true),
            no_clipboard("odd", false),
            no_token_for_windows(),
        ];
        let mut say = |words: &dyn Fn(Texts) -> String| {
            let [en, zh] = texts.map(words);
            pairs.push(Words::new(en, zh));
        };
        for plain in [
            Texts::open,
            Texts::inbox,
            Texts::compose,
            Texts::host,
            Texts::settings,
            Texts::quit,
            Texts::untitled,
        ] {
            say(&|texts| plain(texts).to_owned());
        }
        for paused in [true, false] {
            say(&|texts| texts.pause(paused).to_owned());
        }
        for pause in [
            Pause::Minutes(30),
            Pause::Minutes(60),
            Pause::Tomorrow,
            Pause::Off,
        ] {
            say(&|texts| texts.pause_for(pause).to_owned());
        }
        say(&|texts| texts.from("title", "sender"));
        for connection in connections() {
            say(&|texts| texts.relay("desk", &connection));
            say(&|texts| texts.relay_line("desk", &connection));
        }
        for words in pairs {
            assert!(!words.en.is_empty() && !words.zh.is_empty(), "{words:?}");
            assert_ne!(words.en, words.zh);
        }
    }
}
