//! The HTTP side: sends of scripts, packets by POST, health, and the WebSocket's upgrade.
//!
//! Owns what is answered to whom: path and method first, then the page's origin, then the token,
//! then the body. What a request says is read in `request`. Invariants: a caller's mistake is
//! answered by 4xx and an INFO that says what to do; nothing is read from or done for a caller
//! without the token, except for health and packets that carry their own proof; a token is never
//! part of a message.

mod answer;
mod operator;
mod request;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
    routing::get,
};
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Limited};
use tidings_protocol::{DecodeError, Mid, Name, client, limits, server};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

pub(crate) use self::answer::{accept_upgrade, asks_for_upgrade, too_many};
use self::{
    answer::{Refused, info, packet, refuse, refused, wait_as_told},
    request::{Fields, Place, place},
};
use crate::{
    auth::{Access, Denied, Refusal},
    router::{Outgoing, ReplyTo, Router, SendError, SubscribeError},
    store::{Word, in_time},
};

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

pub(crate) fn routes(router: Arc<Router>) -> axum::Router {
    axum::Router::new()
        .route("/health", get(operator::live))
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
    let place = place(request.uri().path()).map_err(|e| info(StatusCode::BAD_REQUEST, e))?;
    let posted = request.method() == Method::POST;
    match place {
        Place::Send(target) if posted || request.method() == Method::GET => {
            flat(router, request, target).await
        }
        Place::Send(_) => Err(answer::not_allowed("GET, POST")),
        Place::Packets | Place::Elsewhere if posted => posted_packet(router, request).await,
        Place::Packets if request.method() != Method::GET => Err(answer::not_allowed("POST")),
        Place::Packets | Place::Elsewhere => Err(info(
            StatusCode::NOT_FOUND,
            "nothing is here: send with GET /NAME.send?text=..&desp=.. to a client, \
             /GROUP.group?text=.. to a group, or POST a packet to /",
        )),
    }
}

/// `/NAME.send` and `/GROUP.group`.
async fn flat(
    router: &Arc<Router>,
    request: Request<Body>,
    target: tidings_protocol::Target,
) -> Result<Response, Refused> {
    let peer = peer(&request);
    let mut fields = Fields::of_query(request.uri().query().unwrap_or_default());
    let token = bearer(request.headers()).or(fields.token.take());
    let access = check(router, token.as_deref(), peer)?;
    access.may_send(&target).map_err(denied)?;
    if request.method() == Method::POST {
        let kind = content_type(request.headers());
        let body = body(router, request).await?;
        fields
            .add_body(&kind, &body)
            .map_err(|e| info(StatusCode::BAD_REQUEST, e))?;
    }
    let wait = wait_as_told(router, fields.wait.as_deref())?;
    let send = client::Send {
        target,
        message: fields.into_message(),
        reference: None,
    };
    send_and_wait(router, None, send, wait).await
}

/// A packet by POST.
async fn posted_packet(router: &Arc<Router>, request: Request<Body>) -> Result<Response, Refused> {
    let bad = |text: String| info(StatusCode::BAD_REQUEST, text);
    let peer = peer(&request);
    let query = Fields::of_query(request.uri().query().unwrap_or_default());
    let token = bearer(request.headers()).or(query.token);
    let body = body(router, request).await?;
    let text = std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8".to_owned()))?;
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
                refused(refusal, &server::Packet::Auth(reply))
            })?;
            access.may_be(&auth.name, &auth.group).map_err(|denied| {
                let reply = server::AuthReply::Refused(denied.to_string());
                refuse(StatusCode::FORBIDDEN, &server::Packet::Auth(reply))
            })?;
            Ok(packet(StatusCode::OK, &router.welcome(&access, &auth)))
        }
        client::Packet::Message(send) => {
            let (sender, access) =
                sender(router, posted.ticket.as_deref(), token.as_deref(), peer)?;
            access.may_send(&send.target).map_err(denied)?;
            let wait = wait_as_told(router, query.wait.as_deref())?;
            send_and_wait(router, sender, send, wait).await
        }
        client::Packet::Confirm(mid) => {
            let name = client_of(router, posted.ticket.as_deref(), peer)?;
            settle(router, &name, &mid, Word::Message).await
        }
        client::Packet::ConfirmPush(mid) => {
            let name = client_of(router, posted.ticket.as_deref(), peer)?;
            settle(router, &name, &mid, Word::Push).await
        }
        client::Packet::RegisterPush(subscription) => {
            let name = client_of(router, posted.ticket.as_deref(), peer)?;
            match router.subscribe(&name, &subscription).await {
                Ok(()) => Ok(ok()),
                Err(SubscribeError::Store(error)) => {
                    Err(info(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
                }
                Err(error) => Err(bad(error.to_string())),
            }
        }
        client::Packet::Ping => Err(bad("Unknow cmd: PING".to_owned())),
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
fn client_of(router: &Router, ticket: Option<&str>, peer: IpAddr) -> Result<Name, Refused> {
    let needed = || {
        info(
            StatusCode::UNAUTHORIZED,
            "this packet by HTTP needs the `auth` ticket of the client that it is about: AUTH gives one",
        )
    };
    let ticket = ticket.ok_or_else(needed)?;
    let (name, _) = sender(router, Some(ticket), None, peer)?;
    name.ok_or_else(needed)
}

async fn send_and_wait(
    router: &Arc<Router>,
    sender: Option<Name>,
    send: client::Send,
    wait: Duration,
) -> Result<Response, Refused> {
    let (to, reply) = oneshot::channel();
    let outgoing = Outgoing {
        from: server::From {
            method: server::Method::Http,
            name: sender,
        },
        send,
        to: ReplyTo::Request(to),
        wait,
    };
    let unavailable = |text: String| info(StatusCode::SERVICE_UNAVAILABLE, text);
    let storing = router.send(outgoing).await.map_err(|error| match error {
        SendError::TooLarge(_) => info(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        _ => unavailable(error.to_string()),
    })?;
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
    let reply = reply
        .await
        .map_err(|_| unavailable("the relay is closing: send again".to_owned()))?;
    Ok(packet(StatusCode::OK, &server::Packet::Reply(reply)))
}

fn check(router: &Router, token: Option<&str>, peer: IpAddr) -> Result<Access, Refused> {
    if router.gate.is_open() {
        return Ok(Access::Open);
    }
    let Some(token) = token else {
        return Err(info(
            StatusCode::UNAUTHORIZED,
            "this relay wants its token: as the Authorization header, or as ?token=",
        ));
    };
    router.check(token, peer).map_err(refused_token)
}

fn denied(denied: Denied) -> Refused {
    info(StatusCode::FORBIDDEN, denied.to_string())
}

fn refused_token(refusal: Refusal) -> Refused {
    refused(refusal, &server::Packet::Info(refusal.to_string()))
}

/// The token as headers give it: raw, or after `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?;
    let value = std::str::from_utf8(value.as_bytes()).ok()?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    };
    Some(token.to_owned())
}

fn content_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|kind| kind.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

fn peer(request: &Request<Body>) -> IpAddr {
    // The server puts it into every request; an unknown one shares its patience with all others.
    request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}

async fn body(router: &Router, request: Request<Body>) -> Result<bytes::Bytes, Refused> {
    let limited = Limited::new(request.into_body(), limits::FRAME_BYTES);
    match timeout(router.config.timing.request, limited.collect()).await {
        Err(_) => Err(info(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time: send it at once",
        )),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(info(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body is larger than {} bytes: shorten it",
                limits::FRAME_BYTES
            ),
        )),
        Ok(Err(_)) => Err(info(StatusCode::BAD_REQUEST, "the body broke off")),
    }
}
