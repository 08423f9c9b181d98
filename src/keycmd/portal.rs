//! The client of the portal's lookup: `POST /v1/tms/pubkeys/creds/retrieve`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;

use crate::domain::time::Timestamp;

use super::config::{ConfigError, Credential, KeycmdConfig};
use super::key_line::{KeyLine, KeyLineError};
use super::key_query::KeyQuery;
use super::resolver::LoopbackResolver;
use super::root_certs::{self, RootStoreError};
use super::time_format;

/// Far above any response of a TMS.
const MAX_RESPONSE_BYTES: u64 = 64 * 1024;

/// A client of the portal.
pub struct Portal<'a> {
    config: &'a KeycmdConfig,
    credential: Option<Credential>,
    tls: TlsConfig,
}

/// A key that may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub line: KeyLine,
    /// `None` if it does not expire, or if the portal is too old to state it.
    pub expires_at: Option<Timestamp>,
}

impl Key {
    pub fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= time_format::now())
    }
}

/// Why the portal cannot be asked.
#[derive(Debug, Error)]
pub enum PortalSetupError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    RootCerts(#[from] RootStoreError),
}

/// Why the portal returned no key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LookupError {
    #[error("the portal is unreachable: {0}")]
    Unreachable(String),
    #[error("the portal did not respond in time")]
    Timeout,
    #[error("portal error (HTTP {0})")]
    ServerError(u16),
    #[error("the portal is busy (HTTP 429)")]
    Busy,
    #[error("no such authorized key for this user on this host")]
    NotFound,
    #[error("HTTP 404, but not from a TMS: check tms_url")]
    NotTms,
    #[error("the host credential is missing or was rejected (HTTP {0}): check credential_file and tenant")]
    Unauthorized(u16),
    #[error("redirect refused (HTTP {0}): check tms_url")]
    Redirected(u16),
    #[error("unexpected response from the portal (HTTP {0})")]
    Unexpected(u16),
    #[error("the portal's response is larger than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
    #[error("invalid response from the portal: {0}")]
    InvalidResponse(&'static str),
    #[error("the portal's response was rejected: {0}")]
    KeyMismatch(#[from] KeyLineError),
}

impl LookupError {
    /// Whether the portal gave no answer about this key. Only then may a cached response be used.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout | Self::ServerError(_))
    }

    /// Whether the portal does not have such a key (any more).
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::NotFound | Self::NotTms)
    }
}

/// The portal's record of this host; `None` values are returned only to hosts with a credential.
#[derive(Debug, Deserialize)]
pub struct HostStatus {
    pub credential_required: bool,
    /// The registered name.
    pub host: Option<String>,
    pub registered: Option<bool>,
    /// The tenant of the credential, or the one in the settings.
    pub tenant: Option<String>,
    pub tenant_enabled: Option<bool>,
}

#[derive(Deserialize)]
struct LookupResponse {
    public_key: String,
    expires_at: Option<String>,
}

impl<'a> Portal<'a> {
    /// Reads the credential and the root certificates, so that errors are found before a request.
    pub fn new(config: &'a KeycmdConfig) -> Result<Self, PortalSetupError> {
        let tls = if config.portal.is_https() {
            TlsConfig::builder().root_certs(root_certs::into_root_certs(root_certs::load(config.ca_file.as_deref())?)).build()
        } else {
            TlsConfig::default()
        };
        Ok(Self { config, credential: config.credential()?, tls })
    }

    pub fn look_up(&self, query: &KeyQuery, timeout: Duration) -> Result<Key, LookupError> {
        let body = json!({
            "user": query.user,
            "user_uid": query.uid.to_string(),
            "host": self.config.host_name,
            "public_key_fingerprint": query.fingerprint.to_string(),
            "key_type": query.key_type,
        });
        let (status, body) = self.post(self.config.portal.as_uri(), &body, timeout)?;
        match status {
            200 => parse_response(&body, query),
            404 if is_tms_not_found(&body) => Err(LookupError::NotFound),
            404 => Err(LookupError::NotTms),
            401 | 403 => Err(LookupError::Unauthorized(status)),
            429 => Err(LookupError::Busy),
            300..=399 => Err(LookupError::Redirected(status)),
            500..=599 => Err(LookupError::ServerError(status)),
            _ => Err(LookupError::Unexpected(status)),
        }
    }

    /// Requests the portal's record of this host. `None` if the portal is too old.
    pub fn check_host(&self, timeout: Duration) -> Result<Option<HostStatus>, LookupError> {
        let Some(address) = self.config.portal.endpoint_url("hosts/check") else { return Ok(None) };
        let (status, body) = self.post(&address, &json!({ "host": self.config.host_name }), timeout)?;
        match status {
            200 => serde_json::from_slice(&body).map(Some).map_err(|_| LookupError::InvalidResponse("not a host status")),
            404 | 405 => Ok(None),
            401 | 403 => Err(LookupError::Unauthorized(status)),
            _ => Err(LookupError::Unexpected(status)),
        }
    }

    /// Posts to a URL of this portal. The body is empty for statuses whose body is not used.
    pub fn post(&self, url: &Uri, body: &Value, timeout: Duration) -> Result<(u16, Vec<u8>), LookupError> {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // A redirect could send the credential to another server, and return its response.
            .max_redirects(0)
            // The crate would use the environment's proxy.
            .proxy(None)
            .tls_config(self.tls.clone())
            .user_agent(concat!("tms-keycmd/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), LoopbackResolver::default());
        let mut request = agent.post(url).header("Content-Type", "application/json").header("Accept", "application/json");
        if let Some(tenant) = &self.config.tenant {
            request = request.header("X-TMS-TENANT", tenant);
        }
        if let Some(credential) = &self.credential {
            request = request.header("Authorization", credential.bearer());
        }
        let mut response = request.send(body.to_string()).map_err(transport_error)?;
        let status = response.status().as_u16();
        // Only these have a meaningful body.
        let body = match status {
            200 | 201 | 404 => response.body_mut().with_config().limit(MAX_RESPONSE_BYTES).read_to_vec(),
            _ => Ok(Vec::new()),
        };
        match body {
            Ok(body) => Ok((status, body)),
            // The status alone is a denial.
            Err(_) if status == 404 => Ok((status, Vec::new())),
            Err(error) => Err(transport_error(error)),
        }
    }
}

/// The key, after all parts of the response have been verified.
fn parse_response(body: &[u8], query: &KeyQuery) -> Result<Key, LookupError> {
    let answer: LookupResponse = serde_json::from_slice(body).map_err(|_| LookupError::InvalidResponse("not JSON with a public_key"))?;
    let expires_at = match answer.expires_at {
        None => None,
        Some(written) => time_format::parse_expiry(&written).ok_or(LookupError::InvalidResponse("expires_at is not a time"))?,
    };
    Ok(Key { line: KeyLine::verify(&answer.public_key, &query.fingerprint, &query.key_type)?, expires_at })
}

fn is_tms_not_found(body: &[u8]) -> bool {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return false };
    answer.get("result_code").and_then(Value::as_str) == Some("404")
}

fn transport_error(error: ureq::Error) -> LookupError {
    match error {
        ureq::Error::Timeout(_) => LookupError::Timeout,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => LookupError::Timeout,
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => LookupError::TooLarge,
        ureq::Error::Protocol(_) => LookupError::InvalidResponse("not HTTP"),
        error => LookupError::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_responses_are_outages() {
        for (why, outage, no) in [
            (LookupError::Timeout, true, false),
            (LookupError::ServerError(503), true, false),
            (LookupError::Unreachable(String::new()), true, false),
            (LookupError::NotFound, false, true),
            (LookupError::NotTms, false, true),
            (LookupError::Unauthorized(401), false, false),
            (LookupError::Unauthorized(403), false, false),
            (LookupError::Busy, false, false),
            (LookupError::Redirected(302), false, false),
            (LookupError::TooLarge, false, false),
            (LookupError::InvalidResponse(""), false, false),
            (LookupError::KeyMismatch(KeyLineError::NotAPublicKey), false, false),
        ] {
            assert_eq!((why.is_outage(), why.is_denial()), (outage, no), "{why}");
        }
    }

    #[test]
    fn denials_of_a_tms_are_recognized() {
        assert!(is_tms_not_found(br#"{"result_code":"404","result_msg":"NOT_FOUND"}"#));
        for other in [&b"not found"[..], b"<html>", b"", b"{}", b"\"404\"", br#"{"result_code":404}"#] {
            assert!(!is_tms_not_found(other));
        }
    }
}
