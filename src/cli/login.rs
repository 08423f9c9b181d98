//! `tms login`

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use oauth2::basic::{BasicTokenResponse, BasicTokenType};
use oauth2::{StandardDeviceAuthorizationResponse, TokenResponse};
use serde_json::{Value, json};

use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

use super::credentials::{Credentials, SignIn};
use super::device_flow::DeviceFlow;
use super::earlier::Earlier;
use super::failure::Failure;
use super::invitation::Invitation;
use super::logout::how_long;
use super::metadata::Metadata;
use super::moments::now;
use super::output::Output;
use super::printable::Printable;
use super::scopes::Scopes;
use super::server_api::ServerApi;
use super::target::{Place, Target};
use super::waiting::Waiting;

/// What `tms login` takes besides the place.
#[derive(Args)]
pub struct Login {
    /// The scopes to request instead of all that this program can use; separate several with spaces, or give the option several times
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    #[arg(value_parser = NonEmptyStringValueParser::new(), default_values = Scope::ALL.map(Scope::as_str))]
    scope: Vec<String>,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,
}

/// A sign-in that is kept now.
struct Done {
    server: ServerApi,
    credentials: Credentials,
    earlier: Earlier,
}

/// Signs in, and says so.
pub async fn login(login: &Login, place: &Place, output: &Output) -> Result<(), Failure> {
    let done = walk(login, place, output).await?;
    let (words, object) = done.report(login, output).await;
    output.result(&words, &object);
    Ok(())
}

/// Signs in on the way to something else, whose results alone go to stdout. `why` says what it is needed for.
pub async fn login_first(why: &str, place: &Place, output: &Output) -> Result<(), Failure> {
    output.note(why);
    let login = Login { scope: Scope::ALL.map(|scope| scope.as_str().to_owned()).to_vec(), no_qr: false };
    let done = walk(&login, place, output).await?;
    output.note(&done.report(&login, output).await.0);
    Ok(())
}

/// Shows a code, waits for the decision in the browser, and keeps the sign-in instead of an earlier one, which it ends.
async fn walk(login: &Login, place: &Place, output: &Output) -> Result<Done, Failure> {
    let mut credentials = Credentials::load_to_sign_in(output)?;
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
    let earlier = if credentials.begun_anew() { Earlier::Unknown } else { Earlier::None };
    let earlier = end_all(&server, &metadata, replaced, earlier, output).await;
    Ok(Done { server, credentials, earlier })
}

async fn begin(login: &Login, server: &ServerApi) -> Result<(Metadata, StandardDeviceAuthorizationResponse), Failure> {
    let metadata = server.metadata().await?;
    let code = DeviceFlow::new(server, &metadata).ask_for_code(&login.scope).await?;
    Ok((metadata, code))
}

/// Ends sign-ins that are kept no longer: nothing on this machine could end them later.
async fn end_all(server: &ServerApi, metadata: &Metadata, sign_ins: Vec<SignIn>, mut earlier: Earlier, output: &Output) -> Earlier {
    for SignIn { access_token, expires_at, .. } in sign_ins {
        let ended = match &metadata.revocation_endpoint {
            Some(endpoint) => server.revoke(endpoint, &access_token).await,
            None => Err(server.unexpected("no revocation_endpoint")),
        };
        let (valid, server) = (how_long(expires_at), &server.target.server);
        let still_valid = format!("It and the keys created with it stay valid {valid}; revoke it at {server}{} in any browser.", paths::SESSIONS);
        earlier = earlier.and(ended, &still_valid, output);
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
    let scopes = Scopes { asked: login.scope.join(" "), granted: granted(login, token) };
    Ok(SignIn::new(&server.target, token.access_token().clone(), scopes, expires_at))
}

/// A server that leaves the scope out granted what was asked for (RFC 6749 §5.1).
fn granted(login: &Login, token: &BasicTokenResponse) -> String {
    match token.scopes() {
        Some(scopes) => scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        None => login.scope.join(" "),
    }
}

impl Done {
    /// Who is signed in. The sign-in is kept already, so a server that cannot say changes nothing.
    async fn report(&self, login: &Login, output: &Output) -> (String, Value) {
        let Self { server, credentials, earlier } = self;
        let sign_in = credentials.find(&server.target);
        let person = match sign_in {
            Some(sign_in) => server.me(&sign_in.access_token).await.ok().map(|me| me.tms_user_id),
            None => None,
        };
        let scope = sign_in.map(|sign_in| Printable::new(&sign_in.scope)).unwrap_or_default();
        for missing in missing_scopes(&login.scope, scope.as_str()) {
            output.note(&format!("Not granted: {missing}. The portal does not allow this application to have it."));
        }
        if *earlier == Earlier::Ended {
            output.note("Your earlier sign-in on this machine and the keys created with it were revoked.");
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
            "expires_at": sign_in.and_then(|sign_in| sign_in.expires_at).map(Timestamp::to_rfc3339),
            "earlier_sign_in": earlier.word(),
        });
        (words, object)
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
