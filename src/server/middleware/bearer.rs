//! Access tokens in the `Authorization` header (RFC 6750 §2.1).

use axum::http::{HeaderMap, header};

/// The header is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText;

/// The token; `None` without the header, or with credentials of another scheme.
pub fn token(headers: &HeaderMap) -> Result<Option<&str>, NotText> {
    let Some(header) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = header.to_str().map_err(|_| NotText)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()))
}
