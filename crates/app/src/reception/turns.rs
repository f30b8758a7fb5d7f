//! What a turn of the world means for lines and notifications: the sessions test their lines, and what
//! a sleep kept away is told in one.

use super::{Reception, now};
use crate::flow::Input;
use crate::types::RelayId;
use crate::world::Turn;

impl Reception {
    pub(super) async fn turn(&mut self, turn: Turn) {
        match turn {
            // The lines are left alone: a relay that is told goodbye would find nobody for what it has,
            // and one that is not finds out by itself.
            Turn::Sleeps => self.decide(Input::Sleeps).await,
            Turn::Woke => {
                for line in self.members.lines() {
                    line.slept = true;
                    line.handle.probe();
                }
                self.decide(Input::Woke).await;
            }
            Turn::NetworkChanged => {
                for line in self.members.lines() {
                    line.handle.probe();
                }
            }
        }
    }

    /// A line stood its test: what it brings from now on is what was missed, after a sleep.
    pub(super) fn answered(&mut self, relay: &RelayId) {
        let line = self.members.get(relay).and_then(|m| m.line.as_mut());
        if line.is_some_and(|line| std::mem::take(&mut line.slept)) {
            self.flow.handle(Input::Back, now());
        }
    }
}
