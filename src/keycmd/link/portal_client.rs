//! The portal's link requests: `POST /v1/tms/links`, `/v1/tms/links/status` and `/v1/tms/links/withdraw`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use thiserror::Error;
use ureq::http::Uri;

use super::account::UnixAccount;
use crate::keycmd::config::KeycmdConfig;
use crate::keycmd::portal::{LookupError, Portal, PortalSetupError};

/// A person waits for it, not a login.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A client for link requests.
pub struct PortalClient<'a> {
    portal: Portal<'a>,
    links_url: Uri,
    status_url: Uri,
    cancel_url: Uri,
}

/// A link request that was created.
#[derive(Deserialize)]
pub struct StartedLink {
    link_id: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub expires_in: u64,
    interval: u64,
}

impl StartedLink {
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.expires_in)
    }

    /// Between one and 60 seconds.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_secs(self.interval.clamp(1, 60))
    }
}

/// The status of a link request.
#[derive(Debug, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum LinkRequestStatus {
    Pending,
    Linked { tms_user_id: String, expires_at: String },
    Refused,
    Expired,
}

/// Why a link request failed.
#[derive(Debug, Error)]
pub enum LinkError {
    #[error("credential_file is not set: linking accounts requires a credential")]
    MissingCredential,
    #[error("tms_url does not end in /pubkeys/creds/retrieve, so the URL for links is unknown")]
    UnknownEndpoint,
    #[error(transparent)]
    Setup(#[from] PortalSetupError),
    #[error("the portal rejected this host's credential (HTTP 401): check credential_file")]
    Unauthorized,
    #[error("this is a system account, which the portal does not link")]
    SystemAccount,
    #[error("the portal rejected this account, or its tenant is disabled")]
    AccountRejected,
    #[error("the portal does not support links: it is too old, or tms_url is wrong")]
    Unsupported,
    #[error("the portal is busy; try again in a moment")]
    Busy,
    #[error("{0}")]
    Portal(LookupError),
    #[error("unexpected response from the portal (HTTP {0})")]
    UnexpectedResponse(u16),
}

impl LinkError {
    /// Whether the request can be repeated.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Portal(why) => why.is_outage(),
            Self::UnexpectedResponse(status) => *status >= 500,
            _ => false,
        }
    }

    /// Whether the caller can do something about it; all other errors are for the host's operators.
    pub fn is_shown_to_caller(&self) -> bool {
        self.is_transient() || matches!(self, Self::SystemAccount | Self::AccountRejected)
    }

    pub fn code(&self) -> &'static str {
        if self.is_transient() { "portal" } else { "not_linkable" }
    }
}

impl<'a> PortalClient<'a> {
    pub fn new(config: &'a KeycmdConfig) -> Result<Self, LinkError> {
        if config.credential_file.is_none() {
            return Err(LinkError::MissingCredential);
        }
        let endpoint_url = |call| config.portal.endpoint_url(call).ok_or(LinkError::UnknownEndpoint);
        let [links_url, status_url, cancel_url] = [endpoint_url("links")?, endpoint_url("links/status")?, endpoint_url("links/withdraw")?];
        Ok(Self { links_url, status_url, cancel_url, portal: Portal::new(config)? })
    }

    pub fn request_link(&self, account: &UnixAccount) -> Result<StartedLink, LinkError> {
        let body = json!({ "user": account.name, "user_uid": account.uid.to_string() });
        let (status, body) = self.portal.post(&self.links_url, &body, REQUEST_TIMEOUT).map_err(LinkError::Portal)?;
        match status {
            201 => parse_response(status, &body),
            400 => Err(LinkError::AccountRejected),
            403 => Err(LinkError::SystemAccount),
            _ => Err(status_error(status)),
        }
    }

    pub fn link_status(&self, started: &StartedLink) -> Result<LinkRequestStatus, LinkError> {
        let (status, body) =
            self.portal.post(&self.status_url, &json!({ "link_id": started.link_id }), REQUEST_TIMEOUT).map_err(LinkError::Portal)?;
        match status {
            200 => parse_response(status, &body),
            // A newer request for the same account has replaced it.
            404 => Ok(LinkRequestStatus::Expired),
            _ => Err(status_error(status)),
        }
    }

    /// Cancels the request. Tried once, because it expires by itself soon.
    pub fn cancel(&self, started: &StartedLink) {
        let _ = self.portal.post(&self.cancel_url, &json!({ "link_id": started.link_id }), REQUEST_TIMEOUT);
    }

    /// Requests the status of a link request that does not exist, to check the connection.
    pub fn check(&self) -> Result<(), LinkError> {
        let (status, _) =
            self.portal.post(&self.status_url, &json!({ "link_id": "tms-keycmd-check" }), REQUEST_TIMEOUT).map_err(LinkError::Portal)?;
        if status == 404 { Ok(()) } else { Err(status_error(status)) }
    }
}

fn parse_response<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, LinkError> {
    serde_json::from_slice(body).map_err(|_| LinkError::UnexpectedResponse(status))
}

fn status_error(status: u16) -> LinkError {
    match status {
        401 => LinkError::Unauthorized,
        404 | 405 => LinkError::Unsupported,
        429 | 503 => LinkError::Busy,
        _ => LinkError::UnexpectedResponse(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_responses_are_parsed() {
        let linked = br#"{"status":"linked","tms_user_id":"jdoe","expires_at":"2027-11-21T00:00:00+00:00","result_code":"0","result_msg":"success"}"#;
        assert!(matches!(parse_response(200, linked), Ok(LinkRequestStatus::Linked { tms_user_id, .. }) if tms_user_id == "jdoe"));
        assert!(matches!(parse_response(200, br#"{"status":"pending"}"#), Ok(LinkRequestStatus::Pending)));
        for nonsense in [&br#"{"status":"linked"}"#[..], br#"{"status":"maybe"}"#, b"{}", b"<html>"] {
            assert!(matches!(parse_response::<LinkRequestStatus>(200, nonsense), Err(LinkError::UnexpectedResponse(200))));
        }
    }

    #[test]
    fn caller_sees_only_actionable_errors() {
        for (why, passes, told) in [
            (LinkError::Busy, true, true),
            (LinkError::Portal(LookupError::Timeout), true, true),
            (LinkError::UnexpectedResponse(502), true, true),
            (LinkError::SystemAccount, false, true),
            (LinkError::Unauthorized, false, false),
            (LinkError::Unsupported, false, false),
            (LinkError::UnexpectedResponse(302), false, false),
        ] {
            assert_eq!((why.is_transient(), why.is_shown_to_caller()), (passes, told), "{why}");
        }
    }
}
