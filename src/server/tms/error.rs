//! Errors in TMS' format, `{"result_code": "<status>", "result_msg": "…"}`, for all failures.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::domain::time::retry_after;
use crate::server::middleware::outermost::UnloggedFault;
use crate::server::middleware::unavailable::{fault_status, with_retry_after};
use crate::server::service::authorizations::access_tokens::InvalidToken;
use crate::server::service::{Fault, Services};

/// `Retry-After` of an overload, which ends sooner than faults do.
const OVERLOAD_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The message of an overload, wherever it is detected.
pub const OVERLOADED: &str = "ERROR: the server is temporarily overloaded; retry after the seconds in Retry-After.";

const UNAVAILABLE: &str = "ERROR: the server is temporarily unavailable; retry after the seconds in Retry-After.";
const INTERNAL: &str = "ERROR: internal server error.";

#[derive(Debug)]
pub enum TmsError {
    /// No credentials: RFC 6750 §3.1 requires a challenge without error code.
    NoToken(MetadataUrl),
    InvalidToken(InvalidToken, MetadataUrl),
    /// `narrowed`: the person allowed it, but the client has lost the permission since.
    InsufficientScope {
        scope: Scope,
        narrowed: bool,
    },
    BadRequest(String),
    /// The credentials in the `X-TMS-…` headers are wrong or missing.
    NotAuthorized(String),
    Forbidden(String),
    /// A host must send its credential, or the one it sent is not its own.
    HostCredential(&'static str),
    NotFound(Cow<'static, str>),
    Conflict(String),
    MethodNotAllowed,
    TooLarge,
    UnsupportedMediaType,
    TooManyRequests(Duration),
    /// Temporarily unavailable; the request is valid.
    Busy(&'static str),
    Internal(Fault),
    /// A panic, which has been logged.
    Panicked,
}

/// The URL of the API's metadata, from which a client learns where to get a token (RFC 9728 §5.1).
#[derive(Debug)]
pub struct MetadataUrl(String);

impl MetadataUrl {
    pub fn of(services: &Services) -> Self {
        Self(format!("{}{}", services.public_url(), paths::PROTECTED_RESOURCE))
    }
}

/// An error.
#[derive(Serialize, ToSchema)]
pub struct ErrorReply {
    /// The HTTP status, as text.
    #[schema(example = "404")]
    result_code: String,
    /// A message for people; may change.
    #[schema(example = "NOT_FOUND")]
    result_msg: String,
}

/// What every endpoint may answer when it does not do what was asked.
#[derive(IntoResponses)]
pub enum ErrorResponses {
    /// The request cannot be parsed or is not valid, or the tenant is disabled.
    #[response(status = 400)]
    BadRequest(ErrorReply),
    /// The credentials are missing or wrong.
    #[response(status = 401)]
    NotAuthorized(ErrorReply),
    /// It belongs to another caller, or something it depends on is missing or has expired.
    #[response(status = 403)]
    Forbidden(ErrorReply),
    /// It does not exist, or is not visible to the caller.
    #[response(status = 404)]
    NotFound(ErrorReply),
    /// It already exists, or something it depends on does not exist.
    #[response(status = 409)]
    Conflict(ErrorReply),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(ErrorReply),
    /// The body is not JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorReply),
    /// Too many requests or too many wrong secrets; retry after the time in `Retry-After`.
    #[response(status = 429)]
    TooManyRequests(ErrorReply),
    /// Internal server error.
    #[response(status = 500)]
    Internal(ErrorReply),
    /// The server is temporarily overloaded or unavailable; retry after the time in `Retry-After`.
    #[response(status = 503)]
    Busy(ErrorReply),
}

impl TmsError {
    fn parts(&self) -> (StatusCode, Cow<'_, str>) {
        use TmsError as E;
        let (status, sentence): (_, &str) = match self {
            E::NoToken(_) => (StatusCode::UNAUTHORIZED, "ERROR: NOT AUTHORIZED - send an access token as 'Authorization: Bearer'."),
            E::InvalidToken(InvalidToken::NotValid, _) => {
                (StatusCode::UNAUTHORIZED, "ERROR: NOT AUTHORIZED - the access token is not valid or has expired. Sign in again.")
            }
            E::InvalidToken(InvalidToken::ClientNotAllowed, _) => {
                (StatusCode::UNAUTHORIZED, "ERROR: NOT AUTHORIZED - this application is no longer allowed to act for users.")
            }
            E::InvalidToken(InvalidToken::PersonDisabled, _) => {
                (StatusCode::UNAUTHORIZED, "ERROR: NOT AUTHORIZED - the access token's user is disabled.")
            }
            E::InsufficientScope { narrowed: false, .. } => (StatusCode::FORBIDDEN, "ERROR: FORBIDDEN - the access token lacks the required scope."),
            E::InsufficientScope { narrowed: true, .. } => {
                (StatusCode::FORBIDDEN, "ERROR: FORBIDDEN - this application is no longer allowed the required scope.")
            }
            E::BadRequest(sentence) => (StatusCode::BAD_REQUEST, sentence),
            E::NotAuthorized(sentence) => (StatusCode::UNAUTHORIZED, sentence),
            E::Forbidden(sentence) => (StatusCode::FORBIDDEN, sentence),
            E::HostCredential(sentence) => (StatusCode::UNAUTHORIZED, sentence),
            E::NotFound(sentence) => (StatusCode::NOT_FOUND, sentence),
            E::Conflict(sentence) => (StatusCode::CONFLICT, sentence),
            E::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "ERROR: method not allowed."),
            E::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "ERROR: the request body is too large."),
            E::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "ERROR: send the request body as 'Content-Type: application/json'."),
            E::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "ERROR: too many requests; retry after the seconds in Retry-After."),
            E::Busy(sentence) => (StatusCode::SERVICE_UNAVAILABLE, sentence),
            E::Internal(fault) => (fault_status(fault), if fault.is_temporary() { UNAVAILABLE } else { INTERNAL }),
            E::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL),
        };
        (status, sentence.into())
    }

    /// RFC 6750 §3, RFC 9728 §5.1.
    fn challenge(&self) -> Option<String> {
        match self {
            TmsError::NoToken(MetadataUrl(url)) => Some(format!("Bearer realm=\"tms\", resource_metadata=\"{url}\"")),
            TmsError::InvalidToken(refused, MetadataUrl(url)) => {
                let why = refused.description();
                Some(format!("Bearer realm=\"tms\", error=\"invalid_token\", error_description=\"{why}\", resource_metadata=\"{url}\""))
            }
            TmsError::InsufficientScope { scope, .. } => {
                Some(format!("Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()))
            }
            TmsError::HostCredential(_) => Some("Bearer realm=\"tms hosts\"".into()),
            // RFC 9110 §11.6.1 requires a scheme; these credentials have none.
            TmsError::NotAuthorized(_) => Some("TMS realm=\"tms\"".into()),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            TmsError::TooManyRequests(wait) => Some(retry_after(*wait)),
            TmsError::Busy(_) => Some(retry_after(OVERLOAD_RETRY_AFTER)),
            _ => None,
        }
    }

    pub const NOT_FOUND: TmsError = TmsError::NotFound(Cow::Borrowed("NOT_FOUND"));
}

impl IntoResponse for TmsError {
    fn into_response(self) -> Response {
        let (status, sentence) = self.parts();
        let answer = ErrorReply { result_code: status.as_u16().to_string(), result_msg: sentence.into_owned() };
        let mut response = (status, Json(answer)).into_response();
        if let Some(challenge) = self.challenge().and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response = with_retry_after(response);
        if let TmsError::Internal(fault) = self {
            response.extensions_mut().insert(UnloggedFault(fault));
        }
        response
    }
}

impl From<Fault> for TmsError {
    fn from(fault: Fault) -> Self {
        Self::Internal(fault)
    }
}

pub async fn not_found() -> TmsError {
    TmsError::NOT_FOUND
}

pub async fn method_not_allowed() -> TmsError {
    TmsError::MethodNotAllowed
}
