//! The relay from outside: its store's promises, its two faces over real sockets, what it does with
//! what it should not get, and its binary under SIGKILL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod base_bytes;
mod crowd;
mod delay;
mod directory;
mod expiring;
mod hostile;
mod http;
mod keys;
mod limits;
mod odd_http;
mod operating;
mod paused;
mod process;
mod push_service;
mod raw_socket;
mod receipts;
mod reminders;
mod room;
mod section3;
mod slow_store;
mod store;
mod store_file;
mod store_held;
mod store_push;
mod store_receipts;
mod support;
mod tls;
mod webpush;
mod websocket;
