//! The Tidings relay: accepts messages, keeps them until they are confirmed, and brings them to
//! their recipients.
//!
//! One port serves both faces of the protocol: WebSocket upgrades on every path, and HTTP requests
//! of scripts. [`Hub::open`] takes a [`Config`] and a [`Store`]; [`serve`] takes the hub and any
//! [`Listener`]. The library starts no thread but the store's, sets up no log, and keeps no global
//! state, so that the desktop agent can carry a relay inside.
//!
//! The rooms, from the wire inwards: `server` (listener, upgrade, shutdown) with `tls` and `peers`
//! (who is at the other end, and how many), `connection` (one socket) and `http` (one request), `auth`
//! and `tokens` (who may come in, and what for), `router` (from a sender to the store and back), the pure
//! [`delivery`] (what to send to a recipient, when again), [`receipt`] (what a sender is told) and [`reminding`],
//! and the [`store`].
//!
//! Invariants: a message is promised to nobody before it is durable; a recipient whose confirmation
//! is durable is never sent the message again; every MESSAGE is answered by one MESSAGE_REPLY.

mod auth;
mod config;
mod connection;
pub mod delivery;
mod dialect;
mod directory;
mod frame;
mod http;
mod hub;
mod metrics;
mod mint;
mod pace;
mod peers;
pub mod push;
pub mod receipt;
mod registry;
pub mod reminding;
mod router;
mod seats;
mod server;
pub mod store;
mod tls;
mod tokens;

pub use config::{Bounds, Clock, Config, InvalidToken, Timing, Token};
pub use dialect::{Dialect, Dialects, UnknownDialect};
pub use frame::{Frame, TooLarge};
pub use hub::Hub;
pub use ipnet::IpNet;
pub use mint::MidNumber;
pub use push::{NoPush, Push, WebPush, WebPushError, WebPushOptions};
pub use server::{Listener, serve, serve_tls};
pub use store::{Durability, MemoryStore, OpenError, SqliteStore, Store, StoreError};
pub use store::{InspectError, KnownClient, RelayFile, WaitingMessage, forget_client};
pub use tls::{Tls, TlsError, TlsFiles};
pub use tokens::{Destination, NamedToken, Rights, Scope, TOKENS_AT_MOST, TokensError, TokensFile};
