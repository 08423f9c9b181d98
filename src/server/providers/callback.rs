//! The callback: code exchange and verification of the tokens (RFC 6749 §4.1.3, OpenID Connect Core §3.1.3).

use oauth2::{AccessToken, AuthorizationCode, PkceCodeVerifier};

use super::{Providers, RequestQueue};
use crate::domain::provider::claims::{Claims, VerifiedIdentity};
use crate::domain::provider::profile::{IdentitySource, Profile};
use crate::domain::provider::{Provider, UpstreamSession};
use crate::domain::time::Timestamp;
use crate::server::providers::authorize::{AuthorizationSecrets, oauth_client};
use crate::server::providers::error::ProviderError;
use crate::server::providers::http::TokenHttp;
use crate::server::providers::metadata::ProviderMetadata;
use crate::server::providers::tokens::{self, TokenEndpointResponse};

/// The parameters of a callback (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Debug)]
pub struct AuthorizationResponse<'a> {
    pub code: &'a str,
    pub issuer: Option<&'a str>,
}

/// The result of a code exchange.
#[derive(Clone, Debug)]
pub struct UpstreamLogin {
    pub identity: VerifiedIdentity,
    /// When the person authenticated; `None`: the provider should send `auth_time` and does not.
    pub authenticated_at: Option<Timestamp>,
    /// The provider's session, as far as its tokens identify it.
    pub upstream_session: UpstreamSession,
    /// The person's name at the provider, unchanged: the first claim that the profile lists, and no other.
    pub upstream_user_name: Option<String>,
    /// For further requests on the person's behalf.
    pub access_token: AccessToken,
}

/// Claims that are taken from the ID token only.
const AUTHENTICATION_CLAIMS: [&str; 4] = ["acr", "amr", "auth_time", "sub"];

impl Providers {
    /// Exchanges a code and verifies the tokens.
    pub async fn exchange_code(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        secrets: &AuthorizationSecrets<'_>,
        redirect: &str,
        returned: &AuthorizationResponse<'_>,
        now: Timestamp,
    ) -> Result<UpstreamLogin, ProviderError> {
        let _slot = self.request_slot(provider, RequestQueue::SignIn).await?;
        let profile = self.profile(provider)?;
        let known = self.metadata(provider, now).await?;
        known.check_issuer(returned.issuer)?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.to_owned());
        let answer = self.request_token(provider, client_secret, &known, verifier, redirect, returned.code).await?;
        let said = match profile.identity {
            IdentitySource::IdToken => {
                self.verify_with_refresh(provider, &known, now, |known| tokens::verify_id_token(&answer, provider, known, secrets.nonce, now)).await?
            }
            IdentitySource::AccessToken => {
                self.verify_with_refresh(provider, &known, now, |known| tokens::verify_access_token(&answer, known, now)).await?
            }
            IdentitySource::User => {
                let address =
                    known.userinfo_endpoint.as_deref().ok_or_else(|| ProviderError::Misconfigured("the profile has no user endpoint".into()))?;
                let user = self.http.for_provider(provider, known.local).get_json(address, Some(answer.access_token())).await?;
                tokens::VerifiedClaims::authenticated_now(tokens::parse_claims(&user), now)
            }
        };
        let sid = said.claims.single("sid").filter(|_| profile.identity == IdentitySource::IdToken).map(str::to_owned);
        let claims = self.with_userinfo_claims(said.claims, profile, provider, &known, &answer).await?;
        let identity = provider.verify_identity(profile, &known.issuer, &claims)?;
        let (issuer, subject) = (identity.issuer.clone(), identity.subject.clone());
        let through = UpstreamSession { provider: provider.id.clone(), issuer, subject, sid, id_token: answer.id_token() };
        let own_name = profile.user_name.first().and_then(|name| claims.single(name)).map(str::to_owned);
        let token = AccessToken::new(answer.access_token().to_owned());
        let authenticated_at = said.authenticated_at.or_else(|| (!profile.sends_auth_time).then_some(now));
        Ok(UpstreamLogin { identity, authenticated_at, upstream_session: through, upstream_user_name: own_name, access_token: token })
    }

    /// Many providers return names only from the UserInfo endpoint and not in the ID token (OpenID Connect Core §5.3). They are used only
    /// for the same subject; claims about the authentication are never taken from there.
    async fn with_userinfo_claims(
        &self,
        mut claims: Claims,
        profile: &Profile,
        provider: &Provider,
        known: &ProviderMetadata,
        answer: &TokenEndpointResponse,
    ) -> Result<Claims, ProviderError> {
        let group_claim = provider.group_claim.as_ref().map(|mapping| mapping.claim.as_str());
        let required = profile.names().chain(provider.provisioning.claim()).chain(group_claim);
        let missing: Vec<&str> = required.filter(|name| claims.all(name).is_empty() && !AUTHENTICATION_CLAIMS.contains(name)).collect();
        let Some(address) = known.userinfo_endpoint.as_deref().filter(|_| profile.identity == IdentitySource::IdToken && !missing.is_empty()) else {
            return Ok(claims);
        };
        let user = tokens::parse_claims(&self.http.for_provider(provider, known.local).get_json(address, Some(answer.access_token())).await?);
        if user.single("sub").is_none() || user.single("sub") != claims.single("sub") {
            return Err(ProviderError::TokenRefused("the user endpoint returned a different subject".into()));
        }
        if missing.contains(&"email") {
            // Of the address that is taken from there.
            claims.insert("email_verified", user.all("email_verified").to_vec());
        }
        for name in missing {
            claims.insert(name, user.all(name).to_vec());
        }
        Ok(claims)
    }

    pub(super) async fn request_token(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        known: &ProviderMetadata,
        verifier: PkceCodeVerifier,
        redirect: &str,
        code: &str,
    ) -> Result<TokenEndpointResponse, ProviderError> {
        let client = oauth_client(provider, client_secret, known, redirect)?;
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(verifier);
        Ok(TokenEndpointResponse::new(request.request_async(&TokenHttp(self.http.for_provider(provider, known.local))).await?))
    }
}
