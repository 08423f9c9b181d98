//! The portal, as far as links go: `POST /v1/tms/links`, `/v1/tms/links/status` and `/v1/tms/links/withdraw`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use thiserror::Error;
use ureq::http::Uri;

use super::account::Account;
use crate::keycmd::config::Config;
use crate::keycmd::portal::{NoKey, Portal};

/// A person waits, and no login.
const WITHIN: Duration = Duration::from_secs(5);

/// A portal that can be asked for links.
pub struct Desk<'a> {
    portal: Portal<'a>,
    links: Uri,
    status: Uri,
    withdraw: Uri,
}

/// What the portal hands out.
#[derive(Deserialize)]
pub struct Asked {
    link_id: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub expires_in: u64,
    pub interval: u64,
}

/// How it stands.
#[derive(Debug, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Standing {
    Pending,
    Linked { tms_user_id: String, expires_at: String },
    Refused,
    Expired,
}

/// Why there is no link to be had.
#[derive(Debug, Error)]
pub enum NoLink {
    #[error("credential_file is not set: linking accounts requires a credential")]
    NoCredential,
    #[error("tms_url does not end in /pubkeys/creds/retrieve, so the URL for links is unknown")]
    NoAddress,
    #[error("{0}")]
    Host(String),
    #[error("the portal rejected this host's credential (HTTP 401): check credential_file")]
    Unauthorized,
    #[error("this is a system account, which the portal does not link")]
    NotAPersons,
    #[error("the portal rejected this account, or its tenant is disabled")]
    NotTaken,
    #[error("the portal does not support links: it is too old, or tms_url is wrong")]
    TooOld,
    #[error("the portal is busy; try again in a moment")]
    Busy,
    #[error("{0}")]
    NoAnswer(NoKey),
    #[error("unexpected response from the portal (HTTP {0})")]
    Unexpected(u16),
}

impl NoLink {
    /// Whether it is worth asking again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::NoAnswer(why) => why.is_an_outage(),
            Self::Unexpected(status) => *status >= 500,
            _ => false,
        }
    }

    /// Whether the caller can do something about it; the rest is for the host's operators.
    pub fn is_for_the_caller(&self) -> bool {
        self.may_pass() || matches!(self, Self::NotAPersons | Self::NotTaken)
    }

    pub fn word(&self) -> &'static str {
        if self.may_pass() { "portal" } else { "not_linkable" }
    }
}

impl<'a> Desk<'a> {
    pub fn of(config: &'a Config) -> Result<Self, NoLink> {
        if config.credential_file.is_none() {
            return Err(NoLink::NoCredential);
        }
        let address = |call| config.portal.of_call(call).ok_or(NoLink::NoAddress);
        let [links, status, withdraw] = [address("links")?, address("links/status")?, address("links/withdraw")?];
        Ok(Self { links, status, withdraw, portal: Portal::new(config)? })
    }

    pub fn ask(&self, account: &Account) -> Result<Asked, NoLink> {
        let body = json!({ "user": account.name, "user_uid": account.uid.to_string() });
        let (status, body) = self.portal.post(&self.links, &body, WITHIN).map_err(NoLink::NoAnswer)?;
        match status {
            201 => read(status, &body),
            400 => Err(NoLink::NotTaken),
            403 => Err(NoLink::NotAPersons),
            _ => Err(refused(status)),
        }
    }

    pub fn standing(&self, asked: &Asked) -> Result<Standing, NoLink> {
        let (status, body) = self.portal.post(&self.status, &json!({ "link_id": asked.link_id }), WITHIN).map_err(NoLink::NoAnswer)?;
        match status {
            200 => read(status, &body),
            // Asked again for the same account: that one counts.
            404 => Ok(Standing::Expired),
            _ => Err(refused(status)),
        }
    }

    /// Nobody is to enter this code any more. Tried once: it ends by itself before long.
    pub fn withdraw(&self, asked: &Asked) {
        let _ = self.portal.post(&self.withdraw, &json!({ "link_id": asked.link_id }), WITHIN);
    }

    /// Asks how a link stands that nobody asked for.
    pub fn try_out(&self) -> Result<(), NoLink> {
        let (status, _) = self.portal.post(&self.status, &json!({ "link_id": "tms-keycmd-check" }), WITHIN).map_err(NoLink::NoAnswer)?;
        if status == 404 { Ok(()) } else { Err(refused(status)) }
    }
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, NoLink> {
    serde_json::from_slice(body).map_err(|_| NoLink::Unexpected(status))
}

fn refused(status: u16) -> NoLink {
    match status {
        401 => NoLink::Unauthorized,
        404 | 405 => NoLink::TooOld,
        429 | 503 => NoLink::Busy,
        _ => NoLink::Unexpected(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_portal_says_is_understood_and_nothing_else() {
        let linked = br#"{"status":"linked","tms_user_id":"jdoe","expires_at":"2027-11-21T00:00:00+00:00","result_code":"0","result_msg":"success"}"#;
        assert!(matches!(read(200, linked), Ok(Standing::Linked { tms_user_id, .. }) if tms_user_id == "jdoe"));
        assert!(matches!(read(200, br#"{"status":"pending"}"#), Ok(Standing::Pending)));
        for nonsense in [&br#"{"status":"linked"}"#[..], br#"{"status":"maybe"}"#, b"{}", b"<html>"] {
            assert!(matches!(read::<Standing>(200, nonsense), Err(NoLink::Unexpected(200))));
        }
    }

    #[test]
    fn callers_are_told_what_they_can_act_on_and_operators_the_rest() {
        for (why, passes, told) in [
            (NoLink::Busy, true, true),
            (NoLink::NoAnswer(NoKey::TimedOut), true, true),
            (NoLink::Unexpected(502), true, true),
            (NoLink::NotAPersons, false, true),
            (NoLink::Unauthorized, false, false),
            (NoLink::TooOld, false, false),
            (NoLink::Unexpected(302), false, false),
        ] {
            assert_eq!((why.may_pass(), why.is_for_the_caller()), (passes, told), "{why}");
        }
    }
}
