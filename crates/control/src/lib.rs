//! The local API between the agent and its faces: the tray, the windows and the command line.
//!
//! A face connects to a socket that only its owner may open ([`path`]), sends [`Request`]s and
//! gets one [`Answer`] or [`Failure`] for each, by number; after [`Request::Subscribe`] it also
//! gets [`Event`]s. One JSON document a line.
//!
//! This crate owns the shapes, the socket's place and both of its ends. It decides nothing: the
//! agent does. Its types are the border: neither the wire's packets nor SQLite's rows pass it, and
//! no token ever travels from the agent to a face, but for [`Request::Token`], which the command
//! line alone sends.
//!
//! Invariants: an answer carries its request's number; a line is at most [`LINE_BYTES`]; a peer of
//! another user is turned away before a byte is read.

mod answer;
mod client;
mod computer;
mod doctor;
mod frame;
mod list;
mod message;
mod relay;
mod request;
mod sent;
mod server;
mod status;
mod words;

pub use answer::*;
pub use client::{Client, ClientError, Events};
pub use computer::*;
pub use doctor::*;
pub use list::*;
pub use message::*;
pub use relay::*;
pub use request::*;
pub use sent::*;
pub use server::{Face, ListenError, Listener, Peer, Right};
pub use status::*;
pub use words::{Tongue, Words};

use std::path::PathBuf;

/// Bytes of one line. The longest is a message's body, bounded by the wire's frame of 1 MiB, which
/// JSON escapes at worst sixfold.
pub const LINE_BYTES: usize = 8 * 1024 * 1024;

/// Where the socket is: `$TIDINGS_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/tidings`, else a folder of
/// the user's own under the temporary one; in it `control.sock`.
#[must_use]
pub fn path() -> PathBuf {
    runtime_folder().join("control.sock")
}

/// The folder of the socket and of the agent's lock.
#[must_use]
pub fn runtime_folder() -> PathBuf {
    let set = |key: &str| {
        std::env::var_os(key)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set("TIDINGS_RUNTIME_DIR")
        .or_else(|| Some(set("XDG_RUNTIME_DIR")?.join("tidings")))
        .unwrap_or_else(|| {
            let user = std::env::var("USER").unwrap_or_else(|_| "user".to_owned());
            std::env::temp_dir().join(format!("tidings-{user}"))
        })
}
