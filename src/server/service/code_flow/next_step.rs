//! What the page of an authorization request does next: sign-in, step-up, choice of the account, consent, or the way back to the client.

use std::time::Duration;

use futures_util::FutureExt;

use super::requests::{find_request, usable};
use crate::domain::authorization_request::{
    AuthorizationError, AuthorizationRequest, AuthorizationRequestState, OpenRefused, RequestContent, Unanswerable,
};
use crate::domain::client::Client;
use crate::domain::client::registration::{ConsentRule, GrantType};
use crate::domain::consent::{self, ConsentNeeded, ConsentRequest};
use crate::domain::device_grant::Claimant;
use crate::domain::host_account::{HostAccount, HostUsername};
use crate::domain::id_token::PersonClaims;
use crate::domain::ids::{HostName, TenantId};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::resource_server::{GrantedResource, ResourceServer};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::step_up::StepUpRequired;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::{BrowserSession, SignedIn};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::clients::{self, ClientName};
use crate::server::storage::{authorization_requests, authorizations, client_uris, consents, host_accounts};

/// Who opens the page of a request.
#[derive(Clone, Copy)]
pub enum RequestOpener<'a> {
    Anonymous(&'a BrowserSession),
    Person(&'a SignedIn),
}

impl RequestOpener<'_> {
    fn claimant(&self) -> Claimant {
        match self {
            Self::Anonymous(session) => Claimant { session: session.session_id.clone(), person: None },
            Self::Person(person) => person.claimant(),
        }
    }
}

/// What the page does next.
pub enum NextStep {
    /// The person signs in first.
    SignIn {
        tenant: TenantId,
    },
    StepUp(StepUpRequired),
    /// The person confirms the account, or uses another one.
    ChooseAccount(Box<AccountChoice>),
    Consent(Box<PendingAuthorization>),
    /// The browser returns to the client with this answer. `by_page`: a page of ours sends it there, because one was shown before: after a
    /// form of ours the browser follows no redirect to another site (`form-action`).
    Leave {
        answer: Box<Answer>,
        by_page: bool,
    },
    /// The request is decided; [`Services::answer`] has the answer.
    Decided,
    /// Another browser session opened it first.
    OpenElsewhere,
    /// It expired without an answer.
    Expired,
    /// There is no such request, or it was deleted.
    Gone,
    /// The client may not use this flow, or not with this redirect URI, any more.
    Refused(Unanswerable),
}

/// The account with which to go on.
pub struct AccountChoice {
    pub client: ClientName,
    pub tenant: Tenant,
    pub reason: AccountChoiceReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChoiceReason {
    /// `prompt=select_account`: the account can be kept.
    Requested,
    /// The request is for an account of another tenant.
    OtherTenant,
    /// The request is for another person (`id_token_hint`).
    OtherPerson,
}

/// A request that waits for the decision of the person who opened it.
pub struct PendingAuthorization {
    pub request: AuthorizationRequest,
    /// What is asked for, restricted to what the client may have now.
    pub scope: ScopeSet,
    /// What is asked for at resource servers besides the TMS API, and these as they are registered now.
    pub resources: Vec<GrantedResource>,
    pub servers: Vec<ResourceServer>,
    pub client: ClientName,
    /// What the client is told about the person.
    pub told: PersonClaims,
    /// For a client of a host that is told a name: the host, and the person's active accounts there.
    pub username: Option<(HostName, Vec<HostAccount>)>,
    pub needed: ConsentNeeded,
    /// The person's active host accounts, if there is anything to do on them.
    pub host_accounts: Vec<HostAccount>,
    /// The lifetimes to choose from; none if the access ends with the browser session.
    pub lifetimes: Vec<Duration>,
    /// "Yes, I started this" is required.
    pub confirmation_required: bool,
    pub can_be_remembered: bool,
    /// How many people of the tenant allowed the client something before, and since when.
    pub allowed_before: AllowedBefore,
}

/// How many people have authorizations of a client, and when the first of these was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllowedBefore {
    pub people: i64,
    pub since: Option<Timestamp>,
}

/// A request with its client and tenant as they are now.
pub(super) struct OpenedRequest {
    pub request: AuthorizationRequest,
    pub client: Client,
    pub tenant: Tenant,
    /// It had not been opened before.
    pub is_first_visit: bool,
}

impl Services {
    /// Opens a request for the one who opens its page, and returns what the page does next. `account_chosen`: the person has confirmed the account.
    pub async fn next_step(&self, handle: &str, opener: RequestOpener<'_>, account_chosen: bool) -> Result<NextStep, Fault> {
        let OpenedRequest { request, client, tenant, is_first_visit } = match self.open_request(handle, opener).await {
            Ok(opened) => opened,
            Err(Error::Refused(step)) => return Ok(step),
            Err(Error::Internal(fault)) => return Err(fault),
        };
        if request.state != AuthorizationRequestState::Waiting {
            return Ok(NextStep::Decided);
        }
        let (issuer, to) = (self.issuer(&request.tenant_id), request.target.redirect_uri.clone());
        let by_page = !is_first_visit && !request.silent;
        let leave = |location: String| NextStep::Leave { answer: Box::new(Answer { location, to: to.clone() }), by_page };
        let leave_with = |error: AuthorizationError| leave(request.target.with_error(error, &issuer));
        let content = match (&request.content, opener) {
            (Ok(content), _) => content,
            // Not before the person has signed in, or the portal would be an open redirector.
            (Err(problem), RequestOpener::Person(_)) => return Ok(leave_with(AuthorizationError::Problem(*problem))),
            (Err(problem), RequestOpener::Anonymous(_)) if request.silent => return Ok(leave_with(AuthorizationError::Problem(*problem))),
            (Err(_), RequestOpener::Anonymous(_)) => return Ok(NextStep::SignIn { tenant: tenant.id }),
        };
        let person = match opener {
            RequestOpener::Person(person) => person,
            RequestOpener::Anonymous(_) if request.silent => return Ok(leave_with(AuthorizationError::LoginRequired)),
            RequestOpener::Anonymous(_) => return Ok(NextStep::SignIn { tenant: tenant.id }),
        };
        if let Some(reason) = self.account_choice(&request, content, person, account_chosen) {
            return match (request.silent, reason) {
                (true, AccountChoiceReason::Requested) => Ok(leave_with(AuthorizationError::AccountSelectionRequired)),
                (true, _) => Ok(leave_with(AuthorizationError::LoginRequired)),
                (false, _) => {
                    let Some(client) = clients::name(self.storage().reader(), &request.tenant_id, &request.client_id).await? else {
                        return Ok(NextStep::Gone);
                    };
                    Ok(NextStep::ChooseAccount(Box::new(AccountChoice { client, tenant, reason })))
                }
            };
        }
        if let Some(missing) = content.authentication.missing(person.auth_times, person.has_second_factor, request.source.at, self.now()) {
            return Ok(if request.silent { leave_with(AuthorizationError::LoginRequired) } else { NextStep::StepUp(missing) });
        }
        let pending = match self.pending_authorization(request.clone(), &client, &tenant, person).await? {
            Some(pending) => pending,
            // The client has lost all that it asked for since.
            None => return Ok(leave_with(AuthorizationError::AccessDenied)),
        };
        if request.silent && pending.username.as_ref().is_some_and(|(_, accounts)| accounts.is_empty()) {
            return Ok(leave_with(AuthorizationError::AccessDenied));
        }
        match &pending.needed {
            ConsentNeeded::Nothing { under } => {
                // What the tenant requires before a consent is not required for one that is in force.
                match self.answer_without_page(handle, person, under.clone()).await {
                    Ok(location) => Ok(leave(location)),
                    // Another tab was first, or consent has just ended.
                    Err(Error::Refused(_)) => Ok(NextStep::Decided),
                    Err(Error::Internal(fault)) => Err(fault),
                }
            }
            _ if request.silent => Ok(leave_with(AuthorizationError::ConsentRequired)),
            _ => Ok(NextStep::Consent(Box::new(pending))),
        }
    }

    /// The answer to a request that this browser session opened, and that the person who is signed in to it has decided.
    pub async fn answer(&self, handle: &str, opener: RequestOpener<'_>) -> Result<AnswerState, Fault> {
        let request = match self.open_request(handle, opener).await {
            Ok(opened) => opened.request,
            Err(Error::Refused(NextStep::OpenElsewhere)) => return Ok(AnswerState::OpenElsewhere),
            Err(Error::Refused(_)) => return Ok(AnswerState::Gone),
            Err(Error::Internal(fault)) => return Err(fault),
        };
        if request.state != AuthorizationRequestState::Waiting && request.opened_by != Some(opener.claimant()) {
            return Ok(AnswerState::Gone);
        }
        let (issuer, to) = (self.issuer(&request.tenant_id), request.target.redirect_uri.clone());
        Ok(match &request.state {
            AuthorizationRequestState::Refused { reported: true, .. } => AnswerState::Reported,
            AuthorizationRequestState::Refused { .. } => {
                let location = request.target.with_error(AuthorizationError::AccessDenied, &issuer);
                AnswerState::Ready(Box::new(Answer { location, to }))
            }
            AuthorizationRequestState::Answered { .. } => match self.issued_code(handle, &request).await? {
                Some(code) => AnswerState::Ready(Box::new(Answer { location: request.target.with_code(code.reveal(), &issuer), to })),
                None => AnswerState::Over(Box::new(to)),
            },
            AuthorizationRequestState::Waiting => AnswerState::Undecided,
        })
    }

    /// Opens a request for the one who opens its page. Refused with what the page shows instead.
    pub(super) async fn open_request(&self, handle: &str, opener: RequestOpener<'_>) -> Result<OpenedRequest, Error<NextStep>> {
        let request = self.find_opened(handle).await?.ok_or(Error::Refused(NextStep::Gone))?;
        let tenant = self.enabled_tenant(&request.tenant_id).await?.ok_or(Error::Refused(NextStep::Gone))?;
        let client = clients::find(self.storage().reader(), &request.tenant_id, &request.client_id).await?;
        let client = client.ok_or(Error::Refused(NextStep::Gone))?.client;
        usable(&client).map_err(|refused| Error::Refused(NextStep::Refused(refused)))?;
        let uris = client_uris::find(self.storage().reader(), &request.tenant_id, &request.client_id).await?;
        if uris.redirect_uri(request.target.redirect_uri.as_str()).is_none() {
            // It was removed since.
            return Err(Error::Refused(NextStep::Refused(Unanswerable::RedirectUriNotRegistered)));
        }
        let is_waiting = request.state == AuthorizationRequestState::Waiting;
        if let Some(pushed) = request.pushed.as_ref().filter(|_| is_waiting)
            && !authorization_requests::is_waiting(self.storage().reader(), &request.tenant_id, pushed).await?
        {
            // Another request that was opened from the same pushed one was answered (RFC 9126 §4).
            return Err(Error::Refused(NextStep::Gone));
        }
        let before = request.opened_by.clone();
        let opened = request.open(&opener.claimant(), self.now()).map_err(|refused| refused_step(Error::Refused(refused)))?;
        if opened.opened_by != before {
            let (handle, hashes, claimant, now) = (handle.to_owned(), self.handle_hashes(handle), opener.claimant(), self.now());
            let opened = self.try_write(move |db| {
                async move {
                    // As it is stored by now: two tabs may open it at the same time.
                    let request = find_request(db, &handle, &hashes).await?.ok_or(Error::Refused(OpenRefused::Expired))?;
                    let opened = request.open(&claimant, now).map_err(Error::Refused)?;
                    if opened.state == AuthorizationRequestState::Waiting {
                        authorization_requests::set_opened(db, &opened).await?;
                    }
                    Ok(opened)
                }
                .boxed()
            });
            let request = opened.await.map_err(refused_step)?;
            return Ok(OpenedRequest { request, client, tenant, is_first_visit: before.is_none() });
        }
        Ok(OpenedRequest { request: opened, client, tenant, is_first_visit: before.is_none() })
    }

    fn account_choice(
        &self,
        request: &AuthorizationRequest,
        content: &RequestContent,
        person: &SignedIn,
        account_chosen: bool,
    ) -> Option<AccountChoiceReason> {
        if *person.tenant_id() != request.tenant_id {
            return Some(AccountChoiceReason::OtherTenant);
        }
        if content.expected_person.as_ref().is_some_and(|expected| expected != person.user_id()) {
            return Some(AccountChoiceReason::OtherPerson);
        }
        // Who has signed in since the request has chosen the account.
        let chosen = account_chosen || person.auth_times.at > request.source.at;
        (content.prompt.select_account && !chosen).then_some(AccountChoiceReason::Requested)
    }

    /// What the consent page shows; `None` if nothing is left of what was asked for.
    pub(super) async fn pending_authorization(
        &self,
        request: AuthorizationRequest,
        client: &Client,
        tenant: &Tenant,
        person: &SignedIn,
    ) -> Result<Option<PendingAuthorization>, Fault> {
        let (reader, now) = (self.storage().reader(), self.now());
        let Ok(content) = &request.content else { return Ok(None) };
        let Ok(scope) = client.allowed_scope_with(GrantType::AuthorizationCode, &content.scope, &content.resources) else { return Ok(None) };
        let Some(name) = clients::name(reader, &client.tenant_id, &client.id).await? else { return Ok(None) };
        let live = authorizations::live_of_person(reader, person.tenant_id(), person.user_id(), Some(&client.id)).await?;
        let remembered = consents::find(reader, person.tenant_id(), person.user_id(), &client.id).await?;
        let asked = consent_request(&request, content, client, &name, (&scope, &content.resources));
        let (mut needed, can_be_remembered) = (asked.needed(remembered.as_ref(), &live, now), asked.can_be_remembered());
        let username = match client.username_of_host.as_ref().filter(|_| scope.contains(Scope::Profile)) {
            None => None,
            Some(host) => {
                let mut accounts = host_accounts::of_person_on(reader, person.tenant_id(), person.user_id(), host).await?;
                accounts.retain(|account| account.is_active(now));
                Some((host.clone(), accounts))
            }
        };
        // Of several accounts the person selects one each time; without any the page says how to link one.
        if username.as_ref().is_some_and(|(_, accounts)| accounts.len() != 1) && matches!(needed, ConsentNeeded::Nothing { .. }) {
            needed = ConsentNeeded::SignIn;
        }
        let told_name = username.as_ref().map(|(host, _)| HostUsername { host, selected: None });
        let mut accounts = Vec::new();
        if !scope.delegated().is_empty() {
            accounts = host_accounts::of_person(reader, person.tenant_id(), person.user_id()).await?;
            accounts.retain(|account| account.is_active(now));
        }
        let allowed_before = if name.verified { AllowedBefore::default() } else { self.allowed_before(client).await? };
        Ok(Some(PendingAuthorization {
            lifetimes: if consent::has_date(&scope, &content.resources) {
                consent::lifetimes(&tenant.policy, client.longest_access)
            } else {
                Vec::new()
            },
            confirmation_required: client.is_public() && tenant.policy.require_started_tick,
            host_accounts: accounts,
            servers: self.registered_resources(&client.tenant_id, &content.resources).await?,
            resources: content.resources.clone(),
            told: self.person_claims(person.tenant_id(), person.user_id(), &scope, told_name).await?,
            username,
            client: name,
            request,
            scope,
            needed,
            can_be_remembered,
            allowed_before,
        }))
    }

    async fn allowed_before(&self, client: &Client) -> Result<AllowedBefore, Fault> {
        let (people, since) = authorizations::count_people_of_client(self.storage().reader(), &client.tenant_id, &client.id).await?;
        Ok(AllowedBefore { people, since })
    }
}

/// The answer to a request.
pub struct Answer {
    /// The redirect URI with the code or the error.
    pub location: String,
    /// The redirect URI.
    pub to: RedirectUri,
}

/// Whether there is an answer to return to the client with.
pub enum AnswerState {
    Ready(Box<Answer>),
    /// The client has redeemed the code, or it is too old.
    Over(Box<RedirectUri>),
    Undecided,
    /// "I did not start this": the browser does not return there.
    Reported,
    OpenElsewhere,
    Gone,
}

fn refused_step(error: Error<OpenRefused>) -> Error<NextStep> {
    error.map_refused(|refused| match refused {
        OpenRefused::OpenElsewhere => NextStep::OpenElsewhere,
        OpenRefused::Expired => NextStep::Expired,
    })
}

/// The request, as far as it decides whether to ask.
pub(super) fn consent_request<'a>(
    request: &'a AuthorizationRequest,
    content: &RequestContent,
    client: &Client,
    name: &'a ClientName,
    (scope, resources): (&'a ScopeSet, &'a [GrantedResource]),
) -> ConsentRequest<'a> {
    ConsentRequest {
        scope,
        resources,
        redirect_host: request.target.redirect_uri.host().unwrap_or_else(|| request.target.redirect_uri.as_str()),
        client_name: &name.name,
        public: client.is_public(),
        ask_again: content.prompt.consent || client.consent == ConsentRule::Always,
    }
}
