//! What an operator's tools ask: is it alive, is it ready, what does it count.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, Request, StatusCode, header},
    response::Response,
};
use tokio::time::timeout;

use super::{answer, asked::Asked, check};
use crate::{dialect::Dialect, router::Router};

/// A store that answers later than this is not ready for anybody.
const READY: Duration = Duration::from_secs(2);

/// OpenMetrics, as Prometheus asks for it.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// How long `/health` waits for the store, whose state it only mentions: whoever asks whether the
/// process lives wants to know it soon.
const MENTIONED: Duration = Duration::from_millis(500);

/// The process answers.
pub(super) async fn live() -> Response {
    answer::json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
}

/// The same, with what gotify's clients look for there.
pub(super) async fn health(State(router): State<Arc<Router>>) -> Response {
    if !router.config.dialects.has(Dialect::Gotify) {
        return live().await;
    }
    let database = match timeout(MENTIONED, router.store.load()).await {
        Ok(Ok(_)) => "green",
        _ => "red",
    };
    let text = format!(r#"{{"health":"green","database":"{database}","status":"ok"}}"#);
    answer::json(StatusCode::OK, text)
}

/// The store answers too.
pub(super) async fn ready(State(router): State<Arc<Router>>) -> Response {
    match timeout(READY, router.store.load()).await {
        Ok(Ok(_)) => answer::json(StatusCode::OK, r#"{"status":"ready"}"#.to_owned()),
        // Why, stands in the log: it is nothing for everybody.
        _ => answer::info(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
            .into_response(),
    }
}

/// For whoever has a token, of any rights: it tells how busy the relay is.
pub(super) async fn metrics(State(router): State<Arc<Router>>, request: Request<Body>) -> Response {
    let asked = Asked::head(request.into_parts().0);
    if let Err(refused) = check(&router, asked.token().as_deref(), asked.peer) {
        return refused.into_response();
    }
    let Ok(Ok(load)) = timeout(READY, router.store.load()).await else {
        return answer::info(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
            .into_response();
    };
    let clients = *router.seats.connected().borrow();
    let mut response = Response::new(Body::from(router.metrics.text(clients, load)));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, OPEN_METRICS);
    response
}
