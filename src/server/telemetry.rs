//! The log: one line per event, to standard error; `TMS_LOG` filters it, `TMS_LOG_FORMAT=json` is for machines. An empty variable counts as
//! not set.
//!
//! URLs are logged without query, headers and bodies not at all, so that codes and tokens are never logged.

mod lines;
#[cfg(feature = "otel")]
mod otlp;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use tracing::Span;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::request_id::RequestId;
use lines::{JsonLines, TextLines};

/// Starts the log. `Err`: an environment variable is not valid.
pub fn init() -> Result<(), String> {
    let filter = variable("TMS_LOG")?.map_or_else(|| Ok(usual_filter()), |filter| parse_filter(&filter).map_err(|why| format!("TMS_LOG: {why}")))?;
    // A log that cannot be written, such as to a closed pipe, is not reported on standard error: that would be a panic.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(has_colours()).log_internal_errors(false);
    let lines = match variable("TMS_LOG_FORMAT")?.as_deref() {
        None | Some("text") => lines.event_format(TextLines::default()).boxed(),
        Some("json") => lines.json().map_event_format(JsonLines).boxed(),
        Some(other) => return Err(format!("TMS_LOG_FORMAT: {other:?} is neither text nor json")),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otel")]
    let subscriber = subscriber.with(otlp::layer()?);
    // Fails only if a logger is installed already, which then remains.
    let _ = subscriber.try_init();
    Ok(())
}

/// Sends what has not been sent yet, before the process ends.
pub fn shut_down() {
    #[cfg(feature = "otel")]
    otlp::shut_down();
}

/// Adds the id of the request to the span that is exported.
pub fn annotate(span: &Span, request: &RequestId) {
    #[cfg(feature = "otel")]
    otlp::annotate(span, request);
    #[cfg(not(feature = "otel"))]
    let _ = (span, request);
}

/// An environment variable; `None` if it is not set, or empty.
fn variable(name: &str) -> Result<Option<String>, String> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(OsString::into_string).transpose().map_err(|_| format!("{name}: is not valid UTF-8"))
}

/// Colours are for people: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn has_colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn usual_filter() -> Targets {
    // A made-up session cookie is not worth a warning.
    Targets::new().with_default(LevelFilter::WARN).with_target("tms_portal", LevelFilter::INFO).with_target("tower_sessions_core", LevelFilter::ERROR)
}

/// Parses `LEVEL` and `TARGET=LEVEL`, separated by commas. Errors of other targets are logged unless the filter has a level for all: a
/// misspelt target must not hide them.
fn parse_filter(text: &str) -> Result<Targets, String> {
    let mut filter = Targets::new().with_default(LevelFilter::ERROR);
    for part in text.split(',').map(str::trim) {
        let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target.trim()), level.trim()));
        let is_path = |target: &str| !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-'));
        let known = !level.is_empty() && target.is_none_or(is_path);
        let level = level.parse::<LevelFilter>().ok().filter(|_| known).ok_or_else(|| {
            format!("{part:?} is not LEVEL or TARGET=LEVEL, such as info or tms_portal=debug; levels are off, error, warn, info, debug and trace")
        })?;
        filter = match target {
            None => filter.with_default(level),
            Some(target) => filter.with_target(target, level),
        };
    }
    Ok(filter)
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

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn filters_are_levels_and_targets_with_levels() {
        let enabled = |filter: &str, target, level| parse_filter(filter).expect(filter).would_enable(target, &level);
        assert!(enabled("debug", "sqlx", Level::DEBUG) && !enabled("debug", "sqlx", Level::TRACE));
        assert!(enabled(" tms_portal = DEBUG , warn", "tms_portal::server", Level::DEBUG));
        assert!(!enabled("tms_portal=debug,warn", "sqlx", Level::INFO));
        for filter in ["tms_portal=debug", "tms_protal=debug", "sqlx=off"] {
            assert!(enabled(filter, "tms_portal", Level::ERROR), "{filter} must not hide errors");
        }
        assert!(!enabled("tms_portal=debug,off", "hyper", Level::ERROR) && !enabled("off", "tms_portal", Level::ERROR));
    }

    #[test]
    fn other_filters_are_refused() {
        for filter in ["inof", "tms_portal", "tms_portal=", "=debug", "tms_portal=debgu", "info,", ",", " ", "info tms_portal=debug", "[span]=info=x"]
        {
            assert!(parse_filter(filter).is_err(), "{filter:?}");
        }
    }
}
