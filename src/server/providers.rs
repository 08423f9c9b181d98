//! OTHER INSTITUTIONS: asks identity providers who somebody is. The crates `oauth2` and `openidconnect` speak the protocols and
//! check the tokens; what is here decides what to ask, how long to wait, and what to keep.

mod cause;
mod http;
mod known;
pub mod profiles;
pub mod reach;
mod resources;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::{
    AccessToken, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl,
};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::{Claims, IdentityFrom, NotVouched, Profile, Provider, Through, Vouched};
use crate::domain::time::Timestamp;
pub use cause::Why;
use http::{ForTokens, Http};
pub use known::check_address;
use known::{Keys, Known};
use profiles::Profiles;
use reach::Reach;
pub use tokens::SignedOut;
use tokens::{Client, NewClient, TokenAnswer, Unverified};

/// Why a provider could not be asked, or its word is not taken. The details are for the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Trouble {
    #[error("it cannot be reached: {0}")]
    Unreachable(Why),
    /// It was added by an administrator, and is where only the operator adds any.
    #[error("it is on a network of the portal's own, where only the operator adds providers")]
    OutOfBounds,
    #[error("it takes too long")]
    Slow,
    #[error("it is broken: {0}")]
    Broken(String),
    /// RFC 6749 §5.2.
    #[error("it refuses the code: {0}")]
    Refused(String),
    #[error("the answer is from another issuer: {0}")]
    WrongIssuer(String),
    /// The token is old already, or not made yet.
    #[error("its clock and ours disagree: {0}")]
    Clock(String),
    #[error("its token is not to be trusted: {0}")]
    Untrusted(String),
    #[error("it did not ask the person to sign in again")]
    NotFresh,
    /// Its list is not for this person, or not for this portal.
    #[error("it does not show its list: {0}")]
    Denied(String),
    #[error("it is set up wrongly here: {0}")]
    Misconfigured(String),
}

impl From<NotVouched> for Trouble {
    fn from(why: NotVouched) -> Self {
        match why {
            NotVouched::NoSubject => Self::Untrusted("it does not say who it is about".into()),
            NotVouched::Required(claim) => Self::Untrusted(format!("the claim {claim} is not what it must be")),
        }
    }
}

/// What has to come back unchanged from a trip to a provider. Secret until then.
#[derive(Clone, Debug)]
pub struct TripSecrets<'a> {
    /// RFC 6749 §10.12.
    pub state: &'a str,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: &'a str,
    /// RFC 7636.
    pub verifier: &'a str,
}

/// What a person is to do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Where a second factor counts, with one that is still good.
    SignIn { no_longer_ago_than: Duration },
    /// Show once more that it is them, although they are signed in there.
    Again,
}

/// What a provider sent back to the browser (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Debug)]
pub struct Returned<'a> {
    pub code: &'a str,
    pub issuer: Option<&'a str>,
}

/// What came of a trip.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub vouched: Vouched,
    /// When the person showed who they are; `None`: the provider should say and does not.
    pub authenticated_at: Option<Timestamp>,
    /// Its own session, as far as it says.
    pub through: Through,
    /// What it calls the person, to the letter: the first claim that its profile names, and no other.
    pub own_name: Option<String>,
    /// For what else it shows them.
    pub token: AccessToken,
}

/// Only the ID token says this.
const HOW_THEY_SIGNED_IN: [&str; 4] = ["acr", "amr", "auth_time", "sub"];

/// Asks providers, and remembers for a while what they say of themselves.
pub struct Providers {
    http: Http,
    profiles: Profiles,
    known: Mutex<HashMap<(TenantId, ProviderId), Arc<Known>>>,
    /// Behind a provider that hangs, no more than these wait, and nobody who is on the way to another.
    slots: Mutex<HashMap<(TenantId, ProviderId), Arc<Semaphore>>>,
}

/// People who may be on their way to one provider, or back, at the same moment.
const AT_ONCE: usize = 16;
const SIGNING_OUT: Duration = Duration::from_secs(2);

impl Providers {
    pub fn new(profiles: Profiles, reach: &Reach) -> Result<Self, reqwest::Error> {
        Ok(Self { http: Http::new(reach)?, profiles, known: Mutex::default(), slots: Mutex::default() })
    }

    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    pub fn profile(&self, provider: &Provider) -> Result<&Profile, Trouble> {
        self.profiles.find(&provider.profile).ok_or_else(|| Trouble::Misconfigured(format!("there is no profile {}", provider.profile)))
    }

    /// Where to send the browser.
    pub async fn address(
        &self,
        provider: &Provider,
        secrets: &TripSecrets<'_>,
        redirect: &str,
        wish: Wish,
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let _slot = self.slot(provider)?;
        let profile = self.profile(provider)?;
        let known = self.known(provider, now).await?;
        let client = client(provider, None, &known, redirect)?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(secrets.verifier.to_owned()));
        let state = secrets.state.to_owned();
        let scopes = provider.scope.as_deref().unwrap_or(&profile.scope).split_ascii_whitespace().map(|scope| Scope::new(scope.to_owned()));
        let mut request = client.authorize_url(|| CsrfToken::new(state)).add_scopes(scopes).set_pkce_challenge(challenge);
        if profile.identity == IdentityFrom::IdToken {
            request = request.add_extra_param("nonce", secrets.nonce);
            if !provider.mfa.acr.is_empty() {
                request = request.add_extra_param("acr_values", provider.mfa.acr.join(" "));
            }
        }
        request = match wish {
            Wish::SignIn { no_longer_ago_than } if provider.mfa.is_asked_for() => {
                request.add_extra_param("max_age", no_longer_ago_than.as_secs().to_string())
            }
            Wish::SignIn { .. } => request,
            Wish::Again => request.add_extra_param("prompt", "login").add_extra_param("max_age", "0"),
        };
        Ok(request.url().0.into())
    }

    /// What the provider says of whoever came back with a code.
    pub async fn arrive(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        secrets: &TripSecrets<'_>,
        redirect: &str,
        returned: &Returned<'_>,
        now: Timestamp,
    ) -> Result<Arrival, Trouble> {
        let _slot = self.slot(provider)?;
        let profile = self.profile(provider)?;
        let known = self.known(provider, now).await?;
        known.check_issuer(returned.issuer)?;
        let answer = self.redeem(provider, client_secret, &known, secrets, redirect, returned.code).await?;
        let said = match profile.identity {
            IdentityFrom::IdToken => {
                self.checked(provider, &known, now, |known| tokens::id_token(&answer, provider, known, secrets.nonce, now)).await?
            }
            IdentityFrom::AccessToken => self.checked(provider, &known, now, |known| tokens::access_token(&answer, known, now)).await?,
            IdentityFrom::User => {
                let address = known.user.as_deref().ok_or_else(|| Trouble::Misconfigured("its profile has no user endpoint".into()))?;
                let user = self.http.to(provider, known.local).get_json(address, Some(answer.token())).await?;
                tokens::Said::of(tokens::claims(&user), now)
            }
        };
        let sid = said.claims.one("sid").filter(|_| profile.identity == IdentityFrom::IdToken).map(str::to_owned);
        let claims = self.with_names(said.claims, profile, provider, &known, &answer).await?;
        let vouched = provider.judge(profile, &known.issuer, &claims)?;
        let (issuer, subject) = (vouched.issuer.clone(), vouched.subject.clone());
        let through = Through { provider: provider.id.clone(), issuer, subject, sid, id_token: answer.id_token() };
        let own_name = profile.user_name.first().and_then(|name| claims.one(name)).map(str::to_owned);
        let token = AccessToken::new(answer.token().to_owned());
        Ok(Arrival { vouched, authenticated_at: said.authenticated_at, through, own_name, token })
    }

    /// Many providers tell names to whoever asks with the access token, and put none in the ID token (OpenID Connect Core §5.3). They
    /// count only if they are about the same subject; how somebody signed in is never taken from there.
    async fn with_names(
        &self,
        mut claims: Claims,
        profile: &Profile,
        provider: &Provider,
        known: &Known,
        answer: &TokenAnswer,
    ) -> Result<Claims, Trouble> {
        let wanted = profile.names().chain(provider.newcomers.claim());
        let missing: Vec<&str> = wanted.filter(|name| claims.all(name).is_empty() && !HOW_THEY_SIGNED_IN.contains(name)).collect();
        let Some(address) = known.user.as_deref().filter(|_| profile.identity == IdentityFrom::IdToken && !missing.is_empty()) else {
            return Ok(claims);
        };
        let user = tokens::claims(&self.http.to(provider, known.local).get_json(address, Some(answer.token())).await?);
        if user.one("sub").is_none() || user.one("sub") != claims.one("sub") {
            return Err(Trouble::Untrusted("its user endpoint speaks of somebody else".into()));
        }
        for name in missing {
            claims.insert(name, user.all(name).to_vec());
        }
        Ok(claims)
    }

    /// Where somebody signs out there as well, if it says; `back` is where it sends them then.
    pub async fn sign_out_address(&self, provider: &Provider, through: &Through, back: &str, state: &str, now: Timestamp) -> Option<String> {
        let _slot = self.slot(provider).ok()?;
        // Whoever signs out does not wait for somebody else's server.
        let known = tokio::time::timeout(SIGNING_OUT, self.known(provider, now)).await.ok()?.ok()?;
        let by_us = known.end_session.as_deref();
        by_us
            .and_then(|address| tokens::sign_out_address(address, provider, through.id_token.as_deref(), back, state))
            .or_else(|| known.sign_out.clone())
    }

    /// Who has signed out there, as it says.
    pub async fn signed_out(&self, provider: &Provider, token: &str, now: Timestamp) -> Result<SignedOut, Trouble> {
        let _slot = self.slot(provider)?;
        let known = self.known(provider, now).await?;
        self.checked(provider, &known, now, |known| tokens::logout_token(token, provider, known, now)).await
    }

    /// Forgets what a provider said of itself, so that it is asked again.
    pub fn forget(&self, tenant: &TenantId, provider: &ProviderId) {
        self.lock().remove(&(tenant.clone(), provider.clone()));
    }

    /// What the provider says of itself: asked now, whatever is known. For the operator, who sees whether it works.
    pub async fn test(&self, provider: &Provider, now: Timestamp) -> Result<String, Trouble> {
        let _slot = self.slot(provider)?;
        self.forget(&provider.tenant_id, &provider.id);
        let known = self.known(provider, now).await?;
        // One that says nothing of itself is only looked for.
        if let (Keys::None, Some(user)) = (&known.keys, &known.user) {
            self.http.to(provider, known.local).knock(user).await?;
        }
        if let Some(list) = provider.resources.as_ref().and_then(|resources| resources.list.as_deref()) {
            self.http.to(provider, known.local).knock(list).await?;
        }
        Ok(known.issuer.clone())
    }

    async fn redeem(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        known: &Known,
        secrets: &TripSecrets<'_>,
        redirect: &str,
        code: &str,
    ) -> Result<TokenAnswer, Trouble> {
        let client = client(provider, client_secret, known, redirect)?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.to_owned());
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(verifier);
        Ok(TokenAnswer::new(request.request_async(&ForTokens(self.http.to(provider, known.local))).await?))
    }

    async fn known(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        let place = (provider.tenant_id.clone(), provider.id.clone());
        let found = self.lock().get(&place).filter(|known| known.is_of(provider) && known.is_fresh(now)).cloned();
        match found {
            Some(known) => Ok(known),
            None => self.ask(provider, now).await,
        }
    }

    /// What a token of the provider's says; checked once more if it is signed with a key that was not known.
    async fn checked<T>(
        &self,
        provider: &Provider,
        known: &Arc<Known>,
        now: Timestamp,
        check: impl Fn(&Known) -> Result<T, Unverified>,
    ) -> Result<T, Trouble> {
        match check(known) {
            Err(Unverified::UnknownKey) => Ok(check(self.known_anew(provider, known, now).await?.as_ref())?),
            said => Ok(said?),
        }
    }

    /// Its keys may have changed since; but whoever sends tokens with keys of their own making does not make us ask all the time.
    async fn known_anew(&self, provider: &Provider, known: &Arc<Known>, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        if known.may_be_asked_again(now) { self.ask(provider, now).await } else { Ok(Arc::clone(known)) }
    }

    async fn ask(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        let known = Arc::new(Known::ask(&self.http, provider, self.profile(provider)?, now).await?);
        self.lock().insert((provider.tenant_id.clone(), provider.id.clone()), Arc::clone(&known));
        Ok(known)
    }

    fn slot(&self, provider: &Provider) -> Result<OwnedSemaphorePermit, Trouble> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (provider.tenant_id.clone(), provider.id.clone());
        let slots = slots.entry(place).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        Arc::clone(slots).try_acquire_owned().map_err(|_| Trouble::Slow)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(TenantId, ProviderId), Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn client(provider: &Provider, secret: Option<&str>, known: &Known, redirect: &str) -> Result<Client, Trouble> {
    let bad = |error: oauth2::url::ParseError| Trouble::Misconfigured(error.to_string());
    let mut client = NewClient::new(ClientId::new(provider.client_id.clone()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    Ok(client
        .set_auth_uri(AuthUrl::new(known.authorization.clone()).map_err(bad)?)
        .set_token_uri(TokenUrl::new(known.token.clone()).map_err(bad)?)
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(bad)?))
}
