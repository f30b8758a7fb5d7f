//! The notifier of machines without a desktop session: servers, terminals, containers. Messages
//! count as raised, as nobody waits for a notification there; the log says that one came, never
//! what it holds.

use tokio::sync::mpsc;

use super::{BoxFuture, Notice, Notifier, RaiseError};
use crate::types::MessageId;

/// Raises nothing, and says so in the log.
#[derive(Debug, Default)]
pub struct Silent;

impl Silent {
    /// There is nothing to prepare.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Notifier for Silent {
    fn raise<'a>(
        &'a self,
        notice: Notice,
        _clicks: &'a mpsc::Sender<MessageId>,
    ) -> BoxFuture<'a, Result<(), RaiseError>> {
        tracing::info!(id = notice.message, "a message came");
        Box::pin(std::future::ready(Ok(())))
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}
