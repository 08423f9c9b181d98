//! `tms logout`

use crate::domain::paths;
use serde_json::json;

use crate::domain::time::{Timestamp, Zone};

use super::credentials::{Credentials, SignIn};
use super::failure::Failure;
use super::output::Output;
use super::server_api::ServerApi;
use super::target::{Place, Target};

/// Revokes the token and forgets it. It is forgotten even when it could not be revoked, and the person is told.
pub async fn logout(place: &Place, output: &Output) -> Result<(), Failure> {
    let mut credentials = Credentials::load(output)?;
    let target = Target::choose(place, credentials.current())?;
    let Some(sign_in) = credentials.find(&target) else {
        report(&target, output, &format!("You were not signed in to {target}."), Some("not signed in"));
        return Ok(());
    };

    let revoked = revoke(&target, place, sign_in).await;
    let (valid, token) = (how_long(sign_in.expires_at), sign_in.access_token.clone());
    credentials.forget(&target, &token)?;

    let reason = revoked.err().map(|failure| failure.to_string());
    report(&target, output, &format!("Signed out of {target}."), reason.as_deref());
    if let Some(reason) = reason {
        output.note(&format!("The token is forgotten here, but the server did not end it: {reason}"));
        output.note(&format!("It stays valid {valid}; take it back at {}{}.", target.server, paths::SESSIONS));
    }
    Ok(())
}

async fn revoke(target: &Target, place: &Place, sign_in: &SignIn) -> Result<(), Failure> {
    let server = ServerApi::new(target.clone(), place)?;
    match server.metadata().await?.revocation_endpoint {
        Some(endpoint) => server.revoke(&endpoint, &sign_in.access_token).await,
        None => Err(server.unexpected("no revocation_endpoint")),
    }
}

/// How long a token that was not revoked goes on.
pub fn how_long(expires_at: Option<Timestamp>) -> String {
    match expires_at {
        Some(time) => format!("until {}", time.to_words_in(&Zone::of_this_machine())),
        None => "for as long as the server allows".to_owned(),
    }
}

fn report(target: &Target, output: &Output, words: &str, not_revoked: Option<&str>) {
    let object = json!({
        "server": target.server.as_str(),
        "tenant": target.tenant,
        "signed_in": false,
        "revoked": not_revoked.is_none(),
        "reason": not_revoked,
    });
    output.result(words, &object);
}
