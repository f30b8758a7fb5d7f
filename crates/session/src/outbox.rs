//! What was given to be sent, from then until its outcome. Owns the order, the pairing of replies
//! and their deadlines; writes nothing itself.
//!
//! A MESSAGE_REPLY of the base protocol does not say what it replies to, so without `ref` one
//! MESSAGE is outstanding at a time. With `ref` up to [`WINDOW`] are, and those that were when the
//! connection broke go again on the next, in their order: the relay knows them by their `ref`.
//! Without, sending again might double a message, so its outcome is unknown and the caller decides.
//!
//! A reply that is late puts the connection in doubt, not the message: the caller tests the line,
//! which ends a dead one. If it is well, the relay has the message by now and gets as long again to
//! reply; then the line is tested once more, as the reply may have been lost with it. Only what that
//! second answer overtakes is of unknown outcome. On one connection nothing is sent twice, as others
//! would be overtaken.
//!
//! A reply to a message already given up may still come, even on the next connection: the reference
//! sends it to whoever has the name then. Such strays are remembered for a while. A reply that could
//! be a stray's or the current message's is kept as a candidate: if another follows, the first was
//! the stray's (one recipient's replies come in order); if none does, it was the current one's.
//!
//! Invariants: entries leave in the order they came; nothing leaves twice unless both times under a
//! `ref` the relay understands; every entry ends in exactly one outcome; while online, everything
//! outstanding has a deadline or waits for the test of the line.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tidings_protocol::client::{Packet, Send};
use tidings_protocol::server::Reply;
use tidings_protocol::{Target, limits};

use crate::event::{Outcome, SendId};

/// Messages held here at most. Whoever sends keeps them until their outcome anyway; this is only
/// enough to keep a window full.
pub(crate) const CAPACITY: usize = 64;

/// Messages outstanding at once, with `ref`. Fills a link of 100 ms at 160 messages a second.
pub(crate) const WINDOW: usize = 16;

/// How long a reply may take before the line is tested, and then again before it is given up: a
/// relay waits 5 s for the recipient by default before it says `wait`.
pub(crate) const REPLY: Duration = Duration::from_secs(10);

/// How long the reply to a message given up is expected.
const STRAY: Duration = Duration::from_secs(60);

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Entry>,
    outstanding: VecDeque<Outstanding>,
    strays: VecDeque<Stray>,
    line: Line,
}

/// What the connection allows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Down,
    Up {
        by_ref: bool,
    },
}

#[derive(Debug)]
struct Entry {
    id: SendId,
    send: Send,
    /// It left on an earlier connection, under its `ref`.
    left: bool,
}

#[derive(Debug)]
struct Outstanding {
    entry: Entry,
    by_ref: bool,
    patience: Patience,
    candidate: Option<Reply>,
}

/// How long its reply is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Until then; after that the line is tested.
    First(Instant),
    /// Until it is known whether the relay has the message at all.
    Testing,
    /// It has: until then, and then the line is tested again.
    Last(Instant),
    /// Until it is known that no reply was lost on the way.
    TestingAgain,
}

#[derive(Debug)]
struct Stray {
    target: Target,
    until: Instant,
}

/// An entry's end.
pub(crate) type Ended = (SendId, Outcome);

impl Outbox {
    /// True while there is room for another.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() + self.outstanding.len() < CAPACITY
    }

    /// Takes a message, or ends it at once.
    pub(crate) fn push(&mut self, id: SendId, send: Send) -> Option<Ended> {
        if !self.has_room() {
            return Some((id, Outcome::NotSent));
        }
        let bytes = encode(&send, true).len();
        if bytes > limits::FRAME_BYTES {
            let limit = limits::FRAME_BYTES;
            return Some((id, Outcome::TooLarge { bytes, limit }));
        }
        self.waiting.push_back(Entry {
            id,
            send,
            left: false,
        });
        None
    }

    /// The relay said yes; `by_ref` if both sides know `ref`.
    pub(crate) fn online(&mut self, by_ref: bool) -> Vec<Ended> {
        self.line = Line::Up { by_ref };
        if by_ref {
            return Vec::new();
        }
        // They left under a `ref` that this relay would not recognise.
        let (left, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|entry| entry.left);
        self.waiting = kept;
        left.into_iter()
            .map(|entry| (entry.id, Outcome::Unknown))
            .collect()
    }

    /// The connection is gone: what left under a `ref` goes again, the other outcome is unknown.
    pub(crate) fn offline(&mut self, now: Instant) -> Vec<Ended> {
        self.line = Line::Down;
        let mut ended = Vec::new();
        for mut outstanding in std::mem::take(&mut self.outstanding).into_iter().rev() {
            if outstanding.by_ref {
                outstanding.entry.left = true;
                self.waiting.push_front(outstanding.entry);
            } else {
                // A candidate proves nothing here: its own reply may only have been cut off.
                ended.push(self.give_up(outstanding, now));
            }
        }
        ended
    }

    /// The session ends: everything still here gets its outcome.
    pub(crate) fn stop(&mut self, now: Instant) -> Vec<Ended> {
        let mut ended = self.offline(now);
        ended.extend(self.waiting.drain(..).map(|entry| {
            let outcome = if entry.left {
                Outcome::Pending
            } else {
                Outcome::NotSent
            };
            (entry.id, outcome)
        }));
        ended
    }

    /// The next frame that may leave now.
    pub(crate) fn next(&mut self, now: Instant) -> Option<String> {
        let Line::Up { by_ref } = self.line else {
            return None;
        };
        let by_ref = by_ref && self.waiting.front()?.send.reference.is_some();
        let free = if by_ref {
            self.outstanding.len() < WINDOW && self.outstanding.iter().all(|o| o.by_ref)
        } else {
            self.outstanding.is_empty()
        };
        if !free {
            return None;
        }
        let entry = self.waiting.pop_front()?;
        let frame = encode(&entry.send, by_ref);
        self.outstanding.push_back(Outstanding {
            entry,
            by_ref,
            patience: Patience::First(now + REPLY),
            candidate: None,
        });
        Some(frame)
    }

    /// A reply came.
    pub(crate) fn reply(&mut self, reply: Reply, now: Instant) -> Option<Ended> {
        if reply.reference.is_some() {
            let at = self
                .outstanding
                .iter()
                .position(|o| o.by_ref && o.entry.send.reference == reply.reference)?;
            let outstanding = self.outstanding.remove(at)?;
            return Some((outstanding.entry.id, Outcome::Replied(reply)));
        }
        self.strays.retain(|stray| now < stray.until);
        let stray = self.strays.iter().position(|s| fits(&reply, &s.target));
        let current = self
            .outstanding
            .front_mut()
            .filter(|o| !o.by_ref && fits(&reply, &o.entry.send.target));
        match (stray, current) {
            (Some(at), current) => {
                self.strays.remove(at);
                if let Some(current) = current {
                    current.candidate = Some(reply);
                }
                None
            }
            (None, Some(_)) => {
                let outstanding = self.outstanding.pop_front()?;
                Some((outstanding.entry.id, Outcome::Replied(reply)))
            }
            (None, None) => None,
        }
    }

    /// What is due at `now`: entries that ended, and whether the line has to be tested.
    pub(crate) fn expire(&mut self, now: Instant) -> (bool, Vec<Ended>) {
        let (mut doubt, mut ended) = (false, Vec::new());
        for mut outstanding in std::mem::take(&mut self.outstanding) {
            let testing = match outstanding.patience {
                Patience::First(at) if now >= at => Patience::Testing,
                Patience::Last(at) if now >= at => Patience::TestingAgain,
                _ => {
                    self.outstanding.push_back(outstanding);
                    continue;
                }
            };
            if let Some(reply) = outstanding.candidate.take() {
                ended.push((outstanding.entry.id, Outcome::Replied(reply)));
            } else {
                doubt = true;
                outstanding.patience = testing;
                self.outstanding.push_back(outstanding);
            }
        }
        (doubt, ended)
    }

    /// The line was tested and is well: what has had its time ends.
    pub(crate) fn line_is_well(&mut self, now: Instant) -> Vec<Ended> {
        let mut ended = Vec::new();
        for mut outstanding in std::mem::take(&mut self.outstanding) {
            match outstanding.patience {
                Patience::TestingAgain => {
                    ended.push(self.give_up(outstanding, now));
                    continue;
                }
                Patience::Testing => outstanding.patience = Patience::Last(now + REPLY),
                Patience::First(_) | Patience::Last(_) => {}
            }
            self.outstanding.push_back(outstanding);
        }
        ended
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let deadlines = self.outstanding.iter().filter_map(|o| match o.patience {
            Patience::First(at) | Patience::Last(at) => Some(at),
            Patience::Testing | Patience::TestingAgain => None,
        });
        deadlines.min()
    }

    fn give_up(&mut self, outstanding: Outstanding, now: Instant) -> Ended {
        if !outstanding.by_ref {
            self.strays.retain(|stray| now < stray.until);
            self.strays.push_back(Stray {
                target: outstanding.entry.send.target,
                until: now + STRAY,
            });
        }
        (outstanding.entry.id, Outcome::Unknown)
    }
}

/// False where the reply cannot be to a message for this target. A group's may name anybody.
fn fits(reply: &Reply, target: &Target) -> bool {
    match target {
        Target::Personal(name) => reply.status.iter().all(|(replied, _)| replied == name),
        Target::Group(_) => true,
    }
}

/// The frame of it; without `ref` for a peer that did not list it.
fn encode(send: &Send, by_ref: bool) -> String {
    let mut send = send.clone();
    if !by_ref {
        send.reference = None;
    }
    Packet::Message(send).encode()
}

#[cfg(test)]
mod tests;
