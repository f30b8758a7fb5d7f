//! Repeats: a message that comes again although the relay had its confirmation.
//!
//! That the relay had it, is known in two ways:
//!
//! - *durable*: a MESSAGE_REPLY said `ok` for this recipient, or the confirmation was given by HTTP
//!   and answered 200. From then on no new socket may be sent the message.
//! - *read*: a PONG came to a PING that was written after the confirmation on the same socket; the
//!   relay reads in order. On that socket it may not come again. On another socket of the same life
//!   of the relay it may not, if that was opened more than [`COMMIT`] after the PONG; nor in a later
//!   life, if the relay was killed more than [`COMMIT`] after it.
//!
//! The relay's store has no fixed commit interval: it takes what waits, commits, and takes what
//! came meanwhile, so that a confirmation is durable after two commits at most.
//!
//! A confirmation that was read while the disk was full proves nothing: it could not be kept. A
//! message that comes again so, or within the interval, is confirmed anew, with a new proof.

use std::collections::HashMap;

use super::{At, Life, ROOM_AGAIN};
use crate::cast::RECIPIENTS;

/// Far above what two commits take (some milliseconds), with all of this on two busy cores.
const COMMIT: At = 500_000;

/// A recipient's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketId(usize);

#[derive(Debug)]
struct Socket {
    recipient: u8,
    life: Life,
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

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    sockets: Vec<Socket>,
    kills: HashMap<Life, At>,
    /// Times at which the disk was full.
    full: Vec<(At, At)>,
    /// What came to each recipient, with the proof that its confirmation came back.
    seen: HashMap<(u8, u64), Option<Proof>>,
}

impl Repeats {
    pub(super) fn socket(&mut self, recipient: u8, life: Life, opened: At) -> SocketId {
        self.sockets.push(Socket {
            recipient,
            life,
            opened,
        });
        SocketId(self.sockets.len() - 1)
    }

    pub(super) fn recipient(&self, on: SocketId) -> Option<u8> {
        let socket = self.sockets.get(on.0)?;
        (socket.recipient < RECIPIENTS).then_some(socket.recipient)
    }

    pub(super) fn killed(&mut self, life: Life, now: At) {
        self.kills.insert(life, now);
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

    /// A message came; what is wrong with that, if anything is.
    pub(super) fn came(&mut self, on: SocketId, recipient: u8, mid: u64) -> Option<String> {
        let proof = (*self.seen.entry((recipient, mid)).or_default())?;
        if self.holds(proof, on)? {
            let told = self.told(proof, on);
            return Some(format!("{mid} came to r{recipient} again: {told}"));
        }
        if self.is_void(proof, on)? {
            self.seen.insert((recipient, mid), None);
        }
        None
    }

    /// Whether it takes a new confirmation, as the one before could rightly be lost.
    fn is_void(&self, proof: Proof, on: SocketId) -> Option<bool> {
        let Proof::Read {
            on: before,
            from,
            at,
        } = proof
        else {
            return Some(false);
        };
        let (before, socket) = (self.sockets.get(before.0)?, self.sockets.get(on.0)?);
        Some(before.life != socket.life || self.full_between(from, at + COMMIT))
    }

    /// Whether the message must not come on this socket any more.
    fn holds(&self, proof: Proof, on: SocketId) -> Option<bool> {
        let socket = self.sockets.get(on.0)?;
        Some(match proof {
            Proof::Durable { at } => socket.opened > at,
            Proof::Read { from, at, .. } if self.full_between(from, at + COMMIT) => false,
            Proof::Read { on: before, .. } if before == on => true,
            Proof::Read { on: before, at, .. } => {
                let before = self.sockets.get(before.0)?;
                let until = if before.life == socket.life {
                    socket.opened
                } else {
                    *self.kills.get(&before.life)?
                };
                at + COMMIT < until
            }
        })
    }

    fn told(&self, proof: Proof, on: SocketId) -> String {
        let socket = self.sockets.get(on.0);
        let opened = socket.map(|s| (s.life, s.opened));
        match proof {
            Proof::Durable { at } => {
                format!("durable at {at} us, on a socket of (life, opened at) {opened:?}")
            }
            Proof::Read {
                on: before,
                from,
                at,
            } => {
                let life = self.sockets.get(before.0).map(|s| s.life);
                let killed = life.and_then(|life| self.kills.get(&life));
                format!(
                    "confirmed after {from} us, read by {at} us in life {life:?} (killed at \
                     {killed:?}), same socket: {}, this one's (life, opened at): {opened:?}",
                    before == on,
                )
            }
        }
    }
}
