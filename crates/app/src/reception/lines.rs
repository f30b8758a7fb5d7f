//! How lines to relays come, stand and go, and what that means for what was queued for them.
//!
//! Invariant: what a line said last is heard before the next one takes its place.

use tidings_control::Words;
use tidings_protocol::server::Welcome;
use tidings_session::State;

use super::{Reception, now};
use crate::clock;
use crate::doctor::Greeting;
use crate::flow::Input;
use crate::line::{self, Line};
use crate::types::{Connection, Event, RelayId};

/// News of a relay.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) relay: RelayId,
    pub(crate) what: What,
}

/// Another line, or none.
#[derive(Debug)]
pub(crate) enum What {
    /// A session was started.
    Line(Line),
    /// There is none, and why, for people.
    NoLine(Connection),
    /// The relay was left.
    Left,
}

/// What becomes of what was queued for a relay that was left.
pub(crate) fn left() -> Words {
    Words::new(
        "This computer left the relay before the message went out. Send it again by another one.",
        "消息发出之前，此计算机已离开该中继。请通过其他中继重新发送。",
    )
}

impl Reception {
    pub(super) async fn change(&mut self, change: Change) {
        let Change { relay, what } = change;
        // Its last session has ended, and is heard out before the next one.
        while let Some(line) = self.members.get(&relay).and_then(|m| m.line.as_mut()) {
            match line.events.recv().await {
                Some(event) => self.hear(&relay, event).await,
                None => self.hang_up(&relay).await,
            }
        }
        let now = clock::now();
        match what {
            What::Line(line) => self.members.of(relay, now).begin(line, now),
            What::NoLine(connection) => {
                self.members.of(relay.clone(), now);
                self.parts.board.connection(&relay, connection);
            }
            What::Left => {
                self.members.remove(&relay);
                self.forget_receipts(&relay);
                self.change_contacts(|contacts| contacts.forget(&relay));
                self.give_up().await;
            }
        }
    }

    /// What is queued for relays that were left is not sent any more.
    pub(super) async fn give_up(&mut self) {
        let status = self.parts.board.status();
        let relays: Vec<_> = status.relays.into_iter().map(|relay| relay.id).collect();
        let dropped = self
            .parts
            .inbox
            .drop_reports_but_for(Vec::clone(&relays))
            .await;
        self.disk(dropped);
        let given_up = self.parts.inbox.give_up(relays, left()).await;
        for sent in self.disk(given_up).unwrap_or_default() {
            self.tell(Event::Sent(sent));
        }
    }

    pub(super) async fn state(&mut self, relay: &RelayId, state: &State) {
        let now = clock::now();
        let status = self.parts.board.status();
        let before = status.relay(relay).map(|relay| &relay.connection);
        let before = before.unwrap_or(&Connection::Connecting);
        if let State::Online(welcome) = state {
            self.online(relay, welcome).await;
        } else {
            self.cancels_lost(relay);
            self.change_contacts(|contacts| contacts.offline(relay));
        }
        let Some(member) = self.members.get(relay) else {
            return;
        };
        if let Some(connection) = member.connection(state, before, now) {
            self.parts.board.connection(relay, connection);
        }
    }

    async fn online(&mut self, relay: &RelayId, welcome: &Welcome) {
        let Some(line) = self.members.get(relay).and_then(|m| m.line.as_ref()) else {
            return;
        };
        let (name, address) = (
            line::relay_key(welcome, &line.address),
            line.address.clone(),
        );
        let ids = self.members.ids();
        let attached = self
            .parts
            .inbox
            .attach(name.clone(), relay.clone(), address, ids)
            .await;
        let key = self.disk(attached).unwrap_or(name);
        let Some(member) = self.members.get(relay) else {
            return;
        };
        member.key = key;
        let greeting = Greeting {
            server: welcome.server.clone(),
            features: welcome.features.clone(),
        };
        self.parts.chart.greeted(relay, greeting);
        if member.online(line::common(welcome), clock::now()) {
            self.flow.handle(Input::Back, now());
        }
        let extensions = line::extensions(welcome);
        self.parts.board.extensions(relay, extensions);
        self.ask_for_directory(relay);
        self.answered(relay);
    }

    /// A session has ended.
    pub(super) async fn hang_up(&mut self, relay: &RelayId) {
        let Some(member) = self.members.get(relay) else {
            return;
        };
        member.line = None;
        let dropped = member.post.dropped();
        self.cancels_lost(relay);
        if dropped {
            let settled = self.parts.inbox.resume(Some(relay.clone())).await;
            for sent in self.disk(settled).unwrap_or_default() {
                self.tell(Event::Sent(sent));
            }
        }
    }
}
