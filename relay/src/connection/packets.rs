//! What a client's packets ask for: who it is, what it sends, confirms and reports.
//!
//! Invariant: to a client that did not list an extension, its commands are unknown ones.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tidings_protocol::{DecodeError, Feature, Features, Name, client, server};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, End, Recipient, Refused, following::Following};
use crate::{
    auth::{Access, Refusal},
    router::{Notice, Outgoing, RegisterError, ReplyTo, Room, Router, SendError, Unsent},
    store::{Owner, Registration, Word},
};

/// What a packet asks for that has to be waited for.
pub(super) enum Later {
    /// To be let in.
    Auth(Box<client::Auth>),
    /// Room on the way to the store.
    Message(Box<Unsent>),
}

/// Nothing has to be waited for.
fn done((): ()) -> Option<Later> {
    None
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Does what a packet asks for, as far as nothing has to be waited for.
    pub(super) fn packet(&mut self, text: &str) -> Result<Option<Later>, End> {
        let packet = match client::Packet::decode(text) {
            Ok(packet) => packet,
            Err(error) if self.client.is_some() || is_about_auth(&error, text) => {
                let unknown = command(text).filter(|cmd| self.is_unlisted(cmd));
                let error = unknown.map_or(error, DecodeError::UnknownCommand);
                return self.info(error.to_string()).map(done);
            }
            Err(_) => return self.need_auth().map(done),
        };
        // To whoever did not list it, a command of ours is one that is unknown.
        if packet.feature().is_some()
            && self.client.is_some()
            && let Some(cmd) = command(text).filter(|cmd| self.is_unlisted(cmd))
        {
            let unknown = DecodeError::UnknownCommand(cmd);
            return self.info(unknown.to_string()).map(done);
        }
        match packet {
            client::Packet::Auth(auth) => return Ok(Some(Later::Auth(Box::new(auth)))),
            _ if self.client.is_none() => self.need_auth(),
            client::Packet::Message(send) => return self.message(send),
            client::Packet::Confirm(mid) => {
                if let Some(client) = &mut self.client {
                    client.confirm(&mid);
                }
                Ok(())
            }
            client::Packet::Ping => self.send(&server::Packet::Pong),
            client::Packet::RegisterPush(subscription) => {
                let Some(access) = self.access.clone() else {
                    return self.need_auth().map(done);
                };
                self.beside(|router, name| async move {
                    let subscribed = router.subscribe(&name, &access, &subscription).await;
                    Notice {
                        info: subscribed.err().map(|error| error.to_string()),
                        ..Notice::default()
                    }
                });
                Ok(())
            }
            client::Packet::Report(report) => {
                self.beside(|router, name| async move {
                    Notice::of(
                        router
                            .report(&name, report)
                            .await
                            .map(server::Packet::ReportTaken),
                    )
                });
                Ok(())
            }
            client::Packet::TakeReceipt(change) => {
                if let Some(client) = &mut self.client {
                    client.take_receipt(change);
                }
                Ok(())
            }
            client::Packet::Directory => {
                self.following = Some(Following::new(self.router.directory.published()));
                Ok(())
            }
            client::Packet::Scheduled { after } => {
                self.beside(|router, name| async move {
                    Notice::of(router.scheduled(Owner::Client(name), after).await)
                });
                Ok(())
            }
            client::Packet::Cancel(asked) => {
                self.beside(|router, name| async move {
                    Notice::of(router.cancel(Owner::Client(name), asked).await)
                });
                Ok(())
            }
            client::Packet::ConfirmPush(mid) => {
                self.beside(|router, name| async move {
                    if let Err(error) = router.settle(&name, &mid, Word::Push).await {
                        tracing::warn!(client = %name, %error, "cannot keep a confirmation");
                    }
                    Notice::default()
                });
                Ok(())
            }
        }
        .map(done)
    }

    /// Does what had to be waited for. In a box of its own, as it is rare: it does not make every connection's
    /// task larger.
    pub(super) async fn later(&mut self, later: Later) -> Result<(), End> {
        match later {
            Later::Auth(auth) => self.auth(*auth).await,
            Later::Message(unsent) => match self.wait_for_room(unsent.bytes()).await? {
                Ok(room) => self.store(*unsent, room),
                Err(error) => self.info(error.to_string()),
            },
        }
    }

    /// Whether a command belongs to an extension that the client did not list.
    fn is_unlisted(&self, cmd: &str) -> bool {
        let listed = self.client.as_ref().map_or(Features::NONE, |c| c.listed);
        Feature::of_command(cmd).is_some_and(|feature| !listed.has(feature))
    }

    async fn auth(&mut self, auth: client::Auth) -> Result<(), End> {
        let access = match self.admit(&auth) {
            Ok(access) => access,
            Err(why) => {
                // Of one that only has to wait, the log had a line for each guess before: more of them
                // would let anybody fill it.
                if let Refused::For(why) = &why {
                    tracing::info!(peer = %self.peer, name = %auth.name, "a client was refused: {why}");
                }
                let refused = server::AuthReply::Refused(why.to_string());
                return self.send(&server::Packet::Auth(refused));
            }
        };
        if let Err(error) = self.join(&auth).await {
            tracing::warn!(name = %auth.name, %error, "cannot register a client");
            return self.info(format!("cannot register {}: {error}", auth.name));
        }
        // Queued before any message: those are sent from the next turn on.
        let welcome = self.router.welcome(&access, &auth);
        self.access = Some(access);
        self.socket.let_in();
        self.send(&welcome)
    }

    /// Whether the token is good, and for this name and group; or what the client is to be told.
    fn admit(&self, auth: &client::Auth) -> Result<Access, Refused> {
        let access = self.router.check(&auth.token, self.peer);
        let access = access.map_err(|refusal| match refusal {
            Refusal::Wait(_) => Refused::Meanwhile(refusal),
            Refusal::Invalid => Refused::For(refusal.to_string()),
        })?;
        access
            .may_be(&auth.name, &auth.group)
            .map_err(|denied| Refused::For(denied.to_string()))?;
        Ok(access)
    }

    /// Other tokens count from now on: whoever came by one that is gone has to leave.
    pub(super) fn tokens_replaced(&mut self) -> Result<(), End> {
        let (Some(access), Some(client)) = (&self.access, &self.client) else {
            return Ok(());
        };
        let access = self.router.gate.stands(access).ok_or(End::Revoked)?;
        if access.may_be(&client.name, &client.group).is_err() {
            return Err(End::Revoked);
        }
        self.access = Some(access);
        if let Some(following) = &mut self.following {
            following.restart();
        }
        Ok(())
    }

    /// Makes this connection the client's. A second AUTH of the same name keeps what is under way;
    /// one of another name leaves the first.
    async fn join(&mut self, auth: &client::Auth) -> Result<(), RegisterError> {
        let registration = Registration {
            name: auth.name.clone(),
            group: auth.group.clone(),
        };
        self.router.register(registration).await?;
        let listed = Features::of(&auth.features);
        // Whoever it is now may see others, and asks again.
        self.following = None;
        if let Some(client) = &mut self.client
            && client.name == auth.name
        {
            client.group = auth.group.clone();
            client.list(listed);
            return Ok(());
        }
        if let Some(old) = self.client.take() {
            old.detach().await;
        }
        let router = Arc::clone(&self.router);
        let (name, group) = (auth.name.clone(), auth.group.clone());
        self.client = Some(Recipient::attach(router, name, group, listed).await?);
        tracing::debug!(peer = %self.peer, client = %auth.name, "a client is connected");
        Ok(())
    }

    fn message(&mut self, mut send: client::Send) -> Result<Option<Later>, End> {
        let Some(client) = &self.client else {
            return self.need_auth().map(done);
        };
        if let Some(Err(denied)) = self.access.as_ref().map(|a| a.may_send(&send.target)) {
            return self.info(denied.to_string()).map(done);
        }
        if !client.listed.has(Feature::Ref) {
            send.reference = None;
        }
        let outgoing = Outgoing {
            from: server::From {
                method: server::Method::WebSocket,
                name: Some(client.name.clone()),
            },
            send,
            to: ReplyTo::Client(client.lease().clone()),
            wait: self.router.config.timing.wait,
            receipts: client.listed.has(Feature::Receipts),
            by: String::new(),
        };
        let unsent = match Unsent::new(outgoing) {
            Ok(unsent) => unsent,
            Err(error) => return self.info(error.to_string()).map(done),
        };
        match self.router.room(unsent.bytes()) {
            Some(room) => self.store(unsent, room).map(done),
            None => Ok(Some(Later::Message(Box::new(unsent)))),
        }
    }

    fn store(&mut self, unsent: Unsent, room: Room) -> Result<(), End> {
        match self.router.send(unsent, room) {
            Ok(storing) => {
                self.storing.push(storing);
                Ok(())
            }
            Err(error) => self.info(error.to_string()),
        }
    }

    /// Waits until there is room for one more message to be stored.
    async fn wait_for_room(&mut self, bytes: usize) -> Result<Result<Room, SendError>, End> {
        let router = Arc::clone(&self.router);
        let room = router.wait_for_room(bytes);
        tokio::pin!(room);
        loop {
            tokio::select! {
                biased;
                // What is being stored has to be driven to its end meanwhile: the room that this one
                // waits for may be its own.
                Some(notice) = self.storing.next(), if !self.storing.is_empty() => {
                    self.stored(notice)?;
                }
                room = &mut room => return Ok(room),
            }
        }
    }

    /// Does something for the client that waits for the store, beside everything else.
    fn beside<F>(&mut self, work: impl FnOnce(Arc<Router>, Name) -> F)
    where
        F: Future<Output = Notice> + Send + 'static,
    {
        if let Some(client) = &self.client {
            let work = work(Arc::clone(&self.router), client.name.clone());
            self.storing.push(Box::pin(work));
        }
    }
}

/// Before AUTH, only what is wrong with an AUTH, or with a frame that might have been one, is told;
/// everything else is answered by 401.
fn is_about_auth(error: &DecodeError, text: &str) -> bool {
    match error {
        DecodeError::TooLarge { .. } | DecodeError::NotJson(_) | DecodeError::NotAnObject => true,
        DecodeError::UnknownCommand(_) => false,
        _ => command(text).is_some_and(|cmd| cmd == "AUTH"),
    }
}

/// The command of a packet.
fn command(text: &str) -> Option<String> {
    let packet: serde_json::Value = serde_json::from_str(text).ok()?;
    packet.get("cmd")?.as_str().map(str::to_owned)
}
