//! The agent's own words, in both languages: the tray's.

use tidings_control::{Connection, Held, Language, Pause, RelayState, Status};

/// The language that words are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    English,
    Chinese,
}

impl Tongue {
    /// The language set, or else the desktop's.
    pub(crate) fn of(language: Language) -> Self {
        match language {
            Language::English => Self::English,
            Language::Chinese => Self::Chinese,
            Language::System => {
                let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
                    .into_iter()
                    .find_map(|key| std::env::var(key).ok().filter(|value| !value.is_empty()));
                if set.is_some_and(|l| l.starts_with("zh")) {
                    Self::Chinese
                } else {
                    Self::English
                }
            }
        }
    }

    fn of_two(self, english: &'static str, chinese: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
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

    pub(crate) fn quit(self) -> &'static str {
        self.of_two("Quit", "退出")
    }

    /// How things stand with a relay.
    pub(crate) fn state(self, relay: &RelayState) -> String {
        let RelayState { label, name, .. } = relay;
        match (&relay.connection, self) {
            (Connection::NotConfigured | Connection::Connecting, Self::English) => {
                format!("Connecting to {label}")
            }
            (Connection::NotConfigured | Connection::Connecting, Self::Chinese) => {
                format!("正在连接 {label}")
            }
            (Connection::Connected { .. }, Self::English) => format!("Connected to {label}"),
            (Connection::Connected { .. }, Self::Chinese) => format!("已连接 {label}"),
            (Connection::Offline { reason, .. }, Self::English) => format!("Offline: {reason}"),
            (Connection::Offline { reason, .. }, Self::Chinese) => format!("离线：{reason}"),
            (Connection::Untrusted { .. }, Self::English) => {
                format!("Not connected: the certificate of {label} is not trusted")
            }
            (Connection::Untrusted { .. }, Self::Chinese) => {
                format!("未连接：{label} 的证书不受信任")
            }
            (Connection::Refused { reason }, Self::English) => format!("Refused: {reason}"),
            (Connection::Refused { reason }, Self::Chinese) => format!("被拒绝：{reason}"),
            (Connection::TakenOver { .. }, Self::English) => {
                format!("Another device took the name {name}, and gets its messages")
            }
            (Connection::TakenOver { .. }, Self::Chinese) => {
                format!("名称 {name} 已被另一台设备使用，消息发往那里")
            }
        }
    }

    /// A line on the connection with each relay, and on what is unread.
    pub(crate) fn tooltip(self, status: &Status) -> String {
        let state = match &status.relays[..] {
            [] => self.of_two("No relay is set up", "尚未设置中继").to_owned(),
            [relay] => self.state(relay),
            relays => {
                let all = relays.iter();
                let all = all.map(|relay| format!("{}: {}", relay.label, self.state(relay)));
                all.collect::<Vec<_>>().join("\n")
            }
        };
        let state = match (status.quiet.held, self) {
            (None, _) => state,
            (Some(Held::Paused), Self::English) => format!("{state}\nNotifications are paused"),
            (Some(Held::Paused), Self::Chinese) => format!("{state}\n通知已暂停"),
            (Some(_), Self::English) => format!("{state}\nNotifications are held back"),
            (Some(_), Self::Chinese) => format!("{state}\n免打扰中"),
        };
        match (status.unread, self) {
            (0, _) => state,
            (n, Self::English) => format!("{state}\n{n} unread"),
            (n, Self::Chinese) => format!("{state}\n{n} 条未读"),
        }
    }
}
