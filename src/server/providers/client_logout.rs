//! Logout tokens for clients (OpenID Connect Back-Channel Logout 1.0 §2.5).

use std::time::Duration;

use super::Providers;
use super::error::ProviderError;
use crate::domain::client_uris::ClientEndpoint;

/// Time limit of a delivery.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Providers {
    /// Sends a logout token to a client's server. Follows no redirects, as they would lead to addresses that are not registered.
    pub async fn send_logout_token(&self, endpoint: &ClientEndpoint, token: &str) -> Result<(), ProviderError> {
        // Only the status counts: a long body is no failure, and a slow one causes no delay.
        let http = self.http.for_client(endpoint.unrestricted_egress, 0);
        // A JWT has only characters that a form leaves as they are.
        let sent = tokio::time::timeout(TIMEOUT, http.post_form_uncounted(&endpoint.url, format!("logout_token={token}"))).await;
        // §2.8 requires 200; many frameworks answer 204 without a body.
        match sent.map_err(|_| ProviderError::Timeout)?? {
            status if status.is_success() => Ok(()),
            status => Err(ProviderError::InvalidResponse(format!("HTTP {status}"))),
        }
    }
}
