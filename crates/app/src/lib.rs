//! What Tidings does on a desktop, without any face: keeps the inbox, the session with the relay,
//! the notifications, the settings, the secrets and, when asked, a relay of its own.
//!
//! [`App::start`] gives the one thing a face needs: state to watch, events to hear, requests to
//! make. The tray, the control socket and the command line are the agent's; the shapes they all
//! share are in [`types`].
//!
//! A message's way in: session, `flow` (the pure decisions), inbox row, confirmation; beside it
//! the notification. The durable row gates the confirmation, the notification never does.

mod app;
pub mod autostart;
mod board;
#[cfg(all(unix, not(target_os = "macos")))]
mod bus;
mod call;
mod clock;
mod computer;
mod contacts;
pub mod direct;
pub mod doctor;
mod export;
mod extra;
mod flow;
mod folders;
mod http;
mod hub;
mod inbox;
mod keeping;
mod line;
pub mod notifier;
mod outgoing;
mod picture;
mod post;
mod quiet;
mod reception;
mod secrets;
mod settings;
mod setup;
mod text;
pub mod types;
pub mod vault;
mod wait;
mod words;
mod world;
mod writing;

pub use app::{App, Parts, StartError};
pub use export::line as export_line;
pub use folders::{CONFIG_VARIABLE, DATA_VARIABLE, FolderError, Folders};
pub use inbox::InboxError;
pub use settings::SettingsError;
pub use text::short as short_line;
pub use types::{Event, Failure};
