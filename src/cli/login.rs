//! `tms login`

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use oauth2::basic::{BasicTokenResponse, BasicTokenType};
use oauth2::{StandardDeviceAuthorizationResponse, TokenResponse};
use serde_json::json;

use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

use super::credentials::{Credentials, SignIn};
use super::device_flow::DeviceFlow;
use super::failure::Failure;
use super::invitation::Invitation;
use super::logout::how_long;
use super::metadata::Metadata;
use super::moments::now;
use super::output::Output;
use super::printable::Printable;
use super::server_api::ServerApi;
use super::target::{Place, Target};
use super::waiting::Waiting;

/// What `tms login` takes besides the place.
#[derive(Args)]
pub struct Login {
    /// What the sign-in is for, if not for all that this program can do; more than one with spaces between, or given more than once
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    #[arg(value_parser = NonEmptyStringValueParser::new(), default_values = Scope::ALL.map(Scope::as_str))]
    scope: Vec<String>,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,
}

/// What became of the sign-in that this one takes the place of.
#[derive(Clone, Copy)]
enum Earlier {
    None,
    Ended,
    NotEnded,
}

/// Shows a code, waits for the decision in the browser, and keeps the sign-in instead of an earlier one, which it ends.
pub async fn login(login: &Login, place: &Place, output: &Output) -> Result<(), Failure> {
    let mut credentials = Credentials::load(output)?;
    let target = Target::choose(place, credentials.current())?;
    credentials.check_writable()?;
    let server = ServerApi::new(target, place)?;
    let (metadata, code) = match begin(login, &server).await {
        Ok(begun) => begun,
        Err(failure) => return Err(server.no_sign_in(failure).await),
    };
    let flow = DeviceFlow::new(&server, &metadata);

    let invitation = invitation(&code);
    invitation.announce(code.expires_in(), code.interval(), output);
    invitation.show(!login.no_qr, output);
    let token = {
        let waiting = Waiting::begin(code.expires_in(), output);
        flow.wait_for_decision(&code, &waiting).await?
    };

    let sign_in = sign_in(&server, login, &token)?;
    // No waiting between the token and this: Ctrl-C cannot lose it half way.
    let replaced = credentials.remember(&server.target, sign_in)?;
    let earlier = end_all(&server, &metadata, replaced, output).await;
    report(&server, login, &credentials, earlier, output).await;
    Ok(())
}

async fn begin(login: &Login, server: &ServerApi) -> Result<(Metadata, StandardDeviceAuthorizationResponse), Failure> {
    let metadata = server.metadata().await?;
    let code = DeviceFlow::new(server, &metadata).ask_for_code(&login.scope).await?;
    Ok((metadata, code))
}

/// Ends sign-ins that are kept no longer: nothing on this machine could end them later.
async fn end_all(server: &ServerApi, metadata: &Metadata, sign_ins: Vec<SignIn>, output: &Output) -> Earlier {
    let mut earlier = Earlier::None;
    for SignIn { access_token, expires_at, .. } in sign_ins {
        let ended = match &metadata.revocation_endpoint {
            Some(endpoint) => server.revoke(endpoint, &access_token).await,
            None => Err(server.unexpected("no revocation_endpoint")),
        };
        earlier = match ended {
            Ok(()) if matches!(earlier, Earlier::NotEnded) => Earlier::NotEnded,
            Ok(()) => Earlier::Ended,
            Err(why) => {
                let (valid, server) = (how_long(expires_at), &server.target.server);
                output.note(&format!("Your earlier sign-in could not be ended: {why}"));
                output.note(&format!("It and the keys made with it stay valid {valid}; end it at {server}{} in any browser.", paths::SESSIONS));
                Earlier::NotEnded
            }
        };
    }
    earlier
}

fn invitation(code: &StandardDeviceAuthorizationResponse) -> Invitation {
    Invitation {
        user_code: Printable::new(code.user_code().secret()),
        verification_uri: Printable::new(code.verification_uri()),
        verification_uri_complete: code.verification_uri_complete().map(|uri| Printable::new(uri.secret())),
    }
}

fn sign_in(server: &ServerApi, login: &Login, token: &BasicTokenResponse) -> Result<SignIn, Failure> {
    if *token.token_type() != BasicTokenType::Bearer {
        return Err(server.unexpected("a token that is not a Bearer token"));
    }
    let expires_at: Option<Timestamp> = token.expires_in().map(|lifetime| now() + lifetime);
    Ok(SignIn::new(&server.target, token.access_token().clone(), granted(login, token), expires_at))
}

/// A server that leaves the scope out granted what was asked for (RFC 6749 §5.1).
fn granted(login: &Login, token: &BasicTokenResponse) -> String {
    match token.scopes() {
        Some(scopes) => scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        None => login.scope.join(" "),
    }
}

/// Says who is signed in. The sign-in is kept already, so a server that cannot say changes nothing.
async fn report(server: &ServerApi, login: &Login, credentials: &Credentials, earlier: Earlier, output: &Output) {
    let Some(sign_in) = credentials.find(&server.target) else { return };
    let person = server.me(&sign_in.access_token).await.ok().map(|me| me.tms_user_id);
    let scope = Printable::new(&sign_in.scope);
    for missing in missing_scopes(&login.scope, scope.as_str()) {
        output.note(&format!("Not granted: {missing}"));
    }
    if matches!(earlier, Earlier::Ended) {
        output.note("Your earlier sign-in on this machine was ended, and the keys made with it.");
    }
    let words = match &person {
        Some(person) => format!("Signed in to {} as {person}.", server.target),
        None => format!("Signed in to {}.", server.target),
    };
    let object = json!({
        "event": "signed_in",
        "server": server.target.server.as_str(),
        "tenant": server.target.tenant,
        "tms_user_id": person,
        "scope": scope,
        "expires_at": sign_in.expires_at.map(Timestamp::to_rfc3339),
        "earlier_sign_in": earlier.word(),
    });
    output.result(&words, &object);
}

impl Earlier {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Ended => Some("ended"),
            Self::NotEnded => Some("not_ended"),
        }
    }
}

fn missing_scopes<'a>(asked: &'a [String], granted: &'a str) -> impl Iterator<Item = &'a str> {
    let is_granted = move |scope: &str| granted.split_ascii_whitespace().any(|word| word == scope);
    asked.iter().map(String::as_str).filter(move |scope| !is_granted(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_that_were_not_granted_are_named() {
        let asked = ["hosts:read".to_owned(), "keys:create".to_owned()];
        assert_eq!(missing_scopes(&asked, "hosts:read").collect::<Vec<_>>(), ["keys:create"]);
        assert_eq!(missing_scopes(&asked, "keys:create hosts:read").count(), 0);
    }
}
