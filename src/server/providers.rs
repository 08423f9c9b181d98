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
use crate::proxy::Proxy;
pub use cause::Why;
use http::{ForTokens, Http};
pub use known::check_address;
use known::{Keys, Known};
use profiles::Profiles;
use reach::Reach;
use tokens::{Client, NewClient, TokenAnswer, Unverified};
pub use tokens::{SKEW, SignedOut};

/// Why a provider could not be asked, or its word is not taken. The details are for the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Trouble {
    #[error("the provider cannot be reached: {0}")]
    Unreachable(Why),
    /// It was added by an administrator, and is where only the operator adds any.
    #[error("the address is on the portal's own network, where only the operator can add providers")]
    OutOfBounds,
    #[error("timed out")]
    Slow,
    #[error("invalid response from the provider: {0}")]
    Broken(String),
    /// The code is not, or not any more, one of its own (RFC 6749 §5.2).
    #[error("the provider rejected the code: {0}")]
    Refused(String),
    #[error("the response is from a different issuer: {0}")]
    WrongIssuer(String),
    /// Where it was looked for, another one says who it is.
    #[error("the issuer does not match the provider's metadata: {0}")]
    OtherName(String),
    /// The token is old already, or not made yet.
    #[error("the provider's clock and the portal's differ: {0}")]
    Clock(String),
    #[error("the token cannot be trusted: {0}")]
    Untrusted(String),
    #[error("the provider did not ask the user to sign in again")]
    NotFresh,
    /// Its list is not for this person, or not for this portal.
    #[error("the provider denied access to its list: {0}")]
    Denied(String),
    #[error("the provider's settings are wrong: {0}")]
    Misconfigured(String),
}

impl Trouble {
    /// Tells of the proxy that the request went through: what failed may be its fault.
    fn behind(self, proxy: Option<Proxy>) -> Self {
        let why = match self {
            Self::Unreachable(why) => why,
            Self::Slow => Why::Slow,
            other => return other,
        };
        match (proxy, why) {
            (None, Why::Slow) => Self::Slow,
            (None, why) => Self::Unreachable(why),
            (Some(proxy), why) => Self::Unreachable(Why::Proxied { proxy: proxy.to_string(), why: Box::new(why) }),
        }
    }

    /// With no more of what others sent than fits in a log and on a page.
    #[must_use]
    pub fn shortened(self) -> Self {
        let short = |text: String| text.chars().take(200).collect();
        match self {
            Self::Broken(text) => Self::Broken(short(text)),
            Self::Refused(text) => Self::Refused(short(text)),
            Self::WrongIssuer(text) => Self::WrongIssuer(short(text)),
            Self::OtherName(text) => Self::OtherName(short(text)),
            Self::Clock(text) => Self::Clock(short(text)),
            Self::Untrusted(text) => Self::Untrusted(short(text)),
            Self::Denied(text) => Self::Denied(short(text)),
            Self::Misconfigured(text) => Self::Misconfigured(short(text)),
            Self::Unreachable(_) | Self::OutOfBounds | Self::Slow | Self::NotFresh => self,
        }
    }
}

impl From<NotVouched> for Trouble {
    fn from(why: NotVouched) -> Self {
        match why {
            NotVouched::NoSubject => Self::Untrusted("it has no subject".into()),
            NotVouched::Required(claim) => Self::Untrusted(format!("the claim {claim} does not have the required value")),
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

/// Which provider of which tenant.
type Place = (TenantId, ProviderId);
/// When a provider was asked once more; held by whoever asks.
type Turn = Arc<tokio::sync::Mutex<Option<Timestamp>>>;

/// Asks providers, and remembers for a while what they say of themselves.
pub struct Providers {
    http: Http,
    profiles: Profiles,
    known: Mutex<HashMap<Place, Arc<Known>>>,
    /// Behind a provider that hangs, no more than these wait, and nobody who is on the way to another.
    slots: Mutex<HashMap<(Place, Door), Arc<Semaphore>>>,
    /// Whose turn it is to ask a provider once more, and when that was last done.
    turns: Mutex<HashMap<Place, Turn>>,
}

/// Where one waits for a provider. What anybody may send to the one keeps nobody waiting at the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Door {
    SignIn,
    BackChannel,
}

/// How many may be on their way to one provider, or back, at the same moment.
const AT_ONCE: usize = 16;
/// How long the next one waits for somebody to be done.
const IN_LINE: Duration = Duration::from_secs(4);
const SIGNING_OUT: Duration = Duration::from_secs(2);
/// How soon a provider is asked again when a key is missing, whatever came of it.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// Long enough that nobody has to sign in again for it, but asked for: only then a provider has to say when somebody did
/// (OpenID Connect Core §3.1.2.1).
const WHENEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Providers {
    pub fn new(profiles: Profiles, reach: &Reach) -> Result<Self, reqwest::Error> {
        Ok(Self { http: Http::new(reach)?, profiles, known: Mutex::default(), slots: Mutex::default(), turns: Mutex::default() })
    }

    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    pub fn profile(&self, provider: &Provider) -> Result<&Profile, Trouble> {
        self.profiles.find(&provider.profile).ok_or_else(|| Trouble::Misconfigured(format!("profile {} does not exist", provider.profile)))
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
        let profile = self.profile(provider)?;
        let known = self.known_in_line(provider, now).await?;
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
            Wish::SignIn { no_longer_ago_than } => {
                let max_age = if provider.mfa.is_asked_for() { no_longer_ago_than } else { WHENEVER };
                request.add_extra_param("max_age", max_age.as_secs().to_string())
            }
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
        let _slot = self.slot(provider, Door::SignIn).await?;
        let profile = self.profile(provider)?;
        let known = self.known(provider, now).await?;
        known.check_issuer(returned.issuer)?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.to_owned());
        let answer = self.redeem(provider, client_secret, &known, verifier, redirect, returned.code).await?;
        let said = match profile.identity {
            IdentityFrom::IdToken => {
                self.checked(provider, &known, now, |known| tokens::id_token(&answer, provider, known, secrets.nonce, now)).await?
            }
            IdentityFrom::AccessToken => self.checked(provider, &known, now, |known| tokens::access_token(&answer, known, now)).await?,
            IdentityFrom::User => {
                let address = known.user.as_deref().ok_or_else(|| Trouble::Misconfigured("the profile has no user endpoint".into()))?;
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
        let authenticated_at = said.authenticated_at.or_else(|| (!profile.says_when).then_some(now));
        Ok(Arrival { vouched, authenticated_at, through, own_name, token })
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
            return Err(Trouble::Untrusted("the user endpoint returned a different subject".into()));
        }
        for name in missing {
            claims.insert(name, user.all(name).to_vec());
        }
        Ok(claims)
    }

    /// Where somebody signs out there as well, if it says; `back` is where it sends them then.
    pub async fn sign_out_address(&self, provider: &Provider, through: &Through, back: &str, state: &str, now: Timestamp) -> Option<String> {
        // Whoever signs out does not wait for somebody else's server.
        let known = tokio::time::timeout(SIGNING_OUT, self.known_in_line(provider, now)).await.ok()?.ok()?;
        let by_us = known.end_session.as_deref();
        by_us
            .and_then(|address| tokens::sign_out_address(address, provider, through.id_token.as_deref(), back, state))
            .or_else(|| known.sign_out.clone())
    }

    /// Who has signed out there, as it says.
    pub async fn signed_out(&self, provider: &Provider, token: &str, now: Timestamp) -> Result<SignedOut, Trouble> {
        let _slot = self.slot(provider, Door::BackChannel).await?;
        let known = match self.fresh(provider, now) {
            Some(known) => known,
            // Whoever sends nonsense does not make us ask all the time.
            None => self.ask_in_turn(provider, None, now).await?,
        };
        self.checked(provider, &known, now, |known| tokens::logout_token(token, provider, known, now)).await
    }

    /// Forgets what a provider said of itself, so that it is asked again.
    pub fn forget(&self, tenant: &TenantId, provider: &ProviderId) {
        self.lock().remove(&(tenant.clone(), provider.clone()));
    }

    /// What the provider says of itself: asked now, whatever is known. For the operator, who sees whether it works; also whether it
    /// takes the client's secret, shown with a code that is none.
    pub async fn test(&self, provider: &Provider, client_secret: Option<&str>, now: Timestamp) -> Result<String, Trouble> {
        let _slot = self.slot(provider, Door::SignIn).await?;
        self.forget(&provider.tenant_id, &provider.id);
        let known = self.known(provider, now).await?;
        // One that says nothing of itself is only looked for.
        if let (Keys::None, Some(user)) = (&known.keys, &known.user) {
            self.http.to(provider, known.local).knock(user).await?;
        }
        if let Some(list) = provider.resources.as_ref().and_then(|resources| resources.list.as_deref()) {
            self.http.to(provider, known.local).knock(list).await?;
        }
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        if let Err(trouble @ Trouble::Misconfigured(_)) = self.redeem(provider, client_secret, &known, verifier, "https://localhost/", "test").await {
            return Err(trouble);
        }
        Ok(known.issuer.clone())
    }

    async fn redeem(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        known: &Known,
        verifier: PkceCodeVerifier,
        redirect: &str,
        code: &str,
    ) -> Result<TokenAnswer, Trouble> {
        let client = client(provider, client_secret, known, redirect)?;
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(verifier);
        Ok(TokenAnswer::new(request.request_async(&ForTokens(self.http.to(provider, known.local))).await?))
    }

    fn fresh(&self, provider: &Provider, now: Timestamp) -> Option<Arc<Known>> {
        self.lock().get(&place(provider)).filter(|known| known.is_of(provider) && known.is_fresh(now)).cloned()
    }

    async fn known(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        match self.fresh(provider, now) {
            Some(known) => Ok(known),
            None => self.ask(provider, now).await,
        }
    }

    /// The same for somebody who has nothing else to ask there, and so waits in line only if it has to be asked.
    async fn known_in_line(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        if let Some(known) = self.fresh(provider, now) {
            return Ok(known);
        }
        let _slot = self.slot(provider, Door::SignIn).await?;
        self.known(provider, now).await
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
            Err(Unverified::UnknownKey) => Ok(check(self.ask_in_turn(provider, Some(known), now).await?.as_ref())?),
            said => Ok(said?),
        }
    }

    /// Its keys may have changed since it said what is `known`; but whoever sends tokens with keys of their own making does not make
    /// us ask all the time, nor twice at once.
    async fn ask_in_turn(&self, provider: &Provider, known: Option<&Arc<Known>>, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(place(provider)).or_default())
        };
        let mut asked_at = turn.lock().await;
        // Somebody else may have asked while this one waited.
        let newer = self.fresh(provider, now).filter(|newer| known.is_none_or(|known| !Arc::ptr_eq(newer, known)));
        if let Some(newer) = newer {
            return Ok(newer);
        }
        let too_soon = |at: Timestamp| now.since(at) < ASK_AGAIN;
        if asked_at.is_some_and(too_soon) || known.is_some_and(|known| too_soon(known.asked_at)) {
            return known.cloned().ok_or(Trouble::Slow);
        }
        *asked_at = Some(now);
        self.ask(provider, now).await
    }

    async fn ask(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        let known = Arc::new(Known::ask(&self.http, provider, self.profile(provider)?, now).await?);
        self.lock().insert(place(provider), Arc::clone(&known));
        Ok(known)
    }

    async fn slot(&self, provider: &Provider, door: Door) -> Result<OwnedSemaphorePermit, Trouble> {
        let slots = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry((place(provider), door)).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        let slot = tokio::time::timeout(IN_LINE, slots.acquire_owned()).await;
        slot.ok().and_then(Result::ok).ok_or(Trouble::Slow)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(provider: &Provider) -> Place {
    (provider.tenant_id.clone(), provider.id.clone())
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
