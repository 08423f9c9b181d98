//! A tenant's OAuth endpoints, as used by clients.

mod client_auth;
mod cors;
mod device_authorization;
mod discovery;
mod introspect;
mod jwks;
mod protected_resource;
pub mod refresh;
pub mod resources;
mod revoke;
mod tenants;
mod token;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::app::{Answer, DEVICE_CODE_GRANT, Device, TestApp};

/// The confidential client of the test data and its secret.
pub const CONFIDENTIAL: (&str, &str) = ("testclient1", "secret1");

/// Status and code of an error, after checking its format (RFC 6749 §5.2, with the id of the request if the server failed) and `no-store`.
pub fn error(answer: &Answer) -> (u16, String) {
    let members: Vec<&str> = answer.body.as_object().map(|body| body.keys().map(String::as_str).collect()).unwrap_or_default();
    let expected = &["error", "error_description", "request_id"][..if answer.status < 500 { 2 } else { 3 }];
    assert_eq!(members, expected, "{} {}", answer.status, answer.body);
    for member in members {
        let text = answer.body[member].as_str().expect("a text");
        assert!(!text.is_empty() && text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{member}: {text}");
    }
    assert_never_stored(answer);
    assert_eq!(answer.status == 401, answer.header("www-authenticate").starts_with("Basic realm="), "{}", answer.body);
    (answer.status, answer.error().to_owned())
}

/// RFC 6749 §5.1.
pub fn assert_never_stored(answer: &Answer) {
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"), "{} {}", answer.status, answer.body);
    assert_eq!(answer.headers.get("set-cookie"), None);
}

/// The claims of a token, without verification.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

/// The expected error, for tables.
pub fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

impl TestApp {
    /// Posts a raw body as a form to a path of the tenant `test`.
    pub async fn send_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.http.post(self.tenant(path)).header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Starts a device grant of the confidential client.
    pub async fn start_confidential_device(&self) -> Device {
        let (id, secret) = CONFIDENTIAL;
        self.start_device_of(&[("client_id", id), ("client_secret", secret), ("scope", "hosts:read")]).await
    }

    /// Polls as the confidential client.
    pub async fn poll_confidentially(&self, device: &Device) -> Answer {
        let (id, secret) = CONFIDENTIAL;
        let form = [("grant_type", DEVICE_CODE_GRANT), ("device_code", &device.device_code), ("client_id", id), ("client_secret", secret)];
        self.poll_with(&form).await
    }
}
