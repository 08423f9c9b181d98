//! What every request passes first, as one layer: each layer of axum costs every request several allocations, and hosts and clients send
//! thousands of requests per second.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::{Instrument, Level, Span};

use super::http_error::{self, RenderErrorPage};
use super::unavailable::unavailable;
use super::{client_ip, security_headers};
use crate::server::metrics::{self, Route};
use crate::server::request_id::{self, Hex, RequestIds};
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
    /// What a request is for, in metrics.
    pub route: fn(&Request) -> Route,
}

/// The response's header with the id of its request.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Why a handler made no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerFailure {
    TimedOut,
    /// The panic has been logged.
    Panicked,
    /// It was not asked: the header `Host` is missing, not valid, or there several times.
    InvalidHost,
}

/// The explanation of [`HandlerFailure::InvalidHost`].
pub const INVALID_HOST: &str = "The request needs one header Host with a host name, and a port if it is not the default.";

/// A response without a body, or with one line: browsers get the page of its status.
pub fn bare_failure(failure: HandlerFailure) -> Response {
    match failure {
        HandlerFailure::TimedOut => unavailable(),
        HandlerFailure::Panicked => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        HandlerFailure::InvalidHost => (StatusCode::BAD_REQUEST, format!("{INVALID_HOST}\n")).into_response(),
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
    pub ids: Arc<RequestIds>,
    /// The security headers of every response.
    pub headers: HeaderMap,
}

/// Logs the request, determines where it comes from, limits its body and its time, catches panics, renders error pages for browsers, and
/// sets the headers of all responses.
pub async fn run(State(outermost): State<Arc<Outermost>>, mut request: Request, next: Next) -> Response {
    let measured = metrics::start().map(|started| (started, (outermost.rules.route)(&request)));
    let id = outermost.ids.generate(trace_id(&outermost.app, &request));
    let span = (outermost.rules.span)(&request);
    telemetry::annotate(&span, &id);
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let answer = async {
        let (started, app) = (tracing::enabled!(Level::DEBUG).then(Instant::now), &outermost.app);
        client_ip::insert(&app.trusted_proxies.get(), &app.limits.unknown_addresses, &mut request);
        DefaultBodyLimit::max(outermost.rules.max_body).apply(&mut request);
        let rules = outermost.rules;
        let respond = |request: Request| async move {
            if has_valid_host(request.version(), request.headers()) {
                within_limits(rules, request, next).await
            } else {
                (rules.respond_to_failure)(HandlerFailure::InvalidHost)
            }
        };
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
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    };
    let response = request_id::scope(id, answer).instrument(span).await;
    if let Some((started, route)) = measured {
        metrics::record(|metrics| metrics.count_request(route, response.status().as_u16(), started.elapsed()));
    }
    response
}

/// The trace that the request is a part of, if a trusted proxy says so; with several headers, none is.
fn trace_id(app: &AppState, request: &Request) -> Option<Hex> {
    let mut headers = request.headers().get_all(TRACEPARENT).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else { return None };
    client_ip::is_from_proxy(&app.trusted_proxies.get(), request).then(|| request_id::trace_id(header.as_bytes())).flatten()
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

/// RFC 9112 §3.2: one header `Host`, which only HTTP/1.0 may leave out.
fn has_valid_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(host), None) => is_host(host),
        (Some(_), Some(_)) => false,
    }
}

/// A host and an optional port (RFC 9110 §7.2), without user information.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else { return false };
    let port = authority.as_str().strip_prefix(authority.host()).map(|port| port.strip_prefix(':').unwrap_or(port));
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok());
    !authority.host().is_empty() && port.is_some_and(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_valid_host() {
        let valid = |version, hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_bytes(host.as_bytes()).expect("a value"));
            }
            has_valid_host(version, &headers)
        };
        for host in ["x", "tms.example.org", "tms.example.org:", "TMS.example.org:8443", "127.0.0.1:3000", "[::1]", "[2001:db8::1]:443", "a_b"] {
            assert!(valid(Version::HTTP_11, &[host]) && valid(Version::HTTP_10, &[host]), "{host}");
        }
        for host in [
            "",
            " ",
            "a b",
            "a, b",
            "user@host",
            "@host",
            ":80",
            "host:http",
            "host:+80",
            "host:99999",
            "host/path",
            "http://host",
            "[::1",
            "caf\u{e9}",
            "a:1:2",
        ] {
            assert!(!valid(Version::HTTP_11, &[host]) && !valid(Version::HTTP_10, &[host]), "{host}");
        }
        assert!(valid(Version::HTTP_10, &[]) && !valid(Version::HTTP_11, &[]));
        assert!(!valid(Version::HTTP_11, &["x", "x"]) && !valid(Version::HTTP_10, &["x", "y"]));
    }
}
