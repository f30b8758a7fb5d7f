//! The HTTP side: sends of scripts, packets by POST, health, and the WebSocket's upgrade.
//!
//! Owns what is answered to whom: the page's origin first, then path and method (`places` has the
//! table), then the token. Messages that are no packets are sent in `sends`, and understood in
//! `request` and `dialects`. Invariants: a caller's mistake is answered by 4xx with what to do, as an
//! INFO or in the caller's dialect; nothing is done for a caller without the token, except for health
//! and packets that carry their own proof; a token is never part of a message.

mod answer;
mod asked;
mod body;
mod dialects;
mod operator;
mod places;
mod reading;
mod request;
mod sends;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{Method, Request, StatusCode},
    response::Response,
    routing::get,
};
use futures_util::FutureExt as _;
use tidings_protocol::{DecodeError, Mid, Name, client, server};
use tokio::{sync::oneshot, time::Instant};

use self::{
    answer::{Refused, info, packet, refuse, refused, wait_as_told},
    asked::Asked,
    dialects::Foreign,
    places::{Place, place},
    reading::By,
};
pub(crate) use self::{
    answer::{accept_upgrade, asks_for_upgrade, too_many},
    reading::Reading,
};
use crate::{
    auth::{Access, Denied, Refusal},
    dialect::Dialect,
    router::{Outgoing, ReplyTo, Router, SendError, SubscribeError, Unsent},
    store::{Owner, StoreError, Word, in_time},
};

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

pub(crate) fn routes(router: Arc<Router>) -> axum::Router {
    axum::Router::new()
        .route("/health", get(operator::health))
        .route("/health/live", get(operator::live))
        .route("/health/ready", get(operator::ready))
        .route("/metrics", get(operator::metrics))
        .fallback(any)
        .with_state(router)
}

/// Everything but what operators ask: the path's suffix decides, which no table of routes can tell.
async fn any(State(router): State<Arc<Router>>, request: Request<Body>) -> Response {
    let origin = match answer::origin(&router, request.headers()) {
        Ok(origin) => origin,
        Err(refused) => return refused.into_response(),
    };
    let mut response = if request.method() == Method::OPTIONS {
        answer::preflight()
    } else {
        dispatch(&router, request)
            .await
            .unwrap_or_else(Refused::into_response)
    };
    if let Some(origin) = origin {
        answer::allow_origin(&mut response, origin);
    }
    response
}

async fn dispatch(router: &Arc<Router>, request: Request<Body>) -> Result<Response, Refused> {
    let dialects = &router.config.dialects;
    let place =
        place(request.uri().path(), dialects).map_err(|e| info(StatusCode::BAD_REQUEST, e))?;
    let by_get = request.method() == Method::GET;
    if !place.takes(request.method(), dialects) {
        return Err(match place {
            Place::Send(_) | Place::SendToField => answer::not_allowed(place.methods(dialects)),
            _ if !by_get && place != Place::Elsewhere => {
                answer::not_allowed(place.methods(dialects))
            }
            _ => info(
                StatusCode::NOT_FOUND,
                "nothing is here: send with GET /NAME.send?text=..&desp=.. to a client, \
                 /GROUP.group?text=.. to a group, or POST a packet to /",
            ),
        });
    }
    let (parts, body) = request.into_parts();
    let mut asked = Asked::head(parts);
    if let Place::Send(target) = place {
        return sends::to_target(router, asked, body, target).await;
    }
    let foreign = match &place {
        Place::Gotify => Some(Foreign::Gotify),
        Place::Pushdeer => Some(Foreign::Pushdeer),
        Place::Ntfy { topic, .. } => Some(Foreign::Ntfy(Some(topic.clone()))),
        Place::Root if asked.method == Method::PUT => Some(Foreign::Ntfy(None)),
        _ => None,
    };
    if !by_get {
        asked.body = match (read_body(router, body, By::Stranger).await, &foreign) {
            (Err(refused), Some(foreign)) => return Ok(foreign.refuse(refused)),
            (read, _) => read?,
        };
        // A PUT is nothing to the base protocol; ntfy's brings all it says in its body.
        if place == Place::Root && asked.method == Method::PUT && asked.body.is_empty() {
            return Err(answer::not_allowed("POST"));
        }
        // The base protocol comes before every dialect.
        if asked.method == Method::POST && asked.is_packet() {
            return posted_packet(router, &asked).await;
        }
    }
    match (place, foreign) {
        (_, Some(foreign)) => Ok(sends::foreign(router, &foreign, &asked, None).await),
        (Place::SendToField, _) => sends::to_field(router, &asked).await,
        (Place::GotifyVersion, _) if by_get => Ok(dialects::gotify_version()),
        (Place::NtfyHealth, _) if by_get => Ok(answer::json(
            StatusCode::OK,
            r#"{"healthy":true}"#.to_owned(),
        )),
        (Place::Root, _) if dialects.has(Dialect::Ntfy) && asked.json_field("topic") => {
            Ok(sends::foreign(router, &Foreign::Ntfy(None), &asked, None).await)
        }
        _ => posted_packet(router, &asked).await,
    }
}

/// A packet by POST.
async fn posted_packet(router: &Arc<Router>, asked: &Asked) -> Result<Response, Refused> {
    let bad = |text: String| info(StatusCode::BAD_REQUEST, text);
    let (peer, token) = (asked.peer, asked.token());
    let text =
        std::str::from_utf8(&asked.body).map_err(|_| bad("the body is not UTF-8".to_owned()))?;
    let posted = match client::Posted::decode(text) {
        Ok(posted) => posted,
        Err(DecodeError::UnknownCommand(cmd)) if cmd == "TEST_HTTP" => {
            check(router, token.as_deref(), peer)?;
            return Ok(answer::json(StatusCode::OK, String::new()));
        }
        Err(error) => return Err(bad(error.to_string())),
    };
    match posted.packet {
        client::Packet::Auth(auth) => {
            let access = router.check(&auth.token, peer).map_err(|refusal| {
                let reply = server::AuthReply::Refused(refusal.to_string());
                refused(refusal, server::Packet::Auth(reply))
            })?;
            access.may_be(&auth.name, &auth.group).map_err(|denied| {
                let reply = server::AuthReply::Refused(denied.to_string());
                refuse(StatusCode::FORBIDDEN, server::Packet::Auth(reply))
            })?;
            Ok(packet(StatusCode::OK, &router.welcome(&access, &auth)))
        }
        client::Packet::Message(send) => {
            let (sender, access) =
                sender(router, posted.ticket.as_deref(), token.as_deref(), peer)?;
            access.may_send(&send.target).map_err(denied)?;
            let wait = wait_as_told(router, asked.query_field("wait").as_deref())?;
            let reply = send_and_wait(router, sender, &access, send, wait).await?;
            Ok(packet(StatusCode::OK, &server::Packet::Reply(reply)))
        }
        client::Packet::Confirm(mid) => {
            let (name, _) = client_of(router, posted.ticket.as_deref(), peer)?;
            settle(router, &name, &mid, Word::Message).await
        }
        client::Packet::ConfirmPush(mid) => {
            let (name, _) = client_of(router, posted.ticket.as_deref(), peer)?;
            settle(router, &name, &mid, Word::Push).await
        }
        client::Packet::RegisterPush(subscription) => {
            let (name, access) = client_of(router, posted.ticket.as_deref(), peer)?;
            match router.subscribe(&name, &access, &subscription).await {
                Ok(()) => Ok(ok()),
                Err(SubscribeError::Store(error)) => {
                    Err(info(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
                }
                Err(error) => Err(bad(error.to_string())),
            }
        }
        client::Packet::Ping => Err(bad("Unknow cmd: PING".to_owned())),
        client::Packet::Report(_) => Err(bad("Unknow cmd: RECEIPT".to_owned())),
        client::Packet::TakeReceipt(_) => Err(bad("Unknow cmd: RECEIPT_CALLBACK".to_owned())),
        client::Packet::Directory => Err(bad("Unknow cmd: DIRECTORY".to_owned())),
        client::Packet::Scheduled { after } => {
            let of = owner(router, posted.ticket.as_deref(), token.as_deref(), peer)?;
            answer_of(router.scheduled(of, after).await)
        }
        client::Packet::Cancel(asked) => {
            let of = owner(router, posted.ticket.as_deref(), token.as_deref(), peer)?;
            answer_of(router.cancel(of, asked).await)
        }
    }
}

/// Whose messages somebody may ask for: the ticket's owner's, or those sent with the token.
fn owner(
    router: &Router,
    ticket: Option<&str>,
    token: Option<&str>,
    peer: IpAddr,
) -> Result<Owner, Refused> {
    let (sender, access) = sender(router, ticket, token, peer)?;
    Ok(match sender {
        Some(name) => Owner::Client(name),
        None => router.owner(&access),
    })
}

fn answer_of(answer: Result<server::Packet, StoreError>) -> Result<Response, Refused> {
    match answer {
        Ok(answer) => Ok(packet(StatusCode::OK, &answer)),
        Err(error) => Err(info(StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

/// Who posts a packet: the ticket's owner, or somebody nameless with the token.
fn sender(
    router: &Router,
    ticket: Option<&str>,
    token: Option<&str>,
    peer: IpAddr,
) -> Result<(Option<Name>, Access), Refused> {
    let Some(ticket) = ticket else {
        return Ok((None, check(router, token, peer)?));
    };
    let now = Instant::now().into_std();
    router.gate.patience(peer, now).map_err(refused_token)?;
    match router.gate.verify(ticket, router.config.clock.now_ms()) {
        Ok((name, access)) => Ok((Some(name), access)),
        Err(error) => {
            router.gate.wrong(peer, now);
            Err(info(StatusCode::UNAUTHORIZED, error.to_string()))
        }
    }
}

fn ok() -> Response {
    packet(StatusCode::OK, &server::Packet::Info("ok".to_owned()))
}

async fn settle(router: &Router, name: &Name, mid: &Mid, word: Word) -> Result<Response, Refused> {
    let settled = router.settle(name, mid, word).await;
    settled.map_err(|error| info(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(ok())
}

/// Which client confirms or subscribes: only a ticket says so.
fn client_of(
    router: &Router,
    ticket: Option<&str>,
    peer: IpAddr,
) -> Result<(Name, Access), Refused> {
    let needed = || {
        info(
            StatusCode::UNAUTHORIZED,
            "this packet by HTTP needs the `auth` ticket of the client that it is about: AUTH gives one",
        )
    };
    let ticket = ticket.ok_or_else(needed)?;
    let (name, access) = sender(router, Some(ticket), None, peer)?;
    Ok((name.ok_or_else(needed)?, access))
}

/// Sends, and waits until there is an answer or the time is up.
async fn send_and_wait(
    router: &Arc<Router>,
    sender: Option<Name>,
    access: &Access,
    send: client::Send,
    wait: Duration,
) -> Result<server::Reply, Refused> {
    let (to, reply) = oneshot::channel();
    let by = match sender {
        Some(_) => String::new(),
        None => router.mark_of(access),
    };
    let outgoing = Outgoing {
        from: server::From {
            method: server::Method::Http,
            name: sender,
        },
        send,
        to: ReplyTo::Request(to),
        wait,
        receipts: false,
        by,
    };
    let unavailable = |text: String| info(StatusCode::SERVICE_UNAVAILABLE, text);
    let refused = |error: SendError| match error {
        SendError::TooLarge(_) => info(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        _ => unavailable(error.to_string()),
    };
    let unsent = Unsent::new(outgoing).map_err(refused)?;
    let room = router
        .wait_for_room(unsent.bytes())
        .await
        .map_err(refused)?;
    let storing = router.send(unsent, room).map_err(refused)?;
    let notice = in_time(storing.map(Ok))
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    if let Some(text) = notice.info {
        if notice.failed.is_some() {
            return Err(unavailable(text));
        }
        if notice.all_full {
            return Err(info(StatusCode::TOO_MANY_REQUESTS, text));
        }
        if notice.conflict {
            return Err(info(StatusCode::BAD_REQUEST, text));
        }
    }
    reply
        .await
        .map_err(|_| unavailable("the relay is closing: send again".to_owned()))
}

fn check(router: &Router, token: Option<&str>, peer: IpAddr) -> Result<Access, Refused> {
    if router.gate.is_open() {
        return Ok(Access::Open);
    }
    let Some(token) = token else {
        return Err(info(
            StatusCode::UNAUTHORIZED,
            "this relay wants its token: as the Authorization header (raw, Bearer or Basic's \
             password), as X-Gotify-Key, or as ?token=",
        ));
    };
    router.check(token, peer).map_err(refused_token)
}

fn denied(denied: Denied) -> Refused {
    info(StatusCode::FORBIDDEN, denied.to_string())
}

fn refused_token(refusal: Refusal) -> Refused {
    refused(refusal, server::Packet::Info(refusal.to_string()))
}

async fn read_body(router: &Router, body: Body, by: By) -> Result<bytes::Bytes, Refused> {
    let patience = router.config.timing.request;
    router.reading.read(body, by, patience).await
}
