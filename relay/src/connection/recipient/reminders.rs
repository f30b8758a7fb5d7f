//! A client's reminders: feeds the pure [`Reminding`] from the store, and asks the store for each one that is
//! due whether it still is to be sent, which others may have settled meanwhile.

use tidings_protocol::Feature;
use tokio::time::Instant;

use super::{Asking, Recipient};
use crate::{
    mint::MidNumber,
    store::{Nagging, StoreError, ToRemind},
};

impl Recipient {
    /// The client says anew whether it wants any.
    pub(super) fn list_reminders(&mut self) {
        if !self.listed.has(Feature::Ack) {
            self.reminding = None;
            (self.reading_reminders, self.asking) = (None, None);
        } else if self.reminding.is_none() {
            self.reminding = Some(Box::default());
            self.look_for_reminders();
        }
    }

    /// The store has others than it had.
    pub(super) fn look_for_reminders(&mut self) {
        if let Some(reminding) = &mut self.reminding
            && reminding.look()
        {
            self.reading_reminders = Some(self.router.store.reminders(&self.name));
        }
    }

    pub(super) fn have_reminders(&mut self, answer: Result<Vec<Nagging>, StoreError>) {
        let Some(reminding) = &mut self.reminding else {
            return;
        };
        let now = Instant::now().into_std();
        let again = match answer {
            Ok(all) => reminding.have(&all, self.router.config.clock.now_ms(), now),
            Err(error) => {
                // Those that are known go on; all are read on the next connection.
                tracing::warn!(client = %self.name, %error, "cannot read the client's reminders");
                reminding.have_none()
            }
        };
        if again {
            self.reading_reminders = Some(self.router.store.reminders(&self.name));
        }
    }

    pub(super) fn next_reminder(&self) -> Option<std::time::Instant> {
        // One at a time.
        let reminding = self.reminding.as_ref().filter(|_| self.asking.is_none());
        reminding.and_then(|reminding| reminding.poll_timeout())
    }

    /// Time has passed; `blocked` while the client has not taken what was sent to it: it is not reminded.
    pub(super) fn ask_for_reminders(&mut self, blocked: bool) {
        let Some(reminding) = self.reminding.as_mut().filter(|_| self.asking.is_none()) else {
            return;
        };
        let now = Instant::now().into_std();
        while let Some((mid, number)) = reminding.next_due(now) {
            if !blocked {
                let answer = self.router.store.to_remind(&self.name, mid);
                self.asking = Some(Asking {
                    mid,
                    number,
                    answer,
                });
                return;
            }
        }
    }

    /// What the store says of one that is due.
    pub(super) fn remind(
        &mut self,
        mid: MidNumber,
        number: u64,
        answer: Result<Option<ToRemind>, StoreError>,
    ) {
        match answer {
            Ok(Some(ToRemind { frame, reference })) => {
                let reference = reference.filter(|_| self.listed.has(Feature::Ref));
                let frame = frame.reminder(reference.as_ref(), number);
                self.router.metrics.reminders.inc();
                self.frames.extend(frame);
            }
            Ok(None) => {
                if let Some(reminding) = &mut self.reminding {
                    reminding.forget(mid);
                }
            }
            Err(error) => {
                tracing::warn!(client = %self.name, %error, "cannot read what to remind of");
            }
        }
        self.ask_for_reminders(false);
    }
}

/// Waits for the store's answer, if one is awaited. Cancel safe.
pub(super) async fn asked(
    slot: &mut Option<Asking>,
) -> (MidNumber, u64, Result<Option<ToRemind>, StoreError>) {
    match slot {
        Some(asking) => {
            let answer = (&mut asking.answer).await;
            let (mid, number) = (asking.mid, asking.number);
            *slot = None;
            (mid, number, answer)
        }
        None => std::future::pending().await,
    }
}
