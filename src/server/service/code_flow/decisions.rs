//! A person's decision on an authorization request: allow, deny, report; and the code that an answered request gets.

use std::collections::BTreeSet;

use futures_util::FutureExt;

use super::codes::AUTHORIZATION_CODE;
use super::next_step::consent_request;
use super::requests::{find_request, usable};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationOrigin, AuthorizationState, RequestSource};
use crate::domain::authorization_code::{AuthorizationCode, AuthorizationCodeState};
use crate::domain::authorization_request::{AnswerTarget, AuthorizationRequest, RequestContent};
use crate::domain::client::{Client, RequestRefused};
use crate::domain::consent::{self, ConsentNeeded, REMEMBERED_FOR, RememberedConsent};
use crate::domain::delegation::Creator;
use crate::domain::device_grant::{Consent, DecisionRefused};
use crate::domain::host_account::username_account;
use crate::domain::ids::{AuthorizationId, DelegationId, HostAccountId};
use crate::domain::resource_server::GrantedResource;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::{ConsentAuthorized, SignedIn};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::clients::ClientName;
use crate::server::storage::delegations::NewDelegation;
use crate::server::storage::{
    Connection, audit_log, authorization_codes, authorization_requests, authorizations, clients, consents, delegations, host_accounts, tenants,
};
use crate::server::user_agent;

/// What a person selected on the consent page.
#[derive(Clone, Debug)]
pub struct AuthorizationConsent {
    pub consent: Consent,
    /// Of several accounts on the client's host, the one under which to arrive there.
    pub username_account: Option<HostAccountId>,
    /// *Sign in only*: the client learns who the person is, and gets nothing else.
    pub sign_in_only: bool,
    /// Not to be asked again.
    pub remember: bool,
}

/// Who decides on which request, and all that the change needs besides.
struct Decision {
    person: SignedIn,
    handle: String,
    hashes: Vec<Vec<u8>>,
    authorization: AuthorizationId,
    delegation: DelegationId,
    code_hash: Vec<u8>,
    /// When the browser session ends at the latest.
    session_end: Timestamp,
    now: Timestamp,
}

/// A request, with what it depends on now.
struct Deciding {
    request: AuthorizationRequest,
    content: RequestContent,
    client: Client,
    name: ClientName,
    tenant: Tenant,
}

/// An authorization that is given with a code, or under which one is issued.
struct Given {
    id: AuthorizationId,
    scope: ScopeSet,
    resources: Vec<GrantedResource>,
    username_account: Option<HostAccountId>,
    is_new: bool,
}

impl Services {
    /// Allows a request: authorization, delegation, code and audit event are written in one transaction.
    pub async fn allow_authorization(
        &self,
        ConsentAuthorized(person): &ConsentAuthorized,
        handle: &str,
        consent: AuthorizationConsent,
    ) -> Result<(), Error<DecisionRefused>> {
        let decision = self.decision(person, handle)?;
        self.try_write(move |db| allow(db, decision, consent).boxed()).await
    }

    /// Denies a request; `reported`: "I did not start this". Nothing is stored but the audit event.
    pub async fn deny_authorization(&self, person: &SignedIn, handle: &str, reported: bool) -> Result<(), Error<DecisionRefused>> {
        let decision = self.decision(person, handle)?;
        self.try_write(move |db| deny(db, decision, reported).boxed()).await
    }

    /// Answers a request for which no consent is needed. Returns the address with the code. Refused if consent is needed by now, or another tab
    /// was first.
    pub(super) async fn answer_without_page(
        &self,
        handle: &str,
        person: &SignedIn,
        under: Option<AuthorizationId>,
    ) -> Result<String, Error<DecisionRefused>> {
        let (decision, issuer) = (self.decision(person, handle)?, self.issuer(person.tenant_id()));
        let code = self.code_of(handle);
        let target = self.try_write(move |db| answer_under_consent(db, decision, under).boxed()).await?;
        Ok(target.with_code(code.reveal(), &issuer))
    }

    fn decision(&self, person: &SignedIn, handle: &str) -> Result<Decision, Fault> {
        let now = self.now();
        Ok(Decision {
            person: person.clone(),
            handle: handle.to_owned(),
            hashes: self.handle_hashes(handle),
            authorization: AuthorizationId::parse(self.new_id("aut")).map_err(Fault::new)?,
            delegation: DelegationId::parse(self.new_id("dlg")).map_err(Fault::new)?,
            code_hash: self.keys().hash(AUTHORIZATION_CODE, self.code_of(handle).reveal()),
            session_end: now + self.session_time_left(person).1,
            now,
        })
    }
}

impl Decision {
    /// Reads the request and what it depends on. Refused unless the person may decide on it now.
    async fn load(&self, db: &mut Connection) -> Result<Deciding, Error<DecisionRefused>> {
        let not_yours = Error::Refused(DecisionRefused::NotYours);
        if !still_signed_in(db, &self.person, self.now).await? {
            return Err(not_yours);
        }
        let Some(request) = find_request(db, &self.handle, &self.hashes).await? else { return Err(not_yours) };
        if request.tenant_id != *self.person.tenant_id() {
            return Err(not_yours);
        }
        let Ok(content) = request.content.clone() else { return Err(not_yours) };
        let tenant = tenants::find(&mut *db, &request.tenant_id).await?.filter(|tenant| tenant.enabled);
        let disabled = || Error::Refused(DecisionRefused::NotAllowed(RequestRefused::Disabled));
        let found = clients::find(&mut *db, &request.tenant_id, &request.client_id).await?;
        let (tenant, found) = tenant.zip(found).ok_or_else(disabled)?;
        let name = clients::name(&mut *db, &request.tenant_id, &request.client_id).await?.ok_or_else(disabled)?;
        usable(&found.client).map_err(|_| Error::Refused(DecisionRefused::NotAllowed(RequestRefused::GrantNotAllowed)))?;
        Ok(Deciding { request, content, client: found.client, name, tenant })
    }

    fn event(&self, kind: AuditKind, deciding: &Deciding) -> AuditEvent {
        AuditEvent::new(deciding.request.tenant_id.clone(), kind, self.now)
            .of(self.person.user_id())
            .client(&deciding.request.client_id)
            .from(self.person.session().from)
    }

    /// Whether it is the person that the request asks for, authenticated as it demands.
    fn meets_demands(&self, deciding: &Deciding) -> bool {
        let Deciding { request, content, .. } = deciding;
        let demand = content.authentication.missing(self.person.auth_times, self.person.has_second_factor, request.source.at, self.now);
        demand.is_none() && content.expected_person.as_ref().is_none_or(|expected| expected == self.person.user_id())
    }

    /// The account whose name the client is told, if it has a host and is told a name: the selected one, or the person's only one there.
    async fn username_account(
        &self,
        db: &mut Connection,
        deciding: &Deciding,
        scope: &ScopeSet,
        selected: Option<&HostAccountId>,
    ) -> Result<Option<HostAccountId>, Error<DecisionRefused>> {
        let host = deciding.client.username_of_host.as_ref().filter(|_| scope.contains(Scope::Profile));
        let Some(host) = host else { return Ok(None) };
        let accounts = host_accounts::of_person_on(db, self.person.tenant_id(), self.person.user_id(), host).await?;
        let account = username_account(&accounts, selected, self.now).ok_or(Error::Refused(DecisionRefused::HostAccountNotYours))?;
        Ok(Some(account.id.clone()))
    }

    /// Answers the request with a code under an authorization.
    async fn answer(&self, db: &mut Connection, deciding: &Deciding, given: &Given) -> Result<(), Error<DecisionRefused>> {
        let answered = deciding.request.clone().allow(&self.person.claimant(), given.id.clone(), self.now).map_err(Error::Refused)?;
        let late = Error::Refused(DecisionRefused::AlreadyDecided);
        if !authorization_requests::decide(db, &answered).await? {
            return Err(late);
        }
        if let Some(pushed) = &answered.pushed
            && !authorization_requests::decide_pushed(db, &answered.tenant_id, pushed, &answered.state).await?
        {
            // It was opened and answered in another tab or browser (RFC 9126 §4).
            return Err(late);
        }
        let (target, content) = (&answered.target, &deciding.content);
        let code = AuthorizationCode {
            tenant_id: answered.tenant_id.clone(),
            request_id: answered.id.clone(),
            client_id: answered.client_id.clone(),
            redirect_uri: target.redirect_uri.as_str().to_owned(),
            redirect_uri_named: target.named,
            challenge: content.challenge.clone(),
            nonce: content.nonce.clone(),
            person: self.person.user_id().clone(),
            session: self.person.session().session_id().clone(),
            authenticated: self.person.auth_times,
            authorization_id: given.id.clone(),
            made_authorization: given.is_new,
            scope: given.scope.clone(),
            resources: given.resources.clone(),
            username_account: given.username_account.clone(),
            issued_at: self.now,
            wrong_tries: 0,
            state: AuthorizationCodeState::Issued,
        };
        authorization_codes::insert(db, &code, &self.code_hash).await?;
        Ok(())
    }

    /// Inserts an authorization of this person for the request's client.
    async fn insert_authorization(&self, db: &mut Connection, deciding: &Deciding, given: &Given, until: Timestamp) -> Result<(), Fault> {
        let authorization = Authorization {
            tenant_id: deciding.request.tenant_id.clone(),
            id: given.id.clone(),
            client_id: deciding.request.client_id.clone(),
            person: self.person.user_id().clone(),
            origin: AuthorizationOrigin::Code,
            scope: given.scope.clone(),
            resources: given.resources.clone(),
            given: RequestSource { at: self.now, ..deciding.request.source.clone() },
            access_until: until,
            last_used: None,
            state: AuthorizationState::Live,
        };
        authorizations::insert(db, &authorization).await?;
        Ok(())
    }
}

async fn allow(db: &mut Connection, decision: Decision, selected: AuthorizationConsent) -> Result<(), Error<DecisionRefused>> {
    let deciding = decision.load(db).await?;
    let Deciding { request, client, tenant, .. } = &deciding;
    // Before all else: a second press finds the first one's result.
    request.clone().allow(&decision.person.claimant(), decision.authorization.clone(), decision.now).map_err(Error::Refused)?;
    if !decision.meets_demands(&deciding) {
        return Err(Error::Refused(DecisionRefused::NotYours));
    }
    let AuthorizationConsent { consent, username_account: selected_account, sign_in_only, remember } = selected;
    let granted = request.granted_scope(client, consent.shown_scope.as_ref());
    let resources = if sign_in_only { Vec::new() } else { deciding.content.resources.clone() };
    let granted = granted.map(|scope| if sign_in_only { scope.sign_in() } else { scope });
    let granted = granted.filter(|scope| !scope.is_empty() || !resources.is_empty());
    let scope = granted.ok_or(Error::Refused(DecisionRefused::NotAllowed(RequestRefused::NoScopeLeft)))?;
    let needs_tick = client.is_public() && tenant.policy.require_started_tick;
    let until = if consent::has_date(&scope, &resources) {
        consent::check(&consent, needs_tick, &consent::lifetimes(&tenant.policy, client.longest_access)).map_err(Error::Refused)?;
        decision.now + consent.lifetime
    } else if needs_tick && !consent.started_this {
        return Err(Error::Refused(DecisionRefused::NotConfirmed));
    } else {
        decision.session_end
    };
    let username_account = decision.username_account(db, &deciding, &scope, selected_account.as_ref()).await?;
    let given = Given { id: decision.authorization.clone(), scope: scope.clone(), resources, username_account, is_new: true };
    decision.insert_authorization(db, &deciding, &given, until).await?;
    if !scope.delegated().is_empty() {
        delegate(db, &decision, &deciding, &scope.delegated(), consent.host_accounts, until).await?;
    } else if consent::has_date(&scope, &given.resources) {
        // It permits nothing on host accounts, and lists the access among the person's applications, where it can be revoked.
        delegate(db, &decision, &deciding, &scope, Vec::new(), until).await?;
    }
    decision.answer(db, &deciding, &given).await?;
    let asked = consent_request(request, &deciding.content, client, &deciding.name, (&scope, &given.resources));
    if remember && asked.can_be_remembered() {
        let remembered = RememberedConsent {
            redirect_host: asked.redirect_host.to_owned(),
            client_name: asked.client_name.to_owned(),
            until: decision.now + REMEMBERED_FOR,
            scope: scope.clone(),
        };
        consents::save(db, &request.tenant_id, decision.person.user_id(), &request.client_id, &remembered).await?;
    }
    let kind = if consent::has_date(&scope, &given.resources) { AuditKind::AuthorizationAllowed } else { AuditKind::SignInAllowed };
    let event = decision.event(kind, &deciding).about(&request.client_id, &decision.authorization);
    let event = match origin_of(request) {
        Some(origin) => event.subject(origin),
        None => event,
    };
    audit_log::insert(db, &event).await?;
    Ok(())
}

/// Makes the delegation for the selected host accounts.
async fn delegate(
    db: &mut Connection,
    decision: &Decision,
    deciding: &Deciding,
    scope: &ScopeSet,
    selected: Vec<HostAccountId>,
    until: Timestamp,
) -> Result<(), Error<DecisionRefused>> {
    let (request, person) = (&deciding.request, &decision.person);
    let linked = host_accounts::of_person(&mut *db, person.tenant_id(), person.user_id()).await?;
    let active: BTreeSet<_> = linked.iter().filter(|account| account.is_active(decision.now)).map(|account| &account.id).collect();
    if !selected.iter().all(|id| active.contains(id)) {
        return Err(Error::Refused(DecisionRefused::HostAccountNotYours));
    }
    let new = NewDelegation {
        tenant_id: &request.tenant_id,
        id: decision.delegation.clone(),
        client_id: &request.client_id,
        user_id: person.user_id(),
        authorization_id: Some(&decision.authorization),
        made_by: Creator::Person,
        scope,
        expires_at: until,
    };
    let selected: BTreeSet<_> = selected.into_iter().collect();
    delegations::insert(db, &new, &Vec::from_iter(selected), decision.now).await?;
    Ok(())
}

/// The program that pushed the request, and its address, as far as they are known. `None` if it came from the browser.
fn origin_of(request: &AuthorizationRequest) -> Option<String> {
    request.pushed.as_ref()?;
    user_agent::program_at(&request.source.agent, request.source.from)
}

async fn deny(db: &mut Connection, decision: Decision, reported: bool) -> Result<(), Error<DecisionRefused>> {
    let deciding = decision.load(db).await?;
    let refused = deciding.request.clone().refuse(&decision.person.claimant(), reported, decision.now).map_err(Error::Refused)?;
    if !authorization_requests::decide(db, &refused).await? {
        return Err(Error::Refused(DecisionRefused::AlreadyDecided));
    }
    if reported && let Some(pushed) = &refused.pushed {
        // No other person can be led to it.
        authorization_requests::decide_pushed(db, &refused.tenant_id, pushed, &refused.state).await?;
    }
    let kind = if reported { AuditKind::AuthorizationReported } else { AuditKind::AuthorizationDenied };
    let event = decision.event(kind, &deciding);
    let event = match origin_of(&refused) {
        Some(origin) => event.subject(origin),
        None => event,
    };
    audit_log::insert(db, &event).await?;
    if reported {
        tracing::warn!(tenant = %refused.tenant_id, client = %refused.client_id, "A person reported a sign-in that they did not start");
    }
    Ok(())
}

/// Answers a request under an authorization in force; without one, under a remembered consent, with an authorization until the browser session
/// ends.
async fn answer_under_consent(
    db: &mut Connection,
    decision: Decision,
    under: Option<AuthorizationId>,
) -> Result<AnswerTarget, Error<DecisionRefused>> {
    let deciding = decision.load(db).await?;
    let Deciding { request, content, client, name, .. } = &deciding;
    let not_yours = Error::Refused(DecisionRefused::NotYours);
    if !decision.meets_demands(&deciding) {
        return Err(not_yours);
    }
    let person = &decision.person;
    let scope = request.granted_scope(client, None).ok_or(Error::Refused(DecisionRefused::NotAllowed(RequestRefused::NoScopeLeft)))?;
    let live = authorizations::live_of_person(&mut *db, person.tenant_id(), person.user_id(), Some(&client.id)).await?;
    let remembered = consents::find(&mut *db, person.tenant_id(), person.user_id(), &client.id).await?;
    let needed = consent_request(request, content, client, name, (&scope, &content.resources)).needed(remembered.as_ref(), &live, decision.now);
    // Ended meanwhile: the page is shown then.
    if needed != (ConsentNeeded::Nothing { under: under.clone() }) {
        return Err(not_yours);
    }
    let resources = content.resources.clone();
    let username_account = decision.username_account(db, &deciding, &scope, None).await?;
    let given = match under {
        Some(id) => Given { id, scope, resources, username_account, is_new: false },
        None => {
            let given = Given { id: decision.authorization.clone(), scope, resources, username_account, is_new: true };
            decision.insert_authorization(db, &deciding, &given, decision.session_end).await?;
            given
        }
    };
    decision.answer(db, &deciding, &given).await?;
    Ok(request.target.clone())
}
