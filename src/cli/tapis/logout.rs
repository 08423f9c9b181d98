//! `tms tapis logout`

use serde_json::json;

use crate::cli::credentials_file::{self, CredentialsError};
use crate::cli::output::Output;
use crate::cli::server_url::ServerUrl;
use crate::cli::target::TargetArgs;
use crate::cli::time_format::format_validity;

use super::api::TapisApi;
use super::credentials::{TapisCredentials, TapisSignIn};
use super::error::TapisError;

/// Revokes the token and deletes it. It is deleted even if it could not be revoked; the user is told.
pub async fn run(base_url: Option<&str>, target_args: &TargetArgs, output: &Output) -> Result<(), TapisError> {
    let mut sign_ins = match TapisCredentials::load(output) {
        Err(fault @ (CredentialsError::Damaged { .. } | CredentialsError::Unreadable { .. })) => {
            credentials_file::delete_unreadable(&fault)?;
            return Err(TapisError::UnreadableSignIns(fault.cause()));
        }
        sign_ins => sign_ins?,
    };
    let server = sign_ins.resolve(base_url, target_args)?;
    let Some(token) = sign_ins.find(&server).and_then(|TapisSignIn { token, .. }| token.clone()) else {
        report(&server, output, &format!("You were not signed in to {server}."), Some("not signed in"));
        return Ok(());
    };

    let valid = format_validity(token.expires_at);
    let revoked = match TapisApi::new(server.clone(), target_args) {
        Ok(tapis) => tapis.revoke(&token.secret).await,
        Err(error) => Err(error),
    };
    sign_ins.remove(&server, &token.secret)?;

    match revoked {
        Ok(()) => {
            report(&server, output, &format!("Signed out of {server}."), None);
            Ok(())
        }
        Err(why) => Err(TapisError::RevocationFailed { server, why: why.to_string(), valid }),
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
