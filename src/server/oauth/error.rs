//! Errors as OAuth clients expect them (RFC 6749 §5.2); the one table that maps refusals to them.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::authorization_request::{RequestProblem, Unanswerable};
use crate::domain::client::RequestRefused;
use crate::domain::device_grant::INTERVAL;
use crate::domain::time::retry_after;
use crate::domain::token_access::TargetRefused;
use crate::server::middleware::outermost::{HandlerFailure, INVALID_HOST, UnloggedFault};
use crate::server::middleware::unavailable::{fault_status, with_retry_after};
use crate::server::request_id;
use crate::server::service::authorizations::access_tokens::RevocationRefused;
use crate::server::service::authorizations::client_tokens::ClientTokenRefused;
use crate::server::service::authorizations::introspection::PublicClient;
use crate::server::service::authorizations::refresh::RefreshRefused;
use crate::server::service::code_flow::redemption::CodeRefused;
use crate::server::service::code_flow::requests::PushRefused;
use crate::server::service::device_flow::device_grants::{DeviceAuthorizationRefused, PollRefused};
use crate::server::service::{Error, Fault};

/// An error response `{"error": …, "error_description": …}`.
#[derive(Debug)]
pub enum OAuthError {
    InvalidRequest(&'static str),
    TooLarge,
    UnsupportedMediaType,
    UnknownTenant,
    InvalidClient,
    /// No client is named.
    ClientMissing,
    InvalidGrant(&'static str),
    UnauthorizedClient(&'static str),
    UnsupportedGrantType,
    InvalidScope(&'static str),
    /// RFC 8707 §2.
    InvalidTarget(&'static str),
    /// What is wrong with a pushed authorization request.
    Problem(RequestProblem),
    AuthorizationPending,
    SlowDown(Duration),
    AccessDenied(&'static str),
    ExpiredToken,
    /// Too many requests, with the time to wait.
    Overload(Duration),
    NotFound,
    MethodNotAllowed,
    ServerError(Fault),
    /// No response within the time limit.
    TimedOut,
    /// A panic, which has been logged.
    Panicked,
}

const UNAVAILABLE: &str = "The server is temporarily unavailable. Retry after the time in Retry-After.";
const INTERNAL: &str = "Internal server error.";

impl OAuthError {
    /// The same error for a polling client.
    pub fn as_poll_error(self) -> Self {
        match self {
            Self::Overload(wait) => Self::SlowDown(wait),
            Self::ServerError(fault) if fault.is_temporary() => {
                if !fault.is_logged() {
                    tracing::warn!(error = %fault, "A poll could not be answered at the moment");
                }
                Self::SlowDown(INTERVAL)
            }
            other => other,
        }
    }

    /// Status, error code, and description for the client's developers. RFC 6749 §5.2 allows no quotes or backslashes in it.
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        use OAuthError as E;
        match self {
            E::InvalidRequest(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            E::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The request body is larger than 16 KiB."),
            E::UnsupportedMediaType => (StatusCode::BAD_REQUEST, "invalid_request", "Send the parameters as application/x-www-form-urlencoded."),
            E::UnknownTenant => (StatusCode::NOT_FOUND, "invalid_request", "The tenant does not exist or is disabled."),
            E::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client", "The client is unknown or disabled, or its credentials are wrong."),
            E::ClientMissing => (StatusCode::BAD_REQUEST, "invalid_request", "client_id is missing."),
            E::InvalidGrant(why) => (StatusCode::BAD_REQUEST, "invalid_grant", why),
            E::UnauthorizedClient(why) => (StatusCode::BAD_REQUEST, "unauthorized_client", why),
            E::UnsupportedGrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "The grant types are authorization_code, client_credentials, refresh_token and urn:ietf:params:oauth:grant-type:device_code.",
            ),
            E::InvalidScope(why) => (StatusCode::BAD_REQUEST, "invalid_scope", why),
            E::InvalidTarget(why) => (StatusCode::BAD_REQUEST, "invalid_target", why),
            E::Problem(problem) => (StatusCode::BAD_REQUEST, problem.code(), problem.description()),
            E::AuthorizationPending => (StatusCode::BAD_REQUEST, "authorization_pending", "The user has not yet allowed or denied the request."),
            E::SlowDown(_) => (StatusCode::BAD_REQUEST, "slow_down", "Polling too fast. Wait longer between requests."),
            E::AccessDenied(why) => (StatusCode::BAD_REQUEST, "access_denied", why),
            E::ExpiredToken => (StatusCode::BAD_REQUEST, "expired_token", "The device code has expired. Request a new one."),
            E::ServerError(fault) if fault.is_temporary() => (fault_status(fault), "temporarily_unavailable", UNAVAILABLE),
            E::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", UNAVAILABLE),
            E::Overload(_) => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", "Too many requests. Retry after the time in Retry-After."),
            E::NotFound => (StatusCode::NOT_FOUND, "invalid_request", "No resource exists at this URL."),
            E::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "Method not allowed."),
            E::ServerError(fault) => (fault_status(fault), "server_error", INTERNAL),
            E::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", INTERNAL),
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (status, error, description) = self.parts();
        let mut body = json!({ "error": error, "error_description": description });
        // Clients ignore parameters that they do not know.
        if let (true, Some(id), Some(body)) = (status.is_server_error(), request_id::current(), body.as_object_mut()) {
            body.insert("request_id".to_owned(), id.as_str().into());
        }
        let mut response = (status, NO_STORE_HEADERS, Json(body)).into_response();
        let headers = response.headers_mut();
        let wait = match &self {
            OAuthError::SlowDown(wait) | OAuthError::Overload(wait) => Some(*wait),
            _ => None,
        };
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after(wait)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"tms\", charset=\"UTF-8\""));
        }
        response = with_retry_after(response);
        if let OAuthError::ServerError(fault) = self {
            response.extensions_mut().insert(UnloggedFault(fault));
        }
        response
    }
}

/// RFC 6749 §5.1: responses with a code or token must not be cached.
pub const NO_STORE_HEADERS: [(HeaderName, &str); 2] = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];

/// The response to a request that timed out or panicked.
pub fn respond_to_failure(failure: HandlerFailure) -> Response {
    match failure {
        HandlerFailure::TimedOut => OAuthError::TimedOut.into_response(),
        HandlerFailure::Panicked => OAuthError::Panicked.into_response(),
        HandlerFailure::InvalidHost => OAuthError::InvalidRequest(INVALID_HOST).into_response(),
    }
}

pub async fn method_not_allowed() -> OAuthError {
    OAuthError::MethodNotAllowed
}

impl From<Fault> for OAuthError {
    fn from(fault: Fault) -> Self {
        Self::ServerError(fault)
    }
}

impl<R> From<Error<R>> for OAuthError
where
    OAuthError: From<ServiceRefusal<R>>,
{
    fn from(error: Error<R>) -> Self {
        match error {
            Error::Refused(refused) => ServiceRefusal(refused).into(),
            Error::Internal(fault) => Self::ServerError(fault),
        }
    }
}

/// A use case's refusal, to be converted into an error.
pub struct ServiceRefusal<R>(R);

impl From<TargetRefused> for OAuthError {
    fn from(refused: TargetRefused) -> Self {
        Self::InvalidTarget(match refused {
            TargetRefused::Unknown => "The resource is not known, or this client may not request access to it.",
            TargetRefused::NotGranted => "The user did not allow access to the requested resource.",
            TargetRefused::NotOne => "An access token is for one resource. Name one of those that the user allowed.",
        })
    }
}

impl From<ServiceRefusal<DeviceAuthorizationRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<DeviceAuthorizationRefused>) -> Self {
        match refused {
            DeviceAuthorizationRefused::Request(refused) => ServiceRefusal(refused).into(),
            DeviceAuthorizationRefused::Target(refused) => refused.into(),
        }
    }
}

impl From<ServiceRefusal<RequestRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<RequestRefused>) -> Self {
        match refused {
            RequestRefused::Disabled => Self::InvalidClient,
            RequestRefused::GrantNotAllowed => Self::UnauthorizedClient("This client is not allowed to use the device authorization grant."),
            RequestRefused::NoSignIn => Self::UnauthorizedClient("Users cannot sign in to this tenant: it has no sign-in method."),
            RequestRefused::NoScopeLeft => Self::InvalidScope("None of the requested scopes is allowed for this client."),
        }
    }
}

impl From<ServiceRefusal<PollRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<PollRefused>) -> Self {
        match refused {
            PollRefused::Pending => Self::AuthorizationPending,
            PollRefused::SlowDown { wait } => Self::SlowDown(wait),
            PollRefused::Denied => Self::AccessDenied("The user denied the request."),
            PollRefused::Revoked => Self::AccessDenied("Access was revoked before the token was issued."),
            PollRefused::PersonDisabled => Self::AccessDenied("The account of the user who allowed the request is disabled."),
            PollRefused::NotAllowed(RequestRefused::Disabled) => Self::InvalidClient,
            PollRefused::NotAllowed(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => {
                Self::UnauthorizedClient("This client is no longer allowed to use the device authorization grant.")
            }
            PollRefused::NotAllowed(RequestRefused::NoScopeLeft) => {
                Self::AccessDenied("None of the requested scopes is still allowed for this client.")
            }
            PollRefused::AccessEnded => Self::AccessDenied("The allowed access has expired or was shortened by an administrator."),
            PollRefused::Expired => Self::ExpiredToken,
            PollRefused::Target(refused) => refused.into(),
            PollRefused::InvalidGrant => Self::InvalidGrant("The device code is invalid, was issued to another client, or has already been used."),
        }
    }
}

impl From<ServiceRefusal<RefreshRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<RefreshRefused>) -> Self {
        match refused {
            RefreshRefused::NotValid => Self::InvalidGrant("The refresh token is invalid, or was issued to another client."),
            RefreshRefused::Ended => Self::InvalidGrant("The refresh token has expired or was revoked."),
            RefreshRefused::Reused => Self::InvalidGrant("The refresh token was replaced and used again. Access has been revoked."),
            RefreshRefused::TooOften => Self::InvalidGrant("The refresh token was replaced. Use the one of the last response."),
            RefreshRefused::NotIssuedYet => Self::InvalidGrant("The refresh token is not known. The user has to sign in again."),
            RefreshRefused::PersonOrTenantDisabled => Self::InvalidGrant("The account of the user, or the tenant, is disabled."),
            RefreshRefused::Target(refused) => refused.into(),
            RefreshRefused::ScopeExceeded => Self::InvalidScope("The requested scope exceeds the scope that the user allowed."),
            RefreshRefused::NotAllowed(RequestRefused::Disabled) => Self::InvalidClient,
            RefreshRefused::NotAllowed(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => {
                Self::UnauthorizedClient("This client is not allowed to use refresh tokens.")
            }
            RefreshRefused::NotAllowed(RequestRefused::NoScopeLeft) => {
                Self::InvalidScope("None of the scopes that the user allowed is still allowed for this client.")
            }
        }
    }
}

impl From<ServiceRefusal<CodeRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<CodeRefused>) -> Self {
        match refused {
            CodeRefused::InvalidGrant => {
                Self::InvalidGrant("The code is invalid or has expired, was issued to another client, or does not match this request.")
            }
            CodeRefused::Ended => Self::InvalidGrant("What the user allowed or their session has ended, or their account is disabled."),
            CodeRefused::Target(refused) => refused.into(),
            CodeRefused::NotAllowed(RequestRefused::Disabled) => Self::InvalidClient,
            CodeRefused::NotAllowed(RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => {
                Self::UnauthorizedClient("This client is not allowed to use the grant type authorization_code.")
            }
            CodeRefused::NotAllowed(RequestRefused::NoScopeLeft) => {
                Self::InvalidScope("None of the scopes that the user allowed is still allowed for this client.")
            }
        }
    }
}

impl From<ServiceRefusal<PushRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<PushRefused>) -> Self {
        match refused {
            PushRefused::Problem(problem) => Self::Problem(problem),
            PushRefused::HasRequestUri => Self::InvalidRequest("request_uri is not allowed in a pushed request."),
            PushRefused::OtherClient => Self::InvalidRequest("client_id is not that of the client that authenticated."),
            PushRefused::Unanswerable(Unanswerable::GrantNotAllowed) => {
                Self::UnauthorizedClient("This client is not allowed to use the grant type authorization_code.")
            }
            PushRefused::Unanswerable(Unanswerable::ClientDisabled | Unanswerable::ClientUnknown | Unanswerable::ClientMissing) => {
                Self::InvalidClient
            }
            PushRefused::Unanswerable(Unanswerable::RedirectUriMissing) => Self::InvalidRequest("redirect_uri is missing."),
            PushRefused::Unanswerable(Unanswerable::RedirectUriNotRegistered) => {
                Self::InvalidRequest("redirect_uri is not registered for this client.")
            }
            PushRefused::Unanswerable(Unanswerable::StateTooLong) => Self::InvalidRequest("state is longer than 4 KiB."),
            PushRefused::Unanswerable(_) => Self::InvalidRequest("The request is not valid."),
        }
    }
}

impl From<ServiceRefusal<ClientTokenRefused>> for OAuthError {
    fn from(ServiceRefusal(refused): ServiceRefusal<ClientTokenRefused>) -> Self {
        match refused {
            ClientTokenRefused::Public => Self::UnauthorizedClient("A public client cannot get tokens for itself."),
            ClientTokenRefused::NotAllowed => Self::UnauthorizedClient("This client is not allowed to use the grant type client_credentials."),
            ClientTokenRefused::OtherResource => Self::InvalidTarget("A client gets tokens for itself at the TMS API only."),
            ClientTokenRefused::NoScopeLeft => Self::InvalidScope("None of the requested scopes is allowed for this client."),
        }
    }
}

impl From<ServiceRefusal<PublicClient>> for OAuthError {
    fn from(_: ServiceRefusal<PublicClient>) -> Self {
        Self::InvalidClient
    }
}

impl From<ServiceRefusal<RevocationRefused>> for OAuthError {
    fn from(_: ServiceRefusal<RevocationRefused>) -> Self {
        Self::UnauthorizedClient("The token was issued to another client.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_errors_of_oauth() {
        for (failure, status) in [(HandlerFailure::TimedOut, 503), (HandlerFailure::Panicked, 500)] {
            let response = respond_to_failure(failure);
            assert_eq!((response.status().as_u16(), response.headers().contains_key(header::RETRY_AFTER)), (status, status == 503));
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        }
    }

    #[test]
    fn temporary_fault_is_503_with_the_time_to_wait() {
        let fault = OAuthError::from(Fault::temporary(std::io::Error::other("away"))).into_response();
        assert!(fault.status() == StatusCode::SERVICE_UNAVAILABLE && fault.headers()[header::RETRY_AFTER] == "5");
        let fault = OAuthError::from(Fault::new(std::io::Error::other("broken"))).into_response();
        assert_eq!((fault.status(), fault.headers().contains_key(header::RETRY_AFTER)), (StatusCode::INTERNAL_SERVER_ERROR, false));
    }
}
