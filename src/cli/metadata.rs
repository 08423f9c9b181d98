//! Authorization server metadata (RFC 8414), validated.

use oauth2::url::Url;
use serde::Deserialize;
use thiserror::Error;

use super::printable::Printable;
use super::target::Target;

/// The scope that asks for a refresh token (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
const DEVICE_AUTHORIZATION_ENDPOINT: &str = "device_authorization_endpoint";

/// The endpoints that this program uses, all on the requested server, and what else it has to know of it.
#[derive(Debug)]
pub struct ServerMetadata {
    device_authorization_endpoint: Option<Url>,
    /// `None` if the server does not support sign-in by redirects.
    pub authorization_endpoint: Option<Url>,
    /// `None` if the server does not accept pushed authorization requests (RFC 9126).
    pub pushed_authorization_request_endpoint: Option<Url>,
    pub token_endpoint: Url,
    /// `None` if the server does not support revocation.
    pub revocation_endpoint: Option<Url>,
    /// Whether every authorization response names its issuer (RFC 9207).
    pub responses_have_issuer: bool,
    /// Whether the scope `offline_access` brings a refresh token.
    pub issues_refresh_tokens: bool,
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
    authorization_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    grant_types_supported: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

impl ServerMetadata {
    /// Parses `document`, fetched from the metadata URL of `target`. Its issuer must be the requested one (RFC 8414 §3.3), so that
    /// one server cannot impersonate another.
    pub fn parse(document: &[u8], target: &Target) -> Result<Self, MetadataRefused> {
        let document: MetadataDocument = serde_json::from_slice(document).map_err(|_| MetadataRefused::Unreadable(target.metadata_url()))?;
        if document.issuer != target.issuer() {
            return Err(MetadataRefused::IssuerMismatch { requested: target.issuer(), actual: document.issuer.into() });
        }
        let endpoint = |name, endpoint| checked_endpoint(name, endpoint, target);
        let has = |list: &[String], word: &str| list.iter().any(|listed| listed == word);
        Ok(Self {
            device_authorization_endpoint: endpoint(DEVICE_AUTHORIZATION_ENDPOINT, document.device_authorization_endpoint)?,
            authorization_endpoint: endpoint("authorization_endpoint", document.authorization_endpoint)?,
            pushed_authorization_request_endpoint: endpoint("pushed_authorization_request_endpoint", document.pushed_authorization_request_endpoint)?,
            token_endpoint: endpoint("token_endpoint", document.token_endpoint)?.ok_or(MetadataRefused::MissingEndpoint("token_endpoint"))?,
            revocation_endpoint: endpoint("revocation_endpoint", document.revocation_endpoint)?,
            responses_have_issuer: document.authorization_response_iss_parameter_supported,
            issues_refresh_tokens: has(&document.scopes_supported, OFFLINE_ACCESS) && has(&document.grant_types_supported, "refresh_token"),
        })
    }

    pub fn device_authorization_endpoint(&self) -> Result<&Url, MetadataRefused> {
        self.device_authorization_endpoint.as_ref().ok_or(MetadataRefused::MissingEndpoint(DEVICE_AUTHORIZATION_ENDPOINT))
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
        let missing = read(&document).unwrap();
        assert!(matches!(missing.device_authorization_endpoint(), Err(MetadataRefused::MissingEndpoint("device_authorization_endpoint"))));
        assert!(read(DOCUMENT).unwrap().device_authorization_endpoint().is_ok());
        assert!(matches!(read(&DOCUMENT.replace("token_endpoint", "other")), Err(MetadataRefused::MissingEndpoint("token_endpoint"))));
        assert!(matches!(read("<html>"), Err(MetadataRefused::Unreadable(_))));
    }

    #[test]
    fn refresh_tokens_need_scope_and_grant_type() {
        let with = |more: &str| read(&DOCUMENT.replacen('{', &format!("{{ {more},"), 1)).unwrap();
        let (scope, grant) = (r#""scopes_supported": ["hosts:read", "offline_access"]"#, r#""grant_types_supported": ["refresh_token"]"#);
        assert!(with(&format!("{scope}, {grant}")).issues_refresh_tokens);
        assert!(!with(scope).issues_refresh_tokens && !with(grant).issues_refresh_tokens && !read(DOCUMENT).unwrap().issues_refresh_tokens);
    }

    #[test]
    fn browser_flow_is_optional_and_on_the_server() {
        let metadata = read(DOCUMENT).unwrap();
        assert!(metadata.authorization_endpoint.is_none() && metadata.pushed_authorization_request_endpoint.is_none());
        assert!(!metadata.responses_have_issuer);
        for name in ["authorization_endpoint", "pushed_authorization_request_endpoint"] {
            let with = |server: &str| read(&DOCUMENT.replacen('{', &format!(r#"{{ "{name}": "{server}/t/lab/oauth/authorize","#), 1));
            assert!(with("https://a.example").is_ok());
            assert!(matches!(with("https://evil.example"), Err(MetadataRefused::ForeignEndpoint(foreign, _)) if foreign == name));
        }
    }
}
