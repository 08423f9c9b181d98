//! `tms tapis whoami`

use serde_json::json;

use crate::cli::output::Output;
use crate::cli::printable::Printable;
use crate::cli::target::TargetArgs;
use crate::cli::time_format::{format_time, format_time_left, now};
use crate::domain::time::Timestamp;

use super::api::TapisApi;
use super::claims::UnverifiedClaims;
use super::credentials::TapisCredentials;
use super::error::TapisError;

/// Asks Tapis for the owner of the token. All other values shown are the token's unverified claims.
pub async fn run(base_url: Option<&str>, target_args: &TargetArgs, output: &Output) -> Result<(), TapisError> {
    let sign_ins = TapisCredentials::load(output)?;
    let server = sign_ins.resolve(base_url, target_args)?;
    let Some((sign_in, token)) = sign_ins.find(&server).and_then(|sign_in| Some((sign_in, sign_in.token.as_ref()?))) else {
        return Err(TapisError::NotSignedIn(server));
    };
    let tapis = TapisApi::new(server, target_args)?;
    let user = tapis.user_info(&token.secret).await?;

    let claims = UnverifiedClaims::decode(&token.secret);
    let expires_at = token.expires_at.map(Timestamp::to_rfc3339);
    let object = json!({
        "base_url": tapis.server.as_str(),
        "username": user.username,
        "tenant": claims.tenant,
        "account_type": claims.account_type,
        "client_id": sign_in.client_id,
        "expires_at": expires_at,
    });
    let lines = [
        user.username.to_string(),
        format!("  server   {}", tapis.server),
        format!("  tenant   {}", or_unknown(claims.tenant)),
        format!("  account  {}", or_unknown(claims.account_type)),
        format!("  client   {}", Printable::new(&sign_in.client_id)),
        format!("  expires  {}", expires(expires_at.as_deref())),
    ];
    output.result(&lines.join("\n"), &object);
    Ok(())
}

fn or_unknown(claim: Option<Printable>) -> String {
    claim.map_or_else(|| "unknown".to_owned(), |claim| claim.to_string())
}

fn expires(expires_at: Option<&str>) -> String {
    match expires_at {
        Some(end) => format_time_left(end, now()).map_or_else(|| format_time(end), |left| format!("{} ({left})", format_time(end))),
        None => "unknown".to_owned(),
    }
}
