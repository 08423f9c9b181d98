//! Errors on TMS' wire: `{"result_code": "<status>", "result_msg": "…"}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::scope::Scope;
use crate::server::service::Fault;

#[derive(Debug)]
pub enum TmsError {
    /// No credentials: RFC 6750 §3.1 wants no error code then.
    NoToken,
    InvalidToken,
    InsufficientScope(Scope),
    NotFound,
    MethodNotAllowed,
    Internal(Fault),
}

impl TmsError {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            TmsError::NoToken => (StatusCode::UNAUTHORIZED, "ERROR: NOT AUTHORIZED - send an access token as 'Authorization: Bearer'."),
            TmsError::InvalidToken => {
                (StatusCode::UNAUTHORIZED, "ERROR: NOT AUTHORIZED - the access token is not valid or has ended. Sign in again.")
            }
            TmsError::InsufficientScope(_) => (StatusCode::FORBIDDEN, "ERROR: FORBIDDEN - the access token does not allow this."),
            TmsError::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            TmsError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "ERROR: this address does not take that method."),
            TmsError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "ERROR: something broke on our side."),
        }
    }

    /// RFC 6750 §3.
    fn challenge(&self) -> Option<String> {
        match self {
            TmsError::NoToken => Some("Bearer realm=\"tms\"".into()),
            TmsError::InvalidToken => {
                Some("Bearer realm=\"tms\", error=\"invalid_token\", error_description=\"The access token is not valid or has ended.\"".into())
            }
            TmsError::InsufficientScope(scope) => Some(format!("Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"{}\"", scope.as_str())),
            _ => None,
        }
    }
}

impl IntoResponse for TmsError {
    fn into_response(self) -> Response {
        if let TmsError::Internal(fault) = &self {
            tracing::error!(error = %fault, "A TMS request failed on our side");
        }
        let (status, sentence) = self.parts();
        let mut response = (status, Json(json!({ "result_code": status.as_u16().to_string(), "result_msg": sentence }))).into_response();
        if let Some(challenge) = self.challenge().and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
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
    TmsError::NotFound
}

pub async fn method_not_allowed() -> TmsError {
    TmsError::MethodNotAllowed
}
