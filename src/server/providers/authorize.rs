//! The authorization request (RFC 6749 §4.1.1, RFC 7636).

use std::time::Duration;

use oauth2::{AuthUrl, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl};

use super::Providers;
use crate::domain::provider::Provider;
use crate::domain::provider::profile::IdentitySource;
use crate::domain::time::Timestamp;
use crate::server::providers::error::ProviderError;
use crate::server::providers::metadata::ProviderMetadata;
use crate::server::providers::tokens::{OAuthClient, OAuthClientWithoutEndpoints};

/// The secrets of an authorization request, checked at the callback.
#[derive(Clone, Debug)]
pub struct AuthorizationSecrets<'a> {
    /// RFC 6749 §10.12.
    pub state: &'a str,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: &'a str,
    /// RFC 7636.
    pub verifier: &'a str,
}

/// What the person is asked to do at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthRequestKind {
    /// Sign in; if second factors of this provider count, with one that is still valid.
    SignIn { max_age: Duration },
    /// Authenticate again, even with a session at the provider.
    Reauthenticate,
}

/// Long enough that the person need not sign in again; sent because a provider has to return `auth_time` only on request (OpenID Connect
/// Core §3.1.2.1).
const UNLIMITED_MAX_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Providers {
    /// The URL to redirect the browser to.
    pub async fn authorization_url(
        &self,
        provider: &Provider,
        secrets: &AuthorizationSecrets<'_>,
        redirect: &str,
        kind: AuthRequestKind,
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let profile = self.profile(provider)?;
        let known = self.metadata_queued(provider, now).await?;
        let client = oauth_client(provider, None, &known, redirect)?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(secrets.verifier.to_owned()));
        let state = secrets.state.to_owned();
        let scopes = provider.scope.as_deref().unwrap_or(&profile.scope).split_ascii_whitespace().map(|scope| Scope::new(scope.to_owned()));
        let mut request = client.authorize_url(|| CsrfToken::new(state)).add_scopes(scopes).set_pkce_challenge(challenge);
        if profile.identity == IdentitySource::IdToken {
            request = request.add_extra_param("nonce", secrets.nonce);
            if !provider.mfa.acr.is_empty() {
                request = request.add_extra_param("acr_values", provider.mfa.acr.join(" "));
            }
        }
        request = match kind {
            AuthRequestKind::SignIn { max_age: no_longer_ago_than } => {
                let max_age = if provider.mfa.is_required() { no_longer_ago_than } else { UNLIMITED_MAX_AGE };
                request.add_extra_param("max_age", max_age.as_secs().to_string())
            }
            AuthRequestKind::Reauthenticate => request.add_extra_param("prompt", "login").add_extra_param("max_age", "0"),
        };
        Ok(request.url().0.into())
    }
}

pub(super) fn oauth_client(
    provider: &Provider,
    secret: Option<&str>,
    known: &ProviderMetadata,
    redirect: &str,
) -> Result<OAuthClient, ProviderError> {
    let bad = |error: oauth2::url::ParseError| ProviderError::Misconfigured(error.to_string());
    let mut client = OAuthClientWithoutEndpoints::new(ClientId::new(provider.client_id.clone()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    Ok(client
        .set_auth_uri(AuthUrl::new(known.authorization_endpoint.clone()).map_err(bad)?)
        .set_token_uri(TokenUrl::new(known.token_endpoint.clone()).map_err(bad)?)
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(bad)?))
}
