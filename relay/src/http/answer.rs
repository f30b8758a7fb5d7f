//! How HTTP answers look: packets as JSON, the reasons of refusals, origins, the upgrade's 101.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header},
    response::Response,
};
use tidings_protocol::server;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{auth::Refusal, router::Router};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

pub(super) fn packet(status: StatusCode, packet: &server::Packet) -> Response {
    json(status, packet.encode())
}

/// A request that is not granted: the answer that says so. Boxed, as it is the rarer outcome.
#[derive(Debug)]
pub(crate) struct Refused(Box<Refusing>);

#[derive(Debug)]
struct Refusing {
    status: StatusCode,
    headers: HeaderMap,
    packet: server::Packet,
}

impl Refused {
    pub(super) fn with(mut self, header: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.0.headers.insert(header, value.into());
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Why, in words.
    pub(super) fn words(&self) -> &str {
        match &self.0.packet {
            server::Packet::Info(text) => text,
            _ => self.0.status.canonical_reason().unwrap_or("refused"),
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let body = self.0.packet.encode();
        self.answered(body)
    }

    /// Says the same to somebody who does not know our packets.
    pub(super) fn saying(self, body: &serde_json::Value) -> Response {
        self.answered(body.to_string())
    }

    fn answered(self, body: String) -> Response {
        let mut response = json(self.0.status, body);
        response.headers_mut().extend(self.0.headers);
        response
    }
}

/// Refuses with an INFO that says why and what to do.
pub(super) fn info(status: StatusCode, text: impl Into<String>) -> Refused {
    refuse(status, server::Packet::Info(text.into()))
}

pub(super) fn refuse(status: StatusCode, packet: server::Packet) -> Refused {
    Refused(Box::new(Refusing {
        status,
        headers: HeaderMap::new(),
        packet,
    }))
}

pub(super) fn not_allowed(methods: &'static str) -> Refused {
    let text = format!("use one of these methods here: {methods}");
    info(StatusCode::METHOD_NOT_ALLOWED, text)
        .with(header::ALLOW, HeaderValue::from_static(methods))
}

/// Refuses a token, or an AUTH packet, in the way it was given.
pub(super) fn refused(refusal: Refusal, answer: server::Packet) -> Refused {
    match refusal {
        Refusal::Invalid => refuse(StatusCode::UNAUTHORIZED, answer),
        Refusal::Wait(wait) => refuse(StatusCode::TOO_MANY_REQUESTS, answer)
            .with(header::RETRY_AFTER, wait.as_secs().max(1)),
    }
}

/// Refuses somebody who asks for too much.
pub(crate) fn too_many(wait: Duration, what: &str) -> Refused {
    let secs = wait.as_secs().max(1);
    info(
        StatusCode::TOO_MANY_REQUESTS,
        format!("too many {what} from your address: try again in {secs} s"),
    )
    .with(header::RETRY_AFTER, secs)
}

/// How long the caller wants to wait, `wait` being what it said.
pub(super) fn wait_as_told(router: &Router, wait: Option<&str>) -> Result<Duration, Refused> {
    let timing = &router.config.timing;
    let Some(wait) = wait else {
        return Ok(timing.http_wait);
    };
    match wait.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(wait)) => Ok(wait.min(timing.http_wait_max)),
        _ => Err(info(
            StatusCode::BAD_REQUEST,
            "wait is not a number of seconds: leave it out, or say for example wait=2.5",
        )),
    }
}

/// The page that a request comes from, if it is one that may: this relay's own, or a configured
/// one. Scripts name none.
pub(super) fn origin(router: &Router, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refused> {
    let foreign = || {
        info(
            StatusCode::FORBIDDEN,
            "pages of this origin may not use this relay: its operator can allow it",
        )
    };
    let Some(origin) = headers.get(header::ORIGIN) else {
        // A page's pictures and links name no origin; browsers say only that they are a page's. To a
        // relay without a token that is all there is to tell them from the person's own programs.
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let of_a_page = matches!(site, Some(b"cross-site" | b"same-site"));
        return if of_a_page && router.gate.is_open() {
            Err(foreign())
        } else {
            Ok(None)
        };
    };
    let text = origin.to_str().unwrap_or_default();
    let configured = router.config.allowed_origins.iter().any(|o| o == text);
    let own = text.split_once("://").is_some_and(|(_, host)| {
        let own = headers
            .get(header::HOST)
            .is_some_and(|own| own.as_bytes() == host.as_bytes());
        // Any name can be made to lead here (DNS rebinding), and a page of that name then names it as
        // the host too. A token keeps such pages out; without one, only this computer's own names do.
        own && (!router.gate.is_open() || is_here(host))
    });
    if configured || own {
        return Ok(Some(origin.clone()));
    }
    Err(foreign())
}

/// Whether a host, with or without its port, is one that nobody else's name can be.
fn is_here(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => host,
    };
    let v6 = bare.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
    bare.eq_ignore_ascii_case("localhost") || v6.unwrap_or(bare).parse::<std::net::IpAddr>().is_ok()
}

pub(super) fn allow_origin(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to OPTIONS: to a browser's preflight only together with [`allow_origin`] of use.
pub(super) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_static("GET, POST, PUT");
    let allowed = HeaderValue::from_static("authorization, content-type, title, x-gotify-key");
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, methods.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    response
}

pub(crate) fn asks_for_upgrade<B>(request: &Request<B>) -> bool {
    request
        .headers()
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The 101 that lets a WebSocket begin (RFC 6455, 4.2.2), on any path.
pub(crate) fn accept_upgrade<B: HttpBody>(
    router: &Router,
    request: &Request<B>,
) -> Result<Response, Refused> {
    let headers = request.headers();
    // A page on the web reaches a relay on loopback; without a token, its origin is all there is
    // to tell it from the person's own client. With one, pages of any origin may try it.
    if router.gate.is_open() {
        origin(router, headers)?;
    }
    if request.method() != Method::GET {
        return Err(not_allowed("GET"));
    }
    // What follows the head is WebSocket from there on, and nothing else (RFC 6455, 4.1).
    if request.version() != Version::HTTP_11 || !request.body().is_end_stream() {
        return Err(info(
            StatusCode::BAD_REQUEST,
            "a WebSocket upgrade is an HTTP/1.1 request without a body",
        ));
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .map(HeaderValue::as_bytes)
        != Some(b"13")
    {
        let version = HeaderValue::from_static("13");
        return Err(info(
            StatusCode::UPGRADE_REQUIRED,
            "this server speaks version 13 of WebSocket",
        )
        .with(header::SEC_WEBSOCKET_VERSION, version));
    }
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else {
        return Err(info(
            StatusCode::BAD_REQUEST,
            "a WebSocket upgrade needs a Sec-WebSocket-Key",
        ));
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| {
        info(
            StatusCode::BAD_REQUEST,
            "the Sec-WebSocket-Key is of no use",
        )
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}
