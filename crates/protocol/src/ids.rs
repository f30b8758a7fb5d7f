//! Identifiers, parsed once at the edge: whoever holds a [`Name`] need not ask again.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits;

/// Why a string is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// It is empty, where it must name something.
    #[error("{what} is empty")]
    Empty {
        /// Which identifier.
        what: &'static str,
    },
    /// It is longer than its limit in [`limits`].
    #[error("{what} is longer than {limit} {unit}")]
    TooLong {
        /// Which identifier.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What the limit counts.
        unit: &'static str,
    },
    /// It holds a control character, which no person could tell from another name.
    #[error("{what} holds a control character")]
    Control {
        /// Which identifier.
        what: &'static str,
    },
}

fn check(what: &'static str, s: &str, may_be_empty: bool, limit: usize) -> Result<(), InvalidId> {
    if s.is_empty() && !may_be_empty {
        return Err(InvalidId::Empty { what });
    }
    if s.len() > limit {
        return Err(InvalidId::TooLong {
            what,
            limit,
            unit: "bytes",
        });
    }
    if s.chars().any(char::is_control) {
        return Err(InvalidId::Control { what });
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, |$s:ident| $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses it; the error says what is wrong.
            ///
            /// # Errors
            /// [`InvalidId`], by the limits of this crate.
            pub fn new(s: impl AsRef<str>) -> Result<Self, InvalidId> {
                let $s = s.as_ref();
                $check?;
                Ok(Self(Arc::from($s)))
            }

            /// The text of it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(s: &str) -> Result<Self, InvalidId> {
                Self::new(s)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let s = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::new(s).map_err(de::Error::custom)
            }
        }
    };
}

id! {
    /// A client's name: not empty, at most [`limits::ID_BYTES`] bytes, no control characters.
    Name, |s| check("name", s, false, limits::ID_BYTES)
}
id! {
    /// A group's name; the empty one means "in no group".
    Group, |s| check("group", s, true, limits::ID_BYTES)
}
id! {
    /// A message's id, given by the relay: reads as milliseconds since 1970 in decimal.
    /// Only compared for equality here: another server's mids may have another shape.
    Mid, |s| check("mid", s, false, limits::MID_BYTES)
}
id! {
    /// A sender's own id for a message (section 4): at most [`limits::REF_CHARS`] characters.
    Ref, |s| {
        if s.chars().count() > limits::REF_CHARS {
            Err(InvalidId::TooLong { what: "ref", limit: limits::REF_CHARS, unit: "characters" })
        } else {
            check("ref", s, false, limits::REF_CHARS * 4)
        }
    }
}

impl Group {
    /// The group that means "in no group".
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::from(""))
    }

    /// True for the group that means "in no group".
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Group {
    fn default() -> Self {
        Self::none()
    }
}
