//! A server together with the stored sign-in; the start of every command that needs one.

use oauth2::AccessToken;
use thiserror::Error;

use super::credentials::Credentials;
use super::credentials_file::CredentialsError;
use super::error_code::ErrorCode;
use super::output::Output;
use super::server_api::{ApiError, ServerApi};
use super::target::{Target, TargetArgs, TargetError};

/// A server and the stored sign-in to it. Whether it is still valid only the server knows.
pub struct ServerSession {
    pub server: ServerApi,
    pub token: AccessToken,
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
}

impl SessionError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotSignedIn(_) => ErrorCode::NotSignedIn,
            Self::Credentials(_) => ErrorCode::Credentials,
            Self::Target(error) => error.code(),
            Self::Api(error) => error.code(),
        }
    }
}

impl ServerSession {
    pub fn load(target_args: &TargetArgs, output: &Output) -> Result<Self, SessionError> {
        let credentials = Credentials::load(output)?;
        let target = Target::resolve(target_args, credentials.last_target())?;
        let Some(sign_in) = credentials.find(&target) else { return Err(SessionError::NotSignedIn(target)) };
        let server = ServerApi { scopes: sign_in.scopes(), ..ServerApi::new(target, target_args)? };
        Ok(Self { server, token: sign_in.access_token.clone() })
    }
}
