//! The status that faces watch, put together from what the parts report. Owns the one value and the
//! rule that each part has at most one problem; knows none of the parts.

use tidings_control::Words;
use tokio::sync::watch;

use crate::types::{Connection, Extension, Part, Problem, Quiet, RelayId, Status};

/// Writes the status. Cheap to clone; whoever watches is woken only by a change.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    status: watch::Sender<Status>,
}

impl Board {
    pub(crate) fn new() -> Self {
        let status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            relays: Vec::new(),
            hosted: None,
            unread: 0,
            quiet: Quiet::default(),
            problems: Vec::new(),
        };
        Self {
            status: watch::Sender::new(status),
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }

    /// Reports how the session with a relay stands; of one that was left, nothing.
    pub(crate) fn connection(&self, relay: &RelayId, connection: Connection) {
        self.update(|status| {
            let of = status.relays.iter_mut().find(|of| of.id == *relay);
            if let Some(of) = of {
                of.connection = connection;
            }
        });
    }

    /// Reports what a relay speaks beyond the base protocol.
    pub(crate) fn extensions(&self, relay: &RelayId, extensions: Vec<Extension>) {
        self.update(|status| {
            let of = status.relays.iter_mut().find(|of| of.id == *relay);
            if let Some(of) = of {
                of.extensions = extensions;
            }
        });
    }

    /// Reports what is wrong with a part, or that nothing is.
    pub(crate) fn problem(&self, part: Part, message: Option<Words>) {
        self.update(|status| {
            let at = status.problems.iter().position(|p| p.part == part);
            match (at.and_then(|at| status.problems.get_mut(at)), message) {
                (Some(problem), Some(message)) => problem.message = message,
                (Some(_), None) => status.problems.retain(|p| p.part != part),
                (None, Some(message)) => status.problems.push(Problem { part, message }),
                (None, None) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_problem_at_most_and_watchers_wake_for_changes_only() {
        let board = Board::new();
        let mut watch = board.watch();
        board.problem(Part::Disk, Some(Words::foreign("full")));
        assert!(watch.has_changed().unwrap());
        watch.mark_unchanged();
        board.problem(Part::Disk, Some(Words::foreign("full")));
        board.problem(Part::Secrets, None);
        assert!(!watch.has_changed().unwrap());
        board.problem(Part::Disk, Some(Words::foreign("read-only")));
        assert_eq!(watch.borrow_and_update().problems.len(), 1);
        board.problem(Part::Disk, None);
        assert!(board.status().problems.is_empty());
    }
}
