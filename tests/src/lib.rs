//! The rig: a desktop to test on, without a screen.
//!
//! Every test gets a home, a D-Bus, a notification daemon and a tray host of its own, and where it
//! looks at windows a display too; the agent and its window are the real programs. Daemon and host
//! are fakes that misbehave on command, since the real ones cannot be asked to hang.
//!
//! This library owns what surrounds the programs. It asserts nothing about Tidings: tests do.
//!
//! Invariants: nothing of a rig outlives it (process groups are killed and the home swept); two
//! rigs never meet (no fixed ports, no shared folders); no wait is without a deadline, and one that
//! passes says what was awaited.

pub mod agent;
pub mod bus;
pub mod desk;
pub mod desktop;
pub mod display;
pub mod home;
pub mod http;
pub mod keyring;
pub mod logind;
pub mod memory;
pub mod monitor;
pub mod notifications;
pub mod peer;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod relay;
pub mod rig;
pub mod scripted;
pub mod tray;
pub mod wait;
pub mod window;

pub use rig::{Rig, test};
