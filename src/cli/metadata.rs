//! Authorization server metadata (RFC 8414), validated.

use oauth2::url::Url;
use serde::Deserialize;
use thiserror::Error;

use super::printable::Printable;
use super::target::Target;

/// The endpoints that this program uses, all on the requested server.
#[derive(Debug)]
pub struct ServerMetadata {
    pub device_authorization_endpoint: Url,
    pub token_endpoint: Url,
    /// `None` if the server does not support revocation.
    pub revocation_endpoint: Option<Url>,
}

/// Why the metadata was refused.
#[derive(Debug, Error)]
pub enum MetadataRefused {
    #[error("the server's metadata at {0} is not valid: check --server and --tenant")]
    Unreadable(String),
    #[error("the server's issuer is {actual}, but {requested} was requested: pass --server and --tenant as the server names them")]
    IssuerMismatch { requested: String, actual: Printable },
    #[error("the server's metadata has no {0}: it does not support command-line sign-in")]
    MissingEndpoint(&'static str),
    #[error("the server's {0} is not on {1}: refusing to send anything there")]
    ForeignEndpoint(&'static str, String),
}

#[derive(Deserialize)]
struct MetadataDocument {
    issuer: String,
    device_authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
}

impl ServerMetadata {
    /// Parses `document`, fetched from the metadata URL of `target`. Its issuer must be the requested one (RFC 8414 §3.3), so that
    /// one server cannot impersonate another.
    pub fn parse(document: &[u8], target: &Target) -> Result<Self, MetadataRefused> {
        let document: MetadataDocument = serde_json::from_slice(document).map_err(|_| MetadataRefused::Unreadable(target.metadata_url()))?;
        if document.issuer != target.issuer() {
            return Err(MetadataRefused::IssuerMismatch { requested: target.issuer(), actual: document.issuer.into() });
        }
        let required = |name, endpoint| checked_endpoint(name, endpoint, target)?.ok_or(MetadataRefused::MissingEndpoint(name));
        Ok(Self {
            device_authorization_endpoint: required("device_authorization_endpoint", document.device_authorization_endpoint)?,
            token_endpoint: required("token_endpoint", document.token_endpoint)?,
            revocation_endpoint: checked_endpoint("revocation_endpoint", document.revocation_endpoint, target)?,
        })
    }
}

fn checked_endpoint(name: &'static str, endpoint: Option<String>, target: &Target) -> Result<Option<Url>, MetadataRefused> {
    let Some(endpoint) = endpoint else {
        return Ok(None);
    };
    match Url::parse(&endpoint) {
        Ok(url) if target.server.is_origin_of(&url) => Ok(Some(url)),
        _ => Err(MetadataRefused::ForeignEndpoint(name, target.server.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::target::TargetArgs;

    const DOCUMENT: &str = r#"{
        "issuer": "https://a.example/t/lab",
        "device_authorization_endpoint": "https://a.example/t/lab/oauth/device_authorization",
        "token_endpoint": "https://a.example/t/lab/oauth/token",
        "revocation_endpoint": "https://a.example/t/lab/oauth/revoke",
        "jwks_uri": "https://a.example/t/lab/oauth/jwks"
    }"#;

    fn read(document: &str) -> Result<ServerMetadata, MetadataRefused> {
        let place = TargetArgs { server: Some("https://a.example".to_owned()), tenant: Some("lab".to_owned()), ..TargetArgs::default() };
        ServerMetadata::parse(document.as_bytes(), &Target::resolve(&place, None).unwrap())
    }

    #[test]
    fn endpoints_on_the_server_are_accepted() {
        let metadata = read(DOCUMENT).unwrap();
        assert_eq!(metadata.token_endpoint.path(), "/t/lab/oauth/token");
        assert!(metadata.revocation_endpoint.is_some());
    }

    #[test]
    fn issuer_must_match_exactly() {
        for issuer in ["https://a.example/t/lab/", "https://a.example/t/Lab", "https://b.example/t/lab", "http://a.example/t/lab"] {
            let document = DOCUMENT.replacen("https://a.example/t/lab", issuer, 1);
            assert!(matches!(read(&document), Err(MetadataRefused::IssuerMismatch { .. })), "{issuer}");
        }
    }

    #[test]
    fn endpoint_on_another_server_is_refused() {
        for endpoint in ["https://evil.example/t/lab/oauth/token", "https://a.example:8443/t/lab/oauth/token", "not a url"] {
            let document = DOCUMENT.replace("https://a.example/t/lab/oauth/token", endpoint);
            assert!(matches!(read(&document), Err(MetadataRefused::ForeignEndpoint("token_endpoint", _))), "{endpoint}");
        }
    }

    #[test]
    fn missing_device_flow_is_reported() {
        let document = DOCUMENT.replace("device_authorization_endpoint", "another_endpoint");
        assert!(matches!(read(&document), Err(MetadataRefused::MissingEndpoint("device_authorization_endpoint"))));
        assert!(matches!(read("<html>"), Err(MetadataRefused::Unreadable(_))));
    }
}
