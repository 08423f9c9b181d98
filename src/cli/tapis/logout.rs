//! `tms tapis logout`

use serde_json::json;

use crate::cli::credentials_file::{self, CredentialsFault};
use crate::cli::failure::Failure;
use crate::cli::logout::how_long;
use crate::cli::output::Output;
use crate::cli::server_url::ServerUrl;
use crate::cli::target::Place;

use super::api::TapisApi;
use super::failure::TapisFailure;
use super::sign_ins::{SignIn, SignIns};

/// Revokes the token and forgets it. It is forgotten even when it could not be revoked, and the person is told.
pub async fn logout(base_url: Option<&str>, place: &Place, output: &Output) -> Result<(), Failure> {
    let mut sign_ins = match SignIns::load(output) {
        Err(fault @ (CredentialsFault::Damaged { .. } | CredentialsFault::Unreadable { .. })) => {
            credentials_file::delete(&fault)?;
            return Err(TapisFailure::SignInLost(fault.cause()).into());
        }
        sign_ins => sign_ins?,
    };
    let server = sign_ins.choose(base_url, place)?;
    let Some(token) = sign_ins.find(&server).and_then(|SignIn { token, .. }| token.clone()) else {
        report(&server, output, &format!("You were not signed in to {server}."), Some("not signed in"));
        return Ok(());
    };

    let valid = how_long(token.expires_at);
    let revoked = match TapisApi::new(server.clone(), place) {
        Ok(tapis) => tapis.revoke(&token.secret).await,
        Err(failure) => Err(failure),
    };
    sign_ins.forget(&server, &token.secret)?;

    match revoked {
        Ok(()) => {
            report(&server, output, &format!("Signed out of {server}."), None);
            Ok(())
        }
        Err(why) => Err(TapisFailure::NotRevoked { server, why: why.to_string(), valid }.into()),
    }
}

fn report(server: &ServerUrl, output: &Output, words: &str, not_revoked: Option<&str>) {
    let object = json!({
        "base_url": server.as_str(),
        "signed_in": false,
        "revoked": not_revoked.is_none(),
        "reason": not_revoked,
    });
    output.result(words, &object);
}
