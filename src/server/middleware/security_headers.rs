//! Security headers of all responses. A page sets its own `Content-Security-Policy` with a nonce; all other responses get one that allows
//! nothing.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{Any, CorsLayer};

const DENY_ALL: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The policy of a page: scripts by nonce or from this origin, WASM, no inline styles, no other origins, no frames.
pub fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; \
         require-trusted-types-for 'script'"
    )
}

/// For documents that need no credentials: scripts of any origin may read them, with any headers.
pub fn public_cors() -> CorsLayer {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::HEAD]).allow_headers(Any).max_age(DAY)
}

/// Whether people reach the portal over TLS, which is then enforced.
#[derive(Clone, Copy)]
pub struct Https(pub bool);

/// The headers of all responses.
pub fn security_headers(https: Https) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name, value| drop(headers.insert(name, HeaderValue::from_static(value)));
    set(header::CONTENT_SECURITY_POLICY, DENY_ALL);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: browsers would send `Origin: null` with the portal's own forms, and the same-origin check would refuse them.
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
    set(header::CACHE_CONTROL, "no-store");
    if https.0 {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    headers
}

/// Adds default headers to a response. Those that the handler has set are kept.
pub fn add_defaults(defaults: &HeaderMap, response: &mut HeaderMap) {
    let of_handler = std::mem::replace(response, defaults.clone());
    response.extend(of_handler);
}
