//! The device flow (RFC 8628) with the `oauth2` crate, made tolerant of transient errors: lost connections and proxy error pages do
//! not end the flow.

use std::cell::Cell;
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    ClientId, DeviceAuthorizationUrl, DeviceCodeErrorResponse, DeviceCodeErrorResponseType, EndpointNotSet, EndpointSet, ErrorResponse, HttpRequest,
    HttpResponse, RequestTokenError, Scope, StandardDeviceAuthorizationResponse, StandardErrorResponse, TokenUrl,
};
use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::error_code::ErrorCode;
use super::http::TransportError;
use super::metadata::ServerMetadata;
use super::printable::Printable;
use super::server_api::{ApiError, ServerApi};
use super::server_url::ServerUrl;
use super::spinner::Spinner;
use crate::domain::client::CLI_CLIENT_ID;

/// Lower limit, so that a server's `"interval": 0` does not cause a busy loop.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// Upper limit for the polling interval.
pub const MAX_INTERVAL: Duration = Duration::from_secs(3600);
/// Upper limit for the pauses after lost connections, unless the server's own interval is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// The server decides whether a code has expired: continue polling for a little longer than its stated lifetime.
pub const EXPIRY_GRACE: Duration = Duration::from_secs(6);

/// The `error_description` of `access_denied` if the user denied the request; the second is of earlier portals. Any other text
/// states a different reason.
const USER_DENIED_DESCRIPTION: [&str; 2] = ["The user denied the request.", "The person said no."];

/// Why the device flow brought no token.
#[derive(Debug, Error)]
pub enum DeviceFlowError {
    #[error("Denied in the browser. Nothing was shared.")]
    Denied,
    #[error("{server} refused the sign-in: {message}")]
    DeniedByServer { server: ServerUrl, message: Printable },
    #[error("the code expired before it was approved: run `tms login` again for a new one")]
    CodeExpired,
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl DeviceFlowError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied | Self::DeniedByServer { .. } => ErrorCode::AccessDenied,
            Self::CodeExpired => ErrorCode::ExpiredToken,
            Self::Api(error) => error.code(),
        }
    }
}

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

    /// Starts a sign-in: requests a user code and a device code.
    pub async fn request_device_authorization(&self, scopes: &[String]) -> Result<StandardDeviceAuthorizationResponse, DeviceFlowError> {
        let once = |request| self.server.http.send_oauth(request);
        let request = self.client.exchange_device_code().add_scopes(scopes.iter().cloned().map(Scope::new));
        let code: StandardDeviceAuthorizationResponse =
            request.request_async(&once).await.map_err(|error| self.map_error(error, device_authorization_error))?;
        if code.interval() > MAX_INTERVAL {
            return Err(self.server.unexpected_response("an interval of more than an hour").into());
        }
        Ok(code)
    }

    /// Polls at the server's interval until the user has decided or the code has expired.
    pub async fn poll_for_token(
        &self,
        code: &StandardDeviceAuthorizationResponse,
        spinner: &Spinner<'_>,
    ) -> Result<BasicTokenResponse, DeviceFlowError> {
        let pace = Cell::new(code.interval().max(MIN_INTERVAL));
        let patiently = |request| self.send_with_retries(request, pace.get(), spinner);
        let pause = |interval: Duration| {
            pace.set(interval.max(MIN_INTERVAL));
            sleep(pace.get())
        };
        // No decision is possible before the user has read the code.
        sleep(pace.get()).await;
        let request = self.client.exchange_device_access_token(code);
        let lifetime = spinner.time_left() + EXPIRY_GRACE;
        match timeout(lifetime, request.request_async(&patiently, pause, Some(lifetime))).await {
            Ok(decision) => decision.map_err(|error| self.map_error(error, token_error)),
            Err(_elapsed) => Err(DeviceFlowError::CodeExpired),
        }
    }

    /// Repeats `request` until an OAuth response arrives or the code has expired. The crate would keep its back-off after a lost
    /// connection, even below what `slow_down` requested; here the pauses grow during an outage (RFC 8628 §3.5) and return to the
    /// server's interval afterwards.
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

    fn map_error<T: ErrorResponse>(
        &self,
        error: RequestTokenError<TransportError, T>,
        refused: fn(&ServerApi, T) -> DeviceFlowError,
    ) -> DeviceFlowError {
        match error {
            RequestTokenError::ServerResponse(error) => refused(self.server, error),
            RequestTokenError::Request(why) => self.server.transport_error(why).into(),
            // No details: they could quote the token.
            RequestTokenError::Parse(..) => self.server.unexpected_response("an OAuth answer with parts missing").into(),
            RequestTokenError::Other(_) => self.server.unexpected_response("an OAuth answer that is not JSON").into(),
        }
    }
}

/// Doubles the pause, up to `MAX_BACKOFF` or `interval`.
pub fn next_backoff(pause: Duration, interval: Duration) -> Duration {
    pause.saturating_mul(2).min(MAX_BACKOFF.max(interval))
}

fn device_authorization_error(server: &ServerApi, error: oauth2::basic::BasicErrorResponse) -> DeviceFlowError {
    oauth_error(server, &error)
}

fn token_error(server: &ServerApi, error: DeviceCodeErrorResponse) -> DeviceFlowError {
    match error.error() {
        DeviceCodeErrorResponseType::AccessDenied => match error.error_description() {
            Some(why) if !USER_DENIED_DESCRIPTION.contains(&why.as_str()) => {
                DeviceFlowError::DeniedByServer { server: server.target.server.clone(), message: Printable::new(why) }
            }
            _ => DeviceFlowError::Denied,
        },
        DeviceCodeErrorResponseType::ExpiredToken => DeviceFlowError::CodeExpired,
        _ => oauth_error(server, &error),
    }
}

fn oauth_error<T: oauth2::ErrorResponseType + std::fmt::Display>(server: &ServerApi, error: &StandardErrorResponse<T>) -> DeviceFlowError {
    let message = match error.error_description() {
        Some(description) => format!("{description} ({})", error.error()),
        None => error.error().to_string(),
    };
    ApiError::Refused { server: server.target.server.clone(), message: Printable::new(&message) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_stays_between_interval_and_limit() {
        let seconds = Duration::from_secs;
        assert_eq!(next_backoff(seconds(1), seconds(1)), seconds(2));
        assert_eq!(next_backoff(seconds(8), seconds(1)), seconds(10));
        assert_eq!(next_backoff(seconds(15), seconds(15)), seconds(15), "what slow_down asked for is kept");
    }
}
