//! What recipients say of messages beside confirming them in their turn: by HTTP, by a push, by a report.

use tidings_protocol::{Change, Mid, Name, Report, Status};

use super::Router;
use crate::{
    mint::MidNumber,
    store::{Confirmed, Said, StoreError, Word, in_time},
};

impl Router {
    /// Confirms a message on the word of its recipient that came by another way than its delivery. A
    /// mid that is not one of its waiting messages is ignored.
    pub(crate) async fn settle(
        &self,
        name: &Name,
        mid: &Mid,
        word: Word,
    ) -> Result<(), StoreError> {
        if let Some(mid) = MidNumber::parse(mid)
            && in_time(
                self.store
                    .settle(name, mid, word, self.config.clock.now_ms()),
            )
            .await?
                == Confirmed::Done
        {
            match word {
                Word::Message => self.confirmed(name, [mid]),
                Word::Push => self.confirmed_as(name, [mid], &Status::PushConfirmed),
            }
        }
        Ok(())
    }

    /// A recipient says what became of a message; what is to be answered once that is durable. A report
    /// on what was not the client's changes nothing, and is answered too, so that it is not repeated.
    pub(crate) async fn report(&self, name: &Name, report: Report) -> Result<Change, StoreError> {
        let state = report.state.state();
        if let Some(mid) = MidNumber::parse(&report.mid) {
            let said = Said {
                state: report.state,
                note: report.note,
                at_ms: self.config.clock.now_ms(),
            };
            let counted = in_time(self.store.report(name, mid, said)).await?;
            if counted.is_some_and(|counted| counted.confirmed) {
                self.confirmed(name, [mid]);
            }
        }
        Ok(Change {
            mid: report.mid,
            name: name.clone(),
            state,
        })
    }
}
