//! The client `tms-cli` of a portal's authorization server, with the `oauth2` crate: its types, the tokens in a response, and the errors.

use std::fmt;
use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{
    Client, ClientId, EndpointNotSet, EndpointSet, ErrorResponse, ErrorResponseType, ExtraTokenFields, RequestTokenError, StandardErrorResponse,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::time::Timestamp;

use super::error_code::ErrorCode;
use super::http::TransportError;
use super::metadata::{OFFLINE_ACCESS, ServerMetadata};
use super::printable::Printable;
use super::server_api::{ApiError, ServerApi};
use super::server_url::ServerUrl;
use super::tokens::Tokens;

/// The `error_description` of `access_denied` if the user denied the request: in the device flow, there from earlier portals, and in the
/// browser flow. Any other text states a different reason.
const USER_DENIED_DESCRIPTION: [&str; 3] =
    ["The user denied the request.", "The person said no.", "The user or the authorization server denied the request."];

/// When authorization and refresh token end, in seconds (draft-ietf-oauth-refresh-token-expiration §6).
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshTokenExpiration {
    authorization_expires_in: Option<u64>,
    refresh_token_timeout: Option<u64>,
}

impl ExtraTokenFields for RefreshTokenExpiration {}

pub type PortalTokenResponse = StandardTokenResponse<RefreshTokenExpiration, BasicTokenType>;

/// The client `tms-cli`, and which endpoints it knows besides the token endpoint.
pub type PortalOAuthClient<HasAuthUrl = EndpointNotSet, HasDeviceAuthUrl = EndpointNotSet> = Client<
    BasicErrorResponse,
    PortalTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    HasAuthUrl,
    HasDeviceAuthUrl,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// `access_denied`: who denied the request.
#[derive(Debug, Error)]
pub enum Denial {
    #[error("Denied in the browser. Nothing was shared.")]
    ByUser,
    #[error("{server} refused the sign-in: {message}")]
    ByServer { server: ServerUrl, message: Printable },
}

impl Denial {
    /// `description` is the `error_description` of the response.
    pub fn new(server: &ServerApi, description: Option<&str>) -> Self {
        match description {
            Some(why) if !USER_DENIED_DESCRIPTION.contains(&why) => {
                Self::ByServer { server: server.target.server.clone(), message: Printable::new(why) }
            }
            _ => Self::ByUser,
        }
    }

    pub fn code(&self) -> ErrorCode {
        match self {
            Self::ByUser | Self::ByServer { .. } => ErrorCode::AccessDenied,
        }
    }
}

pub fn oauth_client(metadata: &ServerMetadata) -> PortalOAuthClient {
    Client::new(ClientId::new(CLI_CLIENT_ID.to_owned())).set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
}

/// The scopes to request: `scopes`, and [`OFFLINE_ACCESS`] if the server issues refresh tokens.
pub fn scopes_to_request(scopes: &[String], metadata: &ServerMetadata) -> Vec<oauth2::Scope> {
    let offline = Some(OFFLINE_ACCESS.to_owned()).filter(|offline| metadata.issues_refresh_tokens && !scopes.contains(offline));
    scopes.iter().cloned().chain(offline).map(oauth2::Scope::new).collect()
}

/// The tokens of a response that arrived at `now`.
pub fn tokens(server: &ServerApi, response: &PortalTokenResponse, now: Timestamp) -> Result<Tokens, ApiError> {
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(server.unexpected_response("a token that is not a Bearer token"));
    }
    let end = |seconds: Option<u64>| seconds.map(|seconds| now + Duration::from_secs(seconds));
    let RefreshTokenExpiration { authorization_expires_in, refresh_token_timeout } = response.extra_fields();
    Ok(Tokens {
        access_token: response.access_token().clone(),
        expires_at: response.expires_in().map(|lifetime| now + lifetime),
        refresh_token: response.refresh_token().cloned(),
        refresh_expires_at: end(*refresh_token_timeout),
        access_until: end(*authorization_expires_in),
    })
}

/// The scope of a response; `None` if it is what was requested (RFC 6749 §5.1).
pub fn granted_scope(response: &PortalTokenResponse) -> Option<String> {
    let scopes = response.scopes()?;
    Some(scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
}

/// The error of a request to an OAuth endpoint; `refused` has the meaning of an OAuth error (RFC 6749 §5.2).
pub fn request_error<T: ErrorResponse, E: From<ApiError>>(
    server: &ServerApi,
    error: RequestTokenError<TransportError, T>,
    refused: impl FnOnce(&ServerApi, T) -> E,
) -> E {
    match error {
        RequestTokenError::ServerResponse(error) => refused(server, error),
        RequestTokenError::Request(why) => server.transport_error(why).into(),
        // No details: they could quote the token.
        RequestTokenError::Parse(..) => server.unexpected_response("an OAuth answer with parts missing").into(),
        RequestTokenError::Other(_) => server.unexpected_response("an OAuth answer that is not JSON").into(),
    }
}

/// An OAuth error that has no meaning of its own here.
pub fn refusal<T: ErrorResponseType + fmt::Display>(server: &ServerApi, error: &StandardErrorResponse<T>) -> ApiError {
    refused(server, &error.error().to_string(), error.error_description().map(String::as_str))
}

/// The same by its code and description.
pub fn refused(server: &ServerApi, code: &str, description: Option<&str>) -> ApiError {
    let message = description.map_or_else(|| code.to_owned(), |description| format!("{description} ({code})"));
    ApiError::Refused { server: server.target.server.clone(), message: Printable::new(&message) }
}
