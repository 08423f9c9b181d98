//! What every command after `tms login` starts with.

use oauth2::AccessToken;

use super::credentials::Credentials;
use super::failure::Failure;
use super::output::Output;
use super::server_api::ServerApi;
use super::target::{Place, Target};

/// A server, and the sign-in to it that is kept here. Only the server knows whether it still holds.
pub struct SignedIn {
    pub server: ServerApi,
    pub token: AccessToken,
}

impl SignedIn {
    pub fn load(place: &Place, output: &Output) -> Result<Self, Failure> {
        let credentials = Credentials::load(output)?;
        let target = Target::choose(place, credentials.current())?;
        let Some(sign_in) = credentials.find(&target) else { return Err(Failure::NotSignedIn(target)) };
        let server = ServerApi { scopes: sign_in.scopes(), ..ServerApi::new(target, place)? };
        Ok(Self { server, token: sign_in.access_token.clone() })
    }
}
