//! The agent's own words, in both languages: the tray's.

use tidings_control::{Connection, Language, Status};

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

    pub(crate) fn quit(self) -> &'static str {
        self.of_two("Quit", "退出")
    }

    /// One line on the connection, and on what is unread.
    pub(crate) fn tooltip(self, status: &Status) -> String {
        let relay = status
            .relay
            .as_ref()
            .map_or("", |relay| relay.address.as_str());
        let state = match (&status.connection, self) {
            (Connection::NotConfigured, Self::English) => "No relay is set up".to_owned(),
            (Connection::NotConfigured, Self::Chinese) => "尚未设置中继".to_owned(),
            (Connection::Connecting, Self::English) => format!("Connecting to {relay}"),
            (Connection::Connecting, Self::Chinese) => format!("正在连接 {relay}"),
            (Connection::Connected { .. }, Self::English) => format!("Connected to {relay}"),
            (Connection::Connected { .. }, Self::Chinese) => format!("已连接 {relay}"),
            (Connection::Offline { reason, .. }, Self::English) => format!("Offline: {reason}"),
            (Connection::Offline { reason, .. }, Self::Chinese) => format!("离线：{reason}"),
            (Connection::Refused { reason }, Self::English) => format!("Refused: {reason}"),
            (Connection::Refused { reason }, Self::Chinese) => format!("被拒绝：{reason}"),
            (Connection::TakenOver, Self::English) => "Another device took the name".to_owned(),
            (Connection::TakenOver, Self::Chinese) => "名称已被另一台设备使用".to_owned(),
        };
        match (status.unread, self) {
            (0, _) => state,
            (n, Self::English) => format!("{state}\n{n} unread"),
            (n, Self::Chinese) => format!("{state}\n{n} 条未读"),
        }
    }
}
