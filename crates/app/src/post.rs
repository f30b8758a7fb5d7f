//! What happens to a message that goes out: queued in the inbox, handed to the session in order as
//! the relay takes them, recorded when its outcome is known. Pure.
//!
//! Owns how many are in hand at once and whether more may be waiting; the rows are the inbox's, the
//! pairing of replies the session's.
//!
//! Invariants: nothing is handed over while offline; at most a window is in hand; while online and
//! below the window, either nothing is queued that is due, or the inbox has been asked.

use std::collections::BTreeSet;

use tidings_control::Words;
use tidings_session::Outcome;

use crate::types::{MessageId, Progress};

/// In hand at once with a relay that knows `ref`: as many as the session has outstanding.
const WINDOW: usize = 16;

/// With a relay that does not: one, so that one at most is of unknown fate after a crash.
const WINDOW_PLAIN: usize = 1;

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Post {
    line: Line,
    in_hand: BTreeSet<MessageId>,
    more: bool,
    next_due: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Down,
    Up {
        by_ref: bool,
        holds: bool,
    },
}

impl Post {
    /// Messages may go out; `by_ref` if relay and session know `ref`, `holds` if the relay keeps what is
    /// not due yet.
    pub(crate) fn online(&mut self, by_ref: bool, holds: bool) {
        self.line = Line::Up { by_ref, holds };
        self.more = true;
    }

    /// They may not.
    pub(crate) fn offline(&mut self) {
        self.line = Line::Down;
    }

    /// A message was queued.
    pub(crate) fn queued(&mut self) {
        self.more = true;
    }

    /// Whether a repeat of what is handed over now would be recognised by the relay.
    pub(crate) fn by_ref(&self) -> bool {
        matches!(self.line, Line::Up { by_ref: true, .. })
    }

    /// Whether what is not due yet is handed over too.
    pub(crate) fn holds(&self) -> bool {
        matches!(self.line, Line::Up { holds: true, .. })
    }

    /// When something is due that is kept here until then, in milliseconds since 1970; none while offline.
    pub(crate) fn next_due(&self) -> Option<u64> {
        match self.line {
            Line::Up { .. } => self.next_due,
            Line::Down => None,
        }
    }

    /// How many to take from the queue now; none where there is nothing to do.
    pub(crate) fn wanted(&self) -> Option<usize> {
        let window = match self.line {
            Line::Down => return None,
            Line::Up { by_ref: true, .. } => WINDOW,
            Line::Up { by_ref: false, .. } => WINDOW_PLAIN,
        };
        let room = window.saturating_sub(self.in_hand.len());
        (self.more && room > 0).then_some(room)
    }

    /// The queue gave so many of those wanted, and when the next one is due that it keeps back.
    pub(crate) fn given(&mut self, wanted: usize, given: usize, next_due: Option<u64>) {
        self.next_due = next_due;
        self.more = given >= wanted;
    }

    /// The session has it.
    pub(crate) fn handed(&mut self, id: MessageId) {
        self.in_hand.insert(id);
    }

    /// The session would not take it now; it stays queued until something changes.
    pub(crate) fn not_taken(&mut self) {
        self.more = false;
    }

    /// The session is done with it; how far it came.
    pub(crate) fn ended(&mut self, id: MessageId, outcome: &Outcome) -> Progress {
        self.in_hand.remove(&id);
        self.more = true;
        match outcome {
            Outcome::Replied(_) => Progress::Answered,
            Outcome::Unknown => Progress::Unknown,
            // Queued for the same relay, which knows a repeat of what is pending.
            Outcome::NotSent | Outcome::Pending => Progress::Queued,
            Outcome::TooLarge { bytes, limit } => Progress::Failed {
                reason: Words::new(
                    format!(
                        "The message is too long ({bytes} bytes; the relay takes {limit}). Shorten it and send it again."
                    ),
                    format!(
                        "消息过长（{bytes} 字节，中继最多接收 {limit} 字节）。请缩短后重新发送。"
                    ),
                ),
            },
        }
    }

    /// The session has ended; true if it left something in hand without an outcome.
    pub(crate) fn dropped(&mut self) -> bool {
        self.line = Line::Down;
        !std::mem::take(&mut self.in_hand).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(post: &mut Post, queue: &mut Vec<MessageId>) -> Vec<MessageId> {
        let mut taken = Vec::new();
        while let Some(wanted) = post.wanted() {
            let given: Vec<_> = queue.drain(..queue.len().min(wanted)).collect();
            post.given(wanted, given.len(), None);
            for id in given {
                post.handed(id);
                taken.push(id);
            }
        }
        taken
    }

    #[test]
    fn what_is_queued_waits_for_the_line_and_then_goes_in_order_a_window_at_a_time() {
        let mut queue: Vec<MessageId> = (1..=20).collect();
        let mut post = Post::default();
        post.queued();
        assert_eq!(post.wanted(), None);
        post.online(true, false);
        assert!(post.by_ref());
        assert_eq!(take(&mut post, &mut queue), (1..=16).collect::<Vec<_>>());
        assert_eq!(post.ended(1, &Outcome::Unknown), Progress::Unknown);
        assert_eq!(take(&mut post, &mut queue), [17]);
        post.offline();
        post.ended(2, &Outcome::NotSent);
        assert_eq!(post.ended(3, &Outcome::Pending), Progress::Queued);
        assert_eq!(post.wanted(), None);
    }

    #[test]
    fn a_relay_without_ref_gets_one_at_a_time() {
        let mut queue: Vec<MessageId> = vec![1, 2];
        let mut post = Post::default();
        post.online(false, false);
        assert!(!post.by_ref());
        assert_eq!(take(&mut post, &mut queue), [1]);
        assert_eq!(post.ended(1, &Outcome::NotSent), Progress::Queued);
        assert_eq!(take(&mut post, &mut queue), [2]);
    }

    #[test]
    fn an_empty_queue_is_asked_once_and_again_when_something_was_written() {
        let mut post = Post::default();
        post.online(true, false);
        assert!(take(&mut post, &mut Vec::new()).is_empty());
        assert_eq!(post.wanted(), None);
        post.queued();
        assert_eq!(take(&mut post, &mut vec![1]), [1]);
    }

    #[test]
    fn what_is_kept_until_it_is_due_is_waited_for_while_online() {
        let mut post = Post::default();
        post.online(true, false);
        let wanted = post.wanted().unwrap();
        post.given(wanted, 0, Some(99));
        assert_eq!((post.wanted(), post.next_due()), (None, Some(99)));
        post.offline();
        assert_eq!(post.next_due(), None);
        post.online(true, true);
        assert!(post.holds());
        let wanted = post.wanted().unwrap();
        post.given(wanted, 0, None);
        assert_eq!(post.next_due(), None);
    }

    #[test]
    fn what_was_in_hand_when_the_session_went_is_not_waited_for() {
        let mut post = Post::default();
        post.online(true, false);
        take(&mut post, &mut vec![1, 2]);
        assert!(post.dropped());
        assert!(!post.dropped());
        assert_eq!(post.wanted(), None);
    }

    #[test]
    fn a_message_too_long_says_so() {
        let mut post = Post::default();
        let (bytes, limit) = (2_000_000, 1_048_576);
        let Progress::Failed { reason } = post.ended(1, &Outcome::TooLarge { bytes, limit }) else {
            panic!("failed")
        };
        assert!(reason.contains("Shorten it"), "{reason}");
    }
}
