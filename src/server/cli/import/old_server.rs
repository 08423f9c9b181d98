//! Questions to the old server.

use std::path::Path;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::CommandError;
use super::cannot;
use crate::domain::error_chain;
use crate::server::service::platform::rng::Secret;
use crate::server::service::tms_import::compare::ComparedKey;

const TIMEOUT: Duration = Duration::from_secs(10);
/// For a list, which the old server sends as a whole.
const LIST_TIMEOUT: Duration = Duration::from_secs(60);

/// The old server. Its error texts name the option at fault.
pub struct OldServer {
    http: Client,
    /// With the path of the API.
    url: String,
}

/// An administrator of the old server.
pub struct OldAdmin {
    pub tenant: String,
    pub id: String,
    pub secret: Secret,
}

#[derive(Deserialize)]
struct OldKey {
    public_key: String,
}

fn failed(error: &reqwest::Error) -> String {
    format!("--old: {}", error_chain::root_cause(error))
}

impl OldServer {
    pub fn new(url: &Url, ca: Option<&Path>) -> Result<Self, CommandError> {
        let mut client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).no_proxy();
        if let Some(file) = ca {
            let problem = |error: &dyn std::fmt::Display| cannot(format!("--ca {}: {error}", file.display()));
            let pem = std::fs::read(file).map_err(|error| problem(&error))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| problem(&error))? {
                client = client.add_root_certificate(certificate);
            }
        }
        let http = client.build().map_err(|error| cannot(error.to_string()))?;
        Ok(Self { http, url: format!("{}/v1/tms", url.as_str().trim_end_matches('/')) })
    }

    /// The key that the old server returns; `None` if it returns none. Any other response ends the comparison.
    pub async fn key(&self, key: &ComparedKey) -> Result<Option<String>, String> {
        let body = json!({ "user": key.account, "host": key.host, "public_key_fingerprint": key.fingerprint });
        let response = self.http.post(format!("{}/pubkeys/creds/retrieve", self.url)).json(&body).send().await.map_err(|error| failed(&error))?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.json::<OldKey>().await.map_err(|error| failed(&error))?.public_key)),
            StatusCode::NOT_FOUND => Ok(None),
            other => Err(format!("--old: the old server answered {other} to a lookup; is the URL right?")),
        }
    }

    /// The entries of a list.
    pub async fn list(&self, admin: &OldAdmin, path: &str) -> Result<Vec<Value>, String> {
        let response = self.send(self.http.get(format!("{}/{path}", self.url)).timeout(LIST_TIMEOUT), admin).await?;
        let mut body = Self::body(response, path).await?;
        match body.get_mut("users").map(Value::take) {
            Some(Value::Array(rows)) => Ok(rows),
            _ => Err(format!("--old: the old server's response to {path} has no list of users")),
        }
    }

    /// A client; `None` if there is none of that id.
    pub async fn client(&self, admin: &OldAdmin, id: &str) -> Result<Option<Value>, String> {
        let url = format!("{}/client/{}", self.url, utf8_percent_encode(id, NON_ALPHANUMERIC));
        let response = self.send(self.http.get(url), admin).await?;
        if response.status() == StatusCode::NOT_FOUND { Ok(None) } else { Self::body(response, "client").await.map(Some) }
    }

    async fn send(&self, request: RequestBuilder, admin: &OldAdmin) -> Result<Response, String> {
        let OldAdmin { tenant, id, secret } = admin;
        let request = request.header("x-tms-tenant", tenant).header("x-tms-admin-id", id).header("x-tms-admin-secret", secret.reveal());
        request.send().await.map_err(|error| failed(&error))
    }

    async fn body(response: Response, path: &str) -> Result<Value, String> {
        match response.status() {
            StatusCode::OK => response.json().await.map_err(|error| failed(&error)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(format!("--admin-of: the old server refuses {path} to this administrator; are tenant, id and secret right?"))
            }
            other => Err(format!("--old: the old server answered {other} to {path}")),
        }
    }
}
