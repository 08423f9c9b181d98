//! Bearer tokens (RFC 6750 §2.1; only the header).

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use super::error::TmsError;
use crate::domain::scope::Scope;
use crate::server::service::access_tokens::InvalidToken;
use crate::server::service::{Error, Services, TokenHolder};

/// Whoever sent a live access token.
pub struct Bearer(pub TokenHolder);

impl Bearer {
    pub fn with(self, scope: Scope) -> Result<TokenHolder, TmsError> {
        if self.0.scope().contains(scope) { Ok(self.0) } else { Err(TmsError::InsufficientScope(scope)) }
    }
}

impl<S> FromRequestParts<S> for Bearer
where
    S: Send + Sync,
    Services: FromRef<S>,
{
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TmsError> {
        let header = parts.headers.get(header::AUTHORIZATION).ok_or(TmsError::NoToken)?;
        let value = header.to_str().map_err(|_| TmsError::InvalidToken)?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TmsError::NoToken);
        }
        match Services::from_ref(state).token_holder(token.trim()).await {
            Ok(holder) => Ok(Self(holder)),
            Err(Error::Refused(InvalidToken)) => Err(TmsError::InvalidToken),
            Err(Error::Internal(fault)) => Err(fault.into()),
        }
    }
}
