//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 9126) as a state machine.
//!
//! ```text
//!             allow
//!   Waiting ─────────► Answered
//!      │ refuse, report
//!      ▼
//!   Refused
//! ```
//!
//! A request belongs to the browser session that opened it first; only the person who is signed in to that session decides. Expiry is not a
//! state: each rule compares it with the time that it is given. A pushed request is opened as a request of its own each time, until one of
//! those is answered.

mod answer;
mod parameters;
mod problem;
mod prompt;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::authorization::RequestSource;
use super::client::Client;
use super::client::registration::{GrantType, PkceRule};
use super::client_uris::ClientUris;
use super::code_challenge::{self, CodeChallenge};
use super::device_grant::{Claimant, DecisionRefused};
use super::ids::{AuthorizationId, AuthorizationRequestId, ClientId, TenantId, UserId};
use super::redirect_uri::RedirectUri;
use super::requested_access::RequestedResources;
use super::resource_server::GrantedResource;
use super::scope::{Scope, ScopeSet};
use super::time::Timestamp;

pub use self::answer::{AnswerTarget, AuthorizationError};
pub use self::parameters::Parameters;
pub use self::problem::{RequestProblem, Unanswerable};
pub use self::prompt::{ACR_MFA, ACR_SFA, AuthenticationDemand, ContradictoryPrompt, Prompt, acr};

/// How long a request waits for its person.
pub const REQUEST_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long a pushed request can be opened (RFC 9126 §2.2).
pub const PUSHED_LIFETIME: Duration = Duration::from_secs(90);
/// Longest `login_hint` that is kept, in characters.
const MAX_LOGIN_HINT: usize = 100;

#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    pub tenant_id: TenantId,
    pub id: AuthorizationRequestId,
    pub client_id: ClientId,
    pub target: AnswerTarget,
    /// What is asked for; or why the request is refused, which the client learns after the person has signed in.
    pub content: Result<RequestContent, RequestProblem>,
    /// `prompt=none`: no page may be shown.
    pub silent: bool,
    /// The request of the client, if it was pushed, else of the browser.
    pub source: RequestSource,
    /// The pushed request that was opened.
    pub pushed: Option<AuthorizationRequestId>,
    pub expires_at: Timestamp,
    /// The browser session that opened it first, and the person who was signed in to it last.
    pub opened_by: Option<Claimant>,
    pub state: AuthorizationRequestState,
}

/// What is asked for. Nothing in it is unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestContent {
    /// The requested scope, restricted to what the client may have.
    pub scope: ScopeSet,
    /// Access to resource servers besides the TMS API (RFC 8707).
    #[serde(default)]
    pub resources: Vec<GrantedResource>,
    /// `None`: the client's registration lets it leave PKCE out.
    pub challenge: Option<CodeChallenge>,
    pub nonce: Option<String>,
    pub prompt: Prompt,
    pub authentication: AuthenticationDemand,
    /// Fills in the user name at the sign-in, and decides nothing.
    pub login_hint: Option<String>,
    /// The person of a valid `id_token_hint`; another one is not signed in with this request.
    #[serde(default)]
    pub expected_person: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationRequestState {
    Waiting,
    /// Allowed; a code was issued.
    Answered {
        at: Timestamp,
        authorization: AuthorizationId,
    },
    /// `reported`: "I did not start this".
    Refused {
        at: Timestamp,
        reported: bool,
    },
}

/// Why a browser session cannot open a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenRefused {
    /// Another session opened it first.
    OpenElsewhere,
    Expired,
}

impl AnswerTarget {
    /// Where the answer to a request goes. It may leave the redirect URI out if it is no request of OpenID Connect and one is registered.
    pub fn resolve(sent: &Parameters, registered: &ClientUris) -> Result<Self, Unanswerable> {
        if sent.is_repeated("redirect_uri") {
            return Err(Unanswerable::Repeated);
        }
        let state = sent.state().map_err(|_| Unanswerable::StateTooLong)?.map(str::to_owned);
        let (redirect_uri, named) = match (sent.get("redirect_uri"), registered.redirect.as_slice()) {
            (Some(named), _) if registered.redirect_uri(named).is_some() => {
                (RedirectUri::parse(named).map_err(|_| Unanswerable::RedirectUriNotRegistered)?, true)
            }
            (Some(_), _) => return Err(Unanswerable::RedirectUriNotRegistered),
            (None, [only]) if !asks_for(sent, Scope::OpenId) => (only.clone(), false),
            (None, _) => return Err(Unanswerable::RedirectUriMissing),
        };
        Ok(Self { redirect_uri, named, state })
    }
}

fn asks_for(sent: &Parameters, scope: Scope) -> bool {
    sent.get("scope").is_some_and(|text| ScopeSet::parse_known(text).contains(scope))
}

impl RequestContent {
    /// Checks what is asked for. `is_pushed`: the client pushed it. `requested`: the resource servers that it names; `None`: it names one for
    /// which the client may not ask.
    pub fn check(sent: &Parameters, client: &Client, is_pushed: bool, requested: Option<&RequestedResources>) -> Result<Self, RequestProblem> {
        if sent.has_repeated() {
            return Err(RequestProblem::Repeated);
        }
        if client.pushed_requests_only && !is_pushed {
            return Err(RequestProblem::NotPushed);
        }
        if sent.get("request").is_some() {
            return Err(RequestProblem::RequestObject);
        }
        if sent.get("request_uri").is_some() {
            return Err(RequestProblem::RequestUri);
        }
        match sent.get("response_type") {
            None => return Err(RequestProblem::ResponseTypeMissing),
            Some("code") => {}
            Some(_) => return Err(RequestProblem::ResponseTypeUnsupported),
        }
        if sent.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(RequestProblem::ResponseModeUnsupported);
        }
        let nonce = sent.nonce().map_err(|_| RequestProblem::NonceTooLong)?.map(str::to_owned);
        // Without `openid` no ID token returns the nonce.
        let has_nonce = nonce.is_some() && asks_for(sent, Scope::OpenId) && client.scope.contains(Scope::OpenId);
        let challenge = check_challenge(sent, client, has_nonce)?;
        let prompt = sent.get("prompt").map_or(Ok(Prompt::default()), Prompt::parse).map_err(|_| RequestProblem::PromptContradictory)?;
        let requested = requested.ok_or(RequestProblem::ResourceUnknown)?;
        let access = requested.access(client, GrantType::AuthorizationCode, sent.get("scope")).map_err(|_| RequestProblem::NoScopeLeft)?;
        Ok(Self {
            scope: access.scope,
            resources: access.resources,
            challenge,
            nonce,
            authentication: check_authentication(sent, prompt)?,
            prompt,
            login_hint: sent.get("login_hint").map(|hint| hint.chars().filter(|c| !c.is_control()).take(MAX_LOGIN_HINT).collect()),
            expected_person: None,
        })
    }
}

/// RFC 7636 §4.3, and what the client's registration exempts it from; a public client from nothing. `has_nonce`: an ID token will have it.
fn check_challenge(sent: &Parameters, client: &Client, has_nonce: bool) -> Result<Option<CodeChallenge>, RequestProblem> {
    let Some(challenge) = sent.get("code_challenge") else {
        return match client.pkce {
            _ if sent.get("code_challenge_method").is_some() => Err(RequestProblem::ChallengeMissing),
            _ if client.is_public() => Err(RequestProblem::ChallengeMissing),
            PkceRule::Required => Err(RequestProblem::ChallengeMissing),
            PkceRule::Nonce if !has_nonce => Err(RequestProblem::ChallengeOrNonceMissing),
            PkceRule::Nonce | PkceRule::Off => Ok(None),
        };
    };
    if sent.get("code_challenge_method") != Some(code_challenge::METHOD) {
        return Err(RequestProblem::ChallengeMethod);
    }
    CodeChallenge::parse(challenge).map(Some).map_err(|_| RequestProblem::ChallengeMalformed)
}

fn check_authentication(sent: &Parameters, prompt: Prompt) -> Result<AuthenticationDemand, RequestProblem> {
    let max_age: Option<u64> = sent.get("max_age").map(str::parse).transpose().map_err(|_| RequestProblem::MaxAgeMalformed)?;
    let wants = |acr: &str| sent.get("acr_values").is_some_and(|values| values.split_ascii_whitespace().any(|value| value == acr));
    Ok(AuthenticationDemand { again: prompt.login || max_age == Some(0), max_age: max_age.map(Duration::from_secs), second_factor: wants(ACR_MFA) })
}

impl AuthorizationRequest {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at || self.source.at.is_ahead_of(now)
    }

    /// Whether a decision is still possible.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.state == AuthorizationRequestState::Waiting && !self.is_expired(now)
    }

    /// Opens the request in a browser session, for the person who is signed in to it now. Refused if another session opened it first, or it
    /// has expired without an answer.
    pub fn open(mut self, by: &Claimant, now: Timestamp) -> Result<Self, OpenRefused> {
        if self.opened_by.as_ref().is_some_and(|opened| opened.session != by.session) {
            return Err(OpenRefused::OpenElsewhere);
        }
        if self.state == AuthorizationRequestState::Waiting {
            if self.is_expired(now) {
                return Err(OpenRefused::Expired);
            }
            self.opened_by = Some(by.clone());
        }
        Ok(self)
    }

    /// Answers the request with an authorization. Refused unless the person may decide.
    pub fn allow(mut self, by: &Claimant, authorization: AuthorizationId, now: Timestamp) -> Result<Self, DecisionRefused> {
        self.check_decidable(by, now)?;
        self.state = AuthorizationRequestState::Answered { at: now, authorization };
        Ok(self)
    }

    /// "No", or "I did not start this". Refused unless the person may decide.
    pub fn refuse(mut self, by: &Claimant, reported: bool, now: Timestamp) -> Result<Self, DecisionRefused> {
        self.check_decidable(by, now)?;
        self.state = AuthorizationRequestState::Refused { at: now, reported };
        Ok(self)
    }

    /// Restricts the scope to the client's current settings, and to what the page showed. `None` if nothing is left, neither of it nor at other
    /// resource servers.
    pub fn granted_scope(&self, client: &Client, shown: Option<&ScopeSet>) -> Option<ScopeSet> {
        let content = self.content.as_ref().ok()?;
        let scope = client.allowed_scope_with(GrantType::AuthorizationCode, &content.scope, &content.resources).ok()?;
        let scope = shown.map_or(scope.clone(), |shown| scope.intersection(shown));
        (!scope.is_empty() || !content.resources.is_empty()).then_some(scope)
    }

    fn check_decidable(&self, by: &Claimant, now: Timestamp) -> Result<(), DecisionRefused> {
        if by.person.is_none() || self.opened_by.as_ref() != Some(by) || self.content.is_err() {
            return Err(DecisionRefused::NotYours);
        }
        if self.state != AuthorizationRequestState::Waiting {
            return Err(DecisionRefused::AlreadyDecided);
        }
        if self.is_expired(now) { Err(DecisionRefused::Expired) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
