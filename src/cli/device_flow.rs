//! The device flow (RFC 8628) through the `oauth2` crate, which knows the protocol. This file adds patience: what a
//! flaky network or a proxy says while a person is in the browser ends nothing.

use std::cell::Cell;
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    ClientId, DeviceAuthorizationUrl, DeviceCodeErrorResponse, DeviceCodeErrorResponseType, EndpointNotSet, EndpointSet, ErrorResponse, HttpRequest,
    HttpResponse, RequestTokenError, Scope, StandardDeviceAuthorizationResponse, StandardErrorResponse, TokenUrl,
};
use tokio::time::{sleep, timeout};

use super::failure::CliError;
use super::http::TransportError;
use super::metadata::ServerMetadata;
use super::printable::Printable;
use super::server_api::ServerApi;
use super::spinner::Spinner;
use crate::domain::client::CLI_CLIENT_ID;

/// A server that sends `"interval": 0` is not asked in a busy loop.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// No server means to wait longer than this between two questions.
pub const MAX_INTERVAL: Duration = Duration::from_secs(3600);
/// Where the pauses after lost connections stop growing, unless the server's own interval is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// The server has the last word on whether a code has expired: keep asking a little longer than it is said to live.
pub const EXPIRY_GRACE: Duration = Duration::from_secs(6);

/// How a portal describes `access_denied` when the user denied the request; the second text is from earlier portals. Any other text
/// gives another reason.
const USER_DENIED_DESCRIPTION: [&str; 2] = ["The user denied the request.", "The person said no."];

/// The device flow with one server.
pub struct DeviceFlow<'a> {
    server: &'a ServerApi,
    client: BasicClient<EndpointNotSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>,
}

impl<'a> DeviceFlow<'a> {
    pub fn new(server: &'a ServerApi, metadata: &ServerMetadata) -> Self {
        let client = BasicClient::new(ClientId::new(CLI_CLIENT_ID.to_owned()))
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(metadata.device_authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()));
        Self { server, client }
    }

    /// Starts a sign-in: a code for the person, and one for us.
    pub async fn request_device_authorization(&self, scopes: &[String]) -> Result<StandardDeviceAuthorizationResponse, CliError> {
        let once = |request| self.server.http.send_oauth(request);
        let request = self.client.exchange_device_code().add_scopes(scopes.iter().cloned().map(Scope::new));
        let code: StandardDeviceAuthorizationResponse =
            request.request_async(&once).await.map_err(|error| self.map_error(error, device_authorization_error))?;
        if code.interval() > MAX_INTERVAL {
            return Err(self.server.unexpected_response("an interval of more than an hour"));
        }
        Ok(code)
    }

    /// Asks at the server's pace until the person has decided or the code has expired.
    pub async fn poll_for_token(&self, code: &StandardDeviceAuthorizationResponse, spinner: &Spinner<'_>) -> Result<BasicTokenResponse, CliError> {
        let pace = Cell::new(code.interval().max(MIN_INTERVAL));
        let patiently = |request| self.send_with_retries(request, pace.get(), spinner);
        let pause = |interval: Duration| {
            pace.set(interval.max(MIN_INTERVAL));
            sleep(pace.get())
        };
        // Nobody has decided before they have read the code.
        sleep(pace.get()).await;
        let request = self.client.exchange_device_access_token(code);
        let lifetime = spinner.time_left() + EXPIRY_GRACE;
        match timeout(lifetime, request.request_async(&patiently, pause, Some(lifetime))).await {
            Ok(decision) => decision.map_err(|error| self.map_error(error, token_error)),
            Err(_elapsed) => Err(CliError::CodeExpired),
        }
    }

    /// Repeats `request` until something that is an OAuth answer comes back, or the code has expired. The crate would
    /// back off for good after a lost connection, even below what `slow_down` asked for; here the pauses grow while the
    /// trouble lasts (RFC 8628 §3.5), and the server's interval is kept again after it.
    async fn send_with_retries(&self, request: HttpRequest, interval: Duration, spinner: &Spinner<'_>) -> Result<HttpResponse, TransportError> {
        let mut pause = next_backoff(interval, interval);
        loop {
            let trouble = match self.server.http.send_oauth(request.clone()).await {
                Ok(answer) => {
                    spinner.recovered();
                    return Ok(answer);
                }
                Err(trouble) => trouble,
            };
            if spinner.time_left().is_zero() {
                return Err(trouble);
            }
            spinner.transient_error(&trouble);
            let asked_for = trouble.retry_after().unwrap_or_default();
            sleep(pause.max(asked_for).min(spinner.time_left())).await;
            pause = next_backoff(pause, interval);
        }
    }

    fn map_error<T: ErrorResponse>(&self, error: RequestTokenError<TransportError, T>, refused: fn(&ServerApi, T) -> CliError) -> CliError {
        match error {
            RequestTokenError::ServerResponse(error) => refused(self.server, error),
            RequestTokenError::Request(why) => self.server.transport_error(why),
            // Not the details: they could quote the token.
            RequestTokenError::Parse(..) => self.server.unexpected_response("an OAuth answer with parts missing"),
            RequestTokenError::Other(_) => self.server.unexpected_response("an OAuth answer that is not JSON"),
        }
    }
}

/// Twice as long, within limits.
pub fn next_backoff(pause: Duration, interval: Duration) -> Duration {
    pause.saturating_mul(2).min(MAX_BACKOFF.max(interval))
}

fn device_authorization_error(server: &ServerApi, error: oauth2::basic::BasicErrorResponse) -> CliError {
    oauth_error(server, &error)
}

fn token_error(server: &ServerApi, error: DeviceCodeErrorResponse) -> CliError {
    match error.error() {
        DeviceCodeErrorResponseType::AccessDenied => match error.error_description() {
            Some(why) if !USER_DENIED_DESCRIPTION.contains(&why.as_str()) => {
                CliError::DeniedByServer { server: server.target.server.clone(), message: Printable::new(why) }
            }
            _ => CliError::Denied,
        },
        DeviceCodeErrorResponseType::ExpiredToken => CliError::CodeExpired,
        _ => oauth_error(server, &error),
    }
}

fn oauth_error<T: oauth2::ErrorResponseType + std::fmt::Display>(server: &ServerApi, error: &StandardErrorResponse<T>) -> CliError {
    let message = match error.error_description() {
        Some(description) => format!("{description} ({})", error.error()),
        None => error.error().to_string(),
    };
    CliError::Refused { server: server.target.server.clone(), message: Printable::new(&message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_never_fall_below_the_interval() {
        let seconds = Duration::from_secs;
        assert_eq!(next_backoff(seconds(1), seconds(1)), seconds(2));
        assert_eq!(next_backoff(seconds(8), seconds(1)), seconds(10));
        assert_eq!(next_backoff(seconds(15), seconds(15)), seconds(15), "what slow_down asked for is kept");
    }
}
