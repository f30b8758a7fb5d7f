//! What an operator's tools ask: is it alive, is it ready, what does it count.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, Request, StatusCode, header},
    response::Response,
};
use tokio::time::timeout;

use super::{answer, bearer, check, peer, request::Fields};
use crate::router::Router;

/// A store that answers later than this is not ready for anybody.
const READY: Duration = Duration::from_secs(2);

/// OpenMetrics, as Prometheus asks for it.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The process answers.
pub(super) async fn live() -> Response {
    answer::json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
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
    let query = Fields::of_query(request.uri().query().unwrap_or_default());
    let token = bearer(request.headers()).or(query.token);
    if let Err(refused) = check(&router, token.as_deref(), peer(&request)) {
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
