//! The relay as programs see it that were made for something else: gotify, ntfy, PushDeer, webhooks,
//! mail. Their answers against what those servers publish, their recorded requests, the real
//! Apprise, every recipe of the manual, and what nobody should send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod apprise;
mod dialects;
mod flat;

mod hostile;
mod house;
mod manual;
mod operating;

mod published;
mod recorded;

#[path = "../it/support.rs"]
#[allow(dead_code, reason = "the other tests of the relay need more of it")]
mod support;
