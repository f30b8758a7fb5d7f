//! The notifier of machines without a desktop session: servers, terminals, containers. Messages
//! count as raised, as nobody waits for a notification there; the log says that one came, never
//! what it holds.

use tokio::sync::mpsc;

use super::{BoxFuture, News, Notice, Notifier, RaiseError};

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
        _news: &'a mpsc::Sender<News>,
    ) -> BoxFuture<'a, Result<(), RaiseError>> {
        match notice.message {
            Some(id) => tracing::info!(id, "a message came"),
            None => tracing::info!("messages came"),
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
