//! The device flow (RFC 8628) with the `oauth2` crate, made tolerant of transient errors: lost connections and proxy error pages do
//! not end the flow.

use std::cell::Cell;
use std::time::Duration;

use oauth2::{
    DeviceAuthorizationUrl, DeviceCodeErrorResponse, DeviceCodeErrorResponseType, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    StandardDeviceAuthorizationResponse,
};
use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::error_code::ErrorCode;
use super::http::TransportError;
use super::metadata::ServerMetadata;
use super::oauth_client::{Denial, PortalOAuthClient, PortalTokenResponse, oauth_client, refusal, request_error, scopes_to_request};
use super::server_api::{ApiError, ServerApi};
use super::spinner::Spinner;

/// Lower limit, so that a server's `"interval": 0` does not cause a busy loop.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// Upper limit for the polling interval.
pub const MAX_INTERVAL: Duration = Duration::from_secs(3600);
/// Upper limit for the pauses after lost connections, unless the server's own interval is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// The server decides whether a code has expired: continue polling for a little longer than its stated lifetime.
pub const EXPIRY_GRACE: Duration = Duration::from_secs(6);

/// Why the device flow brought no token.
#[derive(Debug, Error)]
pub enum DeviceFlowError {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("the code expired before it was approved: run `tms login` again for a new one")]
    CodeExpired,
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl DeviceFlowError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denial) => denial.code(),
            Self::CodeExpired => ErrorCode::ExpiredToken,
            Self::Api(error) => error.code(),
        }
    }
}

/// The device flow with one server.
pub struct DeviceFlow<'a> {
    server: &'a ServerApi,
    metadata: &'a ServerMetadata,
    client: PortalOAuthClient<EndpointNotSet, EndpointSet>,
}

impl<'a> DeviceFlow<'a> {
    pub fn new(server: &'a ServerApi, metadata: &'a ServerMetadata) -> Result<Self, ApiError> {
        let endpoint = DeviceAuthorizationUrl::from_url(metadata.device_authorization_endpoint()?.clone());
        Ok(Self { server, metadata, client: oauth_client(metadata).set_device_authorization_url(endpoint) })
    }

    /// Starts a sign-in: requests a user code and a device code.
    pub async fn request_device_authorization(&self, scopes: &[String]) -> Result<StandardDeviceAuthorizationResponse, DeviceFlowError> {
        let once = |request| self.server.http.send_oauth(request);
        let request = self.client.exchange_device_code().add_scopes(scopes_to_request(scopes, self.metadata));
        let answer = request.request_async(&once).await;
        let code: StandardDeviceAuthorizationResponse =
            answer.map_err(|error| request_error(self.server, error, |server, error| DeviceFlowError::from(refusal(server, &error))))?;
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
    ) -> Result<PortalTokenResponse, DeviceFlowError> {
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
            Ok(decision) => decision.map_err(|error| request_error(self.server, error, token_error)),
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
}

/// Doubles the pause, up to `MAX_BACKOFF` or `interval`.
pub fn next_backoff(pause: Duration, interval: Duration) -> Duration {
    pause.saturating_mul(2).min(MAX_BACKOFF.max(interval))
}

fn token_error(server: &ServerApi, error: DeviceCodeErrorResponse) -> DeviceFlowError {
    match error.error() {
        DeviceCodeErrorResponseType::AccessDenied => Denial::new(server, error.error_description().map(String::as_str)).into(),
        DeviceCodeErrorResponseType::ExpiredToken => DeviceFlowError::CodeExpired,
        _ => refusal(server, &error).into(),
    }
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
