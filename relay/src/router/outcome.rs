//! What the store made of a message: told to its receipt, and in words to its sender.
//!
//! Invariant: a receipt that was opened hears the end of its message, whatever that is; the end of
//! whoever waited for it included.

use std::sync::Arc;

use tidings_protocol::{Name, server};

use super::Router;
use crate::{
    metrics::Why,
    mint::MidNumber,
    receipt,
    store::{Accepted, Lease, Placed, StoreError},
};

/// What there is to say about a message beside its reply.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    /// For the sender to read.
    pub(crate) info: Option<String>,
    /// What went wrong with storing it, if it was not stored.
    pub(crate) failed: Option<StoreError>,
    /// Its recipients were all refused, because too much waits for them.
    pub(crate) all_full: bool,
    /// The `ref` was used before for something else.
    pub(crate) conflict: bool,
    /// What an extension answers.
    pub(crate) answer: Option<server::Packet>,
}

impl Notice {
    /// An answer, or why there is none.
    pub(crate) fn of(answer: Result<server::Packet, StoreError>) -> Self {
        match answer {
            Ok(answer) => Self {
                answer: Some(answer),
                ..Self::default()
            },
            Err(error) => Self {
                info: Some(error.to_string()),
                ..Self::default()
            },
        }
    }
}

/// A message on its way to the store. Whoever drops it early is not listening any more, and its
/// receipt goes too: nothing may stay open for ever.
pub(super) struct OpenReceipt {
    router: Arc<Router>,
    mid: Option<MidNumber>,
    asked_on: Option<Lease>,
}

impl OpenReceipt {
    /// `asked_on` is the connection that a message under a `ref` came by.
    pub(super) fn new(router: Arc<Router>, mid: MidNumber, asked_on: Option<Lease>) -> Self {
        Self {
            router,
            mid: Some(mid),
            asked_on,
        }
    }

    pub(super) fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Brings what the store answered into the receipt; what is left to say is returned.
    pub(super) fn settle(
        mut self,
        accepted: Result<Accepted, StoreError>,
        recipients: &[Name],
    ) -> Notice {
        let Some(mid) = self.mid.take() else {
            return Notice::default();
        };
        let router = &self.router;
        match accepted {
            Ok(Accepted::New(placed)) => {
                let placed = || recipients.iter().zip(&placed);
                let refused: Vec<_> = placed()
                    .filter(|(_, placed)| placed.position().is_none())
                    .map(|(name, _)| name.clone())
                    .collect();
                let full: Vec<_> = placed()
                    .filter(|(_, placed)| **placed == Placed::Full)
                    .map(|(name, _)| name.as_str())
                    .collect();
                if !full.is_empty() {
                    router.metrics.refused(Why::QueueFull);
                }
                let notice = Notice {
                    all_full: !full.is_empty() && full.len() == recipients.len(),
                    info: (!full.is_empty()).then(|| full_text(&full, router)),
                    ..Notice::default()
                };
                router.account(receipt::Input::Stored { mid, refused });
                for (name, placed) in placed() {
                    if let Placed::InPlaceOf(_, before) = placed {
                        router.superseded(*before, name.clone());
                    }
                }
                let waits = |placed: &Placed| placed.position().is_some_and(|p| !p.is_held());
                let queued = placed().filter(|(_, placed)| waits(placed));
                router.queued(queued.map(|(name, _)| name));
                notice
            }
            Ok(Accepted::Duplicate {
                mid: first,
                statuses,
            }) => {
                router.account(receipt::Input::Duplicate {
                    mid,
                    first,
                    statuses,
                });
                Notice::default()
            }
            Ok(Accepted::StoreFull) => self.not_stored(mid, StoreError::Full),
            Ok(Accepted::Conflict) => {
                router.account(receipt::Input::Failed(mid));
                Notice {
                    info: Some(
                        "this ref was used before for another message: choose a new one".to_owned(),
                    ),
                    conflict: true,
                    ..Notice::default()
                }
            }
            Err(error) => self.not_stored(mid, error),
        }
    }

    fn not_stored(&self, mid: MidNumber, error: StoreError) -> Notice {
        let router = &self.router;
        router.metrics.refused(Why::Store);
        // A sender that has come anew sends the message anew, and would take the `no` to this attempt
        // for the word on that one.
        let has_left = |lease| !router.seats.has(lease);
        router.account(if self.asked_on.as_ref().is_some_and(has_left) {
            receipt::Input::Abandoned(mid)
        } else {
            receipt::Input::Failed(mid)
        });
        Notice {
            info: Some(format!("the message was not stored: {error}")),
            failed: Some(error),
            ..Notice::default()
        }
    }
}

impl Drop for OpenReceipt {
    fn drop(&mut self) {
        if let Some(mid) = self.mid.take() {
            self.router.account(receipt::Input::Abandoned(mid));
        }
    }
}

fn full_text(full: &[&str], router: &Router) -> String {
    let bounds = &router.config.bounds;
    // A few names say enough; a frame has a limit.
    let named = full.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let more = full.len().saturating_sub(5);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "refused for {named}{more}: as much as is held for one recipient waits there already \
         ({} messages or {} MiB); send again after it was connected",
        bounds.queue_messages,
        bounds.queue_bytes / (1024 * 1024),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt as _, future::BoxFuture};
    use tidings_protocol::{Group, Message, Ref, Status, Target, client};
    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        Config, MemoryStore,
        push::NoPush,
        router::{Outgoing, ReplyTo, Unsent},
        store::{Registration, Word},
    };

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn outgoing(to: ReplyTo) -> Outgoing {
        Outgoing {
            from: server::From {
                method: server::Method::Http,
                name: Some(name("s")),
            },
            send: client::Send {
                target: Target::Personal(name("r")),
                message: Message::new("a", ""),
                reference: Some(Ref::new("1").unwrap()),
            },
            to,
            wait: Duration::from_secs(5),
            receipts: false,
            by: String::new(),
        }
    }

    fn send(router: &Arc<Router>, to: ReplyTo) -> BoxFuture<'static, Notice> {
        let unsent = Unsent::new(outgoing(to)).unwrap();
        let room = router.room(unsent.bytes()).unwrap();
        router.send(unsent, room).unwrap()
    }

    #[tokio::test]
    async fn a_repeat_is_ok_if_the_message_is_confirmed_while_the_store_answers() {
        let store = Arc::new(MemoryStore::new());
        let router = Router::open(Config::default(), store, Arc::new(NoPush))
            .await
            .unwrap();
        let router = Arc::new(router);
        let registration = Registration {
            name: name("r"),
            group: Group::none(),
        };
        router.register(registration).await.unwrap();
        let (to, first) = oneshot::channel();
        send(&router, ReplyTo::Request(to)).await;
        // This store has answered when the call returns; who sent it hears of it later.
        let (to, again) = oneshot::channel();
        let storing = send(&router, ReplyTo::Request(to));
        let mid = router.store.identity().await.unwrap().highest_mid.unwrap();
        router
            .settle(&name("r"), &mid.to_mid(), Word::Message)
            .await
            .unwrap();
        assert_eq!(first.await.unwrap().status, [(name("r"), Status::Ok)]);
        storing.await;
        // At once: nobody looks for late ones here.
        let again = again.now_or_never().expect("a reply");
        assert_eq!(again.unwrap().status, [(name("r"), Status::Ok)]);
    }

    #[tokio::test]
    async fn a_repeat_on_a_new_connection_is_not_answered_by_the_refusal_of_the_first() {
        let mut config = Config::default();
        config.bounds.store_bytes = 0;
        let store = Arc::new(MemoryStore::new());
        let router = Router::open(config, store, Arc::new(NoPush)).await.unwrap();
        let router = Arc::new(router);
        let (old, _) = router.store.attach(&name("s")).await.unwrap();
        let storing = send(&router, ReplyTo::Client(old));
        let (new, _) = router.store.attach(&name("s")).await.unwrap();
        let seat = router.seats.take(&new, tidings_protocol::Features::NONE);
        storing.await;
        let mut replies = Vec::new();
        assert!(seat.recv(&mut replies).now_or_never().is_none());
        let storing = send(&router, ReplyTo::Client(new));
        storing.await;
        seat.recv(&mut replies).await.unwrap();
        assert!(replies[0].frame.contains("\"no\""), "{replies:?}");
    }
}
