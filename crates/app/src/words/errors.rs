//! The errors of the app's parts, in Chinese. Their English is their `Display`.

use super::Chinese;
use crate::autostart::AutostartError;
use crate::folders::{CONFIG_VARIABLE, DATA_VARIABLE, FolderError};
use crate::hub::HubError;
use crate::inbox::InboxError;
use crate::notifier::RaiseError;
use crate::picture::PictureError;
use crate::settings::SettingsError;
use crate::vault::VaultError;

impl Chinese for RaiseError {
    fn chinese(&self) -> String {
        match self {
            Self::Absent => "此桌面上没有运行通知服务，消息会静静到达。请启动一个（dunst、mako 或桌面自带的）；错过的通知届时会显示。".to_owned(),
            Self::Silent => "通知服务没有应答，消息会静静到达。请重启它，或注销后重新登录；错过的通知届时会显示。".to_owned(),
            Self::Refused(words) => format!("通知服务拒绝了一条通知（{words}）。会再次尝试。"),
        }
    }
}

impl Chinese for SettingsError {
    fn chinese(&self) -> String {
        match self {
            Self::Unreadable { path, source } => format!(
                "无法读取设置文件 {}（{source}）。请检查其权限。",
                path.display()
            ),
            Self::Unwritable { path, source } => format!(
                "设置无法保存到 {}（{source}）。请腾出空间，或使该文件夹可写；在此之前，设置只在 Tidings 运行期间有效。",
                path.display()
            ),
        }
    }
}

impl Chinese for FolderError {
    fn chinese(&self) -> String {
        match self {
            Self::NoHome => format!(
                "不知道此用户的主文件夹。请设置 HOME，或设置 {DATA_VARIABLE} 和 {CONFIG_VARIABLE}。"
            ),
            Self::Unusable { path, source } => format!(
                "文件夹 {} 无法使用（{source}）。请使其可写，或用 {DATA_VARIABLE} 和 {CONFIG_VARIABLE} 另外指定。",
                path.display()
            ),
        }
    }
}

impl Chinese for InboxError {
    fn chinese(&self) -> String {
        match self {
            Self::ReadOnly { path, source } => format!(
                "收件箱 {} 无法写入（{source}）。请使该文件及其文件夹可写。",
                path.display()
            ),
            Self::Damaged { path, source } => format!(
                "收件箱 {} 已损坏（{source}）。请将其移走以使用空的收件箱，或放入一份副本。",
                path.display()
            ),
            Self::Newer { path, found, known } => format!(
                "收件箱 {} 由更新的 Tidings 写成（其格式为 {found}，此程序认识 {known}）。请重新安装较新的版本。",
                path.display()
            ),
            Self::Full { path } => format!(
                "收件箱 {} 所在的磁盘已满。请腾出空间；在此之前消息会在中继上等待。",
                path.display()
            ),
            Self::Held { path } => format!(
                "收件箱 {} 被另一程序占用。请结束该程序；在此之前消息会在中继上等待。",
                path.display()
            ),
            Self::Other { path, source } => {
                format!("收件箱 {} 出错（{source}）。请检查磁盘。", path.display())
            }
            Self::Closed => "收件箱已关闭：Tidings 正在结束。".to_owned(),
        }
    }
}

impl Chinese for PictureError {
    fn chinese(&self) -> String {
        match self {
            Self::Private => "图片位于私有网络中，消息不应通往那里。请改为打开其链接。".to_owned(),
            Self::Large => "图片太大，无法在此显示。请改为打开其链接。".to_owned(),
            Self::NoPicture => "那里没有可在此显示的图片（PNG、JPEG、GIF、WebP）。".to_owned(),
            Self::Pixels => "图片的像素太多，无法在此显示。请改为打开其链接。".to_owned(),
            Self::Late => "图片所在的服务器没有及时应答。".to_owned(),
            Self::Fetch(error) => format!("无法取得图片：{error}。"),
            Self::Task(error) => format!("无法取得图片：{error}。"),
        }
    }
}

impl Chinese for VaultError {
    fn chinese(&self) -> String {
        match self {
            Self::Absent => "此计算机上没有运行密钥环".to_owned(),
            Self::Locked => "密钥环已锁定".to_owned(),
            Self::Silent => "密钥环没有应答".to_owned(),
            Self::Failed(words) => words.clone(),
        }
    }
}

impl Chinese for AutostartError {
    fn chinese(&self) -> String {
        format!(
            "无法更改登录时启动：{} 无法写入（{}）。请使其文件夹可写。",
            self.path.display(),
            self.source
        )
    }
}

impl Chinese for HubError {
    fn chinese(&self) -> String {
        match self {
            Self::PortTaken { port } => format!(
                "端口 {port} 被另一程序占用，因此架设的中继没有运行。请结束该程序，或重新架设以使用另一端口。"
            ),
            Self::Port { port, source } => {
                format!("无法打开端口 {port}（{source}）。请重新架设以使用另一端口。")
            }
            Self::Data {
                path,
                words,
                advice,
            } => format!(
                "架设的中继无法使用 {}（{}）。{}",
                path.display(),
                words.zh,
                advice.zh
            ),
            Self::Start(words) => format!("架设的中继没有启动：{words}。"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::complete;
    use super::*;
    use std::io::Error;
    use std::path::PathBuf;
    use tidings_control::Words;

    fn path() -> PathBuf {
        PathBuf::from("/users/me/file")
    }

    fn source() -> Error {
        Error::other("odd")
    }

    #[test]
    fn every_error_is_said_in_both_languages() {
        for error in [
            RaiseError::Absent,
            RaiseError::Silent,
            RaiseError::Refused("odd".to_owned()),
        ] {
            complete(&error.words());
        }
        for error in [
            SettingsError::Unreadable {
                path: path(),
                source: source(),
            },
            SettingsError::Unwritable {
                path: path(),
                source: source(),
            },
        ] {
            complete(&error.words());
        }
        for error in [
            FolderError::NoHome,
            FolderError::Unusable {
                path: path(),
                source: source(),
            },
        ] {
            complete(&error.words());
        }
        let sql = || rusqlite::Error::InvalidQuery;
        for error in [
            InboxError::ReadOnly {
                path: path(),
                source: sql(),
            },
            InboxError::Damaged {
                path: path(),
                source: sql(),
            },
            InboxError::Newer {
                path: path(),
                found: 9,
                known: 4,
            },
            InboxError::Full { path: path() },
            InboxError::Held { path: path() },
            InboxError::Other {
                path: path(),
                source: sql(),
            },
            InboxError::Closed,
        ] {
            complete(&error.words());
        }
        for error in [
            PictureError::Private,
            PictureError::Large,
            PictureError::NoPicture,
            PictureError::Pixels,
            PictureError::Late,
        ] {
            complete(&error.words());
        }
        for error in [
            HubError::PortTaken { port: 1 },
            HubError::Port {
                port: 1,
                source: source(),
            },
            HubError::Start("odd".to_owned()),
        ] {
            complete(&error.words());
        }
        let data = HubError::Data {
            path: path(),
            words: Words::foreign("odd"),
            advice: Words::new("End it.", "请结束它。"),
        };
        complete(&data.words());
    }
}
