//! What is said, and to whom.

use serde_json::{Map, Value};

use crate::{Group, Name};

/// To whom a MESSAGE goes: `sendType` and `target` on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// One client, by name.
    Personal(Name),
    /// Every member of a group at the time of sending.
    Group(Group),
}

impl Target {
    /// The wire's `sendType`.
    #[must_use]
    pub fn send_type(&self) -> &'static str {
        match self {
            Self::Personal(_) => "personal",
            Self::Group(_) => "group",
        }
    }

    /// The wire's `target`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Personal(name) => name.as_str(),
            Self::Group(group) => group.as_str(),
        }
    }
}

/// The body of a MESSAGE.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The title.
    pub text: String,
    /// The body, Markdown by custom.
    pub desp: String,
    /// Whatever else the sender said: an object by contract; peers also send null and arrays,
    /// which are kept as they came.
    pub extra: Value,
}

impl Default for Message {
    fn default() -> Self {
        Self {
            text: String::new(),
            desp: String::new(),
            extra: Value::Object(Map::new()),
        }
    }
}

impl Message {
    /// A message of title and body alone.
    #[must_use]
    pub fn new(text: impl Into<String>, desp: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            desp: desp.into(),
            ..Self::default()
        }
    }

    /// A field of `extra` that is a string and not empty.
    #[must_use]
    pub fn extra_str(&self, key: &str) -> Option<&str> {
        self.extra.get(key)?.as_str().filter(|s| !s.is_empty())
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::json!({"text": self.text, "desp": self.desp, "extra": self.extra})
    }
}
