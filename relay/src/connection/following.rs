//! A client that follows the directory: what it is told, and when.
//!
//! Invariants: the first packet, and the first after its rights changed, says that what was known before
//! does not count; a packet that promises another is followed by one; changes wait until the client has
//! taken everything, so that a slow one is told the newest state and no history.

use std::time::Duration;

use tidings_protocol::{Directory, Target, server};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::Instant,
};

use super::{Connection, socket::Overflown};

/// Clients looked at for one packet: 300 KB at the longest names.
const AT_ONCE: usize = 512;
/// A client that is busy taking what it was sent is looked at again after this.
const AGAIN: Duration = Duration::from_millis(100);

pub(super) struct Following {
    published: watch::Receiver<u64>,
    seen: u64,
    /// What it knows does not count.
    reset: bool,
    /// The last packet promised another.
    promised: bool,
    /// There is something to tell.
    due: bool,
    again: Option<Instant>,
}

impl Following {
    pub(super) fn new(published: watch::Receiver<u64>) -> Self {
        Self {
            published,
            seen: 0,
            reset: true,
            promised: false,
            due: true,
            again: None,
        }
    }

    /// Tells everything anew.
    pub(super) fn restart(&mut self) {
        (self.seen, self.reset, self.due) = (0, true, true);
    }

    /// When to look again.
    pub(super) fn again(&self) -> Option<Instant> {
        self.again
    }
}

/// Waits for news. Cancel safe.
pub(super) async fn news(following: &mut Option<Following>) {
    match following {
        Some(following) if !following.due => {
            if following.published.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            following.due = true;
        }
        _ => std::future::pending().await,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Tells the client what it has not been told, as far as it takes it.
    pub(super) fn tell_directory(&mut self) -> Result<(), Overflown> {
        let (Some(following), Some(access)) = (&mut self.following, &self.access) else {
            return Ok(());
        };
        following.again = None;
        while following.due {
            let is_list = following.reset || following.promised;
            let takes = if is_list {
                self.socket.has_room()
            } else {
                !self.socket.is_blocked()
            };
            if !takes {
                following.again = Some(Instant::now() + AGAIN);
                return Ok(());
            }
            if following.seen == 0 {
                // What changes from here on is told again.
                following.published.mark_unchanged();
            }
            let directory = &self.router.directory;
            let news = directory.news(following.seen, AT_ONCE, |name| {
                access.may_send(&Target::Personal(name.clone())).is_ok()
            });
            following.seen = news.to;
            following.due = news.more;
            if news.clients.is_empty() && !is_list {
                continue;
            }
            let packet = server::Packet::Directory(Directory {
                reset: std::mem::take(&mut following.reset),
                more: news.more,
                clients: news.clients,
            });
            following.promised = news.more;
            self.socket.push(packet.encode().into())?;
        }
        Ok(())
    }
}
