//! What a turn of the world means for lines and notifications: the sessions test their lines, and what
//! a sleep kept away is told in one.

use super::{Reception, now};
use crate::flow::Input;
use crate::world::Turn;

impl Reception {
    pub(super) async fn turn(&mut self, turn: Turn) {
        match turn {
            // The lines are left alone: a relay that is told goodbye would find nobody for what it has,
            // and one that is not finds out by itself.
            Turn::Sleeps => self.decide(Input::Sleeps).await,
            Turn::Woke => {
                if let Some(line) = &mut self.line {
                    line.slept = true;
                    line.handle.probe();
                }
                self.decide(Input::Woke).await;
            }
            Turn::NetworkChanged => {
                if let Some(line) = &self.line {
                    line.handle.probe();
                }
            }
        }
    }

    /// A line stood its test: what it brings from now on is what was missed, after a sleep.
    pub(super) fn answered(&mut self) {
        if self
            .line
            .as_mut()
            .is_some_and(|line| std::mem::take(&mut line.slept))
        {
            self.flow.handle(Input::Back, now());
        }
    }
}
