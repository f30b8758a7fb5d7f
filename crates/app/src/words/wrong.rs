//! What can be wrong with a request, or with what was set, and what to do about it.

use std::path::PathBuf;

use tidings_control::Words;
use tidings_protocol::InvalidId;

use super::Chinese;
use crate::vault::VaultError;

/// What is wrong. The fields are what the words tell of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    // Of a message to be sent.
    #[error("The link is not complete. Write it like https://example.org/page.")]
    Link,
    #[error("The message is empty. Write a title or a text.")]
    Empty,
    #[error("The message is too long ({bytes} bytes; a relay takes {limit}). Shorten it.")]
    TooLong { bytes: usize, limit: usize },
    #[error("Nobody is named. Write the name of a client of the relay.")]
    NobodyNamed,
    #[error("No group is named. Write the name of a group of the relay.")]
    NoGroupNamed,
    #[error("The recipient cannot be used: its {0}.")]
    Recipient(InvalidId),
    #[error("The group cannot be used: its {0}.")]
    Group(InvalidId),
    #[error("The message cannot be sent: its {0}.")]
    Reference(InvalidId),
    #[error("A message has at most {0} recipients. Write to a group.")]
    TooManyRecipients(usize),
    #[error("{0} is named twice. Remove one of the two.")]
    Twice(String),
    #[error("A tag has at most {0} characters and no comma. Shorten it.")]
    Tag(usize),
    #[error("A message has at most {0} tags. Remove some.")]
    Tags(usize),
    #[error("A key has at most {0} characters. Shorten it.")]
    Key(usize),
    #[error("A message lives for at least one second, and at most ten years. Choose another time.")]
    Ttl,
    #[error("The time to deliver it at is past. Choose a later one.")]
    DuePast,
    #[error("A message can be held for a year at most. Choose an earlier time.")]
    DueFar,
    #[error(
        "Only a group's messages can be for the first who acknowledges. Ask each recipient, or write to groups alone."
    )]
    FirstOfGroup,
    #[error("Reminders come every {0} to {1} seconds. Choose another time between them.")]
    Repeat(u32, u32),
    #[error("Its time was over before it could go out. Send it again if it still matters.")]
    Outlived,
    // Of a message that was sent.
    #[error(
        "No sent message has this number any more. The list of sent messages has those that are left."
    )]
    SentGone,
    #[error("There is nothing of this message to send again. What waits goes out by itself.")]
    NothingAgain,
    #[error("It is too late to take this message back: it is on its way, or was delivered.")]
    TooLate,
    #[error(
        "Some of it is too late to take back: it is on its way, or was delivered. The rest is taken back."
    )]
    PartlyTooLate,
    #[error("The relay holds this message and cannot be reached. Try again once connected.")]
    HeldElsewhere,
    #[error("The relay did not say in time whether it took the message back. Try again.")]
    CancelSilent,
    // Of the relay to be joined or hosted.
    #[error("This computer needs a name on the relay. Write one, such as desk.")]
    NoName,
    #[error("This name cannot be used: the {0}.")]
    Name(InvalidId),
    #[error("This group cannot be used: its {0}.")]
    OwnGroup(InvalidId),
    #[error("This is no token: one has at most {0} bytes in one line. Copy it again.")]
    Token(usize),
    #[error("The token is not known yet. Enter it in the settings, or unlock the keyring.")]
    TokenUnknown,
    #[error("No relay is hosted on this computer. Host one first.")]
    NotHosting,
    #[error("This relay is not joined any more. Join it again.")]
    NotJoined,
    #[error("The relay of this message is not joined any more. Choose another one.")]
    NoSuchRelay,
    #[error("The relay on this computer has its own address. Join the other one beside it.")]
    HostedAddress,
    #[error(
        "This computer is {0} on that relay already. Choose another name, or change the other entry."
    )]
    SameName(String),
    #[error("A relay is called by at most {0} characters in one line. Write less.")]
    Label(usize),
    #[error(
        "The token of {relay} is still in the keyring ({fault}). It is removed when the keyring can be reached, or remove it with the desktop's password application."
    )]
    TokenKept { relay: String, fault: VaultError },
    #[error("This is no token: it holds characters that none has.")]
    TokenCharacters,
    #[error("The relay did not answer in time. It may have the message all the same.")]
    RelaySilent,
    #[error("The relay took the message and answered in a way that Tidings does not know.")]
    RelayOdd,
    #[error("The relay refused the message ({status}: {words}).")]
    RelayRefused { status: String, words: String },
    #[error("Another client took this name. Choose another with --name.")]
    NameTaken,
    #[error("The session has ended.")]
    SessionEnded,
    #[error("This is no SHA-256 fingerprint. Copy it from the question again.")]
    Fingerprint,
    #[error("The relay does not show this certificate any more. Look at the question again.")]
    OtherCertificate,
    // Of the settings.
    #[error("There are too many rules: at most {0} of each kind. Remove some.")]
    TooManyRules(usize),
    #[error("Quiet hours need a day of the week on which they begin.")]
    QuietDays,
    #[error("Quiet hours begin and end between 00:00 and 23:59.")]
    QuietTimes,
    #[error("A muted name has at most {0} characters. Mute it from one of its messages.")]
    MutedName(usize),
    #[error("Notifications are paused for 1 to {0} minutes. Choose less.")]
    Pause(u32),
    #[error(
        "The settings could not be understood ({reason}) and were set aside as {}. Set Tidings up again, or repair that file and put it back.",
        .path.display()
    )]
    SetAside { reason: String, path: PathBuf },
    // Of a message received.
    #[error("This message is not in the inbox any more. Go back to the list.")]
    Gone,
    #[error("Nobody asks to acknowledge this message. Answer it instead.")]
    NotAsked,
    #[error("This message was acknowledged before. Answer it to say more.")]
    Acknowledged,
    #[error("The note is too long ({bytes} bytes; at most {limit}). Shorten it.")]
    Note { bytes: usize, limit: usize },
    #[error("This message names no such picture. Open it again.")]
    NoSuchPicture,
    #[error("This message does not offer that. Open it again.")]
    NotOffered,
    #[error("A link of the kind “{0}:” may start a program. Agree to it first.")]
    AskLink(String),
    #[error("This makes a request to {0}. Agree to it first.")]
    AskCall(String),
    #[error("{place} answered the request with {status}. Nothing may have happened there.")]
    CallRefused { place: String, status: String },
    #[error("The request to {place} could not be made: {reason}.")]
    CallFailed { place: String, reason: String },
    #[error(
        "{place} did not answer the request within {seconds} seconds. It may have been carried out."
    )]
    CallSilent { place: String, seconds: u64 },
    #[error(
        "The messages could not be written to {} ({reason}). Free some space, make the folder writable, or use `tidings export > FILE`.",
        .path.display()
    )]
    Export { path: PathBuf, reason: String },
    // Of the computer.
    #[error("The system gives no random numbers ({0}).")]
    NoRandom(String),
    #[error("Too many requests are under way. Press the button in the message again.")]
    Busy,
    #[error("Tidings is ending. Start it again.")]
    Ending,
    #[error("Tidings failed ({0}). Start it again.")]
    Failed(String),
}

impl Chinese for Wrong {
    fn chinese(&self) -> String {
        match self {
            Self::Link => "链接不完整。请写成 https://example.org/page 的形式。".to_owned(),
            Self::Empty => "消息是空的。请填写标题或正文。".to_owned(),
            Self::TooLong { bytes, limit } => {
                format!("消息太长（{bytes} 字节；中继最多接受 {limit} 字节）。请缩短。")
            }
            Self::NobodyNamed => "没有填写收件人。请填写中继上一个客户端的名称。".to_owned(),
            Self::NoGroupNamed => "没有填写群组。请填写中继上一个群组的名称。".to_owned(),
            Self::Recipient(why) => format!("此收件人无法使用：{}。", why.chinese()),
            Self::Group(why) | Self::OwnGroup(why) => {
                format!("此群组无法使用：{}。", why.chinese())
            }
            Self::Reference(why) => format!("消息无法发送：{}。", why.chinese()),
            Self::TooManyRecipients(most) => {
                format!("一条消息最多有 {most} 个收件人。请发送给群组。")
            }
            Self::Twice(name) => format!("{name} 填写了两次。请删除其中一个。"),
            Self::Tag(most) => format!("标签最多 {most} 个字符，且不含逗号。请缩短。"),
            Self::Tags(most) => format!("一条消息最多有 {most} 个标签。请删除一些。"),
            Self::Key(most) => format!("键最多 {most} 个字符。请缩短。"),
            Self::Ttl => "消息的有效期至少一秒，最多十年。请选择其他时间。".to_owned(),
            Self::DuePast => "送达时间已经过去。请选择更晚的时间。".to_owned(),
            Self::DueFar => "消息最多可保留一年。请选择更早的时间。".to_owned(),
            Self::FirstOfGroup => {
                "只有发给群组的消息才能由首位确认者代表全体。请要求每位收件人确认，或只发送给群组。"
                    .to_owned()
            }
            Self::Repeat(least, most) => {
                format!("提醒的间隔为 {least} 至 {most} 秒。请选择其间的时间。")
            }
            Self::Outlived => "消息发出之前，其有效期已过。如仍有必要，请重新发送。".to_owned(),
            Self::SentGone => "已发送中没有此编号的消息。剩下的见已发送列表。".to_owned(),
            Self::NothingAgain => "此消息没有需要重新发送的部分。等待中的会自动发出。".to_owned(),
            Self::TooLate => "来不及撤回此消息：它正在发送，或已送达。".to_owned(),
            Self::PartlyTooLate => {
                "部分消息来不及撤回：它正在发送，或已送达。其余已撤回。".to_owned()
            }
            Self::HeldElsewhere => "中继正保留此消息，但目前无法连接。请在连接后重试。".to_owned(),
            Self::CancelSilent => "中继没有及时答复是否已撤回消息。请重试。".to_owned(),
            Self::NoName => "此计算机在中继上需要一个名称。请填写，例如 desk。".to_owned(),
            Self::Name(why) => format!("此名称无法使用：{}。", why.chinese()),
            Self::Token(bytes) => {
                format!("这不是令牌：令牌为一行，最多 {bytes} 字节。请重新复制。")
            }
            Self::TokenUnknown => "还不知道令牌。请在设置中输入，或解锁密钥环。".to_owned(),
            Self::NotHosting => "此计算机上没有架设中继。请先架设一个。".to_owned(),
            Self::TokenCharacters => "这不是令牌：其中有令牌不会有的字符。".to_owned(),
            Self::RelaySilent => "中继没有及时应答。它仍可能已收到消息。".to_owned(),
            Self::RelayOdd => "中继收下了消息，但应答的方式 Tidings 不认识。".to_owned(),
            Self::RelayRefused { status, words } => {
                format!("中继拒绝了消息（{status}：{words}）。")
            }
            Self::NameTaken => "另一个客户端占用了此名称。请用 --name 选择另一个。".to_owned(),
            Self::SessionEnded => "会话已结束。".to_owned(),
            Self::Fingerprint => "这不是 SHA-256 指纹。请从问题中重新复制。".to_owned(),
            Self::OtherCertificate => "中继不再出示此证书。请重新查看问题。".to_owned(),
            Self::NotJoined => "此中继已不在列表中。请重新加入。".to_owned(),
            Self::NoSuchRelay => "此消息的中继已不在列表中。请选择另一个。".to_owned(),
            Self::HostedAddress => "此计算机上的中继有自己的地址。请另外加入那一个。".to_owned(),
            Self::SameName(name) => {
                format!("此计算机在那个中继上的名称已是 {name}。请选择另一个名称，或更改另一项。")
            }
            Self::Label(most) => format!("中继的名字为一行，最多 {most} 个字符。请写短些。"),
            Self::TokenKept { relay, fault } => format!(
                "{relay} 的令牌仍在密钥环中（{}）。能使用密钥环时会将其删除，也可用桌面的密码程序删除。",
                fault.chinese()
            ),
            Self::TooManyRules(most) => format!("规则太多：每种最多 {most} 条。请删除一些。"),
            Self::QuietDays => "免打扰时段需要选择从星期几开始。".to_owned(),
            Self::QuietTimes => "免打扰时段须在 00:00 至 23:59 之间开始和结束。".to_owned(),
            Self::MutedName(most) => {
                format!("静音的名称最多 {most} 个字符。请从它的一条消息中静音。")
            }
            Self::Pause(most) => format!("通知可暂停 1 至 {most} 分钟。请选择较短的时间。"),
            Self::SetAside { reason, path } => format!(
                "无法理解设置文件（{reason}），已将其改名为 {}。请重新设置 Tidings，或修好该文件后放回原处。",
                path.display()
            ),
            Self::Gone => "此消息已不在收件箱中。请返回列表。".to_owned(),
            Self::NotAsked => "没有人要求确认此消息。可以改为回复。".to_owned(),
            Self::Acknowledged => "此消息先前已经确认过。如需补充，请回复。".to_owned(),
            Self::Note { bytes, limit } => {
                format!("备注过长（{bytes} 字节，最多 {limit} 字节）。请缩短。")
            }
            Self::NoSuchPicture => "此消息中没有这张图片。请重新打开它。".to_owned(),
            Self::NotOffered => "此消息没有提供这个操作。请重新打开它。".to_owned(),
            Self::AskLink(scheme) => {
                format!("“{scheme}:” 类型的链接可能会启动程序。请先同意。")
            }
            Self::AskCall(host) => format!("这会向 {host} 发出请求。请先同意。"),
            Self::CallRefused { place, status } => {
                format!("{place} 对请求的应答是 {status}。那里可能什么也没有发生。")
            }
            Self::CallFailed { place, reason } => format!("无法向 {place} 发出请求：{reason}。"),
            Self::CallSilent { place, seconds } => {
                format!("{place} 在 {seconds} 秒内没有应答请求。请求可能已被执行。")
            }
            Self::Export { path, reason } => format!(
                "消息无法写入 {}（{reason}）。请腾出空间，使文件夹可写，或使用 `tidings export > FILE`。",
                path.display()
            ),
            Self::NoRandom(why) => format!("系统没有提供随机数（{why}）。"),
            Self::Busy => "正在进行的请求太多。请再次按消息中的按钮。".to_owned(),
            Self::Ending => "Tidings 正在结束。请重新启动它。".to_owned(),
            Self::Failed(why) => format!("Tidings 出错（{why}）。请重新启动它。"),
        }
    }
}

impl From<Wrong> for Words {
    fn from(wrong: Wrong) -> Self {
        wrong.words()
    }
}

#[cfg(test)]
mod tests {
    use super::super::complete;
    use super::*;

    #[test]
    fn all_that_can_be_wrong_is_said_in_both_languages() {
        let id = InvalidId::Control { what: "name" };
        let text = || "odd".to_owned();
        let path = || PathBuf::from("/users/me/file");
        for wrong in [
            Wrong::Link,
            Wrong::Empty,
            Wrong::TooLong { bytes: 2, limit: 1 },
            Wrong::NobodyNamed,
            Wrong::NoGroupNamed,
            Wrong::Recipient(id.clone()),
            Wrong::Group(id.clone()),
            Wrong::Reference(id.clone()),
            Wrong::TooManyRecipients(1),
            Wrong::Twice(text()),
            Wrong::Tag(1),
            Wrong::Tags(1),
            Wrong::Key(1),
            Wrong::Ttl,
            Wrong::DuePast,
            Wrong::DueFar,
            Wrong::FirstOfGroup,
            Wrong::Repeat(1, 2),
            Wrong::Outlived,
            Wrong::SentGone,
            Wrong::NothingAgain,
            Wrong::TooLate,
            Wrong::PartlyTooLate,
            Wrong::HeldElsewhere,
            Wrong::CancelSilent,
            Wrong::NoName,
            Wrong::Name(id.clone()),
            Wrong::OwnGroup(id),
            Wrong::Token(1),
            Wrong::TokenUnknown,
            Wrong::NotHosting,
            Wrong::TokenCharacters,
            Wrong::RelaySilent,
            Wrong::RelayOdd,
            Wrong::RelayRefused {
                status: text(),
                words: text(),
            },
            Wrong::NameTaken,
            Wrong::SessionEnded,
            Wrong::Fingerprint,
            Wrong::OtherCertificate,
            Wrong::NotJoined,
            Wrong::NoSuchRelay,
            Wrong::HostedAddress,
            Wrong::SameName(text()),
            Wrong::Label(1),
            Wrong::TokenKept {
                relay: text(),
                fault: VaultError::Locked,
            },
            Wrong::TooManyRules(1),
            Wrong::QuietDays,
            Wrong::QuietTimes,
            Wrong::MutedName(1),
            Wrong::Pause(1),
            Wrong::SetAside {
                reason: text(),
                path: path(),
            },
            Wrong::Gone,
            Wrong::NotAsked,
            Wrong::Acknowledged,
            Wrong::Note {
                bytes: 2000,
                limit: 1024,
            },
            Wrong::NoSuchPicture,
            Wrong::NotOffered,
            Wrong::AskLink(text()),
            Wrong::AskCall(text()),
            Wrong::CallRefused {
                place: text(),
                status: text(),
            },
            Wrong::CallFailed {
                place: text(),
                reason: text(),
            },
            Wrong::CallSilent {
                place: text(),
                seconds: 1,
            },
            Wrong::Export {
                path: path(),
                reason: text(),
            },
            Wrong::NoRandom(text()),
            Wrong::Busy,
            Wrong::Ending,
            Wrong::Failed(text()),
        ] {
            complete(&wrong.words());
        }
    }
}
