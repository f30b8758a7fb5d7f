//! The app's own words on notifications, in the person's language.

use tidings_control::Tongue;

use crate::flow::About;
use crate::types::Language;

/// The language that the words are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words(Tongue);

/// The words in a language, or in the desktop's where none is chosen.
#[must_use]
pub fn words(language: Language) -> Words {
    Words(Tongue::of(language))
}

impl Words {
    fn of_two(self, english: &'static str, chinese: &'static str) -> &'static str {
        self.0.of_two(english, chinese)
    }

    /// The button that opens the message, and the click.
    pub(crate) fn open(self) -> &'static str {
        self.of_two("Open", "打开")
    }

    /// The button that opens a link.
    pub(crate) fn open_place(self, place: &str) -> String {
        match self.0 {
            Tongue::English => format!("Open {place}"),
            Tongue::Chinese => format!("打开 {place}"),
        }
    }

    /// The button that copies a text.
    pub(crate) fn copy(self) -> &'static str {
        self.of_two("Copy", "复制")
    }

    /// The button that copies a one-time code.
    pub(crate) fn copy_code(self, code: &str) -> String {
        format!("{} {code}", self.copy())
    }

    /// The button of a request without words of its sender.
    pub(crate) fn call(self, place: &str) -> String {
        match self.0 {
            Tongue::English => format!("Call {place}"),
            Tongue::Chinese => format!("请求 {place}"),
        }
    }

    /// The button that marks it as read.
    pub(crate) fn mark_read(self) -> &'static str {
        self.of_two("Mark read", "标为已读")
    }

    /// The button that acknowledges it.
    pub(crate) fn acknowledge(self) -> &'static str {
        self.of_two("Acknowledge", "确认")
    }

    /// The button that answers it.
    pub(crate) fn reply(self) -> &'static str {
        self.of_two("Reply", "回复")
    }

    /// Beside the sender of a message that is not acknowledged yet.
    pub(crate) fn reminder(self) -> &'static str {
        self.of_two("Reminder", "提醒")
    }

    /// What the relay hosted here is called until the person calls it something else.
    pub(crate) fn this_computer(self) -> &'static str {
        self.of_two("This computer", "本机")
    }

    /// The title of a message that has neither title nor body.
    pub(crate) fn untitled(self) -> &'static str {
        self.of_two("New message", "新消息")
    }

    /// The title of a digest.
    pub(crate) fn digest(self, about: About, count: usize) -> String {
        let s = if count == 1 { "" } else { "s" };
        match (self.0, about) {
            (Tongue::English, About::New) => format!("{count} new message{s}"),
            (Tongue::English, About::Missed) => format!("While you were away: {count} message{s}"),
            (Tongue::English, About::Paused) => format!("While paused: {count} message{s}"),
            (Tongue::English, About::Quiet) => format!("While it was quiet: {count} message{s}"),
            (Tongue::Chinese, About::New) => format!("{count} 条新消息"),
            (Tongue::Chinese, About::Missed) => format!("你离开期间：{count} 条消息"),
            (Tongue::Chinese, About::Paused) => format!("暂停期间：{count} 条消息"),
            (Tongue::Chinese, About::Quiet) => format!("免打扰期间：{count} 条消息"),
        }
    }

    /// The line below those that a digest names.
    pub(crate) fn more(self, count: usize) -> String {
        match self.0 {
            Tongue::English => format!("and {count} more"),
            Tongue::Chinese => format!("还有 {count} 条"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_said_in_both_languages_and_one_is_no_plural() {
        let [english, chinese] = [Language::English, Language::Chinese].map(words);
        for say in [
            Words::open,
            Words::copy,
            Words::mark_read,
            Words::untitled,
            Words::acknowledge,
            Words::reply,
            Words::reminder,
        ] {
            assert_ne!(say(english), say(chinese));
        }
        for say in [Words::open_place, Words::call] {
            assert_ne!(say(english, "e.example"), say(chinese, "e.example"));
        }
        assert_ne!(english.more(2), chinese.more(2));
        for about in [About::New, About::Missed, About::Paused, About::Quiet] {
            assert_ne!(english.digest(about, 2), chinese.digest(about, 2));
        }
        assert_eq!(english.digest(About::Paused, 1), "While paused: 1 message");
        assert_eq!(english.digest(About::New, 12), "12 new messages");
        assert_eq!(chinese.digest(About::New, 1), "1 条新消息");
    }
}
