//! The language that Tidings speaks: the JSON-over-WebSocket push protocol of mpush, version 2.1.
//!
//! The conversation. A client opens a WebSocket and sends [`client::Packet::Auth`]; nothing else is
//! answered before the server's [`server::Packet::Auth`] says 200. From then on the server sends
//! `MESSAGE` packets, each of which the client confirms with `MESSAGE_CALLBACK` (unconfirmed ones
//! are sent again), and the client may send `MESSAGE` packets of its own, each answered by exactly
//! one `MESSAGE_REPLY` with a [`Status`] per recipient. `PING` is answered by `PONG`; `INFO` carries
//! a notice for people. Every packet is one text frame: `{"cmd": .., "data": ..}`.
//!
//! This crate owns the shapes, the validated identifiers, the codec and the limits. It knows no
//! socket, no clock and no store.
//!
//! Invariants: decoding never panics and accepts what deployed peers send (unknown commands and
//! statuses, `"data":""`, numeric mids, odd `extra`); what [`encode`](server::Packet::encode)
//! writes, decoding reads back equal; a [`Name`] is never empty.

pub mod client;
pub mod close;
mod decode;
mod extensions;
mod ids;
pub mod limits;
mod message;
pub mod server;
mod status;

pub use decode::DecodeError;
pub use extensions::{
    Cancel, Cancelled, Change, Directory, Feature, Features, Held, Known, Receipt, Reminder,
    Report, Reported, Scheduled, State,
};
pub use ids::{Group, InvalidId, Mid, Name, Ref};
pub use message::{Message, Target};
pub use status::{Status, Statuses};
