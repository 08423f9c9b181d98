//! A server together with the stored sign-in; the start of every command that needs one.

use std::cell::RefCell;
use std::time::Duration;

use oauth2::AccessToken;
use thiserror::Error;

use crate::domain::time::Timestamp;

use super::credentials::Credentials;
use super::credentials_file::CredentialsError;
use super::error_code::ErrorCode;
use super::output::Output;
use super::refresh::{self, RefreshError};
use super::server_api::{ApiError, ServerApi};
use super::target::{Target, TargetArgs, TargetError};
use super::time_format::now;
use super::tokens::Tokens;

/// How long before its end an access token is renewed: it must not end on its way to the server.
const RENEWAL_MARGIN: Duration = Duration::from_secs(30);

/// A server and the stored sign-in to it. Whether it is still valid only the server knows.
pub struct ServerSession {
    pub server: ServerApi,
    /// As stored, or as renewed since.
    tokens: RefCell<Tokens>,
    output: Output,
}

/// Why there is no sign-in to work with, or why the server did not answer with it.
#[derive(Debug, Error)]
pub enum SessionError {
    #[error("you are not signed in to {0}: run `tms login`")]
    NotSignedIn(Target),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Refresh(#[from] RefreshError),
}

impl SessionError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotSignedIn(_) => ErrorCode::NotSignedIn,
            Self::Credentials(_) => ErrorCode::Credentials,
            Self::Target(error) => error.code(),
            Self::Api(error) => error.code(),
            Self::Refresh(error) => error.code(),
        }
    }
}

impl ServerSession {
    pub fn load(target_args: &TargetArgs, output: &Output) -> Result<Self, SessionError> {
        let credentials = Credentials::load(output)?;
        let target = Target::resolve(target_args, credentials.last_target())?;
        let Some(sign_in) = credentials.find(&target) else { return Err(SessionError::NotSignedIn(target)) };
        let server = ServerApi { scopes: sign_in.scopes(), ..ServerApi::new(target, target_args)? };
        Ok(Self { server, tokens: RefCell::new(sign_in.tokens.clone()), output: *output })
    }

    /// When the authorization ends, as the server stated at the sign-in or at the last renewal.
    pub fn access_until(&self) -> Option<Timestamp> {
        self.tokens.borrow().access_until
    }

    /// Whether the access token is renewed when it has expired.
    pub fn is_renewable(&self) -> bool {
        self.tokens.borrow().refresh_token.is_some()
    }

    /// Sends `request` with the access token. Renews it before if it expires soon, or else once afterwards if the server refuses it.
    pub async fn send<T>(&self, request: impl AsyncFn(&AccessToken) -> Result<T, ApiError>) -> Result<T, SessionError> {
        let token = self.access_token();
        if self.tokens.borrow().need_renewal(RENEWAL_MARGIN, now()) {
            return Ok(request(&self.renew(&token).await?).await?);
        }
        match request(&token).await {
            Err(ApiError::SignInExpired(_)) if self.is_renewable() => Ok(request(&self.renew(&token).await?).await?),
            answer => Ok(answer?),
        }
    }

    fn access_token(&self) -> AccessToken {
        self.tokens.borrow().access_token.clone()
    }

    async fn renew(&self, stale: &AccessToken) -> Result<AccessToken, RefreshError> {
        let renewed = refresh::renew(&self.server, stale, &self.output).await?;
        self.tokens.replace(renewed);
        Ok(self.access_token())
    }
}
