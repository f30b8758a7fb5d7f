//! The session's decisions: when to dial, what to send, what to tell the user. Owns the state, the
//! outbox, the keepalive and the back-off; has no socket, no clock and no task. Whoever drives it
//! calls [`Machine::handle`] with what happened, performs what [`Machine::poll_output`] returns
//! until it returns nothing, and feeds [`Input::Timeout`] at [`Machine::poll_timeout`].
//!
//! Invariants:
//! - nothing but AUTH leaves before AUTH 200;
//! - every state that is not terminal has pending I/O or a timeout;
//! - a message is never confirmed unless the user said so, and is handed up each time it comes;
//! - the back-off falls back to its start only after a connection that stayed up for [`STEADY`], and
//!   when there is news of the world, at most every [`NEWS_PACE`](crate::backoff::NEWS_PACE);
//! - a terminal state is left only by [`Input::Reconnect`], and `Stopped` never.
//!
//! News of the world ([`Input::Probe`]: the computer woke, the network is another). An open socket is
//! not trusted until the relay has answered a PING, an attempt under way gets as long as that to come
//! about, and a session that waits dials within a moment. The moment is drawn by chance, as all the
//! clients of an office wake together. What is found dead after news is dialed anew as soon.
//!
//! Taken over. Whether there is a rival of the same name is told by the evidence of `rival`. One
//! that is certain is left alone until the person asks; from one that is suspected the session stays
//! away for [`TRUCE`] and looks again. The rival is online meanwhile, so one of the two is.

mod border;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use border::{Input, Output};
use tidings_protocol::client::{self, Packet};
use tidings_protocol::server::{self, AuthReply, Welcome};
use tidings_protocol::{Feature, Features, Mid};

use crate::backoff::Backoff;
use crate::config::Config;
use crate::event::{DialError, Event, Refusal, State, Trouble};
use crate::keepalive::{Due, Keepalive, PROBE_ANSWER};
use crate::outbox::{Ended, Outbox};
use crate::rival::{Rival, Verdict};

/// How long name look-up, TCP, TLS and the WebSocket handshake may take together. Retransmitted SYNs
/// come after 1, 3 and 7 s; a fourth seldom helps.
pub const DIAL: Duration = Duration::from_secs(15);

/// How long the relay may take to answer AUTH.
pub const AUTH: Duration = Duration::from_secs(10);

/// How long a connection must have stayed up to count as proof that the relay is well: longer than a
/// relay that falls over under the return of its clients takes to do so.
pub const STEADY: Duration = Duration::from_secs(60);

/// How long to stay away from a suspected rival.
pub const TRUCE: Duration = Duration::from_secs(600);

/// Confirmations kept while there is no line to send them on. When full the oldest is dropped: the
/// relay sends its message again and the user confirms again.
const CONFIRMS: usize = 1024;

/// See the file's head.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    rng: fastrand::Rng,
    phase: Phase,
    outputs: VecDeque<Output>,
    backoff: Backoff,
    outbox: Outbox,
    confirms: VecDeque<Mid>,
    rival: Rival,
    /// There was news, and the relay has not been heard since.
    doubted: bool,
}

#[derive(Debug)]
enum Phase {
    Waiting {
        until: Instant,
        trouble: Trouble,
    },
    /// Staying away from a suspected rival.
    Truce {
        until: Instant,
    },
    Dialing {
        deadline: Instant,
    },
    Authenticating {
        deadline: Instant,
        notice: Option<String>,
    },
    Online {
        since: Instant,
        keepalive: Keepalive,
        /// What both sides list.
        common: Features,
    },
    /// Refused, or taken over for certain.
    Resting,
    Stopped,
}

impl Machine {
    /// A session that dials at once. `rng` decides its jitter.
    #[must_use]
    pub fn new(config: Config, rng: fastrand::Rng, now: Instant) -> Self {
        let mut machine = Self {
            config,
            rng,
            phase: Phase::Resting,
            outputs: VecDeque::new(),
            backoff: Backoff::default(),
            outbox: Outbox::default(),
            confirms: VecDeque::new(),
            rival: Rival::default(),
            doubted: false,
        };
        machine.dial(now);
        machine
    }

    /// What to do next; nothing if all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to feed [`Input::Timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Waiting { until, .. } | Phase::Truce { until } => Some(*until),
            Phase::Dialing { deadline } | Phase::Authenticating { deadline, .. } => Some(*deadline),
            Phase::Online { keepalive, .. } => {
                let reply = self.outbox.timeout();
                let ping = keepalive.timeout();
                Some(reply.map_or(ping, |reply| reply.min(ping)))
            }
            Phase::Resting | Phase::Stopped => None,
        }
    }

    /// True while [`Input::Send`] finds room; what does not is ended as not sent.
    #[must_use]
    pub fn takes_sends(&self) -> bool {
        self.outbox.has_room()
    }

    /// Takes in what happened. An input that does not fit the state (a frame while waiting) is
    /// passed over.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        if matches!(self.phase, Phase::Stopped) {
            return;
        }
        match input {
            Input::Opened => self.opened(now),
            Input::DialFailed(error) => self.dial_failed(error, now),
            Input::Frame(frame) => {
                self.heard(now);
                self.frame(frame, now);
            }
            Input::Heard => self.heard(now),
            Input::Closed { code, reason } => self.closed(code, reason, now),
            Input::Lost(words) => {
                if self.is_connected() {
                    self.wait(Trouble::Lost(words), now);
                }
            }
            Input::Timeout => self.timeout(now),
            Input::Confirm(mid) => self.confirm(mid),
            Input::Send(id, send) => {
                let ended = self.outbox.push(id, send);
                self.end(ended);
                self.pump(now);
            }
            Input::Say(packet) => self.say(&packet),
            Input::Probe => self.news(now),
            Input::Reconnect => {
                self.backoff.reset();
                self.rival.forget();
                match self.phase {
                    Phase::Waiting { .. } | Phase::Truce { .. } | Phase::Resting => self.dial(now),
                    _ => self.probe(now),
                }
            }
            Input::Stop => self.stop(now),
        }
    }

    // From here on: one function per thing that happens.

    fn dial(&mut self, now: Instant) {
        let deadline = now + DIAL;
        self.enter(Phase::Dialing { deadline }, State::Dialing);
        self.outputs.push_back(Output::Dial);
    }

    fn dial_failed(&mut self, error: DialError, now: Instant) {
        if !matches!(self.phase, Phase::Dialing { .. }) {
            return;
        }
        match error {
            DialError::Http {
                status: status @ (401 | 403 | 407),
            } => self.rest(State::Refused(Refusal::Http(status)), now),
            error => self.wait(error.into(), now),
        }
    }

    fn opened(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Dialing { .. }) {
            return;
        }
        let phase = Phase::Authenticating {
            deadline: now + AUTH,
            notice: None,
        };
        self.enter(phase, State::Authenticating);
        let auth = Packet::Auth(client::Auth {
            token: self.config.token.clone(),
            name: self.config.name.clone(),
            group: self.config.group.clone(),
            features: self.config.features.clone(),
        });
        self.outputs.push_back(Output::Transmit(auth.encode()));
    }

    fn heard(&mut self, now: Instant) {
        if let Phase::Online { keepalive, .. } = &mut self.phase {
            keepalive.heard(now);
        }
    }

    fn answered(&mut self, now: Instant) {
        if let Phase::Online { keepalive, .. } = &mut self.phase {
            keepalive.answered(now);
            if std::mem::take(&mut self.doubted) {
                self.tell(Event::Answered);
            }
            let ended = self.outbox.line_is_well(now);
            self.end(ended);
            self.pump(now);
        }
    }

    fn frame(&mut self, frame: &str, now: Instant) {
        if !self.is_connected() {
            return;
        }
        match server::Packet::decode(frame) {
            Ok(server::Packet::Auth(reply)) => self.auth_reply(reply, now),
            // The reference sends what is queued before it answers AUTH when it replaces a socket.
            Ok(server::Packet::Message(delivery)) => self.tell(Event::Message(delivery)),
            // No answer to a PING: it may have been on its way for long.
            Ok(server::Packet::Reply(reply)) => {
                let ended = self.outbox.reply(reply, now);
                self.end(ended);
                self.pump(now);
            }
            // Also how a server without PING answers it.
            Ok(server::Packet::Info(text)) => {
                self.answered(now);
                if let Phase::Authenticating { notice, .. } = &mut self.phase {
                    *notice = Some(text.clone());
                }
                self.tell(Event::Info(text));
            }
            Ok(server::Packet::Pong) => self.answered(now),
            Ok(
                packet @ (server::Packet::Receipt(_)
                | server::Packet::ReportTaken(_)
                | server::Packet::Directory(_)
                | server::Packet::Scheduled(_)
                | server::Packet::Cancelled(_)
                | server::Packet::Reminder(_)),
            ) => self.tell(Event::Extension(Box::new(packet))),
            Ok(server::Packet::Unknown(cmd)) => tracing::debug!(cmd, "packet of another version"),
            Err(error) => tracing::warn!(%error, "frame passed over"),
        }
    }

    fn auth_reply(&mut self, reply: AuthReply, now: Instant) {
        match reply {
            AuthReply::Accepted(welcome) => {
                if matches!(self.phase, Phase::Authenticating { .. }) {
                    self.online(welcome, now);
                }
            }
            AuthReply::NeedAuth(words) => self.wait(Trouble::NotAuthenticated(words), now),
            AuthReply::Refused(words) => self.rest(State::Refused(Refusal::Relay(words)), now),
        }
    }

    fn online(&mut self, welcome: Welcome, now: Instant) {
        let common = Features::of(&welcome.features) & Features::of(&self.config.features);
        let phase = Phase::Online {
            since: now,
            keepalive: Keepalive::new(&mut self.rng, now),
            common,
        };
        self.doubted = false;
        self.enter(phase, State::Online(welcome));
        for mid in std::mem::take(&mut self.confirms) {
            self.confirm(mid);
        }
        let ended = self.outbox.online(common.has(Feature::Ref));
        self.end(ended);
        self.pump(now);
    }

    fn closed(&mut self, code: Option<u16>, reason: String, now: Instant) {
        if !self.is_connected() {
            return;
        }
        let since = match self.phase {
            Phase::Online { since, .. } => Some(since),
            _ => None,
        };
        match self.rival.closed(code, since, now) {
            Verdict::Nobody => self.wait(Trouble::Closed { code, reason }, now),
            Verdict::Suspected => {
                let until = now + TRUCE;
                let retry_at = Some(until);
                self.doubted = false;
                self.hang_up(now);
                self.enter(Phase::Truce { until }, State::TakenOver { retry_at });
            }
            Verdict::Certain => self.rest(State::TakenOver { retry_at: None }, now),
        }
    }

    fn timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        match &mut self.phase {
            Phase::Waiting { .. } | Phase::Truce { .. } => self.dial(now),
            Phase::Dialing { .. } => self.wait(DialError::TimedOut.into(), now),
            Phase::Authenticating { notice, .. } => {
                let notice = notice.take();
                self.rival.auth_given_up(now);
                self.wait(Trouble::AuthTimeout { notice }, now);
            }
            Phase::Online { keepalive, .. } => match keepalive.expire(now) {
                Due::Dead => self.wait(Trouble::Silent, now),
                due => {
                    if due == Due::Ping {
                        self.transmit(&Packet::Ping);
                    }
                    let (doubt, ended) = self.outbox.expire(now);
                    self.end(ended);
                    self.pump(now);
                    if doubt {
                        self.probe(now);
                    }
                }
            },
            Phase::Resting | Phase::Stopped => {}
        }
    }

    fn confirm(&mut self, mid: Mid) {
        if matches!(self.phase, Phase::Online { .. }) {
            self.transmit(&Packet::Confirm(mid));
            return;
        }
        if self.confirms.len() == CONFIRMS {
            self.confirms.pop_front();
        }
        self.confirms.push_back(mid);
    }

    fn say(&mut self, packet: &Packet) {
        if let (Phase::Online { common, .. }, Some(feature)) = (&self.phase, packet.feature())
            && common.has(feature)
        {
            self.transmit(packet);
        }
    }

    /// Takes news of the world in; see the file's head.
    fn news(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Online { .. } => {
                self.doubted = true;
                self.probe(now);
            }
            Phase::Dialing { deadline } | Phase::Authenticating { deadline, .. } => {
                self.doubted = true;
                *deadline = (*deadline).min(now + PROBE_ANSWER);
            }
            Phase::Waiting { .. } => self.hurry(now),
            // A truce is kept: whatever changed, the rival may still be there.
            Phase::Truce { .. } | Phase::Resting | Phase::Stopped => {}
        }
    }

    /// Brings the next attempt forward.
    fn hurry(&mut self, now: Instant) {
        if let Phase::Waiting { until, trouble } = &self.phase
            && let Some(delay) = self.backoff.hurry(&mut self.rng, now)
        {
            let (until, trouble) = ((now + delay).min(*until), trouble.clone());
            self.stay_away(until, trouble);
        }
    }

    fn probe(&mut self, now: Instant) {
        if let Phase::Online { keepalive, .. } = &mut self.phase
            && keepalive.probe(now)
        {
            self.transmit(&Packet::Ping);
        }
    }

    fn stop(&mut self, now: Instant) {
        self.hang_up(now);
        let ended = self.outbox.stop(now);
        self.end(ended);
        self.enter(Phase::Stopped, State::Stopped);
    }

    // And what several of them need.

    fn is_connected(&self) -> bool {
        matches!(
            self.phase,
            Phase::Authenticating { .. } | Phase::Online { .. }
        )
    }

    fn enter(&mut self, phase: Phase, state: State) {
        self.phase = phase;
        self.tell(Event::State(state));
    }

    /// Gives the attempt or the connection up, to try again later.
    fn wait(&mut self, trouble: Trouble, now: Instant) {
        if let Phase::Online { since, .. } = self.phase {
            if now >= since + STEADY {
                self.backoff.reset();
            }
            self.rival.ended(since, now);
        }
        self.hang_up(now);
        if std::mem::take(&mut self.doubted) {
            self.backoff.reset();
        }
        let until = now + self.backoff.next(&mut self.rng);
        self.stay_away(until, trouble);
    }

    fn stay_away(&mut self, until: Instant, trouble: Trouble) {
        let state = State::Waiting {
            retry_at: until,
            trouble: trouble.clone(),
        };
        self.enter(Phase::Waiting { until, trouble }, state);
    }

    /// Gives the connection up until a person asks for it.
    fn rest(&mut self, state: State, now: Instant) {
        self.doubted = false;
        self.hang_up(now);
        self.enter(Phase::Resting, state);
    }

    fn hang_up(&mut self, now: Instant) {
        if self.is_connected() || matches!(self.phase, Phase::Dialing { .. }) {
            self.outputs.push_back(Output::HangUp);
        }
        let ended = self.outbox.offline(now);
        self.end(ended);
    }

    fn pump(&mut self, now: Instant) {
        while let Some(frame) = self.outbox.next(now) {
            self.outputs.push_back(Output::Transmit(frame));
        }
    }

    fn transmit(&mut self, packet: &Packet) {
        self.outputs.push_back(Output::Transmit(packet.encode()));
    }

    fn end(&mut self, ended: impl IntoIterator<Item = Ended>) {
        for (id, outcome) in ended {
            self.tell(Event::Outcome { id, outcome });
        }
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

#[cfg(test)]
mod tests;
