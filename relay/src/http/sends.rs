//! Messages by HTTP that are no packets: flat requests, and those of foreign dialects. The shell
//! around `request` and `dialects`.
//!
//! Invariants: the token comes before everything that a request says; a message goes to the one
//! target that the request names (or, where a dialect names none, that its token was made for), and
//! only if the token may send there; a message that reached nobody is answered by 404, but for the
//! base protocol's GET, whose answer says it in its statuses.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, StatusCode},
    response::Response,
};
use serde_json::Value;
use tidings_protocol::{Message, Status, Target, client, server};

use super::{
    answer::{Refused, info, not_allowed, packet, refuse, wait_as_told},
    asked::Asked,
    check, denied,
    dialects::{Flat, Foreign, Said, Sent, To},
    read_body,
    reading::By,
    request::Fields,
    send_and_wait,
};
use crate::{
    auth::Access,
    dialect::Dialect,
    router::{Router, Wishes},
};

/// What figures call a request in no foreign dialect.
const FLAT: &str = "flat";

/// `/NAME.send` and `/GROUP.group`. The body comes last: nobody without a token gets it read.
pub(super) async fn to_target(
    router: &Arc<Router>,
    mut asked: Asked,
    body: Body,
    target: Target,
) -> Result<Response, Refused> {
    let token = asked.token();
    if let (None, Some(holder)) = (&token, holder(router, &target)) {
        if asked.method != Method::GET {
            asked.body = match read_body(router, body, By::Known).await {
                Ok(body) => body,
                Err(refused) => return Ok(Foreign::Serverchan.refuse(refused)),
            };
        }
        return Ok(foreign(router, &Foreign::Serverchan, &asked, Some(holder)).await);
    }
    let mut spoken = FLAT;
    let answered = async {
        let access = check(router, token.as_deref(), asked.peer)?;
        access.may_send(&target).map_err(denied)?;
        if asked.method != Method::GET {
            asked.body = read_body(router, body, By::Known).await?;
        }
        // To the base protocol a PUT is nothing; to us, it is what brings a body.
        if asked.method == Method::PUT && asked.body.is_empty() {
            return Err(not_allowed("GET, POST"));
        }
        let fields = fields(router, &asked, &mut spoken)?;
        let reached = send_flat(router, &access, fields.into_flat(), target).await?;
        // By the base protocol's GET, `no` is an answer like others.
        if asked.method == Method::GET {
            return Ok(packet(StatusCode::OK, &server::Packet::Reply(reached)));
        }
        answer_flat(reached)
    }
    .await;
    router.metrics.request(spoken, answered.is_ok());
    answered
}

/// `/send`: the target is a field, or the token's own.
pub(super) async fn to_field(router: &Arc<Router>, asked: &Asked) -> Result<Response, Refused> {
    let mut spoken = FLAT;
    let answered = async {
        let access = check(router, asked.token().as_deref(), asked.peer)?;
        let mut fields = fields(router, asked, &mut spoken)?;
        let target = match fields.take_target().map_err(bad)? {
            Some(target) => target,
            None => match access.destination() {
                Some(target) => target.clone(),
                None => {
                    return Err(bad(
                        "target is missing: name a client, or a group with sendType=group",
                    ));
                }
            },
        };
        access.may_send(&target).map_err(denied)?;
        answer_flat(send_flat(router, &access, fields.into_flat(), target).await?)
    }
    .await;
    router.metrics.request(spoken, answered.is_ok());
    answered
}

/// The holder of the token in a ServerChan path, if it is one.
fn holder(router: &Router, target: &Target) -> Option<Access> {
    match target {
        Target::Personal(name) if router.config.dialects.has(Dialect::Serverchan) => {
            router.gate.holder(name.as_str())
        }
        _ => None,
    }
}

fn fields(router: &Router, asked: &Asked, spoken: &mut &'static str) -> Result<Fields, Refused> {
    let mut fields = Fields::of_query(&asked.query);
    fields.add_content(asked).map_err(bad)?;
    if let Some(dialect) = fields.rewrite(&router.config.dialects) {
        *spoken = dialect.name();
    }
    Ok(fields)
}

async fn send_flat(
    router: &Arc<Router>,
    access: &Access,
    flat: Flat,
    target: Target,
) -> Result<server::Reply, Refused> {
    let wait = wait_as_told(router, flat.wait.as_deref())?;
    send(router, access, flat, target, wait).await
}

async fn send(
    router: &Arc<Router>,
    access: &Access,
    flat: Flat,
    target: Target,
    wait: Duration,
) -> Result<server::Reply, Refused> {
    let message = Message {
        text: flat.title,
        desp: flat.body,
        extra: Value::Object(flat.extra),
    };
    let send = client::Send {
        target,
        message,
        reference: None,
    };
    send_and_wait(router, None, access, send, wait).await
}

fn answer_flat(reply: server::Reply) -> Result<Response, Refused> {
    let reached = reached(&reply);
    let reply = server::Packet::Reply(reply);
    if reached {
        Ok(packet(StatusCode::OK, &reply))
    } else {
        Err(refuse(StatusCode::NOT_FOUND, reply))
    }
}

/// Whether there is anybody who has the message, or will get it.
fn reached(reply: &server::Reply) -> bool {
    let mut statuses = reply.status.iter();
    statuses.any(|(_, status)| *status != Status::No)
}

/// A request in a foreign dialect, answered in that dialect whatever happens. `known`: who asks, if
/// that is settled.
pub(super) async fn foreign(
    router: &Arc<Router>,
    foreign: &Foreign,
    asked: &Asked,
    known: Option<Access>,
) -> Response {
    let done = understand(router, foreign, asked, known).await;
    router
        .metrics
        .request(foreign.dialect().name(), done.is_ok());
    done.unwrap_or_else(|refused| foreign.refuse(refused))
}

async fn understand(
    router: &Arc<Router>,
    foreign: &Foreign,
    asked: &Asked,
    known: Option<Access>,
) -> Result<Response, Refused> {
    let access = match known {
        Some(access) => access,
        None => check(router, foreign.token(asked).as_deref(), asked.peer)?,
    };
    let Said { flat, echo } = foreign.read(asked).map_err(bad)?;
    let target = target(router, &flat.to, &access)?;
    access.may_send(&target).map_err(denied)?;
    // These answers have no place for what recipients confirm, so there is nothing to wait for.
    let wait = match &flat.wait {
        None => Duration::ZERO,
        told => wait_as_told(router, told.as_deref())?,
    };
    let now_ms = router.config.clock.now_ms();
    let extra = Value::Object(flat.extra.clone());
    let wishes = Wishes::of(&extra, router.config.timing.ttl, now_ms);
    let named = target.as_str().to_owned();
    let reply = send(router, &access, flat, target, wait).await?;
    if !reached(&reply) {
        return Err(nobody(&named));
    }
    // A mid reads as the time of its acceptance.
    let at_ms = reply.mid.as_str().parse().unwrap_or(now_ms);
    let sent = Sent {
        mid: &reply.mid,
        at_ms,
        due_ms: wishes.due_ms.unwrap_or(at_ms),
        expires_ms: wishes.expires_ms,
        access: &access,
    };
    Ok(foreign.answer(echo, &sent))
}

fn target(router: &Router, to: &To, access: &Access) -> Result<Target, Refused> {
    match to {
        To::Holder => access.destination().cloned().ok_or_else(|| {
            info(
                StatusCode::FORBIDDEN,
                "this token says nobody to send to, and neither does the request: make one with \
                 `tidings-relay tokens add NAME --to CLIENT` (or --to @GROUP)",
            )
        }),
        To::Topic(topic) => router.named(topic).ok_or_else(|| nobody(topic)),
    }
}

fn nobody(named: &str) -> Refused {
    let named: String = named.chars().take(80).collect();
    info(
        StatusCode::NOT_FOUND,
        format!("nobody is known as {named:?}: a client or a group is known once it was connected"),
    )
}

fn bad(error: impl Into<String>) -> Refused {
    info(StatusCode::BAD_REQUEST, error)
}
