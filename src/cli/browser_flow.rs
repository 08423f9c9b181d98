//! Sign-in through a browser on this machine: the authorization code flow of native apps (RFC 8252) with PKCE (RFC 7636). The request is
//! pushed if the server accepts that (RFC 9126): the portal can then show where it came from.

mod browser;
mod redirect;

pub use browser::has_browser;

use std::io;
use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType};
use oauth2::http::{Request, StatusCode, header};
use oauth2::url::{Url, form_urlencoded};
use oauth2::{AuthUrl, AuthorizationCode, CsrfToken, EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use tokio::time::timeout;

use super::error_code::ErrorCode;
use super::metadata::ServerMetadata;
use super::oauth_client::{Denial, PortalOAuthClient, PortalTokenResponse, oauth_client, refusal, refused, request_error, scopes_to_request};
use super::output::Output;
use super::printable::Printable;
use super::server_api::{ApiError, ServerApi};
use super::spinner::Spinner;
use browser::BrowserRefused;
use redirect::{InvalidResponse, LoopbackResponse, RedirectListener};

/// The lifetime of an authorization request at the portal.
const MAX_DECISION_TIME: Duration = Duration::from_secs(15 * 60);
/// Of the random `state`, in bytes.
const STATE_BYTES: u32 = 32;
const FORM: &str = "application/x-www-form-urlencoded";

/// Why the browser flow brought no token.
#[derive(Debug, Error)]
pub enum BrowserFlowError {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("there was no decision in the browser for {} minutes: run `tms login` again", MAX_DECISION_TIME.as_secs() / 60)]
    NoDecision,
    #[error("no browser could be opened ({0})")]
    NoBrowser(#[from] BrowserRefused),
    #[error("cannot listen on this machine for the answer in the browser ({0})")]
    Listener(io::Error),
    #[error("the answer in the browser is from {actual}, but {expected} was asked, so it was not used: tell the operators")]
    OtherIssuer { expected: String, actual: Printable },
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl BrowserFlowError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denial) => denial.code(),
            Self::NoDecision => ErrorCode::ExpiredToken,
            Self::NoBrowser(_) | Self::Listener(_) => ErrorCode::Internal,
            Self::OtherIssuer { .. } => ErrorCode::UnexpectedAnswer,
            Self::Api(error) => error.code(),
        }
    }
}

/// A request that waits for the decision in the browser.
pub struct BrowserFlow<'a> {
    server: &'a ServerApi,
    metadata: &'a ServerMetadata,
    client: PortalOAuthClient<EndpointSet>,
    listener: RedirectListener,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    /// The page to open.
    url: Url,
}

#[derive(Deserialize)]
struct PushedResponse {
    request_uri: String,
}

impl<'a> BrowserFlow<'a> {
    /// `None` if the server does not support it, or does not allow it to this client.
    pub async fn start(server: &'a ServerApi, metadata: &'a ServerMetadata, scopes: &[String]) -> Result<Option<Self>, BrowserFlowError> {
        let Some(endpoint) = &metadata.authorization_endpoint else { return Ok(None) };
        let listener = RedirectListener::bind().await.map_err(BrowserFlowError::Listener)?;
        let client = oauth_client(metadata)
            .set_auth_uri(AuthUrl::from_url(endpoint.clone()))
            .set_redirect_uri(RedirectUrl::from_url(listener.redirect_uri().clone()));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = client
            .authorize_url(|| CsrfToken::new_random_len(STATE_BYTES))
            .add_scopes(scopes_to_request(scopes, metadata))
            .set_pkce_challenge(challenge)
            .url();
        let url = match &metadata.pushed_authorization_request_endpoint {
            Some(push) => {
                let own = endpoint.query_pairs().count();
                let parameters: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(url.query_pairs().skip(own)).finish();
                let Some(PushedResponse { request_uri }) = push_request(server, push, parameters).await? else { return Ok(None) };
                let mut url = endpoint.clone();
                url.query_pairs_mut().append_pair("client_id", client.client_id()).append_pair("request_uri", &request_uri);
                url
            }
            None => url,
        };
        Ok(Some(Self { server, metadata, client, listener, state, verifier, url }))
    }

    /// Opens the page and waits for the decision. If no browser can be opened, goes on if `is_requested`: the user may have one elsewhere on
    /// this machine.
    pub async fn run(self, is_requested: bool, output: &Output) -> Result<PortalTokenResponse, BrowserFlowError> {
        let Self { server, metadata, client, listener, state, verifier, url } = self;
        let opening = browser::open(&url);
        tell(&url, output);
        let response = {
            let spinner = Spinner::start(MAX_DECISION_TIME, output);
            let failed = async {
                let why = browser::failure(opening).await;
                if !is_requested {
                    return why;
                }
                spinner.note(&format!("No browser could be opened ({why}): open the page yourself."));
                std::future::pending().await
            };
            let decision = async {
                tokio::select! {
                    response = listener.receive(&state, server.target.server.as_str()) => response.map_err(BrowserFlowError::Listener),
                    why = failed => Err(why.into()),
                }
            };
            timeout(spinner.time_left(), decision).await.map_err(|_elapsed| BrowserFlowError::NoDecision)??
        };
        let code = authorization_code(response, server, metadata)?;
        let once = |request| server.http.send_oauth(request);
        // Once: a code that is sent again ends what it gave.
        let answer = client.exchange_code(code).set_pkce_verifier(verifier).request_async(&once).await;
        answer.map_err(|error| request_error(server, error, |server, error| refusal(server, &error).into()))
    }
}

fn tell(url: &Url, output: &Output) {
    output.event(&json!({ "event": "browser", "authorization_url": url.as_str(), "expires_in": MAX_DECISION_TIME.as_secs() }));
    output.note("Sign in with your browser, which opens this page. If it does not, open it yourself, on this machine:\n");
    output.note(&format!("    {url}\n"));
    output.note("To sign in with a browser on another machine: Ctrl-C, then `tms login --device`.\n");
}

/// Sends the request to the server (RFC 9126 §2.1) instead of through the browser. `None` if this client may not use the authorization code flow:
/// administrators can restrict it to codes.
async fn push_request(server: &ServerApi, endpoint: &Url, parameters: String) -> Result<Option<PushedResponse>, ApiError> {
    let request = Request::post(endpoint.as_str()).header(header::CONTENT_TYPE, FORM).header(header::ACCEPT, "application/json");
    let invalid = |what| server.unexpected_response(what);
    let request = request.body(parameters.into_bytes()).map_err(|_| invalid("a pushed_authorization_request_endpoint that is no address"))?;
    let answer = server.http.send_oauth(request).await.map_err(|why| server.transport_error(why))?;
    if matches!(answer.status(), StatusCode::CREATED | StatusCode::OK) {
        return serde_json::from_slice(answer.body()).map(Some).map_err(|_| invalid("no request_uri for a pushed authorization request"));
    }
    let error: BasicErrorResponse = serde_json::from_slice(answer.body()).map_err(|_| invalid("an OAuth answer with parts missing"))?;
    if *error.error() == BasicErrorResponseType::UnauthorizedClient { Ok(None) } else { Err(refusal(server, &error)) }
}

/// The code in a response with the right `state`.
fn authorization_code(
    response: Result<LoopbackResponse, InvalidResponse>,
    server: &ServerApi,
    metadata: &ServerMetadata,
) -> Result<AuthorizationCode, BrowserFlowError> {
    let response = response.map_err(|why| server.unexpected_response(&why.to_string()))?;
    let expected = server.target.issuer();
    // RFC 9207 §2.4: what another server sent must not come to this one.
    match response.issuer {
        Some(issuer) if issuer != expected => return Err(BrowserFlowError::OtherIssuer { expected, actual: Printable::new(&issuer) }),
        None if metadata.responses_have_issuer => return Err(server.unexpected_response("an authorization response without iss").into()),
        _ => {}
    }
    match response.outcome {
        Ok(code) => Ok(code),
        Err(why) if why.error == "access_denied" => Err(Denial::new(server, why.description.as_deref()).into()),
        Err(why) => Err(refused(server, &why.error, why.description.as_deref()).into()),
    }
}
