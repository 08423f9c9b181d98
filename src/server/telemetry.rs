//! The log: one line per event, to standard error; `TMS_LOG` filters it, `TMS_LOG_FORMAT=json` is for machines.
//!
//! URLs are logged without query, headers and bodies not at all, so that codes and tokens are never logged.

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use tracing::Span;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub fn init() {
    // A made-up session cookie is not worth a warning.
    let usual = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("tms_portal", LevelFilter::INFO)
        .with_target("tower_sessions_core", LevelFilter::ERROR);
    let asked = std::env::var("TMS_LOG").ok().and_then(|filter| filter.parse().ok());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::env::var("TMS_LOG_FORMAT").is_ok_and(|format| format == "json") { lines.json().boxed() } else { lines.boxed() };
    // Fails only if a logger is installed already, which then remains.
    let _ = tracing_subscriber::registry().with(lines.with_filter(asked.unwrap_or(usual))).try_init();
}

/// The context of a page's log lines.
pub fn page_span(request: &Request) -> Span {
    tracing::info_span!("request", method = %request.method(), route = route(request))
}

/// The same for machines, which send so many requests that at level `info` it would be a tenth of the server's work.
pub fn machine_span(request: &Request) -> Span {
    tracing::debug_span!("request", method = %request.method(), route = route(request))
}

fn route(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or_else(|| request.uri().path(), MatchedPath::as_str)
}

/// A line at debug level.
pub fn log_response(response: &Response, latency: Duration) {
    tracing::debug!(status = response.status().as_u16(), ms = latency.as_secs_f64() * 1_000.0, "Answered");
}
