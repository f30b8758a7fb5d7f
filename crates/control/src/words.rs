//! Words for people, in every language that Tidings speaks.
//!
//! Whoever shows them chooses: a window by its language, the tray by the settings, the command line
//! by its environment. So nothing has to be said again when the language changes, and no part of
//! the agent but the one that words something knows of languages.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Language;

/// The same in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Words {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
}

impl Words {
    /// Words of ours.
    #[must_use]
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            zh: zh.into(),
        }
    }

    /// Words of somebody else (a relay, the system), said as they are.
    #[must_use]
    pub fn foreign(words: impl Into<String>) -> Self {
        let words = words.into();
        Self {
            en: words.clone(),
            zh: words,
        }
    }

    /// In one language.
    #[must_use]
    pub fn say(&self, tongue: Tongue) -> &str {
        tongue.of_two(&self.en, &self.zh)
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.en.is_empty()
    }

    /// Whether one of the languages says this.
    #[must_use]
    pub fn contains(&self, part: &str) -> bool {
        self.en.contains(part) || self.zh.contains(part)
    }
}

impl fmt::Display for Words {
    /// In English, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// The language that words are said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Tongue {
    /// The language chosen, or else that of the process's environment, by the customary order of
    /// precedence (POSIX, chapter 8.2).
    #[must_use]
    pub fn of(chosen: Language) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|variable| std::env::var(variable).ok())
            .find(|value| !value.is_empty());
        Self::chosen(chosen, locale.as_deref())
    }

    fn chosen(chosen: Language, locale: Option<&str>) -> Self {
        match chosen {
            Language::System if locale.is_some_and(|locale| locale.starts_with("zh")) => {
                Self::Chinese
            }
            Language::System | Language::English => Self::English,
            Language::Chinese => Self::Chinese,
        }
    }

    /// One of two.
    #[must_use]
    pub fn of_two<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_language_wins_over_the_desktops() {
        for (chosen, locale, expected) in [
            (Language::System, Some("zh_CN.UTF-8"), Tongue::Chinese),
            (Language::System, Some("de_DE.UTF-8"), Tongue::English),
            (Language::System, None, Tongue::English),
            (Language::English, Some("zh_CN.UTF-8"), Tongue::English),
            (Language::Chinese, Some("C"), Tongue::Chinese),
        ] {
            assert_eq!(Tongue::chosen(chosen, locale), expected);
        }
    }
}
