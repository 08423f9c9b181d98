//! What pages and server functions may ask of their request.

use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use leptos::context::use_context;
use leptos::server_fn::ServerFnError;
use leptos_axum::ResponseOptions;

pub use super::caller::{Caller, code_notice};
pub use super::guard::headers::page_policy;
pub use super::service::browser_sessions::ListedSession;
pub use super::service::{Error, Fault, Services, SignedIn, consent, user_codes};
pub use super::sign_in::session::{Chosen, Notice, Place};
pub use super::sign_in::{Method, methods};
pub use super::tms::openapi::document as api_description;
pub use super::user_agent;

/// All use cases.
pub fn services() -> Result<Services, ServerFnError> {
    use_context().ok_or_else(|| lost("services"))
}

/// Session, address, and the person if one has signed in.
pub fn caller() -> Result<Caller, ServerFnError> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<Caller>().cloned()).ok_or_else(|| lost("caller"))
}

/// The person, if one has signed in; pages outside the people's stack have none.
pub fn visitor() -> Option<SignedIn> {
    use_context::<Parts>()?.extensions.get::<Caller>()?.signed_in.clone()
}

/// The person; a stranger who got past the guard all the same is answered with 401.
pub fn signed_in() -> Result<SignedIn, ServerFnError> {
    caller()?.signed_in.ok_or_else(|| {
        set_status(StatusCode::UNAUTHORIZED);
        ServerFnError::new("Sign in first.")
    })
}

/// Sends the browser on to a page of ours after a form (303: the form is never sent again, RFC 9700 §4.12).
pub fn see_other(path: &'static str) {
    set_status(StatusCode::SEE_OTHER);
    set_header(LOCATION, HeaderValue::from_static(path));
}

/// Whether a person has opened this address, as far as the browser says (`Sec-Fetch-Dest`).
pub fn is_navigation() -> bool {
    use_context::<Parts>().is_some_and(|parts| parts.headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document"))
}

pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

pub fn set_header(name: HeaderName, value: HeaderValue) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(name, value);
    }
}

/// Gives a page with an error its status: 429 with the time to wait, else 422.
pub fn set_refused(notice: &Notice) {
    match notice.wait {
        Some(seconds) => {
            set_status(StatusCode::TOO_MANY_REQUESTS);
            set_header(RETRY_AFTER, HeaderValue::from(seconds));
        }
        None => set_status(StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// A fault, logged here; the caller learns that it is not their mistake, and nothing else.
pub fn fault(fault: Fault) -> ServerFnError {
    tracing::error!(error = %fault, "A page or a form failed on our side");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    ServerFnError::new("Something broke on our side.")
}

fn lost(what: &str) -> ServerFnError {
    tracing::error!(what, "A request came without its context");
    set_status(StatusCode::INTERNAL_SERVER_ERROR);
    ServerFnError::new("Something broke on our side.")
}
