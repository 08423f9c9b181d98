//! What every request passes first, as one layer: each layer of axum costs every request several allocations, and hosts and clients send
//! thousands of requests per second.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::{Instrument, Level, Span};

use super::http_error::{self, RenderErrorPage};
use super::unavailable::unavailable;
use super::{client_ip, security_headers};
use crate::server::service::Fault;
use crate::server::state::AppState;
use crate::server::telemetry;

/// What applies to all requests of a group of routes.
#[derive(Clone, Copy)]
pub struct RouteRules {
    /// Largest request body, in bytes.
    pub max_body: usize,
    /// Time limit of a response.
    pub timeout: Duration,
    /// The response in place of one that was not made.
    pub respond_to_failure: fn(HandlerFailure) -> Response,
    /// The context of log lines.
    pub span: fn(&Request) -> Span,
}

/// Why a handler made no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerFailure {
    TimedOut,
    /// The panic has been logged.
    Panicked,
}

/// A response without a body: browsers get the page of its status.
pub fn bare_failure(failure: HandlerFailure) -> Response {
    match failure {
        HandlerFailure::TimedOut => unavailable(),
        HandlerFailure::Panicked => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The internal fault that a response hides, as an extension of the response; [`run`] logs it with the route.
#[derive(Clone)]
pub struct UnloggedFault(pub Fault);

/// The state of [`run`].
pub struct Outermost {
    pub app: AppState,
    pub rules: RouteRules,
    pub render_error: RenderErrorPage,
    /// The security headers of every response.
    pub headers: HeaderMap,
}

/// Logs the request, determines where it comes from, limits its body and its time, catches panics, renders error pages for browsers, and
/// sets the headers of all responses.
pub async fn run(State(outermost): State<Arc<Outermost>>, mut request: Request, next: Next) -> Response {
    let span = (outermost.rules.span)(&request);
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let answer = async {
        let (started, app) = (tracing::enabled!(Level::DEBUG).then(Instant::now), &outermost.app);
        client_ip::insert(&app.trusted_proxies, &app.limits.unknown_addresses, &mut request);
        DefaultBodyLimit::max(outermost.rules.max_body).apply(&mut request);
        let respond = |request| within_limits(outermost.rules, request, next);
        let mut response = http_error::render_error_page(app, outermost.render_error, request, respond).await;
        security_headers::add_defaults(&outermost.headers, response.headers_mut());
        if let Some(UnloggedFault(fault)) = response.extensions().get()
            && !fault.is_logged()
        {
            tracing::error!(%method, route = route.as_ref().map(MatchedPath::as_str), error = %fault, "A request failed on our side");
        }
        if let Some(started) = started {
            telemetry::log_response(&response, started.elapsed());
        }
        response
    };
    answer.instrument(span).await
}

/// Runs the inner layers and the handler.
pub async fn within_limits(rules: RouteRules, request: Request, next: Next) -> Response {
    let response = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(rules.timeout, response).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => (rules.respond_to_failure)(HandlerFailure::Panicked),
        Err(_) => (rules.respond_to_failure)(HandlerFailure::TimedOut),
    }
}
