//! `tms login`

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use oauth2::StandardDeviceAuthorizationResponse;
use serde_json::{Value, json};
use thiserror::Error;

use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

use super::browser_flow::{BrowserFlow, BrowserFlowError, has_browser};
use super::credentials::{Credentials, PortalSignIn};
use super::credentials_file::CredentialsError;
use super::device_flow::{DeviceFlow, DeviceFlowError};
use super::error_code::ErrorCode;
use super::metadata::ServerMetadata;
use super::oauth_client::{Denial, PortalTokenResponse, granted_scope, tokens};
use super::output::Output;
use super::previous_sign_in::PreviousSignIn;
use super::printable::Printable;
use super::scopes::Scopes;
use super::server_api::{ApiError, ServerApi};
use super::spinner::Spinner;
use super::target::{Target, TargetArgs, TargetError};
use super::time_format::{format_validity, now};
use super::verification_prompt::VerificationPrompt;

/// Arguments of `tms login`.
#[derive(Args)]
pub struct LoginArgs {
    /// The scopes to request instead of all that this program can use; separate several with spaces, or give the option several times
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    #[arg(value_parser = NonEmptyStringValueParser::new(), default_values = Scope::TMS.map(Scope::as_str))]
    scope: Vec<String>,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,

    /// Sign in with a browser on this machine [default: if there is one, and you are not logged in over SSH; not with --json]
    #[arg(long)]
    browser: bool,

    /// Sign in with a code that you enter in any browser, also on another machine
    #[arg(long, conflicts_with = "browser")]
    device: bool,
}

/// A sign-in that has been stored.
struct CompletedLogin {
    server: ServerApi,
    credentials: Credentials,
    previous: PreviousSignIn,
}

/// Why there is no new sign-in.
#[derive(Debug, Error)]
pub enum LoginError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    DeviceFlow(#[from] DeviceFlowError),
    #[error(transparent)]
    BrowserFlow(#[from] BrowserFlowError),
}

impl LoginError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Credentials(_) => ErrorCode::Credentials,
            Self::Target(error) => error.code(),
            Self::DeviceFlow(error) => error.code(),
            Self::BrowserFlow(error) => error.code(),
        }
    }

    fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::DeviceFlow(DeviceFlowError::Api(error)) | Self::BrowserFlow(BrowserFlowError::Api(error)) => Some(error),
            _ => None,
        }
    }

    /// Additional members of the JSON error, besides the code and the message.
    pub fn details(&self) -> Option<Value> {
        self.api_error()?.details()
    }

    /// Whether the user denied the request in the browser, which is an answer and not a fault.
    pub fn is_user_denial(&self) -> bool {
        use {BrowserFlowError as Browser, DeviceFlowError as Device};
        matches!(self, Self::DeviceFlow(Device::Denied(Denial::ByUser)) | Self::BrowserFlow(Browser::Denied(Denial::ByUser)))
    }
}

impl From<ApiError> for LoginError {
    fn from(error: ApiError) -> Self {
        Self::DeviceFlow(error.into())
    }
}

/// Signs in and prints the result.
pub async fn run(login: &LoginArgs, target_args: &TargetArgs, output: &Output) -> Result<(), LoginError> {
    let completed = complete(login, target_args, output).await?;
    let (words, object) = completed.report(login, output).await;
    output.result(&words, &object);
    Ok(())
}

/// Signs in as the first step of another command, whose result alone goes to stdout. `reason` says what the sign-in is needed for.
pub async fn login_before_command(reason: &str, target_args: &TargetArgs, output: &Output) -> Result<(), LoginError> {
    output.note(reason);
    let login = LoginArgs { scope: Scope::TMS.map(|scope| scope.as_str().to_owned()).to_vec(), no_qr: false, browser: false, device: false };
    let completed = complete(&login, target_args, output).await?;
    output.note(&completed.report(&login, output).await.0);
    Ok(())
}

/// Waits for the decision in the browser, stores the sign-in and revokes the one that it replaces.
async fn complete(args: &LoginArgs, target_args: &TargetArgs, output: &Output) -> Result<CompletedLogin, LoginError> {
    let mut credentials = Credentials::load_for_sign_in(output)?;
    let target = Target::resolve(target_args, credentials.last_target())?;
    credentials.check_writable()?;
    let server = ServerApi::new(target, target_args)?;
    let (metadata, token) = match request_token(args, &server, output).await {
        Ok(issued) => issued,
        Err(error) => return Err(with_open_tenants(error, &server).await),
    };

    let sign_in = new_sign_in(&server, args, &token)?;
    // No await between the token and this line: Ctrl-C cannot lose the token.
    let replaced = credentials.save(&server.target, sign_in)?;
    let previous = if credentials.was_damaged() { PreviousSignIn::Unknown } else { PreviousSignIn::None };
    let previous = revoke_replaced(&server, &metadata, replaced, previous, output).await;
    Ok(CompletedLogin { server, credentials, previous })
}

/// Through the browser on this machine, if there is one and the server supports it; otherwise with a code.
async fn request_token(args: &LoginArgs, server: &ServerApi, output: &Output) -> Result<(ServerMetadata, PortalTokenResponse), LoginError> {
    let metadata = server.metadata().await?;
    if args.uses_browser(output) {
        match run_browser_flow(args, server, &metadata, output).await {
            Ok(Some(token)) => return Ok((metadata, token)),
            Ok(None) if args.browser => {
                output.note(&format!("{} does not support sign-in with --browser: enter a code instead.", server.target.server))
            }
            Ok(None) => {}
            Err(why @ (BrowserFlowError::NoBrowser(_) | BrowserFlowError::Listener(_))) if !args.browser => {
                output.note(&format!("tms: {why}: enter a code instead, in any browser."));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let token = run_device_flow(args, server, &metadata, output).await?;
    Ok((metadata, token))
}

/// `None` if the server does not support it, or does not allow it.
async fn run_browser_flow(
    args: &LoginArgs,
    server: &ServerApi,
    metadata: &ServerMetadata,
    output: &Output,
) -> Result<Option<PortalTokenResponse>, BrowserFlowError> {
    match BrowserFlow::start(server, metadata, &args.scope).await? {
        Some(flow) => flow.run(args.browser, output).await.map(Some),
        None => Ok(None),
    }
}

/// Shows a code and waits for the decision in any browser.
async fn run_device_flow(
    args: &LoginArgs,
    server: &ServerApi,
    metadata: &ServerMetadata,
    output: &Output,
) -> Result<PortalTokenResponse, DeviceFlowError> {
    let flow = DeviceFlow::new(server, metadata)?;
    let code = flow.request_device_authorization(&args.scope).await?;
    let prompt = verification_prompt(&code);
    prompt.emit_event(code.expires_in(), code.interval(), output);
    prompt.show(!args.no_qr, output);
    let spinner = Spinner::start(code.expires_in(), output);
    flow.poll_for_token(&code, &spinner).await
}

/// A server refuses a sign-in to a tenant to which users cannot sign in: the error then names the tenants to which they can.
async fn with_open_tenants(error: LoginError, server: &ServerApi) -> LoginError {
    if !matches!(error.api_error(), Some(ApiError::UnknownTenant { .. } | ApiError::Refused { .. })) {
        return error;
    }
    server.sign_in_unavailable().await.map_or(error, LoginError::from)
}

/// Revokes replaced sign-ins: they are no longer stored, so nothing could revoke them later.
async fn revoke_replaced(
    server: &ServerApi,
    metadata: &ServerMetadata,
    sign_ins: Vec<PortalSignIn>,
    mut previous: PreviousSignIn,
    output: &Output,
) -> PreviousSignIn {
    for PortalSignIn { tokens, .. } in sign_ins {
        let revoked = match &metadata.revocation_endpoint {
            Some(endpoint) => server.revoke(endpoint, &tokens).await,
            None => Err(server.unexpected_response("no revocation_endpoint")),
        };
        let (valid, server) = (format_validity(tokens.valid_until()), &server.target.server);
        let still_valid = format!("It and the keys created with it stay valid {valid}; revoke it at {server}{} in any browser.", paths::APPS);
        previous = previous.merge(revoked, &still_valid, output);
    }
    previous
}

fn verification_prompt(code: &StandardDeviceAuthorizationResponse) -> VerificationPrompt {
    VerificationPrompt {
        user_code: Printable::new(code.user_code().secret()),
        verification_uri: Printable::new(code.verification_uri()),
        verification_uri_complete: code.verification_uri_complete().map(|uri| Printable::new(uri.secret())),
    }
}

fn new_sign_in(server: &ServerApi, args: &LoginArgs, response: &PortalTokenResponse) -> Result<PortalSignIn, ApiError> {
    let requested = args.scope.join(" ");
    let granted = granted_scope(response).unwrap_or_else(|| requested.clone());
    Ok(PortalSignIn::new(&server.target, tokens(server, response, now())?, Scopes { requested, granted }))
}

impl LoginArgs {
    /// Scripts that follow the events expect a code, unless they ask for the browser.
    fn uses_browser(&self, output: &Output) -> bool {
        self.browser || !self.device && *output == Output::Text && has_browser()
    }
}

impl CompletedLogin {
    /// Prints who is signed in. The sign-in is already stored, so a failure of this request does not matter.
    async fn report(&self, args: &LoginArgs, output: &Output) -> (String, Value) {
        let Self { server, credentials, previous } = self;
        let sign_in = credentials.find(&server.target);
        let person = match sign_in {
            Some(sign_in) => server.me(&sign_in.tokens.access_token).await.ok().map(|me| me.tms_user_id),
            None => None,
        };
        let scope = sign_in.map(|sign_in| Printable::new(&sign_in.scope)).unwrap_or_default();
        for missing in missing_scopes(&args.scope, scope.as_str()) {
            output.note(&format!("Not granted: {missing}. The portal does not allow this application to have it."));
        }
        if *previous == PreviousSignIn::Revoked {
            output.note("Your earlier sign-in on this machine and the keys created with it were revoked.");
        }
        let words = match &person {
            Some(person) => format!("Signed in to {} as {person}.", server.target),
            None => format!("Signed in to {}.", server.target),
        };
        let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
        let object = json!({
            "event": "signed_in",
            "server": server.target.server.as_str(),
            "tenant": server.target.tenant,
            "tms_user_id": person,
            "scope": scope,
            "expires_at": time(sign_in.and_then(|sign_in| sign_in.tokens.expires_at)),
            "access_until": time(sign_in.and_then(|sign_in| sign_in.tokens.access_until)),
            "earlier_sign_in": previous.json_value(),
        });
        (words, object)
    }
}

fn missing_scopes<'a>(requested: &'a [String], granted: &'a str) -> impl Iterator<Item = &'a str> {
    let is_granted = move |scope: &str| granted.split_ascii_whitespace().any(|word| word == scope);
    requested.iter().map(String::as_str).filter(move |scope| !is_granted(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_not_granted_are_named() {
        let asked = ["hosts:read".to_owned(), "keys:create".to_owned()];
        assert_eq!(missing_scopes(&asked, "hosts:read").collect::<Vec<_>>(), ["keys:create"]);
        assert_eq!(missing_scopes(&asked, "keys:create hosts:read").count(), 0);
    }
}
