//! Packets of the protocol's extensions, each to the piece that knows what it means.
//!
//! Owns which packet is whose and nothing else. Invariant: what is to be confirmed is confirmed by the
//! piece that made it durable.

use tidings_protocol::server::Packet;

use super::Reception;
use crate::types::RelayId;

impl Reception {
    /// Takes a packet of an extension that the session lists.
    pub(super) async fn extension(&mut self, relay: &RelayId, packet: Packet) {
        match packet {
            Packet::Receipt(receipt) => self.receipt(relay, receipt),
            // Of what was received: a report that is durable at the relay, and an acknowledgement that is awaited.
            Packet::ReportTaken(change) => self.report_taken(relay, change).await,
            Packet::Reminder(reminder) => self.reminder(relay, *reminder).await,
            // Of what is sent.
            Packet::Cancelled(cancelled) => self.cancelled(relay, cancelled).await,
            Packet::Directory(some) => self.directory(relay, some),
            // Never asked for: what is held is known here.
            Packet::Scheduled(_) => {}
            // No extensions.
            Packet::Auth(_)
            | Packet::Message(_)
            | Packet::Reply(_)
            | Packet::Info(_)
            | Packet::Pong
            | Packet::Unknown(_) => {}
        }
    }
}
