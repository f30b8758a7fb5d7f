//! Repeats: a message that comes again although the relay had its confirmation.
//!
//! A confirmation has no answer of its own, so that the relay had it is known in two ways only:
//!
//! - *durable*: whatever the relay may say only once it is: a MESSAGE_REPLY or a RECEIPT said `ok` for this
//!   recipient, the confirmation was given by HTTP and answered 200, or a report on the message was
//!   answered. From then on no new socket may be sent the message.
//! - *read*: a PONG came to a PING that was written after the confirmation on the same socket; the
//!   relay reads in order. On that socket it may not come again, unless the disk was full meanwhile: then
//!   it could not be kept. On others it may, however long it took: the relay has promised nothing, and a
//!   disk may be slow. Such ones are counted, as there should be few.
//!
//! Those who send under a `ref` are told of every confirmation in the end, so most have their proof.

use std::collections::HashMap;

use super::{At, ROOM_AGAIN};
use crate::cast::RECIPIENTS;

/// A recipient's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketId(usize);

#[derive(Debug)]
struct Socket {
    recipient: u8,
    opened: At,
}

/// How it is known that the relay had a confirmation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof {
    /// See the module.
    Durable {
        /// When it was known.
        at: At,
    },
    /// See the module.
    Read {
        /// Where.
        on: SocketId,
        /// When the confirmation was written, or before.
        from: At,
        /// When the PONG came, or after.
        at: At,
    },
}

/// How a message came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// As far as is known its confirmation did not reach the relay.
    Anew,
    /// Its confirmation had been read, and was not known to be kept.
    Again,
    /// What is wrong with that.
    Wrongly(String),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    sockets: Vec<Socket>,
    /// Times at which the disk was full.
    full: Vec<(At, At)>,
    /// What came to each recipient, with the proof that its confirmation came back.
    seen: HashMap<(u8, u64), Option<Proof>>,
}

impl Repeats {
    pub(super) fn socket(&mut self, recipient: u8, opened: At) -> SocketId {
        self.sockets.push(Socket { recipient, opened });
        SocketId(self.sockets.len() - 1)
    }

    pub(super) fn recipient(&self, on: SocketId) -> Option<u8> {
        let socket = self.sockets.get(on.0)?;
        (socket.recipient < RECIPIENTS).then_some(socket.recipient)
    }

    /// When a socket was opened.
    pub(super) fn opened(&self, on: SocketId) -> Option<At> {
        self.sockets.get(on.0).map(|socket| socket.opened)
    }

    pub(super) fn disk(&mut self, full: bool, now: At) {
        match (full, self.full.last_mut()) {
            (true, _) => self.full.push((now, At::MAX)),
            (false, Some((_, to))) => *to = now.saturating_add(ROOM_AGAIN),
            (false, None) => {}
        }
    }

    pub(super) fn full_between(&self, from: At, to: At) -> bool {
        // The latest are looked at: tries are seconds apart, not minutes.
        let latest = self.full.iter().rev().take(64);
        latest
            .into_iter()
            .any(|(began, ended)| *began <= to && from <= *ended)
    }

    pub(super) fn all_confirmed(&mut self, now: At) {
        for known in self.seen.values_mut() {
            if !matches!(known, Some(Proof::Durable { .. })) {
                *known = Some(Proof::Durable { at: now });
            }
        }
    }

    /// Notes a proof; true if it is the first for this message.
    pub(super) fn proven(&mut self, recipient: u8, mid: u64, proof: Proof) -> bool {
        let known = self.seen.entry((recipient, mid)).or_default();
        let first = known.is_none();
        match (&known, proof) {
            (None, _) | (Some(Proof::Read { .. }), Proof::Durable { .. }) => *known = Some(proof),
            _ => {}
        }
        first
    }

    /// A message came.
    pub(super) fn came(&mut self, on: SocketId, recipient: u8, mid: u64) -> Came {
        let known = self.seen.entry((recipient, mid)).or_default();
        let Some(proof) = *known else {
            return Came::Anew;
        };
        match proof {
            Proof::Durable { at } if self.opened(on).is_some_and(|opened| opened > at) => {
                let on = self.sockets.get(on.0);
                Came::Wrongly(format!(
                    "{mid} came to r{recipient} again: its confirmation was kept by {at} us, this is {on:?}"
                ))
            }
            // It was under way already.
            Proof::Durable { .. } => Came::Anew,
            Proof::Read {
                on: before,
                from,
                at,
            } => {
                if before == on && !self.full_between(from, at) {
                    return Came::Wrongly(format!(
                        "{mid} came to r{recipient} again on its socket: confirmed after {from} us, read by {at} us"
                    ));
                }
                // It takes a new confirmation.
                self.seen.insert((recipient, mid), None);
                Came::Again
            }
        }
    }
}
