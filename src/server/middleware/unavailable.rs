//! 503 with `Retry-After`, and which faults it is for: the same ones in all APIs and pages.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server::service::Fault;

/// `Retry-After` of a response whose request may succeed soon, in seconds.
pub const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// 503 if the request may succeed soon: the database is away, locked or overloaded, accepts no writes, or has no space. Else 500.
pub fn fault_status(fault: &Fault) -> StatusCode {
    if fault.is_temporary() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// 503 without a body.
pub fn unavailable() -> Response {
    with_retry_after(StatusCode::SERVICE_UNAVAILABLE.into_response())
}

/// Adds `Retry-After` to a response that is 503 and has none.
pub fn with_retry_after(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(header::RETRY_AFTER).or_insert(RETRY_AFTER);
    }
    response
}
