//! The portal, asked once: `POST /v1/tms/pubkeys/creds/retrieve`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;

use crate::domain::time::Timestamp;

use super::config::{Config, Credential};
use super::failure::Failure;
use super::key_line::{KeyLine, NotTheKey};
use super::moments;
use super::names::Names;
use super::question::Question;
use super::roots;

/// Far above any answer of a TMS.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// A portal that can be asked.
pub struct Portal<'a> {
    config: &'a Config,
    credential: Option<Credential>,
    tls: TlsConfig,
}

/// A key that may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub line: KeyLine,
    /// `None` when it does not end, or when the portal is too old to say.
    pub expires_at: Option<Timestamp>,
}

impl Key {
    pub fn has_ended(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= moments::now())
    }
}

/// Why there is no key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NoKey {
    #[error("the portal is unreachable: {0}")]
    Unreachable(String),
    #[error("the portal did not respond in time")]
    TimedOut,
    #[error("portal error (HTTP {0})")]
    InTrouble(u16),
    #[error("the portal is busy (HTTP 429)")]
    Busy,
    #[error("no such authorized key for this user on this host")]
    NotFound,
    #[error("HTTP 404, but not from a TMS: check tms_url")]
    NotATms,
    #[error("the host credential is missing or was rejected (HTTP {0}): check credential_file and tenant")]
    Unauthorized(u16),
    #[error("redirect refused (HTTP {0}): check tms_url")]
    Redirected(u16),
    #[error("unexpected response from the portal (HTTP {0})")]
    Unexpected(u16),
    #[error("the portal's response is larger than {LONGEST_ANSWER} bytes")]
    TooLong,
    #[error("invalid response from the portal: {0}")]
    NotUnderstood(&'static str),
    #[error("the portal's response was rejected: {0}")]
    Refused(#[from] NotTheKey),
}

impl NoKey {
    /// Whether the portal said nothing at all about this key. Only then may an answer it gave before stand in for it.
    pub fn is_an_outage(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut | Self::InTrouble(_))
    }

    /// Whether the portal has no such key (any more).
    pub fn is_a_no(&self) -> bool {
        matches!(self, Self::NotFound | Self::NotATms)
    }
}

/// What the portal knows of this host; what is `None` it tells only a host with a credential.
#[derive(Debug, Deserialize)]
pub struct HostStanding {
    pub credential_required: bool,
    /// As it was registered.
    pub host: Option<String>,
    pub registered: Option<bool>,
    /// The credential's, or the one in the settings.
    pub tenant: Option<String>,
    pub tenant_enabled: Option<bool>,
}

#[derive(Deserialize)]
struct Answer {
    public_key: String,
    expires_at: Option<String>,
}

impl<'a> Portal<'a> {
    /// Reads the credential and the roots, so that nothing is missing once it is asked.
    pub fn new(config: &'a Config) -> Result<Self, Failure> {
        let tls = if config.portal.is_https() {
            TlsConfig::builder().root_certs(roots::trust(roots::load(config.ca_file.as_deref())?)).build()
        } else {
            TlsConfig::default()
        };
        Ok(Self { config, credential: config.credential()?, tls })
    }

    pub fn ask(&self, question: &Question, within: Duration) -> Result<Key, NoKey> {
        let body = json!({
            "user": question.user,
            "user_uid": question.uid.to_string(),
            "host": self.config.host_name,
            "public_key_fingerprint": question.fingerprint.to_string(),
            "key_type": question.key_type,
        });
        let (status, body) = self.post(self.config.portal.as_uri(), &body, within)?;
        match status {
            200 => read(&body, question),
            404 if is_the_no_of_a_tms(&body) => Err(NoKey::NotFound),
            404 => Err(NoKey::NotATms),
            401 | 403 => Err(NoKey::Unauthorized(status)),
            429 => Err(NoKey::Busy),
            300..=399 => Err(NoKey::Redirected(status)),
            500..=599 => Err(NoKey::InTrouble(status)),
            _ => Err(NoKey::Unexpected(status)),
        }
    }

    /// Asks what the portal knows of this host. `None`: it is too old to say.
    pub fn check_host(&self, within: Duration) -> Result<Option<HostStanding>, NoKey> {
        let Some(address) = self.config.portal.of_call("hosts/check") else { return Ok(None) };
        let (status, body) = self.post(&address, &json!({ "host": self.config.host_name }), within)?;
        match status {
            200 => serde_json::from_slice(&body).map(Some).map_err(|_| NoKey::NotUnderstood("not a host status")),
            404 | 405 => Ok(None),
            401 | 403 => Err(NoKey::Unauthorized(status)),
            _ => Err(NoKey::Unexpected(status)),
        }
    }

    /// Posts to an address of this portal. Statuses that say nothing in their body come with an empty one.
    pub fn post(&self, address: &Uri, body: &Value, within: Duration) -> Result<(u16, Vec<u8>), NoKey> {
        let config = Agent::config_builder()
            .timeout_global(Some(within))
            .http_status_as_error(false)
            // Following one could carry the credential elsewhere, and bring an answer from there.
            .max_redirects(0)
            // The crate would take one from the environment.
            .proxy(None)
            .tls_config(self.tls.clone())
            .user_agent(concat!("tms-keycmd/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Names::default());
        let mut request = agent.post(address).header("Content-Type", "application/json").header("Accept", "application/json");
        if let Some(tenant) = &self.config.tenant {
            request = request.header("X-TMS-TENANT", tenant);
        }
        if let Some(credential) = &self.credential {
            request = request.header("Authorization", credential.bearer());
        }
        let mut response = request.send(body.to_string()).map_err(no_answer)?;
        let status = response.status().as_u16();
        // Only these say something in their body.
        let body = match status {
            200 | 201 | 404 => response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec(),
            _ => Ok(Vec::new()),
        };
        match body {
            Ok(body) => Ok((status, body)),
            // The status alone is a no.
            Err(_) if status == 404 => Ok((status, Vec::new())),
            Err(error) => Err(no_answer(error)),
        }
    }
}

/// A key, once everything in the answer has proved right.
fn read(body: &[u8], question: &Question) -> Result<Key, NoKey> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| NoKey::NotUnderstood("not JSON with a public_key"))?;
    let expires_at = match answer.expires_at {
        None => None,
        Some(written) => moments::read_expiry(&written).ok_or(NoKey::NotUnderstood("expires_at is not a time"))?,
    };
    Ok(Key { line: KeyLine::verify(&answer.public_key, &question.fingerprint, &question.key_type)?, expires_at })
}

fn is_the_no_of_a_tms(body: &[u8]) -> bool {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return false };
    answer.get("result_code").and_then(Value::as_str) == Some("404")
}

fn no_answer(error: ureq::Error) -> NoKey {
    match error {
        ureq::Error::Timeout(_) => NoKey::TimedOut,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => NoKey::TimedOut,
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => NoKey::TooLong,
        ureq::Error::Protocol(_) => NoKey::NotUnderstood("not HTTP"),
        error => NoKey::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_is_an_outage() {
        for (why, outage, no) in [
            (NoKey::TimedOut, true, false),
            (NoKey::InTrouble(503), true, false),
            (NoKey::Unreachable(String::new()), true, false),
            (NoKey::NotFound, false, true),
            (NoKey::NotATms, false, true),
            (NoKey::Unauthorized(401), false, false),
            (NoKey::Unauthorized(403), false, false),
            (NoKey::Busy, false, false),
            (NoKey::Redirected(302), false, false),
            (NoKey::TooLong, false, false),
            (NoKey::NotUnderstood(""), false, false),
            (NoKey::Refused(NotTheKey::NotAKey), false, false),
        ] {
            assert_eq!((why.is_an_outage(), why.is_a_no()), (outage, no), "{why}");
        }
    }

    #[test]
    fn a_tms_says_no_in_its_own_way() {
        assert!(is_the_no_of_a_tms(br#"{"result_code":"404","result_msg":"NOT_FOUND"}"#));
        for other in [&b"not found"[..], b"<html>", b"", b"{}", b"\"404\"", br#"{"result_code":404}"#] {
            assert!(!is_the_no_of_a_tms(other));
        }
    }
}
