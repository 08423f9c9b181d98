//! Client authentication: HTTP Basic, a secret in the body, a signed assertion (RFC 7523 §2.2), or the `client_id` of a public client (RFC 6749
//! §2.3, §3.2.1).

use std::net::IpAddr;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::cors::AnsweredClient;
use super::error::OAuthError;
use super::form::Form;
use crate::domain::client::registration::GrantType;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::refused_request::{RefusedRequest, RefusedRequestReason};
use crate::server::middleware::client_ip;
use crate::server::middleware::rate_limit::network;
use crate::server::service::auth::client_authentication::ClientProof;
use crate::server::service::auth::refusals::SecretOwner;
use crate::server::service::{AuthenticatedClient, Services};
use crate::server::state::{AppState, SecretRefused};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const TWO_METHODS: OAuthError = OAuthError::InvalidRequest("More than one client authentication method was used.");

/// A request of an authenticated client, with its parameters.
pub struct ClientRequest {
    pub client: AuthenticatedClient,
    pub form: Form,
    pub from: Option<IpAddr>,
    pub agent: String,
}

impl ClientRequest {
    /// The result of this request. One that the client's settings do not allow is recorded for its tenant.
    pub fn recorded<T>(&self, services: &Services, result: Result<T, OAuthError>) -> Result<T, OAuthError> {
        result.inspect_err(|error| {
            let refused = match error {
                OAuthError::UnauthorizedClient(_) | OAuthError::UnsupportedGrantType => {
                    let grant_type = self.form.get("grant_type").and_then(GrantType::parse);
                    let refused = RefusedRequest::new(RefusedRequestReason::GrantType);
                    grant_type.map_or(refused.clone(), |grant_type| refused.with(grant_type.as_str()))
                }
                OAuthError::InvalidScope(_) => RefusedRequestReason::Scope.into(),
                OAuthError::InvalidTarget(_) => RefusedRequest::new(RefusedRequestReason::Resource).with(&self.form.resources().join(" ")),
                _ => return,
            };
            let client = self.client.client();
            services.record_refused_request(&client.tenant_id, &client.id, &refused, self.from);
        })
    }
}

/// The client id of a request, and how it proves to be from that client.
struct ClientAuthentication {
    id: String,
    proof: SentProof,
}

enum SentProof {
    None,
    Secret(String),
    Assertion(String),
}

impl SentProof {
    fn as_proof(&self) -> ClientProof<'_> {
        match self {
            Self::None => ClientProof::None,
            Self::Secret(secret) => ClientProof::Secret(secret),
            Self::Assertion(assertion) => ClientProof::Assertion(assertion),
        }
    }
}

impl FromRequest<AppState> for ClientRequest {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, OAuthError> {
        // By address alone: a client id is not verified yet and can be made up.
        let caller = network(client_ip::get(request.extensions()));
        state.limits.oauth_requests.check(&caller).map_err(OAuthError::Overload)?;
        Self::authenticate(request, state).await
    }
}

impl ClientRequest {
    /// Reads a request and authenticates its client. Only wrong secrets are limited.
    pub async fn authenticate(request: Request, state: &AppState) -> Result<Self, OAuthError> {
        let (mut parts, body) = request.into_parts();
        let from = client_ip::get(&parts.extensions);
        let tenant = path_tenant(&mut parts, state).await?;
        let authorization = parts.headers.get(header::AUTHORIZATION).cloned();
        let answered = parts.extensions.get::<AnsweredClient>().cloned();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned();
        let form = Form::read(Request::from_parts(parts, body)).await?;
        let sent = credentials(authorization.as_ref(), &form).inspect_err(|refused| {
            if matches!(refused, OAuthError::InvalidClient) {
                log_malformed(state, &tenant, ClaimedName::None, from);
            }
        });
        let ClientAuthentication { id, proof } = sent?;
        let Ok(id) = ClientId::parse(id.as_str()) else {
            log_malformed(state, &tenant, ClaimedName::Unverified(&id), from);
            return Err(OAuthError::InvalidClient);
        };
        let checked = state.services.authenticate_oauth_client(&tenant, &id, proof.as_proof(), from).await;
        match state.limit_wrong_secrets(&tenant, &SecretOwner::Client(id), from, checked).await {
            Ok(client) => {
                if let Some(answered) = answered {
                    answered.note(&client);
                }
                Ok(Self { client, form, from, agent })
            }
            Err(SecretRefused::NoTenant) => Err(OAuthError::UnknownTenant),
            Err(SecretRefused::Wrong) => Err(OAuthError::InvalidClient),
            Err(SecretRefused::TooMany(wait)) => Err(OAuthError::Overload(wait)),
            Err(SecretRefused::Internal(fault)) => Err(fault.into()),
        }
    }
}

/// Logs credentials that cannot be parsed, or that name no possible client.
fn log_malformed(state: &AppState, tenant: &TenantId, name: ClaimedName<'_>, from: Option<IpAddr>) {
    let (kind, tenant) = (CredentialKind::ClientSecret, ClaimedName::Unverified(tenant.as_str()));
    state.services.log_refusal(&RefusedAuthentication { kind, tenant, name, from, failure: AuthenticationFailure::Malformed });
}

/// The tenant in the path, if it exists and is enabled.
pub struct PathTenant(pub TenantId);

impl FromRequestParts<AppState> for PathTenant {
    type Rejection = OAuthError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, OAuthError> {
        let id = path_tenant(parts, state).await?;
        let found = state.services.enabled_tenant(&id).await?;
        found.map(|tenant| Self(tenant.id)).ok_or(OAuthError::UnknownTenant)
    }
}

/// The tenant in the path, which need not exist.
async fn path_tenant(parts: &mut Parts, state: &AppState) -> Result<TenantId, OAuthError> {
    let Path(name) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| OAuthError::UnknownTenant)?;
    TenantId::parse(name).map_err(|_| OAuthError::UnknownTenant)
}

/// Only one method is allowed; an identical `client_id` beside Basic or an assertion is tolerated (Go's `x/oauth2` and oidc-agent send it).
fn credentials(authorization: Option<&HeaderValue>, form: &Form) -> Result<ClientAuthentication, OAuthError> {
    let in_header = match authorization {
        Some(value) => Some(value.to_str().ok().and_then(basic_credentials).ok_or(OAuthError::InvalidClient)?),
        None => None,
    };
    let in_assertion = assertion(form)?;
    let secret = form.get("client_secret");
    let sent = match (in_header, in_assertion, secret) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => return Err(TWO_METHODS),
        (Some(sent), None, None) | (None, Some(sent), None) => sent,
        (None, None, secret) => {
            let id = form.get("client_id").ok_or(OAuthError::ClientMissing)?.to_owned();
            ClientAuthentication { id, proof: secret.map_or(SentProof::None, |secret| SentProof::Secret(secret.to_owned())) }
        }
    };
    if form.get("client_id").is_some_and(|id| id != sent.id) {
        return Err(OAuthError::InvalidClient);
    }
    Ok(sent)
}

/// The assertion of a request, and the client that it claims to be from (RFC 7521 §4.2).
fn assertion(form: &Form) -> Result<Option<ClientAuthentication>, OAuthError> {
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(assertion)) => {
            let id = Services::claimed_client(assertion).ok_or(OAuthError::InvalidClient)?;
            Ok(Some(ClientAuthentication { id: id.into(), proof: SentProof::Assertion(assertion.to_owned()) }))
        }
        (Some(_), None) => Err(OAuthError::InvalidRequest("client_assertion is missing.")),
        (_, Some(_)) => Err(OAuthError::InvalidRequest("client_assertion_type must be that of RFC 7523, ending in jwt-bearer.")),
    }
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
fn basic_credentials(value: &str) -> Option<ClientAuthentication> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let secret = Some(form_decode(secret)?).filter(|secret| !secret.is_empty());
    Some(ClientAuthentication { id: form_decode(id)?, proof: secret.map_or(SentProof::None, SentProof::Secret) })
}

fn form_decode(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    let [(_, value)]: [(String, String); 1] = serde_urlencoded::from_str::<Vec<(String, String)>>(&format!("v={text}")).ok()?.try_into().ok()?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(user_pass: &str) -> Option<(String, Option<String>)> {
        let credentials = basic_credentials(&format!("Basic {}", BASE64_STANDARD.encode(user_pass)))?;
        let secret = match credentials.proof {
            SentProof::Secret(secret) => Some(secret),
            SentProof::None | SentProof::Assertion(_) => None,
        };
        Some((credentials.id, secret))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(decoded("app:secret"), Some(("app".into(), Some("secret".into()))));
        assert_eq!(decoded("my%20app:a%3Ab+c"), Some(("my app".into(), Some("a:b c".into()))));
        assert_eq!(decoded("tms-cli:"), Some(("tms-cli".into(), None)));
        assert_eq!(decoded("no colon"), None);
        assert!(basic_credentials("Bearer abc").is_none());
        assert!(basic_credentials("Basic !!!").is_none());
    }
}
