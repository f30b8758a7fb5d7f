//! Without an agent: a message handed to a relay by one HTTP request, as scripts hand it over, and
//! messages taken from a relay by a session of their own.
//!
//! Owns nothing that outlives a call: no inbox, no queue, no secret is kept. Invariant: a message that
//! was taken is confirmed only after its user said so.

use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode, Uri};
use tidings_control::Words;
use tidings_protocol::{Group, Mid, Name, client, server};
use tidings_session::{Address, Config, Event, Fingerprint, Session, State};
use tokio::sync::mpsc;

use crate::inbox::{Outgoing, delivery};
use crate::line;
use crate::types::{
    Draft, Failure, Message, Outcome, Parcel, Progress, Recipient, RelayId, Row, Sent,
};
use crate::words::{self, Wrong};
use crate::{clock, extra, http, outgoing, text};

/// How long the request may take beyond what the relay was asked to wait: connecting, and a relay that
/// is busy.
const GRACE: Duration = Duration::from_secs(10);

/// Bytes of an answer: a status for each of a very large group's recipients.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Messages that were dealt with and whose confirmation may have been lost: as many as a relay sends
/// before it waits for confirmations, and then some.
const DONE: usize = 1024;

/// A relay, and what it takes to be let in.
#[derive(Clone)]
pub struct Relay {
    address: Address,
    token: String,
    pin: Option<Fingerprint>,
}

impl Relay {
    /// Reads what a person wrote: an address, the token, and where the relay's certificate is its own,
    /// the fingerprint of that.
    ///
    /// # Errors
    /// [`Failure::Invalid`].
    pub fn new(address: &str, token: &str, pin: Option<&str>) -> Result<Self, Failure> {
        Ok(Self {
            address: address
                .parse()
                .map_err(|error: tidings_session::AddressError| {
                    Failure::Invalid(words::sentences(&error))
                })?,
            token: token.trim().to_owned(),
            pin: pin.map(str::parse).transpose().map_err(
                |error: tidings_session::NoFingerprint| Failure::Invalid(words::sentences(&error)),
            )?,
        })
    }
}

/// Sends by that relay; gives what became of the message for each recipient after `wait` at most. Its
/// number is 0, as it is kept nowhere.
///
/// # Errors
/// [`Failure::Invalid`] where address or draft cannot be used, or the relay refuses the token;
/// [`Failure::System`] where the relay cannot be reached: it is not known then whether it has the
/// message, unless the words say so.
pub async fn send(relay: &Relay, draft: Draft, wait: Duration) -> Result<Sent, Failure> {
    let now = clock::now();
    let draft = outgoing::checked(draft, now)?;
    let mut parcels = Vec::with_capacity(draft.to.len());
    for to in &draft.to {
        parcels.push(match send_to(relay, &draft, to, wait).await {
            Ok(recipients) => Parcel {
                to: to.clone(),
                progress: Progress::Answered,
                recipients,
            },
            // Some have it already: what became of each is told.
            Err(failure) if !parcels.is_empty() => Parcel {
                to: to.clone(),
                progress: Progress::Failed {
                    reason: failure.words(),
                },
                recipients: Vec::new(),
            },
            Err(failure) => return Err(failure),
        });
    }
    Ok(Sent {
        id: 0,
        parcels,
        draft,
        written_at: now,
    })
}

/// Sends to one of the recipients.
async fn send_to(
    relay: &Relay,
    draft: &Draft,
    to: &Recipient,
    wait: Duration,
) -> Result<Vec<Outcome>, Failure> {
    let packet = outgoing::packet(&Outgoing {
        id: 0,
        reference: outgoing::reference()?,
        to: to.clone(),
        draft: draft.clone(),
        reply: None,
    })?;
    let body = client::Packet::Message(packet).encode();
    // The relay takes a packet on every path; a proxy before it may not.
    let path: Uri = relay.address.as_str().parse().unwrap_or_default();
    let request = Request::post(format!("{}?wait={}", path.path(), wait.as_secs()))
        .header(HOST, relay.address.authority())
        .header(AUTHORIZATION, format!("Bearer {}", relay.token))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| Failure::Invalid(Wrong::TokenCharacters.into()))?;
    let pin = relay.pin;
    let answer = http::exchange(relay.address.clone(), pin, request, ANSWER_BYTES);
    let (status, body) = match tokio::time::timeout(wait + GRACE, answer).await {
        Ok(answer) => {
            answer.map_err(|words| Failure::System(Words::foreign(words::sentence(&words))))?
        }
        Err(_) => {
            return Err(Failure::System(Wrong::RelaySilent.into()));
        }
    };
    let body = String::from_utf8_lossy(&body);
    match server::Packet::decode(&body) {
        Ok(server::Packet::Info(words)) if status != StatusCode::OK => Err(refused(status, &words)),
        _ if status != StatusCode::OK => Err(refused(status, &body)),
        Ok(server::Packet::Reply(reply)) => Ok(reply
            .status
            .iter()
            .map(|(name, status)| Outcome {
                name: name.to_string(),
                delivery: delivery(status.as_str()),
                history: Vec::new(),
            })
            .collect()),
        _ => Err(Failure::System(Wrong::RelayOdd.into())),
    }
}

fn refused(status: StatusCode, words: &str) -> Failure {
    let words = text::line(words);
    Failure::Invalid(
        Wrong::RelayRefused {
            status: status.to_string(),
            words,
        }
        .into(),
    )
}

/// A client of a relay that keeps no inbox: whoever uses it deals with each message, and says so.
pub struct Listening {
    session: Session,
    events: mpsc::Receiver<Event>,
    address: String,
    /// Dealt with; the relay may send them again where a confirmation was lost.
    done: VecDeque<Mid>,
}

/// A message to be dealt with.
pub struct Taken {
    /// What to confirm it by.
    pub mid: Mid,
    /// The message; its number is 0, as it is in no inbox.
    pub message: Message,
}

impl Listening {
    /// Connects as `name`, which another client of that name loses.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where the name cannot be used.
    pub fn start(relay: &Relay, name: &str) -> Result<Self, Failure> {
        let name =
            Name::new(name.trim()).map_err(|error| Failure::Invalid(Wrong::Name(error).into()))?;
        let group = Group::none();
        let mut config = Config::new(relay.address.clone(), relay.token.clone(), name, group);
        config.pin = relay.pin;
        let (session, events) = Session::spawn(config);
        Ok(Self {
            session,
            events,
            address: relay.address.to_string(),
            done: VecDeque::with_capacity(DONE),
        })
    }

    /// Waits for the next message, connecting again for as long as it takes.
    ///
    /// # Errors
    /// [`Failure::System`] once waiting is of no use: the relay refuses this client, or another took
    /// its name.
    pub async fn next(&mut self) -> Result<Taken, Failure> {
        loop {
            match self.events.recv().await {
                Some(Event::Message(delivery)) if self.done.contains(&delivery.mid) => {
                    self.session.confirm(delivery.mid);
                }
                Some(Event::Message(delivery)) => {
                    return Ok(Taken {
                        message: self.message(&delivery),
                        mid: delivery.mid,
                    });
                }
                Some(Event::State(State::Refused(refusal))) => {
                    return Err(Failure::System(words::sentences(&refusal)));
                }
                Some(Event::State(State::TakenOver { retry_at: None })) => {
                    return Err(Failure::System(Wrong::NameTaken.into()));
                }
                Some(_) => {}
                None => return Err(Failure::System(Wrong::SessionEnded.into())),
            }
        }
    }

    /// It is dealt with: the relay need not keep it any longer.
    pub fn confirm(&mut self, mid: Mid) {
        self.session.confirm(mid.clone());
        if self.done.len() == DONE {
            self.done.pop_front();
        }
        self.done.push_back(mid);
    }

    fn message(&self, delivery: &server::Delivery) -> Message {
        // Nothing is joined: the address stands for the relay.
        let relay = RelayId::new(self.address.as_str());
        let incoming = line::incoming(delivery, &self.address, relay.clone(), &self.address);
        Message {
            row: Row {
                relay,
                id: 0,
                sender: incoming.sender,
                group: incoming.group,
                title: incoming.title,
                preview: incoming.preview,
                received_at: incoming.received_at,
                read: false,
                priority: incoming.priority,
                link: incoming.link.is_some(),
                tags: incoming.tags,
                held: None,
                superseded: false,
                acknowledgement: None,
            },
            body: incoming.body,
            link: incoming.link,
            relay: incoming.address,
            mid: incoming.mid,
            sent_at: None,
            markdown: extra::markdown(&delivery.message.extra),
            extra: incoming.extra,
            offers: Vec::new(),
            thread: Vec::new(),
        }
    }
}
