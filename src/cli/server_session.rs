//! What every command after `tms login` starts with.

use oauth2::AccessToken;

use super::credentials::Credentials;
use super::failure::CliError;
use super::output::Output;
use super::server_api::ServerApi;
use super::target::{Target, TargetArgs};

/// A server, and the sign-in to it that is kept here. Only the server knows whether it still holds.
pub struct ServerSession {
    pub server: ServerApi,
    pub token: AccessToken,
}

impl ServerSession {
    pub fn load(target_args: &TargetArgs, output: &Output) -> Result<Self, CliError> {
        let credentials = Credentials::load(output)?;
        let target = Target::resolve(target_args, credentials.last_target())?;
        let Some(sign_in) = credentials.find(&target) else { return Err(CliError::NotSignedIn(target)) };
        let server = ServerApi { scopes: sign_in.scopes(), ..ServerApi::new(target, target_args)? };
        Ok(Self { server, token: sign_in.access_token.clone() })
    }
}
